//! What is done instead of asking.

use serde_json::Value;

use crate::harness::{KEY, Received, Run, Server, answer, anyask, bash, is_installed, skip};

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
