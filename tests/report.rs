//! What is said about an answer: usage, cost, a short stop, the exchange itself.

use crate::harness::{KEY, Server, answer, anyask, http, json_answer, stream, text_events};

#[test]
fn usage_is_one_line_and_leaves_out_what_was_not_sent() {
    let server = Server::once(stream(&text_events(&["ok"])));
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $0.000041\n")
        .exits(0);
    let headers = [
        "X-Remaining-Credits: 45.23",
        "X-RateLimit-Remaining: 59",
        "X-RateLimit-Limit: 60",
    ];
    let server = Server::once(http("200 OK", &headers, answer("ok")));
    anyask(["-q", "-u", "--price", "1000000,0", "-S", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $12.0000, $45.23 credits left, 59 of 60 requests left\n")
        .exits(0);
    let server = Server::once(json_answer(r#"{"content":[{"type":"text","text":"ok"}]}"#));
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: the server says nothing about it\n")
        .exits(0);
}

#[test]
fn a_short_stop_is_one_note_and_under_strict_exit_11() {
    for (reason, why, hint) in [
        (
            "max_tokens",
            "it reached --max-tokens 4096",
            "hint: a larger --max-tokens lets it go on\n",
        ),
        ("refusal", "the model refused to go on", ""),
        (
            "model_context_window_exceeded",
            "the model's context window is full",
            "hint: ask with less material\n",
        ),
    ] {
        let serve = || Server::once(stream(&text_events(&["ok"]).replace("end_turn", reason)));
        let server = serve();
        anyask(["hi"])
            .at(&server)
            .prints("ok\n")
            .says(&format!("anyask: note: the answer stopped short: {why}\n"))
            .exits(0);
        let server = serve();
        anyask(["-q", "hi"]).at(&server).prints("ok\n").exits(0);
        let server = serve();
        anyask(["--strict", "-q", "hi"])
            .at(&server)
            .prints("ok\n")
            .says(&format!("anyask: the answer stopped short: {why}\n{hint}"))
            .exits(11);
    }
    let server = Server::once(stream(
        &text_events(&["ok"]).replace("end_turn", "stop_sequence"),
    ));
    anyask(["--strict", "hi"])
        .at(&server)
        .prints("ok\n")
        .exits(0);
}

#[test]
fn verbose_shows_the_exchange_but_not_the_key() {
    let server = Server::once(http("200 OK", &["request-id: req_1"], answer("ok")));
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("h"), format!("x-other: {KEY}\n")).expect("h");
    anyask(["-v", "-S", "-H", "@h", "hi"])
        .in_dir(dir.path())
        .at(&server)
        .prints("ok\n")
        .mentions("> POST /v1/messages HTTP/1.1\n")
        .mentions("> authorization: Bearer [redacted]\n")
        .mentions("> x-other: [redacted]\n")
        .mentions("> content-length: 100\n")
        .mentions("< HTTP/1.1 200 OK\n")
        .mentions("< request-id: req_1\n")
        .mentions("* the answer ended after ")
        .exits(0);
    assert_eq!(server.request().header("content-length"), Some("100"));
}

#[test]
fn a_refusal_is_shown_by_verbose_too() {
    let server = Server::once(http("400 Bad Request", &["request-id: req_2"], ""));
    anyask(["-v", "hi"])
        .at(&server)
        .mentions("< request-id: req_2\n")
        .exits(4);
}

#[test]
fn colour_follows_its_rules() {
    let plain = "anyask: there is no prompt\n";
    let coloured = "\u{1b}[1;31manyask:\u{1b}[0m there is no prompt\n";
    anyask(["--mock"]).mentions(plain).exits(2);
    anyask(["--mock", "--color", "always"])
        .mentions(coloured)
        .exits(2);
    anyask(["--mock"])
        .env("CLICOLOR_FORCE", "1")
        .mentions(coloured)
        .exits(2);
    anyask(["--mock"])
        .env("CLICOLOR_FORCE", "0")
        .mentions(plain)
        .exits(2);
    anyask(["--mock"])
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .mentions(plain)
        .exits(2);
    anyask(["--mock", "--color", "never"])
        .env("CLICOLOR_FORCE", "1")
        .mentions(plain)
        .exits(2);
    anyask(["--mock", "--color", "always"])
        .env("NO_COLOR", "1")
        .mentions(coloured)
        .exits(2);
}

#[test]
fn a_servers_words_do_not_drive_the_terminal() {
    let server = Server::once(http(
        "400 Bad Request",
        &[],
        "{\"error\":{\"message\":\"\\u001b]0;x\\u0007 \\u202e\"}}",
    ));
    anyask(["hi"])
        .at(&server)
        .mentions("(400): \u{241b}]0;x\u{2407} \u{fffd}\n")
        .exits(4);
}

#[test]
fn the_latest_count_of_each_kind_of_token_is_the_one() {
    let events = text_events(&["ok"]).replace(
        "\"usage\": {\"output_tokens\": 25}",
        "\"usage\": {\"input_tokens\": 40, \"output_tokens\": 2}",
    );
    let server = Server::once(stream(&events));
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 40 tokens in, 2 tokens out, 42 in total, about $0.000015\n")
        .exits(0);
}
