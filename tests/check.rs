//! `--check`: an answer is printed if a command accepts it, and else the model is asked again.

use std::fmt::Write;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::net::{TcpListener, TcpStream};

#[cfg(unix)]
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use serde_json::{Value, json};

#[cfg(unix)]
use crate::harness::PATIENCE;

use crate::harness::{
    CONFLICT, Events, Received, STOPPED_SHORT, Server, answer, anyask, folder, is_installed,
    json_answer, json_lines, skip,
};

/// Answers one request after the other with these texts.
fn answering(texts: &'static [&'static str]) -> Server {
    Server::handling(move |number, _| json_answer(&answer(texts[number])))
}

fn messages(request: &Received) -> Value {
    request.json()["messages"].clone()
}

/// What a rejected answer is followed by.
fn feedback(said: &str) -> String {
    format!(
        "A program checked your last answer and rejected it (exit status: 1). {said}\n\n\
         Answer the first question again so that the check passes. Give the whole answer in the \
         form that was asked for, without an apology and without a comment on the mistake."
    )
}

/// A failure after this output of the command.
fn rejected(said: &str) -> String {
    format!(
        "anyask: the answer did not pass --check (exit status: 1): {said}\n\
         hint: use -v to see the answer, or --check-retries N to allow more tries\n"
    )
}

fn again(said: &str) -> String {
    format!(
        "anyask: note: the answer did not pass --check (exit status: 1): {said}; \
         asking again, which is charged too\n"
    )
}

#[test]
fn json_that_is_broken_twice_is_right_the_third_time() {
    let broken = "line 1: a brace is missing";
    let check = format!("grep -q '}}' || {{ echo '{broken}' >&2; false; }}");
    let ask =
        |server: &Server, retries| anyask(["--check", &check, retries, "-u", "as JSON"]).at(server);
    let server = answering(&["{1", "{1", "{}"]);
    ask(&server, "--check-retries=1")
        .says(
            &(again(broken)
                + "anyask: usage: 24 tokens in, 50 tokens out, 74 in total, about $0.000082 at the example price\n"
                + &rejected(broken)),
        )
        .exits(13);
    assert_eq!(server.requests(), 2);
    let server = answering(&["{1", "{1", "{}"]);
    let usage = "anyask: usage: 36 tokens in, 75 tokens out, 111 in total, about $0.00012 at the example price\n";
    ask(&server, "--check-retries=2")
        .prints("{}\n")
        .says(&(again(broken) + &again(broken) + usage))
        .exits(0);
    let mut expected = vec![json!({"role": "user", "content": "as JSON"})];
    for request in server.received() {
        assert_eq!(messages(&request), json!(expected));
        expected.push(json!({"role": "assistant", "content": "{1"}));
        let said = format!("It printed:\n\n{broken}");
        expected.push(json!({"role": "user", "content": feedback(&said)}));
    }
}

#[test]
fn the_command_gets_what_would_be_printed() {
    let folder = folder();
    let text = "Here:\n```json\n{\"a\": 1}\n```\n";
    let json = answer(text);
    for (form, input) in [("-S", text), ("-x", "{\"a\": 1}\n"), ("--json", &(json.clone() + "\n"))]
    {
        let server = Server::once(json_answer(&json));
        anyask([form, "--check", "cat > got", "hi"])
            .in_dir(&folder)
            .at(&server)
            .prints(input)
            .exits(0);
        assert_eq!(folder.read("got"), input);
    }
    // the model sees its whole answer, not only the code
    let server = Server::handling(move |_, _| json_answer(&json));
    anyask(["-x", "--check", "false", "-q", "hi"])
        .at(&server)
        .says(&rejected("it printed nothing"))
        .exits(13);
    assert_eq!(server.requests(), 2);
    let last = messages(&server.received()[1]);
    assert_eq!(last[1], json!({"role": "assistant", "content": text}));
    assert_eq!(last[2], json!({"role": "user", "content": feedback("It printed nothing.")}));
}

#[test]
fn json_without_text_is_checked_too() {
    let json = |id: u8| {
        format!(
            r#"{{"content":[{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}],"stop_reason":"tool_use"}}"#
        )
    };
    let server = Server::handling(move |number, _| json_answer(&json(number as u8)));
    anyask(["--json", "-q", "--check", "grep -q '\"id\":\"1\"'", "hi"])
        .at(&server)
        .prints(json(1) + "\n")
        .mentions("anyask: the answer has no text, only tool_use")
        .exits(10);
    // an empty message is not sent back
    let asked = messages(&server.received()[1]);
    assert_eq!(asked[1], json!({"role": "user", "content": feedback("It printed nothing.")}));
}

