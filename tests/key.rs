//! Where the key comes from, and where it goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{
    CONFLICT, Folder, KEY, NO_PROMPT, Run, Server, anyask, as_other_user, bash, folder, skip,
};

const NO_KEY: &str = "anyask: there is no API key, and HOME is not set, so there is no configuration file\nhint: set ANYROUTER_API_KEY, or use --api-key-file or --api-key-command; --mock needs no key\n";

/// A folder with the file `key`, which only its owner can read.
fn with_key_file(content: &str) -> Folder {
    let folder = folder().with("key", content);
    set_mode(&folder, 0o600);
    folder
}

fn set_mode(folder: &Folder, mode: u32) {
    fs::set_permissions(folder.join("key"), fs::Permissions::from_mode(mode)).expect("its mode");
}

/// Runs it and checks that the server got this key.
#[track_caller]
fn sends(run: Run, server: &Server, key: &str) {
    run.prints("ok\n").exits(0);
    let expected = format!("Bearer {key}");
    assert_eq!(server.request().header("authorization"), Some(expected.as_str()));
}

/// A question with the pair of variables that name the upstream API's server and key.
fn with_upstream_pair(args: [&str; 4], base_url: &str) -> Run {
    anyask(args).env("ANTHROPIC_BASE_URL", base_url).env("ANTHROPIC_AUTH_TOKEN", "token")
}

#[test]
fn without_a_key_a_hint_names_the_ways_to_give_one() {
    anyask(["hi"]).says(NO_KEY).exits(3);
    anyask(["hi"]).env("ANYROUTER_API_KEY", "").says(NO_KEY).exits(3);
}

#[test]
fn a_key_file_that_others_can_read_is_noted() {
    let folder = with_key_file(KEY);
    set_mode(&folder, 0o640);
    let server = Server::answering("ok");
    anyask(["--api-key-file", "key", "hi"])
        .in_dir(&folder)
        .base_url(&server)
        .prints("ok\n")
        .says("anyask: note: other users can read the key file key; run chmod 600 on it\n")
        .exits(0);
}

/// A container mounts a secret so.
#[test]
fn a_key_file_in_a_folder_without_write_permission_gets_no_note() {
    let folder = with_key_file(KEY);
    set_mode(&folder, 0o644);
    let line = "anyask --api-key-file key hi";
    let Some(line) = as_other_user(line) else { return skip("there is no setpriv") };
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).expect("its mode");
    let server = Server::answering("ok");
    bash(&line).in_dir(&folder).base_url(&server).prints("ok\n").exits(0);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn a_key_from_standard_input_is_not_the_prompt() {
    for name in ["-", "/dev/stdin"] {
        let server = Server::answering("ok");
        let run = anyask(["--api-key-file", name, "hi"]).base_url(&server).stdin("piped-key\n");
        sends(run, &server, "piped-key");
        assert_eq!(server.request().prompt(), "hi");
    }
    let body = anyask(["--api-key-file", "-", "hi"]).stdin(KEY).dry_run();
    assert_eq!(body["messages"][0]["content"], "hi");
    anyask(["--api-key-file", "-", "hi"]).says("anyask: standard input is empty\n").exits(3);
    anyask(["--api-key-file", "-"]).stdin(KEY).mentions(NO_PROMPT).exits(2);
}

#[test]
fn a_key_file_or_command_counts_more_than_the_environment() {
    let folder = with_key_file("from-file\n");
    let command = "cat; echo from-command; echo more";
    for (flag, value, key) in
        [("--api-key-file", "key", "from-file"), ("--api-key-command", command, "from-command")]
    {
        let server = Server::answering("ok");
        let run = anyask([flag, value, "-"]).in_dir(&folder).at(&server).stdin("hi");
        sends(run, &server, key);
        // the command did not read the prompt
        assert_eq!(server.request().prompt(), "hi");
    }
}

#[test]
fn a_key_file_may_begin_with_a_byte_order_mark() {
    let utf16: Vec<u8> = "\u{feff}file-key\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for content in ["\u{feff}file-key\n".as_bytes(), &utf16] {
        let folder = folder().with("key", content);
        set_mode(&folder, 0o600);
        let server = Server::answering("ok");
        let run = anyask(["--api-key-file", "key", "hi"]).in_dir(&folder).base_url(&server);
        sends(run, &server, "file-key");
    }
}

