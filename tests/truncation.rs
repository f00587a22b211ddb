//! An answer that is cut off anywhere, in every framing and in every way, is never taken for a complete one.

use crate::harness::{Act, ENDED_EARLY, Events, Server, answer, anyask, silent};

const PIECES: [&str; 3] = ["one ", "zwei\u{1F600} ", "trois"];

/// The size of chunks, in bytes.
const CHUNK: usize = 50;

/// An answer with these pieces, up to its end.
fn begun() -> Events {
    Events::new().texts(&PIECES)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    Length,
    Chunked,
    Close,
}

/// The complete answer, and where its head ends.
fn framed(framing: Framing, events: Events) -> (Vec<u8>, usize) {
    let answer = match framing {
        Framing::Length => events.sized(),
        Framing::Chunked => events.chunks(CHUNK),
        Framing::Close => events.http(),
    };
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head") + 4;
    (answer, head)
}

/// How many bytes of the body have arrived with this many bytes after the head.
fn arrived(framing: Framing, body: &[u8], after_head: usize) -> usize {
    if framing != Framing::Chunked {
        return after_head;
    }
    let (mut left, mut came) = (after_head, 0);
    for part in body.chunks(CHUNK) {
        let prefix = format!("{:x}\r\n", part.len()).len();
        came += left.saturating_sub(prefix).min(part.len());
        left = left.saturating_sub(prefix + part.len() + 2);
    }
    came
}

/// The text of all events that are complete within so many bytes of the body.
fn text_within(body: &str, came: usize) -> String {
    let mut text = String::new();
    let mut end = 0;
    for event in body.split_inclusive("\n\n") {
        end += event.len();
        // the first of its two line ends is enough: the end of the body ends the event too
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
fn keeps_partial_text_wherever_the_stream_is_cut() {
    let events = begun().stop("end_turn");
    let body = events.to_string();
    let stop = begun().reason("end_turn").bytes().len();
    let stopped = begun().reason("end_turn").end().bytes().len() - 1;
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (complete, head) = framed(framing, events.clone());
        // steps of 11 bytes cut every event and every chunk at other places
        for cut in (0..complete.len()).step_by(11) {
            let server = Server::new(vec![vec![Act::Send(complete[..cut].to_vec())]]);
            let run = anyask(["--retries", "0", "hi"]).at(&server);
            if cut < head {
                let (said, status) = match cut {
                    0 => ("closed the connection without an answer", 9),
                    _ => (ENDED_EARLY, 10),
                };
                run.mentions(said).exits(status);
                continue;
            }
            let came = arrived(framing, body.as_bytes(), cut - head);
            let text = text_within(&body, came);
            let printed = if text.is_empty() { text } else { text + "\n" };
            let run = run.prints(printed);
            if came > stopped {
                run.exits(0);
            } else if framing == Framing::Close && came + 2 >= stop {
                // a stop reason, and then the end of the connection: nobody can tell that something is missing
                run.exits(0);
            } else {
                run.matches("anyask: [^\n]*(ended early|is no event)[^\n]*\n").exits(10);
            }
        }
    }
}

#[test]
fn never_takes_a_reset_for_the_end() {
    let stop = begun().close().bytes().len();
    let all: String = PIECES.concat() + "\n";
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (complete, head) = framed(framing, begun().stop("end_turn"));
        for cut in (head..head + stop).step_by(53) {
            let server = Server::new(vec![vec![Act::Send(complete[..cut].to_vec()), Act::Reset]]);
            let run = anyask(["--retries", "0", "hi"]).at(&server);
            // a reset may overtake what was sent before it
            let printed =
                run.prints_something().matches("anyask: [^\n]*\n").exits_with_one_of(&[9, 10]);
            assert!(
                all.starts_with(printed.trim_end_matches('\n')),
                "{framing:?} {cut}: {printed}"
            );
        }
    }
}

#[test]
fn prints_nothing_of_json_that_is_cut() {
    let body = answer("never seen");
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let (complete, head) = framed(framing, Events::bare().raw(&body));
        for cut in (head..head + body.len() - 1).step_by(29) {
            for flag in ["--json", "-S"] {
                let server = Server::new(vec![vec![Act::Send(complete[..cut].to_vec())]]);
                anyask(["--retries", "0", flag, "hi"])
                    .at(&server)
                    .mentions("anyask: the ")
                    .exits(10);
            }
        }
    }
}

#[test]
fn timeout_does_not_end_a_slow_answer() {
    let complete = begun().stop("end_turn").chunks(CHUNK);
    let server = Server::new(vec![vec![Act::Trickle(complete)]]);
    // the timeout limits a silence, not the whole answer
    anyask(["-v", "--timeout", "0.4", "--retries", "0", "hi"])
        .at(&server)
        .prints(PIECES.concat() + "\n")
        .matches(".*\n\\* the answer ended after (0\\.[4-9]|[1-9])[^\n]* s\n")
        .exits(0);
}

#[test]
fn reports_silence_wherever_it_begins() {
    let events = begun().stop("end_turn");
    let body = events.to_string();
    let (complete, head) = framed(Framing::Chunked, events);
    for cut in [0, 20, head, head + 400, complete.len() / 2] {
        let server = Server::new(vec![vec![Act::Send(complete[..cut].to_vec()), Act::Hang]]);
        let text = text_within(
            &body,
            arrived(Framing::Chunked, body.as_bytes(), cut.saturating_sub(head)),
        );
        let printed = if text.is_empty() { text } else { text + "\n" };
        anyask(["--timeout", "0.2", "--retries", "0", "hi"])
            .at(&server)
            .prints(printed)
            .says(&silent(&server))
            .exits(9);
    }
}

#[test]
fn timeout_does_not_end_an_answer_that_pauses_with_pings() {
    let pings = Events::bare().raw("event: ping\n").ping().raw(": keep-alive\n\n").bytes();
    let server = Server::new(vec![vec![
        Act::Send(Events::bare().http()),
        Act::Trickle(pings.repeat(8)),
        Act::Send(Events::new().text("ok").stop("end_turn").bytes()),
    ]]);
    anyask(["--timeout", "0.4", "--retries", "0", "hi"]).at(&server).prints("ok\n").exits(0);
}
