//! Servers that mean harm, or behave as if they did: bounded memory, a clear error, never a panic.

use std::path::Path;
use std::process::Command;

use crate::harness::{Act, Server, anyask, http, json_answer, measured, stream, text_events};

/// Runs the program against this script and gives its status, its stderr and its peak memory in MiB.
pub fn asked(script: Vec<Act>, args: &[&str]) -> (Option<i32>, String, u64) {
    let server = Server::new(vec![script]);
    let url = server.url();
    let ours = ["--no-stdin", "--retries", "0", "--base-url", &url, "hi"];
    measured(&[&ours, args].concat(), Path::new("."))
}

#[track_caller]
fn is_bounded(script: Vec<Act>, args: &[&str], status: i32, message: &str) {
    let (code, stderr, peak) = asked(script, args);
    assert_eq!(code, Some(status), "{stderr}");
    assert!(
        stderr.starts_with("anyask: ") && stderr.contains(message) && stderr.len() < 700,
        "{stderr}"
    );
    assert!(peak <= 64, "{peak} MiB: {stderr}");
}

fn endless(head: &str, part: &str) -> Vec<Act> {
    let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n");
    vec![
        Act::Send(head.into()),
        Act::Flood(part.repeat(65_536 / part.len()).into()),
    ]
}

#[test]
fn an_error_page_of_ten_megabytes_is_one_line() {
    let page = http(
        "500 Oops",
        &["content-type: text/html"],
        "<h1>sorry</h1>".repeat(750_000),
    );
    is_bounded(vec![Act::Send(page)], &[], 8, "failed (500): sorry\n");
}

#[test]
fn whitespace_without_end_is_over_the_limit() {
    is_bounded(
        endless("content-type: application/json", " \n"),
        &["-S"],
        10,
        "the answer is over 32 MiB",
    );
    is_bounded(
        endless("content-type: text/event-stream", " "),
        &[],
        10,
        "is over 32 MiB",
    );
}

#[test]
fn an_event_without_end_is_over_the_limit() {
    let mut script = endless("content-type: text/event-stream", "xxxx");
    script.insert(1, Act::Send("data: {\"".into()));
    is_bounded(script, &[], 10, "one event of the stream is over 32 MiB");
    is_bounded(
        endless("content-type: text/event-stream", "data: x\n"),
        &[],
        10,
        "one event of the stream is over 32 MiB",
    );
}

#[test]
fn json_without_end_is_over_the_limit() {
    for part in ["[", "{\"a\":", "[1,", "{},"] {
        let mut script = endless("content-type: application/json", part);
        script.insert(1, Act::Send("{\"content\":".into()));
        is_bounded(script, &["--json"], 10, "the answer is over 32 MiB");
    }
}

#[test]
fn a_million_blocks_cost_no_memory() {
    let body = format!("{{\"content\":[{}{{}}]}}", "{},".repeat(4_000_000));
    is_bounded(
        vec![Act::Send(json_answer(&body))],
        &["-S"],
        10,
        "the answer has no text, only untyped",
    );
}

#[test]
fn deep_json_is_no_overflow() {
    let deep = format!(
        "{{\"content\":{}{}}}",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    is_bounded(
        vec![Act::Send(json_answer(&deep))],
        &["-S"],
        10,
        "the answer has no content",
    );
    let event = format!(
        "data: {{\"type\":\"message_start\",\"message\":{}{}}}\n\n",
        "[".repeat(1_000_000),
        "]".repeat(1_000_000)
    );
    is_bounded(
        vec![Act::Send(stream(&event))],
        &[],
        10,
        "the stream ended early",
    );
    is_bounded(
        vec![Act::Send(stream(&event))],
        &["--json"],
        10,
        "the stream ended early",
    );
}

#[test]
fn headers_have_a_limit() {
    let pad = format!("x-pad: {}\r\n", "a".repeat(1000));
    let server = Server::once(http(
        "200 OK",
        &[pad.repeat(100).trim_end()],
        crate::harness::answer("ok"),
    ));
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    let bomb = vec![
        Act::Send("HTTP/1.1 200 OK\r\nx-pad: ".into()),
        Act::Flood(vec![b'a'; 65_536]),
    ];
    is_bounded(bomb, &[], 10, "the headers of ");
}

#[test]
fn a_gzip_bomb_is_over_the_limit() {
    // what python's gzip makes of 1 GiB of blanks is 1 MiB
    let bomb = Command::new("python3")
        .args(["-c", "import gzip, sys\nout = gzip.GzipFile(fileobj=sys.stdout.buffer, mode='wb')\nfor _ in range(1024): out.write(b' ' * (1 << 20))\nout.close()"])
        .output()
        .expect("python3")
        .stdout;
    assert!(bomb.len() > 500_000);
    let answer = http(
        "200 OK",
        &["content-type: application/json", "content-encoding: gzip"],
        &bomb,
    );
    is_bounded(
        vec![Act::Send(answer)],
        &["-S"],
        10,
        "the answer is over 32 MiB",
    );
    let error = http("500 Oops", &["content-encoding: gzip"], &bomb);
    is_bounded(vec![Act::Send(error)], &[], 8, "failed (500)");
}

#[test]
fn halves_of_a_character_in_two_events_are_joined() {
    let delta = |text: &str| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let ping = "data: {\"type\":\"ping\"}\n\n";
    let stop = "data: {\"type\":\"message_stop\"}\n\n";
    for (events, text) in [
        (
            delta("a\\ud83d") + ping + &delta("\\ude00b") + stop,
            "a\u{1F600}b\n",
        ),
        (delta("a\\ud83d") + &delta("b") + stop, "a\u{fffd}b\n"),
        (
            delta("a\\ud83d") + &delta("\\ud83d") + &delta("\\ude00") + stop,
            "a\u{fffd}\u{1F600}\n",
        ),
        (delta("\\ude00b\\ud83dc") + stop, "\u{fffd}b\u{fffd}c\n"),
        (delta("a\\ud83d") + stop, "a\u{fffd}\n"),
    ] {
        let server = Server::once(stream(&events));
        anyask(["hi"]).at(&server).prints(text).exits(0);
    }
    let server = Server::once(json_answer(
        r#"{"content":[{"type":"text","text":"a\ud83d"}]}"#,
    ));
    anyask(["-S", "hi"])
        .at(&server)
        .prints("a\u{fffd}\n")
        .exits(0);
}

#[test]
fn nul_and_line_separators_are_text_like_any_other() {
    let server = Server::once(stream(&text_events(&["a\0b\u{2028}c\u{feff}"])));
    anyask(["hi"])
        .at(&server)
        .prints("a\0b\u{2028}c\u{feff}\n")
        .exits(0);
}

#[test]
fn odd_shapes_are_survived() {
    for (event, text) in [
        (
            "{\"type\":null,\"delta\":{\"type\":null,\"text\":\"a\"}}",
            "a\n",
        ),
        (
            "{\"type\":\"x\",\"index\":null,\"delta\":{\"text\":\"a\"},\"usage\":[],\"message\":7}",
            "a\n",
        ),
    ] {
        let server = Server::once(stream(&format!(
            "data: {event}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"
        )));
        anyask(["hi"]).at(&server).prints(text).exits(0);
    }
    let server = Server::once(json_answer(
        r#"{"model":1,"usage":"none","stop_reason":{},"content":[1,{"type":7},{"type":"text","text":"ok"}]}"#,
    ));
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: the server says nothing about it\n")
        .exits(0);
}
