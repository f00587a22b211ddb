//! What a batch prints: a JSON line for each item.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ring::digest::{SHA256, digest};
use serde_json::json;

use super::{batch, each, numbered, piped, summary, with_items};
use crate::harness::{
    Act, Events, Gate, Server, answer, anyask, bash, error_body, folder, http, is_installed,
    json_answer, json_lines, skip,
};

#[test]
fn a_result_is_one_line_with_the_answer_and_the_facts_about_it() {
    let server = Server::echo();
    let printed = piped(["--json"], &server, "hi\n".into())
        .prints_something()
        .says(&(summary(1, 0, 0) + "37 tokens, about $0.000041 at the example price\n"))
        .exits(0);
    // what every file of results holds: half of the SHA-256 of the request's bytes
    let digest = digest(&SHA256, &server.request().body);
    let key: String = digest.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let body = answer("hi");
    let expected = format!(
        "{{\"line\":1,\"id\":null,\"key\":\"{key}\",\"text\":\"hi\",\"stop_reason\":\"end_turn\",\"model\":\"m\",\
         \"usage\":{{\"input_tokens\":12,\"output_tokens\":25}},\"response\":{body},\"cost\":null}}\n"
    );
    assert_eq!(printed, expected);
    // whether it is streamed is not a part of the key
    let row = piped(["-q"], &server, "hi\n".into()).json();
    assert_eq!(server.received()[1].json()["stream"], true);
    assert_eq!(row["key"], key);
}

#[test]
fn a_result_is_printed_as_soon_as_it_is_known() {
    for order in ["--no-json", "-k"] {
        let gate = Gate::new(2);
        let held = gate.clone();
        let server = Server::handling(move |number, request| {
            if number == 1 {
                held.wait();
            }
            json_answer(&answer(&request.prompt()))
        });
        let folder = with_items(numbered(2));
        let run = batch(["-q", "-j1", order], &server, &folder).prints_something();
        let mut running = run.start();
        assert_eq!(json_lines(&running.reads_line())[0]["text"], "item 1");
        gate.wait();
        let rest = running.exits(0);
        assert_eq!(json_lines(&rest)[0]["text"], "item 2");
    }
}

#[test]
fn every_note_of_an_item_names_its_line() {
    let body = answer("ok");
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 5);
    let server = Server::new(vec![vec![Act::Send(head.into_bytes()), Act::Reset]]);
    let note =
        "anyask: note: line 2: the answer is complete, but the server did not end it\n".to_string();
    piped([], &server, "\nhi\n".into())
        .prints_something()
        .says(&(note + &summary(1, 0, 0) + "37 tokens, about $0.000041 at the example price\n"))
        .exits(0);
}

#[test]
fn the_http_status_is_that_of_the_last_attempt() {
    let busy = http("503 Busy", &["connection: close"], "");
    let server = Server::new(vec![vec![Act::Send(busy)], vec![]]);
    let folder = folder();
    let printed =
        piped(["--retries=1", "--retry-delay=0", "--log=log", "-q"], &server, "hi\n".into())
            .in_dir(&folder)
            .prints_something()
            .says("anyask: 1 item failed\nhint: write the results to -o FILE, and --resume can ask them again\n")
            .exits(12);
    let error = &json_lines(&printed)[0]["error"];
    assert_eq!(json!([error["exit"], error["status"]]), json!([9, null]));
    let line = &folder.json_lines("log")[0];
    assert_eq!(json!([line["exit"], line["status"], line["attempts"]]), json!([9, null, 2]));
}

#[test]
fn a_failed_item_has_its_exit_status_and_http_status() {
    let server = Server::handling(|_, request| match request.prompt().as_str() {
        "bad" => http("400 Bad", &[], "{\"error\":\"no\"}"),
        "thinking" => json_answer("{\"content\":[{\"type\":\"thinking\"}]}"),
        "short" => json_answer(&answer("cut").replace("end_turn", "max_tokens")),
        "stream" => Events::new().text("ok").stop("end_turn").http(),
        text => json_answer(&answer(text)),
    });
    let items = "bad\nthinking\nshort\nstream\nfine\n".to_string();
    let printed = piped(["-k", "-q", "--strict", "--retries", "0"], &server, items)
        .prints_something()
        .mentions("3 items failed")
        .exits(12);
    let results = json_lines(&printed);
    let told = results
        .iter()
        .map(|line| json!([line["error"]["exit"], line["error"]["status"], line["text"]]));
    let expected = json!([
        [4, 400, null],
        [10, 200, null],
        [11, 200, null],
        [null, null, "ok"],
        [null, null, "fine"],
    ]);
    assert_eq!(json!(told.collect::<Vec<_>>()), expected);
}

