//! `--record` and `--replay`: a question is asked once, and answered from a file ever after.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{
    Act, CONFLICT, Events, Folder, Gate, KEY, Run, SAME_FILE, Server, answer, anyask, error_body,
    folder, http, json_answer,
};

/// The program with recorded answers, in a folder without a server or a key.
fn replay(folder: &Folder, args: &[&str]) -> Run {
    anyask(["--replay", "answers"]).args(args).in_dir(folder)
}

/// The program that records what this server answers.
fn record(folder: &Folder, server: &Server, args: &[&str]) -> Run {
    anyask(["--record", "answers"]).args(args).in_dir(folder).at(server)
}

/// A folder in which this question was asked, and answered with these bytes.
fn recorded(answer: impl Into<Vec<u8>>, args: &[&str]) -> Folder {
    let folder = folder();
    record(&folder, &Server::once(answer), args).prints_something().mentions("").exits(0);
    folder
}

/// The record of an answer with this text, as somebody may write it.
fn record_of(key: &str, text: &str) -> String {
    let body = answer(text);
    format!("{}\n", json!({"key": key, "request": {}, "content_type": null, "body": body}))
}

/// The key of the question "hi".
fn key_of_hi() -> String {
    recorded(json_answer(&answer("a")), &["hi"]).json_lines("answers")[0]["key"]
        .as_str()
        .expect("a key")
        .into()
}

const FENCED: &str = "Look:\n\n```sh\nls -l\n```\n";

/// Each case: what the server answers, and how it is asked.
#[test]
fn replays_what_was_printed_and_the_exit_status() {
    let pieces = ["Olympus ", "Mons\\u00e9 \u{1F600}", ".\n\n"];
    let events = Events::new().texts(&pieces).stop("end_turn");
    let in_chunks = events.clone().chunks(7);
    let events = events.http();
    let no_text = Events::new().block(json!({"type": "text", "text": ""})).stop("end_turn");
    let tool = answer("x").replace("text", "tool_use");
    let latin1 = [&answer("caf").into_bytes()[..], b" "].concat();
    let at = latin1.windows(3).position(|part| part == b"caf").expect("caf") + 3;
    let not_utf8 = [&latin1[..at], b"\xe9", &latin1[at..]].concat();
    let code = Events::new().text(FENCED).stop("end_turn").http();
    let json = || json_answer(&answer("one\ntwo"));
    for (sent, args, status) in [
        (events.clone(), &[][..], 0),
        (in_chunks, &["-S"], 0),
        (events.clone(), &["--json", "--stream"], 0),
        (events, &["--json"], 0),
        (json(), &[], 0),
        (json(), &["--json"], 0),
        (json(), &["--json", "--stream"], 0),
        (json(), &["--prefill", "zero"], 0),
        (http("200 OK", &[], &not_utf8), &["--json"], 0),
        (code.clone(), &["-x"], 0),
        (json(), &["-x"], 10),
        (no_text.http(), &[], 10),
        (json_answer("{}"), &[], 10),
        (json_answer(&tool), &["--json"], 10),
        (Events::new().text("ok").stop("max_tokens").http(), &["--strict"], 11),
        // complete, though no message_stop came
        (Events::new().text("ok").reason("end_turn").ping().done().http(), &[], 0),
    ] {
        let folder = folder();
        let server = Server::once(sent);
        let args = [args, &["-q", "hi"]].concat();
        let run = |run: Run| run.prints_something().mentions("");
        let first = run(record(&folder, &server, &args)).exits(status);
        let second = run(replay(&folder, &args)).exits(status);
        assert_eq!(first, second, "{args:?}");
        assert_eq!(folder.json_lines("answers").len(), 1);
    }
}

#[test]
fn an_answer_that_is_not_utf8_is_recorded_as_text() {
    let body = answer("caf#").replace('#', "\u{e9}");
    let latin1: Vec<u8> = body.chars().map(|char| char as u8).collect();
    let folder = recorded(http("200 OK", &[], latin1), &["hi", "-o", "first"]);
    assert_eq!(folder.read("first"), "caf\u{fffd}\n");
    let record = &folder.json_lines("answers")[0];
    assert_eq!(record["body"], body.replace('\u{e9}', "\u{fffd}"));
    replay(&folder, &["hi"]).prints("caf\u{fffd}\n").exits(0);
}

