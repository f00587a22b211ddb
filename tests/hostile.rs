//! Servers that mean harm, or behave as if they did: bounded memory, a clear error, never a panic.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::harness::{Act, ENDED_EARLY, Events, Server, answer, anyask, http, json_answer};

const OVER_LIMIT: &str = "is over 32 MiB";

/// Asks a server that answers so, and checks that the failure is told in few words and takes little memory.
#[track_caller]
fn is_bounded(script: Vec<Act>, args: &[&str], status: i32, message: &str) {
    let server = Server::new(vec![script]);
    let run = anyask(["--retries", "0", "hi"]).args(args).at(&server);
    let run = run.matches("anyask: .{0,700}").mentions(message);
    let peak = run.peak_memory(status);
    assert!(peak <= 64, "{peak} MiB: {message}");
}

/// An answer with this header, and then this without end.
fn endless(header: &str, part: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n");
    let flood = part.repeat(65_536 / part.len());
    vec![Act::Send(head.into()), Act::Flood(flood.into())]
}

#[test]
fn an_error_page_of_ten_megabytes_is_one_line() {
    let page = http("500 Oops", &["content-type: text/html"], "<h1>sorry</h1>".repeat(750_000));
    is_bounded(vec![Act::Send(page)], &[], 8, "failed (500): sorry\n");
}

#[test]
fn endless_whitespace_is_over_the_limit() {
    let json = endless("content-type: application/json", " \n");
    is_bounded(json, &["-S"], 10, OVER_LIMIT);
    let events = endless("content-type: text/event-stream", " ");
    is_bounded(events, &[], 10, OVER_LIMIT);
}

#[test]
fn an_endless_event_is_over_the_limit() {
    let mut one_line = endless("content-type: text/event-stream", "xxxx");
    one_line.insert(1, Act::Send("data: {\"".into()));
    let lines = endless("content-type: text/event-stream", &format!("data: {}\n", "x".repeat(57)));
    for script in [one_line, lines] {
        is_bounded(script, &[], 10, &format!("one event of the stream {OVER_LIMIT}"));
    }
}

#[test]
fn endless_json_is_over_the_limit() {
    for part in ["[", "{\"a\":", "[1,", "{},"] {
        let mut script = endless("content-type: application/json", part);
        script.insert(1, Act::Send("{\"content\":".into()));
        is_bounded(script, &["--json"], 10, &format!("the answer {OVER_LIMIT}"));
    }
}

#[test]
fn four_million_content_blocks_take_no_memory() {
    let body = format!("{{\"content\":[{}{{}}]}}", "{},".repeat(4_000_000));
    let script = vec![Act::Send(json_answer(&body))];
    is_bounded(script, &["-S"], 10, "the answer has no text, only untyped");
}

#[test]
fn deeply_nested_json_does_not_overflow_the_stack() {
    let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    let body = json_answer(&format!("{{\"content\":{deep}}}"));
    is_bounded(vec![Act::Send(body)], &["-S"], 10, "the answer has no content");
    let event = format!("{{\"type\":\"message_start\",\"message\":{deep}}}");
    let events = Events::bare().data(&event).http();
    for args in [&[][..], &["--json"]] {
        is_bounded(vec![Act::Send(events.clone())], args, 10, ENDED_EARLY);
    }
}

#[test]
fn accepts_50_kb_of_headers_but_not_over_64_kib() {
    let pad = |kb| format!("x-pad: {}\r\n", "a".repeat(991)).repeat(kb);
    let server = Server::once(http("200 OK", &[pad(50).trim_end()], answer("ok")));
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    for kb in [66, 100] {
        let server = Server::once(http("200 OK", &[pad(kb).trim_end()], answer("ok")));
        let host = server.host();
        anyask(["hi"])
            .at(&server)
            .says(&format!("anyask: the headers of {host}'s answer are over 64 KiB\n"))
            .exits(10);
    }
    let head = Act::Send("HTTP/1.1 200 OK\r\nx-pad: ".into());
    is_bounded(vec![head, Act::Flood(vec![b'a'; 65_536])], &[], 10, "the headers of ");
}

#[test]
fn a_gzip_bomb_is_over_the_limit() {
    // 1 GiB of blanks becomes 5 MB
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..1024 {
        gzip.write_all(&vec![b' '; 1 << 20]).expect("memory");
    }
    let bomb = gzip.finish().expect("memory");
    assert!(bomb.len() > 500_000, "{}", bomb.len());
    let headers = ["content-type: application/json", "content-encoding: gzip"];
    let answer = http("200 OK", &headers, &bomb);
    is_bounded(vec![Act::Send(answer)], &["-S"], 10, &format!("the answer {OVER_LIMIT}"));
    let error = http("500 Oops", &headers[1..], &bomb);
    is_bounded(vec![Act::Send(error)], &[], 8, "failed (500)");
}
