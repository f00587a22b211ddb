//! Servers that mean harm, or behave as if they did: bounded memory, a clear error, never a panic.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use serde_json::json;

use crate::harness::{
    Act, ENDED_EARLY, Events, Run, Server, answer, anyask, folder, http, json_answer,
};

const OVER_LIMIT: &str = "is over 32 MiB";
const OVER_KEPT: &str = "the answer is over 64 MiB, the most that is kept of one\n";
/// How often something is repeated that must not cost more each time.
const MANY: usize = 20_000;

/// Asks a server that answers so, and checks that the failure is told in few words and takes little memory.
#[track_caller]
fn is_bounded(script: Vec<Act>, args: &[&str], status: i32, message: &str) {
    takes_at_most(64, script, anyask(["--retries", "0", "hi"]).args(args), status, message);
}

/// The same with so many MiB of memory.
#[track_caller]
fn takes_at_most(mib: u64, script: Vec<Act>, run: Run, status: i32, message: &str) {
    let server = Server::new(vec![script]);
    let run = run.at(&server).matches("anyask: .{0,700}").mentions(message);
    let peak = run.peak_memory(status);
    assert!(peak <= mib, "{peak} MiB: {message}");
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

/// A stream that has begun, and goes on with this without end.
fn endless_events(part: &Events) -> Vec<Act> {
    let head = Act::Send(Events::new().http());
    vec![head, Act::Flood(part.clone().bytes())]
}

/// A quarter of a MiB.
fn long() -> String {
    "long ".repeat(50_000)
}

#[test]
fn endless_text_is_kept_up_to_64_mib() {
    let text = || endless_events(&Events::bare().text(&long()));
    let folder = folder();
    for args in [&["-S"][..], &["--chat", "chat"], &["-o", "file"]] {
        let run = anyask(["hi"]).args(args).in_dir(&folder);
        takes_at_most(220, text(), run, 10, OVER_KEPT);
    }
    assert!(!folder.join("file").exists());
    let batch = anyask(["--batch", "-j1"]).stdin("hi\n");
    takes_at_most(220, text(), batch, 12, "1 item failed");
}

#[test]
fn endless_thinking_is_kept_up_to_64_mib_as_json() {
    let thinking = endless_events(&Events::bare().thinking(&long()).event(json!({
        "type": "content_block_delta", "index": 0,
        "delta": {"type": "thinking_delta", "thinking": long()},
    })));
    takes_at_most(220, thinking, anyask(["--json", "hi"]), 10, OVER_KEPT);
    let white_space = endless_events(&Events::bare().text(&"\u{3000}".repeat(100_000)));
    takes_at_most(220, white_space, anyask(["hi"]), 10, OVER_KEPT);
    let blocks =
        json!({"type": "content_block_start", "content_block": {"type": "x", "y": long()}});
    let blocks = endless_events(&Events::bare().event(blocks));
    takes_at_most(300, blocks, anyask(["--json", "hi"]), 10, OVER_KEPT);
}

#[test]
fn endless_comments_are_recorded_up_to_64_mib() {
    let folder = folder();
    let ping = Events::bare().event(json!({"type": "ping", "x": "x".repeat(1000)})).to_string();
    for part in [": keep-alive\n", &ping] {
        let script = endless("content-type: text/event-stream", part);
        let run = anyask(["--record", "answers", "hi"]).in_dir(&folder);
        takes_at_most(300, script, run, 10, OVER_KEPT);
    }
    assert_eq!(folder.read("answers"), "");
}

#[test]
fn endless_text_that_is_printed_takes_no_memory() {
    // as long as it arrives, it is no error; a reader that goes away ends it
    let server = Server::new(vec![endless_events(&Events::bare().text(&long()))]);
    let mut running = anyask(["hi"]).at(&server).start();
    for _ in 0..100 {
        running.reads(1 << 20);
    }
    running.stops_reading();
    running.exits(0);
}

#[test]
fn json_and_then_30_mb_of_blanks_is_an_answer() {
    let body = answer("ok") + &" \n".repeat(15_000_000);
    let server = Server::once(json_answer(&body));
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    let event = format!("data: {}{}\n\n", answer("ok"), " ".repeat(30_000_000));
    let server = Server::once(Events::bare().raw(event).http());
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

/// Each of these took the square of its length.
#[test]
fn a_page_of_one_word_again_and_again_is_read_once() {
    for word in [
        "error",
        "error code: ",
        "error 1 ",
        "<",
        "<a>",
        "<title>1",
        "arg1=",
        "{",
        "[",
        "\"",
        "{\"error\":",
        "\\ud",
        "{}",
        "data:",
        "data: {}\n",
        "\n",
        "1 ",
    ] {
        let body = word.repeat((256 << 10) / word.len());
        for (status, exits) in [("403 X", [6, 7]), ("500 X", [8, 7]), ("200 X", [10, 7])] {
            let server = Server::once(http(status, &["content-type: text/html"], &body));
            let run = anyask(["--retries", "0", "hi"]).at(&server).mentions("anyask: ");
            run.exits_with_one_of(&exits);
        }
    }
}

/// Asks for JSON where the server streams these events, and gives the message.
fn folded(events: Events) -> serde_json::Value {
    let server = Server::once(events.reason("end_turn").end().http());
    anyask(["-q", "--json", "hi"]).at(&server).json()
}

#[test]
fn each_event_costs_as_much_as_the_first() {
    let many = |event: &dyn Fn(usize) -> serde_json::Value| {
        (0..MANY).fold(Events::new().text("ok"), |all, number| all.event(event(number)))
    };
    let field = |number: usize| json!({format!("f{number}"): number});
    let usage = folded(many(
        &|number| json!({"type": "message_delta", "delta": {}, "usage": field(number)}),
    ));
    assert_eq!(usage["usage"].as_object().map(serde_json::Map::len), Some(MANY + 2));
    let pings = folded(many(&|number| json!({"type": "ping", "usage": field(number)})));
    assert_eq!(pings["usage"], usage["usage"]);
    let fields = folded(many(&|number| json!({"type": "message_delta", "delta": field(number)})));
    assert_eq!(fields["f19999"], 19_999);
    // each event names a block of its own, and then all name the first one
    let delta = |index| json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": "x"}});
    let blocks = folded(many(&delta));
    assert_eq!(blocks["content"].as_array().map(Vec::len), Some(MANY));
    let block = |number| json!({"type": "content_block_start", "index": number + 1, "content_block": {"type": "tool_use"}});
    let events = (0..MANY).fold(many(&block), |all, _| all.event(delta(0)));
    let blocks = folded(events);
    assert_eq!(blocks["content"].as_array().map(Vec::len), Some(MANY + 1));
    assert_eq!(blocks["content"][0]["text"].as_str().map(str::len), Some(MANY + 2));
}
