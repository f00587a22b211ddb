//! Where the key comes from, and where it goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{KEY, Server, answer, anyask, json_answer};

const HINT: &str = "hint: set ANYROUTER_API_KEY, or give --api-key-file PATH or --api-key-command CMD; --mock needs none\n";

#[test]
fn without_a_key_nothing_is_sent_and_the_ways_to_give_one_are_told() {
    anyask(["hi"])
        .says(&format!("anyask: there is no API key\n{HINT}"))
        .exits(3);
    anyask(["hi"])
        .env("ANYROUTER_API_KEY", "")
        .says(&format!("anyask: there is no API key\n{HINT}"))
        .exits(3);
}

/// A key file that only its owner can read.
fn private(dir: &Path, content: &str) {
    let path = dir.join("key");
    fs::write(&path, content).expect("key");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

#[test]
fn a_key_file_that_others_can_read_is_noted() {
    let dir = tempfile::tempdir().expect("a folder");
    private(dir.path(), KEY);
    fs::set_permissions(dir.path().join("key"), fs::Permissions::from_mode(0o640))
        .expect("its mode");
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["-S", "--api-key-file", "key", "hi"])
        .in_dir(dir.path())
        .at(&server)
        .prints("ok\n")
        .says("anyask: note: other users of this machine can read the key file key; chmod 600 ends that\n")
        .exits(0);
}

#[test]
fn a_key_comes_from_a_file_or_a_command_before_the_environment() {
    let dir = tempfile::tempdir().expect("a folder");
    private(dir.path(), "from-file\n");
    for (flag, value, key) in [
        ("--api-key-file", "key", "from-file"),
        (
            "--api-key-command",
            "cat; echo from-command; echo more",
            "from-command",
        ),
    ] {
        let server = Server::once(json_answer(&answer("ok")));
        anyask(["-S", flag, value, "-"])
            .in_dir(dir.path())
            .at(&server)
            .stdin("hi")
            .prints("ok\n")
            .exits(0);
        let request = server.request();
        assert_eq!(
            request.header("authorization"),
            Some(format!("Bearer {key}").as_str())
        );
        assert_eq!(request.json()["messages"][0]["content"], "hi");
    }
}

#[test]
fn a_key_that_cannot_be_one_is_refused_without_showing_it() {
    for (key, why) in [
        ("sk-marked-4f1d\n", "has blanks or line ends in it"),
        ("sk-marked-4f1d x", "has blanks or line ends in it"),
        ("sk-marked-4f1d\u{7}", "has characters that no key has"),
        ("sk-marked-4f1dé", "has characters that no key has"),
    ] {
        anyask(["hi"])
            .env("ANYROUTER_API_KEY", key)
            .says(&format!(
                "anyask: ANYROUTER_API_KEY {why}, so it is no API key\nhint: a key is one word of letters, digits and signs\n"
            ))
            .exits(3);
    }
    let dir = tempfile::tempdir().expect("a folder");
    private(dir.path(), &format!("{KEY}\n{KEY}\n"));
    anyask(["--api-key-file", "key", "hi"])
        .in_dir(dir.path())
        .mentions("anyask: the key file key has blanks or line ends in it, so it is no API key\n")
        .exits(3);
}

#[test]
fn a_key_that_cannot_be_had_is_told() {
    anyask(["--api-key-file", "nowhere", "hi"])
        .says("anyask: cannot read the key file nowhere: no such file or directory (os error 2)\n")
        .exits(3);
    anyask(["--api-key-command", "echo locked >&2; exit 4", "hi"])
        .says("locked\nanyask: the key command failed: exit status: 4\nhint: try it by itself in a shell\n")
        .exits(3);
    anyask(["--api-key-command", "true", "hi"])
        .says("anyask: what the key command printed is empty, and should be the API key\n")
        .exits(3);
    anyask(["--api-key-file", "a", "--api-key-command", "b", "hi"])
        .mentions("anyask: the argument '--api-key-file <PATH>' cannot be used with '--api-key-command <CMD>'\n")
        .exits(2);
}

#[test]
fn the_upstream_pair_is_used_together() {
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["-S", "hi"])
        .env("ANTHROPIC_BASE_URL", &server.url())
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .prints("ok\n")
        .exits(0);
    assert_eq!(
        server.request().header("authorization"),
        Some("Bearer token")
    );
}

#[test]
fn a_token_never_goes_to_a_server_that_it_was_not_given_for() {
    let server = Server::new(Vec::new());
    anyask(["-S", "--base-url", &server.url(), "hi"])
        .env("ANTHROPIC_BASE_URL", "https://elsewhere.example")
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .says(&format!("anyask: there is no API key\n{HINT}"))
        .exits(3);
    assert!(server.received().is_empty());
    // half a pair is none
    anyask(["hi"])
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .says(&format!("anyask: there is no API key\n{HINT}"))
        .exits(3);
    // the same server by another flag is the same server
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["-S", "--base-url", &(server.url() + "/v1"), "hi"])
        .env("ANTHROPIC_BASE_URL", &server.url())
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .prints("ok\n")
        .exits(0);
}

#[test]
fn the_own_key_goes_to_the_own_server_though_the_pair_is_set() {
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["-S", "hi"])
        .at(&server)
        .env("ANTHROPIC_BASE_URL", "https://elsewhere.example")
        .env("ANTHROPIC_AUTH_TOKEN", "token")
        .prints("ok\n")
        .exits(0);
    assert_eq!(
        server.request().header("authorization"),
        Some(format!("Bearer {KEY}").as_str())
    );
}

#[test]
fn a_rehearsal_never_sees_the_key() {
    anyask(["--mock", "-v", "hi"])
        .env("ANYROUTER_API_KEY", KEY)
        .prints("hi\n")
        .mentions("> authorization: Bearer [redacted]\n")
        .exits(0);
}

#[test]
fn a_key_command_is_not_waited_for_after_its_first_line() {
    for command in ["echo first; yes", "echo first; tail -f /dev/null &"] {
        let server = Server::once(json_answer(&answer("ok")));
        anyask(["-S", "--api-key-command", command, "hi"])
            .at(&server)
            .prints("ok\n")
            .exits(0);
        assert_eq!(
            server.request().header("authorization"),
            Some("Bearer first"),
            "{command}"
        );
    }
    anyask(["--api-key-command", "yes | tr -d '\\n'", "hi"])
        .mentions("anyask: ")
        .exits(3);
}

#[test]
fn a_question_that_is_none_is_told_before_a_missing_key() {
    for run in [anyask([]), anyask([""]), anyask(["-"])] {
        run.mentions("anyask: there is no prompt\n").exits(2);
    }
}