#[test]
fn a_rejected_answer_leaves_files_as_they_are() {
    let folder = folder().with("out", "old").with("log", "");
    anyask(["--check=false", "--check-retries=0", "-q", "hi"])
        .args(&["-o", "out", "--chat", "talk", "--log", "log"])
        .in_dir(&folder)
        .at(&Server::answering("no"))
        .says(&rejected("it printed nothing"))
        .exits(13);
    assert_eq!(folder.read("out"), "old");
    let names: Vec<_> = folder.files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["log", "out"]);
    assert_eq!(folder.json_lines("log")[0]["exit"], 13);
}

#[test]
fn a_conversation_keeps_the_question_and_the_answer_that_passed() {
    let folder = folder();
    let server = answering(&["one", "two"]);
    let check = "grep -q two || { echo say two; false; }";
    anyask(["--check", check, "--chat", "talk", "--prefill", "> ", "--log", "log", "hi"])
        .in_dir(&folder)
        .at(&server)
        .prints("> two\n")
        .says(&again("say two"))
        .exits(0);
    let turn = [
        json!({"role": "user", "content": "hi"}),
        json!({"role": "assistant", "content": "> two"}),
    ];
    assert_eq!(folder.json_lines("talk"), turn);
    let asked = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "> one"},
        {"role": "user", "content": feedback("It printed:\n\nsay two")},
        {"role": "assistant", "content": "> "},
    ]);
    assert_eq!(messages(&server.received()[1]), asked);
    let log = &folder.json_lines("log")[0];
    assert_eq!((&log["requests"], &log["output_tokens"]), (&2.into(), &50.into()));
}

#[test]
fn the_command_may_ignore_its_input_and_write_megabytes() {
    let check = "head -c 3000000 /dev/zero | tr '\\0' x; echo >&2; sleep 60 & exit 1";
    let server = Server::handling(|_, _| json_answer(&answer(&"long ".repeat(100_000))));
    anyask(["--check", check, "-q", "hi"]).at(&server).mentions(": xxxx").exits(13);
    let last = messages(&server.received()[1])[2]["content"].to_string();
    assert_eq!(last.matches('x').count(), 4096 + feedback("").matches('x').count());
}

#[test]
fn a_command_that_cannot_be_run_is_a_setup_error() {
    // only one answer: it is asked once
    let server = Server::serving(vec![json_answer(&answer("ok")); 3]);
    let check = |command| anyask(["--check", command, "hi"]).at(&server);
    check("no-such-command-1x2y")
        .matches("< ok\nanyask: cannot run the command of --check: [^\n]*not found\n")
        .exits(3);
    // the answer was paid for, so it is shown in any case
    check("exit 126")
        .arg("-q")
        .says("< ok\nanyask: cannot run the command of --check: it printed nothing\n")
        .exits(3);
    check("kill -9 $$")
        .matches(
            "anyask: the answer did not pass --check \\(signal: 9[^\n]*\\): it printed nothing\n",
        )
        .exits(13);
}

#[test]
fn the_command_does_not_see_the_key() {
    anyask(["--check", "env | grep 'KEY\\|TOKEN'", "--check-retries=0", "-v", "hi"])
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .at(&Server::answering("ok"))
        .mentions("(exit status: 1): it printed nothing\n")
        .exits(13);
}

/// A command for `--check` that does not end by itself, and where it connects to as long as it runs.
#[cfg(unix)]
fn connecting_check() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    set_socket_timeout(&listener, Timeout::Recv, Some(PATIENCE)).expect("a limit");
    let port = listener.local_addr().expect("an address").port();
    (format!("exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; exec sleep 100'"), listener)
}

/// Waits until that command has begun.
#[cfg(unix)]
fn begun(listener: &TcpListener) -> TcpStream {
    let (command, _) = listener.accept().expect("the command to begin");
    command.set_read_timeout(Some(PATIENCE)).expect("a limit");
    command
}

/// Waits until that command has ended.
#[cfg(unix)]
#[track_caller]
fn has_ended(mut command: TcpStream) {
    assert_eq!(command.read(&mut [0]).expect("the command to end"), 0);
}

