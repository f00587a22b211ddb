//! What comes back: every form of an answer, and whatever real servers make of it.

use serde_json::{Value, json};

use crate::harness::{
    Act, Server, answer, anyask, chunked, http, json_answer, prints_in_time, stream, text_events,
};

/// Asks a server that answers with these events.
fn streamed<const N: usize>(args: [&str; N], events: &str) -> (crate::harness::Run, Server) {
    let server = Server::once(stream(events));
    (anyask(args).at(&server), server)
}

#[test]
fn text_gets_a_final_newline_only_where_it_has_none() {
    for (text, printed) in [
        ("a", "a\n"),
        ("a\n", "a\n"),
        ("a\n\n", "a\n\n"),
        (" ", " \n"),
    ] {
        let server = Server::once(stream(&text_events(&[text])));
        anyask(["hi"]).at(&server).prints(printed).exits(0);
        let server = Server::once(json_answer(&answer(text)));
        anyask(["-S", "hi"]).at(&server).prints(printed).exits(0);
    }
}

#[test]
fn bytes_pass_into_a_pipe_untouched() {
    let text = "\u{1b}[31mred\u{1b}[0m \u{202e}\u{7f}\r\n\u{1F600}\u{0}";
    let (run, _server) = streamed(["hi"], &text_events(&[text]));
    run.prints(format!("{text}\n")).exits(0);
}

#[test]
fn the_upstream_form_of_a_stream_is_read_like_the_documented_one() {
    let upstream: String = text_events(&["Hel", "lo"])
        .replace("data: [DONE]\n\n", "")
        .split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| format!("event: x\n{event}\n\nevent: ping\ndata: {{\"type\": \"ping\"}}\n\n"))
        .collect();
    for events in [
        upstream.clone(),
        upstream.replace('\n', "\r\n"),
        upstream.replace('\n', "\r"),
        format!("\u{feff}: hello\n\n{upstream}"),
    ] {
        let (run, _server) = streamed(["hi"], &events);
        run.prints("Hello\n").exits(0);
    }
}

#[test]
fn a_stream_cut_into_single_bytes_is_the_same_stream() {
    let events = text_events(&["Grüße, ", "мир ", "\u{1F600}"]);
    let mut bytes = chunked(events.as_bytes().chunks(1));
    bytes.extend(b"0\r\n\r\n");
    let server = Server::new(vec![vec![Act::Drip(bytes)]]);
    anyask(["hi"])
        .at(&server)
        .prints("Grüße, мир \u{1F600}\n")
        .exits(0);
}

#[test]
fn text_is_printed_before_the_answer_ends() {
    let events = text_events(&["first", "second"]);
    let middle = events.find("second").expect("the second delta") - 90;
    prints_in_time(&[], &events[..middle], "first");
}

