//! As process 1 of a container, which no signal ends by itself.

use std::fs;
use std::io::pipe;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Gate, Run, Server, bash, folder, skip};

const SIGNALS: [(Signal, i32); 3] = [(Signal::TERM, 143), (Signal::HUP, 129), (Signal::INT, 130)];

/// The program as process 1, or a note that this cannot be tried here.
fn process_1(line: &str) -> Option<Run> {
    let unshare = "unshare --pid --fork --mount-proc --kill-child";
    if bash(&format!("{unshare} true 2>/dev/null || echo no")).output() == "no\n" {
        skip("no process may be the first of a namespace here");
        return None;
    }
    Some(bash(&format!("exec {unshare} {line}")))
}

/// Sends a signal to process 1 in the namespace, which is the child of this process.
fn signal_child(parent: u32, signal: Signal) {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
    let child = children.expect("the children").trim().parse().expect("one child");
    kill_process(Pid::from_raw(child).expect("a process"), signal).expect("the child");
}

#[test]
fn a_question_ends_by_each_signal() {
    for (signal, status) in SIGNALS {
        let gate = Gate::new(2);
        let server = Server::holding(0, &gate);
        let Some(run) = process_1("anyask --no-stdin hi") else { return };
        let running = run.at(&server).start();
        gate.wait();
        signal_child(running.id(), signal);
        running.exits(status);
        gate.wait();
    }
}

#[test]
fn it_ends_while_it_reads_standard_input() {
    for (signal, status) in SIGNALS {
        let Some(run) = process_1("anyask --dry-run hi") else { return };
        let (reader, _writer) = pipe().expect("a pipe");
        let mut running = run.start_between(reader, Stdio::piped());
        assert!(running.says_line().contains("waiting for standard input"));
        signal_child(running.id(), signal);
        running.exits(status);
    }
}

#[test]
fn a_batch_finishes_what_is_under_way() {
    for (signal, status) in SIGNALS {
        let gate = Gate::new(2);
        let server = Server::holding(0, &gate);
        let folder = folder().with("items", "one\ntwo\n");
        let Some(run) = process_1("anyask --batch=items -j1 -oout") else { return };
        let run = run.at(&server).in_dir(&folder).mentions("anyask: stopped by ");
        let mut running = run.start();
        gate.wait();
        signal_child(running.id(), signal);
        assert!(running.says_line().contains("no new items are started"));
        gate.wait();
        running.exits(status);
        assert_eq!(folder.json_lines("out").len(), 1);
    }
}
