//! `--chat`: a conversation kept in a file, turn by turn; and `--prefill`.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};

use serde_json::{Value, json};

use crate::harness::{Act, Run, Server, answer, anyask, json_answer, pty, stream, text_events};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the conversation");
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn chat<const N: usize>(args: [&str; N], dir: &tempfile::TempDir) -> Run {
    anyask(args).arg("--chat").arg("c.jsonl").in_dir(dir.path())
}

/// A turn that a test goes on beside.
fn start(server: &Server, dir: &tempfile::TempDir, question: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args([
            "--no-stdin",
            "--chat",
            "c.jsonl",
            "--base-url",
            &server.url(),
            question,
        ])
        .env("ANYROUTER_API_KEY", "k")
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program")
}

fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

/// The API reference's multi-turn example, a question a run.
#[test]
fn a_conversation_goes_on_from_run_to_run() {
    let dir = folder();
    let (first, second) = ("AI is artificial intelligence.", "It learns from examples.");
    let server = Server::new(vec![
        vec![Act::Send(stream(&text_events(&[first])))],
        vec![Act::Send(json_answer(&answer(second)))],
    ]);
    chat(["-s", "Be brief", "What is AI?"], &dir)
        .at(&server)
        .prints(format!("{first}\n"))
        .exits(0);
    chat(["-S", "How does it work?"], &dir)
        .at(&server)
        .prints(format!("{second}\n"))
        .exits(0);
    let expected = [
        said("system", "Be brief"),
        said("user", "What is AI?"),
        said("assistant", first),
        said("user", "How does it work?"),
        said("assistant", second),
    ];
    assert_eq!(lines(&dir.path().join("c.jsonl")), expected);
    let request = server.received()[1].json();
    assert_eq!(request["system"], "Be brief");
    assert_eq!(request["messages"], json!(expected[1..4]));
}

#[test]
fn a_later_system_prompt_wins_for_its_turn_and_is_not_written() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    fs::write(&path, "{\"role\":\"system\",\"content\":\"old\"}\n").expect("c.jsonl");
    let printed = chat(["--dry-run", "-s", "new", "hi"], &dir).output();
    assert!(printed.contains("\"system\":\"new\""), "{printed}");
    chat(["--mock", "-s", "new", "hi"], &dir)
        .prints("hi\n")
        .exits(0);
    assert_eq!(
        lines(&path),
        [
            said("system", "old"),
            said("user", "hi"),
            said("assistant", "hi")
        ]
    );
}

#[test]
fn what_stands_in_the_file_is_sent_as_it_stands() {
    let dir = folder();
    let kept = r#"[{"type":"text","text":"a","x":1.10}]"#;
    // edited by hand: a blank line, another order, no line end
    let text = format!(
        "\n{{\"content\":{kept},\"role\":\"user\",\"note\":1}}\n\n{{\"role\":\"assistant\",\"content\":\"b\"}}"
    );
    fs::write(dir.path().join("c.jsonl"), &text).expect("c.jsonl");
    let printed = chat(["--dry-run", "hi"], &dir).output();
    let messages = format!(
        r#""messages":[{{"role":"user","content":{kept}}},{{"role":"assistant","content":"b"}},{{"role":"user","content":"hi"}}]"#
    );
    assert!(printed.contains(&messages), "{printed}");
    chat(["--mock", "hi"], &dir).prints("hi\n").exits(0);
    let after = fs::read_to_string(dir.path().join("c.jsonl")).expect("c.jsonl");
    let turn =
        "\n{\"role\":\"user\",\"content\":\"hi\"}\n{\"role\":\"assistant\",\"content\":\"hi\"}\n";
    assert_eq!(after, text + turn);
}

#[test]
fn only_whole_turns_are_kept() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    for step in ["cut", "400", "500"] {
        let mock = format!("--mock={step}");
        let run = chat([&mock, "--retries", "0", "one two"], &dir);
        match step {
            "cut" => run.prints("one \n").mentions("ended early").exits(10),
            "400" => run.mentions("(400").exits(4),
            _ => run.mentions("(500").exits(8),
        }
        assert!(!path.exists(), "{step}");
    }
    let thinking = r#"{"content":[{"type":"thinking","thinking":"hm"}]}"#;
    let server = Server::once(json_answer(thinking));
    chat(["-S", "hi"], &dir)
        .at(&server)
        .mentions("no text")
        .exits(10);
    assert!(!path.exists());
    // an answer that stopped short counts as whole
    let server = Server::once(stream(
        &text_events(&["ok"]).replace("end_turn", "max_tokens"),
    ));
    chat(["--strict", "hi"], &dir)
        .at(&server)
        .prints("ok\n")
        .mentions("stopped short")
        .exits(11);
    assert_eq!(lines(&path), [said("user", "hi"), said("assistant", "ok")]);
    let before = fs::read(&path).expect("c.jsonl");
    chat(["--mock=cut", "one two"], &dir)
        .prints("one \n")
        .mentions("ended early")
        .exits(10);
    assert_eq!(fs::read(&path).expect("c.jsonl"), before);
}

