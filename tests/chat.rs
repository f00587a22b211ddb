//! `--chat`: a conversation kept in a file, turn by turn; and `--prefill`.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{
    Act, ENDED_EARLY, Events, Folder, Gate, Run, STOPPED_SHORT, Server, answer, anyask, bash,
    folder, json_answer, skip,
};

/// The conversation.
pub const FILE: &str = "c.jsonl";

pub fn chat<const N: usize>(args: [&str; N], folder: &Folder) -> Run {
    anyask(args).args(&["--chat", FILE]).in_dir(folder)
}

pub fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

pub fn streamed(text: &str) -> Act {
    Act::Send(Events::new().text(text).stop("end_turn").http())
}

/// The API reference's example of several turns, one a run.
#[test]
fn goes_on_from_run_to_run() {
    let folder = folder();
    let (first, second) = ("AI is artificial intelligence.", "It learns from examples.");
    let server =
        Server::new(vec![vec![streamed(first)], vec![Act::Send(json_answer(&answer(second)))]]);
    chat(["-s", "Be brief", "What is AI?"], &folder)
        .at(&server)
        .prints(format!("{first}\n"))
        .exits(0);
    chat(["-S", "How does it work?"], &folder).at(&server).prints(format!("{second}\n")).exits(0);
    let expected = [
        said("system", "Be brief"),
        said("user", "What is AI?"),
        said("assistant", first),
        said("user", "How does it work?"),
        said("assistant", second),
    ];
    assert_eq!(folder.json_lines(FILE), expected);
    let request = server.received()[1].json();
    assert_eq!(request["system"], "Be brief");
    assert_eq!(request["messages"], json!(expected[1..4]));
}

#[test]
fn a_later_system_prompt_counts_for_its_turn_and_is_not_written() {
    let folder = folder().with(FILE, "{\"role\":\"system\",\"content\":\"old\"}\n");
    assert_eq!(chat(["-s", "new", "hi"], &folder).dry_run()["system"], "new");
    chat(["--mock", "-s", "new", "hi"], &folder).prints("hi\n").exits(0);
    let expected = [said("system", "old"), said("user", "hi"), said("assistant", "hi")];
    assert_eq!(folder.json_lines(FILE), expected);
}

