//! Never a part for the whole, never a whole thrown away: when an answer ends, begins again, or says nothing.

use serde_json::{Value, json};

use crate::harness::{
    Act, Events, Folder, STREAM_ENDED_EARLY, Server, answer, anyask, error_body, folder,
    json_answer, json_lines,
};

const BEGAN_AGAIN: &str = "anyask: the server began its answer again\n";
const ONLY_THE_LAST: &str =
    "anyask: note: the server began its answer again; only the last answer counts\n";
const BLANK: &str = "anyask: the answer's text is only white space (stop reason: end_turn)\n";

/// An answer that has begun with this stop reason.
fn begun(reason: &str) -> Events {
    Events::bare().start(json!({"stop_reason": reason}))
}

/// A delta of text in the form that is not the usual one.
fn odd_text(text: &str) -> Value {
    json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}, "index": 0})
}

/// What of an answer can be kept: its file, its conversation, its recording.
const KEEPING: [&str; 6] = ["-o", "file", "--chat", "chat", "--record", "answers"];

/// Nothing was kept of an answer.
#[track_caller]
fn is_untouched(folder: &Folder) {
    assert_eq!(folder.read("file"), "old\n");
    is_empty(folder);
}

/// There is no turn of a conversation, and no recorded answer.
#[track_caller]
fn is_empty(folder: &Folder) {
    for name in ["chat", "answers"] {
        assert!(!folder.join(name).exists() || folder.read(name).is_empty(), "{name}");
    }
}

/// Asks with everything that keeps an answer, and checks that nothing of it is kept.
#[track_caller]
fn keeps_nothing(events: &Events, said: &str, exit: i32) {
    let folder = folder().with("file", "old\n");
    let server = Server::once(events.clone().http());
    anyask(KEEPING).arg("hi").in_dir(&folder).at(&server).says(said).exits(exit);
    is_untouched(&folder);
    let server = Server::once(events.clone().http());
    let run = anyask(["--batch", "--json", "-q", "-o", "rows"]).in_dir(&folder).at(&server);
    run.stdin("hi").mentions("1 item failed").exits(12);
    let row = &folder.json_lines("rows")[0];
    assert_eq!(row["error"]["exit"], exit);
    assert_eq!((row.get("text"), row.get("response")), (None, None));
}

#[test]
fn an_empty_stop_reason_at_the_start_is_no_end() {
    for reason in ["", " ", "end_turn", "stop"] {
        let cut = begun(reason).text("kept");
        let server = Server::once(cut.clone().http());
        anyask(["hi"]).at(&server).prints("kept\n").says(STREAM_ENDED_EARLY).exits(10);
        keeps_nothing(&cut, STREAM_ENDED_EARLY, 10);
    }
    // the 5 s, here 0.3 s, do not run while the model thinks
    for reason in ["", "end_turn"] {
        let slow = begun(reason).thinking(&"so ".repeat(40)).text("ok").stop("end_turn");
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_vec();
        let server = Server::new(vec![vec![Act::Send(head), Act::Trickle(slow.bytes())]]);
        anyask(["--timeout", "0.3", "hi"]).at(&server).prints("ok\n").exits(0);
    }
}