#[test]
fn a_damaged_file_is_refused_by_its_line_and_left_alone() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    let good = "{\"role\":\"user\",\"content\":\"a\"}\n";
    for (bad, why) in [
        ("not json", "this is no message"),
        (
            "{\"role\":\"robot\",\"content\":\"a\"}",
            "this is no message",
        ),
        ("{\"role\":\"user\"}", "this is no message"),
        (
            "{\"role\":\"user\",\"content\":7}",
            "the content is neither text nor a list of blocks",
        ),
        (
            "{\"role\":\"system\",\"content\":\"a\"}",
            "a system prompt stands on the first line only",
        ),
        (
            "{\"role\":\"assistant\",\"content\":\"half",
            "this is no message",
        ),
    ] {
        let text = format!("{good}{bad}");
        fs::write(&path, &text).expect("c.jsonl");
        chat(["--mock", "hi"], &dir)
            .says(&format!("anyask: c.jsonl:2: {why}\nhint: each line of a conversation is like {{\"role\":\"user\",\"content\":\"Hello\"}}\n"))
            .exits(1);
        assert_eq!(fs::read_to_string(&path).expect("c.jsonl"), text);
    }
    fs::write(&path, b"\xff\xfe").expect("c.jsonl");
    chat(["--mock", "hi"], &dir)
        .mentions("anyask: c.jsonl:1: this is no message\n")
        .exits(1);
    anyask(["--mock", "--chat", "/nowhere/c", "hi"])
        .mentions("anyask: cannot open the conversation /nowhere/c: ")
        .exits(1);
}

#[test]
fn two_turns_at_once_come_one_after_the_other() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    fs::write(&path, "{\"role\":\"system\",\"content\":\"s\"}\n").expect("c.jsonl");
    let asked = Arc::new(Barrier::new(2));
    let first = vec![
        Act::Meet(Arc::clone(&asked)),
        Act::Meet(Arc::clone(&asked)),
        Act::Send(stream(&text_events(&["one"]))),
    ];
    let server = Server::new(vec![first, vec![Act::Send(stream(&text_events(&["two"])))]]);
    let one = start(&server, &dir, "first?");
    asked.wait();
    let mut two = start(&server, &dir, "second?");
    // the second says that it waits, and only then does the first get its answer
    let mut told = String::new();
    let stderr = two.stderr.take().expect("stderr");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut told).expect("a note");
    assert_eq!(
        told,
        "anyask: note: waiting for another turn of c.jsonl to end\n"
    );
    asked.wait();
    for child in [one, two] {
        assert!(child.wait_with_output().expect("the end").status.success());
    }
    let turns = [
        said("user", "first?"),
        said("assistant", "one"),
        said("user", "second?"),
        said("assistant", "two"),
    ];
    assert_eq!(lines(&path)[1..], turns);
    assert_eq!(server.received()[1].json()["messages"], json!(turns[..3]));
}

#[test]
fn a_kill_in_the_first_turn_leaves_no_file() {
    let dir = folder();
    let asked = Arc::new(Barrier::new(2));
    let server = Server::new(vec![vec![Act::Meet(Arc::clone(&asked)), Act::Hang]]);
    let mut child = start(&server, &dir, "hi");
    asked.wait();
    child.kill().expect("a kill");
    child.wait().expect("the end");
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 0);
}

#[test]
fn a_file_that_an_editor_put_in_its_place_is_the_conversation() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    let old = "{\"role\":\"system\",\"content\":\"s\"}";
    fs::write(&path, format!("{old}\n")).expect("c.jsonl");
    let asked = Arc::new(Barrier::new(2));
    let server = Server::new(vec![vec![
        Act::Meet(Arc::clone(&asked)),
        Act::Meet(Arc::clone(&asked)),
        Act::Send(stream(&text_events(&["ok"]))),
    ]]);
    let mut child = start(&server, &dir, "hi");
    asked.wait();
    fs::write(dir.path().join("new"), old).expect("new");
    fs::rename(dir.path().join("new"), &path).expect("a rename");
    asked.wait();
    assert!(child.wait().expect("the end").success());
    assert_eq!(
        lines(&path)[1..],
        [said("user", "hi"), said("assistant", "ok")]
    );
}

#[test]
fn a_rehearsed_request_touches_no_file() {
    let dir = folder();
    for flag in ["--dry-run", "--curl"] {
        let run = chat([flag, "--log", "log", "hi"], &dir);
        run.output();
    }
    assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 0);
}

