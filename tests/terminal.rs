//! What a person sees: in a real pseudo-terminal.

use std::sync::{Arc, Barrier};

use crate::harness::{Act, Server, pty, stream, text_events};

const TERM: (&str, &str) = ("TERM", "xterm");

fn ask(
    server: &Server,
    args: &[&str],
    on_terminal: [bool; 3],
    environment: &[(&str, &str)],
) -> (String, Option<i32>) {
    let url = server.url();
    let args = [args, &["--no-stdin", "--base-url", &url, "hi"]].concat();
    let environment = [environment, &[("ANYROUTER_API_KEY", "k")]].concat();
    pty(&args, on_terminal, &environment).ends()
}

#[test]
fn escapes_are_shown_and_not_obeyed() {
    let attack = "\u{1b}]52;c;cm0=\u{7}\u{9b}31m\u{202e}x";
    let server = Server::once(stream(&text_events(&["\u{1b}", attack, "\r\nok"])));
    let (shown, status) = ask(&server, &[], [false, true, false], &[TERM]);
    assert_eq!(
        shown,
        "\u{241b}\u{241b}]52;c;cm0=\u{2407}\u{fffd}31m\u{fffd}x\u{240d}\r\nok\r\n"
            .replace("\u{240d}\r", "\r")
    );
    assert_eq!(status, Some(0));
}

#[test]
fn raw_lets_them_through() {
    let server = Server::once(stream(&text_events(&["\u{1b}[31mred"])));
    let (shown, _) = ask(&server, &["--raw"], [false, true, false], &[TERM]);
    assert_eq!(shown, "\u{1b}[31mred\r\n");
}

#[test]
fn json_is_defused_as_well() {
    let server = Server::once(stream(
        "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"\u{9b}31m\"}}\n\ndata: {\"type\":\"message_stop\"}\n\n",
    ));
    let (shown, _) = ask(
        &server,
        &["--json", "--stream"],
        [false, true, false],
        &[TERM],
    );
    assert!(
        shown.contains("\u{fffd}31m") && !shown.contains('\u{9b}'),
        "{shown}"
    );
}

#[test]
fn a_spinner_waits_and_leaves_no_trace() {
    let seen = Arc::new(Barrier::new(2));
    let answer = Act::Send(stream(&text_events(&["ok"])));
    let server = Server::new(vec![vec![Act::Meet(Arc::clone(&seen)), answer]]);
    let args = ["--no-stdin", "--base-url", &server.url(), "hi"];
    let mut terminal = pty(
        &args,
        [false, false, true],
        &[TERM, ("ANYROUTER_API_KEY", "k")],
    );
    terminal.waits_for("waiting");
    seen.wait();
    let (shown, status) = terminal.ends();
    assert!(shown.ends_with("\r\u{1b}[2K"), "{shown:?}");
    assert_eq!(status, Some(0));
}

#[test]
fn nothing_moves_where_it_should_not() {
    for (args, environment) in [
        (&["-q"][..], &[TERM][..]),
        (&[][..], &[("TERM", "dumb")][..]),
    ] {
        let server = Server::once(stream(&text_events(&["ok"])));
        let (shown, _) = ask(&server, args, [false, false, true], environment);
        assert_eq!(shown, "");
    }
}

#[test]
fn failures_are_coloured_on_a_terminal() {
    let (shown, _) = pty(&["--nope"], [false, false, true], &[TERM]).ends();
    assert!(
        shown.starts_with("\u{1b}[1;31manyask:\u{1b}[0m unexpected argument '--nope' found\r\n"),
        "{shown:?}"
    );
}

#[test]
fn the_spinner_tells_seconds_and_counts_a_pause_down() {
    let answer = Act::Send(stream(&text_events(&["ok"])));
    let busy = crate::harness::http("429 Slow", &["retry-after: 1.2"], "");
    let seen = Arc::new(Barrier::new(2));
    let server = Server::new(vec![
        vec![Act::Send(busy)],
        vec![Act::Meet(Arc::clone(&seen)), answer],
    ]);
    let args = ["--no-stdin", "--base-url", &server.url(), "hi"];
    let mut terminal = pty(
        &args,
        [false, false, true],
        &[TERM, ("ANYROUTER_API_KEY", "k")],
    );
    terminal.waits_for("next try in 2 s");
    terminal.waits_for("next try in 1 s");
    terminal.waits_for("waiting 1 s");
    seen.wait();
    let (shown, status) = terminal.ends();
    assert!(
        shown.contains("try 2 of 3 in 1.2 s\r\n") && shown.ends_with("\r\u{1b}[2K"),
        "{shown:?}"
    );
    assert_eq!(status, Some(0));
}
