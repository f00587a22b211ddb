//! The request: every byte that the server gets, and the flags that it comes from.

use serde_json::json;

use crate::harness::{CONFLICT, KEY, Server, anyask, folder};

#[test]
fn sends_no_field_that_was_not_asked_for() {
    let plain = r#"{"model":"claude-3-5-sonnet-20241022","max_tokens":4096,"messages":[{"role":"user","content":"hi"}],"stream":true}"#;
    anyask(["--dry-run", "hi"]).prints(plain).exits(0);
    let without_stream = r#"{"model":"claude-3-5-sonnet-20241022","max_tokens":4096,"messages":[{"role":"user","content":"hi"}]}"#;
    anyask(["--dry-run", "--json", "hi"]).prints(without_stream).exits(0);
    // a silent connection is cut by some proxies, so everything else is streamed
    for flag in ["--no-stream", "-S", "-x"] {
        anyask(["--dry-run", flag, "hi"]).prints(plain).exits(0);
    }
    anyask(["--dry-run", "--json", "--stream", "hi"]).prints(plain).exits(0);
}

#[test]
fn sends_every_flag_as_its_field() {
    let args = [
        "-mopus",
        "--max-tokens=7",
        "-t0.5",
        "--top-p=1",
        "--stop=a",
        "--stop-sequence=b",
        "-ssys",
        "--set=top_k=40",
        "--set=metadata={\"user_id\":\"ci\"}",
        "--set=tier=auto",
        "hi",
    ];
    let expected = json!({
        "model": "claude-3-opus-20240229", "max_tokens": 7, "system": "sys",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0.5, "top_p": 1.0, "stop_sequences": ["a", "b"], "stream": true,
        "top_k": 40, "metadata": {"user_id": "ci"}, "tier": "auto",
    });
    assert_eq!(anyask(args).dry_run(), expected);
}

#[test]
fn a_short_model_name_is_the_newest_model_and_others_stay() {
    let model = |name: &str| anyask(["-m", name, "hi"]).dry_run()["model"].clone();
    assert_eq!(model("sonnet"), "claude-3-5-sonnet-20241022");
    assert_eq!(model("haiku"), "claude-3-haiku-20240307");
    assert_eq!(model("some/other:model"), "some/other:model");
    assert_eq!(
        anyask(["hi"]).env("ANYROUTER_MODEL", "opus").dry_run()["model"],
        "claude-3-opus-20240229"
    );
    assert_eq!(anyask(["-m", "m", "hi"]).env("ANYROUTER_MODEL", "opus").dry_run()["model"], "m");
}

#[test]
fn the_last_of_a_repeated_flag_counts() {
    assert_eq!(anyask(["-m", "a", "-m", "b", "hi"]).dry_run()["model"], "b");
}

#[test]
fn a_value_out_of_range_is_an_error_that_names_the_range() {
    for (flag, value, why) in [
        ("--temperature", "1.5", "it must be a number from 0.0 to 1.0"),
        ("--temperature", "NaN", "it must be a number from 0.0 to 1.0"),
        ("--top-p", "warm", "it must be a number from 0.0 to 1.0"),
        ("--max-tokens", "0", "it must be a whole number from 1 to 4294967295"),
        ("--timeout", "0", "it must be a number of seconds above 0, at most 1e9"),
        ("--connect-timeout", "-1", "it must be a number of seconds above 0, at most 1e9"),
        ("--price", "cheap", "it must be two prices in dollars, such as 0.3,1.5 or haiku=0.3,1.5"),
    ] {
        anyask(["--dry-run", &format!("{flag}={value}"), "hi"])
            .matches(&format!("anyask: invalid value '{value}' for {flag} <[^>]+>: {why}\n"))
            .exits(2);
    }
    anyask(["--dry-run", "--set=tier", "hi"])
        .says("anyask: --set tier: it must be KEY=VALUE, such as service_tier=auto\n")
        .exits(2);
}

#[test]
fn set_refuses_a_field_that_has_a_flag() {
    for (field, flag) in [
        ("model", "--model"),
        ("max_tokens", "--max-tokens"),
        ("top_p", "--top-p"),
        ("stop_sequences", "--stop"),
        ("messages", "the prompt"),
        ("stream", "--stream or --no-stream"),
    ] {
        anyask(["--dry-run", "--set", &format!("{field}=1"), "hi"])
            .says(&format!("anyask: use {flag} instead of --set {field}\n"))
            .exits(2);
    }
}

