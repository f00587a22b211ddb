//! The key is seen by the server that it was given for, and by nothing and nobody else.

use std::fs;

use crate::harness::{
    Act, Events, Gate, KEY, Run, Server, answer, anyask, error_body, folder, http, json_answer,
    skip,
};

const REDACTED: &str = "[redacted]";

/// Every way to print or to fail. The harness looks for the key in all of it.
#[test]
fn no_output_shows_the_key() {
    let ok = || json_answer(&answer("ok"));
    // some proxies quote the request in their error pages
    let quoted = format!("you sent authorization: Bearer {}", KEY.replace("marked", "masked"));
    let location = ["location: http://127.0.0.1:9/"];
    for (args, answers, status) in [
        (&["-u"][..], vec![ok()], 0),
        (&["--auth", "x-api-key"], vec![ok()], 0),
        (&[], vec![Events::new().text("ok").stop("end_turn").http()], 0),
        (&["--retries", "0"], vec![http("401 No", &[], &quoted)], 5),
        (&["--retry-delay", "0"], vec![http("500 No", &[], ""), ok()], 0),
        (&["--retries", "0"], vec![b"nonsense\r\n\r\n".to_vec()], 10),
        (&["--retries", "0"], vec![http("307 There", &location, "")], 4),
        (&[], vec![json_answer("{}")], 10),
    ] {
        let server = Server::serving(answers);
        let run = anyask(["-v", "hi"]).args(args).at(&server).env("RUST_BACKTRACE", "full");
        let printed = if status == 0 { "ok\n" } else { "" };
        run.prints(printed).mentions(REDACTED).exits(status);
        for request in server.received() {
            let body = String::from_utf8_lossy(&request.body);
            assert!(request.head.contains(KEY) && !body.contains(KEY));
        }
    }
    let with_key = |flag| anyask([flag]).stdin("hi").env("ANYROUTER_API_KEY", KEY);
    for mode in ["--dry-run", "--curl", "--list-models", "--help"] {
        with_key(mode).output();
    }
    with_key("--nope").mentions("anyask: ").exits(2);
}

#[test]
fn no_process_list_shows_the_key() {
    if !fs::exists("/proc/self/cmdline").unwrap_or_default() {
        return skip("this system shows command lines in other ways than /proc");
    }
    let gate = Gate::new(2);
    let server = Server::new(vec![vec![
        Act::Wait(gate.clone()),
        Act::Wait(gate.clone()),
        Act::Send(json_answer(&answer("ok"))),
    ]]);
    let folder = folder().with("key", KEY);
    let command = "tr '\\0' ' ' < /proc/$$/cmdline > seen; cat key";
    let running = anyask(["--api-key-command", command, "hi"])
        .base_url(&server)
        .in_dir(&folder)
        .prints("ok\n")
        .start();
    gate.wait();
    let own =
        fs::read_to_string(format!("/proc/{}/cmdline", running.id())).expect("its command line");
    gate.wait();
    running.exits(0);
    let commands = folder.read("seen");
    assert!(own.contains("--api-key-command") && commands.contains("cat key"));
    assert!(!own.contains(KEY) && !commands.contains(KEY));
    assert_eq!(server.request().header("authorization"), Some(format!("Bearer {KEY}").as_str()));
}

#[test]
fn a_server_that_sends_the_key_back_is_not_quoted() {
    let quoted = format!("no such key: {KEY}");
    let error = error_body(KEY, &quoted);
    let location = format!("location: http://127.0.0.1:9/?k={KEY}");
    let header = format!("x-seen: {KEY}");
    for (answer, status) in [
        (http("401 No", &[&header], &error), 5),
        (http("500 No", &[], &quoted), 8),
        (http("307 There", &[&location], ""), 4),
        (json_answer(&error), 8),
        (json_answer(&quoted), 10),
        (Events::bare().error(&error).http(), 8),
        (Events::bare().data(&quoted).http(), 10),
    ] {
        let server = Server::serving(vec![answer.clone(), answer]);
        let check = |run: Run| run.at(&server).mentions(REDACTED).exits(status);
        check(anyask(["-v", "--retries", "0", "hi"]));
        check(anyask(["--retries", "0", "--auth", "x-api-key", "hi"]));
    }
}

#[test]
fn a_key_in_a_header_file_is_not_quoted_either() {
    let folder = folder().with("headers", format!("Authorization: Bearer {KEY}\n"));
    let server = Server::once(http("401 No", &[], format!("no such key: {KEY}")));
    anyask(["-v", "-H", "@headers", "hi"])
        .in_dir(&folder)
        .base_url(&server)
        .mentions(&format!("no such key: {REDACTED}"))
        .exits(5);
}
