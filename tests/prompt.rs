//! What is asked: words, standard input, and both together; and the system prompt.

use crate::harness::{CONFLICT, NO_PROMPT, Run, anyask, folder, replaced};

/// What the only message of a request says.
#[track_caller]
fn content(run: Run) -> String {
    let body = run.dry_run();
    let messages = body["messages"].as_array().expect("messages");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["role"], "user");
    messages[0]["content"].as_str().expect("a string").to_string()
}

#[test]
fn words_are_joined_by_single_blanks() {
    assert_eq!(content(anyask(["models", "of", "planes"])), "models of planes");
    assert_eq!(content(anyask(["what is", "-5", "plus 3"])), "what is -5 plus 3");
    let after_dashes = anyask(["--dry-run", "--", "-x", "--help"]).output();
    assert!(after_dashes.contains("\"-x --help\""), "{after_dashes}");
}

#[test]
fn standard_input_alone_is_the_prompt_unchanged() {
    assert_eq!(content(anyask([]).stdin("why?\n")), "why?\n");
    assert_eq!(content(anyask(["-"]).stdin(" why?\r\n\n")), " why?\r\n\n");
}

#[test]
fn standard_input_comes_first_then_a_blank_line_and_the_words() {
    let piped = |text: &str| content(anyask(["Review", "this"]).stdin(text));
    assert_eq!(piped("+ code\n"), "+ code\n\nReview this");
    assert_eq!(piped("no line end"), "no line end\n\nReview this");
}

#[test]
fn empty_standard_input_or_empty_words_add_nothing() {
    assert_eq!(content(anyask(["hi"]).stdin("")), "hi");
    assert_eq!(content(anyask(["hi"]).stdin(" \n\t\n")), "hi");
    assert_eq!(content(anyask(["", " "]).stdin("why?")), "why?");
}

#[test]
fn no_stdin_does_not_read_standard_input() {
    assert_eq!(content(anyask(["--no-stdin", "hi"]).stdin("not for you")), "hi");
    anyask(["--no-stdin", "-"]).says("anyask: '-' cannot be used with --no-stdin\n").exits(2);
}

#[test]
fn nothing_to_ask_is_an_error_with_an_example() {
    for run in [
        anyask(["--mock"]),
        anyask(["--mock", " "]).stdin("\n\n"),
        anyask(["--mock", "--no-stdin"]),
    ] {
        run.matches(&format!("{NO_PROMPT}hint: anyask \"What is a monad\\?\", or .*\n")).exits(2);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_replaced_and_counted() {
    anyask(["--mock"])
        .stdin(&b"caf\xe9 \xff\xfe!"[..])
        .prints("caf\u{fffd} \u{fffd}\u{fffd}!\n")
        .says(&replaced(3, "prompt"))
        .exits(0);
    anyask(["--mock", "-q"]).stdin(&b"\xe9"[..]).prints("\u{fffd}\n").exits(0);
}

#[cfg(unix)]
#[test]
fn bytes_of_arguments_that_are_not_utf8_are_replaced_and_counted() {
    use std::os::unix::ffi::OsStrExt;
    let word = std::ffi::OsStr::from_bytes(b"caf\xe9");
    anyask(["--mock"]).arg(word).prints("caf\u{fffd}\n").says(&replaced(1, "prompt")).exits(0);
    anyask(["--mock", "hi", "-s"])
        .arg(word)
        .prints("hi\n")
        .says(&replaced(1, "system prompt"))
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
        .says("anyask: standard input is larger than 32 MiB, the most that the API takes\nhint: send less at a time\n")
        .exits(2);
    // quotes take twice as much room in JSON
    anyask(["--mock"])
        .stdin(vec![b'"'; limit / 2])
        .says("anyask: the request is 32.0 MiB; the API takes at most 32 MiB\nhint: send less at a time\n")
        .exits(2);
}

#[test]
fn the_system_prompt_comes_from_text_or_a_file() {
    let folder = folder().with("role.txt", "You are terse.\n");
    assert_eq!(anyask(["-s", "Be brief", "hi"]).dry_run()["system"], "Be brief");
    let run = anyask(["--system-file", "role.txt", "hi"]).in_dir(&folder);
    assert_eq!(run.dry_run()["system"], "You are terse.\n");
    anyask(["--dry-run", "-s", "a", "--system-file", "b", "hi"])
        .says(&format!("anyask: --system <TEXT> {CONFLICT} --system-file <PATH>\n"))
        .exits(2);
    anyask(["--dry-run", "--system-file", "nowhere", "hi"])
        .says("anyask: cannot read nowhere: No such file or directory\n")
        .exits(1);
}
