//! How it is asked: the bytes that the server gets.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{KEY, Server, answer, anyask, json_answer, stream, text_events};

fn body(run: crate::harness::Run) -> Value {
    serde_json::from_str(&run.arg("--dry-run").output()).expect("JSON")
}

#[test]
fn only_what_was_asked_for_is_sent() {
    let plain = r#"{"model":"claude-3-5-sonnet-20241022","max_tokens":4096,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
    anyask(["--dry-run", "hi"]).prints(plain).exits(0);
    let whole = r#"{"model":"claude-3-5-sonnet-20241022","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}"#;
    for flag in ["--no-stream", "-S", "--json"] {
        anyask(["--dry-run", flag, "hi"]).prints(whole).exits(0);
    }
    anyask(["--dry-run", "--json", "--stream", "hi"])
        .prints(plain)
        .exits(0);
}

#[test]
fn every_flag_reaches_its_field() {
    let args = [
        "-m",
        "opus",
        "--max-tokens",
        "7",
        "-t",
        "0.5",
        "--top-p",
        "1",
        "--stop",
        "a",
        "--stop-sequence",
        "b",
        "-s",
        "sys",
        "--set",
        "top_k=40",
        "--set",
        "metadata={\"user_id\":\"ci\"}",
        "--set",
        "tier=auto",
        "hi",
    ];
    let expected = json!({
        "model": "claude-3-opus-20240229", "max_tokens": 7, "system": "sys",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5, "top_p": 1.0, "stop_sequences": ["a", "b"], "stream": true,
        "top_k": 40, "metadata": {"user_id": "ci"}, "tier": "auto",
    });
    assert_eq!(body(anyask(args)), expected);
}

#[test]
fn short_model_names_stand_for_the_newest_and_any_id_is_sent() {
    let model = |name: &str| body(anyask(["-m", name, "hi"]))["model"].clone();
    assert_eq!(model("sonnet"), "claude-3-5-sonnet-20241022");
    assert_eq!(model("haiku"), "claude-3-haiku-20240307");
    assert_eq!(model("some/other:model"), "some/other:model");
    assert_eq!(
        body(anyask(["hi"]).env("ANYROUTER_MODEL", "opus"))["model"],
        "claude-3-opus-20240229"
    );
    assert_eq!(
        body(anyask(["-m", "m", "hi"]).env("ANYROUTER_MODEL", "opus"))["model"],
        "m"
    );
}

#[test]
fn the_last_of_a_repeated_flag_counts() {
    assert_eq!(body(anyask(["-m", "a", "-m", "b", "hi"]))["model"], "b");
}

#[test]
fn values_out_of_range_name_the_range() {
    for (flag, value, why) in [
        (
            "--temperature",
            "1.5",
            "it must be a number from 0.0 to 1.0",
        ),
        (
            "--temperature",
            "NaN",
            "it must be a number from 0.0 to 1.0",
        ),
        ("--top-p", "warm", "it must be a number from 0.0 to 1.0"),
        (
            "--max-tokens",
            "0",
            "it must be a whole number from 1 to 4294967295",
        ),
        (
            "--timeout",
            "0",
            "it must be a number of seconds above 0, at most 1e9",
        ),
        (
            "--connect-timeout",
            "-1",
            "it must be a number of seconds above 0, at most 1e9",
        ),
        (
            "--price",
            "cheap",
            "it must be two prices in dollars, such as 0.3,1.5",
        ),
        ("--set", "top_k", "it must be KEY=VALUE, such as top_k=40"),
    ] {
        anyask(["--dry-run", &format!("{flag}={value}"), "hi"])
            .matches(&format!(
                "anyask: invalid value '{value}' for '{flag} <[A-Z,=]+>': {why}\nhint: .*\n"
            ))
            .exits(2);
    }
}

