//! `--log`: one JSON line a request.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{Act, KEY, Server, answer, anyask, http, stream, text_events};

fn lines(folder: &tempfile::TempDir) -> Vec<Value> {
    let text = fs::read_to_string(folder.path().join("log")).expect("the log");
    assert!(
        text.ends_with('\n') && !text.contains(KEY) && !text.contains("secret"),
        "{text}"
    );
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn a_line_tells_everything_but_what_was_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let headers = [
        "request-id: req_1",
        "X-Remaining-Credits: 45.23",
        "X-RateLimit-Remaining: 59",
        "X-RateLimit-Limit: 60",
        "X-RateLimit-Reset: 1640995200",
    ];
    let server = Server::new(vec![
        vec![Act::Send(http("529 ", &[], ""))],
        vec![Act::Send(http("200 OK", &headers, answer("secret answer")))],
    ]);
    anyask([
        "-S",
        "-q",
        "--retry-delay",
        "0",
        "--log",
        "log",
        "secret question",
    ])
    .in_dir(folder.path())
    .at(&server)
    .prints("secret answer\n")
    .exits(0);
    let mut line = lines(&folder).remove(0);
    let time = line["time"].take();
    let time = time.as_str().expect("a time");
    assert!(
        time.len() == 20 && time.ends_with('Z') && time.starts_with("20"),
        "{time}"
    );
    assert!(line["seconds"].take().as_f64().expect("seconds") < 60.0);
    assert_eq!(
        line,
        serde_json::json!({
            "time": null, "host": server.host(), "model": "m", "status": 200, "request_id": "req_1",
            "stop_reason": "end_turn", "input_tokens": 12, "output_tokens": 25, "cost": 0.000_041_1,
            "credits": 45.23, "requests_left": 59, "requests_limit": 60,
            "limit_resets": "2022-01-01T00:00:00Z", "attempts": 2, "seconds": null, "exit": 0,
        })
    );
}

#[test]
fn failures_are_logged_with_their_exit() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = |args: [&str; 2]| {
        anyask(args)
            .arg("--log")
            .arg("log")
            .arg("one two")
            .in_dir(folder.path())
    };
    log(["--mock=401", "-q"]).mentions("(401").exits(5);
    log(["--mock=cut", "-q"])
        .prints("one \n")
        .mentions("ended early")
        .exits(10);
    let short = Server::once(stream(
        &text_events(&["ok"]).replace("end_turn", "max_tokens"),
    ));
    log(["--strict", "-q"])
        .at(&short)
        .prints("ok\n")
        .mentions("stopped short")
        .exits(11);
    let lost = Server::new(vec![vec![]]);
    log(["--retries=0", "-q"])
        .at(&lost)
        .mentions("closed the connection")
        .exits(9);
    let told: Vec<_> = lines(&folder)
        .into_iter()
        .map(|line| {
            (
                line["status"].clone(),
                line["stop_reason"].clone(),
                line["exit"].clone(),
            )
        })
        .collect();
    let row = |status: Value, reason: Value, exit: u8| (status, reason, Value::from(exit));
    assert_eq!(
        told,
        [
            row(401.into(), Value::Null, 5),
            row(200.into(), Value::Null, 10),
            row(200.into(), "max_tokens".into(), 11),
            row(Value::Null, Value::Null, 9),
        ]
    );
}

#[test]
fn a_log_that_cannot_be_written_is_told_before_anything_is_asked() {
    let server = Server::new(Vec::new());
    anyask(["--log", "/nowhere/log", "hi"])
        .at(&server)
        .mentions("anyask: cannot open the log /nowhere/log: ")
        .exits(1);
    assert!(server.received().is_empty());
}

#[test]
fn fifty_programs_share_a_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let children: Vec<_> = (0..50)
        .map(|_| {
            Command::new(env!("CARGO_BIN_EXE_anyask"))
                .args(["--mock", "--no-stdin", "--log", "log", "hi"])
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .spawn()
                .expect("the program")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("the end").success());
    }
    assert_eq!(lines(&folder).len(), 50);
}

#[test]
fn a_log_that_cannot_be_written_hides_no_failure() {
    anyask(["--mock=401", "--log", "/dev/full", "hi"])
        .mentions("anyask: cannot write to the log /dev/full")
        .mentions(" did not accept the key (401 ")
        .exits(5);
}
