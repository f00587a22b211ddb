//! The key is seen by the server that it was given for, and by nothing and nobody else.

use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};

use crate::harness::{Act, KEY, Server, answer, anyask, http, json_answer, stream, text_events};

/// Every way to print or fail; the harness looks for the key in all of it.
#[test]
fn no_output_shows_the_key() {
    let ok = || json_answer(&answer("ok"));
    // a server that sends back what it got, as some proxies do in their error pages
    let echo = format!(
        "you sent authorization: Bearer {}",
        KEY.replace("marked", "masked")
    );
    for (args, answers, exit) in [
        (&["-v", "-u"][..], vec![ok()], 0),
        (&["-v", "--auth", "x-api-key"], vec![ok()], 0),
        (&["-v"], vec![stream(&text_events(&["ok"]))], 0),
        (
            &["-v", "--retries", "0"],
            vec![http("401 No", &[], &echo)],
            5,
        ),
        (
            &["-v", "--retry-delay", "0"],
            vec![http("500 No", &[], ""), ok()],
            0,
        ),
        (
            &["-v", "--retries", "0"],
            vec![b"nonsense\r\n\r\n".to_vec()],
            10,
        ),
        (
            &["-v", "--retries", "0"],
            vec![http("307 There", &["location: http://127.0.0.1:9/"], "")],
            4,
        ),
        (&["-v"], vec![json_answer("{}")], 10),
    ] {
        let server = Server::new(
            answers
                .into_iter()
                .map(|answer| vec![Act::Send(answer)])
                .collect(),
        );
        let mut run = anyask(["hi"]).at(&server).env("RUST_BACKTRACE", "full");
        for arg in args {
            run = run.arg(arg);
        }
        let run = run.mentions("[redacted]");
        if exit == 0 {
            run.prints("ok\n").exits(0);
        } else {
            run.exits(exit);
        }
        for request in server.received() {
            assert!(
                request.head.contains(KEY) && !String::from_utf8_lossy(&request.body).contains(KEY)
            );
        }
    }
    for errand in ["--dry-run", "--curl", "--list-models", "--help"] {
        let printed = anyask([errand, "hi"])
            .env("ANYROUTER_API_KEY", KEY)
            .output();
        assert!(!printed.contains(KEY), "{errand}");
    }
    anyask(["--nope", "hi"])
        .env("ANYROUTER_API_KEY", KEY)
        .mentions("anyask: ")
        .exits(2);
}

#[test]
#[cfg(target_os = "linux")]
fn no_process_list_shows_the_key() {
    let asked = Arc::new(Barrier::new(2));
    let server = Server::new(vec![vec![
        Act::Meet(Arc::clone(&asked)),
        Act::Meet(Arc::clone(&asked)),
        Act::Send(json_answer(&answer("ok"))),
    ]]);
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("key"), KEY).expect("key");
    let command = "tr '\\0' ' ' < /proc/$$/cmdline > seen; cat key";
    let mut child = Command::new(env!("CARGO_BIN_EXE_anyask"))
        .args([
            "--no-stdin",
            "--api-key-command",
            command,
            "--base-url",
            &server.url(),
            "hi",
        ])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program");
    asked.wait();
    let own =
        std::fs::read_to_string(format!("/proc/{}/cmdline", child.id())).expect("its command line");
    asked.wait();
    assert!(child.wait().expect("the end").success());
    let commands =
        std::fs::read_to_string(dir.path().join("seen")).expect("the command's command line");
    assert!(own.contains("--api-key-command") && commands.contains("cat key"));
    assert!(!own.contains(KEY) && !commands.contains(KEY));
    assert_eq!(
        server.request().header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
}

#[test]
fn a_server_that_says_the_key_back_is_not_quoted() {
    let echo = format!("no such key: {KEY}");
    let envelope = format!(r#"{{"error":{{"type":"{KEY}","message":"{echo}"}}}}"#);
    let location = format!("location: http://127.0.0.1:9/?k={KEY}");
    let header = format!("x-seen: {KEY}");
    for (answer, exit) in [
        (http("401 No", &[&header], &envelope), 5),
        (http("500 No", &[], &echo), 8),
        (http("307 There", &[&location], ""), 4),
        (json_answer(&envelope), 8),
        (json_answer(&echo), 10),
        (stream(&format!("event: error\ndata: {envelope}\n\n")), 8),
        (stream(&format!("data: {echo}\n\n")), 10),
    ] {
        let server = Server::new(vec![
            vec![Act::Send(answer.clone())],
            vec![Act::Send(answer)],
        ]);
        let url = server.url();
        let run = anyask(["-v", "--retries", "0", "hi"]).at(&server);
        run.mentions("[redacted]").exits(exit);
        // again without -v, through the other auth header
        anyask([
            "--retries",
            "0",
            "--auth",
            "x-api-key",
            "--base-url",
            &url,
            "hi",
        ])
        .env("ANYROUTER_API_KEY", KEY)
        .mentions("[redacted]")
        .exits(exit);
    }
}

#[test]
fn a_key_in_a_header_of_the_users_own_is_not_quoted_either() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("headers");
    std::fs::write(&file, format!("Authorization: Bearer {KEY}\n")).expect("headers");
    let server = Server::once(http("401 No", &[], format!("no such key: {KEY}")));
    anyask(["-v", "-H", &format!("@{}", file.display()), "hi"])
        .env("ANYROUTER_BASE_URL", &server.url())
        .mentions("no such key: [redacted]")
        .exits(5);
}
