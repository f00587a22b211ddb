//! What several programs show on one terminal: parallel jobs, jobs in the background, a command of `--check`.

use crate::harness::{
    ALL, Act, Events, Gate, STDERR, STDOUT_AND_STDERR, Server, anyask, bash, folder, is_installed,
    skip,
};

/// What removes the spinner or the bar.
const ERASED: &str = "\r\u{1b}[2K";

/// A question that takes long enough for a spinner. Its answer is printed at once.
const SLOW: &str = "anyask -S --mock=529,ok --retry-delay=0.3";

/// Checks that nothing was drawn, and that the answers are there as a whole.
#[track_caller]
fn assert_is_calm(shown: &str, answers: &[&str]) {
    assert!(!shown.contains("waiting") && !shown.contains(ERASED), "{shown:?}");
    for answer in answers {
        assert!(shown.contains(&format!("\r\n{answer}\r\n")), "{answer}: {shown:?}");
    }
}

#[test]
fn parallel_jobs_draw_no_spinner_over_each_other() {
    let folder = folder().with("items", "zero\n");
    let alone = bash(&format!("{SLOW} one")).on_terminal(ALL).exits(0);
    assert!(alone.contains("waiting") && alone.ends_with(&format!("{ERASED}one\r\n")), "{alone:?}");
    for line in [
        format!("printf '%s\\n' one two | xargs -P2 -n1 {SLOW}"),
        format!("{SLOW} one & {SLOW} two & wait"),
        format!("{SLOW} one < items & {SLOW} two < items & wait"),
        // another program starts it for each item
        format!("for word in one two; do : | {SLOW} $word; done"),
    ] {
        let shown = bash(&line).in_dir(&folder).on_terminal(ALL).exits(0);
        assert_is_calm(&shown, &["one", "two"]);
    }
}

#[test]
fn parallel_recipes_of_make_draw_no_spinner() {
    if !is_installed("make") {
        return skip("make is not installed");
    }
    let folder = folder().with("Makefile", format!("one two:\n\t@{SLOW} $@\n"));
    let make = |flags: &str| bash(&format!("make {flags} one two")).in_dir(&folder);
    assert_is_calm(&make("-j2").on_terminal(ALL).exits(0), &["one", "two"]);
    let shown = make("").on_terminal(ALL).exits(0);
    assert!(shown.contains("waiting"), "one after the other, they may: {shown:?}");
}

#[test]
fn the_null_device_counts_only_where_standard_input_is_read() {
    let folder = folder().with("items", "one\n");
    for args in ["--no-stdin one", "--batch=items -oout"] {
        let shown = bash(&format!("{SLOW} {args} < /dev/null")).in_dir(&folder).on_terminal(ALL);
        let shown = shown.exits(0);
        assert!(shown.contains(ERASED), "{shown:?}");
    }
    let shown = bash(&format!("{SLOW} --batch < /dev/null")).on_terminal(ALL).exits(0);
    assert_is_calm(&shown, &[]);
}

/// A server that holds every answer back until so many parties have met.
fn held_by(gate: &Gate) -> Server {
    let gate = gate.clone();
    Server::handling(move |_, request| {
        gate.wait();
        Events::new().text(&request.prompt()).stop("end_turn").http()
    })
}

/// Job control, as in an interactive shell, and `stty tostop`, which stops whoever writes from the background.
#[test]
fn a_background_job_draws_nothing_and_is_not_stopped() {
    let folder = folder();
    let gate = Gate::new(3);
    let server = held_by(&gate);
    let line = "set -m; stty tostop; anyask one >out & anyask two; wait; cat out";
    let mut terminal = bash(line).in_dir(&folder).at(&server).on_terminal(ALL);
    // the other one has waited as long
    terminal.waits_for("waiting 1 s");
    gate.wait();
    let shown = terminal.exits(0);
    assert!(shown.contains(&format!("{ERASED}two\r\n")), "{shown:?}");
    assert!(shown.ends_with("\r\none\r\n"), "{shown:?}");
}

#[test]
fn a_job_that_is_moved_to_the_background_leaves_the_prompt_alone() {
    let gate = Gate::new(2);
    let server = held_by(&gate);
    let shell = "PS1='$ ' exec bash --norc --noprofile --noediting -i";
    let mut terminal = bash(shell).at(&server).on_terminal(ALL);
    terminal.types("anyask hi\r");
    terminal.waits_for("waiting");
    terminal.types("\u{1a}");
    terminal.waits_for("Stopped");
    terminal.types("bg\r");
    terminal.waits_for("anyask hi &");
    terminal.types(format!("{SLOW} ea''rly 2>/dev/null\r"));
    assert_is_calm(&terminal.waits_for("early\r\n"), &[]);
    terminal.types("fg\r");
    terminal.waits_for("waiting");
    terminal.types("\u{1a}");
    terminal.waits_for("Stopped");
    terminal.types("bg\r");
    terminal.waits_for("anyask hi &\r\n");
    gate.wait();
    assert_is_calm(&terminal.waits_for("hi\r\n"), &[]);
    terminal.types("exit\r");
    terminal.exits(0);
}

#[test]
fn a_command_of_check_can_ask_on_the_terminal() {
    let command = format!(
        "printf 'sure? ' >/dev/tty; {SLOW} x >/dev/null; read -r word </dev/tty; test $word = yes"
    );
    let mut terminal = anyask(["--mock", "--check", &command, "hi"]).on_terminal(ALL);
    terminal.waits_for("sure? ");
    terminal.types("yes\r");
    let shown = terminal.exits(0);
    assert!(shown.ends_with("sure? yes\r\nhi\r\n"), "{shown:?}");
}

#[test]
fn the_spinner_says_how_long_the_model_thinks() {
    let thinks = Events::new().thinking("so").http();
    let answers = Events::bare().text("ok").stop("end_turn").bytes();
    for (flag, streams) in [("--stream", STDERR), ("-S", STDOUT_AND_STDERR)] {
        let gate = Gate::new(2);
        let (first, wait) = (Act::Send(thinks.clone()), Act::Wait(gate.clone()));
        let script = vec![wait.clone(), first, wait, Act::Send(answers.clone())];
        let server = Server::new(vec![script]);
        let run = anyask(["--no-stdin", flag, "hi"]).at(&server);
        let mut terminal = run.on_terminal(streams);
        terminal.waits_for("waiting");
        gate.wait();
        terminal.waits_for(" thinking");
        terminal.waits_for(" thinking 1 s");
        gate.wait();
        let shown = terminal.exits(0);
        assert!(shown.contains(ERASED), "{shown:?}");
    }
}