#[test]
fn fields_with_a_flag_are_not_set_by_hand() {
    for (field, flag) in [
        ("model", "--model"),
        ("max_tokens", "--max-tokens"),
        ("top_p", "--top-p"),
        ("stop_sequences", "--stop"),
        ("messages", "the prompt"),
        ("stream", "--stream or --no-stream"),
    ] {
        anyask(["--dry-run", "--set", &format!("{field}=1"), "hi"])
            .says(&format!(
                "anyask: --set {field}: this field has a way of its own\nhint: use {flag}\n"
            ))
            .exits(2);
    }
}

#[test]
fn the_request_carries_the_documented_headers_and_the_body_of_the_dry_run() {
    let server = Server::once(stream(&text_events(&["ok"])));
    anyask(["-t", "0", "it's \"quoted\"\n"])
        .at(&server)
        .prints("ok\n")
        .exits(0);
    let request = server.request();
    assert!(
        request.head.starts_with("POST /v1/messages HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    let bearer = format!("Bearer {KEY}");
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
        ("accept-encoding", "identity"),
        ("anthropic-version", "2023-06-01"),
        ("user-agent", concat!("anyask/", env!("CARGO_PKG_VERSION"))),
        ("host", server.host().as_str()),
    ] {
        assert_eq!(request.header(name), Some(value), "{name}");
    }
    assert_eq!(request.header("x-api-key"), None);
    let dry = anyask(["--dry-run", "-t", "0", "it's \"quoted\"\n"]).output();
    assert_eq!(String::from_utf8_lossy(&request.body), dry);
}

#[test]
fn the_key_goes_as_x_api_key_where_that_is_wanted() {
    let server = Server::once(json_answer(&answer("ok")));
    anyask(["--auth", "x-api-key", "-S", "hi"])
        .at(&server)
        .prints("ok\n")
        .exits(0);
    assert_eq!(server.request().header("x-api-key"), Some(KEY));
    assert_eq!(server.request().header("authorization"), None);
}

#[test]
fn the_path_is_appended_to_and_never_replaced() {
    for (base, path) in [
        ("", "/v1/messages"),
        ("/", "/v1/messages"),
        ("/v1", "/v1/messages"),
        ("/v1/", "/v1/messages"),
        ("/v1/messages", "/v1/messages"),
        ("/anthropic", "/anthropic/v1/messages"),
        ("/anthropic/v1/", "/anthropic/v1/messages"),
        ("/proxy/?team=ci", "/proxy/v1/messages?team=ci"),
    ] {
        let server = Server::once(json_answer(&answer("ok")));
        let url = server.url() + base;
        anyask(["-S", "--base-url", &url, "hi"])
            .at(&server)
            .prints("ok\n")
            .exits(0);
        let head = server.request().head;
        assert!(
            head.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
            "{base}: {head}"
        );
    }
}

#[test]
fn a_base_url_that_is_none_is_told() {
    for (url, why) in [
        ("localhost:8080", "the URL lacks its https:// or http://"),
        (
            "ftp://example.com",
            "only https:// and http:// can be asked",
        ),
        ("https://", "this is no URL"),
        (
            "http://localhost:99999",
            "the port is no number from 1 to 65535",
        ),
        (
            "http://localhost:80a",
            "the port is no number from 1 to 65535",
        ),
        ("http://[::1]:0", "the port is no number from 1 to 65535"),
        (
            "https://example.com:",
            "the port is no number from 1 to 65535",
        ),
        (
            "https://me:secret@example.com",
            "a URL with a user name or password is not taken",
        ),
        ("http://example.com", "the key would travel unencrypted"),
        ("http://10.0.0.1:8080", "the key would travel unencrypted"),
    ] {
        let shown = url.replace("me:secret", "[redacted]");
        let start = regex_escape(&format!("anyask: --base-url {shown}: {why}"));
        anyask(["--mock", "--base-url", url, "hi"])
            .matches(&format!("{start}\nhint: [^\n]*\n"))
            .exits(2);
    }
    for url in [
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "https://example.com",
        "https://[2001:db8::1]/x",
    ] {
        anyask(["--mock", "--base-url", url, "hi"])
            .prints("hi\n")
            .exits(0);
    }
    anyask([
        "--mock",
        "--allow-http",
        "--base-url",
        "http://example.com",
        "hi",
    ])
    .prints("hi\n")
    .exits(0);
}

fn regex_escape(text: &str) -> String {
    text.chars()
        .flat_map(|char| {
            ['\\', char]
                .into_iter()
                .skip(usize::from(char.is_alphanumeric() || " :/-".contains(char)))
        })
        .collect()
}

#[test]
fn headers_of_the_user_are_sent_and_take_the_place_of_ours() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("headers"), "x-team: ci\n\nCookie: secret\n").expect("headers");
    let server = Server::once(json_answer(&answer("ok")));
    anyask([
        "-S",
        "-H",
        "X-Trace:  42 ",
        "-H",
        "User-Agent: mine",
        "-H",
        "@headers",
        "hi",
    ])
    .in_dir(dir.path())
    .at(&server)
    .prints("ok\n")
    .exits(0);
    let request = server.request();
    for (name, value) in [
        ("x-trace", "42"),
        ("user-agent", "mine"),
        ("x-team", "ci"),
        ("cookie", "secret"),
    ] {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.head.to_lowercase().matches("user-agent").count(), 1);
}

