//! What an item may be, and what becomes of one that cannot be asked.

use serde_json::{Value, json};

use super::{batch, numbered, piped, summary, with_items};
use crate::harness::{
    CONFLICT, Received, Server, answer, anyask, bash, folder, json_answer, json_lines,
};

#[test]
fn asks_every_form_of_an_item_as_a_single_question_would_be() {
    let server = Server::handling(|_, request| json_answer(&answer(&request.json().to_string())));
    let items = "plain\r\n\n  \n\"a \\\"string\\\"\"\n\"no string\n\
        {\"prompt\":\"p\",\"id\":\"x\",\"model\":\"opus\",\"system\":\"s\",\"max_tokens\":5,\"temperature\":0.5,\"top_p\":1,\"stop_sequences\":[\"e\"]}\n\
        {\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[]}],\"id\":7}";
    let folder = with_items(items).with("f", "file\n");
    let args = ["-k", "-q", "-s", "sys", "-f", "f", "Do", "it"];
    let results = json_lines(&batch(args, &server, &folder).output());
    let request = |result: &Value| -> Value {
        serde_json::from_str(result["text"].as_str().expect("text")).expect("JSON")
    };
    let requests: Vec<Value> = results.iter().map(request).collect();
    let file = "<document path=\"f\">\nfile\n</document>\n";
    for (index, message, question) in [
        (0, 0, "plain\n"),
        (1, 0, "a \"string\"\n"),
        (2, 0, "\"no string\n"),
        (3, 0, "p\n"),
        (4, 2, ""),
    ] {
        let content = &requests[index]["messages"][message]["content"];
        assert_eq!(*content, format!("{file}{question}\nDo it"));
    }
    let expected = json!({
        "model": "claude-3-opus-20240229", "max_tokens": 5, "system": "s", "temperature": 0.5, "top_p": 1.0,
        "stop_sequences": ["e"], "messages": requests[3]["messages"], "stream": true,
    });
    assert_eq!(requests[3], expected);
    assert_eq!(requests[0]["system"], "sys");
    let places: Vec<_> = results.iter().map(|line| json!([line["line"], line["id"]])).collect();
    assert_eq!(json!(places), json!([[1, null], [4, null], [5, null], [6, "x"], [7, 7]]));
}

#[test]
fn a_dry_run_prints_the_body_of_each_item() {
    let items = "one\n\n{\"prompt\":\"two\",\"model\":\"haiku\",\"id\":7,\"data\":1}\n{\"promt\":1}\n\"three\"\n";
    let server = Server::echo();
    let flags = ["-q", "-k", "--set", "metadata={\n\"user_id\":\"x\"}", "Translate"];
    batch(flags, &server, &with_items(items))
        .prints_something()
        .mentions("1 item failed")
        .exits(12);
    let printed = batch(flags, &server, &with_items(items))
        .arg("--dry-run")
        .prints_something()
        .mentions("anyask: line 4: the item is not valid: unknown field `promt`")
        .mentions("anyask: 1 item failed\n")
        .exits(12);
    let sent: Vec<Value> = server.received().iter().map(Received::json).collect();
    let lines = json_lines(&printed);
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| sent.contains(line)), "{printed}");
    assert_eq!(lines[0]["messages"][0]["content"], "one\n\nTranslate");
    assert_eq!(server.requests(), 3);
    anyask(["--batch", "--dry-run"]).stdin("x\n").prints_something().exits(0);
}

#[test]
fn copies_data_to_the_result_of_an_item() {
    let items = "{\"prompt\":\"p\",\"id\":1,\"data\":{ \"a\": [1.50, null] }}\n\
                 {\"data\":\"x\"}\n{\"prompt\":\"p\",\"data\":null}\n";
    let server = Server::echo();
    let printed = batch(["-k", "-q"], &server, &with_items(items))
        .prints_something()
        .mentions("1 item failed")
        .exits(12);
    for (line, begin) in printed.lines().zip([
        "{\"line\":1,\"id\":1,\"data\":{ \"a\": [1.50, null] },\"key\":\"",
        "{\"line\":2,\"id\":null,\"data\":\"x\",\"key\":null,\"error\":",
        "{\"line\":3,\"id\":null,\"key\":\"",
    ]) {
        assert!(line.starts_with(begin), "{line}");
    }
    // it is not sent
    assert_eq!(server.received()[0].body, server.received()[1].body);
}

