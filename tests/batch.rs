//! `--batch`: many questions, paced, resumable, paid for once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::{
    KEY, Received, Run, Service, answer, anyask, http, json_answer, measured, stream, text_events,
};

fn at(run: Run, service: &Service) -> Run {
    run.env("ANYROUTER_BASE_URL", &service.url())
        .env("ANYROUTER_API_KEY", KEY)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// A service that echoes the last user message.
fn echo() -> Service {
    Service::new(|_, request| json_answer(&answer(&asked(request))))
}

fn asked(request: &Received) -> String {
    let body = request.json();
    let last = body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .expect("a message");
    last["content"].as_str().unwrap_or("no text").to_string()
}

fn numbers(count: usize) -> String {
    (1..=count)
        .map(|number| format!("item {number}\n"))
        .collect()
}

fn folder(items: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("items"), items).expect("items");
    folder
}

/// A run that a test goes on beside.
fn start(args: &[&str], service: &Service, folder: &tempfile::TempDir) -> Child {
    Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args(["--batch=items", "--base-url", &service.url()])
        .args(args)
        .env("ANYROUTER_API_KEY", "k")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program")
}

/// What a shell command line prints; `$0` is the program.
fn shell(line: &str, folder: &tempfile::TempDir) -> String {
    let output = Command::new("sh")
        .args(["-c", line, env!("CARGO_BIN_EXE_anyask")])
        .current_dir(folder.path())
        .output()
        .expect("sh");
    String::from_utf8_lossy(&output.stdout).trim().into()
}

#[test]
fn every_form_of_an_item_is_asked_as_a_single_question_would_be() {
    let service = Service::new(|_, request| json_answer(&answer(&request.json().to_string())));
    let items = "plain\r\n\n  \n\"a \\\"string\\\"\"\n\"no string\n\
        {\"prompt\":\"p\",\"id\":\"x\",\"model\":\"opus\",\"system\":\"s\",\"max_tokens\":5,\"temperature\":0.5,\"top_p\":1,\"stop_sequences\":[\"e\"]}\n\
        {\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":[]}],\"id\":7}";
    let folder = folder(items);
    fs::write(folder.path().join("f"), "file\n").expect("f");
    let run = anyask([
        "--batch=items",
        "-k",
        "-q",
        "-s",
        "sys",
        "-f",
        "f",
        "Do",
        "it",
    ]);
    let results = lines(&at(run, &service).in_dir(folder.path()).output());
    let requests: Vec<Value> = results
        .iter()
        .map(|line| serde_json::from_str(line["text"].as_str().expect("text")).expect("JSON"))
        .collect();
    let file = "<document path=\"f\">\nfile\n</document>\n";
    let content = |request: usize, message: usize| {
        requests[request]["messages"][message]["content"]
            .as_str()
            .expect("text")
            .to_string()
    };
    assert_eq!(content(0, 0), format!("{file}plain\n\nDo it"));
    assert_eq!(content(1, 0), format!("{file}a \"string\"\n\nDo it"));
    assert_eq!(content(2, 0), format!("{file}\"no string\n\nDo it"));
    assert_eq!(content(3, 0), format!("{file}p\n\nDo it"));
    assert_eq!(content(4, 2), format!("{file}\nDo it"));
    let expected = json!({
        "model": "claude-3-opus-20240229", "max_tokens": 5, "system": "s", "temperature": 0.5, "top_p": 1.0,
        "stop_sequences": ["e"], "messages": requests[3]["messages"],
    });
    assert_eq!(requests[3], expected);
    assert_eq!(requests[0]["system"], "sys");
    let places: Vec<_> = results
        .iter()
        .map(|line| (line["line"].as_u64(), line["id"].clone()))
        .collect();
    let place = |line: u64, id: Value| (Some(line), id);
    assert_eq!(
        places,
        [
            place(1, Value::Null),
            place(4, Value::Null),
            place(5, Value::Null),
            place(6, "x".into()),
            place(7, 7.into())
        ]
    );
}

#[test]
fn a_result_is_a_line_with_everything_in_it() {
    let service = echo();
    let run = at(anyask(["--batch", "--json"]), &service).stdin("hi\n");
    let body = answer("hi");
    let key = "a09ea06a0a3a2bcdbaabfd3f5d3a5c6f";
    let printed = {
        let printed = at(anyask(["--batch", "--json", "-q"]), &service)
            .stdin("hi\n")
            .output();
        let found = lines(&printed)[0]["key"]
            .as_str()
            .expect("a key")
            .to_string();
        assert!(
            found.len() == key.len() && found.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{found}"
        );
        format!(
            "{{\"line\":1,\"id\":null,\"key\":\"{found}\",\"text\":\"hi\",\"stop_reason\":\"end_turn\",\"model\":\"m\",\
             \"usage\":{{\"input_tokens\":12,\"output_tokens\":25}},\"response\":{body}}}\n"
        )
    };
    run.prints(printed)
        .says("anyask: 1 answered, 0 failed, 0 skipped; 37 tokens, about $0.000041\n")
        .exits(0);
}

