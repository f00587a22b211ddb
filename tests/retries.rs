//! When a request is sent again, and what is said about it.

use std::time::{Duration, Instant};

use crate::harness::{Act, Server, answer, anyask, http, json_answer, stream, text_events};

fn ok() -> Vec<u8> {
    json_answer(&answer("ok"))
}

fn refusal(status: &str, headers: &[&str]) -> Vec<u8> {
    http(
        status,
        headers,
        r#"{"error":{"type":"some_error","message":"not now"}}"#,
    )
}

fn serving(answers: Vec<Vec<u8>>) -> Server {
    Server::new(
        answers
            .into_iter()
            .map(|answer| vec![Act::Send(answer)])
            .collect(),
    )
}

#[test]
fn each_retry_is_one_line_and_the_same_request_is_sent() {
    let server = serving(vec![
        refusal("529 ", &[]),
        refusal("503 Unavailable", &[]),
        ok(),
    ]);
    let host = server.host();
    anyask(["--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .says(&format!(
            "anyask: note: {host} failed (529 some_error): not now; try 2 of 3 at once\n\
             anyask: note: {host} failed (503 some_error): not now; try 3 of 3 at once\n"
        ))
        .exits(0);
    let requests = server.received();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|request| request.body == requests[0].body && request.head == requests[0].head)
    );
}

#[test]
fn a_rehearsal_shows_the_pause_and_quiet_hides_it() {
    anyask(["--mock=429,500,ok", "--retry-delay", "0.1", "hi"])
        .prints("hi\n")
        .matches(
            "anyask: note: 127[^\n]* \\(429 rate_limit_error\\): Rate limit exceeded; try 2 of 3 in 0.1 s\n\
             anyask: note: 127[^\n]* \\(500 api_error\\): Internal server error; try 3 of 3 in 0.[23] s\n",
        )
        .exits(0);
    anyask(["-q", "--mock=429,500,ok", "--retry-delay", "0", "hi"])
        .prints("hi\n")
        .exits(0);
}