#[test]
fn reports_an_item_that_cannot_be_asked_and_goes_on() {
    let server = Server::echo();
    let long = format!("{{\"id\":1,\"prompt\":\"{}\"}}", "a".repeat((32 << 20) - 60));
    let items = [
        ("{bad", "the item is not valid: key must be a string at column 2"),
        ("{\"id\":\"x\"}", "there is no prompt"),
        ("{\"prompt\":\" \"}", "there is no prompt"),
        ("{\"prompt\":\"a\",\"modle\":\"m\"}", "the item is not valid: unknown field `modle`"),
        ("{\"prompt\":\"a\",\"temperature\":2}", "temperature must be a number from 0.0 to 1.0"),
        (
            "{\"prompt\":\"a\",\"max_tokens\":0}",
            "max_tokens must be a whole number from 1 to 4294967295",
        ),
        (
            "{\"prompt\":\"a\",\"max_tokens\":1.5}",
            "max_tokens must be a whole number from 1 to 4294967295",
        ),
        (
            "{\"prompt\":\"a\",\"max_tokens\":4294967296}",
            "max_tokens must be a whole number from 1 to 4294967295",
        ),
        (
            "{\"prompt\":\"a\",\"max_tokens\":\"9\"}",
            "max_tokens must be a whole number from 1 to 4294967295",
        ),
        ("{\"prompt\":5}", "prompt must be text"),
        ("{\"prompt\":\"a\",\"model\":5}", "model must be text"),
        ("{\"prompt\":\"a\",\"system\":[]}", "system must be text"),
        ("{\"prompt\":\"a\",\"top_p\":\"1\"}", "top_p must be a number from 0.0 to 1.0"),
        ("{\"prompt\":\"a\",\"stop_sequences\":\"b\"}", "stop_sequences must be a list of texts"),
        ("{\"messages\":{}}", "messages must be a list"),
        ("{\"prompt\":\"a\",\"model\":\"my model\"}", "the model ID is empty or has a blank in it"),
        ("{\"prompt\":\"a\",\"model\":\"\"}", "the model ID is empty or has a blank in it"),
        ("{\"prompt\":\"a\",\"stop_sequences\":[\"\"]}", "a stop sequence is empty"),
        (
            "{\"messages\":[{\"role\":\"robot\"}]}",
            "message 1 has a role that is neither user nor assistant",
        ),
        ("{\"prompt\":\"a\",\"messages\":[]}", "the item has both prompt and messages"),
        ("{\"prompt\":\"a\",\"id\":[1]}", "the id must be text or a number"),
        ("{\"prompt\":\"a\",\"id\":true}", "the id must be text or a number"),
        ("\"\"", "there is no prompt"),
        (&long, "the request is 32.1 MiB, larger than 32 MiB, the most that the API takes"),
    ];
    let lines = items.map(|(line, _)| line).join("\n");
    let printed = batch(["-k"], &server, &with_items(lines + "\ngood"))
        .prints_something()
        .mentions(&(summary(1, 24, 0) + "37 tokens"))
        .mentions("anyask: 24 items failed\n")
        .exits(12);
    let results = json_lines(&printed);
    for (result, (line, why)) in results.iter().zip(items) {
        let error = &result["error"];
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(why), "{line}: {message}");
        assert!(error["exit"] == 2 && result["key"].is_null(), "{result}");
    }
    assert_eq!((&results[1]["id"], &results[23]["id"]), (&"x".into(), &1.into()));
    assert_eq!(results[24]["text"], "good");
    assert_eq!(server.requests(), 1);
}

#[test]
fn ignores_a_byte_order_mark_before_the_first_item() {
    let printed =
        anyask(["--batch", "--mock", "-q"]).stdin("\u{feff}{\"prompt\":\"hi\"}\n").output();
    assert_eq!(json_lines(&printed)[0]["text"], "hi");
}