#[test]
fn a_bad_line_is_a_failed_result_and_never_the_end() {
    let service = echo();
    let long = format!(
        "{{\"id\":1,\"prompt\":\"{}\"}}",
        "a".repeat((32 << 20) - 60)
    );
    let items = [
        "{bad",
        "{\"id\":\"x\"}",
        "{\"prompt\":\" \"}",
        "{\"prompt\":\"a\",\"modle\":\"m\"}",
        "{\"prompt\":\"a\",\"temperature\":2}",
        "{\"prompt\":\"a\",\"max_tokens\":0}",
        "{\"messages\":[{\"role\":\"robot\"}]}",
        "{\"prompt\":\"a\",\"messages\":[]}",
        "{\"prompt\":\"a\",\"id\":[1]}",
        "\"\"",
        &long,
        "good",
    ];
    let folder = folder(&items.join("\n"));
    let output = Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args(["--batch=items", "-k", "--base-url", &service.url()])
        .env("ANYROUTER_API_KEY", "k")
        .current_dir(folder.path())
        .output()
        .expect("the program");
    assert_eq!(output.status.code(), Some(12));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("anyask: 1 answered, 11 failed, 0 skipped; 37 tokens")
            && stderr.contains("anyask: 11 items failed\n"),
        "{stderr}"
    );
    let results = lines(&String::from_utf8_lossy(&output.stdout));
    let told: Vec<_> = results
        .iter()
        .map(|line| line["error"]["message"].as_str().unwrap_or("answered"))
        .collect();
    for (told, why) in told.iter().zip([
        "no usable object",
        "there is no prompt",
        "there is no prompt",
        "unknown field `modle`",
        "temperature must be",
        "max_tokens must be",
        "one of the messages is none",
        "both prompt and messages",
        "the id is neither",
        "there is no prompt",
        "the request is 32.0 MiB",
        "answered",
    ]) {
        assert!(told.contains(why), "{told} {why}");
    }
    assert!(
        results[..11]
            .iter()
            .all(|line| line["error"]["exit"] == 2 && line["key"].is_null())
    );
    assert_eq!(
        (&results[1]["id"], &results[10]["id"]),
        (&"x".into(), &1.into())
    );
    assert_eq!(service.counts().requests, 1);
}

#[test]
fn failures_are_results_with_their_exit_and_status() {
    let service = Service::new(|_, request| match asked(request).as_str() {
        "bad" => http("400 Bad", &[], "{\"error\":\"no\"}"),
        "thinking" => json_answer("{\"content\":[{\"type\":\"thinking\"}]}"),
        "short" => json_answer(&answer("cut").replace("end_turn", "max_tokens")),
        "stream" => [stream(&text_events(&["ok"]))].concat(),
        text => json_answer(&answer(text)),
    });
    let run = anyask(["--batch", "-k", "-q", "--strict", "--retries", "0"]);
    let mut command = at(run, &service)
        .stdin("bad\nthinking\nshort\nstream\nfine\n")
        .command();
    let output = command.output().expect("the program");
    assert_eq!(output.status.code(), Some(12));
    let came: Vec<_> = lines(&String::from_utf8_lossy(&output.stdout))
        .iter()
        .map(|line| {
            (
                line["error"]["exit"].clone(),
                line["error"]["status"].clone(),
                line["text"].clone(),
            )
        })
        .collect();
    let failed = |exit: u8, status: u16| (exit.into(), status.into(), Value::Null);
    let answered = |text: &str| (Value::Null, Value::Null, text.into());
    assert_eq!(
        came,
        [
            failed(4, 400),
            failed(10, 200),
            failed(11, 200),
            answered("ok"),
            answered("fine")
        ]
    );
}

