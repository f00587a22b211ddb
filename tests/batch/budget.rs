//! `--max-cost`: every request counts as it ends, in exact sums, also those of earlier runs.

use serde_json::json;

use super::{batch, numbered, piped, summary, with_items};
use crate::harness::{Events, Server, answer, anyask, http, json_answer, json_lines};

/// An answer costs half a cent.
const PRICE: &str = "--price=0,200";

const REACHED: &str = "anyask: --max-cost was reached: ";

#[test]
fn ten_half_cents_reach_five_cents() {
    let server = Server::echo();
    let run = |items| {
        piped(["-j1", PRICE, "--max-cost=0.05"], &server, numbered(items)).prints_something()
    };
    run(11)
        .says(
            &(summary(10, 0, 0)
                + "370 tokens, about $0.0500\n\
                   anyask: --max-cost was reached: the batch has cost about $0.0500\n\
                   hint: use a larger --max-cost; with -o FILE, --resume can continue\n"),
        )
        .exits(6);
    assert_eq!(server.requests(), 10);
    run(10).mentions(&summary(10, 0, 0)).exits(0);
}

#[test]
fn what_is_under_way_at_most_comes_on_top() {
    let server = Server::echo();
    piped([PRICE, "--max-cost=0.05"], &server, numbered(50))
        .prints_something()
        .mentions(REACHED)
        .exits(6);
    assert!((10..=13).contains(&server.requests()), "{}", server.requests());
}

#[test]
fn counts_what_check_asks_again_and_writes_its_cost() {
    let server = Server::echo();
    let folder = with_items(numbered(2));
    let run = |most| {
        let flags = ["-q", "-j1", PRICE, "--check=false", "--check-retries=9", "-oout", "--resume"];
        batch(flags, &server, &folder).args(&["--max-cost", most])
    };
    run("0.015")
        .says(
            "anyask: --max-cost was reached: the batch has cost about $0.0150\n\
             hint: use --resume and a larger --max-cost to continue\n",
        )
        .exits(6);
    assert_eq!(server.requests(), 3);
    let row = &folder.json_lines("out")[0];
    assert_eq!((&row["error"]["exit"], &row["cost"]), (&json!(130), &json!(0.015)));
    run("0.02")
        .says(
            "anyask: --max-cost was reached: the batch has cost about $0.0200, earlier runs included\n\
             hint: use --resume and a larger --max-cost to continue\n",
        )
        .exits(6);
    assert_eq!(server.requests(), 4);
}

#[test]
fn counts_a_failed_try_and_a_fallback_that_were_answered() {
    let busy = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let server = Server::handling(move |number, request| match number {
        0..3 => Events::new().error(busy).sized(),
        _ => json_answer(&answer(&request.prompt())),
    });
    let folder = with_items(numbered(3));
    // 4 dollars for a failed try, 25 for an answer of the other model
    let prices = ["--price=claude=0,4e6", "--price=other=0,1e6"];
    let flags = ["-j1", "--retry-delay=0", "--retries=2", "--fallback=other", "-oout"];
    batch(flags, &server, &folder)
        .args(&prices)
        .arg("--max-cost=37")
        .mentions(&(summary(1, 0, 0) + "76 tokens, about $37.0000\n"))
        .mentions(REACHED)
        .exits(6);
    assert_eq!(server.requests(), 4);
    assert_eq!(folder.json_lines("out")[0]["cost"], 37.0);
}

#[test]
fn a_try_that_reaches_the_budget_is_the_last_one() {
    let busy = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let server = Server::handling(move |_, _| Events::new().error(busy).sized());
    let folder = with_items(numbered(2));
    batch(["-j1", "--price=0,1e6", "--max-cost=1", "-oout"], &server, &folder)
        .mentions(&summary(0, 1, 0))
        .mentions(REACHED)
        .exits(6);
    assert_eq!(server.requests(), 1);
    assert_eq!(folder.json_lines("out")[0]["cost"], 1.0);
}

#[test]
fn runs_with_resume_share_one_budget() {
    let server = Server::echo();
    let folder = with_items(numbered(20));
    let run = || {
        let flags = ["-q", "-j1", "-oout", "--resume", PRICE, "--max-cost=0.05"];
        batch(flags, &server, &folder)
    };
    run().mentions(REACHED).exits(6);
    run().mentions(REACHED).exits(6);
    run().mentions("about $0.0500, earlier runs included").exits(6);
    assert_eq!(server.requests(), 10);
    folder.write("items", numbered(10));
    run().exits(0);
}

