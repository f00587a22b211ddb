//! What ends a batch early: credits, a key that is refused, Ctrl-C.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{batch, each, numbered, piped, summary, with_items};
use crate::harness::{
    Act, Events, Folder, Gate, KEY, Running, Server, answer, anyask, bash, error_body, http,
    json_answer, json_lines, skip, unused_address,
};

/// Holds every answer back until the test has passed the gate twice.
fn held_by(gate: &Gate) -> Server {
    let gate = gate.clone();
    Server::handling(move |_, request| {
        gate.wait();
        gate.wait();
        json_answer(&answer(&request.prompt()))
    })
}

#[test]
fn starts_nothing_more_when_credits_run_low() {
    let server = Server::handling(|number, request| {
        let credits = format!("x-remaining-credits: {}.5", 10 - number.min(10));
        http("200 OK", &[&credits], answer(&request.prompt()))
    });
    piped(["-j", "1", "--min-credits", "8.5"], &server, numbered(20))
        .prints_something()
        .mentions(
            &(summary(4, 0, 0)
                + "148 tokens, about $0.00016 at the example price; $7.50 credits left\n"),
        )
        .mentions("anyask: $7.50 credits are left, below --min-credits\nhint: ")
        .exits(6);
    assert_eq!(server.requests(), 4);
}

#[test]
fn credits_count_that_a_failed_attempt_reported() {
    let poor = http("503 Busy", &["x-remaining-credits: 0.5"], "");
    let server = Server::new(vec![vec![Act::Send(poor)], vec![Act::Reset]]);
    let flags = ["-j", "1", "--min-credits", "1", "--retries", "1", "--retry-delay", "0"];
    piped(flags, &server, numbered(2))
        .prints_something()
        .mentions("anyask: $0.50 credits are left, below --min-credits\n")
        .exits(6);
    assert_eq!(server.requests(), 2);
}

/// With what an earlier batch answered, and with what cannot be asked, too.
#[test]
fn low_credits_are_no_failure_when_nothing_is_left_to_ask() {
    let server = Server::handling(|_, request| {
        http("200 OK", &["x-remaining-credits: 1"], answer(&request.prompt()))
    });
    let folder = with_items("one\n");
    let run =
        || batch(["-j", "2", "--min-credits", "8", "-o", "out", "--resume"], &server, &folder);
    run().mentions(&summary(1, 0, 0)).exits(0);
    folder.write("items", "two\none\n");
    run().mentions(&summary(1, 0, 1)).exits(0);
    folder.write("items", "three\none\n{}\ntwo\n");
    run().mentions(&summary(1, 1, 2)).mentions("1 item failed").exits(12);
    folder.write("items", "four\none\ntwo\nfive\nthree\nsix\n");
    let run = run().arg("-j1").mentions("anyask: $1.00 credits are left, below --min-credits\n");
    run.mentions(&summary(1, 0, 2)).exits(6);
    assert_eq!(server.requests(), 4);
}

#[test]
fn notes_once_that_the_server_reports_no_credits() {
    let note = "anyask: note: the server does not report credits, so --min-credits has no effect\n";
    for items in [1, 30] {
        let run = piped(["--min-credits", "8"], &Server::echo(), numbered(items));
        let summary = summary(items, 0, 0);
        run.prints_something().matches(&format!("{note}{summary}[^\n]*\n")).exits(0);
    }
    // once they were reported, an answer without them is none of the user's business
    let server = Server::handling(|number, request| {
        let credits: &[&str] = if number == 0 { &["x-remaining-credits: 9"] } else { &[] };
        http("200 OK", credits, answer(&request.prompt()))
    });
    let run = piped(["-j1", "--min-credits", "8"], &server, numbered(3));
    run.prints_something().matches(&(summary(3, 0, 0) + "[^\n]*\n")).exits(0);
}