#[test]
fn results_keep_the_order_where_that_is_asked_for_and_the_wait_is_bounded() {
    let count = Arc::new(Mutex::new((0, 0)));
    let counted = Arc::clone(&count);
    let (all, some) = (Arc::new(Barrier::new(2)), Arc::new(Mutex::new(false)));
    let (reached, once) = (Arc::clone(&all), Arc::clone(&some));
    let service = Service::new(move |_, request| {
        let text = asked(request);
        let now = {
            let mut count = counted.lock().expect("the count");
            count.0 += 1;
            count.0
        };
        if now == 128 && !std::mem::replace(&mut *once.lock().expect("once"), true) {
            reached.wait();
        }
        if text == "item 1" {
            // held back until as many have come as may come
            all.wait();
            let mut count = counted.lock().expect("the count");
            count.1 = count.0;
        }
        json_answer(&answer(&text))
    });
    let printed = at(anyask(["--batch", "-k", "-j", "2", "-q"]), &service)
        .stdin(numbers(400))
        .output();
    let texts: Vec<_> = lines(&printed)
        .iter()
        .map(|line| line["text"].as_str().expect("text").to_string())
        .collect();
    assert_eq!(texts.join("\n") + "\n", numbers(400));
    assert_eq!(count.lock().expect("the count").1, 128);
}

#[test]
fn jobs_share_as_many_connections_as_there_are_jobs() {
    let full = Arc::new(Barrier::new(4));
    let service = Service::new(move |number, request| {
        if number < 4 {
            // all four are under way at once
            full.wait();
        }
        json_answer(&answer(&asked(request)))
    });
    at(anyask(["--batch", "-j", "4", "-q"]), &service)
        .stdin(numbers(200))
        .output();
    let counts = service.counts();
    assert_eq!(counts.requests, 200);
    assert!(
        counts.connections <= 4,
        "{} connections",
        counts.connections
    );
}

fn second() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_secs()
}

#[test]
fn a_rate_limit_is_kept_without_a_single_refusal_and_no_window_is_wasted() {
    const LIMIT: u64 = 20;
    let windows: Arc<Mutex<BTreeMap<u64, u64>>> = Arc::default();
    let seen = Arc::clone(&windows);
    let service = Service::new(move |_, request| {
        let mut windows = seen.lock().expect("the windows");
        let window = second();
        let count = windows.entry(window).or_default();
        *count += 1;
        let headers = [
            format!("x-ratelimit-remaining: {}", LIMIT.saturating_sub(*count)),
            format!("x-ratelimit-limit: {LIMIT}"),
            format!("x-ratelimit-reset: {}", window + 1),
        ];
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        if *count > LIMIT {
            return http("429 Too Many Requests", &headers, "");
        }
        http("200 OK", &headers, answer(&asked(request)))
    });
    at(anyask(["--batch", "-j", "4"]), &service)
        .stdin(numbers(70))
        .output_and(|stderr| {
            assert!(
                stderr.starts_with("anyask: 70 answered, 0 failed"),
                "{stderr}"
            );
        });
    let windows = windows.lock().expect("the windows");
    assert!(windows.values().all(|count| *count <= LIMIT), "{windows:?}");
    let middle: Vec<_> = windows.values().skip(1).collect();
    let (_, full) = middle.split_last().expect("more than one window");
    assert!(full.iter().all(|count| **count == LIMIT), "{windows:?}");
}

#[test]
fn a_refusal_holds_all_jobs_back_as_asked() {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let seen = Arc::clone(&times);
    let service = Service::new(move |number, request| {
        seen.lock().expect("the times").push(Instant::now());
        if number == 0 {
            return http("429 Slow", &["retry-after-ms: 400"], "");
        }
        json_answer(&answer(&asked(request)))
    });
    at(anyask(["--batch", "-j", "1"]), &service)
        .stdin(numbers(3))
        .output_and(|stderr| {
            assert!(
                stderr.contains("note: line 1: ") && stderr.contains("try 2 of 3 in 0.4 s"),
                "{stderr}"
            );
        });
    let times = times.lock().expect("the times");
    assert!(times.len() == 4 && times[1] - times[0] >= Duration::from_millis(400));
}

