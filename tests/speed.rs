//! What makes it fast, told without a clock: how often it writes, how much memory it takes.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};

use crate::harness::{Act, Server, stream, text_events};

/// What the program writes to stdout, write by write: each is a message of a socket that keeps them apart.
fn writes(server: &Server, args: &[&str], mut each: impl FnMut(&[u8])) {
    let pair = socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    );
    let (ours, theirs): (OwnedFd, OwnedFd) = pair.expect("a pair of sockets");
    let mut command = Command::new(env!("CARGO_BIN_EXE_anyask"));
    command
        .args(["--no-stdin", "--base-url", &server.url(), "hi"])
        .args(args)
        .env("ANYROUTER_API_KEY", "k");
    let mut child = command
        .stdout(Stdio::from(theirs))
        .spawn()
        .expect("the program");
    // the command holds their end too, and the end of all writes is seen when nobody does
    drop(command);
    let mut message = vec![0; 1 << 20];
    loop {
        let (count, _) = recv(&ours, &mut message[..], RecvFlags::empty()).expect("a message");
        if count == 0 {
            break;
        }
        each(&message[..count]);
    }
    assert!(child.wait().expect("the end").success());
}

#[test]
#[cfg(target_os = "linux")]
fn what_arrives_together_is_written_together() {
    const DELTAS: usize = 20_000;
    let pieces = vec!["sixteen bytes..."; DELTAS];
    let events = text_events(&pieces);
    // in one piece, with its length: what is read at once is as much as the buffer holds
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n",
        events.len()
    );
    for (args, size) in [(&[][..], DELTAS * 16 + 1), (&["--json", "--stream"], 0)] {
        let server = Server::once(head.clone() + &events);
        let (mut count, mut bytes) = (0, 0);
        writes(&server, args, |message| {
            count += 1;
            bytes += message.len();
        });
        assert!(size == 0 || bytes == size, "{bytes}");
        // a read is 16 KiB at least where there is so much; a write for each delta would be 20,000
        assert!(
            count <= events.len() / (8 << 10),
            "{count} writes for {} bytes",
            events.len()
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_arrives_alone_is_written_alone_and_at_once() {
    let events = text_events(&["one ", "two ", "three"]);
    let mut acts = vec![Act::Send(stream(""))];
    let seen = Arc::new(Barrier::new(2));
    for event in events.split_inclusive("\n\n") {
        acts.push(Act::Send(event.into()));
        if event.contains("text_delta") {
            acts.push(Act::Meet(Arc::clone(&seen)));
        }
    }
    let server = Server::new(vec![acts]);
    let mut all = Vec::new();
    writes(&server, &[], |message| {
        all.push(String::from_utf8_lossy(message).into_owned());
        if message != b"\n" {
            // the server goes on only now: nothing waited for what comes next
            seen.wait();
        }
    });
    assert_eq!(all, ["one ", "two ", "three", "\n"]);
}

#[test]
fn memory_does_not_grow_with_the_stream() {
    let peak = |deltas: usize| {
        let pieces = vec!["sixteen bytes..."; deltas];
        let (code, stderr, peak) =
            crate::hostile::asked(vec![Act::Send(stream(&text_events(&pieces)))], &[]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        peak
    };
    let (short, long) = (peak(1), peak(200_000));
    assert!(long <= short + 1, "{short} and {long} MiB");
}