#[test]
fn keeps_the_order_of_the_items_and_runs_only_so_far_ahead() {
    const AHEAD: usize = 128;
    let came_before_the_first_answer = std::sync::Arc::new(AtomicUsize::new(0));
    let noted = std::sync::Arc::clone(&came_before_the_first_answer);
    let full = Gate::new(2);
    let count = Mutex::new(0);
    let server = Server::handling(move |_, request| {
        let text = request.prompt();
        let now = {
            let mut count = count.lock().expect("the count");
            *count += 1;
            *count
        };
        if now == AHEAD {
            full.wait();
        }
        if text == "item 1" {
            // its answer is held back until as many have come as may come
            full.wait();
            noted.store(*count.lock().expect("the count"), Ordering::SeqCst);
        }
        json_answer(&answer(&text))
    });
    let printed = piped(["-k", "-j", "2", "-q"], &server, numbered(400)).output();
    assert_eq!(each(&json_lines(&printed), "text").join("\n") + "\n", numbered(400));
    assert_eq!(came_before_the_first_answer.load(Ordering::SeqCst), AHEAD);
}

#[test]
fn several_batches_fed_by_gnu_parallel_answer_every_item_once() {
    if !is_installed("parallel") {
        return skip("GNU parallel is not installed");
    }
    let line = "parallel --will-cite --pipe -N 30 -j 3 anyask --batch --mock -q < items";
    let folder = with_items(numbered(100));
    // it complains without a home folder
    let printed = bash(line).in_dir(&folder).env("HOME", &folder.name("")).output();
    let results = json_lines(&printed);
    let mut texts = each(&results, "text");
    texts.sort_by_key(|text| (text.len(), *text));
    assert_eq!(texts.join("\n") + "\n", numbered(100));
}

#[test]
fn ends_quietly_when_the_reader_of_the_results_goes_away() {
    // only its own status counts: seq may be stopped as well
    let line = "set +o pipefail; seq 100000 | { anyask --batch --mock; echo $? > status; } | head -2 >/dev/null";
    let folder = folder();
    bash(line).in_dir(&folder).exits(0);
    assert_eq!(folder.read("status"), "0\n");
}

#[test]
fn writes_results_into_a_named_pipe() {
    let line = "mkfifo pipe; (seq 3 | anyask --batch --mock -q -o pipe) & cat pipe | wc -l; wait";
    assert_eq!(bash(line).in_dir(&folder()).output().trim(), "3");
}

#[test]
fn memory_does_not_grow_with_the_number_of_items() {
    let far_ahead = Gate::new(2);
    let server = Server::handling(move |_, request| {
        let text = request.prompt();
        // the first answer comes when results have piled up behind it
        if text == "item 1" || text == "item 100" {
            far_ahead.wait();
        }
        json_answer(&answer(&text))
    });
    let peak = |count: usize| {
        let folder = with_items(numbered(count));
        anyask(["--batch=items", "-k", "-q"]).at(&server).in_dir(&folder).peak_memory(0)
    };
    let (few, many) = (peak(500), peak(20_000));
    assert!(many <= 32 && many <= few + 4, "{few} and {many} MiB");
}

#[test]
fn says_at_the_end_why_items_failed_once_for_each_status() {
    let server = Server::handling(|_, request| match &*request.prompt() {
        "good" => json_answer(&answer("good")),
        "slow" => http("429 Slow", &[], error_body("rate_limit_error", "too fast")),
        bad => http("404 Missing", &[], error_body("not_found_error", &format!("no {bad}"))),
    });
    let host = server.host();
    piped(["-j1", "--retries", "0"], &server, "good\nthis\n{}\nslow\nthat\n".into())
        .prints_something()
        .says(&format!(
            "anyask: note: 1 item failed with exit status 2; line 3: there is no prompt\n\
             anyask: note: 2 items failed with exit status 4; line 2: {host} refused the request (404 not_found_error): no this\n\
             anyask: note: 1 item failed with exit status 7; line 4: {host} limits the rate of requests (429 rate_limit_error): too fast\n\
             {}37 tokens, about $0.000041 at the example price\n\
             anyask: 4 items failed\nhint: write the results to -o FILE, and --resume can ask them again\n",
            summary(1, 4, 0)
        ))
        .exits(12);
}

#[test]
fn an_item_fails_alone_if_its_row_would_be_too_long() {
    let server = Server::handling(|number, _| match number {
        // each character takes six bytes in a row, but one in memory
        0 => {
            let text = "\u{1}".repeat(4 << 20);
            (0..11).fold(Events::bare(), |events, _| events.text(&text)).stop("end_turn").sized()
        }
        _ => json_answer(&answer("ok")),
    });
    let folder = with_items(numbered(2));
    batch(["-j1", "-oout"], &server, &folder).mentions(&summary(1, 1, 0)).exits(12);
    let rows = folder.json_lines("out");
    let message = "the answer is too long for a line of JSON: over 256 MiB";
    assert_eq!(rows[0]["error"], json!({"exit": 10, "status": 200, "message": message}));
    assert_eq!(rows[1]["text"], "ok");
}
