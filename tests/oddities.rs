//! What servers and relays send beside the documented form, from public bug reports: each is read for what it means.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{
    Act, Events, Gate, Server, answer, anyask, error_body, folder, http, json_answer,
    prints_in_time, silent,
};

const REPAIRED: &str = "anyask: note: the server sent invalid JSON, which was repaired
";

/// Asks a server that answers with these bytes, and checks what is printed and said.
#[track_caller]
fn check(answer: Vec<u8>, printed: &str, said: &str, exit: i32) {
    let server = Server::once(answer);
    let said = said.replace("HOST", &server.host());
    let run = anyask(["--retries", "0", "hi"]).at(&server).prints(printed);
    run.says(&said).exits(exit);
}

#[test]
fn the_last_value_of_a_repeated_key_counts() {
    let events = [
        r#"{"type":"content_block_delta","index":0,"index":0,"delta":{"type":"text_delta","text":"no","text":"one "}}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"two"}}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_reason":"end_turn"},"usage":{"output_tokens":1,"output_tokens":2}}"#,
    ];
    let events = events.iter().fold(Events::bare(), |events, json| events.data(json));
    check(events.end().http(), "one two\n", "", 0);
    let body = r#"{"content":[{"type":"text","type":"text","text":"ok"}],"content":[{"type":"text","text":"ok"}],"stop_reason":"x","stop_reason":"end_turn"}"#;
    check(json_answer(body), "ok\n", "", 0);
    let error = r#"{"error":{"type":"x","type":"permission_error","message":"a","message":"b"}}"#;
    let said = "anyask: HOST did not permit the request (403 permission_error): b\n";
    check(http("403 Forbidden", &[], error), "", said, 6);
}

#[test]
fn text_comes_from_start_and_delta_events_only() {
    let [empty, whole] = ["", "Hello."].map(|text| json!({"type": "text", "text": text}));
    let events = Events::bare()
        .event(json!({"type": "content_block_start", "index": 0, "content_block": empty}))
        .text("Hello.")
        .event(json!({"type": "content_block_stop", "index": 0, "content_block": whole}))
        .reason("end_turn")
        .event(json!({"type": "message_stop", "message": {"content": [whole]}}));
    check(events.http(), "Hello.\n", "", 0);
}

