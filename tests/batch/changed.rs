//! `--resume` after the prompt or the model was changed: a note says what is asked and charged again.

use super::{batch, piped, summary, with_items};
use crate::harness::Server;

const ITEMS: &str = r#"{"id":1,"prompt":"one"}
{"data":{"n":2},"prompt":"two"}
{"id":"c","prompt":"three"}
four
"#;

/// The note of a file of items, for this many rows.
fn note(rows: usize) -> String {
    let (answer, items) = match rows {
        1 => ("row of out answers another request and stays", "its item is"),
        _ => ("rows of out answer other requests and stay", "their items are"),
    };
    format!("anyask: note: {rows} {answer}; {items} asked again, which is charged\n")
}

#[test]
fn says_how_many_rows_answer_other_requests() {
    let server = Server::echo();
    let folder = with_items(ITEMS);
    let run = |word: &str, (answered, skipped), note: &str| {
        let run = batch(["-j1", "-o", "out", "--resume", word], &server, &folder);
        run.matches(&format!("{note}{}[^\n]*\n", summary(answered, 0, skipped))).exits(0);
    };
    run("Go", (4, 0), "");
    run("Stop", (4, 0), &note(4));
    // rows of other requests are still there, but nothing is asked again
    run("Stop", (0, 4), "");
    run("Go", (0, 4), "");
    folder.write("items", r#"{"id":1.0,"prompt":"one","max_tokens":9}"#);
    run("Go", (1, 0), &note(2));
    folder.write("items", r#"{"data":{"n":2},"prompt":"two","model":"m"}"#);
    run("No", (1, 0), &note(2));
    run("No", (0, 1), "");
    folder.write("items", r#"{"id":5,"prompt":"new"}"#);
    run("No", (1, 0), "");
    folder.write("items", r#"{"id":5,"prompt":"newer"}"#);
    run("No", (1, 0), &note(1));
}

#[test]
fn says_so_before_the_first_request() {
    let server = Server::echo();
    let folder = with_items(ITEMS);
    let run = |word| batch(["-j1", "-o", "out", "--resume", word], &server, &folder);
    run("Go").mentions(&summary(4, 0, 0)).exits(0);
    run("Stop").arg("-v").matches(&format!("[^>]*{}[^>]*> POST .*", note(4))).exits(0);
    // under -q there are no notes
    run("Go").arg("-q").exits(0);
    run("Why").arg("-q").exits(0);
}

#[test]
fn items_may_share_an_id_and_ask_different_things() {
    let server = Server::echo();
    let one = "{\"id\":7,\"prompt\":\"one\"}\n";
    let two = "{\"id\":7,\"prompt\":\"two\"}\n";
    let folder = with_items(one);
    let run = || batch(["-j1", "-o", "out", "--resume"], &server, &folder);
    run().mentions(&summary(1, 0, 0)).exits(0);
    folder.write("items", format!("{two}{one}"));
    run().matches(&(summary(1, 0, 1) + "[^\n]*\n")).exits(0);
    folder.write("items", one.repeat(2));
    run().matches(&(summary(1, 0, 1) + "[^\n]*\n")).exits(0);
}

#[test]
fn notes_the_first_changed_item_that_comes_through_a_pipe() {
    let server = Server::echo();
    let folder = with_items("");
    let run = |items: &str| {
        piped(["-j1", "-o", "out", "--resume"], &server, items.into()).in_dir(&folder)
    };
    run(ITEMS).mentions(&summary(4, 0, 0)).exits(0);
    let items = ITEMS.replace("two", "TWO").replace("three", "THREE");
    let note = "anyask: note: line 2: a row of out answers another request of this item and stays; such items are asked again, which is charged\n";
    run(&items).matches(&format!("{note}{}[^\n]*\n", summary(2, 0, 2))).exits(0);
    run(&items).matches(&(summary(0, 0, 4) + "[^\n]*\n")).exits(0);
}

#[test]
fn an_item_without_a_label_is_known_by_its_line() {
    let server = Server::echo();
    let folder = with_items("a\nb\n");
    let run = |word: &str, (answered, skipped), note: &str| {
        let run = batch(["-j1", "-o", "out", "--resume", word], &server, &folder);
        run.matches(&format!("{note}{}[^\n]*\n", summary(answered, 0, skipped))).exits(0);
    };
    run("Go", (2, 0), "");
    // a line that was moved asks the same
    folder.write("items", "new\na\nb\nb\n");
    run("Go", (2, 2), "");
    folder.write("items", "a\nb\n");
    run("Go", (0, 2), "");
    run("Stop", (2, 0), &note(3));
    run("Stop", (0, 2), "");
    let piped = |items: &str, word: &str| {
        piped(["-j1", "-o", "other", "--resume", word], &server, items.into()).in_dir(&folder)
    };
    piped("a\nb\n", "Go").mentions(&summary(2, 0, 0)).exits(0);
    piped("a\nb\n", "Stop")
        .matches(
            "anyask: note: line 1: a row of other answers [^\n]*\nanyask: 2 answered, [^\n]*\n",
        )
        .exits(0);
    piped("b\na\nmore\n", "Stop").matches("anyask: 1 answered, [^\n]*\n").exits(0);
}