#[test]
fn sends_and_keeps_what_was_edited_by_hand_as_it_is() {
    let content = r#"[{"type":"text","text":"a","x":1.10}]"#;
    // a blank line, another order, no line end
    let text = format!(
        "\n{{\"content\":{content},\"role\":\"user\",\"note\":1}}\n\n{{\"role\":\"assistant\",\"content\":\"b\"}}"
    );
    let folder = folder().with(FILE, &text);
    let printed = chat(["--dry-run", "hi"], &folder).output();
    let messages = format!(
        r#""messages":[{{"role":"user","content":{content}}},{{"role":"assistant","content":"b"}},{{"role":"user","content":"hi"}}]"#
    );
    assert!(printed.contains(&messages), "{printed}");
    chat(["--mock", "hi"], &folder).prints("hi\n").exits(0);
    let turn =
        "\n{\"role\":\"user\",\"content\":\"hi\"}\n{\"role\":\"assistant\",\"content\":\"hi\"}\n";
    assert_eq!(folder.read(FILE), text + turn);
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark() {
    let text = format!("\u{feff}{}\n{}\n", said("user", "a"), said("assistant", "b"));
    let folder = folder().with(FILE, &text);
    let messages = chat(["--dry-run", "hi"], &folder).dry_run()["messages"].clone();
    assert_eq!(messages, json!([said("user", "a"), said("assistant", "b"), said("user", "hi")]));
    chat(["--mock", "hi"], &folder).prints("hi\n").exits(0);
    assert!(folder.read(FILE).starts_with(&text));
}

#[test]
fn writes_nothing_when_a_turn_fails() {
    let folder = folder();
    chat(["--mock=cut", "one two"], &folder).prints("one \n").mentions(ENDED_EARLY).exits(10);
    chat(["--mock=400", "hi"], &folder).mentions("(400").exits(4);
    chat(["--mock=500", "--retries=0", "hi"], &folder).mentions("(500").exits(8);
    let thinking = r#"{"content":[{"type":"thinking","thinking":"hm"}]}"#;
    let server = Server::once(json_answer(thinking));
    chat(["-S", "hi"], &folder).at(&server).mentions("no text").exits(10);
    assert_eq!(folder.files(), []);
    let old =
        "{\"role\":\"user\",\"content\":\"hi\"}\n{\"role\":\"assistant\",\"content\":\"ok\"}\n";
    folder.write(FILE, old);
    chat(["--mock=cut", "one two"], &folder).prints("one \n").mentions(ENDED_EARLY).exits(10);
    assert_eq!(folder.read(FILE), old);
}

#[test]
fn an_answer_that_could_not_be_printed_is_not_kept() {
    if !fs::exists("/dev/full").unwrap_or_default() {
        return skip("this system has no /dev/full");
    }
    let folder = folder();
    bash("anyask --no-stdin --mock --chat c.jsonl hi > /dev/full")
        .in_dir(&folder)
        .says("anyask: cannot write to standard output: No space left on device\n")
        .exits(1);
    assert_eq!(folder.files(), []);
}

#[test]
fn keeps_an_answer_that_stopped_short() {
    let folder = folder();
    let server = Server::once(Events::new().text("ok").stop("max_tokens").http());
    chat(["--strict", "hi"], &folder).at(&server).prints("ok\n").mentions(STOPPED_SHORT).exits(11);
    assert_eq!(folder.json_lines(FILE), [said("user", "hi"), said("assistant", "ok")]);
}

#[test]
fn a_turn_that_cannot_be_kept_is_reported_with_its_cost() {
    if !fs::exists("/dev/full").unwrap_or_default() {
        return skip("this system has no /dev/full");
    }
    anyask(["-u", "-c", "/dev/full", "hi"])
        .at(&Server::once(Events::new().text("ok").stop("max_tokens").http()))
        .prints("ok\n")
        .matches(&format!(
            "anyask: usage: 12 tokens in, 25 tokens out, [^\n]*\n\
             anyask: note: {STOPPED_SHORT}: it reached --max-tokens 4096\n\
             anyask: cannot write to the conversation /dev/full: [^\n]*\n"
        ))
        .exits(1);
}

#[test]
fn names_the_line_of_a_damaged_file_and_leaves_it_alone() {
    let folder = folder();
    let good = "{\"role\":\"user\",\"content\":\"a\"}\n";
    let no_object = "is not a JSON object";
    for (bad, why) in [
        ("not json", no_object),
        ("{\"role\":\"robot\",\"content\":\"a\"}", "has a role that is neither user nor assistant"),
        ("{\"content\":\"a\"}", "has no role"),
        ("{\"role\":\"user\"}", "has no content"),
        (
            "{\"role\":\"user\",\"content\":7}",
            "has content that is neither text nor a list of blocks",
        ),
        (
            "{\"role\":\"system\",\"content\":\"a\"}",
            "is a system prompt, which only the first line can be",
        ),
        ("{\"role\":\"assistant\",\"content\":\"half\n", no_object),
    ] {
        let text = format!("{good}{bad}");
        folder.write(FILE, &text);
        chat(["--mock", "hi"], &folder)
            .says(&format!("anyask: c.jsonl:2: this line {why}\nhint: each line is a message such as {{\"role\":\"user\",\"content\":\"Hello\"}}\n"))
            .exits(1);
        assert_eq!(folder.read(FILE), text);
    }
    folder.write(FILE, b"\xff\xfe");
    chat(["--mock", "hi"], &folder)
        .mentions(&format!("anyask: c.jsonl:1: this line {no_object}\n"))
        .exits(1);
}

#[test]
fn takes_back_a_turn_that_was_not_written_completely() {
    let line = |role, content| format!("{}\n", said(role, content));
    let good = line("system", "s") + &line("user", "a") + &line("assistant", "b");
    let question = line("user", "c");
    for torn in [
        "{\"ro".to_string(),
        question[..question.len() - 4].to_string(),
        question.clone() + "{\"role\":\"assistant\",\"content\":\"half \\",
        // a power cut leaves NUL bytes
        question.clone() + "{\"role\":\"assist\0\0\0",
        question.trim_end().to_string() + "\0\0\0",
        "\0\0\0".to_string(),
    ] {
        let text = format!("{good}{torn}");
        let folder = folder().with(FILE, &text);
        let messages = chat(["--dry-run", "hi"], &folder).dry_run()["messages"].clone();
        assert_eq!(
            messages,
            json!([said("user", "a"), said("assistant", "b"), said("user", "hi")])
        );
        assert_eq!(folder.read(FILE), text);
        chat(["--mock", "hi"], &folder)
            .prints("hi\n")
            .says("anyask: note: removed the incomplete end of c.jsonl\n")
            .exits(0);
        let turn = line("user", "hi") + &line("assistant", "hi");
        assert_eq!(folder.read(FILE), format!("{good}{turn}"));
    }
}

#[test]
fn a_whole_turn_before_the_nuls_of_a_power_cut_is_kept() {
    let turn = |text| format!("{}\n{}\n", said("user", text), said("assistant", text));
    let folder = folder().with(FILE, turn("a").trim_end().to_string() + "\0\0\0");
    chat(["--mock", "hi"], &folder)
        .prints("hi\n")
        .says("anyask: note: removed the incomplete end of c.jsonl\n")
        .exits(0);
    assert_eq!(folder.read(FILE), turn("a") + &turn("hi"));
}

#[test]
fn a_turn_waits_for_another_one_to_end() {
    let folder = folder().with(FILE, "{\"role\":\"system\",\"content\":\"s\"}\n");
    let gate = Gate::new(2);
    let held = vec![Act::Wait(gate.clone()), Act::Wait(gate.clone()), streamed("one")];
    let server = Server::new(vec![held, vec![streamed("two")]]);
    let first = chat(["first?"], &folder).at(&server).prints("one\n").start();
    gate.wait();
    let mut second = chat(["second?"], &folder).at(&server).prints("two\n").start();
    // only when the second says that it waits does the first get its answer
    assert_eq!(
        second.says_line(),
        "anyask: note: waiting for another program to finish its turn in c.jsonl\n"
    );
    gate.wait();
    first.exits(0);
    second.exits(0);
    let turns = [
        said("user", "first?"),
        said("assistant", "one"),
        said("user", "second?"),
        said("assistant", "two"),
    ];
    assert_eq!(folder.json_lines(FILE)[1..], turns);
    assert_eq!(server.received()[1].json()["messages"], json!(turns[..3]));
}

#[test]
fn leaves_no_file_when_killed_in_the_first_turn() {
    let folder = folder();
    let gate = Gate::new(2);
    let server = Server::new(vec![vec![Act::Wait(gate.clone()), Act::Hang]]);
    let running = chat(["hi"], &folder).at(&server).start();
    gate.wait();
    running.kill();
    assert_eq!(folder.files(), []);
}

#[test]
fn appends_to_the_file_that_an_editor_saved_meanwhile() {
    let system = "{\"role\":\"system\",\"content\":\"s\"}";
    let folder = folder().with(FILE, format!("{system}\n"));
    let gate = Gate::new(2);
    let acts = vec![Act::Wait(gate.clone()), Act::Wait(gate.clone()), streamed("ok")];
    let server = Server::new(vec![acts]);
    let running = chat(["hi"], &folder).at(&server).prints("ok\n").start();
    gate.wait();
    folder.write("new", system);
    fs::rename(folder.join("new"), folder.join(FILE)).expect("a rename");
    gate.wait();
    running.exits(0);
    assert_eq!(folder.json_lines(FILE)[1..], [said("user", "hi"), said("assistant", "ok")]);
}

#[test]
fn dry_run_and_curl_create_no_file() {
    let folder = folder();
    for mode in ["--dry-run", "--curl"] {
        chat([mode, "--log", "log", "hi"], &folder).output();
    }
    assert_eq!(folder.files(), []);
}

#[test]
fn keeps_all_of_fifty_turns_at_once() {
    let folder = folder();
    let turns: Vec<_> = (0..50)
        .map(|number| {
            let question = format!("question {number}");
            chat(["--mock", "-q", &question], &folder).prints(question + "\n").start()
        })
        .collect();
    for turn in turns {
        turn.exits(0);
    }
    let lines = folder.json_lines(FILE);
    assert_eq!(lines.len(), 100);
    for turn in lines.chunks(2) {
        let question = turn[0]["content"].as_str().expect("a question");
        assert_eq!(turn, [said("user", question), said("assistant", question)]);
    }
}

#[test]
fn prefill_is_sent_printed_and_kept_as_the_start_of_the_answer() {
    let folder = folder();
    let server = Server::streaming(&[" is Paris", "."]);
    let (question, prefill) = ("Capital of France?", "The capital");
    chat(["--prefill", prefill, question], &folder)
        .at(&server)
        .prints("The capital is Paris.\n")
        .exits(0);
    let messages = json!([said("user", question), said("assistant", prefill)]);
    assert_eq!(server.request().json()["messages"], messages);
    assert_eq!(folder.json_lines(FILE)[1], said("assistant", "The capital is Paris."));
}

#[test]
fn prefill_is_not_printed_without_an_answer_or_before_json() {
    anyask(["--mock=400", "--prefill", "The", "hi"]).mentions("(400").exits(4);
    let server = Server::answering("ok");
    anyask(["--json", "--prefill", "The", "hi"]).at(&server).prints(answer("ok") + "\n").exits(0);
}