#[test]
fn headers_that_cannot_be_sent_are_told() {
    for (header, why) in [
        ("novalue", "--header 'novalue': the header has no value"),
        ("x-empty:", "--header 'x-empty': the header has no value"),
        ("bad name: x", "--header 'bad name': this is no header name"),
        (
            "content-length: 5",
            "--header 'content-length': this header belongs to the connection",
        ),
        (
            "x-a: b\r\nx-c: d",
            "--header 'x-a': the header's value has control characters",
        ),
    ] {
        anyask(["--mock", "-H", header, "hi"])
            .mentions(&format!("anyask: {why}\n"))
            .exits(2);
    }
    anyask([
        "--mock",
        "-H",
        &format!("Authorization: Bearer {KEY}"),
        "hi",
    ])
    .mentions("anyask: --header 'Authorization': a secret on the command line can be read")
    .exits(2);
    anyask(["--mock", "-H", "@nowhere", "hi"])
        .says(
            "anyask: cannot read the header file nowhere: no such file or directory (os error 2)\n",
        )
        .exits(1);
}

#[test]
fn flags_that_undo_others_are_no_hint() {
    anyask(["--nope"]).says("anyask: unexpected argument '--nope' found\nhint: if it belongs to the prompt, put -- in front of that: anyask -- WORDS\n").exits(2);
    anyask(["--no-quiet", "--nope"])
        .mentions("anyask: unexpected argument '--nope' found\n")
        .exits(2);
    anyask(["--no-quiet", "--mock", "hi"])
        .prints("hi\n")
        .exits(0);
}

#[test]
fn unknown_flags_teach_the_known_ones() {
    anyask(["--modle", "x"])
        .says("anyask: unexpected argument '--modle' found\nhint: a similar argument exists: '--model'\n")
        .exits(2);
    anyask(["--dry-run", "--curl", "hi"])
        .says("anyask: the argument '--dry-run' cannot be used with '--curl'\nhint: 'anyask --help' shows every flag\n")
        .exits(2);
}

#[test]
fn values_of_other_fields_are_sent_as_they_were_written() {
    let args = [
        "--dry-run",
        "--no-stream",
        "--set",
        "a=1.10",
        "--set",
        "b=12345678901234567890123",
        "--set",
        "c=x",
        "--set",
        "c= [1, 2]",
        "hi",
    ];
    let printed = anyask(args).output();
    assert!(
        printed.ends_with(r#","a":1.10,"b":12345678901234567890123,"c":[1, 2]}"#),
        "{printed}"
    );
}

#[test]
fn a_header_file_is_told_by_its_line() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("headers"), "x-team: ci\n\nx bad: 1\n").expect("headers");
    anyask(["--mock", "-H", "@headers", "hi"])
        .in_dir(dir.path())
        .mentions("anyask: line 3 of headers: this is no header name\n")
        .exits(2);
}
