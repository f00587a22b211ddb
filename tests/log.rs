//! `--log`: one JSON line for each request.

use serde_json::{Value, json};

use crate::harness::{
    ENDED_EARLY, Events, Folder, KEY, STOPPED_SHORT, Server, answer, anyask, folder, http, skip,
};

/// The lines of the log, which has to be without the key and what was said.
fn lines(folder: &Folder) -> Vec<Value> {
    let text = folder.read("log");
    assert!(!text.contains(KEY) && !text.contains("secret"), "{text}");
    folder.json_lines("log")
}

#[test]
fn a_line_has_every_fact_but_not_what_was_said() {
    let folder = folder();
    let headers = [
        "request-id: req_1",
        "X-Remaining-Credits: 45.23",
        "X-RateLimit-Remaining: 59",
        "X-RateLimit-Limit: 60",
        "X-RateLimit-Reset: 1640995200",
    ];
    let server = Server::serving(vec![
        http("529 ", &[], ""),
        http("200 OK", &headers, answer("secret answer")),
    ]);
    let run = || anyask(["-S", "-q", "--retry-delay", "0", "--log", "log", "secret question"]);
    run().arg("--price=0.3,1.5").in_dir(&folder).at(&server).prints("secret answer\n").exits(0);
    let mut line = lines(&folder).remove(0);
    let time = line["time"].take();
    let time = time.as_str().expect("a time");
    assert!(time.len() == 20 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    assert!(line["seconds"].take().as_f64().expect("seconds") < 60.0);
    let expected = json!({
        "time": null, "host": server.host(), "model": "m", "status": 200, "request_id": "req_1",
        "stop_reason": "end_turn", "input_tokens": 12, "output_tokens": 25, "cost": 0.000_041_1,
        "credits": 45.23, "requests_left": 59, "requests_limit": 60,
        "limit_resets": "2022-01-01T00:00:00Z", "attempts": 2, "requests": 2, "seconds": null, "exit": 0,
    });
    assert_eq!(line, expected);
    run().in_dir(&folder).at(&Server::answering("ok")).prints("ok\n").exits(0);
    assert_eq!(lines(&folder)[1]["cost"], Value::Null);
}

#[test]
fn a_failure_is_logged_with_its_exit_status() {
    let folder = folder();
    let log = |flag| anyask([flag, "-q", "--log", "log", "one two"]).in_dir(&folder);
    log("--mock=401").mentions("(401").exits(5);
    log("--mock=cut").prints("one \n").mentions(ENDED_EARLY).exits(10);
    let short = Server::once(Events::new().text("ok").stop("max_tokens").http());
    log("--strict").at(&short).prints("ok\n").mentions(STOPPED_SHORT).exits(11);
    let closing = Server::new(vec![vec![]]);
    log("--retries=0").at(&closing).mentions("closed the connection").exits(9);
    let lines = lines(&folder);
    let facts = lines.iter().map(|line| json!([line["status"], line["stop_reason"], line["exit"]]));
    let expected =
        json!([[401, null, 5], [200, null, 10], [200, "max_tokens", 11], [null, null, 9]]);
    assert_eq!(json!(facts.collect::<Vec<_>>()), expected);
}

#[test]
fn a_log_that_cannot_be_opened_is_reported_before_it_asks() {
    let server = Server::new(Vec::new());
    anyask(["--log", "/nowhere/log", "hi"])
        .at(&server)
        .mentions("anyask: cannot write to /nowhere/log: ")
        .exits(1);
    assert_eq!(server.requests(), 0);
}

#[test]
fn fifty_programs_write_to_one_log() {
    let folder = folder();
    let run = || anyask(["--mock", "--log", "log", "hi"]).in_dir(&folder).prints("hi\n").start();
    let all: Vec<_> = (0..50).map(|_| run()).collect();
    for running in all {
        running.exits(0);
    }
    assert_eq!(lines(&folder).len(), 50);
}

#[test]
fn a_log_that_cannot_be_written_does_not_hide_another_failure() {
    if !std::fs::exists("/dev/full").unwrap_or_default() {
        return skip("this system has no /dev/full");
    }
    anyask(["--mock=401", "--log", "/dev/full", "hi"])
        .mentions("anyask: cannot write to the log /dev/full")
        .mentions(" did not accept the key (401 ")
        .exits(5);
}

#[test]
fn a_line_begins_on_a_line_of_its_own_even_after_a_torn_one() {
    for torn in ["{\"time\":\"2026-", "{\"time\":\"2026-11-25T10:00:00Z\"}", "{\"time\":\"\0\0"] {
        let folder = folder().with("log", torn);
        anyask(["--mock", "--log", "log", "hi"]).in_dir(&folder).prints("hi\n").exits(0);
        let text = folder.read("log");
        let (first, rest) = text.split_once('\n').expect("a line end");
        assert_eq!(first, torn);
        assert_eq!(crate::harness::json_lines(rest).len(), 1, "{text}");
    }
}

#[test]
fn a_batch_logs_each_item_that_is_asked() {
    let folder = folder();
    anyask(["--batch", "--mock=400,ok", "-q", "-j1", "--log", "log"])
        .in_dir(&folder)
        .stdin("secret 1\n{}\nsecret 2\n")
        .prints_something()
        .mentions("2 items failed\n")
        .exits(12);
    let facts = lines(&folder).into_iter().map(|line| json!([line["line"], line["exit"]]));
    assert_eq!(facts.collect::<Vec<_>>(), [json!([1, 4]), json!([3, 0])]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_conversation_or_recording_that_cannot_be_written_is_in_the_exit_status() {
    for full in ["--chat=/dev/full", "--record=/dev/full"] {
        let folder = folder();
        let run = anyask([full, "-q", "--log", "log", "one"]).in_dir(&folder);
        run.at(&Server::answering("ok"))
            .prints("ok\n")
            .mentions("/dev/full: No space left on device\n")
            .exits(1);
        assert_eq!(lines(&folder)[0]["exit"], 1, "{full}");
    }
}
