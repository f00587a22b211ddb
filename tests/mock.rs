//! `--mock`: the server inside the program.

use serde_json::json;

#[cfg(unix)]
use crate::harness::shell;
use crate::harness::{ENDED_EARLY, STOPPED_SHORT, anyask, folder, json_lines};

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
    let folder = folder().with("p", b"\x89PNG\r\n\x1a\n\0");
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
            "anyask: usage: 8 tokens in, 1 token out, 9 in total, about \\$0.0000039 at the example price, \
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
fn max_tokens_and_refusal_stop_short_in_every_form() {
    for (step, why, hint) in [
        ("max_tokens", "it reached --max-tokens 4096", "hint: use a larger --max-tokens\n"),
        ("refusal", "the model refused to go on: this refusal is a rehearsal", ""),
    ] {
        let flag = format!("--mock={step}");
        let short = format!("{STOPPED_SHORT}: {why}\n");
        for form in [&[][..], &["-S"]] {
            let run = || anyask([&*flag, "one two"]).args(form).prints("one \n");
            run().says(&format!("anyask: note: {short}")).exits(0);
            run().arg("--strict").says(&format!("anyask: {short}{hint}")).exits(11);
        }
        let message = anyask([&*flag, "-q", "--json", "one two"]).json();
        assert_eq!(message["content"], json!([{"type": "text", "text": "one "}]));
        assert_eq!(message["stop_reason"], step);
        let printed = anyask([&*flag, "-q", "--json", "--stream", "one two"]).output();
        let delta = &json_lines(&printed)[4]["delta"];
        assert_eq!(delta["stop_reason"], step);
        assert_eq!(delta.get("stop_details"), message.get("stop_details"));
    }
    anyask(["--mock=max_tokens", "-q", "\u{e9}"]).prints("\u{e9}\n").exits(0);
}

/// What a CI author writes to see each status once, without a server.
#[cfg(unix)]
const EVERY_STATUS: &str = r#"
printf '%s\n' one two > items
touch empty
echo a-key > key && chmod 600 key
ask() {
    status=0
    anyask "$@" hi > /dev/null 2> error || status=$?
    case $status in
        0) echo "0: answered" ;;
        1) echo "1: a file" ;;
        2) echo "2: usage" ;;
        3) echo "3: not set up" ;;
        4) echo "4: refused" ;;
        5) echo "5: the key" ;;
        6) echo "6: credits" ;;
        7) echo "7: too many" ;;
        8) echo "8: the server" ;;
        9) echo "9: no connection" ;;
        10) echo "10: broken" ;;
        11) echo "11: stopped short" ;;
        12) echo "12: failed items" ;;
        13) echo "13: not passed" ;;
        14) echo "14: not recorded" ;;
        *) cat error && exit "$status" ;;
    esac
}
ask --mock
ask --mock -f missing
ask --mock --no-such-flag
ask
ask --mock=400
ask --mock=401
ask --mock=402
ask --mock=429 --retries 0
ask --mock=529 --retries 0
ask --api-key-file key --base-url http://127.0.0.1:1 --retries 0
ask --mock=cut
ask --mock=max_tokens --strict
ask --mock=refusal --strict
ask --mock=400,ok --batch=items
ask --mock --check false --check-retries 0
ask --replay empty
"#;

#[cfg(unix)]
#[test]
fn a_ci_script_can_rehearse_every_exit_status() {
    let says = "0: answered\n1: a file\n2: usage\n3: not set up\n4: refused\n5: the key\n6: credits\n\
                7: too many\n8: the server\n9: no connection\n10: broken\n11: stopped short\n\
                11: stopped short\n12: failed items\n13: not passed\n14: not recorded\n";
    shell("bash", EVERY_STATUS).in_dir(&folder()).prints(says).exits(0);
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
                "anyask: --mock: '{wrong}' is not a step\nhint: a step is ok, cut, max_tokens, refusal, quota, botcheck, overloaded or a status from 200 to 599: --mock=429,ok\n"
            ))
            .exits(2);
    }
}
