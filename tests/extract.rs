//! `-x`: the first fenced code block, and nothing else. The rules themselves are tested where they stand.

use crate::harness::{Server, anyask, prints_in_time, stream, text_events};

#[test]
fn prints_the_inside_of_the_first_block() {
    let text = "Here:\n\n```c++\nint x = 1; // ```\n```\n\nand\n\n~~~\nmore\n~~~\n";
    anyask(["--mock", "-x", text])
        .prints("int x = 1; // ```\n")
        .exits(0);
    anyask(["--mock", "-x", "-S", text])
        .prints("int x = 1; // ```\n")
        .exits(0);
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let server = Server::once(stream(&text_events(&pieces)));
    anyask(["-x", "hi"])
        .at(&server)
        .prints("int x = 1; // ```\n")
        .exits(0);
}

#[test]
fn an_answer_without_a_block_prints_nothing_and_exits_10() {
    anyask(["--mock", "-x", "no code"])
        .says("anyask: the answer has no fenced code block\n")
        .exits(10);
    anyask(["--mock", "-x", "--json", "hi"])
        .mentions("cannot be used with")
        .exits(2);
}

#[test]
fn a_block_without_its_closing_fence_ends_with_the_answer() {
    anyask(["--mock", "-x", "```\na\nb"])
        .prints("a\nb\n")
        .exits(0);
    anyask([
        "--mock=cut",
        "-x",
        "```\none two three four five six\n```\n",
    ])
    .prints("one two three \n")
    .mentions("ended early")
    .exits(10);
}

#[test]
fn the_first_words_may_open_the_block() {
    let server = Server::once(stream(&text_events(&["x = 1\n```", "\nDone."])));
    anyask(["-x", "--prefill", "```python\n", "hi"])
        .at(&server)
        .prints("x = 1\n")
        .exits(0);
}

#[test]
fn code_is_printed_before_its_line_ends() {
    let events = text_events(&["```\nlet x"]);
    let middle = events
        .find("data: {\"type\": \"content_block_stop")
        .expect("the stop");
    prints_in_time(&["-x"], &events[..middle], "let x");
}