#[test]
fn no_retries_is_exactly_one_request() {
    let server = serving(vec![refusal("500 Oops", &[])]);
    anyask(["--retries", "0", "hi"])
        .at(&server)
        .says(&format!(
            "anyask: {} failed (500 some_error): not now\n",
            server.host()
        ))
        .exits(8);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn retries_end_with_the_last_refusal() {
    let server = serving(vec![refusal("429 Slow Down", &[]), refusal("529 ", &[])]);
    anyask(["-q", "--retries", "1", "--retry-delay", "0", "hi"])
        .at(&server)
        .says(&format!(
            "anyask: {} failed (529 some_error): not now\n",
            server.host()
        ))
        .exits(8);
}

#[test]
fn refusals_for_good_are_not_asked_again() {
    for status in [
        "400 Bad",
        "401 Who",
        "403 No",
        "404 Where",
        "409 Conflict",
        "413 Large",
        "422 What",
        "307 There",
    ] {
        let server = serving(vec![refusal(status, &[])]);
        let exit = match &status[..3] {
            "401" => 5,
            "403" => 6,
            _ => 4,
        };
        anyask(["hi"]).at(&server).mentions("anyask: ").exits(exit);
        assert_eq!(server.received().len(), 1, "{status}");
    }
}

#[test]
fn the_server_may_overrule_the_table() {
    let server = serving(vec![
        refusal("409 Conflict", &["x-should-retry: true"]),
        ok(),
    ]);
    anyask(["-q", "--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .exits(0);
    let server = serving(vec![refusal("529 ", &["x-should-retry: false"])]);
    anyask(["hi"])
        .at(&server)
        .mentions("(529 some_error)")
        .exits(8);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn the_pause_is_as_long_as_the_server_asks() {
    for header in ["retry-after: 0.3", "retry-after-ms: 300"] {
        let server = serving(vec![refusal("429 Slow Down", &[header]), ok()]);
        let begun = Instant::now();
        anyask(["--retry-delay", "0", "hi"])
            .at(&server)
            .prints("ok\n")
            .mentions("not now; try 2 of 3 in 0.3 s\n")
            .exits(0);
        assert!(begun.elapsed() >= Duration::from_millis(300), "{header}");
    }
}

#[test]
fn a_pause_that_is_too_long_fails_at_once_and_says_when_to_come_back() {
    let server = serving(vec![refusal("429 Slow Down", &["retry-after: 600"])]);
    anyask(["hi"])
        .at(&server)
        .says(&format!(
            "anyask: {} limits the rate of requests (429 some_error): not now\n\
             hint: come back in 10 min, as the server asks; --max-wait 60 does not wait that long\n",
            server.host()
        ))
        .exits(7);
    let window = ["X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 99999999999"];
    let server = serving(vec![refusal("429 Slow Down", &window)]);
    anyask(["--max-wait", "5", "hi"])
        .at(&server)
        .mentions("hint: come back in ")
        .exits(7);
    let past = ["X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1640995200"];
    let server = serving(vec![refusal("429 Slow Down", &past), ok()]);
    anyask(["hi"])
        .at(&server)
        .prints("ok\n")
        .mentions("try 2 of 3 at once\n")
        .exits(0);
}

#[test]
fn a_lost_request_is_sent_again_and_the_possible_charge_is_told() {
    for lost in [vec![], vec![Act::Reset]] {
        let server = Server::new(vec![lost, vec![Act::Send(ok())]]);
        let host = server.host();
        anyask(["--retry-delay", "0", "hi"])
            .at(&server)
            .prints("ok\n")
            .matches(&format!(
                "anyask: note: {host} closed the connection without an answer: [^\n]*; try 2 of 3 at once, though the server may have answered and charged\n"
            ))
            .exits(0);
    }
    let server = Server::new(vec![vec![Act::Hang], vec![Act::Send(ok())]]);
    anyask(["--retry-delay", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .prints("ok\n")
        .mentions("was silent for 0.2 s; try 2 of 3 at once, though the server may have answered and charged\n")
        .exits(0);
    let server = serving(vec![refusal("504 Timeout", &[]), ok()]);
    anyask(["--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .mentions("may have answered and charged")
        .exits(0);
}

#[test]
fn a_server_that_never_had_it_cannot_have_charged() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    anyask(["--retries", "1", "--retry-delay", "0", "--base-url", &url, "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .matches("anyask: note: no connection to [^\n]*; try 2 of 2 at once\nanyask: no connection to [^\n]*\nhint: [^\n]*\n")
        .exits(9);
}

#[test]
fn nothing_is_sent_again_once_an_answer_has_begun() {
    let events = text_events(&["kept"]);
    let part = &events[..events
        .find("data: {\"type\": \"content_block_stop")
        .expect("the stop")];
    let error = format!(
        "{part}event: error\ndata: {{\"error\":{{\"type\":\"overloaded_error\",\"message\":\"busy\"}}}}\n\n"
    );
    for (events, exit) in [(part, 10), (error.as_str(), 8)] {
        let server = serving(vec![stream(events)]);
        anyask(["hi"])
            .at(&server)
            .prints("kept\n")
            .mentions("anyask: ")
            .exits(exit);
        assert_eq!(server.received().len(), 1);
    }
    // the first byte of a head is one
    let head = || Act::Send(b"HTTP/1.1 2".to_vec());
    for (acts, said, exit) in [
        (vec![head()], "ended early: peer disconnected\n", 10),
        (vec![head(), Act::Reset], "ended early: ", 10),
        (vec![head(), Act::Hang], "was silent for 0.3 s\n", 9),
    ] {
        let server = Server::new(vec![acts]);
        anyask(["--timeout", "0.3", "hi"])
            .at(&server)
            .prints("")
            .mentions(said)
            .exits(exit);
        assert_eq!(server.received().len(), 1);
    }
}

#[test]
fn verbose_shows_every_attempt() {
    let server = serving(vec![refusal("500 Oops", &["request-id: req_1"]), ok()]);
    anyask(["-v", "--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .matches(
            ".*> POST .*< request-id: req_1\n.*try 2 of 3 at once\n> POST .*< HTTP/1.1 200 OK\n.*",
        )
        .exits(0);
}

#[test]
fn values_that_are_none_are_told() {
    anyask(["--mock", "--retries", "-1", "hi"])
        .mentions("anyask: invalid value '-1' for '--retries <N>'")
        .exits(2);
    anyask(["--mock", "--max-wait=soon", "hi"])
        .mentions("it must be a number of seconds from 0 to 1e9\n")
        .exits(2);
}