#[test]
fn reads_items_in_utf16() {
    let items = "{\"prompt\":\"\u{20ac}\"}\r\n\n\u{1F600}\n";
    let utf16 = |items: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(items.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let printed = anyask(["--batch", "--mock", "-q", "-k"]).stdin(utf16(items)).output();
    let results = json_lines(&printed);
    assert_eq!(
        (&results[0]["text"], &results[1]["text"]),
        (&"\u{20ac}".into(), &"\u{1F600}".into())
    );
    assert_eq!(results[1]["line"], 3);
}

#[test]
fn every_item_gets_the_listed_files_and_the_prompt_file() {
    let folder = with_items("item\n").with("f", "file\n").with("p", "Do it").with("list", "f\n");
    let server = Server::echo();
    batch(["-q", "--files-from=list", "--prompt-file=p", "now"], &server, &folder).output();
    let file = "<document path=\"f\">\nfile\n</document>\n";
    assert_eq!(server.request().prompt(), format!("{file}item\n\nDo it\n\nnow"));
}

#[cfg(unix)]
#[test]
fn reads_items_from_a_named_pipe() {
    let line = "mkfifo pipe; seq 3 > pipe & anyask --batch=pipe --mock -q | wc -l";
    assert_eq!(bash(line).in_dir(&folder()).output().trim(), "3");
}

#[test]
fn shows_how_to_name_a_file_when_there_are_no_items() {
    let folder = with_items("hi\n");
    anyask(["--batch", "--mock", "items", "Be brief"])
        .in_dir(&folder)
        .says("anyask: note: items is taken as a word; write --batch=items if it belongs to --batch\nanyask: there were no items on standard input\nhint: use --batch=items to read the items from items\n")
        .exits(2);
    let run = anyask(["--batch", "--dry-run", "items"]).in_dir(&folder);
    run.mentions("hint: use --batch=items to read").exits(2);
    // with items, it is a word
    let run = anyask(["--batch", "--mock", "-q", "items"]).in_dir(&folder).stdin("x\n");
    assert_eq!(json_lines(&run.output())[0]["text"], "x\n\nitems");
    anyask(["--batch", "--mock", "items.txt"])
        .says(&format!(
            "anyask: note: there were no items; --batch=FILE reads them from a file\n\
             {}0 tokens, about $0.0000\n",
            summary(0, 0, 0)
        ))
        .exits(0);
    anyask(["--batch=/dev/null", "--mock"])
        .mentions("anyask: note: there were no items in /dev/null\n")
        .exits(0);
}

#[test]
fn a_folder_has_no_items() {
    let folder = folder();
    anyask(["--batch=.", "-o", "out", "--mock"])
        .in_dir(&folder)
        .says("anyask: cannot read .: Is a directory\n")
        .exits(1);
    assert!(folder.files().is_empty());
}

#[test]
fn refuses_flags_that_make_no_sense_in_a_batch() {
    for (args, why) in [
        (["--batch", "-x", "--mock"], "anyask: --batch[=<ITEMS>] cannot be used with --extract\n"),
        (["--batch", "--mock", "--chat=c"], CONFLICT),
        (
            ["--batch", "--mock", "--no-stdin"],
            "anyask: --batch without a file cannot be used with --no-stdin\nhint: use --batch=ITEMS\n",
        ),
        (
            ["--batch=nowhere", "--mock", "-"],
            "anyask: '-' cannot be used with --batch\nhint: use --prompt-file -\n",
        ),
        (["--batch", "--mock", "-f-"], "anyask: standard input can be read only once\n"),
        (["--mock", "-j4", "hi"], "anyask: --jobs needs --batch\n"),
        (["--batch", "--mock", "-j0"], "it must be a whole number from 1 to 1000"),
    ] {
        anyask(args).mentions(why).exits(2);
    }
    anyask(["--batch=nowhere", "--mock"])
        .says("anyask: cannot read nowhere: No such file or directory\n")
        .exits(1);
}

#[test]
fn notes_bytes_that_are_not_utf8_once_for_all_items() {
    let folder = with_items(numbered(2)).with("latin1", b"caf\xe9\n");
    batch(["-f", "latin1", "-oout"], &Server::echo(), &folder)
        .says(&format!(
            "anyask: note: 1 byte of the prompt (first in latin1) was not UTF-8 and became U+FFFD\n\
             {}74 tokens, about $0.000082 at the example price\n",
            summary(2, 0, 0)
        ))
        .exits(0);
}

#[test]
fn an_item_in_another_encoding_fails_and_a_late_nul_is_replaced() {
    let late_nul = ["a".repeat(9000).as_bytes(), b"\0"].concat();
    let greeting = b"\xc4\xe3\xba\xc3\xa3\xac\xca\xc0\xbd\xe7".repeat(9);
    let gbk = [br#"{"id":7,"prompt":""#, &*greeting, br#""}"#].concat();
    let run = anyask(["--batch", "--mock", "-k"]).stdin([late_nul, gbk].join(&b'\n'));
    let rows = run.prints_something().mentions(" became U+FFFD\n").exits(12);
    let rows = json_lines(&rows);
    assert_eq!(rows[0]["text"], "a".repeat(9000) + "\u{fffd}");
    let error = &rows[1]["error"];
    assert_eq!((&rows[1]["id"], &error["exit"]), (&json!(7), &json!(2)));
    let message = error["message"].as_str().expect("a message");
    assert!(message.starts_with("the line is not text in UTF-8: "), "{message}");
    assert!(message.ends_with("iconv -f ENCODING -t UTF-8"), "{message}");
}

#[test]
fn notes_once_how_many_answers_stopped_short() {
    let server = Server::handling(|_, _| {
        json_answer(r#"{"content":[{"type":"text","text":"x"}],"stop_reason":"max_tokens"}"#)
    });
    piped([], &server, numbered(2))
        .prints_something()
        .says(&format!(
            "anyask: note: 2 answers stopped short\n{}0 tokens, about $0.0000\n",
            summary(2, 0, 0)
        ))
        .exits(0);
}
