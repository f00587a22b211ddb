//! What a person sees of a batch.

use super::{numbered, with_items};
use crate::harness::{Gate, STDERR, STDOUT_AND_STDERR, Server, answer, anyask, http};

#[test]
fn shows_a_bar_that_leaves_no_trace() {
    let gate = Gate::new(2);
    let held = gate.clone();
    let server = Server::handling(move |number, request| {
        if number == 2 {
            held.wait();
        }
        http("200 OK", &["x-remaining-credits: 9.25"], answer(&request.prompt()))
    });
    let folder = with_items("a\n\nb\nc\nd");
    let run = anyask(["--batch=items", "-j", "1"]).at(&server).in_dir(&folder);
    let mut terminal = run.on_terminal(STDERR);
    terminal.waits_for("2/4");
    terminal.waits_for("74 tokens, $9.25 credits left)");
    gate.wait();
    let shown = terminal.exits(0);
    let summary = "4 answered, 0 failed, 0 skipped; 148 tokens, about $0.00016 at the example price; $9.25 credits left\r\n";
    assert!(shown.ends_with(summary), "{shown:?}");
}

#[test]
fn tells_the_time_left_on_a_narrow_terminal() {
    let gate = Gate::new(2);
    let held = gate.clone();
    let server = Server::handling(move |number, request| {
        if number == 1 {
            held.wait();
        }
        http("200 OK", &[], answer(&request.prompt()))
    });
    let folder = with_items(numbered(1000));
    let run = anyask(["--batch=items", "-j", "1", "-o", "results"]).at(&server).in_dir(&folder);
    let mut terminal = run.on_terminal_of(40, STDERR);
    terminal.waits_for("1/1,000, ");
    terminal.waits_for(" left");
    gate.wait();
    let shown = terminal.exits(0);
    assert!(shown.contains("anyask:\u{1b}[0m 1,000 answered, 0 failed, 0 skipped; "), "{shown:?}");
}

#[test]
fn shows_results_and_the_bar_on_one_terminal() {
    let server = Server::echo();
    let folder = with_items(numbered(3));
    let run = anyask(["--batch=items", "-j", "1"]).at(&server).in_dir(&folder);
    let shown = run.on_terminal(STDOUT_AND_STDERR).exits(0);
    let results: Vec<&str> = shown.lines().filter(|line| line.contains("\"key\"")).collect();
    assert_eq!(results.len(), 3, "{shown:?}");
    for line in results {
        // after what takes the bar away
        let result = line.rsplit(['\r', '\u{1b}']).next().unwrap_or_default();
        assert!(result.trim_start_matches("[2K").starts_with("{\"line\":"), "{line:?}");
    }
}

#[test]
fn quiet_shows_no_bar_and_no_summary() {
    let server = Server::echo();
    let folder = with_items(numbered(3));
    let run = anyask(["--batch=items", "-q", "-o", "out"]).at(&server).in_dir(&folder);
    assert_eq!(run.on_terminal(STDERR).exits(0), "");
    assert_eq!(folder.json_lines("out").len(), 3);
}
