//! When a request is sent again, and what is said about it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::harness::{
    Act, ENDED_EARLY, Events, Server, answer, anyask, error_body, http, json_answer, unused_address,
};

const CHARGED: &str = ", though the server may have answered and charged";

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

fn ok() -> Vec<u8> {
    json_answer(&answer("ok"))
}

fn refusal(status: &str, headers: &[&str]) -> Vec<u8> {
    http(status, headers, error_body("some_error", "not now"))
}

#[test]
fn sends_the_same_request_again_and_notes_each_retry_in_a_line() {
    let server = Server::serving(vec![refusal("529 ", &[]), refusal("503 Unavailable", &[]), ok()]);
    let host = server.host();
    anyask(["--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .says(&format!(
            "anyask: note: {host} failed (529 some_error): not now; try 2 of 3 now\n\
             anyask: note: {host} failed (503 some_error): not now; try 3 of 3 now\n"
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
fn notes_the_delay_and_is_silent_with_quiet() {
    anyask(["--mock=429,500,ok", "--retry-delay", "0.1", "hi"])
        .prints("hi\n")
        .matches(
            "anyask: note: 127[^\n]* \\(429 rate_limit_error\\): Rate limit exceeded; try 2 of 3 in 0.1 s\n\
             anyask: note: 127[^\n]* \\(500 api_error\\): Internal server error; try 3 of 3 in 0.[23] s\n",
        )
        .exits(0);
    anyask(["-q", "--mock=429,500,ok", "--retry-delay", "0", "hi"]).prints("hi\n").exits(0);
}

#[test]
fn the_first_pause_is_about_a_second_unless_it_is_given() {
    let server = Server::once(refusal("500 Oops", &[]));
    let mut running = anyask(["hi"]).at(&server).start();
    let note = running.says_line();
    let seconds = note.split("; try 2 of 3 in ").nth(1).and_then(|rest| rest.strip_suffix(" s\n"));
    let seconds: f64 = seconds.and_then(|seconds| seconds.parse().ok()).expect(&note);
    assert!((0.7..=1.3).contains(&seconds), "{note}");
    running.kill();
}

#[test]
fn sends_exactly_one_request_without_retries() {
    let server = Server::once(refusal("500 Oops", &[]));
    anyask(["--retries", "0", "hi"])
        .at(&server)
        .says(&format!("anyask: {} failed (500 some_error): not now\n", server.host()))
        .exits(8);
    assert_eq!(server.requests(), 1);
}

#[test]
fn reports_the_last_failure_when_no_retry_is_left() {
    let server = Server::serving(vec![refusal("429 Slow Down", &[]), refusal("529 ", &[])]);
    anyask(["-q", "--retries", "1", "--retry-delay", "0", "hi"])
        .at(&server)
        .says(&format!("anyask: {} failed (529 some_error): not now\n", server.host()))
        .exits(8);
}

#[test]
fn does_not_retry_what_will_fail_again() {
    for (status, exit) in [
        ("400 Bad", 4),
        ("401 Who", 5),
        ("403 No", 6),
        ("404 Where", 4),
        ("409 Conflict", 4),
        ("413 Large", 4),
        ("422 What", 4),
        ("307 There", 4),
    ] {
        let server = Server::once(refusal(status, &[]));
        anyask(["hi"]).at(&server).mentions("anyask: ").exits(exit);
        assert_eq!(server.requests(), 1, "{status}");
    }
}

#[test]
fn retries_as_the_server_says() {
    let server = Server::serving(vec![refusal("409 Conflict", &["x-should-retry: true"]), ok()]);
    anyask(["-q", "--retry-delay", "0", "hi"]).at(&server).prints("ok\n").exits(0);
    let server = Server::once(refusal("529 ", &["x-should-retry: false"]));
    anyask(["hi"]).at(&server).mentions("(529 some_error)").exits(8);
    assert_eq!(server.requests(), 1);
    // also where a relay's code would decide
    let busy = error_body("get_channel_failed", "no channel");
    let server = Server::once(http("500 Oops", &["x-should-retry: false"], busy));
    anyask(["hi"]).at(&server).mentions("(500 get_channel_failed)").exits(8);
    assert_eq!(server.requests(), 1);
    let poor = error_body("insufficient_user_quota", "no quota");
    let server = Server::serving(vec![http("403 No", &["x-should-retry: true"], poor), ok()]);
    anyask(["-q", "--retry-delay", "0", "hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn the_pause_is_as_long_as_the_server_asks() {
    for header in ["retry-after: 0.3", "retry-after-ms: 300"] {
        let server = Server::serving(vec![refusal("429 Slow Down", &[header]), ok()]);
        anyask(["-v", "--retry-delay", "0", "hi"])
            .at(&server)
            .prints("ok\n")
            .mentions("not now; try 2 of 3 in 0.3 s\n")
            .matches(".*\n\\* the answer ended after (0\\.[3-9]|[1-9])[^\n]* s\n")
            .exits(0);
    }
}

#[test]
fn fails_at_once_when_the_server_asks_for_too_long_a_wait() {
    let server = Server::once(refusal("429 Slow Down", &["retry-after: 600", "request-id: req_1"]));
    anyask(["hi"])
        .at(&server)
        .says(&format!(
            "anyask: {} limits the rate of requests (429 some_error): not now; \
             it asks to wait 10 min, longer than --max-wait 60 (request id: req_1)\n\
             hint: use a larger --max-wait to wait that long\n",
            server.host()
        ))
        .exits(7);
    for unit in [1, 1000] {
        let reset = format!("X-RateLimit-Reset: {}", (now() + 3600) * unit);
        let server = Server::once(refusal("429 Slow", &["X-RateLimit-Remaining: 0", &reset]));
        anyask(["hi"]).at(&server).mentions("; it asks to wait 60 min, longer than ").exits(7);
    }
    let past = ["X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1640995200"];
    let server = Server::serving(vec![refusal("429 Slow Down", &past), ok()]);
    let past = anyask(["--retry-delay", "0.1", "hi"]).at(&server).prints("ok\n");
    past.mentions("; try 2 of 3 in 0.1 s\n").exits(0);
}

#[test]
fn waits_at_least_its_own_pause_where_the_server_asks_for_none() {
    for header in [
        "Retry-After: 0",
        "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",
        "X-RateLimit-Reset: 2",
        "X-RateLimit-Reset: 99999999999",
    ] {
        let refused = refusal("429 Slow Down", &["X-RateLimit-Remaining: 0", header]);
        let server = Server::serving(vec![refused, ok()]);
        let run = anyask(["--retry-delay", "0.2", "hi"]).at(&server).prints("ok\n");
        run.matches("anyask: note: [^;]*; try 2 of 3 in 0\\.[23] s\n").exits(0);
    }
}

/// A refusal with this body.
fn limited(headers: &[&str], body: &str) -> Vec<u8> {
    http("429 Slow Down", headers, body)
}

/// Checks the notes of the retries after these answers: whether each waits 0.3 s, or a little less.
#[track_caller]
fn wait(all: impl IntoIterator<Item = Vec<u8>>) {
    let runs = all.into_iter().map(|refused| {
        let server = Server::serving(vec![refused, ok()]);
        let run = anyask(["--retry-delay", "0", "hi"]).at(&server).prints("ok\n");
        (run.matches("anyask: note: [^;]*; try 2 of 3 in 0.[23] s\n").start(), server)
    });
    for (running, _server) in runs.collect::<Vec<_>>() {
        running.exits(0);
    }
}

/// Checks that such a pause is not waited for.
#[track_caller]
fn waits_too_long(refused: Vec<u8>, words: &str) {
    let server = Server::once(refused);
    let said =
        format!("anyask: [^\n]*; it asks to wait {words}, longer than [^\n]*\nhint: [^\n]*\n");
    anyask(["hi"]).at(&server).matches(&said).exits(7);
    assert_eq!(server.requests(), 1);
}

#[test]
fn the_pause_is_read_from_the_body() {
    let fields = ["resets_in_seconds", "reset_seconds", "retry_after", "retryAfter"];
    wait(
        fields
            .map(|field| limited(&[], &format!(r#"{{"error":{{"message":"no"}},"{field}":0.3}}"#))),
    );
    wait(
        fields.map(|field| {
            limited(&[], &format!(r#"{{"error":{{"message":"no","{field}":"0.3"}}}}"#))
        }),
    );
    for field in fields {
        waits_too_long(limited(&[], &format!(r#"{{"message":"no","{field}":3600}}"#)), "60 min");
    }
    for (field, unit) in [("resets_at", 1), ("reset_at", 1000), ("resetAt", 1), ("retry_after", 1)]
    {
        let then = (now() + 3600) * unit;
        for value in [then.to_string(), format!("\"{then}\"")] {
            let body = format!(r#"{{"error":{{"type":"rate_limit_error"}},"{field}":{value}}}"#);
            waits_too_long(limited(&[], &body), "60 min");
        }
    }
    for header in ["Retry-After", "retry-after", "X-RateLimit-Reset"] {
        let body =
            format!(r#"{{"error":{{"code":429,"metadata":{{"headers":{{"{header}":"0.3"}}}}}}}}"#);
        // a code inside a status of success, too
        wait([limited(&[], &body), json_answer(&body), Events::bare().data(&body).http()]);
    }
    // a header is more exact
    wait([limited(&["Retry-After: 0.3"], r#"{"message":"no","retry_after":3600}"#)]);
}

#[test]
fn a_pause_that_makes_no_sense_is_none() {
    for value in ["0", "-5", "null", "\"soon\"", "[]", "1640995200", "\"2022-01-01T00:00:00Z\""] {
        let body = format!(r#"{{"message":"no","retry_after":{value}}}"#);
        let server = Server::serving(vec![limited(&[], &body), ok()]);
        let run = anyask(["--retry-delay", "0", "hi"]).at(&server).prints("ok\n");
        run.mentions("no; try 2 of 3 now\n").exits(0);
        let server = Server::once(limited(&[], &body));
        let run = anyask(["--retries", "0", "hi"]).at(&server);
        run.mentions("hint: wait a little and try again\n").exits(7);
    }
    let far = format!(r#"{{"message":"no","resets_at":{}}}"#, now() + 32 * 24 * 3600);
    let server = Server::serving(vec![limited(&[], &far), ok()]);
    anyask(["-q", "--retry-delay", "0", "hi"]).at(&server).prints("ok\n").exits(0);
    for header in
        ["Retry-After: 0", "retry-after-ms: 0", "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT"]
    {
        let server = Server::once(limited(&[header], ""));
        let run = anyask(["--retries", "0", "hi"]).at(&server);
        run.mentions("hint: wait a little and try again\n").exits(7);
        let server = Server::once(http("503 X", &[header], ""));
        let said = format!("anyask: {} failed (503)\n", server.host());
        anyask(["--retries", "0", "hi"]).at(&server).says(&said).exits(8);
    }
}

#[test]
fn points_in_time_count_from_the_clock_of_the_server() {
    let here = i64::try_from(now()).expect("a time");
    let date = |seconds: i64| {
        let then = Duration::from_secs((here + seconds).unsigned_abs());
        httpdate::fmt_http_date(UNIX_EPOCH + then)
    };
    for clock in [3600, -3600, 7 * 24 * 3600] {
        let now = here + clock;
        let dated = format!("Date: {}", date(clock));
        let body =
            format!(r#"{{"error":{{"code":429,"message":"no"}},"resets_at":{}}}"#, now + 3600);
        for refused in [
            limited(&[&dated], &body),
            http("200 OK", &[&dated, "content-type: application/json"], &body),
            http(
                "200 OK",
                &[&dated, "content-type: text/event-stream"],
                format!("data: {body}\n\n"),
            ),
            limited(&[&dated, &format!("Retry-After: {}", date(clock + 3600))], ""),
            limited(&[&dated, &format!("Retry-After: {}", now + 3600)], ""),
            limited(
                &[
                    &dated,
                    "X-RateLimit-Remaining: 0",
                    &format!("X-RateLimit-Reset: {}", now + 3600),
                ],
                "",
            ),
        ] {
            waits_too_long(refused, "(60|61) min");
        }
        // without a date, or from a cache, they count from this machine's
        let ahead = limited(&["Date: yesterday"], &format!(r#"{{"resets_at":{}}}"#, now + 3600));
        let cached = limited(&[&dated, "Age: 10"], &format!(r#"{{"resets_at":{}}}"#, now + 3600));
        for refused in [ahead, cached].into_iter().filter(|_| clock == 3600) {
            waits_too_long(refused, "(2 h|120 min)");
        }
    }
    let dated = [format!("Date: {}", date(3600)), format!("X-RateLimit-Reset: {}", now() + 3660)];
    let headers = [&*dated[0], &dated[1], "X-RateLimit-Remaining: 3"];
    let server = Server::once(http("200 OK", &headers, answer("ok")));
    let run = anyask(["-u", "hi"]).at(&server).prints("ok\n");
    run.matches("anyask: usage: .*, 3 requests left, the window resets in (59|60|61) s\n").exits(0);
}

#[test]
fn notes_that_thinking_may_be_charged() {
    let tool = json!({"type": "tool_use", "id": "t", "name": "n", "input": {}});
    let redacted = json!({"type": "redacted_thinking", "data": "x"});
    let thinking = json!({"type": "thinking_delta", "thinking": "so"});
    let begun = json!({"content": [{"type": "thinking", "thinking": "so"}]});
    let error = error_body("overloaded_error", "busy");
    for (events, charged) in [
        (Events::new().thinking("so"), CHARGED),
        (Events::new().block(redacted), CHARGED),
        (Events::new().block(tool), CHARGED),
        (Events::new().text(" "), CHARGED),
        (Events::bare().delta(0, thinking), CHARGED),
        (Events::bare().start(begun), CHARGED),
        (Events::new(), ""),
        (Events::bare().ping(), ""),
    ] {
        for (error, name) in [
            (&error, "overloaded_error: busy"),
            (&error_body("rate_limit_error", "slow"), "rate_limit_error: slow"),
            (&r#"{"error":{"code":503,"message":"busy"}}"#.into(), "an error: busy"),
        ] {
            let server = Server::serving(vec![events.clone().error(error).http(), ok()]);
            anyask(["--retry-delay", "0", "hi"])
                .at(&server)
                .prints("ok\n")
                .says(&format!(
                    "anyask: note: the server answered with {name}; try 2 of 3 now{charged}\n"
                ))
                .exits(0);
        }
    }
}

#[test]
fn retries_what_cloudflare_says_of_the_server_behind_it() {
    for status in [520, 521, 522, 523, 524, 530] {
        let server = Server::serving(vec![refusal(&status.to_string(), &[]), ok()]);
        let host = server.host();
        let why = "; the server behind it sent nothing for 100 s, which streaming avoids";
        let (why, charged) = if status == 524 { (why, CHARGED) } else { ("", "") };
        anyask(["--retry-delay", "0", "hi"])
            .at(&server)
            .prints("ok\n")
            .says(&format!(
                "anyask: note: {host} failed ({status} some_error): not now{why}; try 2 of 3 now{charged}\n"
            ))
            .exits(0);
    }
}

#[test]
fn notes_that_the_server_may_have_charged_for_a_lost_request() {
    for lost in [vec![], vec![Act::Reset]] {
        let server = Server::new(vec![lost, vec![Act::Send(ok())]]);
        let host = server.host();
        anyask(["--retry-delay", "0", "hi"])
            .at(&server)
            .prints("ok\n")
            .matches(&format!(
                "anyask: note: {host} closed the connection without an answer(: [^\n]*)?; try 2 of 3 now{CHARGED}\n"
            ))
            .exits(0);
    }
    let server = Server::new(vec![vec![Act::Hang], vec![Act::Send(ok())]]);
    anyask(["--retry-delay", "0", "--timeout", "0.2", "hi"])
        .at(&server)
        .prints("ok\n")
        .mentions(&format!("sent nothing for 0.2 s; try 2 of 3 now{CHARGED}\n"))
        .exits(0);
    let overloaded = http("504 Timeout", &[], error_body("some_error", "upstream is overloaded"));
    for late in [refusal("504 Timeout", &[]), overloaded] {
        let server = Server::serving(vec![late, ok()]);
        anyask(["--retry-delay", "0", "hi"]).at(&server).prints("ok\n").mentions(CHARGED).exits(0);
    }
}

#[test]
fn does_not_warn_of_a_charge_when_there_was_no_connection() {
    let url = format!("http://{}", unused_address());
    anyask(["--retries", "1", "--retry-delay", "0", "--base-url", &url, "hi"])
        .env("ANYROUTER_API_KEY", "k")
        .matches("anyask: note: cannot connect to [^\n]*; try 2 of 2 now\nanyask: cannot connect to [^\n]*\nhint: [^\n]*\n")
        .exits(9);
}

#[test]
fn retries_an_error_event_that_comes_before_any_text() {
    let event = |kind| Events::bare().error(&error_body(kind, "busy")).http();
    for kind in ["overloaded_error", "api_error", "rate_limit_error"] {
        for failed in [event(kind), json_answer(&error_body(kind, "busy"))] {
            let server = Server::serving(vec![failed, ok()]);
            anyask(["--retry-delay", "0", "hi"])
                .at(&server)
                .prints("ok\n")
                .says(&format!(
                    "anyask: note: the server answered with {kind}: busy; try 2 of 3 now\n"
                ))
                .exits(0);
        }
    }
    let server = Server::once(event("authentication_error"));
    anyask(["hi"])
        .at(&server)
        .says("anyask: the server answered with authentication_error: busy\n")
        .exits(5);
    assert_eq!(server.requests(), 1);
}

#[test]
fn an_event_that_is_printed_counts_as_text() {
    let error = error_body("overloaded_error", "busy");
    let start = Events::new().block(json!({"type": "text", "text": ""}));
    let events = start.clone().error(&error).http();
    // nothing of it is text
    let server = Server::serving(vec![events.clone(), ok()]);
    let run = anyask(["-q", "--retry-delay", "0", "hi"]).at(&server);
    run.prints("ok\n").exits(0);
    let server = Server::once(events);
    let printed = anyask(["--json", "--stream", "hi"])
        .at(&server)
        .prints_something()
        .says("anyask: the server answered with overloaded_error: busy\n")
        .exits(8);
    assert!(printed.starts_with(&start.json_lines()), "{printed}");
    assert_eq!(start.json_lines().lines().count(), 2);
    assert_eq!(server.requests(), 1);
}

#[test]
fn does_not_retry_once_an_answer_has_begun() {
    let cut = Events::new().text("kept");
    let error = cut.clone().error(&error_body("overloaded_error", "busy"));
    for (events, status) in [(cut, 10), (error, 8)] {
        let server = Server::once(events.http());
        anyask(["hi"]).at(&server).prints("kept\n").mentions("anyask: ").exits(status);
        assert_eq!(server.requests(), 1);
    }
    // the first bytes of the status line are enough
    let head = || Act::Send(b"HTTP/1.1 2".to_vec());
    for (acts, said, status) in [
        (vec![head()], ENDED_EARLY, 10),
        (vec![head(), Act::Reset], ENDED_EARLY, 10),
        (vec![head(), Act::Hang], "sent nothing for 0.3 s\n", 9),
    ] {
        let server = Server::new(vec![acts]);
        anyask(["--timeout", "0.3", "hi"]).at(&server).mentions(said).exits(status);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn verbose_shows_every_attempt() {
    let server = Server::serving(vec![refusal("500 Oops", &["request-id: req_1"]), ok()]);
    anyask(["-v", "--retry-delay", "0", "hi"])
        .at(&server)
        .prints("ok\n")
        .matches(".*> POST .*< request-id: req_1\n.*try 2 of 3 now\n> POST .*< HTTP/1.1 200 OK\n.*")
        .exits(0);
}

#[test]
fn refuses_unusable_values() {
    anyask(["--mock", "--retries", "-1", "hi"])
        .says("anyask: invalid value '-1' for --retries <N>: it must be a whole number from 0 to 4294967295\n")
        .exits(2);
    anyask(["--mock", "--max-wait=soon", "hi"])
        .says("anyask: invalid value 'soon' for --max-wait <SECONDS>: it must be a number of seconds from 0 to 1e9\n")
        .exits(2);
}