#[test]
fn fifty_turns_at_once_are_all_there_afterwards() {
    let dir = folder();
    let children: Vec<_> = (0..50)
        .map(|number| {
            Command::new(env!("CARGO_BIN_EXE_anyask"))
                .args([
                    "--mock",
                    "--no-stdin",
                    "-q",
                    "--chat",
                    "c.jsonl",
                    &format!("question {number}"),
                ])
                .current_dir(dir.path())
                .stdout(Stdio::null())
                .spawn()
                .expect("the program")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("the end").success());
    }
    let lines = lines(&dir.path().join("c.jsonl"));
    assert_eq!(lines.len(), 100);
    for pair in lines.chunks(2) {
        assert_eq!(
            (&pair[0]["role"], &pair[1]["role"]),
            (&"user".into(), &"assistant".into())
        );
        assert_eq!(pair[0]["content"], pair[1]["content"]);
    }
}

#[test]
fn the_first_words_are_sent_printed_and_kept() {
    let dir = folder();
    let server = Server::once(stream(&text_events(&[" is Paris", "."])));
    chat(["--prefill", "The capital", "Capital of France?"], &dir)
        .at(&server)
        .prints("The capital is Paris.\n")
        .exits(0);
    let messages = json!([
        said("user", "Capital of France?"),
        said("assistant", "The capital")
    ]);
    assert_eq!(server.request().json()["messages"], messages);
    assert_eq!(
        lines(&dir.path().join("c.jsonl"))[1],
        said("assistant", "The capital is Paris.")
    );
    // where no answer comes, there is nothing that they begin
    anyask(["--mock=400", "--prefill", "The", "hi"])
        .mentions("(400")
        .exits(4);
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["--json", "--prefill", "The", "hi"])
        .at(&server)
        .prints(answer("ok") + "\n")
        .exits(0);
}

/// The same example as a conversation line by line, in a real terminal.
#[test]
fn a_person_talks_line_by_line() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    let path = path.to_str().expect("a path");
    let server = Server::new(vec![
        vec![Act::Send(stream(&text_events(&[
            "AI is artificial intelligence.",
        ])))],
        vec![Act::Send(crate::harness::http(
            "400 Bad",
            &[],
            "{\"error\":\"oops\"}",
        ))],
        vec![Act::Send(stream(&text_events(&[
            "It learns from examples.",
        ])))],
    ]);
    let args = ["--chat", path, "--base-url", &server.url()];
    let mut terminal = pty(
        &args,
        [true, true, true],
        &[("TERM", "xterm"), ("ANYROUTER_API_KEY", "k")],
    );
    terminal.waits_for("> ");
    terminal.types("What is AI?\r");
    terminal.waits_for("AI is artificial intelligence.\r\n");
    terminal.waits_for("> ");
    terminal.types("And now?\r");
    // an error is told and the loop goes on
    terminal.waits_for("(400): oops");
    terminal.waits_for("> ");
    terminal.types("How does it work?\r");
    terminal.waits_for("It learns from examples.\r\n");
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    let (_, status) = terminal.ends();
    assert_eq!(status, Some(0));
    assert_eq!(
        lines(Path::new(path)),
        [
            said("user", "What is AI?"),
            said("assistant", "AI is artificial intelligence."),
            said("user", "How does it work?"),
            said("assistant", "It learns from examples."),
        ]
    );
}

#[test]
fn ctrl_c_stops_an_answer_and_keeps_the_conversation() {
    let dir = folder();
    let path = dir.path().join("c.jsonl");
    let path = path.to_str().expect("a path");
    let events = text_events(&["never ", "ends"]);
    let begun = &events[..events
        .find("data: {\"type\": \"content_block_stop")
        .expect("the stop")];
    let server = Server::new(vec![
        vec![Act::Send(stream(begun)), Act::Hang],
        vec![Act::Send(stream(&text_events(&["again"])))],
    ]);
    let args = ["--chat", path, "--base-url", &server.url()];
    let mut terminal = pty(
        &args,
        [true, true, true],
        &[("TERM", "xterm"), ("ANYROUTER_API_KEY", "k")],
    );
    terminal.waits_for("> ");
    terminal.types("go\r");
    terminal.waits_for("never ends");
    terminal.interrupts();
    terminal.waits_for("stopped; the conversation is as it was before the question");
    terminal.waits_for("> ");
    terminal.types("go on\r");
    terminal.waits_for("again\r\n");
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    let (_, status) = terminal.ends();
    assert_eq!(status, Some(0));
    assert_eq!(
        lines(Path::new(path)),
        [said("user", "go on"), said("assistant", "again")]
    );
}
