//! Models: names for them, what depends on them, and what to do if one refuses a field of the request.

use serde_json::json;

use crate::harness::{
    Received, Run, Server, answer, anyask, error_body, folder, http, json_answer, json_lines,
};

/// The models that a server was asked, in turn.
fn asked(server: &Server) -> String {
    let model = |request: &Received| request.json()["model"].as_str().unwrap_or("none").to_string();
    server.received().iter().map(model).collect::<Vec<_>>().join(" ")
}

/// The `max_tokens` that a server got, in turn.
fn max_tokens(server: &Server) -> serde_json::Value {
    server.received().iter().map(|request| request.json()["max_tokens"].clone()).collect()
}

#[test]
fn an_alias_is_known_wherever_a_model_is_named() {
    let model = |run: Run| run.args(&["--alias", "fast=some/id"]).dry_run()["model"].clone();
    assert_eq!(model(anyask(["-m", "fast", "hi"])), "some/id");
    assert_eq!(model(anyask(["hi"]).env("ANYROUTER_MODEL", "fast")), "some/id");
    assert_eq!(model(anyask(["-m", "faster", "hi"])), "faster");

    let unknown = http("404 Not Found", &[], error_body("not_found_error", "model: x"));
    let server = Server::serving(vec![unknown, json_answer(&answer("ok"))]);
    anyask(["-q", "-u", "-m", "x", "--fallback", "fast", "--alias=fast=id", "hi"])
        .args(&["--price=fast=1,1"])
        .at(&server)
        .prints("ok\n")
        .says("anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $0.000037\n")
        .exits(0);
    assert_eq!(asked(&server), "x id");

    let server = Server::echo();
    anyask(["--batch", "-q", "--alias=fast=id", "--price=fast=1,1", "-m", "fast", "--max-cost=1"])
        .at(&server)
        .stdin("one\n{\"prompt\":\"two\",\"model\":\"fast\"}\n")
        .prints_something()
        .exits(0);
    assert_eq!(asked(&server), "id id");
}

#[test]
fn an_alias_may_change_a_short_name_and_is_one_step() {
    let aliases = ["--alias=sonnet=new-sonnet", "--alias=a=b", "--alias=b=c", "--alias=d=haiku"];
    for (name, id) in [
        ("sonnet", "new-sonnet"),
        ("opus", "claude-3-opus-20240229"),
        ("a", "b"),
        ("b", "c"),
        ("d", "haiku"),
    ] {
        assert_eq!(anyask(["-m", name, "hi"]).args(&aliases).dry_run()["model"], id);
    }
}

#[test]
fn the_alias_of_the_later_layer_counts() {
    let folder = folder()
        .with("anyask/config", "--alias fast=config\n--alias=slow=config\n--model fast")
        .with("anyask/profiles/work", "--alias fast=profile\n--fallback slow");
    let model = |args: &[&str]| {
        let run = anyask(["hi"]).args(args).env("XDG_CONFIG_HOME", &folder.name(""));
        run.dry_run()["model"].clone()
    };
    assert_eq!(model(&[]), "config");
    assert_eq!(model(&["-p", "work"]), "profile");
    assert_eq!(model(&["-p", "work", "--alias", "fast=typed"]), "typed");
    assert_eq!(model(&["--alias", "fast=one", "--alias", "fast=two"]), "two");
    // a stronger layer may name a model of a weaker one
    assert_eq!(model(&["-m", "slow"]), "config");
}

#[test]
fn an_alias_needs_a_name_and_an_id() {
    let why = "it must be NAME=ID without blanks, such as fast=claude-3-haiku-20240307";
    for value in ["fast", "=id", "fast=", "fa st=id", "fast=an id"] {
        anyask(["--dry-run", "--alias", value, "hi"])
            .says(&format!("anyask: invalid value '{value}' for --alias <NAME=ID>: {why}\n"))
            .exits(2);
    }
    let folder = folder().with("anyask/config", "--alias fast");
    let config = folder.name("anyask/config");
    anyask(["--dry-run", "hi"])
        .env("XDG_CONFIG_HOME", &folder.name(""))
        .says(&format!("anyask: {config}:1: invalid value 'fast' for --alias <NAME=ID>: {why}\n"))
        .exits(3);
}

#[test]
fn a_newer_model_may_use_more_tokens() {
    for (model, most) in [
        ("claude-opus-4-5", 32_000),
        ("claude-sonnet-5", 32_000),
        ("claude-4", 32_000),
        ("claude-3-5-sonnet-20241022", 4096),
        ("claude-3.7-sonnet", 4096),
        ("claude-2.1", 4096),
        ("claude-instant-1.2", 4096),
        ("sonnet", 4096),
        ("Claude-opus-4-5", 4096),
        ("anthropic/claude-opus-4-5", 4096),
        ("claude", 4096),
        ("other", 4096),
        ("new", 32_000),
    ] {
        let run = anyask(["--alias=new=claude-opus-5", "-m", model, "hi"]);
        assert_eq!(run.dry_run()["max_tokens"], most, "{model}");
    }
    assert_eq!(anyask(["-m", "claude-5", "--max-tokens=9", "hi"]).dry_run()["max_tokens"], 9);
}