#[test]
fn a_window_that_resets_too_late_ends_the_batch_with_what_is_done() {
    let late = |number: usize| {
        [
            format!("x-ratelimit-remaining: {}", 9 - number.min(9)),
            format!("x-ratelimit-reset: {}", second() / 7200 * 7200 + 14_400),
        ]
    };
    let service = Service::new(move |number, request| {
        let headers = late(number);
        http(
            "200 OK",
            &[&headers[0], &headers[1]],
            answer(&asked(request)),
        )
    });
    let folder = folder(&numbers(50));
    let run = anyask(["--batch=items", "-j", "1", "-o", "out", "--max-wait", "5"]);
    at(run, &service)
        .in_dir(folder.path())
        .mentions("anyask: 10 answered, 0 failed, 0 skipped")
        .mentions("anyask: the rate limit resets in ")
        .exits(7);
    assert_eq!(service.counts().requests, 10);
    assert_eq!(
        lines(&fs::read_to_string(folder.path().join("out")).expect("out")).len(),
        10
    );
    // a single refusal that asks for too long a pause is the same
    for pause in ["3600", "10000000000000000000"] {
        let service =
            Service::new(move |_, _| http("429 Slow", &[&format!("retry-after: {pause}")], ""));
        let mut command = at(anyask(["--batch", "-q", "-j", "1"]), &service)
            .stdin(numbers(50))
            .command();
        assert_eq!(
            command.output().expect("the program").status.code(),
            Some(7)
        );
        assert_eq!(service.counts().requests, 1);
    }
}

/// Killed at fifty moments, resumed each time: nothing lost, nothing twice, nothing paid for twice but what
/// was under way.
#[test]
fn killed_at_any_moment_and_resumed_every_item_is_answered_exactly_once() {
    const ITEMS: usize = 500;
    const JOBS: usize = 4;
    let service = echo();
    let folder = folder(&numbers(ITEMS));
    let args = ["-j", "4", "-q", "-o", "out", "--resume"];
    let mut kills = 0;
    // a walk that reaches every distance from 1 to 13
    for step in 0..50 {
        let before = service.counts().requests;
        let mut child = start(&args, &service, &folder);
        let goal = before + 1 + step * 5 % 13;
        loop {
            if child.try_wait().expect("the program").is_some() {
                break;
            }
            if service.counts().requests >= goal {
                child.kill().expect("a kill");
                child.wait().expect("the end");
                kills += 1;
                break;
            }
            std::thread::yield_now();
        }
    }
    let last = start(&args, &service, &folder)
        .wait_with_output()
        .expect("the end");
    assert!(last.status.success(), "{last:?}");
    let text = fs::read_to_string(folder.path().join("out")).expect("out");
    assert!(text.ends_with('\n'));
    let results = lines(&text);
    let answered: BTreeSet<_> = results
        .iter()
        .map(|line| {
            (
                line["line"].as_u64(),
                line["text"].as_str().map(String::from),
            )
        })
        .collect();
    let expected: BTreeSet<_> = (1..=ITEMS)
        .map(|number| (Some(number as u64), Some(format!("item {number}"))))
        .collect();
    assert_eq!(answered, expected);
    assert_eq!(results.len(), ITEMS);
    let charged = service.counts().requests;
    assert!(
        kills > 20 && charged <= ITEMS + kills * JOBS,
        "{kills} kills, {charged} requests"
    );
}

#[test]
fn resuming_asks_what_failed_or_changed_and_repairs_a_torn_line() {
    let service = Service::new(|number, request| {
        if number == 1 {
            http("400 No", &[], "")
        } else {
            json_answer(&answer(&asked(request)))
        }
    });
    let folder = folder("one\ntwo\n{\"id\":\"c\",\"prompt\":\"three\"}\nfour\n");
    let out = folder.path().join("out");
    let run = |args: [&str; 3]| {
        at(anyask(args), &service)
            .arg("-j")
            .arg("1")
            .arg("-o")
            .arg("out")
            .in_dir(folder.path())
    };
    run(["--batch=items", "--resume", "-v"])
        .mentions("3 answered, 1 failed, 0 skipped")
        .exits(12);
    let torn = fs::read_to_string(&out).expect("out");
    fs::write(&out, format!("{torn}{{\"line\":9,\"te")).expect("out");
    // the second line is asked again; the third has moved, and its id tells it all the same; the fourth is another one now
    fs::write(
        folder.path().join("items"),
        "one\ntwo\nFOUR\n{\"id\":\"c\",\"prompt\":\"three\"}\n",
    )
    .expect("items");
    run(["--batch=items", "--resume", "--no-json"])
        .mentions("2 answered, 0 failed, 2 skipped")
        .exits(0);
    let text = fs::read_to_string(&out).expect("out");
    assert!(text.starts_with(&torn));
    let new: Vec<_> = lines(&text[torn.len()..])
        .iter()
        .map(|line| line["text"].clone())
        .collect();
    assert_eq!(new, ["two", "FOUR"]);
    run(["--batch=items", "--no-json", "-q"]).says("anyask: out has something in it already\nhint: --resume goes on with it, another name begins anew\n").exits(2);
    anyask(["--batch=items", "--resume", "--mock"])
        .mentions("anyask: the following required arguments were not provided: --output <FILE>\n")
        .exits(2);
}

