//! The content blocks of a stream in the JSON that is made of them, whatever their indexes are.

use serde_json::{Value, json};

use crate::harness::{Events, Server, anyask, folder, json_lines};

/// An event for a block with this index, or without one.
fn at(index: &Value, mut event: Value) -> Value {
    if !index.is_null() {
        event["index"] = index.clone();
    }
    event
}

#[allow(clippy::needless_pass_by_value, reason = "JSON is written in place")]
fn start(index: &Value, block: Value) -> Value {
    at(index, json!({"type": "content_block_start", "content_block": block}))
}

fn text(index: &Value, text: &str) -> Value {
    let delta = json!({"type": "text_delta", "text": text});
    at(index, json!({"type": "content_block_delta", "delta": delta}))
}

fn input(index: &Value, part: &str) -> Value {
    let delta = json!({"type": "input_json_delta", "partial_json": part});
    at(index, json!({"type": "content_block_delta", "delta": delta}))
}

fn stream(events: &[Value]) -> Events {
    let all = events.iter().fold(Events::new(), |all, event| all.event(event.clone()));
    all.reason("end_turn").end()
}

/// Asks for JSON where the server streams, in every way that there is, and checks its content.
#[track_caller]
fn folds(events: &[Value], content: &Value) {
    let folder = folder();
    let server = Server::once(stream(events).http());
    let run = anyask(["--json", "--record", "answers", "hi"]).in_dir(&folder).at(&server);
    let message: Value = serde_json::from_str(&run.output()).expect("JSON");
    assert_eq!(message["content"], *content);
    let message = anyask(["--json", "--replay", "answers", "hi"]).in_dir(&folder).json();
    assert_eq!(message["content"], *content);
    let server = Server::once(stream(events).http());
    let rows = anyask(["--batch", "--json", "-q"]).stdin("hi").at(&server).output();
    let row = &json_lines(&rows)[0];
    assert_eq!(row["response"]["content"], *content);
    let blocks = content.as_array().expect("a list").iter();
    assert_eq!(row["text"], blocks.filter_map(|block| block["text"].as_str()).collect::<String>());
}

/// A block of no text, with this type.
fn empty(kind: &str) -> Value {
    json!({"type": kind, kind: ""})
}

fn words(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn a_start_opens_a_block_whatever_its_index_is() {
    for index in [
        json!(0),
        Value::Null,
        json!("0"),
        json!(-1),
        json!(1.0),
        json!(true),
        json!({}),
        json!("x"),
    ] {
        let stop = at(&index, json!({"type": "content_block_stop"}));
        folds(
            &[
                start(&index, empty("text")),
                text(&index, "left "),
                text(&index, "half, "),
                stop.clone(),
                start(&index, empty("text")),
                text(&index, "right "),
                text(&index, "half"),
                stop,
            ],
            &json!([words("left half, "), words("right half")]),
        );
    }
}

#[test]
fn tools_of_the_same_index_keep_their_input() {
    let tool = |id: &str| json!({"type": "tool_use", "id": id, "name": "n", "input": {}});
    let done = |id: &str, x| json!({"type": "tool_use", "id": id, "name": "n", "input": {"x": x}});
    for index in [json!(0), Value::Null, json!("0")] {
        let one = [start(&index, tool("1")), input(&index, "{\"x\":"), input(&index, "1}")];
        let two = [start(&index, tool("2")), input(&index, "{\"x\": 2}")];
        let none = [text(&json!(1), "ok")];
        let all = [&one[..], &two, &none].concat();
        folds(&all, &json!([done("1", 1), done("2", 2), words("ok")]));
    }
    // a string at the start, and a number later
    let mixed =
        [start(&json!("0"), tool("1")), input(&json!(0), "{\"x\":1}"), text(&json!(1), "ok")];
    folds(&mixed, &json!([done("1", 1), words("ok")]));
}

#[test]
fn text_of_an_index_without_a_block_is_kept_in_its_order() {
    let [zero, one, five] = [json!(0), json!(1), json!(5)];
    for (events, content) in [
        // without any start
        (vec![text(&five, "a"), text(&one, "b"), text(&five, "c")], json!(["a", "b", "c"])),
        // off by one
        (
            vec![
                start(&zero, empty("text")),
                text(&one, "a"),
                start(&one, empty("text")),
                text(&one, "b"),
            ],
            json!(["", "a", "b"]),
        ),
        // missing in the deltas alone
        (
            vec![
                start(&zero, words("a")),
                text(&Value::Null, "b"),
                start(&one, words("c")),
                text(&Value::Null, "d"),
            ],
            json!(["a", "b", "c", "d"]),
        ),
        // a stop comes late, and then more of the first block
        (
            vec![
                start(&zero, empty("text")),
                start(&one, empty("text")),
                text(&zero, "a"),
                text(&one, "b"),
                text(&one, "c"),
            ],
            json!(["a", "bc"]),
        ),
    ] {
        let texts = content.as_array().expect("a list").iter();
        folds(&events, &texts.map(|text| words(text.as_str().expect("text"))).collect());
    }
}

#[test]
fn thinking_and_text_of_the_same_index_stay_apart() {
    let zero = json!(0);
    let delta = json!({"type": "thinking_delta", "thinking": "so"});
    let thinking = at(&zero, json!({"type": "content_block_delta", "delta": delta}));
    let thought = json!({"type": "thinking", "thinking": "so"});
    let with_start = [start(&zero, empty("thinking")), thinking.clone(), text(&zero, "ok")];
    folds(&with_start, &json!([thought, words("ok")]));
    folds(&with_start[1..], &json!([thought, words("ok")]));
    let late = [
        start(&zero, empty("thinking")),
        start(&json!(1), empty("text")),
        text(&json!(1), "ok"),
        thinking,
    ];
    folds(&late, &json!([thought, words("ok")]));
}

#[test]
fn every_field_of_the_usage_is_kept_at_its_place() {
    let usage = |usage: Value| json!({"type": "message_delta", "delta": {}, "usage": usage});
    let events = Events::bare()
        .start(json!({"usage": {"input_tokens": 3, "cache": {"reads": 0}}}))
        .text("ok")
        .close()
        .event(usage(json!({"output_tokens": 1, "tier": "one"})))
        .event(json!({"type": "ping", "usage": {"cache": {"reads": 2}}}))
        .event(usage(json!(7)))
        .reason("end_turn")
        .end();
    let server = Server::once(events.http());
    anyask(["--json", "hi"])
        .at(&server)
        .prints("{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"ok\"}],\"usage\":{\"input_tokens\":3,\"cache\":{\"reads\": 2},\"output_tokens\":25,\"tier\":\"one\"},\"stop_reason\":\"end_turn\"}\n")
        .exits(0);
}