/// A terminal sends Ctrl-C to all programs in its foreground. A batch wants a second one, and the command goes on after
/// the first.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_program_and_the_command() {
    use rustix::process::Signal;

    let (check, listener) = connecting_check();
    let folder = folder().with("items", "hi\n");
    for (args, is_batch) in [(["--no-stdin", "hi"], false), (["--batch=items", "hi"], true)] {
        let run = anyask(["--mock", "--check", &check]).args(&args).in_dir(&folder);
        let mut running = run.in_own_group().mentions("").start();
        let command = begun(&listener);
        running.interrupt_group();
        if is_batch {
            let note = "anyask: note: no new items are started; a second signal stops at once\n";
            assert_eq!(running.says_line(), note);
            running.insists(Signal::INT);
        }
        running.ends_by(Signal::INT);
        has_ended(command);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_to_the_program_alone_ends_the_command_too() {
    use rustix::process::Signal;

    let (check, listener) = connecting_check();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let running = anyask(["--mock", "--check", &check, "--no-stdin", "hi"]).start();
        let command = begun(&listener);
        running.signal(signal);
        running.ends_by(signal);
        has_ended(command);
    }
}

#[test]
fn verbose_shows_the_rejected_answer() {
    anyask(["--mock", "--check=false", "--check-retries=0", "-v", "one\ntwo"])
        .mentions("\n< one\n< two\n* the answer ended after ")
        .mentions("\nanyask: the answer did not pass --check")
        .exits(13);
}

#[test]
fn an_answer_that_stopped_short_is_not_checked_under_strict() {
    let folder = folder();
    anyask(["--strict", "--check", "touch ran", "hi"])
        .in_dir(&folder)
        .at(&Server::once(Events::new().text("ok").stop("max_tokens").http()))
        .mentions(STOPPED_SHORT)
        .exits(11);
    assert_eq!(folder.files(), []);
    anyask(["--check=true", "hi"])
        .at(&Server::once(Events::new().text("ok").stop("max_tokens").http()))
        .prints("ok\n")
        .mentions(STOPPED_SHORT)
        .exits(0);
}

#[test]
fn a_batch_checks_each_item() {
    let mut items = String::new();
    for number in 1..=20 {
        writeln!(items, "{number}").expect("a string");
    }
    let printed = anyask([
        "--batch",
        "-k",
        "-j8",
        "--mock",
        "--check",
        "grep -q 1",
        "--check-retries=0",
        "-q",
    ])
    .stdin(items)
    .prints_something()
    .mentions("anyask: 9 items failed\n")
    .exits(12);
    for row in json_lines(&printed) {
        if row["line"].to_string().contains('1') {
            assert_eq!(row["text"], row["line"].to_string());
        } else {
            assert_eq!(row["error"]["exit"], 13, "{row}");
        }
    }
}

#[test]
fn an_answer_without_text_or_code_block_is_asked_again() {
    for (flag, first, why) in [
        ("-S", "", "the answer's text is empty (stop reason: end_turn)"),
        ("-S", " \n", "the answer's text is only white space (stop reason: end_turn)"),
        ("-x", "no code", "the answer has no fenced code block"),
    ] {
        let server = Server::handling(move |number, _| {
            json_answer(&answer([first, "```\nok\n```\n"][number]))
        });
        let said = format!("the answer did not pass --check: {why}");
        anyask([flag, "--check=grep ok", "hi"])
            .at(&server)
            .prints(if flag == "-x" { "ok\n" } else { "```\nok\n```\n" })
            .says(&format!("anyask: note: {said}; asking again, which is charged too\n"))
            .exits(0);
        let last = messages(&server.received()[1]);
        let feedback = last.as_array().and_then(|all| all.last()).expect("a message");
        let words = format!("A program could not use your last answer: {why}.\n\n");
        assert!(feedback["content"].as_str().is_some_and(|text| text.starts_with(&words)));
        let server = Server::handling(move |_, _| json_answer(&answer(first)));
        anyask([flag, "--check=true", "-q", "hi"])
            .at(&server)
            .says(&format!("anyask: {said}\nhint: use -v to see the answer, or --check-retries N to allow more tries\n"))
            .exits(13);
        assert_eq!(server.requests(), 2);
    }
}

#[test]
fn a_blank_command_is_refused() {
    for command in ["", "  "] {
        anyask(["--mock", "--check", command, "hi"])
            .says(&format!(
                "anyask: invalid value '{command}' for --check <CMD>: the command is blank\n"
            ))
            .exits(2);
    }
}