#[test]
fn sends_documented_headers_and_the_body_that_dry_run_prints() {
    let server = Server::streaming(&["ok"]);
    anyask(["-t", "0", "it's \"quoted\"\n"]).at(&server).prints("ok\n").exits(0);
    let request = server.request();
    assert!(request.head.starts_with("POST /v1/messages HTTP/1.1\r\n"), "{}", request.head);
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
fn sends_the_key_as_x_api_key_on_request() {
    let server = Server::answering("ok");
    anyask(["--auth", "x-api-key", "-S", "hi"]).at(&server).prints("ok\n").exits(0);
    assert_eq!(server.request().header("x-api-key"), Some(KEY));
    assert_eq!(server.request().header("authorization"), None);
}

#[test]
fn appends_to_the_path_of_the_base_url() {
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
        let server = Server::answering("ok");
        let url = server.url() + base;
        anyask(["-S", "--base-url", &url, "hi"]).at(&server).prints("ok\n").exits(0);
        let head = server.request().head;
        assert!(head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{base}: {head}");
    }
}

#[test]
fn asks_anyrouter_unless_another_server_is_named() {
    for variable in ["ANYROUTER_BASE_URL", "ANTHROPIC_BASE_URL"] {
        // the second one counts only with its token
        let value = if variable == "ANYROUTER_BASE_URL" { "" } else { "https://other.example" };
        let printed = anyask(["--curl", "hi"]).env(variable, value).output();
        assert!(printed.contains(" 'https://api.anyrouter.top/v1/messages' "), "{printed}");
    }
}

#[test]
fn refuses_an_unusable_base_url() {
    let example = "hint: for example https://api.anyrouter.top or http://localhost:8080\n";
    let no_scheme = format!("the URL does not begin with https:// or http://\n{example}");
    let invalid = format!("the URL is not valid\n{example}");
    let port = "the port must be a number from 1 to 65535\n";
    let password = "a URL with a user name or password is not supported\nhint: set ANYROUTER_API_KEY or use --api-key-file\n";
    for (url, why) in [
        ("localhost:8080", &*no_scheme),
        ("ftp://example.com", &no_scheme),
        ("https://", &invalid),
        ("http://localhost:99999", port),
        ("http://localhost:80a", port),
        ("http://[::1]:0", port),
        ("https://example.com:", port),
        ("https://me:secret@example.com", password),
    ] {
        let shown = url.replace("me:secret", "[redacted]");
        anyask(["--mock", "--base-url", url, "hi"])
            .says(&format!("anyask: --base-url {shown}: {why}"))
            .exits(2);
    }
    for (url, host) in [("http://example.com", "example.com"), ("http://10.0.0.1:8080", "10.0.0.1")]
    {
        let why = format!(
            "{url}: http:// would send the key unencrypted to {host}\nhint: use https://, or --allow-http if you trust the network\n"
        );
        for (run, from) in [
            (anyask(["--base-url", url]), "--base-url"),
            (anyask([]).env("ANYROUTER_BASE_URL", url), "ANYROUTER_BASE_URL"),
            (
                anyask([]).env("ANTHROPIC_BASE_URL", url).env("ANTHROPIC_AUTH_TOKEN", "token"),
                "ANTHROPIC_BASE_URL",
            ),
        ] {
            run.args(&["--mock", "hi"]).says(&format!("anyask: {from} {why}")).exits(2);
        }
    }
    for url in [
        "http://localhost:1",
        "http://127.9.9.9",
        "http://[::1]:8080",
        "https://example.com",
        "https://[2001:db8::1]/x",
    ] {
        anyask(["--mock", "--base-url", url, "hi"]).prints("hi\n").exits(0);
    }
    anyask(["--mock", "--allow-http", "--base-url", "http://example.com", "hi"])
        .prints("hi\n")
        .exits(0);
}

#[test]
fn sends_the_users_headers_instead_of_its_own() {
    let folder = folder().with("headers", "x-team: ci\n\nCookie: secret\n");
    let server = Server::answering("ok");
    anyask(["-S", "-H", "X-Trace:  42 ", "-H", "User-Agent: mine", "-H", "@headers", "hi"])
        .in_dir(&folder)
        .at(&server)
        .prints("ok\n")
        .exits(0);
    let request = server.request();
    for (name, value) in
        [("x-trace", "42"), ("user-agent", "mine"), ("x-team", "ci"), ("cookie", "secret")]
    {
        assert_eq!(request.header(name), Some(value));
    }
    assert_eq!(request.head.to_lowercase().matches("user-agent").count(), 1);
}

#[test]
fn the_last_header_of_a_name_counts() {
    let folder = folder()
        .with("anyask/config", "-H x-a: config\n-H x-b: config")
        .with("headers", "x-c: 1\nX-C: 2\nx-d: file\n");
    let server = Server::answering("ok");
    anyask(["-S", "-H", "X-A: 1", "-H", "@headers", "-H", "x-a: typed", "-H", "x-d: typed", "hi"])
        .env("XDG_CONFIG_HOME", &folder.name(""))
        .in_dir(&folder)
        .at(&server)
        .prints("ok\n")
        .exits(0);
    let head = server.request().head.to_lowercase();
    for header in ["x-a: typed", "x-b: config", "x-c: 2", "x-d: typed"] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
        assert_eq!(head.matches(&header[..4]).count(), 1, "{head}");
    }
}

