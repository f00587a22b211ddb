//! `--chat` on a terminal: what a person types and pastes, and what becomes of the terminal.

use std::path::Path;

use rustix::process::Signal;
use rustix::termios::{InputModes, LocalModes};
use serde_json::json;

use crate::chat::{FILE, chat, said, streamed};
use crate::harness::{ALL, Act, Events, Folder, Gate, Pty, Server, bash, folder, http};

/// A conversation question by question, without colours.
fn conversation(server: &Server, folder: &Folder) -> Pty {
    let mut terminal = chat(["--color=never"], folder).at(server).on_terminal(ALL);
    terminal.waits_for("> ");
    terminal
}

/// A conversation in which this was typed. Its first answer comes when the test passes the gate.
fn awaiting(typed: impl AsRef<[u8]>, folder: &Folder) -> (Gate, Server, Pty) {
    let gate = Gate::new(2);
    let server = Server::holding(0, &gate);
    let mut terminal = conversation(&server, folder);
    terminal.types(typed);
    gate.wait();
    (gate, server, terminal)
}

/// Types this into a conversation with the server of `--mock`. Gives what was shown and what was asked.
fn typed(args: &[&str], text: impl AsRef<[u8]>, folder: &Folder) -> (String, Vec<String>) {
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

/// What terminals make of this text when it is pasted.
fn pasted(text: &str) -> String {
    format!("\u{1b}[200~{}\u{1b}[201~", text.replace('\n', "\r"))
}

/// The API reference's example again, typed by a person.
#[test]
fn a_person_asks_question_after_question() {
    let folder = folder();
    let oops = http("400 Bad", &[], "{\"error\":\"oops\"}");
    let (first, second) = ("AI is artificial intelligence.", "It learns from examples.");
    let server =
        Server::new(vec![vec![streamed(first)], vec![Act::Send(oops)], vec![streamed(second)]]);
    let mut terminal = conversation(&server, &folder);
    for (question, shown) in [
        ("What is AI?", &*format!("{first}\r\n")),
        // an error does not end it
        ("And now?", "(400): oops"),
        ("How does it work?", &format!("{second}\r\n")),
    ] {
        terminal.types(format!("{question}\r"));
        terminal.waits_for(shown);
        terminal.waits_for("> ");
    }
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
    let mut terminal = conversation(&server, &folder);
    terminal.types("go\r");
    terminal.waits_for("never ends");
    // what is typed before it stays
    terminal.types("go on\u{3}");
    terminal.waits_for("stopped; the conversation is as it was before the question");
    terminal.waits_for("> ");
    terminal.waits_for("go on");
    terminal.types("\r");
    terminal.waits_for("again\r\n");
    terminal.waits_for("> ");
    terminal.types("\u{4}");
    terminal.exits(0);
    assert_eq!(folder.json_lines(FILE), [said("user", "go on"), said("assistant", "again")]);
}

#[test]
fn what_is_typed_during_an_answer_stands_at_the_next_prompt() {
    let folder = folder();
    let (gate, _server, mut terminal) = awaiting("one\r", &folder);
    terminal.types("two\rthr");
    // the spinner is not disturbed
    let shown = terminal.waits_for("waiting 1 s");
    assert!(!shown.contains("two"), "{shown:?}");
    gate.wait();
    for shown in ["one\r\n", "> ", "two", "two\r\n", "> ", "thr"] {
        terminal.waits_for(shown);
    }
    terminal.types("ee\r");
    terminal.waits_for("three\r\n");
    terminal.types("\u{4}");
    terminal.exits(0);
    assert_eq!(questions(&folder), ["one", "two", "three"]);
}

#[test]
fn ctrl_d_typed_during_an_answer_ends_after_it() {
    let folder = folder();
    let (gate, _server, mut terminal) = awaiting("one\r", &folder);
    terminal.types("\u{4}");
    gate.wait();
    terminal.exits(0);
    assert_eq!(folder.json_lines(FILE), [said("user", "one"), said("assistant", "one")]);
}

#[test]
fn lines_typed_ahead_are_each_a_question() {
    let folder = folder();
    // in one piece, and more of them while an answer is under way
    let (gate, _server, mut terminal) = awaiting("one\rtwo\rthree\r", &folder);
    terminal.types("four\nfive\nsix\n\u{4}");
    gate.wait();
    terminal.exits(0);
    assert_eq!(questions(&folder), ["one", "two", "three", "four", "five", "six"]);
}

#[test]
fn a_paste_is_one_question_with_its_line_ends() {
    let lines: String = (1..=30).map(|line| format!("line {line}\n")).collect();
    let text = format!("{lines}exit\n\n\tif a \\\n  b\n");
    let folder = folder();
    let (gate, server, mut terminal) = awaiting(pasted(&text) + "\r", &folder);
    // also while an answer is under way
    terminal.types(pasted("a\nb") + " c\r" + &pasted("exit") + "\r");
    gate.wait();
    terminal.exits(0);
    assert_eq!(questions(&folder), [&*text, "a\nb c"]);
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_line_that_is_not_utf_8_is_told_and_the_loop_goes_on() {
    let lines = b"caf\xe9 au lait\r".repeat(200);
    let paste = [b"\x1b[200~", &lines[..], b"\x1b[201~\r"].concat();
    for (bytes, kept) in
        [(&b"caf\xe9 au lait\r"[..], ""), (b"one\\\rcaf\xe9\r", "one\n"), (&paste, "")]
    {
        let folder = folder();
        let mut terminal = chat(["--mock", "--color=never", "-q"], &folder).on_terminal(ALL);
        terminal.waits_for("> ");
        terminal.types(bytes);
        terminal.waits_for(
            "anyask: the line is not UTF-8, so it is left out\r\nhint: set the terminal to UTF-8\r\n",
        );
        terminal.waits_for(if kept.is_empty() { "> " } else { "... " });
        terminal.types("hi\r\u{4}");
        terminal.exits(0);
        assert_eq!(questions(&folder), [format!("{kept}hi")]);
    }
    let folder = folder();
    let run = chat(["--mock", "-q"], &folder).env("TERM", "dumb");
    let mut terminal = run.on_terminal(ALL);
    terminal.types(b"caf\xe9\rhi\rexit\r");
    assert!(terminal.exits(0).contains("the line is not UTF-8"));
    assert_eq!(questions(&folder), ["hi"]);
}

#[test]
fn it_says_first_what_is_asked_and_how_to_end() {
    let folder = folder();
    let turns = |turns: &str| {
        format!("anyask: note: {FILE}: claude-3-haiku-20240307, {turns}; end with Ctrl-D\r\n")
    };
    for (turn, expected) in
        [turns("no earlier turns"), turns("1 earlier turn"), turns("2 earlier turns")]
            .iter()
            .enumerate()
    {
        let (shown, _) = typed(&["-m", "haiku"], format!("turn {turn}\rexit\r"), &folder);
        assert!(shown.starts_with(expected), "{shown:?}");
    }
    let (shown, _) = typed(&["-q"], "exit\r", &folder);
    assert!(!shown.contains("anyask"), "{shown:?}");
}

#[test]
fn a_word_that_ends_other_programs_alone_ends_it() {
    for word in
        ["exit", " quit ", "/exit", "/quit", "/bye", ":q", "exit()", "EXIT", "Quit", "/Exit", ":Q"]
    {
        assert_eq!(typed(&[], format!("hi\r{word}\r"), &folder()).1, ["hi"], "{word:?}");
    }
    let (_, asked) = typed(&[], "exit now\rquit?\r:wq\rexit\r", &folder());
    assert_eq!(asked, ["exit now", "quit?", ":wq"]);
}

#[test]
fn help_or_a_question_mark_alone_gets_one_line() {
    let line = "anyask: each line is a question; a backslash at its end goes on with a new line; \
        Ctrl-C stops an answer, and Ctrl-D or exit ends\r\n";
    for word in ["/help", " ? ", "/HELP"] {
        let (shown, asked) = typed(&["-q"], format!("{word}\r??\r\u{4}"), &folder());
        assert!(shown.contains(line), "{shown:?}");
        assert_eq!(asked, ["??"]);
    }
}

#[test]
fn a_backslash_at_a_lines_end_goes_on_with_a_new_line() {
    for (text, asked) in [
        ("one\\\rtwo\\\r\\\rthree\rexit\r".into(), &["one\ntwo\n\nthree"][..]),
        // in the middle, and at the end of a matrix row
        ("a\\b\\\\\rc\rd\rexit\r".into(), &["a\\b\\\nc", "d"]),
        // pasted
        (pasted("one\\\ntwo\\") + "\rthree\rfour\rexit\r", &["one\\\ntwo\nthree", "four"]),
        // an empty line ends it
        ("one\\\r\rexit\r".into(), &["one\n"]),
    ] {
        assert_eq!(typed(&[], &text, &folder()).1, asked, "{text:?}");
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
fn with_words_it_is_one_question_on_a_terminal_too() {
    let folder = folder();
    chat(["--mock", "-q", "hi"], &folder).on_terminal(ALL).exits(0);
    assert_eq!(questions(&folder), ["hi"]);
}

#[test]
fn files_go_with_the_first_question_that_is_answered() {
    let folder = folder().with("a.txt", "alpha\n").with("list", "b.txt\n").with("b.txt", "beta\n");
    let oops = http("400 Bad", &[], "{\"error\":\"oops\"}");
    let server =
        Server::new(vec![vec![Act::Send(oops)], vec![streamed("ok")], vec![streamed("ok")]]);
    let run = chat(["--color=never", "-fa.txt", "--files-from=list"], &folder).at(&server);
    let mut terminal = run.on_terminal(ALL);
    terminal.waits_for("no earlier turns; the files go with the first question; end with Ctrl-D");
    terminal.types("one\rtwo\rthree\rexit\r");
    terminal.exits(0);
    let document = |path, text| format!("<document path=\"{path}\">\n{text}\n</document>\n");
    let files = document("a.txt", "alpha") + &document("b.txt", "beta");
    assert_eq!(questions(&folder), [format!("{files}\ntwo"), "three".into()]);
    let first = server.received()[0].json();
    assert_eq!(first["messages"], json!([said("user", &format!("{files}\none"))]));
}

#[test]
fn files_go_again_exactly_where_the_conversation_lacks_them() {
    let file = "<document path=\"a.txt\">\nalpha\n</document>\n\n";
    let ok = || Events::new().text("ok").stop("end_turn").http();
    let short = Events::new().text("cut").stop("max_tokens").http();
    for (args, first, asked) in [
        // what is not checked because it stopped short is not in the conversation
        (&["--strict", "--check=true"][..], short, vec![format!("{file}two")]),
        (&["--log=/dev/full"], ok(), vec![format!("{file}one"), "two".into()]),
    ] {
        if args[0].contains("/dev/full") && !Path::new("/dev/full").exists() {
            continue;
        }
        let folder = folder().with("a.txt", "alpha\n");
        let server = Server::serving(vec![first, ok()]);
        let run = chat(["--color=never", "-fa.txt"], &folder).args(args).at(&server);
        let mut terminal = run.on_terminal(ALL);
        terminal.waits_for("> ");
        terminal.types("one\rtwo\rexit\r");
        terminal.exits(0);
        assert_eq!(questions(&folder), asked);
    }
}

#[test]
fn with_a_file_and_nobody_who_reads_it_is_one_question() {
    for streams in [[true, false, true], [true, true, false]] {
        let folder = folder().with("a.txt", "hi\n");
        let run = chat(["--mock", "-q", "-fa.txt"], &folder);
        run.on_terminal(streams).exits(0);
        assert_eq!(folder.json_lines(FILE).len(), 2);
    }
    let folder = folder();
    let run = chat(["--mock", "--color=never", "-fmissing"], &folder);
    assert!(run.on_terminal(ALL).exits(1).starts_with("anyask: cannot read missing: "));
}

/// Checks that the terminal treats what is typed, and what is pasted, as before.
#[track_caller]
fn assert_is_usual(terminal: &Pty) {
    let modes = terminal.modes();
    let local = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
    assert!(modes.local_modes.contains(local), "{modes:?}");
    assert!(!modes.local_modes.contains(LocalModes::NOFLSH), "{modes:?}");
    assert!(modes.input_modes.contains(InputModes::ICRNL), "{modes:?}");
}

#[test]
fn a_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    let server = Server::handling(|_, _| Events::new().text("never ends").http());
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::QUIT, 131)] {
        for typed in ["", "half a question", "one\\\r", "go\r"] {
            let folder = folder();
            let mut terminal = conversation(&server, &folder);
            terminal.types(typed);
            terminal.waits_for(match typed {
                "one\\\r" => "... ",
                "go\r" => "never ends",
                typed => typed,
            });
            terminal.signals(signal);
            terminal.ends();
            assert_is_usual(&terminal);
            let shown = terminal.exits(status);
            assert!(shown.rfind("\u{1b}[?2004l") > shown.rfind("\u{1b}[?2004h"), "{shown:?}");
        }
    }
}

#[test]
fn ctrl_z_in_an_answer_gives_the_terminal_back_and_fg_goes_on() {
    let folder = folder();
    let gate = Gate::new(2);
    let server = Server::holding(0, &gate);
    let line = "set -m; anyask --chat c.jsonl; echo then; read -r word; echo $word; fg";
    let run = bash(line).at(&server).in_dir(&folder);
    let mut terminal = run.on_terminal(ALL);
    terminal.waits_for("> ");
    terminal.types("one\r");
    gate.wait();
    terminal.waits_for("waiting");
    terminal.types("\u{1a}");
    terminal.waits_for("then\r\n");
    assert_is_usual(&terminal);
    terminal.types("read\r");
    terminal.waits_for("read\r\nread\r\n");
    terminal.waits_for("waiting");
    terminal.types("two");
    gate.wait();
    let shown = terminal.waits_for("one\r\n");
    assert!(!shown.contains("two"), "{shown:?}");
    terminal.waits_for("two");
    terminal.types("\r");
    terminal.waits_for("two\r\n");
    terminal.types("\u{4}");
    terminal.exits(0);
    assert_eq!(questions(&folder), ["one", "two"]);
}

/// As a terminal without a shell does, or a container.
#[test]
fn ctrl_z_without_a_shell_does_not_stop_an_answer() {
    let folder = folder();
    let (gate, _server, mut terminal) = awaiting("one\r", &folder);
    terminal.types("\u{1a}");
    gate.wait();
    terminal.waits_for("one\r\n");
    terminal.types("\u{4}");
    terminal.exits(0);
}

#[test]
fn a_command_of_check_finds_the_terminal_as_usual() {
    let folder = folder();
    let check = "printf 'sure? ' >/dev/tty; read -r word </dev/tty; test $word = yes";
    let run = chat(["--mock", "--color=never", "--check", check], &folder);
    let mut terminal = run.on_terminal(ALL);
    terminal.waits_for("> ");
    terminal.types("one\r");
    terminal.waits_for("sure? ");
    assert_is_usual(&terminal);
    terminal.types("yes\r");
    terminal.waits_for("yes\r\n");
    terminal.waits_for("one\r\n");
    terminal.types("\u{4}");
    terminal.exits(0);
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
        terminal.types(format!("{keys}\rexit\r"));
        terminal.exits(0);
        let last = folder.json_lines(FILE).into_iter().rev().nth(1);
        assert_eq!(last, Some(said("user", asked)), "{keys:?}");
    }
}

#[test]
fn a_blank_line_stands_between_turns_on_a_terminal() {
    let folder = folder();
    let (shown, _) = typed(&[], "one\rtwo\rexit\r", &folder);
    for answer in ["\r\none\r\n\r\n", "\r\ntwo\r\n\r\n"] {
        assert!(shown.contains(answer), "{shown:?}");
    }
    // elsewhere the answers stand alone
    let mut terminal = chat(["--mock", "-q"], &folder).on_terminal([true, false, true]);
    terminal.types("one\rtwo\rexit\r");
    let shown = terminal.exits(0);
    assert!(!shown.contains("one\r\n\r\n"), "{shown:?}");
}
