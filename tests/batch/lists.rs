//! What is no list of items costs nothing, and what nearly is one is read.

use std::io::{PipeReader, Write, pipe};

use serde_json::{Value, json};

use super::{batch, numbered, piped, summary, with_items};
use crate::harness::{Received, Server, anyask, folder, json_lines};

const ARRAY: (&str, &str) = ("a JSON array", "jq -c '.[]' FILE");
const PRETTY: (&str, &str) = ("JSON over several lines", "jq -c . FILE");
const BINARY: (&str, &str) = ("binary, with a NUL byte near its start", "tr '\\0' '\\n' < FILE");

/// The error for a file, or for standard input.
fn refused(name: &str, file: &str, (what, command): (&str, &str)) -> String {
    let command = command.replace("FILE", file);
    format!("anyask: {name} is {what}; an item is a line\nhint: use {command} | anyask --batch\n")
}

/// What is no list of items, and what is said of it.
fn others() -> Vec<(Vec<u8>, (&'static str, &'static str))> {
    let parquet = ("a Parquet file", "duckdb -jsonlines -c \"from 'FILE'\"");
    let late = |at: usize| [vec![b'a'; 40], vec![b'\n'], vec![b'a'; at - 41], vec![0]].concat();
    vec![
        (b"\x1f\x8b\x08\0\x01\x02\n".into(), ("compressed by gzip", "zcat FILE")),
        (b"\x1f\x8b\x08".into(), ("compressed by gzip", "zcat FILE")),
        (b"BZh91AY&SY\n".into(), ("compressed by bzip2", "bzcat FILE")),
        (b"\xfd7zXZ\0\0\x04".into(), ("compressed by xz", "xzcat FILE")),
        (b"\x28\xb5\x2f\xfd\x24\n".into(), ("compressed by zstd", "zstdcat FILE")),
        (b"PK\x03\x04\x14\0\n".into(), ("a zip archive", "unzip -p FILE")),
        (b"PAR1\x15\x04\x15\n".into(), parquet),
        (b"a\0b\n".into(), BINARY),
        (late(8191), BINARY),
        (b"[\n  {\n".into(), ARRAY),
        (b"[{\"prompt\":\"a\"},{\"prompt\":\"b\"}]".into(), ARRAY),
        (b"[ \"a\",\n\"b\"]".into(), ARRAY),
        (b"\n \r\n[\r\n".into(), ARRAY),
        ("\u{feff}\n\u{1e}[{\n".into(), ARRAY),
        (b"{\n  \"prompt\": \"a\"\n}\n".into(), PRETTY),
        (b"\x1e  {  \n".into(), PRETTY),
        (b"\xff\xfe[\0\n\0".into(), ARRAY),
    ]
}

