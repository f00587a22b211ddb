//! How fast a batch asks: jobs, rate limits, and what a server asks for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{batch, numbered, piped, summary, with_items};
use crate::harness::{
    Act, Gate, Received, Server, answer, anyask, folder, http, json_answer, json_lines,
};

/// The first request gets this answer, and all others are answered.
fn after(first: &'static str, headers: &'static [&str]) -> Server {
    Server::handling(move |number, request| match number {
        0 => http(first, headers, ""),
        _ => json_answer(&answer(&request.prompt())),
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs()
}

#[test]
fn keeps_as_many_connections_busy_as_there_are_jobs() {
    // 4 unless it is given
    for (args, jobs) in [(&["-j", "6"][..], 6), (&[], 4)] {
        let all_under_way = Gate::new(jobs);
        let server = Server::handling(move |number, request| {
            if number < jobs {
                all_under_way.wait();
            }
            json_answer(&answer(&request.prompt()))
        });
        piped(["-q"], &server, numbered(200)).args(args).output();
        assert_eq!(server.requests(), 200);
        assert!(server.connections() <= jobs, "{} connections", server.connections());
    }
}

/// The server takes the next request and closes, which only shows when it has done so.
#[test]
fn does_not_reuse_connections_that_twice_in_a_row_were_dead() {
    let answer = Act::Send(json_answer(&answer("ok")));
    let dead = vec![answer.clone(), Act::Read];
    let kept = vec![answer.clone(), Act::Read, answer.clone()];
    let server = Server::new(vec![dead.clone(), dead, kept.clone(), kept]);
    piped(["-j", "1", "--retries", "0"], &server, numbered(4))
        .prints_something()
        .matches(&(summary(4, 0, 0) + "[^\n]*\n"))
        .exits(0);
    assert_eq!((server.connections(), server.requests()), (4, 6));
}

/// The request may have been answered: the server closes only after a while, which the pause before the retry of another
/// item takes.
#[test]
fn a_reused_connection_that_dies_late_costs_a_retry_and_a_note() {
    let [reused, late, again] = [2, 2, 2].map(Gate::new);
    let wait = |gate: &Gate| Act::Wait(gate.clone());
    let answer = Act::Send(json_answer(&answer("ok")));
    let busy = Act::Send(http("429 Slow", &["retry-after: 1.2"], ""));
    let server = Server::new(vec![
        vec![answer.clone(), Act::Read, wait(&reused), wait(&late)],
        vec![wait(&reused), busy, Act::Read, wait(&late), wait(&again), answer.clone()],
        vec![wait(&again), answer],
    ]);
    let host = server.host();
    let folder = with_items(numbered(3));
    let mut running = batch(["-j2", "--retry-delay=0"], &server, &folder)
        .prints_something()
        .matches(&(summary(3, 0, 0) + "[^\n]*\n"))
        .start();
    let note = running.says_line();
    assert!(note.ends_with("; try 2 in 1.2 s\n"), "{note}");
    let note = running.says_line();
    let begin = format!("anyask: note: line 3: {host} closed the connection without an answer");
    let end = "; try 2 of 3 now, though the server may have answered and charged\n";
    assert!(note.starts_with(&begin) && note.ends_with(end), "{note}");
    running.exits(0);
    assert_eq!((server.connections(), server.requests()), (3, 5));
}

/// It does not say so before, as many proxies do.
#[test]
fn a_server_that_closes_after_each_answer_costs_no_retry() {
    for jobs in ["1", "16"] {
        let server = Server::serving(vec![json_answer(&answer("ok")); 200]);
        piped(["--retries=0", "-j", jobs], &server, numbered(200))
            .prints_something()
            .matches(&(summary(200, 0, 0) + "[^\n]*\n"))
            .exits(0);
        assert_eq!((server.requests(), server.connections()), (200, 200));
    }
}

#[test]
fn uses_a_rate_limit_up_and_never_oversteps_it() {
    const LIMIT: u64 = 20;
    let windows: Arc<Mutex<BTreeMap<u64, u64>>> = Arc::default();
    let seen = Arc::clone(&windows);
    let server = Server::handling(move |_, request| {
        let mut windows = seen.lock().expect("the windows");
        let window = now();
        let count = windows.entry(window).or_default();
        *count += 1;
        let headers = [
            &format!("x-ratelimit-remaining: {}", LIMIT.saturating_sub(*count)),
            &format!("x-ratelimit-limit: {LIMIT}"),
            &format!("x-ratelimit-reset: {}", window + 1),
        ];
        let headers = headers.map(String::as_str);
        if *count > LIMIT {
            return http("429 Too Many Requests", &headers, "");
        }
        http("200 OK", &headers, answer(&request.prompt()))
    });
    piped(["-j", "4"], &server, numbered(70))
        .prints_something()
        .matches(&(summary(70, 0, 0) + "[^\n]*\n"))
        .exits(0);
    let windows = windows.lock().expect("the windows");
    assert!(windows.values().all(|count| *count <= LIMIT), "{windows:?}");
    // the first window began before the batch did, and the last may have had no more items
    let inner: Vec<_> = windows.values().skip(1).collect();
    let (_, full) = inner.split_last().expect("more than one window");
    assert!(full.iter().all(|count| **count == LIMIT), "{windows:?}");
}

/// How fast may only be tested by time: too slow a machine makes it slower, and never faster.
#[test]
fn a_rate_spreads_the_requests_of_all_jobs_retries_included() {
    for (rate, least) in [("20/s", 350), ("1200/m", 350), ("36000/h", 700)] {
        let server = Server::handling(|number, request| match number {
            0 | 3 => http("529 Busy", &[], ""),
            _ => json_answer(&answer(&request.prompt())),
        });
        let begun = Instant::now();
        piped(["-q", "-j6", "--retry-delay=0", "--rate", rate], &server, numbered(6))
            .prints_something()
            .exits(0);
        let took = begun.elapsed();
        assert_eq!(server.requests(), 8);
        assert!(took >= Duration::from_millis(least), "{rate}: {took:?}");
    }
}

#[test]
fn a_rate_is_a_whole_number_for_each_unit_of_time() {
    for rate in ["", "5", "5/d", "0/s", "1.5/s", "/s", "s/5"] {
        anyask(["--batch", "--mock", "--rate", rate])
            .says(&format!(
                "anyask: invalid value '{rate}' for --rate <RATE>: it must be a whole number of \
                 requests per second, minute or hour, such as 2/s, 30/m or 500/h\n"
            ))
            .exits(2);
    }
    anyask(["--mock", "--rate=5/s", "hi"]).says("anyask: --rate needs --batch\n").exits(2);
}

#[test]
fn an_item_whose_turn_is_after_max_time_has_its_failure() {
    let server = after("529 Busy", &[]);
    let row = piped(["-q", "--retry-delay=0", "--rate=1/h", "--max-time=9"], &server, numbered(1))
        .prints_something()
        .mentions("1 item failed\n")
        .exits(12);
    let message = json_lines(&row)[0]["error"]["message"].to_string();
    assert!(
        message.contains("529") && message.ends_with("the next try would be after --max-time 9\""),
        "{message}"
    );
    assert_eq!(server.requests(), 1);
}

#[test]
fn waits_before_the_next_request_as_long_as_the_server_asks() {
    let server = after("429 Slow", &["retry-after-ms: 400"]);
    let folder = with_items(numbered(3));
    batch(["-j1", "--retry-delay=0", "--log=log"], &server, &folder)
        .prints_something()
        .mentions("note: line 1: ")
        .mentions("try 2 in 0.4 s")
        .exits(0);
    let asked: Vec<_> = server.received().iter().map(Received::prompt).collect();
    assert_eq!(asked, ["item 1", "item 1", "item 2", "item 3"]);
    let seconds = folder.json_lines("log")[0]["seconds"].as_f64().expect("seconds");
    assert!(seconds >= 0.4, "{seconds}");
}

#[test]
fn ends_with_what_is_done_when_the_rate_limit_resets_too_late() {
    let server = Server::handling(move |number, request| {
        let remaining = format!("x-ratelimit-remaining: {}", 9 - number.min(9));
        let reset = format!("x-ratelimit-reset: {}", now() / 7200 * 7200 + 14_400);
        http("200 OK", &[&remaining, &reset], answer(&request.prompt()))
    });
    let folder = with_items(numbered(50));
    batch(["-j", "1", "-o", "out", "--max-wait", "5"], &server, &folder)
        .mentions(&summary(10, 0, 0))
        .mentions("anyask: the rate limit resets in ")
        .exits(7);
    assert_eq!(server.requests(), 10);
    assert_eq!(folder.json_lines("out").len(), 10);
}

#[test]
fn ends_when_the_server_asks_for_too_long_a_wait() {
    for wait in ["retry-after: 3600", "retry-after: 10000000000000000000"] {
        let server = Server::handling(move |_, _| http("429 Slow", &[wait], ""));
        piped(["-q", "-j", "1"], &server, numbered(50))
            .prints_something()
            .mentions("anyask: ")
            .exits(7);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn too_long_a_wait_ends_a_batch_even_without_retries() {
    let server = after("429 Slow", &["retry-after: 3600"]);
    let folder = with_items(numbered(5));
    batch(["--retries=0", "-j1", "-oout"], &server, &folder)
        .mentions("hint: use a larger --max-wait, or --resume to continue later\n")
        .exits(7);
    assert_eq!(server.requests(), 1);
}

#[test]
fn goes_on_at_once_after_an_error_that_no_retry_can_cure() {
    let server = after("400 No", &["retry-after: 3600"]);
    let folder = with_items(numbered(3));
    batch(["-j1", "-oout"], &server, &folder)
        .mentions(&summary(2, 1, 0))
        .mentions("hint: jq 'select(.error)' out shows why; use --resume to ask them again\n")
        .exits(12);
}

#[test]
fn max_wait_does_not_limit_its_own_delay_before_a_retry() {
    let server = after("429 Slow", &[]);
    let folder = with_items(numbered(2));
    batch(["--max-wait=0", "--retry-delay=0.1", "--retries=1", "-j1", "-oout"], &server, &folder)
        .mentions(&summary(2, 0, 0))
        .exits(0);
}

/// The first requests meet the rate limit, which no header describes, and one of them an overloaded server.
fn limited(requests: usize) -> Server {
    Server::handling(move |number, request| match number {
        1 => http("529 Busy", &[], ""),
        number if number < requests => http("429 Slow", &[], ""),
        _ => json_answer(&answer(&request.prompt())),
    })
}

#[test]
fn a_rate_limit_is_outlasted_while_its_pauses_fit_into_max_wait() {
    let server = limited(6);
    let folder = with_items("one\n");
    let mut running = batch(["--retry-delay=0.01", "-oout"], &server, &folder)
        .mentions(&summary(1, 0, 0))
        .start();
    for tries in ["2", "3 of 4", "4", "5", "6", "7"] {
        let note = running.says_line();
        assert!(note.contains(&format!("; try {tries} ")), "{note}");
    }
    running.exits(0);
    // pauses of 0.02, 0.04, 0.08 and 0.16 s, give or take a quarter; the next one would be too long
    let server = limited(99);
    batch(["--retry-delay=0.02", "--max-wait=0.4", "-q", "-oother"], &server, &folder)
        .mentions("1 item failed")
        .exits(12);
    assert_eq!(folder.json_lines("other")[0]["error"]["exit"], 7);
    assert_eq!(server.requests(), 6);
}

#[test]
fn not_even_two_pauses_at_a_rate_limit_exceed_max_wait_in_all() {
    for (header, max_wait, requests) in [
        ("retry-after-ms: 250", "--max-wait=0.4", 2),
        ("x: 1", "--max-wait=0", 1),
        ("retry-after: 0", "--max-wait=0", 1),
    ] {
        let server = Server::handling(move |_, _| http("429 Slow", &[header], ""));
        piped(["--retry-delay=0.001", "-q", max_wait], &server, numbered(1))
            .prints_something()
            .mentions("1 item failed")
            .exits(12);
        assert_eq!(server.requests(), requests, "{header}");
    }
}

#[test]
fn retries_limit_the_tries_at_a_rate_limit_where_they_are_given() {
    let settings = |text: &str| folder().with("anyask/config", text);
    for (args, config, requests) in
        [(&["--retries=2"][..], "", 3), (&["--retries=0"], "", 1), (&[], "--retries 3", 4)]
    {
        let server = limited(99);
        let home = settings(config);
        piped(["--retry-delay=0.001", "-q"], &server, numbered(1))
            .args(args)
            .env("XDG_CONFIG_HOME", &home.name(""))
            .prints_something()
            .mentions("1 item failed")
            .exits(12);
        assert_eq!(server.requests(), requests);
    }
    // without any pause, too
    let server = limited(99);
    piped(["--retry-delay=0", "-q"], &server, numbered(1))
        .prints_something()
        .mentions("")
        .exits(12);
    assert_eq!(server.requests(), 4);
    // a single question has its two retries
    let server = limited(99);
    anyask(["--retry-delay=0.001", "-q", "hi"]).at(&server).mentions("429").exits(7);
    assert_eq!(server.requests(), 3);
}

#[test]
fn other_jobs_wait_too_if_the_server_says_not_how_long() {
    let arrivals = Arc::new(Mutex::new(Vec::new()));
    let (seen, gate) = (Arc::clone(&arrivals), Gate::new(2));
    let held = gate.clone();
    let server = Server::handling(move |number, request| {
        seen.lock().expect("the arrivals").push(Instant::now());
        match number {
            0 => return http("429 Slow", &[], ""),
            1 => held.wait(),
            _ => {}
        }
        json_answer(&answer(&request.prompt()))
    });
    let folder = with_items(numbered(3));
    let mut running = batch(["-j2", "--retry-delay=0.4"], &server, &folder)
        .prints_something()
        .matches(&(summary(3, 0, 0) + "[^\n]*\n"))
        .start();
    assert!(running.says_line().contains("; try 2 in 0."));
    // now the other job is free for the third item
    gate.wait();
    running.exits(0);
    let arrivals = arrivals.lock().expect("the arrivals");
    assert_eq!(arrivals.len(), 4);
    assert!(arrivals[2] - arrivals[0] >= Duration::from_millis(290), "{arrivals:?}");
}
