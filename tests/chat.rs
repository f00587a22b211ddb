//! `--chat`: a conversation kept in a file, turn by turn; and `--prefill`.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{
    ALL, Act, ENDED_EARLY, Events, Folder, Gate, Pty, Run, STOPPED_SHORT, Server, answer, anyask,
    bash, folder, http, json_answer, skip,
};

/// The conversation.
const FILE: &str = "c.jsonl";

fn chat<const N: usize>(args: [&str; N], folder: &Folder) -> Run {
    anyask(args).args(&["--chat", FILE]).in_dir(folder)
}

fn said(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

fn streamed(text: &str) -> Act {
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
        question + "{\"role\":\"assist\0\0\0",
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
            .says("anyask: note: removed the incomplete last turn of c.jsonl\n")
            .exits(0);
        let turn = line("user", "hi") + &line("assistant", "hi");
        assert_eq!(folder.read(FILE), format!("{good}{turn}"));
    }
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

/// A conversation in a terminal, question by question.
fn session(server: &Server, folder: &Folder) -> Pty {
    chat([], folder).at(server).on_terminal(ALL)
}

/// The API reference's example again, typed by a person.
#[test]
fn a_person_asks_question_after_question() {
    let folder = folder();
    let oops = http("400 Bad", &[], "{\"error\":\"oops\"}");
    let (first, second) = ("AI is artificial intelligence.", "It learns from examples.");
    let server =
        Server::new(vec![vec![streamed(first)], vec![Act::Send(oops)], vec![streamed(second)]]);
    let mut terminal = session(&server, &folder);
    for (question, shown) in [
        ("What is AI?", &*format!("{first}\r\n")),
        // an error does not end it
        ("And now?", "(400): oops"),
        ("How does it work?", &format!("{second}\r\n")),
    ] {
        terminal.waits_for("> ");
        terminal.types(&format!("{question}\r"));
        terminal.waits_for(shown);
    }
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    terminal.exits(0);
    let expected = [
        said("user", "What is AI?"),
        said("assistant", first),
        said("user", "How does it work?"),
        said("assistant", second),
    ];
    assert_eq!(folder.json_lines(FILE), expected);
}

#[test]
fn ctrl_c_stops_an_answer_and_not_the_conversation() {
    let folder = folder();
    let begun = Events::new().texts(&["never ", "ends"]).http();
    let server = Server::new(vec![vec![Act::Send(begun), Act::Hang], vec![streamed("again")]]);
    let mut terminal = session(&server, &folder);
    terminal.waits_for("> ");
    terminal.types("go\r");
    terminal.waits_for("never ends");
    terminal.types("\u{3}");
    terminal.waits_for("stopped; the conversation is as it was before the question");
    terminal.waits_for("> ");
    terminal.types("go on\r");
    terminal.waits_for("again\r\n");
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    terminal.exits(0);
    assert_eq!(folder.json_lines(FILE), [said("user", "go on"), said("assistant", "again")]);
}

#[test]
fn lines_typed_or_pasted_ahead_are_each_a_question() {
    let folder = folder();
    let gate = Gate::new(2);
    let held = vec![Act::Wait(gate.clone()), Act::Wait(gate.clone()), streamed("1")];
    let answers = (2..=9).map(|number| vec![streamed(&number.to_string())]);
    let server = Server::new([held].into_iter().chain(answers).collect());
    let mut terminal = session(&server, &folder);
    terminal.waits_for("> ");
    // in one piece, and more of them while an answer is under way
    terminal.types("one\rtwo\rthree\r");
    gate.wait();
    terminal.types("four\nfive\nsix\n");
    gate.wait();
    terminal.waits_for("\n6\r\n");
    terminal.waits_for("> ");
    // as terminals paste
    terminal.types("\u{1b}[200~seven\reight\r\rnine\u{1b}[201~\r");
    terminal.waits_for("\n9\r\n");
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    let shown = terminal.exits(0);
    assert!(!shown.contains("waiting"), "a spinner would mix with what is typed: {shown:?}");
    let questions = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    let turns = (1..).zip(questions);
    let expected = turns.flat_map(|(number, question)| {
        [said("user", question), said("assistant", &number.to_string())]
    });
    assert_eq!(folder.json_lines(FILE), expected.collect::<Vec<_>>());
}

/// Types this into a conversation with the server of `--mock`. Gives what was shown and what was asked.
fn typed(args: &[&str], text: &str, folder: &Folder) -> (String, Vec<String>) {
    let mut terminal = chat(["--mock", "--color=never"], folder).args(args).on_terminal(ALL);
    terminal.waits_for("> ");
    terminal.types(text);
    let shown = terminal.exits(0);
    (shown, questions(folder))
}

/// All questions in the conversation.
fn questions(folder: &Folder) -> Vec<String> {
    let messages = if folder.files().is_empty() { Vec::new() } else { folder.json_lines(FILE) };
    let users = messages.iter().filter(|message| message["role"] == "user");
    users.map(|message| message["content"].as_str().expect("text").into()).collect()
}

#[test]
fn it_says_first_what_is_asked_and_how_to_end() {
    let folder = folder();
    let turns = |turns: &str| {
        format!("anyask: note: claude-3-haiku-20240307, {turns}; end with Ctrl-D\r\n")
    };
    for (turn, expected) in
        [turns("no earlier turns"), turns("1 earlier turn"), turns("2 earlier turns")]
            .iter()
            .enumerate()
    {
        let (shown, _) = typed(&["-m", "haiku"], &format!("turn {turn}\rexit\r"), &folder);
        assert!(shown.starts_with(expected), "{shown:?}");
    }
    let (shown, _) = typed(&["-q"], "exit\r", &folder);
    assert!(!shown.contains("anyask"), "{shown:?}");
}

#[test]
fn exit_or_quit_alone_ends_it() {
    for (text, asked) in [
        ("exit\r", &[][..]),
        (" quit \r", &[]),
        ("hi\rquit\r", &["hi"]),
        ("exit now\rquit?\rexit\r", &["exit now", "quit?"]),
    ] {
        assert_eq!(typed(&[], text, &folder()).1, asked, "{text:?}");
    }
}

#[test]
fn a_backslash_at_a_lines_end_goes_on_with_a_new_line() {
    for (text, asked) in [
        ("one\\\rtwo\\\r\\\rthree\rexit\r", &["one\ntwo\n\nthree"][..]),
        // in the middle, and at the end of a matrix row
        ("a\\b\\\\\rc\rd\rexit\r", &["a\\b\\\nc", "d"]),
        // pasted
        ("\u{1b}[200~one\\\rtwo\rthree\\\u{1b}[201~\rfour\rexit\r", &["one\ntwo", "three\nfour"]),
        // an empty line ends it
        ("one\\\r\rexit\r", &["one\n"]),
    ] {
        assert_eq!(typed(&[], text, &folder()).1, asked, "{text:?}");
    }
}

#[test]
fn ctrl_c_and_ctrl_d_drop_a_question_that_is_half_typed() {
    let folder = folder();
    let mut terminal = chat(["--mock"], &folder).on_terminal(ALL);
    terminal.waits_for("> ");
    terminal.types("one\\\r");
    terminal.waits_for("... ");
    terminal.types("two\u{3}");
    terminal.waits_for("> ");
    terminal.types("three\rfour\\\r");
    terminal.waits_for("... ");
    terminal.types("\u{4}");
    terminal.exits(0);
    assert_eq!(questions(&folder), ["three"]);
}

#[test]
fn with_words_or_a_file_it_is_one_question_on_a_terminal_too() {
    for args in [&["hi"][..], &["-f", "a.txt"]] {
        let folder = folder().with("a.txt", "hi\n");
        chat(["--mock", "-q"], &folder).args(args).on_terminal(ALL).exits(0);
        assert_eq!(folder.json_lines(FILE).len(), 2);
    }
}

const UP: &str = "\u{1b}[A";

#[test]
fn earlier_questions_are_in_the_history() {
    let picture = json!({"role": "user", "content": [{"type": "text", "text": "see?"}]});
    let lines = [
        said("user", "first?"),
        said("assistant", "ok"),
        said("user", "two\nlines"),
        said("assistant", "ok"),
        // what cannot be typed is left out
        picture,
        said("assistant", "ok"),
        said("user", "\u{1b}[31mred"),
        said("assistant", "ok"),
        said("user", &"long ".repeat(1000)),
        said("assistant", "ok"),
        said("user", "last?"),
        said("assistant", "ok"),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    for (keys, asked) in [
        (UP.into(), "last?"),
        (UP.repeat(2), "two\nlines"),
        // through its lines
        (UP.repeat(4), "first?"),
        (UP.repeat(9), "first?"),
        (format!("new\\\rone\r{UP}"), "new\none"),
    ] {
        let folder = folder().with(FILE, &text);
        let mut terminal = chat(["--mock"], &folder).on_terminal(ALL);
        terminal.waits_for("6 earlier turns");
        terminal.types(&format!("{keys}\rexit\r"));
        terminal.exits(0);
        let last = folder.json_lines(FILE).into_iter().rev().nth(1);
        assert_eq!(last, Some(said("user", asked)), "{keys:?}");
    }
}

#[test]
fn a_blank_line_stands_between_turns_on_a_terminal() {
    let folder = folder();
    let (shown, _) = typed(&[], "\u{1b}[200~one\rtwo\u{1b}[201~\rexit\r", &folder);
    assert!(shown.contains("one\r\n\r\ntwo\r\n\r\n"), "{shown:?}");
    // elsewhere the answers stand alone
    let mut terminal = chat(["--mock", "-q"], &folder).on_terminal([true, false, true]);
    terminal.types("one\rtwo\rexit\r");
    let shown = terminal.exits(0);
    assert!(!shown.contains("one\r\n\r\n"), "{shown:?}");
}