#[test]
fn the_end_is_message_stop_though_the_connection_stays_open() {
    let server = Server::new(vec![vec![
        Act::Send(chunked([text_events(&["ok"]).as_bytes()])),
        Act::Hang,
    ]]);
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn a_stop_reason_and_a_clean_end_are_an_end_too() {
    let events = text_events(&["ok"]);
    let events = &events[..events
        .find("data: {\"type\": \"message_stop\"")
        .expect("message_stop")];
    let (run, _server) = streamed(["hi"], events);
    run.prints("ok\n").exits(0);
}

#[test]
fn blocks_may_begin_without_a_start_and_unknown_events_are_skipped() {
    let events = "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n\
                  data: {\"type\":\"weather\",\"delta\":{\"type\":\"rain\",\"text\":\"NO\"}}\n\n\
                  data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"NO\"}}\n\n\
                  data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"text\":\"b\"}}\n\n\
                  data: {\"type\":\"message_stop\"}\n\n";
    let (run, _server) = streamed(["hi"], events);
    run.prints("ab\n").exits(0);
}

#[test]
fn lone_surrogates_and_bad_bytes_cost_a_character_and_not_the_answer() {
    let delta = |text: &str| {
        format!(
            "data: {{\"type\":\"content_block_delta\",\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}\n\n"
        )
    };
    let mut events = delta("a\\ud83d").into_bytes();
    events.extend(b"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"b\xff\"}}\n\n");
    events.extend(b"data: {\"type\":\"message_stop\"}\n\n");
    let head = stream("");
    let server = Server::once([head, events].concat());
    anyask(["hi"])
        .at(&server)
        .prints("a\u{fffd}b\u{fffd}\n")
        .exits(0);
}

#[test]
fn json_is_printed_byte_for_byte_and_a_newline() {
    let body = "{ \"unknown\": 1,\n \"content\": [ {\"type\":\"text\",\"text\":\"h\\u0069\"} ] }";
    let server = Server::once(json_answer(body));
    anyask(["--json", "hi"])
        .at(&server)
        .prints(format!("{body}\n"))
        .exits(0);
    assert_eq!(server.request().json().get("stream"), None);
}

#[test]
fn events_are_printed_a_line_each_as_they_were_sent() {
    let (run, _server) = streamed(["--json"], &text_events(&["a"]));
    let lines: String = text_events(&["a"])
        .lines()
        .filter_map(|line| line.strip_prefix("data: ").filter(|data| *data != "[DONE]"))
        .flat_map(|line| [line, "\n"])
        .collect();
    run.arg("--stream").arg("hi").prints(lines).exits(0);
}

#[test]
fn an_event_of_several_lines_becomes_one() {
    let (run, _server) = streamed(
        ["--json"],
        "data: {\"type\":\ndata: \"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    run.arg("--stream").arg("hi")
        .prints("{\"type\": \"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n{\"type\":\"message_stop\"}\n")
        .exits(0);
}

#[test]
fn a_stream_that_nobody_asked_for_is_folded_into_one_message() {
    let events = "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":3,\"cache\":0}}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"b\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"citations_delta\",\"citation\":{\"n\":1}}}\n\n\
        data: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"x\\\":\"}}\n\n\
        data: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n\
        data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":5}}\n\n\
        data: {\"type\":\"message_stop\"}\n\n";
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
    let server = Server::once(stream(events));
    let printed: Value =
        serde_json::from_str(&anyask(["--json", "hi"]).at(&server).output()).expect("JSON");
    assert_eq!(printed, expected);
}

#[test]
fn json_is_read_though_a_stream_was_asked_for() {
    for head in [
        "content-type: application/json",
        "content-type: text/event-stream",
        "x-none: 1",
    ] {
        let server = Server::once(http("200 OK", &[head], answer("ok")));
        anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    }
    let server = Server::once(json_answer(&format!(
        "\n {}",
        answer("ok").replace(",\"", ",\n\"")
    )));
    anyask(["--json", "--stream", "hi"])
        .at(&server)
        .prints(answer("ok").replace(",\"", ", \"") + "\n")
        .exits(0);
}

#[test]
fn the_form_is_told_by_the_first_bytes_even_one_by_one() {
    let events = text_events(&["ok"]);
    for head in [
        "content-type: application/json",
        "Content-Type: Text/Event-Stream; charset=utf-8",
        "x-none: 1",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\nconnection: close\r\n\r\n");
        let mut acts = vec![Act::Send(head.into())];
        // the lock step makes each byte a read of its own
        acts.extend(events[..9].bytes().map(|byte| Act::Send(vec![byte])));
        acts.push(Act::Send(events[9..].into()));
        let server = Server::new(vec![acts]);
        anyask(["hi"]).at(&server).prints("ok\n").exits(0);
    }
}

#[test]
fn what_is_no_known_event_is_passed_over() {
    let odd = [
        r#"{"type":"progress","delta":"50%"}"#,
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"new_delta","text":{"v":1}}}"#,
        "42",
        r#"{"type":"ping","index":"0"}"#,
        r#"{"type":"message_delta","delta":{"stop_reason":{"a":1}},"usage":7}"#,
    ];
    let delta = |text: &str| {
        format!(
            "{{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}}}"
        )
    };
    let stop = r#"{"type":"message_stop"}"#;
    let lines: Vec<String> = std::iter::once(delta("a"))
        .chain(odd.map(String::from))
        .chain([delta("b"), stop.into()])
        .collect();
    let events: String = lines
        .iter()
        .map(|json| format!("data: {json}\n\n"))
        .collect();
    let (run, _server) = streamed(["hi"], &events);
    run.prints("ab\n").exits(0);
    let (run, _server) = streamed(["--json", "--stream", "hi"], &events);
    run.prints(lines.join("\n") + "\n").exits(0);
}

#[test]
fn text_that_a_block_begins_with_is_text() {
    let events = "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"First \"}}\n\n\
                  data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"second\"}}\n\n\
                  data: {\"type\":\"message_stop\"}\n\n";
    let (run, _server) = streamed(["hi"], events);
    run.prints("First second\n").exits(0);
    let (run, _server) = streamed(["--json", "hi"], events);
    run.prints("{\"content\":[{\"type\":\"text\",\"text\":\"First second\"}]}\n")
        .exits(0);
}

