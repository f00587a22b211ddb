//! What is reported about an answer: usage, cost, a short stop, request and response.

use serde_json::json;

use crate::harness::{
    Events, KEY, NO_PROMPT, STOPPED_SHORT, Server, answer, anyask, folder, http, json_answer,
};

#[test]
fn usage_prints_on_one_line_what_the_server_reported() {
    let server = Server::streaming(&["ok"]);
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $0.000041 at the example price\n")
        .exits(0);
    let headers =
        ["X-Remaining-Credits: 45.23", "X-RateLimit-Remaining: 59", "X-RateLimit-Limit: 60"];
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
        .says("anyask: usage: not reported by the server\n")
        .exits(0);
}

#[test]
fn usage_leaves_out_a_reset_that_is_past_or_far_away() {
    for reset in ["1000", "9999999999"] {
        let headers = ["x-ratelimit-remaining: 3", &format!("x-ratelimit-reset: {reset}")];
        let server = Server::once(http("200 OK", &headers, answer("ok")));
        anyask(["-u", "-S", "hi"])
            .at(&server)
            .prints("ok\n")
            .matches("anyask: usage: [^\n]*, 3 requests left\n")
            .exits(0);
    }
}

#[test]
fn a_short_stop_is_one_note_and_under_strict_exit_11() {
    for (reason, why, hint) in [
        ("max_tokens", "it reached --max-tokens 4096", "hint: use a larger --max-tokens\n"),
        ("refusal", "the model refused to go on", ""),
        (
            "model_context_window_exceeded",
            "the model's context window is full",
            "hint: send less text or fewer files\n",
        ),
    ] {
        let answer = Events::new().text("ok").stop(reason).http();
        let server = Server::serving(vec![answer; 3]);
        let run = |args: &[&str]| anyask(["hi"]).args(args).at(&server).prints("ok\n");
        run(&[]).says(&format!("anyask: note: {STOPPED_SHORT}: {why}\n")).exits(0);
        run(&["-q"]).exits(0);
        run(&["--strict", "-q"]).says(&format!("anyask: {STOPPED_SHORT}: {why}\n{hint}")).exits(11);
    }
    let server = Server::once(Events::new().text("ok").stop("stop_sequence").http());
    anyask(["--strict", "hi"]).at(&server).prints("ok\n").exits(0);
}

#[test]
fn the_explanation_of_a_refusal_is_told() {
    let details = json!({"type": "refusal", "category": null, "explanation": "It may harm."});
    let end = json!({"stop_reason": "refusal", "stop_details": details});
    let events = Events::new().text("ok").message_delta(end, json!({"output_tokens": 25})).end();
    anyask(["hi"])
        .at(&Server::once(events.http()))
        .prints("ok\n")
        .says(&format!("anyask: note: {STOPPED_SHORT}: the model refused to go on: It may harm.\n"))
        .exits(0);
    let empty = json!({"content": [], "stop_reason": "refusal", "stop_details": details});
    anyask(["hi"])
        .at(&Server::once(http("200 OK", &[], empty.to_string())))
        .mentions("anyask: the answer has no content (stop reason: refusal: It may harm.)\n")
        .exits(10);
}

#[test]
fn verbose_shows_request_and_response_but_not_the_key() {
    let server = Server::once(http("200 OK", &["request-id: req_1"], answer("ok")));
    let folder = folder().with("h", format!("x-other: {KEY}\n"));
    anyask(["-v", "-S", "-H", "@h", "hi"])
        .in_dir(&folder)
        .at(&server)
        .prints("ok\n")
        .mentions("> POST /v1/messages HTTP/1.1\n")
        .mentions("> authorization: Bearer [redacted]\n")
        .mentions("> x-other: [redacted]\n")
        .mentions("> content-length: 114\n")
        .mentions("< HTTP/1.1 200 OK\n")
        .mentions("< request-id: req_1\n")
        .mentions("* the answer ended after ")
        .exits(0);
    assert_eq!(server.request().header("content-length"), Some("114"));
}

#[test]
fn verbose_shows_the_response_of_a_failure() {
    let server = Server::once(http("400 Bad Request", &["request-id: req_2"], ""));
    anyask(["-v", "hi"]).at(&server).mentions("< request-id: req_2\n").exits(4);
}

#[test]
fn flags_and_variables_turn_colour_on_and_off() {
    let plain = NO_PROMPT;
    let coloured = &NO_PROMPT.replace("anyask:", "\u{1b}[1;31manyask:\u{1b}[0m");
    anyask(["--mock"]).mentions(plain).exits(2);
    anyask(["--mock", "--color", "always"]).mentions(coloured).exits(2);
    anyask(["--mock"]).env("CLICOLOR_FORCE", "1").mentions(coloured).exits(2);
    anyask(["--mock"]).env("CLICOLOR_FORCE", "0").mentions(plain).exits(2);
    anyask(["--mock"]).env("CLICOLOR_FORCE", "1").env("CLICOLOR", "0").mentions(coloured).exits(2);
    anyask(["--mock"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").mentions(plain).exits(2);
    anyask(["--mock", "--color", "never"]).env("CLICOLOR_FORCE", "1").mentions(plain).exits(2);
    anyask(["--mock", "--color", "always"]).env("NO_COLOR", "1").mentions(coloured).exits(2);
}

#[test]
fn escapes_in_the_servers_message_are_shown_and_not_obeyed() {
    let server = Server::once(http(
        "400 Bad Request",
        &[],
        "{\"error\":{\"message\":\"\\u001b]0;x\\u0007 \\u202e\"}}",
    ));
    anyask(["hi"]).at(&server).mentions("(400): \u{241b}]0;x\u{2407} \u{fffd}\n").exits(4);
}

#[test]
fn the_price_is_that_of_the_model_that_is_asked() {
    let prices = ["--price=1,1", "--price=opus=15,75", "--price=claude-3=2,2", "--price=x=3,3"];
    for (model, cost) in [
        ("other", "0.000037"),
        ("opus", "0.0021"),
        ("claude-3-opus-20240229", "0.0021"),
        ("claude-3-haiku", "0.000074"),
        ("x=y", "0.00011"),
    ] {
        anyask(["-u", "-S", "-m", model, "hi"])
            .args(&prices)
            .at(&Server::answering("ok"))
            .prints("ok\n")
            .mentions(&format!("about ${cost}\n"))
            .exits(0);
    }
    anyask(["--price=opus=a,b", "hi"])
        .says(
            "anyask: invalid value 'opus=a,b' for --price <[MODEL=]IN,OUT>: \
             it must be two prices in dollars, such as 0.3,1.5 or haiku=0.3,1.5\n",
        )
        .exits(2);
}

#[test]
fn usage_is_the_latest_count_that_the_server_sent() {
    let usage = json!({"input_tokens": 40, "output_tokens": 2});
    let end = json!({"stop_reason": "end_turn"});
    let events = Events::new().text("ok").message_delta(end, usage).end();
    let server = Server::once(events.http());
    anyask(["-u", "hi"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 40 tokens in, 2 tokens out, 42 in total, about $0.000015 at the example price\n")
        .exits(0);
}
