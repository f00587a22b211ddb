//! Answers that cannot be written: what was written is counted, and what was lost is told.

use std::io::{BufRead, BufReader, PipeWriter, pipe};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::Signal;

use super::{batch, numbered, piped, summary, with_items};
use crate::harness::{Gate, Server, answer, bash, http, json_answer, json_lines, skip};

/// Answers when this many requests have come, and the test has passed the gate again.
fn held_by(gate: &Gate) -> Server {
    let gate = gate.clone();
    Server::handling(move |_, request| {
        gate.wait();
        gate.wait();
        json_answer(&answer(&request.prompt()))
    })
}

/// Everything after the counts of a summary: tokens, cost, and what was lost.
fn rest(answers: usize, lost: &str) -> String {
    format!("{} tokens, about \\$[0-9.]+ at the example price; {lost}\n", 37 * answers)
}

/// A process that another test is just starting may keep a reader for a moment.
fn wait_for_no_reader(writer: &PipeWriter) {
    poll(&mut [PollFd::new(writer, PollFlags::empty())], None).expect("no reader");
}

/// As many rows as fit into 4 KiB, in the order of the items.
fn fitting(server: &Server, items: &str) -> usize {
    let all = piped(["-j1", "-q"], server, items.into()).output();
    all[..4096].matches('\n').count()
}

#[test]
fn a_full_disk_says_what_was_written_and_what_was_lost() {
    let server = Server::echo();
    let items = numbered(99);
    let written = fitting(&server, &items);
    assert!((10..90).contains(&written), "{written}");
    for (order, output, name) in [
        ("--no-json", "> out", "standard output"),
        ("-k", "> out", "standard output"),
        ("--no-json", "-o out", "the results out"),
    ] {
        let folder = with_items(&items);
        let before = server.requests();
        // the limit is 4 KiB; without the trap, a signal would end the program
        let full = "trap '' XFSZ; ulimit -f 4; exec anyask --batch=items -j1";
        let run = bash(&format!("{full} {order} {output}")).at(&server).in_dir(&folder);
        // in the order of the items, the worker asks on while a row is written
        let [answers, lost] = if order == "-k" {
            ["[0-9,]+", "([0-9]+ answers|1 answer)"]
        } else {
            [&*(37 * (written + 1)).to_string(), "1 answer"]
        };
        let said = format!(
            "{}{answers} tokens, about \\$[0-9.]+ at the example price; {lost} could not be written\n\
             anyask: cannot write to {name}: File too large\n",
            summary(written, 0, 0)
        );
        run.matches(&said).exits(1);
        let rows = folder.read("out");
        assert_eq!(rows.matches('\n').count(), written);
        let asked = server.requests() - before;
        assert!(asked == written + 1 || order == "-k" && asked > written, "{asked}");
        assert!(rows.len() <= 4096 && (output == "> out" || rows.ends_with('\n')));
    }
}

#[test]
fn requests_under_way_are_counted_when_the_disk_is_full() {
    if !std::fs::exists("/dev/full").expect("/dev") {
        return skip("this system has no /dev/full");
    }
    for order in ["--no-json", "-k"] {
        for (output, name) in [("> /dev/full", "standard output"), ("-o /dev/full", "/dev/full")] {
            let server = held_by(&Gate::new(2));
            let folder = with_items(numbered(2));
            let run = bash(&format!("anyask --batch=items -j2 {order} {output}"));
            let said = summary(0, 0, 0)
                + &rest(2, "2 answers could not be written")
                + &format!("anyask: cannot write to {name}: No space left on device\n");
            run.at(&server).in_dir(&folder).matches(&said).exits(1);
        }
    }
}

#[test]
fn a_failure_that_cannot_be_written_is_not_counted() {
    if !std::fs::exists("/dev/full").expect("/dev") {
        return skip("this system has no /dev/full");
    }
    let server = Server::handling(|_, _| http("400 Bad", &[], ""));
    let said = "anyask: 0 answered, 0 failed, 0 skipped; 0 tokens, about $0.0000\n\
                anyask: cannot write to standard output: No space left on device\n";
    bash("anyask --batch > /dev/full").stdin("one\n").at(&server).says(said).exits(1);
}

/// As `tee` does after Ctrl-C, while the answers are still awaited.
#[test]
fn counts_the_answers_whose_reader_a_signal_ended() {
    for order in ["--no-json", "-k"] {
        for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
            let gate = Gate::new(3);
            let server = held_by(&gate);
            let folder = with_items(numbered(50));
            let (reader, writer) = pipe().expect("a pipe");
            let closed = writer.try_clone().expect("its end");
            let name = match signal {
                Signal::INT => "Ctrl-C",
                Signal::TERM => "SIGTERM",
                _ => "SIGHUP",
            };
            let said = summary(0, 0, 0)
                + &rest(2, "2 answers had no reader")
                + &format!(
                    "anyask: stopped by {name}\nhint: write the results to -o FILE, and --resume can continue\n"
                );
            let run = batch(["-j2", order], &server, &folder).matches(&said);
            let mut running = run.start_into(writer);
            gate.wait();
            running.signal(signal);
            assert!(running.says_line().ends_with("a second signal stops at once\n"));
            drop(reader);
            wait_for_no_reader(&closed);
            gate.wait();
            running.ends_by(signal);
            assert_eq!(server.requests(), 2);
        }
    }
}

#[test]
fn one_answer_without_a_reader_is_told_beside_those_with_one() {
    let gate = Gate::new(2);
    let server = Server::holding(1, &gate);
    let folder = with_items(numbered(50));
    let (reader, writer) = pipe().expect("a pipe");
    let closed = writer.try_clone().expect("its end");
    let said = summary(1, 0, 0) + &rest(2, "1 answer had no reader") + "anyask: stopped by .*";
    let mut running = batch(["-j1"], &server, &folder).matches(&said).start_into(writer);
    let (mut reader, mut row) = (BufReader::new(reader), String::new());
    reader.read_line(&mut row).expect("a row");
    assert_eq!(json_lines(&row)[0]["text"], "item 1");
    gate.wait();
    running.interrupt();
    running.says_line();
    drop(reader);
    wait_for_no_reader(&closed);
    gate.wait();
    running.ends_by(Signal::INT);
}
