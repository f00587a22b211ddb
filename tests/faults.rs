//! An answer cut off anywhere, in every framing, in every way: never taken for a whole one.

use crate::harness::{Act, Server, anyask, text_events};

const PIECES: [&str; 3] = ["one ", "zwei\u{1F600} ", "trois"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunked,
    Close,
}

/// The whole answer, where its head ends, and for each byte of the body where it stands in the whole.
fn framed(framing: Framing, body: &[u8]) -> (Vec<u8>, usize) {
    let kind = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    let (head, body) = match framing {
        Framing::Length => (
            format!("{kind}content-length: {}\r\n\r\n", body.len()),
            body.to_vec(),
        ),
        Framing::Close => (format!("{kind}connection: close\r\n\r\n"), body.to_vec()),
        Framing::Chunked => {
            let chunk =
                |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
            let chunks: Vec<u8> = body.chunks(50).flat_map(chunk).collect();
            (
                format!("{kind}transfer-encoding: chunked\r\n\r\n"),
                [&chunks[..], b"0\r\n\r\n"].concat(),
            )
        }
    };
    let end = head.len();
    ([head.into_bytes(), body].concat(), end)
}

/// How many bytes of the body have come when this much of the whole has.
fn arrived(framing: Framing, body: &[u8], after_head: usize) -> usize {
    if framing != Framing::Chunked {
        return after_head;
    }
    let (mut left, mut came) = (after_head, 0);
    for part in body.chunks(50) {
        let prefix = format!("{:x}\r\n", part.len()).len();
        came += left.saturating_sub(prefix).min(part.len());
        left = left.saturating_sub(prefix + part.len() + 2);
    }
    came
}

/// The text of all events that are whole within the first `came` bytes of the body.
fn text_within(body: &str, came: usize) -> String {
    let mut text = String::new();
    let mut end = 0;
    for event in body.split_inclusive("\n\n") {
        end += event.len();
        // the first of the two line ends may do: the end of the body ends the event too
        if end - 1 <= came {
            text.extend(
                PIECES
                    .into_iter()
                    .find(|piece| event.contains(&serde_json::Value::from(*piece).to_string())),
            );
        }
    }
    text
}

#[test]
fn what_had_arrived_is_kept_and_the_cut_is_told_wherever_it_is() {
    let body = text_events(&PIECES);
    let stop = body
        .find("data: {\"type\": \"message_stop\"}")
        .expect("the stop");
    let stopped = stop + "data: {\"type\": \"message_stop\"}\n".len();
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (whole, head) = framed(framing, body.as_bytes());
        // every part of the head, and steps that are no multiple of an event's or a chunk's length
        for cut in (0..whole.len()).step_by(11) {
            let server = Server::new(vec![vec![Act::Send(whole[..cut].to_vec())]]);
            let run = anyask(["--retries", "0", "hi"]).at(&server);
            if cut < head {
                let (said, status) = match cut {
                    0 => ("closed the connection without an answer", 9),
                    _ => ("ended early: peer disconnected", 10),
                };
                run.prints("").mentions(said).exits(status);
                continue;
            }
            let came = arrived(framing, body.as_bytes(), cut - head);
            let text = text_within(&body, came);
            let printed = if text.is_empty() { text } else { text + "\n" };
            let run = run.prints(printed);
            if came > stopped {
                run.exits(0);
            } else if framing == Framing::Close && came + 2 >= stop {
                // a stop reason and then a clean end, as far as anyone can tell
                run.exits(0);
            } else {
                run.matches("anyask: [^\n]*(ended early|is no event)[^\n]*\n")
                    .exits(10);
            }
        }
    }
}

#[test]
fn a_reset_is_never_taken_for_an_end() {
    let body = text_events(&PIECES);
    let stop = body
        .find("data: {\"type\": \"message_delta\"")
        .expect("the stop reason");
    let all: String = PIECES.concat() + "\n";
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (whole, head) = framed(framing, body.as_bytes());
        for cut in (head..head + stop).step_by(53) {
            let server = Server::new(vec![vec![Act::Send(whole[..cut].to_vec()), Act::Reset]]);
            let url = server.url();
            let output = std::process::Command::new(env!("CARGO_BIN_EXE_anyask"))
                .args(["--retries", "0", "--no-stdin", "--base-url", &url, "hi"])
                .env("ANYROUTER_API_KEY", "k")
                .output()
                .expect("the program");
            // a reset may overtake what was sent before it
            assert!(
                matches!(output.status.code(), Some(9 | 10)),
                "{framing:?} {cut}: {output:?}"
            );
            let printed = String::from_utf8_lossy(&output.stdout);
            assert!(all.starts_with(printed.trim_end_matches('\n')), "{printed}");
            assert_eq!(
                String::from_utf8_lossy(&output.stderr).lines().count(),
                1,
                "{output:?}"
            );
        }
    }
}

#[test]
fn a_cut_json_answer_is_not_printed_at_all() {
    let body = crate::harness::answer("never seen");
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (whole, head) = framed(framing, body.as_bytes());
        for cut in (head..head + body.len() - 1).step_by(29) {
            for flag in ["--json", "-S"] {
                let server = Server::new(vec![vec![Act::Send(whole[..cut].to_vec())]]);
                anyask(["--retries", "0", flag, "hi"])
                    .at(&server)
                    .mentions("anyask: the ")
                    .exits(10);
            }
        }
    }
}

#[test]
fn a_slow_drip_is_no_silence() {
    let (whole, _) = framed(Framing::Chunked, text_events(&PIECES).as_bytes());
    let server = Server::new(vec![vec![Act::Trickle(whole)]]);
    let begun = std::time::Instant::now();
    anyask(["--timeout", "0.4", "--retries", "0", "hi"])
        .at(&server)
        .prints(PIECES.concat() + "\n")
        .exits(0);
    // it took longer than any silence may, and that is not what the limit is about
    assert!(begun.elapsed() > std::time::Duration::from_millis(400));
}

#[test]
fn silence_is_told_wherever_it_begins() {
    let body = text_events(&PIECES);
    let (whole, head) = framed(Framing::Chunked, body.as_bytes());
    for cut in [0, 20, head, head + 400, whole.len() / 2] {
        let server = Server::new(vec![vec![Act::Send(whole[..cut].to_vec()), Act::Hang]]);
        let text = text_within(
            &body,
            arrived(Framing::Chunked, body.as_bytes(), cut.saturating_sub(head)),
        );
        let printed = if text.is_empty() { text } else { text + "\n" };
        anyask(["--timeout", "0.2", "--retries", "0", "hi"])
            .at(&server)
            .prints(printed)
            .says(&format!(
                "anyask: {} was silent for 0.2 s\nhint: --timeout SECONDS waits longer\n",
                server.host()
            ))
            .exits(9);
    }
}

#[test]
fn pings_are_no_silence() {
    let ping = "event: ping\ndata: {\"type\": \"ping\"}\n\n: keep-alive\n\n";
    let head = crate::harness::stream("");
    let server = Server::new(vec![vec![
        Act::Send(head),
        Act::Trickle(ping.repeat(8).into()),
        Act::Send(text_events(&["ok"]).into()),
    ]]);
    anyask(["--timeout", "0.4", "--retries", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .exits(0);
}
