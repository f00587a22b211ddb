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

/// Asks for the models of a server that answers with these pages in turn, and gives what it got.
#[track_caller]
fn lists(pages: Vec<Vec<u8>>, ids: &str, said: &str, exit: i32) -> Vec<String> {
    let server = Server::serving(pages);
    let run = anyask(["--list-models=server", "--retry-delay", "0"]).at(&server).prints(ids);
    let run = if said.is_empty() { run } else { run.mentions(said) };
    run.exits(exit);
    let paths = server.received();
    let paths = paths.iter().map(|request| request.head.split(' ').nth(1).expect("a path"));
    paths.map(|path| path.trim_start_matches("/v1/models").into()).collect()
}

fn page(json: &str) -> Vec<u8> {
    json_answer(json)
}

#[test]
fn a_list_of_models_is_asked_for_page_by_page() {
    let pages = vec![
        page(r#"{"data":[{"id":"a"},{"id":"b"}],"has_more":true,"first_id":"a","last_id":"b"}"#),
        page(r#"{"data":[{"id":"c d"}],"has_more":true,"last_id":null}"#),
        page(r#"{"data":[{"id":"e"}],"has_more":true,"last_id":""}"#),
        page(r#"{"data":[],"has_more":false}"#),
    ];
    let paths = lists(pages.clone(), "a\nb\nc d\ne\n", "", 0);
    let limit = "?limit=1000";
    assert_eq!(paths[0], limit);
    assert_eq!(paths[1], format!("{limit}&after_id=b"));
    assert!(
        ["c%20d", "c+d"].map(|id| format!("{limit}&after_id={id}")).contains(&paths[2]),
        "{paths:?}"
    );
    assert_eq!(paths[3], format!("{limit}&after_id=e"));
    let server = Server::serving(pages);
    let printed = anyask(["--list-models=server", "--json"]).at(&server).output();
    assert_eq!(printed.lines().count(), 4);
    assert!(printed.starts_with("{\"data\":[{\"id\":\"a\"},"), "{printed}");
}

#[test]
fn a_list_of_models_that_repeats_itself_ends_with_a_note() {
    let more = "anyask: note: the server has more models, but does not say how to get them\n";
    let [a, b] = ["a", "b"].map(|id| {
        page(&format!(r#"{{"data":[{{"id":"{id}"}}],"has_more":true,"last_id":"{id}"}}"#))
    });
    assert_eq!(lists(vec![a.clone(), a.clone()], "a\n", more, 0).len(), 2);
    assert_eq!(lists(vec![a.clone(), b, a.clone()], "a\nb\n", more, 0).len(), 3);
    let empty = page(r#"{"data":[],"has_more":true,"last_id":null}"#);
    assert_eq!(lists(vec![a.clone(), empty], "a\n", more, 0).len(), 2);
    // what came before a failure stays
    let failed = http("500 X", &[], "{\"error\":{\"message\":\"no\"}}");
    let paths =
        lists(vec![a, failed.clone(), failed.clone(), failed], "a\n", "failed (500): no", 8);
    assert_eq!(paths.len(), 4);
}

#[test]
fn a_limit_that_is_refused_is_left_out() {
    let list = || page(r#"{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}"#);
    let rest = || page(r#"{"data":[{"id":"b"}]}"#);
    for (status, words) in [
        ("400 X", r#"{"error":{"type":"invalid_request_error","message":"limit: at most 100"}}"#),
        ("422 X", r#"{"detail":[{"loc":["query","limit"],"msg":"too large"}]}"#),
        ("400 X", "Limit is out of range"),
    ] {
        let refused = || http(status, &[], words);
        let paths = lists(vec![refused(), list(), rest()], "a\nb\n", "", 0);
        assert_eq!(paths, ["?limit=1000", "", "?after_id=a"]);
        // at the second page, or for good
        let paths = lists(vec![list(), refused(), rest()], "a\nb\n", "", 0);
        assert_eq!(paths, ["?limit=1000", "?limit=1000&after_id=a", "?after_id=a"]);
        assert_eq!(lists(vec![refused(), refused()], "", "refused the request (4", 4).len(), 2);
    }
    let other = http("400 X", &[], r#"{"error":{"message":"anthropic-version is missing"}}"#);
    assert_eq!(lists(vec![other], "", "anthropic-version is missing", 4), ["?limit=1000"]);
}

#[test]
fn an_error_instead_of_a_list_has_its_status() {
    let ok = || page(r#"{"data":[{"id":"a"}]}"#);
    let error = |code: u16| page(&format!(r#"{{"error":{{"code":{code},"message":"no"}}}}"#));
    assert_eq!(lists(vec![error(401)], "", "the server answered with an error: no", 5).len(), 1);
    assert_eq!(lists(vec![error(429), ok()], "a\n", "; try 2 of 3 now", 0).len(), 2);
    assert_eq!(lists(vec![page(r#"{"data":[{"id":"a"}],"error":{}}"#)], "a\n", "", 0).len(), 1);
    for (status, headers, body) in [
        ("405 X", &["Set-Cookie: acw_tc=1"][..], "<html><title>405</title></html>"),
        ("404 X", &[], "error code: 1010"),
        ("468 X", &[], ""),
    ] {
        lists(vec![http(status, headers, body)], "", "a bot check blocks requests to", 6);
    }
    lists(vec![http("405 X", &[], "<title>405</title>")], "", " does not list its models (405)", 4);
}

#[test]
fn each_model_stands_on_one_line() {
    let list = r#"{"data":[{"id":"a\nb"},{"id":"c\r\n d"},{"id":"e\u2028f\u0085g"},{"name":"h\u000bi"},{"id":"\n"}]}"#;
    lists(vec![page(list)], "a b\nc d\ne f g\nh i\n", "", 0);
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