#[test]
fn the_most_tokens_are_those_of_the_model_that_is_asked() {
    let busy = || http("529 ", &[], error_body("overloaded_error", "busy"));
    for (args, expected) in [(&[][..], json!([32_000, 4096])), (&["--max-tokens=5"], json!([5, 5]))]
    {
        let short = answer("ok").replace("end_turn", "max_tokens");
        let server = Server::serving(vec![busy(), json_answer(&short)]);
        anyask(["-m", "claude-5", "--fallback", "other", "--retries=0", "hi"])
            .args(args)
            .at(&server)
            .prints("ok\n")
            .mentions(&format!("it reached --max-tokens {}\n", expected[1]))
            .exits(0);
        assert_eq!(max_tokens(&server), expected);
    }
    let server = Server::echo();
    let items = "one\n{\"prompt\":\"two\",\"model\":\"claude-5\"}\n\
        {\"prompt\":\"three\",\"model\":\"claude-5\",\"max_tokens\":6}\n";
    let run = anyask(["--batch", "-q", "-j1"]).at(&server).stdin(items);
    run.prints_something().exits(0);
    assert_eq!(max_tokens(&server), json!([4096, 32_000, 6]));
}

/// Results and recorded answers of earlier versions are still known.
#[test]
fn a_key_counts_a_default_of_max_tokens_as_4096() {
    let server = Server::echo();
    let key = |args: &[&str]| {
        let run = anyask(["--batch", "-q", "-m", "claude-sonnet-5"]).args(args).at(&server);
        json_lines(&run.stdin("hi\n").output())[0]["key"].clone()
    };
    // of the request with max_tokens 4096
    assert_eq!(key(&[]), "bad540923809d0a9a98f8ada9f73833b");
    assert_eq!(key(&["--max-tokens=4096"]), "bad540923809d0a9a98f8ada9f73833b");
    assert_ne!(key(&["--max-tokens=32000"]), "bad540923809d0a9a98f8ada9f73833b");
    assert_eq!(max_tokens(&server), json!([32_000, 4096, 32_000]));

    let folder = folder();
    let ask = |args: &[&str]| anyask(["-m", "claude-sonnet-5", "hi"]).args(args).in_dir(&folder);
    ask(&["--max-tokens=4096", "--record=answers"]).at(&server).prints("hi\n").exits(0);
    ask(&["--replay=answers"]).prints("hi\n").exits(0);
    ask(&["--replay=answers", "--max-tokens=32000"])
        .mentions("in answers: max_tokens is 32000, but 4096 in the last record\n")
        .exits(14);
    assert_eq!(folder.json_lines("answers")[0]["request"]["max_tokens"], 4096);
}

/// What the API and others say of a field that a model does not take, or of its value.
#[test]
fn a_hint_names_the_flag_of_a_refused_field() {
    let deprecated = "`temperature` is deprecated for this model.";
    let both = "`temperature` and `top_p` cannot both be specified for this model.";
    let blank = "messages: final assistant content cannot end with trailing whitespace";
    let prefill = "This model does not support assistant message prefill. The conversation must end with a user message.";
    let stop = "stop_sequences: each stop sequence must contain non-whitespace";
    let tokens = "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for claude-5";
    let other_model = "use a model of --list-models=server, with --model or with --alias in the configuration file";
    for (message, args, hint) in [
        (deprecated, &["-t", "0"][..], "try it without --temperature"),
        (deprecated, &[], ""),
        (both, &["-t", "0"], "try it without --temperature"),
        (both, &["-t", "0", "--top-p=1"], "try it without --temperature or --top-p"),
        ("top_k: not supported", &["--set=top_k=5"], "try it without --set top_k"),
        (
            "output_config.effort: no",
            &["--set=Output_Config=5"],
            "try it without --set Output_Config",
        ),
        ("the user is unknown", &["--set=use=5"], ""),
        ("you may not stop_processing", &["--top-p=1"], ""),
        ("此模型不支持temperature参数", &["-t", "0"], "try it without --temperature"),
        (prefill, &["--prefill", "A"], "try it without --prefill"),
        (prefill, &[], ""),
        (blank, &["--prefill", "A "], "try it without --prefill"),
        (stop, &["--stop", " "], "try it without --stop"),
        ("Unsupported stop sequences", &["--stop", "a"], "try it without --stop"),
        (tokens, &["-t", "0"], "use --max-tokens N; 32000 was sent"),
        ("Invalid model specified", &["-t", "0"], other_model),
        ("no such id: 'claude-5'", &[], other_model),
        ("claude-55 is too new", &[], ""),
        ("system: no", &["-s", "sys"], ""),
    ] {
        let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
        let body = error_body("invalid_request_error", message);
        let run = |server: &Server| anyask(["-m", "claude-5", "hi"]).args(args).at(server);
        let words = message.trim_end_matches('.');
        for status in ["400", "422"] {
            let server = Server::once(http(&format!("{status} X"), &[], &body));
            let host = server.host();
            run(&server)
                .says(&format!(
                    "anyask: {host} refused the request ({status} invalid_request_error): {words}\n{hint}"
                ))
                .exits(4);
        }
        // a relay may say it under a status of success
        run(&Server::once(json_answer(&body)))
            .says(&format!(
                "anyask: the server answered with invalid_request_error: {words}\n{hint}"
            ))
            .exits(4);
    }
}