#[test]
fn a_second_batch_on_the_same_file_is_refused() {
    let held = Arc::new(Barrier::new(2));
    let gate = Arc::clone(&held);
    let service = Service::new(move |_, request| {
        gate.wait();
        gate.wait();
        json_answer(&answer(&asked(request)))
    });
    let folder = folder("one\n");
    let first = start(&["-o", "out"], &service, &folder);
    held.wait();
    at(anyask(["--batch=items", "-o", "out", "--resume"]), &service)
        .in_dir(folder.path())
        .says("anyask: another batch is writing to out\nhint: wait for its end, or take another file\n")
        .exits(1);
    held.wait();
    assert!(first.wait_with_output().expect("the end").status.success());
}

#[test]
fn credits_and_keys_that_run_out_start_nothing_more() {
    let service = Service::new(|number, request| {
        let credits = format!("x-remaining-credits: {}.5", 10 - number.min(10));
        http("200 OK", &[&credits], answer(&asked(request)))
    });
    let mut command = at(
        anyask(["--batch", "-j", "1", "--min-credits", "8"]),
        &service,
    )
    .stdin(numbers(20))
    .command();
    let output = command.output().expect("the program");
    assert_eq!(output.status.code(), Some(6));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains(
            "4 answered, 0 failed, 0 skipped; 148 tokens, about $0.00016; $7.50 credits left\n"
        ),
        "{stderr}"
    );
    assert!(
        stderr.contains("anyask: $7.50 credits are left, below --min-credits\nhint: "),
        "{stderr}"
    );
    assert_eq!(service.counts().requests, 4);
    for (status, exit) in [("401 Who", 5), ("402 Pay", 6), ("403 No", 6)] {
        let service = Service::new(move |_, _| http(status, &[], ""));
        let mut command = at(anyask(["--batch", "-j", "1", "-q"]), &service)
            .stdin(numbers(20))
            .command();
        assert_eq!(
            command.output().expect("the program").status.code(),
            Some(exit)
        );
        assert_eq!(service.counts().requests, 1);
    }
}

#[test]
fn ctrl_c_lets_what_is_under_way_come_to_its_end() {
    let held = Arc::new(Barrier::new(3));
    let gate = Arc::clone(&held);
    let service = Service::new(move |_, request| {
        gate.wait();
        gate.wait();
        json_answer(&answer(&asked(request)))
    });
    let folder = folder(&numbers(50));
    let mut child = start(&["-j", "2", "-k"], &service, &folder);
    held.wait();
    interrupt(&child);
    let mut told = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("stderr"));
    std::io::BufRead::read_line(&mut stderr, &mut told).expect("a line");
    assert_eq!(
        told,
        "anyask: no more items are started; Ctrl-C again ends at once\n"
    );
    held.wait();
    let output = child.wait_with_output().expect("the end");
    // by the signal, which a shell tells as 130
    assert_eq!(output.status.signal(), Some(2));
    let texts: Vec<_> = lines(&String::from_utf8_lossy(&output.stdout))
        .iter()
        .map(|line| line["text"].clone())
        .collect();
    assert_eq!(texts, ["item 1", "item 2"]);
    assert_eq!(service.counts().requests, 2);
}

#[test]
fn ctrl_c_twice_ends_at_once() {
    let held = Arc::new(Barrier::new(2));
    let gate = Arc::clone(&held);
    let service = Service::new(move |_, _| {
        gate.wait();
        gate.wait();
        Vec::new()
    });
    let folder = folder("one\n");
    let mut child = start(&[], &service, &folder);
    held.wait();
    interrupt(&child);
    let mut stderr = std::io::BufReader::new(child.stderr.take().expect("stderr"));
    std::io::BufRead::read_line(&mut stderr, &mut String::new()).expect("a line");
    interrupt(&child);
    assert_eq!(child.wait().expect("the end").signal(), Some(2));
    held.wait();
}

fn interrupt(child: &Child) {
    let process = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(process, rustix::process::Signal::INT)
        .expect("the program to be there");
}

