//! What is done instead of asking.

use std::process::Command;

use serde_json::Value;

use crate::harness::{KEY, Server, answer, anyask, json_answer};

#[test]
fn list_models_names_the_documented_ones() {
    anyask(["--list-models"])
        .prints(
            "claude-3-5-sonnet-20241022  sonnet  complex reasoning, analysis\n\
             claude-3-opus-20240229      opus    complex tasks, creative writing\n\
             claude-3-sonnet-20240229            general purpose, coding\n\
             claude-3-haiku-20240307     haiku   simple tasks, quick responses\n",
        )
        .exits(0);
    let models: Value =
        serde_json::from_str(&anyask(["--list-models", "--json"]).output()).expect("JSON");
    assert_eq!(models.as_array().map(Vec::len), Some(4));
    assert_eq!(models[0]["id"], "claude-3-5-sonnet-20241022");
    assert_eq!(models[2]["short"], Value::Null);
}

#[test]
fn errands_need_no_key_and_no_server() {
    anyask(["--dry-run", "hi"])
        .env("ANYROUTER_BASE_URL", "https://no-such-host.invalid")
        .output();
    anyask(["--curl", "hi"])
        .env("ANYROUTER_BASE_URL", "https://no-such-host.invalid")
        .output();
}

/// Runs a printed curl command in a real shell, if there is a curl; tells what the server got.
fn pasted(server: &Server, run: crate::harness::Run) -> Option<crate::harness::Received> {
    let command = run
        .arg("--curl")
        .env("ANYROUTER_BASE_URL", &server.url())
        .output();
    assert!(
        command.contains("$ANYROUTER_API_KEY") && !command.contains(KEY),
        "{command}"
    );
    if Command::new("curl").arg("--version").output().is_err() {
        return None;
    }
    let mut shell = Command::new("sh")
        .env("ANYROUTER_API_KEY", KEY)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("sh");
    std::io::Write::write_all(&mut shell.stdin.take().expect("stdin"), command.as_bytes())
        .expect("sh to read");
    assert!(shell.wait().expect("sh to end").success(), "{command}");
    Some(server.request())
}

#[test]
fn a_curl_command_sends_the_same_request_when_pasted() {
    let awkward = "it's \"quoted\" $HOME `id` \\ \n<<EOF\n\u{1F600}%s!";
    for args in [
        [awkward, "-t0", "--json"],
        [awkward, "--auth=x-api-key", "--json"],
    ] {
        let server = Server::once(json_answer(&answer("ok")));
        let Some(theirs) = pasted(&server, anyask(args)) else {
            return;
        };
        let server = Server::once(json_answer(&answer("ok")));
        anyask(args)
            .at(&server)
            .prints(answer("ok") + "\n")
            .exits(0);
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
fn a_curl_command_has_no_limit_but_the_servers() {
    let server = Server::once(json_answer(&answer("ok")));
    let long = "it's long\n".repeat(50_000);
    if let Some(theirs) = pasted(&server, anyask([]).stdin(long.clone())) {
        assert_eq!(theirs.json()["messages"][0]["content"], long);
    }
}
