//! What a person sees and types, in a real pseudo-terminal.

use crate::harness::{
    ALL, Act, Events, Gate, NO_PROMPT, Pty, Run, STDERR, STDOUT, STDOUT_AND_STDERR, Server, anyask,
    folder, http,
};

/// A question to this server, with only the program's stderr on the terminal.
fn watched(server: &Server) -> Pty {
    anyask(["--no-stdin", "hi"]).at(server).on_terminal(STDERR)
}

/// What removes the spinner.
const ERASED: &str = "\r\u{1b}[2K";

#[test]
fn escapes_are_shown_and_not_obeyed() {
    let attack = "\u{1b}]52;c;cm0=\u{7}\u{9b}31m\u{202e}x";
    let server = Server::streaming(&["\u{1b}", attack, "\r\nok"]);
    let run = anyask(["--no-stdin", "hi"]).at(&server);
    let expected = "\u{241b}\u{241b}]52;c;cm0=\u{2407}\u{fffd}31m\u{fffd}x\r\nok\r\n";
    assert_eq!(run.on_terminal(STDOUT).exits(0), expected);
}

/// An answer, and how it looks: title and strong text bold, code cyan, the markers as they are.
const ANSWER: &str = "# Title\n\n- so **very** `true`\n\n```sh\nls **\n```\n";
const STYLED: &str = "#\u{1b}[1m Title\u{1b}[0m\r\n\r\n\
    - so **\u{1b}[1mvery\u{1b}[0m** \u{1b}[36m`true`\u{1b}[0m\r\n\r\n\
    \u{1b}[36m```sh\u{1b}[0m\r\n\u{1b}[36mls **\u{1b}[0m\r\n\u{1b}[36m```\u{1b}[0m\r\n";

/// The question that the server of `--mock` repeats.
fn repeats(text: &str) -> Run {
    anyask(["--no-stdin", "--mock", text])
}

#[test]
fn markdown_is_highlighted() {
    for flag in ["--color=auto", "--no-stream", "--color=always"] {
        assert_eq!(repeats(ANSWER).arg(flag).on_terminal(STDOUT).exits(0), STYLED, "{flag}");
    }
    let always = repeats(ANSWER).env("NO_COLOR", "1").arg("--color=always");
    assert_eq!(always.on_terminal(STDOUT).exits(0), STYLED);
    let forced = repeats(ANSWER).env("CLICOLOR_FORCE", "1").env("CLICOLOR", "0");
    assert_eq!(forced.on_terminal(STDOUT).exits(0), STYLED);
}

#[test]
fn markdown_is_plain_where_the_user_does_not_want_colour() {
    let plain = ANSWER.replace('\n', "\r\n");
    for (name, value) in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let shown = repeats(ANSWER).env(name, value).on_terminal(STDOUT).exits(0);
        assert_eq!(shown, plain, "{name}");
    }
    for flag in ["--color=never", "--raw"] {
        assert_eq!(repeats(ANSWER).arg(flag).on_terminal(STDOUT).exits(0), plain, "{flag}");
    }
    assert_eq!(repeats(ANSWER).arg("-x").on_terminal(STDOUT).exits(0), "ls **\r\n");
    for args in [&["--json"][..], &["--json", "--stream"], &["--dry-run"]] {
        let shown = repeats(ANSWER).args(args).on_terminal(STDOUT).exits(0);
        assert!(shown.contains("**very**") && !shown.contains('\u{1b}'), "{shown}");
    }
}

#[test]
fn a_printed_request_does_not_control_the_terminal() {
    let attack = "a\u{9b}31mb\u{202e}c\u{200b}d";
    for mode in ["--dry-run", "--curl"] {
        let shown = anyask([mode, attack]).on_terminal(STDOUT).exits(0);
        assert!(shown.contains("a\u{fffd}31mb\u{fffd}c\u{fffd}d"), "{shown}");
        let shown = anyask([mode, "--raw", attack]).on_terminal(STDOUT).exits(0);
        assert!(shown.contains(attack), "{shown}");
        assert!(anyask([mode, attack]).output().contains(attack));
    }
}