#[test]
fn an_answer_recorded_in_one_form_is_replayed_in_any_other() {
    let streamed = recorded(Events::new().texts(&["one ", "two"]).stop("end_turn").http(), &["hi"]);
    let message = replay(&streamed, &["--json", "hi"]).json();
    assert_eq!(message["content"], json!([{"type": "text", "text": "one two"}]));
    assert_eq!(message["stop_reason"], "end_turn");
    let json = recorded(json_answer(&answer("one two")), &["--json", "hi"]);
    replay(&json, &["hi"]).prints("one two\n").exits(0);
    let events = answer("one two") + "\n";
    replay(&json, &["--json", "--stream", "hi"]).prints(events).exits(0);
    let server = Server::new(Vec::new());
    for args in [&["--auth", "x-api-key"][..], &["--max-wait", "5"], &["--color", "always"]] {
        replay(&streamed, args).arg("hi").base_url(&server).prints("one two\n").exits(0);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_record_has_request_and_answer_but_no_host_header_or_key() {
    let folder = folder().with("headers", "x-secret: hidden\n");
    let header = format!("x-seen: {KEY}");
    let headers = ["content-type: application/json", &header];
    let server = Server::once(http("200 OK", &headers, answer("a word")));
    let ask = ["-s", "Be brief", "-t", "0", "What is it?"];
    record(&folder, &server, &["-H", "@headers"]).args(&ask).prints("a word\n").exits(0);
    let mut record = folder.json_lines("answers").remove(0);
    let text = folder.read("answers");
    for hidden in [KEY, "hidden", "x-seen", &server.host(), "127.0.0.1", "x-secret"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let time = record["time"].take();
    assert!(time.as_str().is_some_and(|time| time.len() == 20 && time.ends_with('Z')), "{time}");
    let request = json!({
        "model": "claude-3-5-sonnet-20241022", "max_tokens": 4096, "system": "Be brief",
        "messages": [{"role": "user", "content": "What is it?"}], "temperature": 0.0,
    });
    let key = record["key"].take();
    assert_eq!(key.as_str().map(str::len), Some(32));
    let expected = json!({
        "key": null, "time": null, "request": request, "content_type": "application/json",
        "body": answer("a word"),
    });
    assert_eq!(record, expected);
    assert!(text.starts_with(&format!("{{\"key\":{key},\"time\":")), "{text}");
    replay(&folder, &ask).prints("a word\n").exits(0);
}

#[test]
fn a_placeholder_key_in_an_answer_is_recorded_as_it_came() {
    for key in ["anything", "not-needed-here"] {
        let folder = folder();
        let said = format!("{key} goes");
        let body = answer(&said).replace("\"m\"", &format!("\"{key}\""));
        let question = format!("Is {key} right?");
        record(&folder, &Server::once(json_answer(&body)), &[&question])
            .env("ANYROUTER_API_KEY", key)
            .prints(format!("{said}\n"))
            .exits(0);
        replay(&folder, &["--json", &question]).prints(format!("{body}\n")).exits(0);
        let record = &folder.json_lines("answers")[0];
        assert_eq!(record["request"]["messages"][0]["content"], *question);
    }
}

#[test]
fn an_answer_with_the_real_key_is_printed_but_not_recorded() {
    let key = "sk-real-0123456789";
    let (start, end) = key.split_at(7);
    let streamed = Events::new().texts(&["It is ", start, end]).stop("end_turn").http();
    let quoted = || json_answer(&answer(&format!("It is {key}")));
    let other_case = json_answer(&answer(&key.to_uppercase()));
    let innocent = || json_answer(&answer("hi"));
    let command = format!("echo {key}");
    for (sent, variable, args) in [
        (quoted(), key, &["hi"][..]),
        (streamed, key, &["hi"]),
        (other_case, key, &["hi"]),
        (innocent(), key, &["Is", key, "right?"]),
        (innocent(), key, &["-s", key, "hi"]),
        (innocent(), key, &["-f", "file", "hi"]),
        (quoted(), key, &["--json", "--auth", "x-api-key", "hi"]),
        (quoted(), "", &["--api-key-command", &command, "hi"]),
        (quoted(), KEY, &["-H", "@headers", "hi"]),
    ] {
        let folder = folder().with("file", key).with("headers", format!("x-api-key: {key}\n"));
        let why = "the API key is in the question or the answer";
        record(&folder, &Server::once(sent), args)
            .env("ANYROUTER_API_KEY", variable)
            .prints_something()
            .says(&format!("anyask: note: the answer is not recorded: {why}\n"))
            .exits(0);
        assert_eq!(folder.read("answers"), "", "{args:?}");
    }
}

#[test]
fn an_attachment_is_recorded_as_digest_and_size() {
    let png = b"\x89PNG\r\n\x1a\n\0bcdef";
    let folder = folder().with("a.png", png).with("b.png", b"\x89PNG\r\n\x1a\n\0bcdeg");
    let ask = ["-f", "a.png", "What?"];
    record(&folder, &Server::answering("a picture"), &ask).prints("a picture\n").exits(0);
    let record = &folder.json_lines("answers")[0];
    let source = &record["request"]["messages"][0]["content"][0]["source"];
    let digest = anyask_digest(png);
    let expected =
        json!({"type": "base64", "media_type": "image/png", "digest": digest, "size": 14});
    assert_eq!(*source, expected);
    assert!(!folder.read("answers").contains(&BASE64_STANDARD.encode(png)));
    replay(&folder, &ask).prints("a picture\n").exits(0);
    let differs = r#"messages\[0\]\.content\[0\]\.source\.digest is "[0-9a-f]+", but "[0-9a-f]+" in the last record"#;
    replay(&folder, &["-f", "b.png", "What?"])
        .matches(&format!("anyask: no recorded answer .*: {differs}\nhint: .*"))
        .exits(14);
}

fn anyask_digest(bytes: &[u8]) -> String {
    anyask::api::Digest::of(bytes).to_string()
}

#[test]
fn asks_only_what_is_not_recorded_and_records_it_too() {
    let folder = folder();
    let server = Server::echo();
    let both = |question: &str| {
        record(&folder, &server, &["--replay", "./answers", question])
            .prints(format!("{question}\n"))
            .exits(0);
    };
    both("one");
    both("two");
    both("one");
    assert_eq!(server.requests(), 2);
    // without --replay it is asked again
    record(&folder, &server, &["one"]).prints("one\n").exits(0);
    assert_eq!((server.requests(), folder.json_lines("answers").len()), (3, 3));
}

#[test]
fn a_missing_record_says_how_the_question_differs_from_the_last() {
    let folder = recorded(json_answer(&answer("a")), &["--max-tokens", "1024", "hi"]);
    let missing = |why: &str| {
        format!(
            "anyask: no recorded answer for this request in answers: {why}\n\
             hint: add --record answers to ask the server and record the answer\n"
        )
    };
    let before = folder.read("answers");
    for (args, why) in [
        (&["hi"][..], "max_tokens is 4096, but 1024 in the last record"),
        (
            &["--max-tokens", "1024", "-t", "0.5", "hi"],
            "temperature is 0.5, but missing in the last record",
        ),
        (
            &["--max-tokens", "1024", "ho"],
            r#"messages[0].content is "ho", but "hi" in the last record"#,
        ),
        (
            &["--max-tokens", "1024", "a question that is too long to be shown"],
            "messages[0].content is not the same in the last record",
        ),
    ] {
        replay(&folder, args).says(&missing(why)).exits(14);
    }
    assert_eq!(folder.read("answers"), before);
    folder.write("answers", "");
    replay(&folder, &["hi"]).says(&missing("it is empty")).exits(14);
}

#[test]
fn an_error_is_not_recorded() {
    let cut = Events::new().texts(&["one", "two"]).http();
    let error = Events::new().text("x").error(&error_body("api_error", "no")).http();
    for (sent, printed, status) in [
        (http("400 No", &[], error_body("invalid_request_error", "no")), "", 4),
        (json_answer(&error_body("api_error", "no")), "", 8),
        (cut, "onetwo\n", 10),
        (error, "x\n", 8),
        (json_answer("{\"choices\":[]}"), "", 10),
        (json_answer("nonsense"), "", 10),
    ] {
        let folder = folder();
        let server = Server::once(sent);
        record(&folder, &server, &["--retries", "0", "hi"])
            .prints(printed)
            .mentions("anyask: ")
            .exits(status);
        assert_eq!(folder.read("answers"), "");
    }
}

#[test]
fn an_answer_whose_reader_went_away_too_early_is_not_recorded() {
    let gate = Gate::new(2);
    let server = Server::new(vec![vec![
        Act::Send(Events::new().text("one\n").http()),
        Act::Wait(gate.clone()),
        // more than a pipe takes: one write may succeed
        Act::Send(Events::bare().text(&"two".repeat(50_000)).bytes()),
        Act::Hang,
    ]]);
    let folder = folder();
    let mut running = record(&folder, &server, &["hi"]).start();
    assert_eq!(running.reads(4), "one\n");
    running.stops_reading();
    gate.wait();
    running.exits(0);
    assert_eq!(folder.read("answers"), "");
}

#[test]
fn answers_to_the_same_question_are_replayed_in_turn() {
    let key = key_of_hi();
    let lines: String =
        ["first", "second", "third"].iter().map(|text| record_of(&key, text)).collect();
    let folder = folder().with("answers", &lines).with("items", "hi\n".repeat(5));
    // a new process begins with the first
    for _ in 0..2 {
        replay(&folder, &["hi"]).prints("first\n").exits(0);
    }
    let results = replay(&folder, &["--batch=items", "-q", "-j1"]).prints_something().exits(0);
    let texts = crate::harness::json_lines(&results);
    let texts: Vec<_> = texts.iter().map(|row| row["text"].as_str().expect("text")).collect();
    assert_eq!(texts, ["first", "second", "third", "third", "third"]);
    // what is recorded now is not an answer to what is asked now
    let server = Server::handling(|number, _| json_answer(&answer(&number.to_string())));
    folder.write("answers", "");
    record(&folder, &server, &["--replay", "answers", "--batch=items", "-q", "-j1", "-o", "out"])
        .exits(0);
    assert_eq!((server.requests(), folder.json_lines("answers").len()), (5, 5));
}

#[test]
fn a_batch_is_replayed_without_a_server() {
    let items: String = (1..=200).map(|number| format!("item {number}\n")).collect();
    let items = items + "no text\n{\"model\":1}\n";
    let folder = folder().with("items", items);
    let server = Server::handling(|_, request| match &*request.prompt() {
        "no text" => json_answer(&answer("")),
        prompt => json_answer(&answer(prompt)),
    });
    let args = ["--batch=items", "-q", "-j", "16", "-k", "--price=0,0"];
    let run = |run: Run, more: &[&str]| {
        run.args(&args).args(more).prints_something().mentions("2 items failed").exits(12)
    };
    let first = run(record(&folder, &server, &[]), &[]);
    let asked = server.requests();
    assert_eq!((asked, folder.json_lines("answers").len()), (201, 201));
    assert_eq!(run(replay(&folder, &[]), &["--min-credits", "1"]), first);
    let rows = crate::harness::json_lines(&first);
    let keys: std::collections::BTreeSet<_> =
        rows.iter().filter_map(|row| row["key"].as_str()).collect();
    for record in folder.json_lines("answers") {
        assert!(keys.contains(record["key"].as_str().expect("a key")));
    }
    // an item without an answer fails, and the rest goes on
    folder.write("items", "item 1\nitem 201\nitem 2\n");
    let mixed = replay(&folder, &["--batch=items", "-k"])
        .prints_something()
        .mentions("anyask: 2 answered, 1 failed, 0 skipped; 74 tokens, about $0.0000\n")
        .exits(12);
    let errors: Vec<_> =
        crate::harness::json_lines(&mixed).iter().map(|row| row["error"]["exit"].clone()).collect();
    assert_eq!(errors, [Value::Null, json!(14), Value::Null]);
    assert_eq!(server.requests(), asked);
}

#[test]
fn a_replayed_answer_costs_nothing_and_the_log_says_so() {
    let folder = recorded(json_answer(&answer("a")), &["--log", "log", "hi"]);
    replay(&folder, &["-u", "--log", "log", "hi"])
        .prints("a\n")
        .says("anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $0.0000\n")
        .exits(0);
    let log = folder.json_lines("log");
    assert_eq!(log[0].get("replayed"), None);
    let facts = ["replayed", "cost", "attempts", "status", "output_tokens", "exit"]
        .map(|name| &log[1][name]);
    assert_eq!(json!(facts), json!([true, 0.0, 0, 200, 25, 0]));
    replay(&folder, &["-v", "hi"])
        .prints("a\n")
        .matches(r"\* the answer is replayed from answers:1\n\* the answer ended after 0\.\d+ s\n")
        .exits(0);
}

#[test]
fn a_conversation_is_replayed_turn_by_turn() {
    let folder = folder();
    let server = Server::echo();
    for (chat, server) in [("first", Some(&server)), ("second", None)] {
        for question in ["one", "two"] {
            let run = match server {
                Some(server) => record(&folder, server, &["-c", chat, question]),
                None => replay(&folder, &["-c", chat, question]),
            };
            run.prints(format!("{question}\n")).exits(0);
        }
    }
    assert_eq!(folder.read("first"), folder.read("second"));
    assert_eq!(server.requests(), 2);
}

#[test]
fn replaying_needs_neither_key_nor_server() {
    let folder = recorded(json_answer(&answer("a")), &["hi"]);
    let command = "touch called; echo key";
    replay(&folder, &["--api-key-command", command, "hi"]).prints("a\n").exits(0);
    assert!(!folder.join("called").exists());
    // a file that nobody may write to is enough
    let mut permissions = fs::metadata(folder.join("answers")).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(folder.join("answers"), permissions).expect("the file");
    replay(&folder, &["hi"]).prints("a\n").exits(0);
    // recording asks, so it needs one
    anyask(["--record", "new", "hi"]).in_dir(&folder).mentions("there is no API key").exits(3);
    assert!(!folder.join("new").exists());
}

#[test]
fn a_torn_line_is_dropped() {
    let folder = recorded(json_answer(&answer("one")), &["one"]);
    let complete = folder.read("answers");
    for length in (1..complete.len() - 1).step_by(41) {
        let torn = &complete[..length];
        folder.write("answers", format!("{complete}{torn}"));
        replay(&folder, &["one"]).prints("one\n").exits(0);
        assert_eq!(folder.read("answers"), format!("{complete}{torn}"));
        // another program may have gone on after it
        folder.write("answers", format!("{torn}\n{complete}"));
        replay(&folder, &["one"]).prints("one\n").exits(0);
    }
    folder.write("answers", format!("{complete}{}", &complete[..100]));
    record(&folder, &Server::answering("two"), &["two"]).prints("two\n").exits(0);
    let after = folder.read("answers");
    assert!(after.starts_with(&complete) && folder.json_lines("answers").len() == 2, "{after}");
    // this one lacks only its end
    folder.write("answers", complete.trim_end());
    record(&folder, &Server::answering("two"), &["two"]).prints("two\n").exits(0);
    assert_eq!(folder.json_lines("answers").len(), 2);
}

#[cfg(unix)]
#[test]
fn recording_alone_keeps_no_earlier_answer_in_memory() {
    let record_of = |size: usize| {
        let line = json!({"key": "0".repeat(32), "body": "x".repeat(size)}).to_string();
        format!("{line}\n").repeat(40)
    };
    let peak = |size| {
        let folder = folder().with("answers", record_of(size));
        let server = Server::answering("one");
        record(&folder, &server, &["hi"]).peak_memory(0)
    };
    let (small, large) = (peak(1), peak(1 << 20));
    assert!(large < small + 20, "{small} and {large} MiB");
}

#[test]
fn the_nuls_of_a_power_cut_are_dropped_with_an_incomplete_line() {
    let complete = recorded(json_answer(&answer("one")), &["one"]).read("answers");
    let last = recorded(json_answer(&answer("two")), &["two"]).read("answers");
    let nuls = "\0".repeat(5000);
    for tail in [nuls.clone(), format!("{}{nuls}", &last[..99])] {
        let torn = format!("{complete}{tail}");
        let folder = folder().with("answers", &torn);
        replay(&folder, &["one"]).prints("one\n").exits(0);
        replay(&folder, &["two"]).mentions("anyask: no recorded answer for this request").exits(14);
        assert_eq!(folder.read("answers"), torn);
        record(&folder, &Server::answering("2"), &["--replay", "answers", "two"])
            .prints("2\n")
            .exits(0);
        let after = folder.read("answers");
        assert!(after.starts_with(&complete) && !after.contains('\0'), "{after}");
        assert_eq!(folder.json_lines("answers").len(), 2);
        // another program went on after it
        folder.write("answers", format!("{tail}\n{complete}"));
        replay(&folder, &["one"]).prints("one\n").exits(0);
    }
    let whole = folder().with("answers", format!("{}{nuls}", last.trim_end()));
    replay(&whole, &["two"]).prints("two\n").exits(0);
    record(&whole, &Server::answering("one"), &["one"]).prints("one\n").exits(0);
    assert!(whole.read("answers").starts_with(&last));
    assert_eq!(whole.json_lines("answers").len(), 2);
    let folder = folder().with("answers", format!("{complete}{{\"mine\":1}}{nuls}"));
    replay(&folder, &["one"]).mentions("anyask: answers:2: this line is not").exits(1);
}

#[test]
fn a_file_of_another_kind_is_refused_before_it_is_written_to() {
    let folder = folder().with("items", "one\ntwo\n{\"data\":1}\n");
    let make = |args: &[&str]| anyask(["--mock=ok,400", "-q"]).args(args).in_dir(&folder);
    make(&["-j1", "--batch=items", "-o", "results"]).mentions("items failed").exits(12);
    make(&["--log", "log", "-c", "chat", "hi"]).prints("hi\n").exits(0);
    // as if the batch had been killed
    folder.write("torn", folder.read("results").trim_end_matches("}\n"));
    let server = Server::new(Vec::new());
    for name in ["results", "torn", "log", "chat", "items"] {
        let before = folder.read(name);
        for flags in
            [&["--replay", name][..], &["--record", name, "--replay", name], &["--record", name]]
        {
            let why = "this line is not a recorded answer\nhint: is it the right file?\n";
            for question in ["one", "other"] {
                anyask([question])
                    .args(flags)
                    .in_dir(&folder)
                    .at(&server)
                    .says(&format!("anyask: {name}:1: {why}"))
                    .exits(1);
            }
        }
        assert_eq!(folder.read(name), before);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_line_of_another_kind_is_named_and_left_alone() {
    let good = recorded(json_answer(&answer("a")), &["hi"]).read("answers");
    let key = key_of_hi();
    for (text, line) in [
        ("notes\n".to_string(), 1),
        (format!("{good}\n{{\"role\":\"user\",\"content\":\"x\"}}\n"), 3),
        (format!("{good}{{\"key\":\"short\"}}\n"), 2),
        (format!("{good}my only copy"), 2),
        (format!("{{\"key\":\"{key}\",\"content_type\":\"a\"}}\n"), 1),
        (format!("{{\"key\":\"{key}\", broken \"}}\n"), 1),
    ] {
        let folder = folder().with("answers", &text);
        let says = format!(
            "anyask: answers:{line}: this line is not a recorded answer\nhint: is it the right file?\n"
        );
        replay(&folder, &["hi"]).says(&says).exits(1);
        assert_eq!(folder.read("answers"), text);
    }
    let folder = folder().with("answers", format!("{good}# mine\n"));
    let server = Server::new(Vec::new());
    record(&folder, &server, &["hi"]).mentions("anyask: answers:2: ").exits(1);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_record_may_be_written_again_by_another_tool() {
    let good = recorded(Events::new().texts(&["one ", "two"]).stop("end_turn").http(), &["hi"])
        .json_lines("answers")
        .remove(0);
    // as Python writes JSON
    let spaced = good.to_string().replace("\":", "\": ").replacen(",\"", ", \"", 2) + "\r\n";
    let folder = folder().with("answers", format!("\n{spaced}"));
    replay(&folder, &["hi"]).prints("one two\n").exits(0);
}

#[test]
fn many_programs_record_in_one_file() {
    let folder = folder();
    let server = Server::echo();
    let start = |number: usize| {
        let question = format!("question {number}");
        record(&folder, &server, &[&question]).prints(format!("{question}\n")).start()
    };
    let all: Vec<_> = (0..30).map(start).collect();
    for running in all {
        running.exits(0);
    }
    assert_eq!(folder.json_lines("answers").len(), 30);
    replay(&folder, &["question 17"]).prints("question 17\n").exits(0);
}

#[test]
fn a_file_that_does_not_fit_is_refused_before_anything_is_asked() {
    let folder = folder().with("dir/x", "").with("answers", "");
    let server = Server::new(Vec::new());
    let run = |args: &[&str]| anyask(["hi"]).args(args).in_dir(&folder).at(&server);
    let missing = if cfg!(windows) { "" } else { "No such file or directory\n" };
    run(&["--replay", "missing"])
        .mentions(&format!("anyask: cannot open missing: {missing}"))
        .mentions("hint: create it with --record missing\n")
        .exits(1);
    run(&["--replay", "dir"]).mentions("anyask: dir is not a regular file\n").exits(1);
    run(&["--record", "dir"]).mentions("anyask: cannot write to dir: ").exits(1);
    run(&["--record", "a", "--replay", "answers"])
        .says("anyask: --record and --replay name different files\nhint: use the same file for both\n")
        .exits(2);
    for (flag, other) in
        [("--record", "-o"), ("--record", "--log"), ("--replay", "-o"), ("--replay", "--chat")]
    {
        run(&[flag, "answers", other, "./answers"]).mentions(SAME_FILE).exits(2);
    }
    for flag in ["--record", "--replay"] {
        run(&[flag, "-"]).mentions("it must be a file").exits(2);
        for mode in ["--mock", "--dry-run", "--curl"] {
            run(&[flag, "answers", mode]).mentions(CONFLICT).exits(2);
        }
    }
    assert_eq!(server.connections(), 0);
    assert!(!folder.join("a").exists() && folder.read("answers").is_empty());
}

#[test]
fn a_profile_may_name_the_file() {
    let folder = recorded(json_answer(&answer("a")), &["hi"]);
    folder.write("anyask/profiles/ci", format!("--replay {}\n", folder.name("answers")));
    folder.write("anyask/profiles/old", "\n--replay missing\n");
    let run = |profile| {
        anyask(["-p", profile, "hi"]).in_dir(&folder).env("XDG_CONFIG_HOME", &folder.name(""))
    };
    run("ci").prints("a\n").exits(0);
    run("old").mentions("/profiles/missing: ").exits(1);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_though_the_answer_is_printed() {
    if !fs::exists("/dev/full").unwrap_or_default() {
        return crate::harness::skip("this system has no /dev/full");
    }
    anyask(["--record", "/dev/full", "hi"])
        .at(&Server::answering("a"))
        .prints("a\n")
        .mentions("anyask: cannot write to the recorded answers /dev/full: ")
        .exits(1);
}

#[test]
fn replays_what_a_fallback_and_a_check_took() {
    let folder = folder();
    let server = Server::handling(|number, request| {
        let model = request.json()["model"].as_str().expect("a model").to_string();
        match model.as_str() {
            "bad" => http("503 X", &[], ""),
            _ => json_answer(&answer(&format!("{model} {number}"))),
        }
    });
    let flags = ["-q", "-m", "bad", "--fallback=good", "--retries=0", "--check", "grep 2", "hi"];
    let ask = || anyask(flags).in_dir(&folder).prints("good 2\n");
    ask().arg("--record=answers").at(&server).exits(0);
    assert_eq!(server.requests(), 3);
    ask().arg("--replay=answers").exits(0);
    assert_eq!(folder.json_lines("answers").len(), 2);
}

#[test]
fn replays_a_batch_with_fallbacks_in_any_order() {
    let folder = folder();
    let server = Server::handling(|_, request| {
        let is_bad = request.json()["model"] == "bad" && request.prompt().starts_with("no");
        if is_bad { http("503 X", &[], "") } else { json_answer(&answer(&request.prompt())) }
    });
    let flags = ["--batch", "-q", "-k", "-j1", "-m", "bad", "--fallback=good", "--retries=0"];
    let ask = |items: &str| anyask(flags).in_dir(&folder).stdin(items).prints_something();
    ask("no 1\nyes 1\nno 2\nyes 2\n").arg("--record=answers").at(&server).exits(0);
    let printed = ask("no 1\nno 2\nyes 1\nyes 2\n").arg("--replay=answers").exits(0);
    let rows = crate::harness::json_lines(&printed);
    let asked: Vec<_> = rows.iter().map(|row| row["asked"].as_str().expect("a model")).collect();
    assert_eq!(asked, ["good", "good", "bad", "bad"]);
}