#[test]
fn what_is_no_list_of_items_is_refused_before_it_costs_anything() {
    let server = Server::echo();
    for (items, what) in others() {
        let folder = with_items(&items);
        let of_file = refused("items", "items", what);
        batch(["-o", "out"], &server, &folder).says(&of_file).exits(2);
        batch(["--dry-run"], &server, &folder).says(&of_file).exits(2);
        assert!(!folder.join("out").exists());
        let of_pipe = refused("standard input", "FILE", what);
        let run = || anyask(["--batch"]).at(&server).stdin(items.clone());
        run().says(&of_pipe).exits(2);
        run().arg("-k").says(&of_pipe).exits(2);
        run().arg("--dry-run").says(&of_pipe).exits(2);
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_file_without_items_is_refused_before_a_key_is_asked_for() {
    let run = anyask(["--batch=items", "--api-key-command=touch asked; echo key"]);
    let folder = with_items("[\n");
    run.in_dir(&folder).says(&refused("items", "items", ARRAY)).exits(2);
    assert!(!folder.join("asked").exists());
}

#[test]
fn text_that_only_looks_like_something_else_is_asked() {
    let server = Server::echo();
    for item in ["[1,2]", "[x] done", "BZhang", "PAR is 72", "PK", "{\"prompt\":\"[{\"}", "\"[\""] {
        piped(["-q"], &server, item.into()).prints_something().exits(0);
    }
    // later lines are items like any other
    let run = piped(["-q"], &server, "a\n[\n[{\"b\":1}]\n{\n".into());
    run.prints_something().mentions("1 item failed").exits(12);
    assert_eq!(server.requests(), 7 + 3);
}

#[test]
fn a_slow_pipe_is_not_waited_for_to_see_more_of_it() {
    let (reader, mut writer): (PipeReader, _) = pipe().expect("a pipe");
    let server = Server::echo();
    let mut running =
        anyask(["--batch", "-q"]).at(&server).start_between(reader, std::process::Stdio::piped());
    for item in ["one", "two"] {
        writeln!(writer, "{item}").expect("the reader");
        assert_eq!(json_lines(&running.reads_line())[0]["text"], item);
    }
    drop(writer);
    running.exits(0);
}

#[test]
fn notes_that_a_table_is_read_line_by_line() {
    for name in ["a.csv", "a.TSV"] {
        let note = format!(
            "anyask: note: each line of {name} is one prompt, the header too; the README shows how \
             to make items of its rows\n"
        );
        let batch = format!("--batch={name}");
        let folder = folder().with(name, "id,text\n1,a\n");
        let run = || anyask([&batch, "--mock"]).in_dir(&folder);
        run().prints_something().matches(&format!("{note}{}[^\n]*\n", summary(2, 0, 0))).exits(0);
        run().arg("--dry-run").prints_something().says(&note).exits(0);
        run().arg("-q").output();
    }
}

#[test]
fn marks_before_an_item_are_dropped_on_every_line() {
    let server = Server::echo();
    let items = "\u{feff}{\"id\":1,\"prompt\":\"a\"}\n\u{feff}\u{200b}{\"id\":2,\"prompt\":\"b\"}\n\
                 \u{1e}{\"id\":3,\"prompt\":\"c\"}\n\u{1e}\u{feff}plain \u{feff}text\n\u{1e}\n\u{200b}\"e\"\n";
    let results = json_lines(&piped(["-k", "-q"], &server, items.into()).output());
    let found: Vec<_> =
        results.iter().map(|row| json!([row["id"], row["text"], row["line"]])).collect();
    let expected = json!([
        [1, "a", 1],
        [2, "b", 2],
        [3, "c", 3],
        [null, "plain \u{feff}text", 4],
        [null, "e", 6]
    ]);
    assert_eq!(json!(found), expected);
}

#[test]
fn half_a_surrogate_pair_is_replaced_and_noted_everywhere() {
    let server = Server::echo();
    let items = r#"{"prompt":"a\ud83d","data":"\ud83d"}
"b\uDE00"
{"messages":[{"role":"user","content":"c\ud83d!"}],"system":"\ud83d\ude00"}
plain \ud83d
"#;
    let folder = with_items(items);
    let note = "anyask: note: 3 bytes of the items were not UTF-8 and became U+FFFD\n";
    let printed = batch(["-k"], &server, &folder)
        .prints_something()
        .mentions(note)
        .mentions(&summary(4, 0, 0))
        .exits(0);
    // what is copied stays as it is written
    assert!(printed.contains(r#""data":"\ud83d","#), "{printed}");
    let dry = batch(["--dry-run"], &server, &folder).prints_something().says(note).exits(0);
    let mut asked: Vec<Value> = server.received().iter().map(Received::json).collect();
    asked.sort_by_key(|body| body["messages"][0]["content"].to_string());
    assert_eq!(json_lines(&dry), asked);
    let text = |body: &Value| body["messages"][0]["content"].as_str().map(String::from);
    let texts: Vec<_> = asked.iter().filter_map(text).collect();
    assert_eq!(texts, ["a\u{fffd}", "b\u{fffd}", "c\u{fffd}!", "plain \\ud83d"]);
    assert_eq!(asked[2]["system"], "\u{1f600}");
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    let run = anyask(["--batch", "--dry-run"]);
    let items = "{\"prompt\":\"a\",\"max_tokens\":100.0}\n{\"prompt\":\"a\",\"max_tokens\":1e2}\n";
    let printed = run.stdin(items).output();
    assert_eq!(printed.matches("\"max_tokens\":100,").count(), 2, "{printed}");
}

#[test]
fn a_pipe_that_has_no_items_leaves_earlier_results_alone() {
    let server = Server::echo();
    let folder = with_items(numbered(2));
    batch(["-oout", "-q"], &server, &folder).exits(0);
    let before = folder.read("out");
    let run = anyask(["--batch", "-oout", "--resume"]).at(&server).in_dir(&folder).stdin("[\n");
    run.says(&refused("standard input", "FILE", ARRAY)).exits(2);
    assert_eq!(folder.read("out"), before);
}
