//! `-x`: the first fenced code block, and nothing else.

use crate::harness::{CONFLICT, ENDED_EARLY, Events, STREAM_ENDED_EARLY, Server, anyask, folder};

#[test]
fn prints_the_code_of_the_first_block() {
    let text = "Here:\n\n```c++\nint x = 1; // ```\n```\n\nand\n\n~~~\nmore\n~~~\n";
    let code = "int x = 1; // ```\n";
    anyask(["--mock", "-x", text]).prints(code).exits(0);
    anyask(["--mock", "-x", "-S", text]).prints(code).exits(0);
    let pieces: Vec<String> = text.chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let server = Server::streaming(&pieces);
    anyask(["-x", "hi"]).at(&server).prints(code).exits(0);
}

#[test]
fn fails_without_a_code_block() {
    anyask(["--mock", "-x", "no code"])
        .says("anyask: the answer has no fenced code block\n")
        .exits(10);
    anyask(["--mock", "-x", "--json", "hi"]).mentions(CONFLICT).exits(2);
}

#[test]
fn prints_a_block_that_is_never_closed_to_the_end() {
    anyask(["--mock", "-x", "```\na\nb"]).prints("a\nb\n").exits(0);
    let server = Server::streaming(&["Here:\n```\na", "\nb"]);
    anyask(["-x", "hi"]).at(&server).prints("a\nb\n").exits(0);
}

#[test]
fn prints_nothing_of_an_answer_that_is_cut() {
    for block in ["```\na\nb", "```\na\n```\n\nand"] {
        let server = Server::once(Events::new().text(block).http());
        anyask(["-x", "hi"]).at(&server).says(STREAM_ENDED_EARLY).exits(10);
    }
    for flags in [&["-x"][..], &["-x", "-S"]] {
        anyask(["--mock=cut", "```\none two three four five six\n```\n"])
            .args(flags)
            .mentions(ENDED_EARLY)
            .exits(10);
    }
}

#[test]
fn an_empty_first_block_fails_and_leaves_the_file_alone() {
    for text in ["```\n```\n", "```sh\n\n \n```\n\n```\nls\n```\n", "code\n```"] {
        let folder = folder().with("out", "old");
        let why = "anyask: the answer's first code block is empty\n";
        anyask(["--mock", "-x", text]).says(why).exits(10);
        anyask(["--mock", "-x", "-oout", text]).in_dir(&folder).says(why).exits(10);
        assert_eq!(folder.files(), [("out".to_string(), "old".to_string())]);
    }
}

#[test]
fn prefill_may_open_the_block() {
    let server = Server::streaming(&["x = 1\n```", "\nDone."]);
    anyask(["-x", "--prefill", "```python\n", "hi"]).at(&server).prints("x = 1\n").exits(0);
}
