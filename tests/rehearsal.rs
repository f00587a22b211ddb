//! `--mock`: the rehearsal server inside the program.

use crate::harness::anyask;

#[test]
fn echoes_the_question_in_every_form() {
    anyask(["--mock", "Hello, Claude"])
        .prints("Hello, Claude\n")
        .exits(0);
    anyask(["--mock", "-S", "Hello, Claude"])
        .prints("Hello, Claude\n")
        .exits(0);
    anyask(["--mock", "Write a commit message"])
        .stdin("+ a\n")
        .prints("+ a\n\nWrite a commit message\n")
        .exits(0);
    let json: serde_json::Value =
        serde_json::from_str(&anyask(["--mock", "--json", "hi"]).output()).expect("JSON");
    assert_eq!(json["content"][0]["text"], "hi");
    assert_eq!(json["usage"]["output_tokens"], 1);
}

#[test]
fn streams_the_documented_events() {
    let events = anyask(["--mock", "--json", "--stream", "one two"]).output();
    let kinds: Vec<String> = events
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["type"].to_string()
        })
        .collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, expected.map(|kind| format!("\"{kind}\"")));
}

#[test]
fn sends_the_documented_headers() {
    anyask(["--mock", "-u", "hi"])
        .prints("hi\n")
        .matches(
            "anyask: usage: 8 tokens in, 1 token out, 9 in total, about \\$0.0000039, \
             \\$45.23 credits left, 59 of 60 requests left, the window resets in (59|60) s\n",
        )
        .exits(0);
}

#[test]
fn a_cut_answer_keeps_its_text_and_exits_10() {
    anyask(["--mock=cut", "one two"])
        .prints("one \n")
        .mentions("anyask: the answer of 127.0.0.1:")
        .exits(10);
    anyask(["--mock=cut", "--json", "one two"])
        .mentions("ended early")
        .exits(10);
}

#[test]
fn a_status_is_refused_as_the_server_would() {
    for (step, kind, status) in [
        ("400", "invalid_request_error", 4),
        ("401", "authentication_error", 5),
        ("402", "billing_error", 6),
        ("403", "permission_error", 6),
        ("404", "not_found_error", 4),
        ("429", "rate_limit_error", 7),
        ("500", "api_error", 8),
        ("529", "overloaded_error", 8),
    ] {
        anyask([&format!("--mock={step}"), "--retries=0", "hi"])
            .mentions(&format!("({step} {kind}): "))
            .exits(status);
    }
}

#[test]
fn a_step_that_is_none_is_told() {
    for step in ["", "maybe", "ok,,ok", "99", "600"] {
        let wrong = if step == "ok,,ok" { "" } else { step };
        anyask([&format!("--mock={step}"), "hi"])
            .says(&format!(
                "anyask: --mock: '{wrong}' is no step\nhint: the steps are ok, cut or a status from 200 to 599: --mock=429,ok\n"
            ))
            .exits(2);
    }
}

#[test]
fn a_picture_alone_is_answered_too() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("p"), b"\x89PNG\r\n\x1a\n").expect("a picture");
    anyask(["--mock", "-f", "p"])
        .in_dir(folder.path())
        .prints("[image]\n")
        .exits(0);
}
