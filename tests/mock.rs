//! `--mock`: the server inside the program.

use crate::harness::{ENDED_EARLY, anyask, folder, json_lines};

#[test]
fn echoes_the_prompt_in_every_form() {
    anyask(["--mock", "Hello, Claude"]).prints("Hello, Claude\n").exits(0);
    anyask(["--mock", "-S", "Hello, Claude"]).prints("Hello, Claude\n").exits(0);
    anyask(["--mock", "Write a commit message"])
        .stdin("+ a\n")
        .prints("+ a\n\nWrite a commit message\n")
        .exits(0);
    let json = anyask(["--mock", "--json", "hi"]).json();
    assert_eq!(json["content"][0]["text"], "hi");
    assert_eq!(json["usage"]["output_tokens"], 1);
}

#[test]
fn echoes_a_picture_as_a_word() {
    let folder = folder().with("p", b"\x89PNG\r\n\x1a\n");
    anyask(["--mock", "-f", "p"]).in_dir(&folder).prints("[image]\n").exits(0);
}

#[test]
fn streams_the_documented_events() {
    let events = json_lines(&anyask(["--mock", "--json", "--stream", "one two"]).output());
    let types: Vec<_> = events.iter().map(|event| &event["type"]).collect();
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types, expected);
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
fn cut_breaks_an_answer_off() {
    anyask(["--mock=cut", "one two"])
        .prints("one \n")
        .mentions("anyask: the answer of 127.0.0.1:")
        .exits(10);
    anyask(["--mock=cut", "--json", "one two"]).mentions(ENDED_EARLY).exits(10);
}

#[test]
fn a_status_fails_as_the_server_would() {
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
fn rehearses_the_troubles_of_relays() {
    for form in ["-S", "--json"] {
        anyask([form, "--mock=quota,ok", "hi"])
            .mentions("(403 insufficient_user_quota): ")
            .mentions("hint: check the credits; relays reserve credits for --max-tokens")
            .exits(6);
        anyask([form, "--mock=botcheck", "hi"])
            .matches("anyask: a bot check blocks requests to 127.0.0.1:\\d+ \\(200\\)\nhint: .*\n")
            .exits(6);
        anyask([form, "--mock=overloaded,overloaded,ok", "--retry-delay=0", "hi"])
            .prints_something()
            .mentions("overloaded_error")
            .mentions("Overloaded; try 3 of 3 now\n")
            .exits(0);
    }
    anyask(["--mock=524", "--retries=0", "hi"])
        .mentions("the server behind it sent nothing for 100 s, which streaming avoids\n")
        .exits(8);
}

#[test]
fn an_unknown_step_is_an_error() {
    for (steps, wrong) in
        [("", ""), ("maybe", "maybe"), ("ok,,ok", ""), ("99", "99"), ("600", "600")]
    {
        anyask([&format!("--mock={steps}"), "hi"])
            .says(&format!(
                "anyask: --mock: '{wrong}' is not a step\nhint: a step is ok, cut, quota, botcheck, overloaded or a status from 200 to 599: --mock=429,ok\n"
            ))
            .exits(2);
    }
}
