//! What is asked: words, standard input, and both together.

use std::fs;

use crate::harness::{Pty, anyask, pty};

/// What the one message of a dry run says.
fn content(run: crate::harness::Run) -> String {
    let body: serde_json::Value =
        serde_json::from_str(&run.arg("--dry-run").output()).expect("JSON");
    let messages = body["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"]
        .as_str()
        .expect("a string")
        .to_string()
}

#[test]
fn words_are_joined_by_single_blanks() {
    assert_eq!(
        content(anyask(["models", "of", "planes"])),
        "models of planes"
    );
    assert_eq!(
        content(anyask(["what is", "-5", "plus 3"])),
        "what is -5 plus 3"
    );
    let after_dashes = anyask(["--dry-run", "--", "-x", "--help"]).output();
    assert!(after_dashes.contains("\"-x --help\""), "{after_dashes}");
}

#[test]
fn standard_input_alone_is_the_prompt_unchanged() {
    assert_eq!(content(anyask([]).stdin("why?\n")), "why?\n");
    assert_eq!(content(anyask(["-"]).stdin(" why?\r\n\n")), " why?\r\n\n");
}

#[test]
fn standard_input_stands_before_a_blank_line_and_the_words() {
    assert_eq!(
        content(anyask(["Review", "this"]).stdin("+ code\n")),
        "+ code\n\nReview this"
    );
    assert_eq!(
        content(anyask(["Review"]).stdin("no line end")),
        "no line end\n\nReview"
    );
}

#[test]
fn empty_standard_input_leaves_the_words_alone() {
    assert_eq!(content(anyask(["hi"]).stdin("")), "hi");
    assert_eq!(content(anyask(["hi"]).stdin(" \n\t\n")), "hi");
    assert_eq!(content(anyask(["", " "]).stdin("why?")), "why?");
}

#[test]
fn no_stdin_leaves_standard_input_to_others() {
    assert_eq!(
        content(anyask(["--no-stdin", "hi"]).stdin("not for you")),
        "hi"
    );
    anyask(["--no-stdin", "-"])
        .says("anyask: '-' asks for standard input, and --no-stdin forbids it\n")
        .exits(2);
}

#[test]
fn nothing_to_ask_is_told_with_an_example() {
    for run in [
        anyask(["--mock"]),
        anyask(["--mock", " "]).stdin("\n\n"),
        anyask(["--mock", "--no-stdin"]),
    ] {
        run.matches("anyask: there is no prompt\nhint: anyask \"What is a monad\\?\", or .*\n")
            .exits(2);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_counted() {
    anyask(["--mock"])
        .stdin(&b"caf\xe9 \xff\xfe!"[..])
        .prints("caf\u{fffd} \u{fffd}\u{fffd}!\n")
        .says("anyask: note: 3 bytes of the prompt were not UTF-8 and became U+FFFD\n")
        .exits(0);
    anyask(["--mock", "-q"])
        .stdin(&b"\xe9"[..])
        .prints("\u{fffd}\n")
        .exits(0);
}

#[test]
fn binary_input_is_refused() {
    anyask(["--mock", "What is this?"])
        .stdin(&b"\x7fELF\x02\x01\x01\0\0"[..])
        .says("anyask: standard input is binary: it has a NUL byte near its start\nhint: a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well\n")
        .exits(2);
}

#[test]
fn a_request_over_32_mib_is_refused_before_anything_is_sent() {
    let limit = 32 << 20;
    anyask(["--mock"])
        .stdin(vec![b'a'; limit + 1])
        .matches("anyask: standard input is over 32 MiB, .*\nhint: send less of it at a time\n")
        .exits(2);
    // what fits by itself may grow too long as JSON
    anyask(["--mock"])
        .stdin(vec![b'"'; limit / 2])
        .matches("anyask: the request is 32.0 MiB, and the API takes 32 MiB at most\nhint: .*\n")
        .exits(2);
}

#[test]
fn the_system_prompt_comes_from_text_or_file() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("role.txt"), "You are terse.\n").expect("role.txt");
    let system = |run: crate::harness::Run| -> serde_json::Value {
        let body: serde_json::Value = serde_json::from_str(&run.output()).expect("JSON");
        body["system"].clone()
    };
    assert_eq!(
        system(anyask(["--dry-run", "-s", "Be brief", "hi"])),
        "Be brief"
    );
    let from_file = anyask(["--dry-run", "--system-file", "role.txt", "hi"]).in_dir(dir.path());
    assert_eq!(system(from_file), "You are terse.\n");
    anyask(["--dry-run", "-s", "a", "--system-file", "b", "hi"])
        .says(
            "anyask: the argument '--system <TEXT>' cannot be used with '--system-file <PATH>'\n\
             hint: 'anyask --help' shows every flag\n",
        )
        .exits(2);
    anyask(["--dry-run", "--system-file", "nowhere", "hi"])
        .says("anyask: cannot read nowhere: no such file or directory (os error 2)\n")
        .exits(1);
}

#[test]
fn a_person_who_types_the_prompt_is_told_how_to_end_it() {
    let mut terminal = pty(&["--mock", "-"], [true, true, true], &[]);
    terminal.waits_for("end it with Ctrl-D");
    terminal.types("typed by hand\n\u{4}");
    let (shown, status) = terminal.ends();
    assert!(shown.ends_with("typed by hand\r\n"), "{shown}");
    assert_eq!(status, Some(0));
}

#[test]
fn without_words_on_a_terminal_it_does_not_wait() {
    let (shown, status) = pty(&[], [true, true, true], &[("TERM", "dumb")]).ends();
    assert!(
        shown.starts_with("anyask: there is no prompt\r\nhint: "),
        "{shown}"
    );
    assert_eq!(status, Some(2));
}

#[test]
fn a_silent_pipe_is_told_to_a_person_who_waits() {
    let mut terminal: Pty = pty(&["--mock", "hi"], [false, false, true], &[]);
    terminal.waits_for("waiting for standard input; --no-stdin leaves it alone");
    let (_, status) = terminal.ends();
    assert_eq!(status, Some(0));
}

#[test]
#[cfg(unix)]
fn words_that_are_not_utf8_are_counted_too() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"caf\xe9");
    anyask(["--mock"])
        .arg(word)
        .prints("caf\u{fffd}\n")
        .says("anyask: note: 1 byte of the prompt was not UTF-8 and became U+FFFD\n")
        .exits(0);
    anyask(["--mock", "hi", "-s"])
        .arg(word)
        .prints("hi\n")
        .says("anyask: note: 1 byte of the system prompt was not UTF-8 and became U+FFFD\n")
        .exits(0);
}