#[test]
fn a_reader_that_goes_away_ends_the_batch_quietly() {
    let line = format!(
        "set -o pipefail; seq 100000 | '{}' --batch --mock | head -2 >/dev/null",
        env!("CARGO_BIN_EXE_anyask")
    );
    let output = Command::new("bash")
        .args(["-c", &line])
        .output()
        .expect("bash");
    // seq may be told so too; the last word is this program's
    assert!(matches!(output.status.code(), Some(0 | 141)), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn memory_does_not_grow_with_the_batch() {
    let service = Service::new(|number, request| {
        // the first is slow, so that an order kept without a bound would gate all others back
        if number == 0 {
            std::thread::park_timeout(Duration::from_millis(800));
        }
        json_answer(&answer(&asked(request)))
    });
    let peak = |items: usize| -> u64 {
        let folder = folder(&numbers(items));
        let args = ["--batch=items", "-k", "-q", "--base-url", &service.url()];
        let (code, stderr, peak) = measured(&args, folder.path());
        assert_eq!((code, stderr.as_str()), (Some(0), ""));
        peak
    };
    let (few, many) = (peak(500), peak(20_000));
    assert!(many <= 32 && many <= few + 4, "{few} and {many} MiB");
}

#[test]
fn the_bar_tells_how_far_it_is_and_leaves_no_trace() {
    let seen = Arc::new(Barrier::new(2));
    let wait = Arc::clone(&seen);
    let service = Service::new(move |number, request| {
        if number == 2 {
            wait.wait();
        }
        http(
            "200 OK",
            &["x-remaining-credits: 9.25"],
            answer(&asked(request)),
        )
    });
    let folder = folder("a\n\nb\nc\nd");
    let items = format!("--batch={}", folder.path().join("items").display());
    let args = [items.as_str(), "-j", "1", "--base-url", &service.url()];
    let mut terminal = crate::harness::pty(
        &args,
        [false, false, true],
        &[("TERM", "xterm"), ("ANYROUTER_API_KEY", "k")],
    );
    terminal.waits_for("2/4 (0 failed, 74 tokens, $9.25 left)");
    seen.wait();
    let (shown, status) = terminal.ends();
    assert!(
        shown.ends_with(
            "4 answered, 0 failed, 0 skipped; 148 tokens, about $0.00016; $9.25 credits left\r\n"
        ),
        "{shown:?}"
    );
    assert_eq!(status, Some(0));
}

#[test]
fn parallel_feeds_several_batches_and_every_item_is_found_once() {
    if Command::new("parallel").arg("--version").output().is_err() {
        return;
    }
    let folder = folder(&numbers(100));
    let line = format!(
        "parallel --will-cite --pipe -N 30 -j 3 '{}' --batch --mock -q < items",
        env!("CARGO_BIN_EXE_anyask")
    );
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(folder.path())
        .output()
        .expect("bash");
    let mut texts: Vec<_> = lines(&String::from_utf8_lossy(&output.stdout))
        .iter()
        .map(|line| line["text"].as_str().expect("text").to_string())
        .collect();
    texts.sort();
    let mut expected: Vec<_> = (1..=100).map(|number| format!("item {number}")).collect();
    expected.sort();
    assert_eq!(texts, expected, "{output:?}");
}

#[test]
fn what_does_not_go_together_is_told() {
    for (args, why) in [
        (
            ["--batch", "-x", "--mock"],
            "'--batch[=<ITEMS>]' cannot be used with '--extract'",
        ),
        (["--batch", "--mock", "--chat=c"], "cannot be used with"),
        (["--batch", "--mock", "--dry-run"], "cannot be used with"),
        (
            ["--batch", "--mock", "--no-stdin"],
            "--batch reads standard input, and --no-stdin forbids it",
        ),
        (
            ["--batch", "--mock", "-f-"],
            "-f - and --batch do not go together",
        ),
        (["--mock", "-j4", "hi"], "--batch"),
        (
            ["--batch", "--mock", "-j0"],
            "it must be a whole number from 1 to 1000",
        ),
    ] {
        anyask(args).mentions(why).exits(2);
    }
    anyask(["--batch=nowhere", "--mock"])
        .mentions("anyask: cannot read nowhere: no such file")
        .exits(1);
}

#[test]
fn an_id_that_stands_twice_is_answered_twice() {
    let service = echo();
    let folder = folder("{\"id\":\"x\",\"prompt\":\"p\"}\n");
    let run =
        || at(anyask(["--batch=items", "--resume", "-o", "out"]), &service).in_dir(folder.path());
    run().mentions("1 answered, 0 failed, 0 skipped").exits(0);
    fs::write(
        folder.path().join("items"),
        "{\"id\":\"x\",\"prompt\":\"p\"}\n".repeat(2),
    )
    .expect("items");
    run().mentions("1 answered, 0 failed, 1 skipped").exits(0);
    run().mentions("0 answered, 0 failed, 2 skipped").exits(0);
    assert_eq!(service.counts().requests, 2);
}

#[test]
fn files_are_not_taken_for_what_they_are_not() {
    let folder = folder("one\n\u{0}\n");
    for args in [
        ["--batch=items", "--mock", "-oitems"],
        ["--batch=items", "--mock", "-o./items"],
    ] {
        anyask(args)
            .arg("--resume")
            .in_dir(folder.path())
            .says("anyask: --batch and --output name the same file, items\nhint: give each a file of its own\n")
            .exits(2);
    }
    fs::write(folder.path().join("out"), "no result\n").expect("out");
    anyask(["--batch=items", "--mock", "-oout", "--resume"])
        .in_dir(folder.path())
        .says("anyask: out:1: this is no result of a batch\nhint: is it the right file?\n")
        .exits(2);
    assert_eq!(
        fs::read_to_string(folder.path().join("out")).expect("out"),
        "no result\n"
    );
    let mut command = anyask(["--batch=items", "--mock", "-q", "-k"])
        .in_dir(folder.path())
        .command();
    let output = command.output().expect("the program");
    let results = lines(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        results[1]["error"]["message"],
        "the line is binary: it has a NUL byte"
    );
    // a byte order mark is no part of the first item
    let printed = anyask(["--batch", "--mock", "-q"])
        .stdin("\u{feff}{\"prompt\":\"hi\"}\n")
        .output();
    assert_eq!(lines(&printed)[0]["text"], "hi");
}

#[test]
fn a_file_that_is_no_result_is_left_alone() {
    let folder = folder("one\n");
    let out = folder.path().join("out");
    for text in [
        "{\"my\":\"only copy\"}",
        "notes without a line end",
        "{\"line\":1}\nx",
    ] {
        fs::write(&out, text).expect("out");
        anyask(["--batch=items", "--mock", "--resume", "-o", "out"])
            .in_dir(folder.path())
            .mentions(": this is no result of a batch\n")
            .exits(2);
        assert_eq!(fs::read_to_string(&out).expect("out"), text);
    }
}

#[test]
fn a_result_that_lacks_only_its_line_end_is_not_paid_for_again() {
    let service = echo();
    let folder = folder(&numbers(2));
    let out = folder.path().join("out");
    let run = || {
        let run = anyask(["--batch=items", "-j", "1", "-k", "--resume", "-o", "out"]);
        at(run, &service).in_dir(folder.path())
    };
    run().mentions("2 answered").exits(0);
    let whole = fs::read_to_string(&out).expect("out");
    fs::write(&out, whole.trim_end()).expect("out");
    run().mentions("0 answered, 0 failed, 2 skipped").exits(0);
    assert_eq!(fs::read_to_string(&out).expect("out"), whole);
    assert_eq!(service.counts().requests, 2);
}

#[test]
fn what_the_server_asks_holds_for_all_even_where_no_try_is_left() {
    let service = Service::new(|number, request| match number {
        0 => http("429 Slow", &["retry-after: 3600"], ""),
        _ => json_answer(&answer(&asked(request))),
    });
    let folder = folder(&numbers(5));
    let args = ["--batch=items", "--retries=0", "-j1", "-oout"];
    at(anyask(args), &service)
        .in_dir(folder.path())
        .mentions("hint: come back then; with -o FILE, --resume goes on\n")
        .exits(7);
    assert_eq!(service.counts().requests, 1);
}

#[test]
fn a_refusal_for_good_holds_nobody_back() {
    let service = Service::new(|number, request| match number {
        0 => http("400 No", &["retry-after: 3600"], ""),
        _ => json_answer(&answer(&asked(request))),
    });
    let folder = folder(&numbers(3));
    at(anyask(["--batch=items", "-j1", "-oout"]), &service)
        .in_dir(folder.path())
        .mentions("2 answered, 1 failed")
        .mentions("hint: jq 'select(.error)' out tells why; --resume asks them again\n")
        .exits(12);
}

#[test]
fn a_pause_of_our_own_is_no_rate_limit() {
    let service = Service::new(|number, request| match number {
        0 => http("429 Slow", &[], ""),
        _ => json_answer(&answer(&asked(request))),
    });
    let folder = folder(&numbers(2));
    let args = [
        "--batch=items",
        "--max-wait=0",
        "--retry-delay=0.1",
        "-j1",
        "-oout",
    ];
    at(anyask(args), &service)
        .in_dir(folder.path())
        .mentions("2 answered, 0 failed")
        .exits(0);
}

#[test]
fn a_key_that_is_not_accepted_in_a_body_stops_the_batch_as_well() {
    let service = Service::new(|_, _| {
        json_answer(r#"{"type":"error","error":{"type":"authentication_error","message":"no"}}"#)
    });
    at(anyask(["--batch", "-q", "-j", "1"]), &service)
        .stdin(numbers(5))
        .command()
        .output()
        .map(|output| assert_eq!(output.status.code(), Some(5)))
        .expect("the program");
    assert_eq!(service.counts().requests, 1);
}

#[test]
fn what_stopped_short_and_what_was_replaced_is_told_once() {
    let service = Service::new(|_, _| {
        json_answer(r#"{"content":[{"type":"text","text":"x"}],"stop_reason":"max_tokens"}"#)
    });
    let folder = folder(&numbers(2));
    fs::write(folder.path().join("note"), b"caf\xe9\n").expect("note");
    at(anyask(["--batch=items", "-f", "note", "-oout"]), &service)
        .in_dir(folder.path())
        .says(
            "anyask: note: 1 byte of the prompt was not UTF-8 and became U+FFFD\n\
             anyask: note: 2 answers stopped short\n\
             anyask: 2 answered, 0 failed, 0 skipped; 0 tokens, about $0.0000\n",
        )
        .exits(0);
}

#[test]
fn results_and_bar_share_a_terminal() {
    let service = echo();
    let folder = folder(&numbers(3));
    let items = format!("--batch={}", folder.path().join("items").display());
    let args = [items.as_str(), "-j", "1", "--base-url", &service.url()];
    let environment = [("TERM", "xterm"), ("ANYROUTER_API_KEY", "k")];
    let (shown, _) = crate::harness::pty(&args, [false, true, true], &environment).ends();
    let results = shown.lines().filter(|line| line.contains("\"key\""));
    assert_eq!(results.clone().count(), 3, "{shown:?}");
    for line in results {
        let result = line.rsplit(['\r', '\u{1b}']).next().unwrap_or_default();
        let result = result.trim_start_matches("[2K");
        assert!(result.starts_with("{\"line\":"), "{line:?}");
    }
}

#[test]
fn items_that_come_from_a_pipe_by_name_are_read_once() {
    let folder = folder("");
    let line = "mkfifo pipe; seq 3 > pipe & \"$0\" --batch=pipe --mock | wc -l";
    assert_eq!(shell(line, &folder), "3");
}

#[test]
fn a_batch_of_nothing_says_how_a_file_is_named() {
    anyask(["--batch", "--mock", "items.txt"])
        .says(
            "anyask: note: there were no items; a file of items is --batch=FILE\n\
             anyask: 0 answered, 0 failed, 0 skipped; 0 tokens, about $0.0000\n",
        )
        .exits(0);
}

#[test]
fn results_into_a_pipe_by_name_wait_for_their_reader() {
    let folder = folder("");
    let line = "mkfifo pipe; (seq 3 | \"$0\" --batch --mock -q -o pipe) & cat pipe | wc -l; wait";
    assert_eq!(shell(line, &folder), "3");
}

#[test]
fn blank_lines_among_the_results_are_no_harm() {
    let folder = folder("one\n");
    let out = folder.path().join("out");
    let run = || anyask(["--batch=items", "--mock", "--resume", "-o", "out"]).in_dir(folder.path());
    run().mentions("1 answered").exits(0);
    let whole = fs::read_to_string(&out).expect("out");
    fs::write(&out, format!("\n{whole}\n\0\0")).expect("out");
    run().mentions("0 answered, 0 failed, 1 skipped").exits(0);
    assert_eq!(
        fs::read_to_string(&out).expect("out"),
        format!("\n{whole}\n")
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_ctrl_c_that_a_shell_keeps_away_stops_nothing() {
    let held = Arc::new(Barrier::new(2));
    let gate = Arc::clone(&held);
    let service = Service::new(move |number, request| {
        if number == 0 {
            gate.wait();
            gate.wait();
        }
        json_answer(&answer(&asked(request)))
    });
    let folder = folder(&numbers(3));
    let mut child = Command::new("sh")
        .args([
            "-c",
            "trap '' INT; exec \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_anyask"),
        ])
        .args([
            "--batch=items",
            "-j1",
            "-q",
            "-oout",
            "--base-url",
            &service.url(),
        ])
        .env("ANYROUTER_API_KEY", "k")
        .current_dir(folder.path())
        .spawn()
        .expect("sh");
    held.wait();
    interrupt(&child);
    held.wait();
    assert!(child.wait().expect("the end").success());
    let out = fs::read_to_string(folder.path().join("out")).expect("out");
    assert_eq!(lines(&out).len(), 3);
}
