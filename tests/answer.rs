//! Every form of an answer, and what real servers make of it.

use serde_json::{Value, json};

use crate::harness::{
    Act, Events, STOPPED_SHORT, STREAM_ENDED_EARLY, Server, answer, anyask, http, json_answer,
    prints_in_time,
};

/// Asks a server that streams these events, and checks what is printed.
#[track_caller]
fn prints<const N: usize>(args: [&str; N], events: Events, printed: &str) {
    let server = Server::once(events.http());
    anyask(args).at(&server).prints(printed).exits(0);
}

/// Asks a server that answers with this JSON, and checks what is printed.
#[track_caller]
fn prints_json<const N: usize>(args: [&str; N], body: &str, printed: &str) {
    let server = Server::once(json_answer(body));
    anyask(args).at(&server).prints(printed).exits(0);
}

#[test]
fn adds_a_final_newline_only_where_the_text_has_none() {
    for (text, printed) in [("a", "a\n"), ("a\n", "a\n"), ("a\n\n", "a\n\n"), (" a", " a\n")] {
        let server = Server::streaming(&[text]);
        anyask(["hi"]).at(&server).prints(printed).exits(0);
        let server = Server::answering(text);
        anyask(["-S", "hi"]).at(&server).prints(printed).exits(0);
    }
}

#[test]
fn passes_every_byte_unchanged_into_a_pipe() {
    let text = "\u{1b}[31mred\u{1b}[0m \u{202e}\u{7f}\r\n\u{1F600}\u{0}";
    prints(["hi"], Events::new().text(text).stop("end_turn"), &format!("{text}\n"));
}

#[test]
fn reads_the_upstream_apis_form_of_a_stream_too() {
    let begun = Events::named().ping().thinking("hm").text("Hel").ping().text("lo");
    let upstream = begun.stop("end_turn").to_string();
    for events in [
        upstream.clone(),
        upstream.replace("event: ", "event: x"),
        upstream.replace('\n', "\r\n"),
        upstream.replace('\n', "\r"),
        format!("\u{feff}: hello\n\n{upstream}"),
    ] {
        prints(["hi"], Events::bare().raw(events), "Hello\n");
    }
}

#[test]
fn reads_a_stream_that_arrives_byte_by_byte() {
    let events = Events::new().texts(&["Grüße, ", "мир ", "\u{1F600}"]).stop("end_turn");
    let server = Server::new(vec![vec![Act::Drip(events.chunks(1))]]);
    anyask(["hi"]).at(&server).prints("Grüße, мир \u{1F600}\n").exits(0);
}

#[test]
fn prints_text_before_the_answer_is_complete() {
    prints_in_time(&[], Events::new().text("first"), "first");
}

#[test]
fn prints_events_before_the_answer_is_complete() {
    let events = Events::new().text("first");
    let lines = events.json_lines();
    prints_in_time(&["--json", "--stream"], events, &lines);
}

#[test]
fn no_stream_prints_nothing_before_the_answer_is_complete() {
    let server = Server::once(Events::new().text("first").http());
    anyask(["-S", "hi"]).at(&server).says(STREAM_ENDED_EARLY).exits(10);
    let events = Events::new().texts(&["first ", "second"]).stop("end_turn");
    prints(["-S", "hi"], events, "first second\n");
}