#[test]
fn starts_nothing_more_when_the_key_is_refused() {
    let body = json_answer(&error_body("authentication_error", "no"));
    for (refusal, status) in [
        (http("401 Who", &[], ""), 5),
        (http("402 Pay", &[], ""), 6),
        (http("403 No", &[], ""), 6),
        (body, 5),
    ] {
        let server = Server::handling(move |_, _| refusal.clone());
        piped(["-j", "1", "-q"], &server, numbered(20))
            .prints_something()
            .mentions("anyask: ")
            .exits(status);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn ten_items_in_a_row_without_a_connection_end_the_batch() {
    let folder = with_items(numbered(1000));
    let url = format!("http://{}", unused_address());
    let run = |jobs| {
        anyask(["--batch=items", "--retries=0", "-o", jobs, "-j", jobs, "--base-url", &url])
            .env("ANYROUTER_API_KEY", "none")
            .in_dir(&folder)
    };
    run("1")
        .mentions(&summary(0, 10, 0))
        .mentions("anyask: 10 items in a row got no connection; the last: cannot connect to ")
        .mentions("\nhint: use --resume to continue\n")
        .exits(9);
    let rows = folder.json_lines("1");
    assert!(rows.iter().all(|row| row["error"]["exit"] == 9));
    assert_eq!(rows.len(), 10);
    run("4").mentions("anyask: 10 items in a row got no connection").exits(9);
    assert!((10..=13).contains(&folder.json_lines("4").len()));
}

#[test]
fn another_result_or_max_time_between_them_lets_it_go_on() {
    // each connection is closed or gets one answer
    let closed = vec![Act::Reset];
    let answered = vec![Act::Send(http("400 No", &["connection: close"], ""))];
    let nine = vec![closed; 9];
    let server = Server::new([&nine[..], &[answered], &nine[..]].concat());
    piped(["-q", "-j1", "--retries=0"], &server, numbered(19))
        .prints_something()
        .mentions("19 items failed")
        .exits(12);
    // it accepts every connection, and never answers
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    anyask(["--batch", "-q", "-j1", "--max-time=0.05", "--base-url", &url])
        .env("ANYROUTER_API_KEY", KEY)
        .stdin(numbered(11))
        .prints_something()
        .mentions("11 items failed")
        .exits(12);
}

const SIGNALS: [Signal; 3] = [Signal::INT, Signal::TERM, Signal::HUP];

#[test]
fn a_signal_starts_nothing_more_and_keeps_what_is_under_way() {
    for signal in SIGNALS {
        let gate = Gate::new(3);
        let server = held_by(&gate);
        let folder = with_items(numbered(50));
        let run = batch(["-j", "2", "-k"], &server, &folder);
        let mut running = run.prints_something().mentions(&summary(2, 0, 0)).start();
        gate.wait();
        running.signal(signal);
        assert_eq!(
            running.says_line(),
            "anyask: note: no new items are started; a second signal stops at once\n"
        );
        gate.wait();
        let results = json_lines(&running.ends_by(signal));
        assert_eq!(each(&results, "text"), ["item 1", "item 2"]);
        assert_eq!(server.requests(), 2);
    }
}

#[test]
fn when_quiet_it_says_only_which_signal_stopped_it() {
    for (signal, name) in SIGNALS.into_iter().zip(["Ctrl-C", "SIGTERM", "SIGHUP"]) {
        let gate = Gate::new(2);
        let held = gate.clone();
        // the pause before the retry goes on until the signal has come
        let server = Server::handling(move |_, _| {
            held.wait();
            held.wait();
            http("529 Busy", &[], "")
        });
        let folder = with_items("one\n");
        let run = batch(["-q", "--retry-delay=25"], &server, &folder).prints_something();
        let said = format!(
            "anyask: stopped by {name}\nhint: write the results to -o FILE, and --resume can continue\n"
        );
        let running = run.says(&said).start();
        gate.wait();
        running.signal(signal);
        gate.wait();
        running.ends_by(signal);
    }
}

#[test]
fn a_signal_leaves_a_retry_that_waits_unasked() {
    for signal in SIGNALS {
        let server = Server::handling(|number, request| match number {
            0 => http("529 Busy", &[], ""),
            _ => json_answer(&answer(&request.prompt())),
        });
        let folder = with_items(numbered(50));
        let run =
            || batch(["-j1", "-k", "-oout", "--resume", "--retry-delay=25"], &server, &folder);
        let mut running = run().mentions(&summary(0, 0, 0)).start();
        assert!(running.says_line().contains("; try 2 of 3 in "));
        running.signal(signal);
        running.ends_by(signal);
        assert_eq!(folder.read("out"), "");
        run().mentions(&summary(50, 0, 0)).exits(0);
        assert_eq!(server.requests(), 51);
    }
}

/// A batch that waits for the answer to its only item, and has got a signal.
fn stopping(signal: Signal, server: &Server, gate: &Gate) -> (Folder, Running) {
    let folder = with_items("one\n");
    let run = batch([], server, &folder).prints_something().mentions("");
    let mut running = run.start();
    gate.wait();
    running.signal(signal);
    running.says_line();
    (folder, running)
}

#[test]
fn a_failure_after_a_stop_is_left_if_it_would_be_asked_again() {
    // with a cost it has a row
    let busy = error_body("overloaded_error", "busy");
    let charged = Events::new().error(&busy).sized();
    for (failure, rows) in [
        (http("529 Busy", &[], ""), 0),
        (http("429 Slow", &[], ""), 0),
        (http("400 No", &[], ""), 1),
        (charged, 1),
    ] {
        let gate = Gate::new(2);
        let held = gate.clone();
        let server = Server::handling(move |_, _| {
            held.wait();
            held.wait();
            failure.clone()
        });
        let folder = with_items("one\n");
        let run = batch(["-oout", "--price=1,1"], &server, &folder);
        let mut running = run.mentions(&summary(0, rows, 0)).start();
        gate.wait();
        running.interrupt();
        running.says_line();
        gate.wait();
        running.ends_by(Signal::INT);
        assert_eq!(folder.read("out").lines().count(), rows);
    }
}

#[test]
fn a_failure_when_credits_are_low_is_left_to_be_asked_again() {
    let [both_asked, first_written] = [2, 2].map(Gate::new);
    let held = first_written.clone();
    let server = Server::handling(move |_, request| {
        both_asked.wait();
        if request.prompt() == "item 1" {
            return http("200 OK", &["x-remaining-credits: 1"], answer("ok"));
        }
        held.wait();
        http("529 Busy", &[], "")
    });
    let folder = with_items(numbered(2));
    let run = batch(["-j2", "--min-credits=8"], &server, &folder);
    let run = run.mentions(&summary(1, 0, 0)).mentions("credits are left, below --min-credits\n");
    let mut running = run.start();
    running.reads_line();
    first_written.wait();
    running.exits(6);
}

#[test]
fn a_second_signal_ends_at_once_after_a_second() {
    for (first, second) in
        [(Signal::INT, Signal::INT), (Signal::TERM, Signal::INT), (Signal::HUP, Signal::TERM)]
    {
        let gate = Gate::new(2);
        let server = Server::holding(0, &gate);
        let begun = Instant::now();
        let (_folder, mut running) = stopping(first, &server, &gate);
        running.insists(second);
        assert!(begun.elapsed() >= Duration::from_secs(1));
        running.ends_by(second);
        gate.wait();
    }
}

/// A closed terminal sends a hangup, and its shell another one; a supervisor sends several signals at once.
#[test]
fn signals_that_come_together_count_as_one_and_hangups_never_as_a_second() {
    for (first, others) in [
        (Signal::HUP, &[Signal::HUP, Signal::TERM][..]),
        (Signal::TERM, &[Signal::HUP, Signal::TERM]),
        (Signal::INT, &[Signal::TERM, Signal::INT]),
    ] {
        let gate = Gate::new(2);
        let server = Server::holding(0, &gate);
        let (_folder, running) = stopping(first, &server, &gate);
        for other in others {
            running.signal(*other);
        }
        gate.wait();
        assert!(running.ends_by(first).contains("\"text\":\"one\""), "{first:?}");
    }
    let gate = Gate::new(2);
    let server = Server::holding(0, &gate);
    let begun = Instant::now();
    let (_folder, running) = stopping(Signal::HUP, &server, &gate);
    while begun.elapsed() < Duration::from_millis(1100) {
        running.signal(Signal::HUP);
        std::thread::yield_now();
    }
    gate.wait();
    assert!(running.ends_by(Signal::HUP).contains("\"text\":\"one\""));
}

/// Resumed after each; no request is made in vain, and no answer is lost.
#[test]
fn signals_at_any_moment_cost_no_request() {
    const ITEMS: usize = 500;
    let server = Server::echo();
    let folder = with_items(numbered(ITEMS));
    let run = || batch(["-j", "4", "-k", "-q", "-o", "out", "--resume"], &server, &folder);
    let mut signals = 0;
    for (step, signal) in SIGNALS.into_iter().cycle().take(30).enumerate() {
        // after 0 to 12 more requests, each of them about as often
        let goal = server.requests() + step * 5 % 13;
        let mut running = run().mentions("").start();
        while !running.has_ended() {
            if server.requests() >= goal {
                running.signal(signal);
                signals += 1;
                break;
            }
            std::thread::yield_now();
        }
        running.ends_by_or_exits(signal, 0);
    }
    run().exits(0);
    assert_eq!(each(&folder.json_lines("out"), "text").join("\n") + "\n", numbered(ITEMS));
    assert!(signals > 10 && server.requests() == ITEMS, "{signals}, {}", server.requests());
}

/// With fewer threads than jobs it goes on; without any it asks nothing.
#[test]
fn works_with_few_threads_and_says_that_there_are_none() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root can become a user who runs nothing else");
    }
    let limited = |threads: usize| {
        let user = "setpriv --reuid 54321 --clear-groups prlimit";
        format!("{user} --nproc={threads} \"$(command -v anyask)\"")
    };
    let setpriv = format!("{} --version >/dev/null 2>&1 || echo no", limited(9));
    if bash(&setpriv).output() == "no\n" {
        return skip("another user cannot run the program here");
    }
    let server = Server::echo();
    let run = |threads| {
        let line = format!("{} --batch -q -j8 --no-config", limited(threads));
        bash(&line).at(&server).stdin(numbered(30))
    };
    for threads in 1..4 {
        run(threads)
            .matches("anyask: cannot (start a thread|watch for signals): [^\n]*\n")
            .exits(1);
    }
    assert_eq!(server.requests(), 0);
    assert_eq!(json_lines(&run(4).output()).len(), 30);
    assert_eq!(server.requests(), 30);
}

/// As a shell does for what it runs in the background.
#[test]
fn goes_on_after_ctrl_c_when_its_parent_ignores_it() {
    let gate = Gate::new(2);
    let server = Server::holding(0, &gate);
    let folder = with_items(numbered(3));
    let running = bash("trap '' INT; exec anyask --batch=items -j1 -q -oout")
        .at(&server)
        .in_dir(&folder)
        .start();
    gate.wait();
    running.interrupt();
    gate.wait();
    running.exits(0);
    assert_eq!(folder.json_lines("out").len(), 3);
}
