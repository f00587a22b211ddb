//! `--max-time`: the longest time that a question may take in all, whatever it is spent on.

use std::net::TcpListener;

use serde_json::json;

use crate::harness::{
    Act, Events, KEY, Run, Server, answer, anyask, error_body, folder, http, json_answer,
    json_lines,
};

const HINT: &str = "hint: use a larger --max-time to wait longer\n";

/// The program with half a second for a question, where each of its other limits is far off.
fn limited(args: &[&str]) -> Run {
    anyask(["--max-time", "0.5", "hi"]).args(args)
}

/// What is said where the server has not sent the whole answer in time.
fn late(host: &str) -> String {
    format!("anyask: {host} did not complete its answer within --max-time 0.5\n{HINT}")
}

fn head(lines: &str) -> Act {
    Act::Send(format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n").into())
}

fn stream() -> Act {
    head("content-type: text/event-stream")
}

#[test]
fn a_silent_server_is_asked_once() {
    let half = Act::Send(b"HTTP/1.1 200 O".to_vec());
    for acts in [vec![Act::Hang], vec![half, Act::Hang], vec![stream(), Act::Hang]] {
        let server = Server::new(vec![acts]);
        limited(&[]).at(&server).says(&late(&server.host())).exits(9);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn connecting_counts() {
    // it takes connections, but never speaks TLS
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = silent.local_addr().expect("its address").to_string();
    let run = limited(&["--base-url", &format!("https://{host}")]).env("ANYROUTER_API_KEY", KEY);
    run.says(&late(&host)).exits(9);
    let proxy = Server::new(vec![vec![Act::Hang]]);
    let run = limited(&["--base-url", "https://api.example"]).env("https_proxy", &proxy.url());
    run.env("ANYROUTER_API_KEY", KEY).says(&late("api.example")).exits(9);
}

#[test]
fn the_text_that_came_in_time_is_kept() {
    let begun = || Act::Send(Events::new().text("kept").bytes());
    let pings = Events::bare().ping().bytes();
    let late_text = Events::bare().text(&"late ".repeat(40)).bytes();
    let all = [Act::Hang, Act::Flood(pings), Act::Trickle(late_text)].map(|act| {
        let server = Server::new(vec![vec![stream(), begun(), act, Act::Hang]]);
        let said = late(&server.host());
        (limited(&[]).at(&server).prints("kept\n").says(&said).start(), server)
    });
    for (running, _server) in all {
        running.exits(9);
    }
    // nothing is kept where the text is held until the end
    let folder = folder().with("file", "old\n");
    let held: [&[&str]; 5] =
        [&["-S"], &["--json"], &["-o", "file"], &["-x"], &["-S", "-c", "chat"]];
    let all = held.map(|args| {
        let server = Server::new(vec![vec![stream(), begun(), Act::Hang]]);
        let run = limited(args).in_dir(&folder).at(&server);
        (run.says(&late(&server.host())).start(), server)
    });
    for (running, _server) in all {
        running.exits(9);
    }
    assert_eq!(folder.read("file"), "old\n");
    assert!(!folder.join("chat").exists());
}

#[test]
fn an_answer_that_lacks_only_its_end_is_one() {
    let events = Events::new().text("ok").reason("end_turn").bytes();
    let server = Server::new(vec![vec![stream(), Act::Send(events), Act::Hang]]);
    limited(&[]).at(&server).prints("ok\n").exits(0);
    let json = || head("content-length: 9999\r\ncontent-type: application/json");
    let note = "anyask: note: the answer is complete, but the server did not end it\n";
    let server = Server::new(vec![vec![json(), Act::Send(answer("ok").into()), Act::Hang]]);
    limited(&[]).at(&server).prints("ok\n").says(note).exits(0);
    let half = answer("ok").into_bytes()[..60].to_vec();
    let server = Server::new(vec![vec![json(), Act::Send(half), Act::Hang]]);
    limited(&["--json"]).at(&server).says(&late(&server.host())).exits(9);
}

#[test]
fn every_try_and_every_pause_counts() {
    let busy = || http("503 X", &[], error_body("api_error", "busy"));
    let server = Server::handling(move |_, _| busy());
    let host = server.host();
    limited(&["--retries", "99", "--retry-delay", "0.05"])
        .at(&server)
        .matches(&format!(
            "(anyask: note: [^\n]*; try \\d of 100 [^\n]*\n)*anyask: {host} (failed \\(503 api_error\\): busy; the next try would be after|did not complete its answer within) --max-time 0.5\n{HINT}"
        ))
        .exits(9);
    assert!((1..7).contains(&server.requests()), "{}", server.requests());
}

#[test]
fn a_pause_that_does_not_fit_in_is_not_begun() {
    let slow = error_body("rate_limit_error", "slow down");
    for (status, header, args) in [
        ("429 X", "Retry-After: 30", &[][..]),
        ("429 X", "x-none: 1", &["--retry-delay", "30"]),
        ("503 X", "retry-after-ms: 30000", &["-q"]),
        ("500 X", "x-none: 1", &["--fallback", "other", "--retry-delay", "30"]),
    ] {
        let server = Server::once(http(status, &[header], &slow));
        let run = limited(args).args(&["--max-wait", "3600"]).at(&server);
        run.matches(&format!(
            "anyask: [^\n]*: slow down; the next try would be after --max-time 0.5\n{HINT}"
        ))
        .exits(9);
        assert_eq!(server.requests(), 1);
    }
    // the last failure has no pause
    let server = Server::once(http("503 X", &["Retry-After: 30"], &slow));
    let run = limited(&["--retries", "0"]).at(&server);
    run.mentions("failed (503 rate_limit_error): slow down\n").exits(8);
}

#[test]
fn a_fallback_has_what_is_left_of_the_time() {
    let busy = || http("503 X", &[], error_body("api_error", "busy"));
    let server = Server::new(vec![vec![Act::Send(busy())], vec![Act::Hang]]);
    let said = late(&server.host());
    let run = limited(&["-q", "--retries", "0", "--fallback", "other", "--fallback", "third"]);
    run.at(&server).says(&said).exits(9);
    assert_eq!(server.requests(), 2);
}

#[test]
fn the_command_of_check_counts_and_is_ended() {
    let server = Server::answering("ok");
    let said =
        format!("< ok\nanyask: the command of --check did not end within --max-time 0.5\n{HINT}");
    limited(&["--check", "exec sleep 60"]).at(&server).says(&said).exits(9);
    // and so does each answer that it rejects
    let server = Server::handling(|_, _| json_answer(&answer("ok")));
    limited(&["-q", "--check", "sleep 0.1; false", "--check-retries", "99"])
        .at(&server)
        .mentions(HINT)
        .exits(9);
    assert!((1..7).contains(&server.requests()), "{}", server.requests());
}

#[test]
fn each_item_of_a_batch_has_the_time() {
    let folder = folder();
    let slow = vec![stream(), Act::Send(Events::new().text("half").bytes()), Act::Hang];
    let ok = || vec![Act::Send(json_answer(&answer("ok")))];
    let server = Server::new(vec![ok(), slow, ok()]);
    let batch = |more: &[&str]| {
        let run = anyask(["--batch", "--max-time", "0.5", "-j1", "-k", "--resume", "-o", "rows"]);
        run.args(more).in_dir(&folder).stdin("a\nb\nc\n")
    };
    batch(&[]).at(&server).mentions("2 answered, 1 failed, 0 skipped").exits(12);
    let rows = folder.json_lines("rows");
    let message = format!("{} did not complete its answer within --max-time 0.5", server.host());
    let hint = "use a larger --max-time to wait longer";
    let error = json!({"exit": 9, "status": 200, "message": message, "hint": hint});
    assert_eq!(rows[1]["error"], error);
    assert_eq!((&rows[0]["text"], &rows[2]["text"]), (&"ok".into(), &"ok".into()));
    // what is missing is asked again
    let server = Server::answering("ok");
    batch(&["-q"]).at(&server).exits(0);
    assert_eq!(server.request().prompt(), "b");
    // the command of --check, too
    let server = Server::handling(|_, _| json_answer(&answer("ok")));
    let run = anyask(["--batch", "--max-time", "0.5", "-q", "-j9", "--check", "exec sleep 60"]);
    let rows = run.stdin("a\nb\n").at(&server).prints_something().mentions("2 items failed");
    for row in json_lines(&rows.exits(12)) {
        let error = &row["error"];
        assert_eq!((&error["exit"], &error["text"]), (&9.into(), &"ok".into()));
    }
}

#[test]
fn the_log_tells_that_the_time_was_over() {
    let folder = folder();
    let server = Server::new(vec![vec![stream(), Act::Hang]]);
    let run = limited(&["--log", "log", "-q"]).in_dir(&folder).at(&server);
    run.says(&late(&server.host())).exits(9);
    let log = &folder.json_lines("log")[0];
    assert_eq!((&log["exit"], &log["status"]), (&9.into(), &200.into()));
}

#[test]
fn an_answer_in_time_is_not_touched() {
    let server = Server::streaming(&["ok"]);
    limited(&["--max-time", "1e9"]).at(&server).prints("ok\n").exits(0);
    // a shorter silence ends it first
    let server = Server::new(vec![vec![Act::Hang]]);
    let run = limited(&["--max-time", "60", "--timeout", "0.2", "--retries", "0"]).at(&server);
    run.mentions("sent nothing for 0.2 s\n").exits(9);
    for value in ["0", "-1", "soon", "1e10"] {
        let run = anyask(["--mock", &format!("--max-time={value}"), "hi"]);
        run.says(&format!("anyask: invalid value '{value}' for --max-time <SECONDS>: it must be a number of seconds above 0, at most 1e9\n")).exits(2);
    }
}