#[test]
fn done_after_a_stop_reason_is_the_end_though_the_connection_stays() {
    let events = "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"ok\"}}\n\n\
                  data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
                  data:  [DONE] \n\n";
    let server = Server::new(vec![vec![Act::Send(stream(events)), Act::Hang]]);
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn numbers_stay_as_they_are_on_one_line() {
    let json = "{\n\"z\": 12345678901234567890123, \"e\": 1e400,\n\"content\": [{\"type\": \"text\", \"text\": \"x\"}]\n}\n";
    let server = Server::once(json_answer(json));
    anyask(["--json", "--stream", "hi"])
        .at(&server)
        .prints(json.trim().replace('\n', " ") + "\n")
        .exits(0);
}

#[test]
fn a_stream_is_read_though_it_calls_itself_json() {
    let server = Server::once(http(
        "200 OK",
        &["content-type: application/json"],
        text_events(&["ok"]),
    ));
    anyask(["-S", "hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn the_text_is_every_text_block_in_order() {
    let body = r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"a"},{"type":"tool_use","input":{}},{"type":"text","text":"b"}]}"#;
    let server = Server::once(json_answer(body));
    anyask(["hi"]).at(&server).prints("ab\n").exits(0);
}

#[test]
fn an_answer_without_text_says_what_it_held() {
    for (body, why) in [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("hello", "the answer is not JSON: hello"),
        ("{\"content\":", "the answer is not JSON: {\"content\":"),
        ("{}", "the answer has no content"),
        (r#"{"content":null}"#, "the answer has no content"),
        (r#"{"content":[]}"#, "the answer has no content"),
        (
            r#"{"detail":"Not Found"}"#,
            "the answer is no message: Not Found",
        ),
        (
            r#"{"content":[{"type":"text","text":""}],"stop_reason":"end_turn"}"#,
            "the answer's text is empty (stop reason: end_turn)",
        ),
        (
            r#"{"content":[{"type":"thinking","thinking":"x"},{"type":"tool_use"}]}"#,
            "the answer has no text, only thinking and tool_use",
        ),
        ("[1]", "the answer is JSON, but no message"),
    ] {
        let server = Server::once(json_answer(body));
        anyask(["-S", "hi"])
            .at(&server)
            .says(&format!("anyask: {why}\n"))
            .exits(10);
    }
    let thinking = r#"{"content":[{"type":"thinking","thinking":"x"}],"stop_reason":"max_tokens"}"#;
    let server = Server::once(json_answer(thinking));
    anyask(["--json", "hi"])
        .at(&server)
        .prints(format!("{thinking}\n"))
        .says("anyask: note: the answer stopped short: it reached --max-tokens 4096\nanyask: the answer has no text, only thinking (stop reason: max_tokens)\nhint: give it more room with --max-tokens\n")
        .exits(10);
}

#[test]
fn an_empty_stream_is_a_broken_answer() {
    let (run, _server) = streamed(["hi"], "");
    run.says("anyask: the stream ended early: no stop reason came\n")
        .exits(10);
    let (run, _server) = streamed(["hi"], "data: {\"type\":\"message_stop\"}\n\n");
    run.says("anyask: the answer has no content\n").exits(10);
}

#[test]
fn what_is_not_json_in_mid_stream_is_told_and_the_text_kept() {
    let events = text_events(&["kept"]).replace(
        "data: {\"type\": \"content_block_stop\", \"index\": 0}",
        "data: <oops>",
    );
    let (run, _server) = streamed(["hi"], &events);
    run.prints("kept\n")
        .says("anyask: the stream holds what is no event: <oops>\n")
        .exits(10);
}

#[test]
fn keys_may_come_in_any_order_and_text_in_escapes() {
    let events = "data:{ \"delta\" : {\"text\":\"\\u0048\\u0069\\n\",\"type\":\"text_delta\"} ,\"index\":0, \"type\":\"content_block_delta\"}\n\ndata:{\"type\":\"message_stop\"}\n\n";
    let (run, _server) = streamed(["hi"], events);
    run.prints("Hi\n").exits(0);
}

#[test]
fn any_reason_to_stop_is_a_reason() {
    for reason in [
        "\"end_turn\"",
        "\"stop\"",
        "\"pause_turn\"",
        "\"tool_use\"",
        "\"never_heard_of\"",
        "null",
    ] {
        let (run, _server) = streamed(
            ["hi"],
            &text_events(&["ok"]).replace("\"end_turn\"", reason),
        );
        run.arg("--strict").prints("ok\n").exits(0);
    }
}