#[test]
fn ends_at_message_stop_though_the_connection_stays_open() {
    let answer = Events::new().text("ok").stop("end_turn").cut();
    let server = Server::new(vec![vec![Act::Send(answer), Act::Hang]]);
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn ends_at_a_closed_connection_after_a_stop_reason() {
    prints(["hi"], Events::new().text("ok").reason("end_turn"), "ok\n");
}

#[test]
fn reads_a_block_without_a_start_and_skips_unknown_events() {
    let events = Events::bare()
        .text("a")
        .event(json!({"type": "weather", "delta": {"type": "rain", "text": "NO"}}))
        .delta(1, json!({"type": "thinking_delta", "thinking": "NO"}))
        .delta(2, json!({"text": "b"}))
        .end();
    prints(["hi"], events, "ab\n");
}

#[test]
fn text_of_an_unknown_event_is_no_text_and_leaves_the_end_as_it_is() {
    let citation = json!({"type": "citation_delta", "index": 0, "delta": {"text": "[1]"}});
    let events = Events::new().text("a").event(citation.clone()).text("b").reason("end_turn");
    let server = Server::new(vec![vec![Act::Send(events.event(citation).http())]]);
    anyask(["hi"]).at(&server).prints("ab\n").exits(0);
    let events = Events::bare().text("a").event(json!({"type": "x", "delta": {"text": "NO"}}));
    let json = "{\"content\":[{\"type\":\"text\",\"text\":\"a\"}]}\n";
    prints(["--json", "hi"], events.end(), json);
}

#[test]
fn replaces_invalid_bytes_and_prints_the_rest() {
    let mut invalid = Events::bare().text("!").bytes();
    let at = invalid.iter().position(|byte| *byte == b'!').expect("the text");
    invalid[at] = 0xff;
    let events = Events::bare().text("a").raw(invalid).text("b").end();
    prints(["hi"], events, "a\u{fffd}b\n");
}

#[test]
fn json_prints_the_servers_answer_unchanged() {
    let body = "{ \"unknown\": 1,\n \"content\": [ {\"type\":\"text\",\"text\":\"h\\u0069\"} ] }";
    let server = Server::once(json_answer(body));
    anyask(["--json", "hi"]).at(&server).prints(format!("{body}\n")).exits(0);
    assert_eq!(server.request().json().get("stream"), None);
}

#[test]
fn json_is_printed_whatever_it_holds() {
    for body in ["{}", "[1]", "null", "\"x\"", r#"{"choices": []}"#, r#"{"detail":"x"}"#] {
        let server = Server::once(json_answer(body));
        let run = anyask(["--json", "hi"]).at(&server).prints(format!("{body}\n"));
        run.mentions("anyask: ").exits(10);
    }
}

#[test]
fn json_with_stream_prints_each_event_on_a_line() {
    for begun in [Events::new(), Events::named()] {
        let events = begun.text("a").stop("end_turn");
        let lines = events.json_lines();
        prints(["--json", "--stream", "hi"], events, &lines);
    }
}

#[test]
fn json_with_stream_joins_the_lines_of_an_event() {
    let events = "data: {\"type\":\ndata: \"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let lines = "{\"type\": \"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n{\"type\":\"message_stop\"}\n";
    prints(["--json", "--stream", "hi"], Events::bare().raw(events), lines);
}

#[test]
fn json_prints_one_message_though_the_server_streams() {
    let text = |text: &str| json!({"type": "text_delta", "text": text});
    let input = |json: &str| json!({"type": "input_json_delta", "partial_json": json});
    let tool = json!({"type": "tool_use", "id": "t", "input": {}});
    let end = json!({"stop_reason": "tool_use", "stop_sequence": null});
    let events = Events::bare()
        .start(json!({"usage": {"input_tokens": 3, "cache": 0}}))
        .block(json!({"type": "thinking", "thinking": ""}))
        .delta(0, json!({"type": "thinking_delta", "thinking": "hm"}))
        .delta(1, text("a"))
        .delta(0, json!({"type": "signature_delta", "signature": "s"}))
        .delta(1, text("b"))
        .delta(1, json!({"type": "citations_delta", "citation": {"n": 1}}))
        .event(json!({"type": "content_block_start", "index": 2, "content_block": tool}))
        .delta(2, input(r#"{"x":"#))
        .delta(2, input("1}"))
        .event(json!({"type": "message_delta", "delta": end, "usage": {"output_tokens": 5}}))
        .end();
    let expected = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "m",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "text", "text": "ab", "citations": [{"n": 1}]},
            {"type": "tool_use", "id": "t", "input": {"x": 1}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null,
        "usage": {"input_tokens": 3, "cache": 0, "output_tokens": 5},
    });
    let server = Server::once(events.http());
    assert_eq!(anyask(["-q", "--json", "hi"]).at(&server).json(), expected);
}

#[test]
fn reads_json_though_a_stream_was_requested() {
    for head in ["content-type: application/json", "content-type: text/event-stream", "x-none: 1"] {
        let server = Server::once(http("200 OK", &[head], answer("ok")));
        anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    }
    let server = Server::once(json_answer(&format!("\n {}", answer("ok").replace(",\"", ",\n\""))));
    anyask(["--json", "--stream", "hi"])
        .at(&server)
        .prints(answer("ok").replace(",\"", ", \"") + "\n")
        .exits(0);
}

#[test]
fn knows_a_stream_by_its_first_bytes_whatever_the_headers_say() {
    let events = Events::new().text("ok").stop("end_turn").bytes();
    for head in [
        "content-type: application/json",
        "Content-Type: Text/Event-Stream; charset=utf-8",
        "x-none: 1",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n");
        let mut acts = vec![Act::Send(head.into())];
        // the first bytes come one by one
        acts.extend(events[..9].iter().map(|byte| Act::Send(vec![*byte])));
        acts.push(Act::Send(events[9..].into()));
        let server = Server::new(vec![acts]);
        anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    }
}

#[test]
fn skips_events_of_unknown_shape() {
    let odd = [
        r#"{"type":"progress","delta":"50%"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","text":{"v":1}}}"#,
        "42",
        r#"{"type":"ping","index":"0"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":{"a":1}},"usage":7}"#,
    ];
    let events = odd.iter().fold(Events::bare().text("a"), |events, odd| events.data(odd));
    let events = events.text("b").end();
    prints(["hi"], events.clone(), "ab\n");
    let lines = events.json_lines();
    prints(["--json", "--stream", "hi"], events, &lines);
}

#[test]
fn prints_the_text_that_a_block_starts_with() {
    let first = json!({"type": "text", "text": "First "});
    let events = Events::bare().block(first).text("second").end();
    prints(["hi"], events.clone(), "First second\n");
    prints(
        ["--json", "hi"],
        events,
        "{\"content\":[{\"type\":\"text\",\"text\":\"First second\"}]}\n",
    );
}

#[test]
fn ends_at_done_after_a_stop_reason_on_an_open_connection() {
    let events = Events::bare()
        .event(json!({"type": "content_block_delta", "delta": {"text": "ok"}}))
        .event(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}))
        .data(" [DONE] ");
    let server = Server::new(vec![vec![Act::Send(events.http()), Act::Hang]]);
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn json_with_stream_puts_json_on_a_line_and_keeps_its_numbers() {
    let json = "{\n\"z\": 12345678901234567890123, \"e\": 1e400,\n\"content\": [{\"type\": \"text\", \"text\": \"x\"}]\n}\n";
    prints_json(["--json", "--stream", "hi"], json, &(json.trim().replace('\n', " ") + "\n"));
}

#[test]
fn reads_a_stream_that_is_declared_as_json() {
    let events = Events::new().text("ok").stop("end_turn").bytes();
    let server = Server::once(http("200 OK", &["content-type: application/json"], events));
    anyask(["-S", "hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn prints_all_text_blocks_in_their_order() {
    let body = r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"type":"tool_use","input":{}},{"type":"text","text":"b"}]}"#;
    prints_json(["hi"], body, "ab\n");
}

