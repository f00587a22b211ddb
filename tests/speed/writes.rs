//! How often it writes to stdout.

use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};

use crate::harness::{Act, Events, Gate, Run, Server, anyask};

/// Runs it and gives each write to stdout: its stdout is a socket that keeps writes apart as messages.
fn writes(run: Run, mut each: impl FnMut(&[u8])) {
    let kind = (AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC);
    let (ours, theirs): (OwnedFd, OwnedFd) =
        socketpair(kind.0, kind.1, kind.2, None).expect("a pair of sockets");
    let running = run.start_into(theirs);
    let mut message = vec![0; 1 << 20];
    loop {
        let (count, _) = recv(&ours, &mut message[..], RecvFlags::empty()).expect("a message");
        if count == 0 {
            break;
        }
        each(&message[..count]);
    }
    running.exits(0);
}

#[test]
fn writes_together_what_arrives_together() {
    const DELTAS: usize = 20_000;
    let events = Events::new().texts(&vec!["sixteen bytes..."; DELTAS]).stop("end_turn");
    // with its length, in one piece: each read fills the program's buffer
    let answer = events.sized();
    for (args, size) in [(&[][..], Some(DELTAS * 16 + 1)), (&["--json", "--stream"], None)] {
        let server = Server::once(answer.clone());
        let (mut count, mut bytes) = (0, 0);
        writes(anyask(["hi"]).args(args).at(&server), |message| {
            count += 1;
            bytes += message.len();
        });
        assert!(size.is_none_or(|size| bytes == size), "{bytes}");
        // the program reads at least 8 KiB at a time; a write for each delta would be 20,000
        let most = answer.len() / (8 << 10);
        assert!(count <= most, "{count} writes for {} bytes", answer.len());
    }
}

#[test]
fn writes_at_once_what_arrives_alone() {
    let events = Events::new().texts(&["one ", "two ", "three"]).stop("end_turn").to_string();
    let mut acts = vec![Act::Send(Events::bare().http())];
    let gate = Gate::new(2);
    for event in events.split_inclusive("\n\n") {
        acts.push(Act::Send(event.into()));
        if event.contains("text_delta") {
            acts.push(Act::Wait(gate.clone()));
        }
    }
    let server = Server::new(vec![acts]);
    let mut all = Vec::new();
    writes(anyask(["hi"]).at(&server), |message| {
        all.push(String::from_utf8_lossy(message).into_owned());
        if message != b"\n" {
            // the server goes on only now: the write did not wait for what comes next
            gate.wait();
        }
    });
    assert_eq!(all, ["one ", "two ", "three", "\n"]);
}