#[test]
fn a_row_without_cost_counts_by_its_usage() {
    let usage = r#""usage":{"input_tokens":12,"output_tokens":25}"#;
    let (old, key) = (r#""line":1,"id":null"#, r#""key":"00000000000000000000000000000000""#);
    let rows = format!(
        "{{{old},{key},\"text\":\"a\",\"model\":\"x-1\",{usage}}}\n\
         {{{old},{key},\"asked\":\"y-1\",\"text\":\"a\",\"model\":\"x-1\",{usage},\"cost\":null}}\n\
         {{{old},{key},\"error\":{{\"exit\":8,\"status\":529,\"message\":\"busy\"}}}}\n\
         {{{old},{key},\"error\":{{\"exit\":13,\"status\":200,\"message\":\"no\"}},\"cost\":0.5}}\n"
    );
    let server = Server::echo();
    let folder = with_items("one\n").with("out", rows);
    let run = |most| {
        let prices = ["--price=x=0,1e6", "--price=y=0,2e6", "--price=claude=0,0"];
        batch(["-q", "-oout", "--resume"], &server, &folder)
            .args(&prices)
            .args(&["--max-cost", most])
    };
    run("75.5").mentions("about $75.5000, earlier runs included").exits(6);
    assert_eq!(server.requests(), 0);
    run("75.51").exits(0);
}

#[test]
fn a_row_that_no_price_fits_is_noted() {
    let row = r#"{"line":1,"id":null,"key":"00000000000000000000000000000000","text":"a","model":"x","usage":{"input_tokens":12,"output_tokens":25}}"#;
    let folder = with_items("one\n").with("out", format!("{row}\n"));
    batch(["-oout", "--resume", "--price=claude=1,1", "--max-cost=1"], &Server::echo(), &folder)
        .mentions(
            "anyask: note: some results in the file have neither a cost nor a --price that fits \
             their model; they count at the example price\n",
        )
        .exits(0);
}

#[test]
fn every_model_needs_a_price_that_fits() {
    let server = Server::echo();
    let run = |args: &[&str]| piped(["--max-cost=5"], &server, numbered(1)).args(args);
    let needs = |model| {
        format!(
            "anyask: --max-cost needs a --price that fits {model}\n\
             hint: use --price {model}=IN,OUT, in dollars per million tokens\n"
        )
    };
    run(&[]).says(&needs("claude-3-5-sonnet-20241022")).exits(2);
    run(&["--price=haiku=1,1", "-m", "opus"]).says(&needs("claude-3-opus-20240229")).exits(2);
    run(&["--price=opus=1,1", "-m", "opus", "--fallback=x"]).says(&needs("x")).exits(2);
    assert_eq!(server.requests(), 0);
    let own =
        "one\n{\"prompt\":\"two\",\"model\":\"x\"}\n{\"prompt\":\"three\",\"model\":\"haiku\"}\n";
    let rows = run(&["--price=claude-3=1,1", "-qk"])
        .stdin(own)
        .prints_something()
        .mentions("1 item failed")
        .exits(12);
    let rows = json_lines(&rows);
    assert_eq!(rows[1]["error"]["exit"], 2);
    assert_eq!(rows[1]["error"]["message"], "--max-cost needs a --price that fits x");
    assert_eq!((&rows[0]["text"], &rows[2]["text"]), (&json!("one"), &json!("three")));
}

#[test]
fn a_server_that_counts_no_tokens_is_noted_once() {
    let server = Server::handling(|_, _| {
        json_answer(r#"{"content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn"}"#)
    });
    let note = "anyask: note: the server does not count tokens, so --max-cost has no effect\n";
    piped(["--price=1,1", "--max-cost=1"], &server, numbered(9))
        .prints_something()
        .matches(&format!("{note}[^\n]*\n"))
        .exits(0);
}

#[test]
fn a_row_has_its_cost_only_if_a_price_fits() {
    let server = Server::handling(|_, request| match &*request.prompt() {
        "no" => http("400 No", &[], ""),
        prompt => json_answer(&answer(prompt)),
    });
    let costs = |args: &[&str]| {
        let run = piped(["-qk"], &server, "yes\nno\n{}\n".into()).args(args);
        let printed = run.prints_something().mentions("2 items failed").exits(12);
        json_lines(&printed).iter().map(|row| row["cost"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(json!(costs(&[])), json!([null, null, null]));
    assert_eq!(json!(costs(&["--price=other=1,1"])), json!([null, null, null]));
    assert_eq!(json!(costs(&["--price=3,15"])), json!([0.000_411, null, null]));
    anyask(["--mock", "-u", "--price=other=1,1", "hi"])
        .prints("hi\n")
        .mentions(" at the example price, ")
        .exits(0);
}

#[test]
fn an_item_that_has_its_answer_needs_no_price() {
    let server = Server::echo();
    let folder = with_items("{\"prompt\":\"one\",\"model\":\"x\"}\n");
    batch(["-q", "-oout"], &server, &folder).exits(0);
    let flags = ["-q", "-oout", "--resume", "--max-cost=5", "--price=claude-3=1,1"];
    batch(flags, &server, &folder).exits(0);
    assert_eq!((server.requests(), folder.json_lines("out").len()), (1, 1));
}
