//! A key that expires while a batch runs: a key file or key command is read again.

use std::fs;

use super::{numbered, summary, with_items};
use crate::harness::{
    Folder, Gate, Received, Run, Server, answer, anyask, bash, folder, http, json_answer,
};

/// A key command that prints the file `key` and counts its calls in the file `calls`.
const COMMAND: &str = "cat key; echo >> calls";

/// Accepts these keys alone, and lets `on_refusal` do something with the number of the refused request.
fn accepting(keys: &'static [&str], on_refusal: impl Fn(usize) + Send + Sync + 'static) -> Server {
    Server::handling(move |number, request| {
        let key = key_of(request);
        if keys.contains(&&*key) {
            return json_answer(&answer(&request.prompt()));
        }
        on_refusal(number);
        http("401 Who", &[], "")
    })
}

fn key_of(request: &Received) -> String {
    request.header("authorization").expect("a key").replace("Bearer ", "")
}

/// The keys of all requests.
fn keys(server: &Server) -> Vec<String> {
    server.received().iter().map(key_of).collect()
}

/// A batch of the file `items` with this source of the key.
fn batch(source: &str, server: &Server, folder: &Folder) -> Run {
    anyask(["--batch=items", "-oout", "--resume", source]).base_url(server).in_dir(folder)
}

fn with_key(items: usize, key: &str) -> Folder {
    with_items(numbered(items)).with("key", key)
}

/// The note of a key that was read again.
fn note(server: &Server) -> String {
    format!("anyask: note: {} did not accept the key, so it was read again\n", server.host())
}

#[test]
fn another_key_of_a_file_or_command_is_tried_at_once() {
    for source in ["--api-key-file=key", &format!("--api-key-command={COMMAND}")] {
        let folder = with_key(4, "first-key");
        let path = folder.join("key");
        // each key is accepted twice
        let server = Server::handling(move |number, request| {
            let now =
                ["first-key", "second-key", "third-key"][[0, 0, 1, 1, 1, 2, 2][number.min(6)]];
            if key_of(request) == now && number != 2 && number != 5 {
                return json_answer(&answer(&request.prompt()));
            }
            fs::write(&path, if number == 2 { "second-key\n" } else { "third-key\n" })
                .expect("the key");
            http("401 Who", &[], "")
        });
        let run = batch(source, &server, &folder).arg("-j1").arg("--log=log");
        let note = note(&server);
        let end = summary(4, 0, 0);
        run.matches(&format!("(anyask: note: other users [^\n]*\n)?{note}{end}[^\n]*\n")).exits(0);
        assert_eq!(
            keys(&server),
            ["first-key", "first-key", "first-key", "second-key", "second-key"]
        );
        assert_eq!(folder.json_lines("log")[2]["requests"], 2);
    }
}

#[test]
fn the_key_is_read_each_time() {
    let folder = with_key(3, "a-key");
    let path = folder.join("key");
    let server = Server::handling(move |number, request| {
        if number % 3 == 2 {
            return json_answer(&answer(&request.prompt()));
        }
        fs::write(&path, format!("key-{number}")).expect("the key");
        http("401 Who", &[], "")
    });
    let run = batch(&format!("--api-key-command={COMMAND}"), &server, &folder).arg("-j1");
    run.matches(&format!("({}){{6}}{}[^\n]*\n", note(&server), summary(3, 0, 0))).exits(0);
    assert_eq!(server.requests(), 9);
    assert_eq!(folder.read("calls").lines().count(), 7);
}

#[test]
fn the_same_key_ends_the_batch() {
    for source in ["--api-key-file=key", &format!("--api-key-command={COMMAND}")] {
        let folder = with_key(20, "a-key");
        let server = accepting(&["other"], |_| ());
        let run = batch(source, &server, &folder).arg("-j1").arg("-q");
        let host = server.host();
        run.mentions(&format!("anyask: {host} did not accept the key (401)\n")).exits(5);
        assert_eq!(server.requests(), 1);
    }
}

#[test]
fn parallel_requests_have_the_key_read_once() {
    for (written, status) in [("new-key", 0), ("old-key", 5)] {
        let folder = with_key(8, "old-key");
        let path = folder.join("key");
        let all_refused = Gate::new(8);
        let server = accepting(&["new-key"], move |_| {
            fs::write(&path, written).expect("the key");
            all_refused.wait();
        });
        let run = batch(&format!("--api-key-command={COMMAND}"), &server, &folder).arg("-j8");
        run.mentions(if status == 0 { "8 answered" } else { "8 failed" }).exits(status);
        assert_eq!(server.requests(), if status == 0 { 16 } else { 8 });
        assert_eq!(folder.read("calls").lines().count(), 2);
    }
}

#[test]
fn a_key_command_that_prints_another_key_each_time_is_given_up() {
    let server = accepting(&[], |_| ());
    let folder = with_items(numbered(9));
    let run = batch("--api-key-command=echo key-$$", &server, &folder).arg("-j1");
    run.arg("-q").mentions("did not accept the key (401)\n").exits(5);
    assert_eq!(server.requests(), 10);
}

#[test]
fn a_key_that_cannot_be_read_again_is_noted_and_ends_the_batch() {
    let folder = with_key(9, "a-key");
    let path = folder.join("key");
    let server = accepting(&[], move |_| fs::remove_file(&path).expect("the key"));
    let run = batch("--api-key-file=key", &server, &folder).arg("-j1");
    run.mentions("anyask: note: the key cannot be read again: cannot read the key file key: No such file or directory\n")
        .mentions("did not accept the key (401)\n")
        .exits(5);
    assert_eq!(server.requests(), 1);
}

#[test]
fn every_key_stays_hidden() {
    let folder = with_key(1, "first-secret");
    let path = folder.join("key");
    let server = Server::handling(move |number, _| {
        fs::write(&path, "second-secret").expect("the key");
        let body = r#"{"error":{"type":"x","message":"first-secret and second-secret"}}"#;
        http(if number == 0 { "401 Who" } else { "400 No" }, &[], body)
    });
    let run = batch("--api-key-file=key", &server, &folder).arg("-v").mentions("[redacted]");
    let shown = run.mentions("1 failed").exits(12) + &folder.read("out");
    assert!(!shown.contains("-secret"), "{shown}");
}

#[test]
fn a_pipe_and_a_single_question_have_their_key_read_once() {
    let server = accepting(&[], |_| ());
    let folder = with_items("one\n");
    bash("anyask --batch=items -q --api-key-file <(echo a-key)")
        .base_url(&server)
        .in_dir(&folder)
        .prints_something()
        .mentions("(401)")
        .exits(5);
    let folder = folder.with("key", "a-key");
    let command = format!("--api-key-command={COMMAND}");
    anyask([&command, "hi"]).base_url(&server).in_dir(&folder).mentions("(401)").exits(5);
    assert_eq!((folder.read("calls").lines().count(), server.requests()), (1, 2));
}

#[test]
fn mock_never_gets_the_key_of_a_file() {
    let folder = folder().with("items", "one\n");
    let run = anyask(["--batch=items", "--mock=401,ok", "--api-key-command=touch read", "-q"]);
    run.in_dir(&folder).prints_something().mentions("401").exits(5);
    assert!(!folder.join("read").exists());
}