#[test]
fn fails_without_text_and_says_what_there_is_instead() {
    for (body, why) in [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("hello", "the answer is not JSON: hello"),
        ("{\"content\":", "the answer is not JSON: {\"content\":"),
        ("{}", "the answer has no content"),
        (r#"{"content":null}"#, "the answer has no content"),
        (r#"{"content":[]}"#, "the answer has no content"),
        (r#"{"detail":"Not Found"}"#, "the answer is not a message: Not Found"),
        (
            r#"{"content":[{"type":"text","text":""}],"stop_reason":"end_turn"}"#,
            "the answer's text is empty (stop reason: end_turn)",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":"x"},{"type":"tool_use"}]}"#,
            "the answer has no text, only thinking and tool_use",
        ),
        ("[1]", "the answer is JSON, but not a message"),
    ] {
        let server = Server::once(json_answer(body));
        anyask(["-S", "hi"]).at(&server).says(&format!("anyask: {why}\n")).exits(10);
    }
    let effort = r#"--set output_config='{"effort":"low"}' to think less"#;
    for (reason, hint) in [
        ("end_turn", format!("hint: use a larger --max-tokens, or {effort}\n")),
        ("refusal", String::new()),
    ] {
        let server = Server::once(Events::new().thinking("x").stop(reason).http());
        let why = format!("the answer has no text, only thinking (stop reason: {reason})\n{hint}");
        anyask(["-q", "hi"]).at(&server).says(&format!("anyask: {why}")).exits(10);
    }
    let thinking = r#"{"content":[{"type":"thinking","thinking":"x"}],"stop_reason":"max_tokens"}"#;
    let server = Server::once(json_answer(thinking));
    anyask(["--json", "hi"])
        .at(&server)
        .prints(format!("{thinking}\n"))
        .says("anyask: note: the answer stopped short: it reached --max-tokens 4096\nanyask: the answer has no text, only thinking (stop reason: max_tokens)\nhint: use a larger --max-tokens, or --set output_config='{\"effort\":\"low\"}' to think less\n")
        .exits(10);
}

#[test]
fn fails_on_an_empty_stream() {
    let server = Server::serving(vec![Events::bare().http(), Events::bare().end().http()]);
    let run = || anyask(["hi"]).at(&server);
    run().says(STREAM_ENDED_EARLY).exits(10);
    run().says("anyask: the answer has no content\n").exits(10);
}

#[test]
fn keeps_the_text_before_an_event_that_is_not_json() {
    let server = Server::once(Events::new().text("kept").data("<oops>").http());
    anyask(["hi"])
        .at(&server)
        .prints("kept\n")
        .says("anyask: the stream holds an event that is not JSON: <oops>\n")
        .exits(10);
}

#[test]
fn reads_an_event_with_keys_in_any_order_and_text_in_escapes() {
    let events = "data:{ \"delta\" : {\"text\":\"\\u0048\\u0069\\n\",\"type\":\"text_delta\"} ,\"index\":0, \"type\":\"content_block_delta\"}\n\ndata:{\"type\":\"message_stop\"}\n\n";
    prints(["hi"], Events::bare().raw(events), "Hi\n");
}

#[test]
fn an_unusual_stop_reason_means_that_the_answer_stopped_short() {
    for reason in ["end_turn", "stop_sequence", "stop"] {
        prints(["--strict", "hi"], Events::new().text("ok").stop(reason), "ok\n");
    }
    prints(["--strict", "hi"], Events::new().text("ok").stop(Value::Null), "ok\n");
    for reason in ["pause_turn", "tool_use", "length", "never_heard_of"] {
        let server = Server::once(Events::new().text("ok").stop(reason).http());
        anyask(["--strict", "hi"])
            .at(&server)
            .prints("ok\n")
            .says(&format!("anyask: {STOPPED_SHORT}: its stop reason is {reason}\n"))
            .exits(11);
    }
}

#[test]
fn each_half_of_a_character_split_across_events_is_replaced() {
    let half = |events: Events, text: &str| {
        events.data(&format!(r#"{{"type":"content_block_delta","delta":{{"text":"{text}"}}}}"#))
    };
    let high = half(Events::bare(), r"a\ud83d");
    for (events, text) in [
        (half(high.clone().ping(), r"\ude00b"), "a\u{fffd}\u{fffd}b\n"),
        (high.clone().text("b"), "a\u{fffd}b\n"),
        (half(half(high.clone(), r"\ud83d"), r"\ude00"), "a\u{fffd}\u{fffd}\u{fffd}\n"),
        (half(Events::bare(), r"\ude00b\ud83dc"), "\u{fffd}b\u{fffd}c\n"),
        (high, "a\u{fffd}\n"),
    ] {
        prints(["hi"], events.end(), text);
    }
    let body = r#"{"content":[{"type":"text","text":"a\ud83d"}]}"#;
    prints_json(["-S", "hi"], body, "a\u{fffd}\n");
}

#[test]
fn prints_nul_and_line_separators_like_any_other_text() {
    let text = "a\0b\u{2028}c\u{feff}";
    prints(["hi"], Events::new().text(text).stop("end_turn"), &format!("{text}\n"));
}

#[test]
fn survives_fields_of_the_wrong_type() {
    for event in [
        r#"{"type":null,"delta":{"type":null,"text":"a"}}"#,
        r#"{"index":null,"delta":{"text":"a"},"usage":[],"message":7}"#,
    ] {
        prints(["hi"], Events::bare().data(event).end(), "a\n");
    }
    let body = r#"{"model":1,"usage":"none","stop_reason":{},"content":[1,{"type":7},{"type":"text","text":"ok"}]}"#;
    prints_json(["hi"], body, "ok\n");
}