#[test]
fn an_answer_in_a_pipe_or_a_file_is_never_highlighted() {
    repeats(ANSWER).arg("--color=always").prints(ANSWER).exits(0);
    repeats(ANSWER).env("CLICOLOR_FORCE", "1").prints(ANSWER).exits(0);
    let folder = folder();
    let run = repeats(ANSWER).args(&["--color=always", "-o", "out"]).in_dir(&folder);
    assert_eq!(run.on_terminal(STDOUT).exits(0), "");
    assert_eq!(folder.read("out"), ANSWER);
}

/// Ctrl-C may come at any moment.
#[test]
fn between_two_writes_the_terminal_is_plain() {
    let gate = Gate::new(2);
    let first = Act::Send(Events::new().text("**bo").http());
    let second = Act::Send(Events::bare().text("ld** x").end().bytes());
    let server = Server::new(vec![vec![first, Act::Wait(gate.clone()), second]]);
    let mut terminal = anyask(["--no-stdin", "hi"]).at(&server).on_terminal(STDOUT);
    terminal.waits_for("**\u{1b}[1mbo\u{1b}[0m");
    gate.wait();
    let shown = terminal.exits(0);
    assert_eq!(shown, "**\u{1b}[1mbo\u{1b}[0m\u{1b}[1mld\u{1b}[0m** x\r\n");
}

#[test]
fn an_answer_that_is_cut_leaves_the_terminal_plain() {
    let server = Server::once(Events::new().text("```\nls").http());
    let run = anyask(["--no-stdin", "hi"]).at(&server);
    let expected = "\u{1b}[36m```\u{1b}[0m\r\n\u{1b}[36mls\u{1b}[0m\r\n";
    assert_eq!(run.on_terminal(STDOUT).exits(10), expected);
}

#[test]
fn raw_obeys_them() {
    let server = Server::streaming(&["\u{1b}[31mred"]);
    let run = anyask(["--no-stdin", "--raw", "hi"]).at(&server);
    assert_eq!(run.on_terminal(STDOUT).exits(0), "\u{1b}[31mred\r\n");
}

#[test]
fn escapes_in_json_are_shown_and_not_obeyed() {
    let server = Server::once(Events::bare().text("\u{9b}31m").end().http());
    let run = anyask(["--no-stdin", "--json", "--stream", "hi"]).at(&server);
    let shown = run.on_terminal(STDOUT).exits(0);
    assert!(shown.contains("\u{fffd}31m") && !shown.contains('\u{9b}'), "{shown}");
}

#[test]
fn a_spinner_shows_the_wait_and_leaves_no_trace() {
    let gate = Gate::new(2);
    let answer = Act::Send(Events::new().text("ok").stop("end_turn").http());
    let server = Server::new(vec![vec![Act::Wait(gate.clone()), answer]]);
    let mut terminal = watched(&server);
    terminal.waits_for("waiting");
    gate.wait();
    let shown = terminal.exits(0);
    assert!(shown.ends_with(ERASED), "{shown:?}");
}

#[test]
fn the_spinner_counts_the_seconds_to_a_retry_down() {
    let answer = Act::Send(Events::new().text("ok").stop("end_turn").http());
    let busy = http("429 Slow", &["retry-after: 1.2"], "");
    let gate = Gate::new(2);
    let server = Server::new(vec![vec![Act::Send(busy)], vec![Act::Wait(gate.clone()), answer]]);
    let mut terminal = watched(&server);
    terminal.waits_for("next try in 2 s");
    terminal.waits_for("next try in 1 s");
    terminal.waits_for("waiting 1 s");
    gate.wait();
    let shown = terminal.exits(0);
    assert!(shown.contains("try 2 of 3 in 1.2 s\r\n") && shown.ends_with(ERASED), "{shown:?}");
}