#[test]
fn what_cannot_be_a_key_is_refused_without_showing_it() {
    for (end, why) in [
        ("\n", "it has spaces or line ends"),
        (" x", "it has spaces or line ends"),
        ("\u{7}", "it has characters other than ASCII letters, digits and punctuation"),
        ("é", "it has characters other than ASCII letters, digits and punctuation"),
    ] {
        anyask(["hi"])
            .env("ANYROUTER_API_KEY", &format!("{KEY}{end}"))
            .says(&format!("anyask: ANYROUTER_API_KEY is not an API key: {why}\n"))
            .exits(3);
    }
    anyask(["--api-key-file", "key", "hi"])
        .in_dir(&with_key_file(&format!("{KEY}\n{KEY}\n")))
        .says("anyask: the key file key is not an API key: it has spaces or line ends\n")
        .exits(3);
}

#[test]
fn a_key_file_or_command_that_fails_is_reported() {
    anyask(["--api-key-file", "nowhere", "hi"])
        .says("anyask: cannot read the key file nowhere: No such file or directory\n")
        .exits(3);
    anyask(["--api-key-command", "echo locked >&2; exit 4", "hi"])
        .says("locked\nanyask: the key command failed: exit status: 4\nhint: run it in a shell to see why\n")
        .exits(3);
    anyask(["--api-key-command", "true", "hi"])
        .says("anyask: the output of the key command is empty\n")
        .exits(3);
    anyask(["--api-key-file", "a", "--api-key-command", "b", "hi"])
        .says(&format!("anyask: --api-key-file <PATH> {CONFLICT} --api-key-command <CMD>\n"))
        .exits(2);
}

#[test]
fn the_upstream_server_and_token_are_used_together() {
    let server = Server::answering("ok");
    let run = with_upstream_pair(["--retries", "0", "-S", "hi"], &server.url());
    sends(run, &server, "token");
}

#[test]
fn the_upstream_token_never_goes_to_another_server() {
    let server = Server::new(Vec::new());
    let url = server.url();
    with_upstream_pair(["-S", "--base-url", &url, "hi"], "https://elsewhere.example")
        .says(NO_KEY)
        .exits(3);
    assert_eq!(server.requests(), 0);
    anyask(["hi"]).env("ANTHROPIC_AUTH_TOKEN", "token").says(NO_KEY).exits(3);
}

#[test]
fn the_upstream_token_goes_to_its_server_where_a_flag_names_it() {
    let server = Server::answering("ok");
    let url = server.url() + "/v1";
    let run = with_upstream_pair(["-S", "--base-url", &url, "hi"], &server.url());
    sends(run, &server, "token");
}

#[test]
fn anyrouter_api_key_is_used_though_the_upstream_pair_is_set() {
    let server = Server::answering("ok");
    let run = with_upstream_pair(["--retries", "0", "-S", "hi"], "https://elsewhere.example");
    sends(run.at(&server), &server, KEY);
}

#[test]
fn mock_never_sees_the_key() {
    anyask(["--mock", "-v", "hi"])
        .env("ANYROUTER_API_KEY", KEY)
        .prints("hi\n")
        .mentions("> authorization: Bearer [redacted]\n")
        .exits(0);
}

#[test]
fn a_key_command_may_go_on_after_its_first_line() {
    for command in ["echo first; yes", "echo first; tail -f /dev/null &"] {
        let server = Server::answering("ok");
        let run = anyask(["--api-key-command", command, "hi"]).base_url(&server);
        sends(run, &server, "first");
    }
}

#[test]
fn a_key_command_works_under_a_parent_that_ignores_sigchld() {
    let server = Server::answering("ok");
    let run = bash("trap '' CHLD; exec anyask --api-key-command 'echo first' hi");
    sends(run.base_url(&server), &server, "first");
}

#[test]
fn a_key_command_that_prints_an_endless_line_is_stopped() {
    anyask(["--api-key-command", "yes | tr -d '\\n'", "hi"]).mentions("anyask: ").exits(3);
}

#[test]
fn a_missing_prompt_is_reported_before_a_missing_key() {
    for run in [anyask([]), anyask([""]), anyask(["-"])] {
        run.mentions(NO_PROMPT).exits(2);
    }
}