#[test]
fn refuses_a_header_that_cannot_be_sent() {
    for (header, why) in [
        ("novalue", "--header 'novalue': the header has no value"),
        ("x-empty:", "--header 'x-empty': the header has no value"),
        ("bad name: x", "--header 'bad name': the header name is not valid"),
        ("content-length: 5", "--header 'content-length': this header cannot be changed"),
        ("x-a: b\r\nx-c: d", "--header 'x-a': the header's value has control characters"),
    ] {
        anyask(["--mock", "-H", header, "hi"]).mentions(&format!("anyask: {why}\n")).exits(2);
    }
    anyask(["--mock", "-H", &format!("Authorization: Bearer {KEY}"), "hi"])
        .mentions("anyask: --header 'Authorization': other users can see a secret on the command line\nhint: put the key into ANYROUTER_API_KEY or --api-key-file, another secret into --header @FILE\n")
        .exits(2);
    anyask(["--mock", "-H", "@nowhere", "hi"])
        .says("anyask: cannot read nowhere: No such file or directory\n")
        .exits(1);
}

#[test]
fn refuses_two_modes_at_once() {
    anyask(["--dry-run", "--curl", "hi"])
        .says(&format!("anyask: --dry-run {CONFLICT} --curl\n"))
        .exits(2);
    let modes = ["--batch", "--list-models", "--generate=man", "--dry-run", "--curl"];
    for (index, mode) in modes.iter().enumerate() {
        for other in &modes[index + 1..] {
            // the bodies of a batch may be printed
            if (*mode, *other) != ("--batch", "--dry-run") {
                anyask([mode, other]).mentions(CONFLICT).exits(2);
            }
        }
    }
}

#[test]
fn a_model_id_has_no_blanks() {
    anyask(["--mock", "-m", "opus ", "hi"])
        .says("anyask: --model 'opus ': a model ID has no blanks\n")
        .exits(2);
    anyask(["--mock", "hi"])
        .env("ANYROUTER_MODEL", "my model")
        .says("anyask: ANYROUTER_MODEL 'my model': a model ID has no blanks\n")
        .exits(2);
}

#[test]
fn set_reads_a_value_from_a_file() {
    let folder = folder().with("format.json", "\u{feff}{\"type\": \"json\"}\n").with("t", "one\n");
    let printed =
        anyask(["--dry-run", "--set=x=@format.json", "--set=y=@t", "--set=z=\"@t\"", "hi"])
            .in_dir(&folder)
            .output();
    assert!(printed.ends_with(r#","x":{"type": "json"},"y":"one\n","z":"@t"}"#), "{printed}");
    assert_eq!(anyask(["--set=x=@-", "hi"]).stdin("[1]").dry_run()["x"], json!([1]));
    anyask(["--mock", "--set=x=@nowhere", "hi"])
        .says("anyask: cannot read nowhere: No such file or directory\n")
        .exits(1);
}

#[test]
fn set_refuses_a_value_that_should_be_json_and_is_not() {
    let hint = "hint: JSON has double quotes around names and strings: --set 'metadata={\"user_id\":\"ci\"}'\n";
    for (value, why) in [
        ("{user_id:1}", "key must be a string at column 2"),
        ("[1", "EOF while parsing a list at column 2"),
        ("\"a", "EOF while parsing a string at column 2"),
        (" {}}", "trailing characters at column 3"),
    ] {
        anyask(["--mock", "--set", &format!("x={value}"), "hi"])
            .says(&format!("anyask: --set x: the value is not valid JSON: {why}\n{hint}"))
            .exits(2);
    }
    let folder = folder().with("bad", "{\n  a\n}");
    anyask(["--mock", "--set", "x=@bad", "hi"])
        .in_dir(&folder)
        .says(&format!(
            "anyask: bad is not valid JSON: key must be a string at line 2 column 3\n{hint}"
        ))
        .exits(2);
}

#[test]
fn set_sends_a_value_as_it_was_written() {
    let values =
        ["--set=a=1.10", "--set=b=12345678901234567890123", "--set=c=x", "--set=c= [1, 2]"];
    let printed = anyask(["--dry-run", "--no-stream", "hi"]).args(&values).output();
    assert!(printed.ends_with(r#","a":1.10,"b":12345678901234567890123,"c":[1, 2]}"#), "{printed}");
}

#[test]
fn names_the_line_of_a_bad_header_file() {
    let folder = folder().with("headers", "x-team: ci\n\nx bad: 1\n");
    anyask(["--mock", "-H", "@headers", "hi"])
        .in_dir(&folder)
        .mentions("anyask: headers:3: the header name is not valid\n")
        .exits(2);
}