#[test]
fn a_batch_stops_at_a_command_that_cannot_be_run() {
    let items = "one\ntwo\nthree\n";
    let printed = anyask(["--batch", "-j1", "--mock", "--check", "jqq-1x2y -e .", "-q"])
        .stdin(items)
        .prints_something()
        .matches("anyask: cannot run the command of --check: [^\n]*not found\n")
        .exits(3);
    let rows = json_lines(&printed);
    assert_eq!(rows.len(), 1, "{printed}");
    assert_eq!((&rows[0]["error"]["exit"], &rows[0]["error"]["text"]), (&3.into(), &"one".into()));
}

#[test]
fn a_failed_item_keeps_its_last_answer() {
    let printed = anyask(["--batch", "--mock", "--check=false", "--check-retries=0", "-q"])
        .stdin("\"one\\ntwo\"\n")
        .prints_something()
        .mentions("anyask: 1 item failed\n")
        .exits(12);
    let error = json_lines(&printed)[0]["error"].take();
    assert_eq!((&error["exit"], &error["text"]), (&13.into(), &"one\ntwo".into()));
}

#[test]
fn the_command_finds_the_item_in_its_environment() {
    let long = "x".repeat(65_536);
    let items = format!(
        "{{\"id\":\"a\",\"data\":{{\"x\": 1}},\"prompt\":\"1\"}}\n{{\"id\":7,\"data\":\"{long}\",\"prompt\":\"2\"}}\nplain\n"
    );
    let check = "echo \"${ANYASK_ID-none} ${ANYASK_DATA-none}\" >> seen";
    let folder = folder();
    anyask(["--batch", "-j1", "--mock", "-q", "--check", check])
        .in_dir(&folder)
        .stdin(items)
        .prints_something()
        .exits(0);
    assert_eq!(folder.read("seen"), "\"a\" {\"x\": 1}\n7 none\nnone none\n");
}

#[test]
fn an_answer_that_is_replayed_again_is_not_called_charged() {
    let folder = folder();
    let server = Server::handling(|_, _| json_answer(&answer("no")));
    let ask = |flag| {
        let check = ["--check=false", "--check-retries=1", "hi"];
        anyask([flag, "answers"]).args(&check).in_dir(&folder)
    };
    ask("--record")
        .at(&server)
        .says(&(again("it printed nothing") + &rejected("it printed nothing")))
        .exits(13);
    let note = again("it printed nothing").replace(", which is charged too", "");
    ask("--replay").says(&(note + &rejected("it printed nothing"))).exits(13);
}

#[cfg(unix)]
#[test]
fn a_command_that_stops_in_a_batch_is_ended() {
    // as one does that reads the terminal from another process group
    let printed = anyask(["--batch", "-j1", "--mock", "-q", "--check", "kill -STOP $$"])
        .stdin("hi\n")
        .prints_something()
        .mentions("anyask: 1 item failed\n")
        .exits(12);
    let error = json_lines(&printed)[0]["error"].take();
    let why = "the answer did not pass --check (it stopped): in a batch, the command cannot use the terminal";
    assert_eq!((&error["exit"], &error["message"]), (&13.into(), &why.into()));
}

#[test]
fn cannot_be_used_where_there_is_nothing_to_check() {
    for flags in [["--json", "--stream"], ["--dry-run", "-q"], ["--curl", "-q"]] {
        anyask(["--mock", "--check=true", "hi"]).args(&flags).mentions(CONFLICT).exits(2);
    }
}

#[test]
fn an_answer_fits_a_schema_or_is_not_printed() {
    if !is_installed("check-jsonschema") {
        return skip("check-jsonschema (from PyPI) is not installed");
    }
    let schema = json!({"required": ["name"], "properties": {"name": {"type": "string"}}});
    let folder = folder().with("person.json", schema.to_string());
    let block = |json: &str| format!("```json\n{json}\n```\n");
    let server = Server::handling(move |number, _| {
        json_answer(&answer(&block([r#"{"name":7}"#, r#"{"name":"Ada"}"#][number])))
    });
    let check = "check-jsonschema --schemafile person.json -";
    anyask(["-x", "-q", "-f", "person.json", "--check", check, "Invent a person"])
        .in_dir(&folder)
        .at(&server)
        .prints("{\"name\":\"Ada\"}\n")
        .exits(0);
    let feedback = messages(&server.received()[1])[2]["content"].to_string();
    assert!(feedback.contains("7 is not of type 'string'"), "{feedback}");
}
