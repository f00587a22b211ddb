//! What is done instead of asking.

use serde_json::Value;

use crate::harness::{
    KEY, Received, Run, Server, answer, anyask, bash, http, is_installed, json_answer, skip,
};

#[test]
fn list_models_prints_the_documented_ones() {
    anyask(["--list-models"])
        .prints(
            "claude-3-5-sonnet-20241022  sonnet  complex reasoning, analysis\n\
             claude-3-opus-20240229      opus    complex tasks, creative writing\n\
             claude-3-sonnet-20240229            general purpose, coding\n\
             claude-3-haiku-20240307     haiku   simple tasks, quick responses\n",
        )
        .exits(0);
    let models = anyask(["--list-models", "--json"]).json();
    assert_eq!(models.as_array().map(Vec::len), Some(4));
    assert_eq!(models[0]["id"], "claude-3-5-sonnet-20241022");
    assert_eq!(models[2]["short"], Value::Null);
}

#[test]
fn lists_the_models_of_the_server() {
    let upstream = r#"{"data": [{"type": "model", "id": "a", "display_name": "A"}, {"type": "model", "id": "b/c"}], "has_more": false}"#;
    for (json, ids) in [
        (upstream, "a\nb/c\n"),
        (r#"{"object":"list","data":[{"id":"a","object":"model"}]}"#, "a\n"),
        (r#"{"models":[{"name":"a:8b"}]}"#, "a:8b\n"),
        (r#"["a",{"id":"b"}]"#, "a\nb\n"),
    ] {
        let server = Server::serving(vec![json_answer(json); 3]);
        let list = || anyask(["--list-models=server"]).at(&server);
        list().prints(ids).exits(0);
        list().arg("--json").prints(json.to_string() + "\n").exits(0);
        list().args(&["--json", "--stream"]).prints(json.to_string() + "\n").exits(0);
    }
}

#[test]
fn the_list_is_beside_the_messages_and_takes_the_same_headers() {
    for (path, asked) in [
        ("", "/v1/models?limit=1000"),
        ("/v1/messages", "/v1/models?limit=1000"),
        ("/anthropic?beta=true", "/anthropic/v1/models?beta=true&limit=1000"),
    ] {
        let server = Server::once(json_answer(r#"{"data":[{"id":"a"}]}"#));
        anyask(["--list-models=server", "-H", "x-trace: 1", "--auth=x-api-key"])
            .env("ANYROUTER_API_KEY", KEY)
            .args(&["--base-url", &(server.url() + path)])
            .prints("a\n")
            .exits(0);
        let Received { head, body } = server.request();
        assert!(head.starts_with(&format!("GET {asked} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("x-trace: 1\r\n") && body.is_empty(), "{head}");
        assert!(head.contains(&format!("x-api-key: {KEY}\r\n")), "{head}");
        assert!(head.contains("anthropic-version: ") && !head.contains("content-type"), "{head}");
    }
}

#[test]
fn a_list_of_models_fails_as_an_answer_does() {
    let list =
        |mock: &str| anyask(["--list-models=server", "--retries=1", "--retry-delay=0", mock]);
    list("--mock=401").mentions("did not accept the key (401").exits(5);
    list("--mock=429,ok").prints("mock-large\nmock-small\n").mentions("; try 2 of 2").exits(0);
    list("--mock=botcheck").mentions("a bot check blocks requests to").exits(6);
    list("--mock=404")
        .matches(
            "anyask: 127.0.0.1:\\d+ does not list its models \\(404\\)\n\
             hint: check --base-url; the URL was http://127.0.0.1:\\d+/v1/models\\?limit=1000\n",
        )
        .exits(4);
    for (body, said) in [
        ("{\"data\":[]}", "anyask: the server lists no models\n"),
        ("{\"id\":\"x\"}", "anyask: the answer is not a list of models\n"),
        ("<title>New API</title>", "anyask: the answer is a web page: New API\n"),
    ] {
        let server = Server::once(http("200 OK", &[], body));
        anyask(["--list-models=server"]).at(&server).mentions(said).exits(10);
    }
    anyask(["--list-models=server"]).mentions("there is no API key").exits(3);
    let refused = "anyask: --list-models takes no prompt\n";
    let hint = "hint: use --list-models=server for the server's models\n";
    anyask(["--list-models", "server"]).says(&format!("{refused}{hint}")).exits(2);
    anyask(["--list-models=server", "words"]).says(refused).exits(2);
}

#[test]
fn dry_run_and_curl_need_no_key_and_no_server() {
    for mode in ["--dry-run", "--curl"] {
        anyask([mode, "hi"]).env("ANYROUTER_BASE_URL", "https://no-such-host.invalid").output();
    }
}

/// Runs the curl command that is printed in a real shell, and gives what the server got.
fn pasted(server: &Server, run: Run) -> Received {
    let command = run.arg("--curl").base_url(server).output();
    assert!(command.contains("$ANYROUTER_API_KEY") && !command.contains(KEY), "{command}");
    // by way of a file: an argument has a limit
    let folder = crate::harness::folder().with("command", command);
    let run = bash("sh < command").in_dir(&folder).env("ANYROUTER_API_KEY", KEY);
    run.prints_something().mentions("").exits(0);
    server.request()
}

#[test]
fn a_pasted_curl_command_sends_the_same_request() {
    if !is_installed("curl") {
        return skip("curl is not installed");
    }
    let awkward = "it's \"quoted\" $HOME `id` \\ \n<<EOF\n\u{1F600}%s!";
    for args in [[awkward, "-t0", "--json"], [awkward, "--auth=x-api-key", "--json"]] {
        let theirs = pasted(&Server::answering("ok"), anyask(args));
        let server = Server::answering("ok");
        anyask(args).at(&server).prints(answer("ok") + "\n").exits(0);
        let ours = server.request();
        assert_eq!(theirs.body, ours.body);
        for name in [
            "authorization",
            "x-api-key",
            "content-type",
            "accept",
            "accept-encoding",
            "anthropic-version",
            "user-agent",
        ] {
            assert_eq!(theirs.header(name), ours.header(name), "{name}");
        }
    }
}

#[test]
fn a_pasted_curl_command_may_be_as_long_as_a_request() {
    if !is_installed("curl") {
        return skip("curl is not installed");
    }
    let long = "it's long\n".repeat(50_000);
    let theirs = pasted(&Server::answering("ok"), anyask([]).stdin(long.clone()));
    assert_eq!(theirs.prompt(), long);
}