#[test]
fn only_a_message_delta_brings_a_stop_reason() {
    let delta = json!({"type": "text_delta", "text": "ok", "stop_reason": "end_turn"});
    let events =
        Events::new().block(json!({"type": "text", "stop_reason": "stop"})).delta(0, delta);
    let server = Server::once(events.http());
    anyask(["hi"]).at(&server).prints("ok\n").says(STREAM_ENDED_EARLY).exits(10);
    // the word of the start is not why it stopped
    let events = begun("max_tokens").text("ok").stop(Value::Null);
    let server = Server::once(events.http());
    anyask(["--strict", "hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn text_or_a_block_after_a_stop_reason_takes_back_the_end() {
    let ending = || Events::new().text("a").reason("max_tokens");
    for (late, printed) in [
        (ending().text("b"), "ab\n"),
        (ending().event(odd_text("b")), "ab\n"),
        (ending().thinking("so"), "a\n"),
        (ending().block(json!({"type": "tool_use", "id": "t", "input": {}})), "a\n"),
        (ending().delta(1, json!({"type": "input_json_delta", "partial_json": "{"})), "a\n"),
    ] {
        let server = Server::once(late.clone().http());
        anyask(["-q", "hi"]).at(&server).prints(printed).says(STREAM_ENDED_EARLY).exits(10);
        let server = Server::once(late.clone().http());
        anyask(["-q", "--json", "hi"]).at(&server).says(STREAM_ENDED_EARLY).exits(10);
        // its end comes, and its first word stays
        let server = Server::once(late.clone().end().http());
        anyask(["--strict", "hi"]).at(&server).prints(printed).mentions("reached").exits(11);
        // no silence ends it
        let server = Server::new(vec![vec![Act::Send(late.http()), Act::Hang]]);
        let run = anyask(["-q", "--timeout", "0.3", "hi"]).at(&server).prints(printed);
        run.mentions("sent nothing for 0.3 s").exits(9);
    }
}

#[test]
fn nothing_else_after_a_stop_reason_takes_back_the_end() {
    let ending = || Events::new().text("ok").reason("end_turn");
    for late in [
        ending().delta(0, json!({"type": "text_delta", "text": ""})),
        ending().event(odd_text("")),
        ending().event(json!({"type": "content_block_stop", "index": 0})),
        ending().message_delta(json!({}), json!({"output_tokens": 30})),
        ending().event(json!({"type": "message_delta", "usage": {"output_tokens": 30}})),
        ending().event(json!({"type": "weather", "delta": {"type": "rain"}})),
        ending().reason("").ping(),
        ending().reason(Value::Null),
    ] {
        for args in [&["--strict"][..], &["-S"], &["--json", "--stream"], &["--json"]] {
            let server = Server::once(late.clone().http());
            let run = anyask(["hi"]).args(args).at(&server);
            assert!(run.prints_something().exits(0).contains("ok"));
        }
    }
}

#[test]
fn the_last_stop_reason_with_a_word_decides() {
    for (reasons, exit) in [
        (&["max_tokens", ""][..], 11),
        (&["max_tokens", " ", "end_turn"], 0),
        (&["end_turn", "max_tokens", ""], 11),
        (&["", "tool_use"], 11),
        (&["tool_use", "stop_sequence"], 0),
        (&["", ""], 0),
    ] {
        let events = reasons.iter().fold(Events::new().text("ok"), |all, one| all.reason(*one));
        let server = Server::once(events.end().http());
        let run = anyask(["--strict", "hi"]).at(&server).prints("ok\n");
        let run = if exit == 0 { run } else { run.mentions("the answer stopped short") };
        run.exits(exit);
    }
    for reason in ["\"\"", "\" \"", "null", "0", "[]"] {
        let body = answer("ok").replace("\"end_turn\"", reason);
        for sent in [json_answer(&body), Events::bare().data(&body).http()] {
            let server = Server::once(sent);
            anyask(["--strict", "hi"]).at(&server).prints("ok\n").exits(0);
        }
    }
}

/// An answer that begins again under this id, or without one.
fn again(id: &Value) -> Events {
    let mut fields = json!({"id": id, "usage": {"input_tokens": 12, "output_tokens": 1}});
    if id.is_null() {
        fields.as_object_mut().expect("fields").remove("id");
    }
    let message = json!({"type": "message_start", "message": fields});
    let first = Events::new().text("first").close().event(message);
    first.delta(0, json!({"type": "text_delta", "text": "last"})).reason("end_turn").end()
}

#[test]
fn printed_text_stays_where_an_answer_begins_again() {
    for id in [json!("msg_2"), Value::Null, json!(7)] {
        let folder = folder();
        for args in [&[][..], &["--chat", "chat"], &["--record", "answers"], &["--strict", "-u"]] {
            let server = Server::once(again(&id).http());
            let run = anyask(["hi"]).args(args).in_dir(&folder).at(&server);
            run.prints("first\n").mentions(BEGAN_AGAIN).exits(10);
        }
        is_empty(&folder);
        let server = Server::once(again(&id).http());
        let run = anyask(["--json", "--stream", "hi"]).at(&server).prints_something();
        let lines = run.says(BEGAN_AGAIN).exits(10);
        assert!(lines.contains("first") && !lines.contains("last"), "{lines}");
    }
}

#[test]
fn the_last_message_counts_where_text_is_printed_at_the_end() {
    for id in [json!("msg_2"), Value::Null] {
        let folder = folder();
        for args in [&["-S"][..], &["--check", "grep -q ^last"], &["-S", "--chat", "chat"]] {
            let server = Server::once(again(&id).http());
            let run = anyask(["hi"]).args(args).in_dir(&folder).at(&server);
            run.prints("last\n").says(ONLY_THE_LAST).exits(0);
        }
        assert_eq!(folder.json_lines("chat")[1]["content"], "last");
        let server = Server::once(again(&id).http());
        anyask(["-o", "file", "hi"]).in_dir(&folder).at(&server).says(ONLY_THE_LAST).exits(0);
        assert_eq!(folder.read("file"), "last\n");
        let server = Server::once(again(&id).http());
        let run = anyask(["--prefill", "the ", "-S", "hi"]).at(&server);
        run.prints("the last\n").says(ONLY_THE_LAST).exits(0);
        let server = Server::once(again(&id).http());
        let run = anyask(["--json", "hi"]).at(&server).prints_something().says(ONLY_THE_LAST);
        let message: Value = serde_json::from_str(&run.exits(0)).expect("JSON");
        assert_eq!(message["content"], json!([{"type": "text", "text": "last"}]));
        assert_eq!(message["id"].as_str(), id.as_str());
        let server = Server::once(again(&id).http());
        let run = anyask(["--batch", "--json"]).stdin("hi").at(&server).prints_something();
        let row = &json_lines(&run.mentions("note: line 1: the server began").exits(0))[0];
        // the tokens of the answer that was given up are counted, too
        assert_eq!((&row["text"], &row["usage"]["output_tokens"]), (&"last".into(), &26.into()));
        assert_eq!(row["response"]["content"][0]["text"], "last");
    }
}

#[test]
fn a_code_block_is_that_of_the_last_message() {
    let block = |word: &str| format!("~~~\n{word}\n~~~\n");
    let start = json!({"id": "msg_2"});
    let events = Events::new().text(&block("first")).close().start(start).text(&block("last"));
    let server = Server::once(events.stop("end_turn").http());
    anyask(["-x", "hi"]).at(&server).prints("last\n").says(ONLY_THE_LAST).exits(0);
    // of a message that was given up, nothing is taken
    let events = Events::new().text(&block("first")).close().start(json!({"id": "msg_2"}));
    let server = Server::once(events.text("none").stop("end_turn").http());
    let run = anyask(["-x", "hi"]).at(&server).mentions(ONLY_THE_LAST);
    run.mentions("the answer has no fenced code block\n").exits(10);
}

#[test]
fn an_answer_that_begins_again_and_is_cut_is_not_kept() {
    let cut = Events::new().text("first").reason("end_turn").start(json!({"id": "msg_2"}));
    let said = format!("{ONLY_THE_LAST}{STREAM_ENDED_EARLY}");
    keeps_nothing(&cut.clone().text("half"), &said, 10);
    let server = Server::once(cut.text("half").http());
    anyask(["-S", "hi"]).at(&server).says(&said).exits(10);
}

#[test]
fn a_message_that_begins_again_before_any_text_is_one() {
    for first in [Events::new(), Events::new().thinking("so"), Events::new().text(" \n")] {
        let events = first.close().start(json!({"id": "msg_2"})).text("ok").stop("end_turn");
        for args in [&[][..], &["-S"], &["--strict"]] {
            let server = Server::once(events.clone().http());
            anyask(["hi"]).args(args).at(&server).prints("ok\n").exits(0);
        }
    }
    // the same message is told twice
    let server =
        Server::once(Events::new().text("o").start(json!({})).text("k").stop("stop").http());
    anyask(["hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn a_recording_replays_an_answer_that_began_again() {
    let folder = folder();
    let server = Server::once(again(&json!("msg_2")).http());
    let run = anyask(["-S", "--record", "answers", "hi"]).in_dir(&folder).at(&server);
    run.prints("last\n").says(ONLY_THE_LAST).exits(0);
    let replay = || anyask(["--replay", "answers", "hi"]).in_dir(&folder);
    replay().arg("-S").prints("last\n").says(ONLY_THE_LAST).exits(0);
    replay().prints("first\n").says(BEGAN_AGAIN).exits(10);
}

#[test]
fn an_answer_of_white_space_is_none_and_nothing_is_kept() {
    for blank in ["\n", " ", "\r\n\t", "\u{a0}\u{3000}\u{2028}"] {
        let events = Events::new().texts(&[blank, blank]).stop("end_turn");
        let folder = folder().with("file", "old\n");
        for args in [&[][..], &["-S"], &["-x"], &["--prefill", "So"], &KEEPING[..4]] {
            for sent in [events.clone().http(), json_answer(&answer(blank))] {
                let server = Server::once(sent);
                let run = anyask(["hi"]).args(args).in_dir(&folder).at(&server);
                run.says(BLANK).exits(10);
                assert_eq!(server.requests(), 1);
            }
        }
        is_untouched(&folder);
        let server = Server::once(events.clone().http());
        let run = anyask(["--batch", "-q"]).stdin("hi").at(&server).prints_something();
        let row = &json_lines(&run.mentions("1 item failed").exits(12))[0];
        let error = json!({"exit": 10, "status": 200, "message": BLANK[8..].trim_end()});
        assert_eq!((&row["error"], row.get("text")), (&error, None));
        let server = Server::once(events.http());
        let printed = anyask(["--json", "hi"]).at(&server).prints_something().says(BLANK).exits(10);
        assert!(printed.starts_with('{'), "{printed}");
    }
}

#[test]
fn white_space_before_words_is_text() {
    for (pieces, printed) in [
        (&["\n\n", "ok"][..], "\n\nok\n"),
        (&[" ", "\t", "ok", " "], " \tok \n"),
        (&["\u{3000}ok\n\n"], "\u{3000}ok\n\n"),
    ] {
        let events = Events::new().texts(pieces).stop("end_turn");
        for args in [&[][..], &["-S"]] {
            let server = Server::once(events.clone().http());
            anyask(["hi"]).args(args).at(&server).prints(printed).exits(0);
        }
    }
    let blocks = Events::new().text("\n").thinking("so").text("ok").stop("end_turn");
    let server = Server::once(blocks.http());
    anyask(["--prefill", "So", "hi"]).at(&server).prints("So\nok\n").exits(0);
}

#[test]
fn a_recorded_answer_of_white_space_fails_again() {
    let folder = folder();
    let server = Server::once(Events::new().text("\n").stop("end_turn").http());
    let run = anyask(["--record", "answers", "hi"]).in_dir(&folder).at(&server);
    run.says(BLANK).exits(10);
    let run = anyask(["--replay", "answers", "hi"]).in_dir(&folder);
    run.says(BLANK).exits(10);
}

#[test]
fn an_error_after_a_stop_reason_is_told() {
    let events = Events::new().text("kept").reason("end_turn");
    let error = events.error(&error_body("api_error", "no"));
    let server = Server::once(error.http());
    let run = anyask(["hi"]).at(&server).prints("kept\n");
    run.says("anyask: the server answered with api_error: no\n").exits(8);
}