#[test]
fn there_is_no_spinner_with_quiet_or_on_a_dumb_terminal() {
    for (flag, term) in [("-q", "xterm"), ("--no-quiet", "dumb")] {
        let server = Server::streaming(&["ok"]);
        let run = anyask(["--no-stdin", flag, "hi"]).at(&server).env("TERM", term);
        assert_eq!(run.on_terminal(STDERR).exits(0), "");
    }
}

#[test]
fn verbose_says_that_the_answer_ended_on_a_line_of_its_own() {
    let server = Server::echo();
    let shown = anyask(["-v", "hi"]).at(&server).on_terminal(STDOUT_AND_STDERR).exits(0);
    assert!(shown.contains("hi\r\n\u{1b}[2m*\u{1b}[0m the answer ended after "), "{shown:?}");
}

#[test]
fn failures_are_coloured() {
    let shown = anyask(["--nope"]).on_terminal(STDERR).exits(2);
    let expected = "\u{1b}[1;31manyask:\u{1b}[0m unknown flag '--nope'\r\n";
    assert!(shown.starts_with(expected), "{shown:?}");
}

#[test]
fn clicolor_turns_colour_off_and_clicolor_force_turns_it_on() {
    for (forced, label) in [("", "anyask:"), ("1", "\u{1b}[1;31manyask:")] {
        let run = anyask(["--nope"]).env("CLICOLOR", "0").env("CLICOLOR_FORCE", forced);
        let shown = run.on_terminal(STDERR).exits(2);
        assert!(shown.starts_with(label), "{shown:?}");
    }
}

#[test]
fn a_person_who_types_the_prompt_is_told_how_to_end_it() {
    let mut terminal = anyask(["--mock", "-"]).on_terminal(ALL);
    terminal.waits_for("end it with Ctrl-D");
    terminal.types("typed by hand\n\u{4}");
    let shown = terminal.exits(0);
    assert!(shown.ends_with("typed by hand\r\n"), "{shown:?}");
}

#[test]
fn what_reads_standard_input_says_so_on_a_terminal_or_refuses() {
    let mut terminal = anyask(["--mock", "-f-", "What is it?"]).on_terminal(ALL);
    terminal.waits_for("reading standard input; end it with Ctrl-D on a line of its own");
    terminal.types("a word\n\u{4}");
    let shown = terminal.exits(0);
    assert!(shown.ends_with("</document>\r\n\r\nWhat is it?\r\n"), "{shown:?}");
    let shown = anyask(["--mock", "--batch"]).env("TERM", "dumb").on_terminal(ALL).exits(2);
    let expected = "anyask: --batch reads standard input, which is a terminal\r\n\
                    hint: use anyask --batch < ITEMS, or --batch=ITEMS\r\n";
    assert_eq!(shown, expected);
}

#[test]
fn with_words_nothing_is_read_from_a_terminal() {
    assert_eq!(anyask(["--mock", "-q", "hi"]).on_terminal(ALL).exits(0), "hi\r\n");
}

#[test]
fn without_a_prompt_it_does_not_wait_for_one() {
    // blanks alone are none, and do not begin a conversation
    let folder = folder();
    for args in [&[][..], &[" "], &["--chat", "talk", " "]] {
        let run = anyask([]).args(args).env("TERM", "dumb").in_dir(&folder);
        let shown = run.on_terminal(ALL).exits(2);
        let expected = NO_PROMPT.replace('\n', "\r\n") + "hint: ";
        assert!(shown.starts_with(&expected), "{shown}");
    }
}

#[test]
fn a_person_is_told_that_it_waits_for_a_silent_pipe() {
    let mut terminal = anyask(["--mock", "hi"]).on_terminal(STDERR);
    terminal.waits_for("waiting for standard input; use --no-stdin to ignore it");
    terminal.exits(0);
}