#[test]
fn an_error_in_mid_stream_keeps_its_words() {
    let bare = r#"{"type":"error","error":{"type":"overloaded_error","message":"too busy"}}"#;
    let torn = format!(r#"data: {{"type":"content_block_delta","in{bare}"#);
    let plain = "event: error\ndata: upstream went away".to_string();
    for (error, words) in [
        (bare.to_string(), "overloaded_error: too busy"),
        (torn, "overloaded_error: too busy"),
        (plain, "an error: upstream went away"),
    ] {
        let said = format!("anyask: the server answered with {words}\n");
        let events = Events::new().text("kept").raw(format!("{error}\n\n"));
        check(events.http(), "kept\n", &said, 8);
    }
}

#[test]
fn json_of_another_kind_is_named() {
    let completion =
        r#"{"id":"c","object":"chat.completion","choices":[{"message":{"content":"hi"}}]}"#;
    let chunk =
        r#"{"id":"c","object":"chat.completion.chunk","choices":[{"delta":{"content":"hi"}}]}"#;
    let said = "anyask: this is an OpenAI-style answer\n\
                hint: is --base-url the address of a Messages API?\n";
    check(json_answer(completion), "", said, 10);
    check(Events::bare().data(chunk).done().http(), "", said, 10);
    for (body, words) in [
        (r#"{"detail":[{"loc":["body","model"],"msg":"bad"}]}"#, "body.model: bad"),
        (r#"{"code":1001,"msg":"no such user"}"#, "no such user"),
        (r#"{"fault":{"faultstring":"quota"}}"#, "quota"),
    ] {
        let said = format!("anyask: the answer is not a message: {words}\n");
        check(json_answer(body), "", &said, 10);
    }
}

#[test]
fn a_web_page_is_known_by_its_title() {
    let page = "<!doctype html><html><head><style>p { x: y }</style><title>New API</title></head>";
    let html = ["content-type: text/html"];
    let said = "anyask: the answer is a web page: New API\n\
                hint: is --base-url the address of the API?\n";
    check(http("200 OK", &html, page), "", said, 10);
    let said = "anyask: HOST failed (502): New API\n";
    check(http("502 Bad Gateway", &html, page), "", said, 8);
}

#[test]
fn raw_control_characters_in_a_string_are_escaped() {
    let delta = |text: &str| {
        format!(
            r#"{{"type":"content_block_delta","delta":{{"type":"text_delta","text":"{text}"}}}}"#
        )
    };
    for char in ['\t', '\0', '\u{1b}', '\u{c}', '\u{1f}'] {
        let (text, printed) = (format!("a{char}b"), format!("a{char}b\n"));
        let events = Events::bare().data(&delta(&text)).end().http();
        check(events.clone(), &printed, REPAIRED, 0);
        let escaped = delta(&format!("a\\u{:04x}b", char as u32));
        let server = Server::once(events);
        let run = anyask(["--json", "--stream", "hi"]).at(&server).says(REPAIRED);
        run.prints(escaped + "\n{\"type\": \"message_stop\"}\n").exits(0);
        let body = answer("#").replace('#', &text);
        check(json_answer(&body), &printed, REPAIRED, 0);
        let server = Server::once(json_answer(&body));
        let row = anyask(["--batch", "--json"]).stdin("hi").at(&server).prints_something();
        let row = row.mentions("note: line 1: the server sent invalid JSON").exits(0);
        let row: Value = serde_json::from_str(&row).expect("JSON");
        assert_eq!(row["response"]["content"][0]["text"], text);
    }
    // a line end splits the event, as long as no blank line does
    for end in ["\n", "\r", "\r\n"] {
        let events = Events::bare().data(&delta(&format!("a{end}b"))).end().http();
        check(events, "a\nb\n", REPAIRED, 0);
    }
}

#[test]
fn events_that_are_glued_are_all_read() {
    let [one, two, three] = ["a", "b", "c"].map(|text| {
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}).to_string()
    });
    let stop = json!({"type": "message_stop"});
    for glue in ["", " ", ",", ", ", "\0", "event: content_block_delta data: ", "data:", " and "] {
        let line = [&*one, &two, &three].join(glue);
        check(Events::bare().data(&line).end().http(), "abc\n", REPAIRED, 0);
        let named = Events::bare().raw("event: content_block_delta\n").data(&line);
        check(named.event(stop.clone()).http(), "abc\n", REPAIRED, 0);
    }
    check(
        Events::bare().data(&format!("[{one}, {two},{three}]")).end().http(),
        "abc\n",
        REPAIRED,
        0,
    );
    // the name belongs to the first one alone
    let error = error_body("overloaded_error", "busy");
    let said = "anyask: the server answered with overloaded_error: busy\n";
    check(Events::bare().data(&(one.clone() + &error)).http(), "a\n", said, 8);
    let said = "anyask: the stream holds an event that is not JSON: {\"type\":\"content_blo\n";
    check(Events::bare().data(&(one + &two[..20])).end().http(), "a\n", said, 10);
}

#[test]
fn what_follows_a_whole_message_is_left_out() {
    let note =
        "anyask: note: the server sent more after the end of its answer, which was left out\n";
    let error = error_body("overloaded_error", "busy");
    for more in [
        "\n\ndata: [DONE]\n\n",
        "\0\0\0",
        " // done",
        "<!-- cached -->",
        "}",
        &answer("no"),
        &error,
    ] {
        let body = answer("ok") + more;
        check(json_answer(&body), "ok\n", note, 0);
        let server = Server::once(json_answer(&body));
        let run = anyask(["--json", "hi"]).at(&server).prints(answer("ok") + "\n");
        run.says(note).exits(0);
    }
    check(json_answer(&(answer("ok") + "\n \r\n")), "ok\n", "", 0);
}

#[test]
fn events_without_a_blank_line_between_are_printed_as_they_come() {
    for events in [Events::new(), Events::named()] {
        let events = events.text("first").text("second").ping().to_string().replace("\n\n", "\n");
        prints_in_time(&[], Events::bare().raw(events), "firstsecond");
    }
    let events = Events::named().thinking("so").text("ok").stop("end_turn").to_string();
    for end in ["\n", "\r", "\r\n"] {
        let events = events.replace("\n\n", "\n").replace('\n', end);
        check(Events::bare().raw(&events).http(), "ok\n", "", 0);
        let server = Server::once(Events::bare().raw(events).http());
        let message = anyask(["--json", "hi"]).at(&server).json();
        assert_eq!(message["content"][1], json!({"type": "text", "text": "ok"}));
    }
}

#[test]
fn a_whole_message_may_come_as_one_event() {
    let untyped = r#"{"content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn"}"#;
    for body in [&answer("ok"), untyped, r#"{"type":"message","content":"ok"}"#] {
        for events in [
            Events::bare().data(body),
            Events::bare().ping().data(body).end().done(),
            Events::bare().raw("event: message\n").data(body),
            Events::bare().raw("event: completion\n").data(body).done(),
            Events::bare().raw(format!("data: {body}")),
        ] {
            check(events.clone().http(), "ok\n", "", 0);
            let server = Server::once(events.http());
            anyask(["--json", "hi"]).at(&server).prints(format!("{body}\n")).exits(0);
        }
    }
    // after text, it is only said again
    let events = Events::new().text("ok").data(&answer("ok")).stop("end_turn");
    check(events.http(), "ok\n", "", 0);
}

#[test]
fn the_content_type_is_named_where_nothing_can_be_read() {
    let frame = b"\0\0\0\x9e\0\0\0\x57\x0b:event-type\x07\0\x05chunk{\"bytes\":\"eyJ0eXBl\"}";
    let kind = |kind| ["content-type: ", kind].concat();
    for (kind, body, words) in [
        (kind("application/vnd.amazon.eventstream"), &frame[..], ""),
        (kind("application/x-protobuf; v=1"), b"\xff\x01", ""),
        (kind("Application/Octet-Stream"), b"busy\n", ": busy"),
    ] {
        let name = kind.to_lowercase();
        let name = name.strip_prefix("content-type: ").expect("a type").split(';').next();
        let said =
            format!("anyask: the answer is not JSON, but {}{words}\n", name.expect("a name"));
        check(http("200 OK", &[&kind], body), "", &said, 10);
    }
    let plain = http("200 OK", &["content-type: text/plain"], "no healthy upstream");
    check(plain, "", "anyask: the answer is not JSON: no healthy upstream\n", 10);
}

#[test]
fn a_stop_reason_ends_an_answer_though_pings_go_on() {
    let pings = Events::bare().raw("event: ping\n").ping().bytes();
    for act in [Act::Hang, Act::Flood(pings)] {
        let events = Events::new().text("ok").reason("end_turn");
        let server = Server::new(vec![vec![Act::Send(events.http()), act]]);
        anyask(["--timeout", "0.3", "hi"]).at(&server).prints("ok\n").exits(0);
    }
}

#[test]
fn a_complete_json_answer_counts_though_its_framing_has_no_end() {
    let note = "anyask: note: the answer is complete, but the server did not end it\n";
    let body = answer("ok");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 5);
    for end in [Act::Hang, Act::Reset] {
        let server = Server::new(vec![vec![Act::Send(head.clone().into_bytes()), end]]);
        anyask(["--timeout", "0.3", "-S", "hi"]).at(&server).prints("ok\n").says(note).exits(0);
    }
    let half = head[..head.len() - 20].to_string().into_bytes();
    let server = Server::new(vec![vec![Act::Send(half), Act::Hang]]);
    anyask(["--timeout", "0.2", "-S", "hi"]).at(&server).says(&silent(&server)).exits(9);
}

#[test]
fn the_body_of_an_error_has_a_time_limit() {
    let head = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\n";
    let start = format!("{head}{{\"error\":\"half of it");
    let server = Server::new(vec![vec![Act::Send(start.into_bytes()), Act::Hang]]);
    anyask(["--timeout", "0.3", "hi"])
        .at(&server)
        .mentions(" did not accept the key (401): {\"error\":\"half of it\n")
        .exits(5);
    // in all: what arrives does not prolong it
    let words = "first 0123456789012345678901234567890123456789012345678901234567890123456789 last";
    let body = Act::Trickle(words.into());
    let server = Server::new(vec![vec![Act::Send(head.into()), body, Act::Hang]]);
    anyask(["--timeout", "0.3", "hi"])
        .at(&server)
        .matches("anyask: [^ ]* did not accept the key \\(401\\)(: first[ \\d]*)?\nhint: [^\n]*\n")
        .exits(5);
}

#[test]
fn the_end_of_an_answer_or_an_error_has_5_s_at_any_timeout() {
    let answer = Events::new().text("ok").reason("end_turn").http();
    let error = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let ended = r"\n\* the answer ended after ([5-9]|[12]\d)\.\d+ s\n";
    let all = [
        (answer, "ok\n", format!(".*{ended}"), 0),
        (error, "", format!(r".*{ended}anyask: [^\n]* \(401\): half\nhint: [^\n]*\n"), 5),
    ]
    .map(|(sent, printed, said, exit)| {
        let server = Server::new(vec![vec![Act::Send(sent), Act::Hang]]);
        let run = anyask(["-v", "hi"]).at(&server).prints(printed).matches(&said);
        (run.start(), exit, server)
    });
    for (running, exit, _server) in all {
        running.exits(exit);
    }
}

#[test]
fn usage_is_read_in_any_type_and_cached_tokens_count() {
    let usage = |usage: Value, counted: &str| {
        let events = Events::bare().start(json!({"usage": usage})).text("ok");
        let end = json!({"stop_reason": "end_turn"});
        let last = json!({"input_tokens": 0, "output_tokens": 5});
        let events = events.message_delta(end, last).end();
        let server = Server::once(events.http());
        let run = anyask(["-u", "hi"]).at(&server).prints("ok\n");
        run.says(&format!("anyask: usage: {counted}\n")).exits(0);
    };
    usage(
        json!({"input_tokens": 12.0}),
        "12 tokens in, 5 tokens out, 17 in total, about $0.000011 at the example price",
    );
    usage(
        json!({"input_tokens": "12"}),
        "12 tokens in, 5 tokens out, 17 in total, about $0.000011 at the example price",
    );
    usage(
        json!({"input_tokens": 4, "cache_read_input_tokens": 120_000}),
        "120,004 tokens in (120,000 cached), 5 tokens out, 120,009 in total, about $0.0036 at the example price",
    );
    usage(
        json!({"input_tokens": 4, "cache_creation_input_tokens": 1000}),
        "1,004 tokens in, 5 tokens out, 1,009 in total, about $0.00038 at the example price",
    );
}

#[test]
fn events_of_any_number_are_within_the_limit_that_each_has() {
    let ping = Events::bare().event(json!({"type": "ping", "x": "x".repeat(1 << 20)})).bytes();
    let answer = Events::bare().raw(ping.repeat(34)).start(json!({})).text("ok").stop("end_turn");
    let server = Server::once(answer.http());
    anyask(["--json", "hi"]).at(&server).prints_something().exits(0);
}

/// The rest arrives while the process is stopped, which takes longer than `--timeout`.
#[test]
fn data_that_came_while_the_process_was_stopped_is_read() {
    let gate = Gate::new(2);
    let server = Server::new(vec![vec![
        Act::Send(Events::new().text("a").http()),
        Act::Wait(gate.clone()),
        Act::Trickle(Events::new().text("b").stop("end_turn").bytes()),
        Act::Wait(gate.clone()),
    ]]);
    let mut running = anyask(["--timeout", "0.4", "hi"]).at(&server).prints("b\n").start();
    assert_eq!(running.reads(1), "a");
    running.signal(Signal::STOP);
    gate.wait();
    gate.wait();
    running.signal(Signal::CONT);
    running.exits(0);
}

#[test]
fn the_key_is_hidden_in_whatever_a_server_says_back() {
    let key = "sk-Echoed-4f1d2c";
    let long = format!("{} {key}", "x".repeat(390));
    let body = format!(
        r#"{{"type":"error","error":{{"type":"{key}","message":"{} {long}"}}}}"#,
        key.to_uppercase()
    );
    let server = Server::once(http("400 Bad Request", &[&format!("request-id: {key}")], body));
    let said = anyask(["-v", "--log", "/dev/stderr", "hi"])
        .base_url(&server)
        .env("ANYROUTER_API_KEY", key)
        .mentions("[redacted]")
        .exits(4);
    assert!(!said.to_lowercase().contains("echoed"), "{said}");
    let message = answer("ok").replace("\"m\"", &format!("\"{key}\"")).replace("end_turn", key);
    let server = Server::once(json_answer(&message));
    let row = anyask(["--batch", "-q"])
        .base_url(&server)
        .env("ANYROUTER_API_KEY", key)
        .stdin("hi")
        .prints_something()
        .exits(0);
    assert!(row.contains("[redacted]") && !row.contains(key), "{row}");
}

/// NEL, LINE SEPARATOR and PARAGRAPH SEPARATOR: JSON may have them as they are, but many programs split lines there.
#[test]
fn no_file_of_json_lines_has_another_line_end_inside() {
    const ENDS: &str = "\u{85}\u{2028}\u{2029}";
    const ESCAPED: &str = r"\u0085\u2028\u2029";
    let server = Server::handling(|_, request| {
        let text = request.json()["messages"].as_array().expect("messages").len();
        let body = answer(&format!("{text}{ENDS}"));
        json_answer(&body.replace("\"m\"", &format!("\"m{ENDS}\"")))
    });
    let item = format!(r#"{{"prompt":"p{ENDS}","id":"i{ENDS}","data":["d{ENDS}"]}}"#);
    let folder = folder().with("items", &item);
    let files = ["--log=log", "--record=recorded", "-cchat", "-s"];
    let ask = |count: usize| {
        let run = anyask(files).arg(format!("s{ENDS}")).arg(format!("q{ENDS}"));
        run.at(&server).in_dir(&folder).prints(format!("{count}{ENDS}\n")).exits(0);
    };
    ask(1);
    // the conversation is read as it was
    ask(3);
    assert_eq!(server.received()[1].json()["messages"][0]["content"], format!("q{ENDS}"));
    let batch = |output: &str| {
        let run = anyask(["--batch=items", "--json", "-q", "--resume", output]);
        run.at(&server).in_dir(&folder).exits(0);
    };
    batch("-oout");
    let batch_to_stdout = anyask(["--batch=items", "--json", "-q"]).at(&server).in_dir(&folder);
    let printed = batch_to_stdout.output();
    assert_eq!(printed, folder.read("out"));
    // its id is the same, whether it is escaped or not
    let requests = server.requests();
    batch("-oout");
    assert_eq!(server.requests(), requests);
    for (file, texts) in [("log", 2), ("recorded", 10), ("chat", 5), ("out", 6)] {
        let written = folder.read(file);
        assert!(!written.contains(|c| ENDS.contains(c)), "{file}: {written}");
        assert_eq!(written.matches(ESCAPED).count(), texts, "{file}: {written}");
    }
    let rows = folder.json_lines("out");
    assert_eq!(rows[0]["text"], format!("1{ENDS}"));
    assert_eq!(rows[0]["data"], json!([format!("d{ENDS}")]));
    // a recording is answered with the same bytes
    let replay = anyask(["--replay=recorded", "-s"]).arg(format!("s{ENDS}"));
    let replay = replay.arg(format!("q{ENDS}")).in_dir(&folder);
    replay.prints(format!("1{ENDS}\n")).exits(0);
}
