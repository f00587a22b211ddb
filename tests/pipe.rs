//! Where stdout leads: a reader that goes away, a disk that is full, streams that are closed.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::harness::{Act, Server, stream};

/// Runs a line of shell in which `anyask` is the program, and gives its status and stderr.
fn shell(line: &str) -> (Option<i32>, String) {
    let line = line.replace("anyask", concat!("'", env!("CARGO_BIN_EXE_anyask"), "'"));
    let output = Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {line}")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .output()
        .expect("bash");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let quiet = (Some(0), String::new());
    assert_eq!(shell("anyask --mock hi | head -c 1 >/dev/null"), quiet);
    assert_eq!(
        shell("seq 100000 | anyask --mock -u | head -1 >/dev/null"),
        quiet
    );
    assert_eq!(shell("anyask --help | true"), quiet);
}

#[test]
fn an_answer_without_end_ends_with_its_reader() {
    let delta = "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"text\"}}\n\n";
    let server = Server::new(vec![vec![Act::Send(stream("")), Act::Flood(delta.into())]]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args(["--no-stdin", "--base-url", &server.url(), "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut stdout = child.stdout.take().expect("stdout");
    stdout.read_exact(&mut [0; 4]).expect("the first delta");
    drop(stdout);
    let output = child.wait_with_output().expect("the end");
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told() {
    let (status, stderr) = shell("anyask --mock hi > /dev/full");
    assert_eq!(
        (status, stderr.as_str()),
        (
            Some(1),
            "anyask: cannot write to standard output: no space left on device (os error 28)\n"
        )
    );
    assert_eq!(shell("anyask --list-models > /dev/full").0, Some(1));
    assert_eq!(shell("anyask --help > /dev/full").0, Some(1));
    // with nowhere to tell it, the status still does
    assert_eq!(shell("anyask --mock=401 hi 2> /dev/full").0, Some(5));
}

#[test]
fn closed_streams_are_no_panic() {
    assert_eq!(
        shell("anyask --mock hi <&- >/dev/null"),
        (Some(0), String::new())
    );
    assert_eq!(shell("anyask --mock hi >&-"), (Some(0), String::new()));
    assert_eq!(
        shell("anyask --retries 0 --mock=500 hi 2>&-"),
        (Some(8), String::new())
    );
}
