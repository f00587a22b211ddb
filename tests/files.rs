//! `-f`: text, pictures and PDF, in order.

use std::fs;

use base64::Engine;
use serde_json::{Value, json};

use crate::harness::{Run, anyask};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A folder with a file of each kind.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [
        ("a.txt", &b"one\n"[..]),
        ("b \"&.md", b"two"),
        ("p.bin", PNG),
        ("j", b"\xff\xd8\xff\xe0\0"),
        ("g", b"GIF89a\0"),
        ("w", b"RIFF\x10\0\0\0WEBPVP8 "),
        ("d", b"%PDF-1.7\n\0"),
        ("empty", b""),
        ("elf", b"\x7fELF\0"),
        ("latin", b"caf\xe9"),
    ] {
        fs::write(folder.path().join(name), bytes).expect(name);
    }
    folder
}

fn content(run: Run, folder: &tempfile::TempDir) -> Value {
    let body: Value = serde_json::from_str(&run.in_dir(folder.path()).output()).expect("JSON");
    body["messages"][0]["content"].clone()
}

#[test]
fn files_then_standard_input_then_the_words() {
    let folder = folder();
    let run = anyask([
        "--dry-run",
        "-f",
        "a.txt",
        "-f",
        "b \"&.md",
        "Review",
        "this",
    ])
    .stdin("+ diff\n");
    assert_eq!(
        content(run, &folder),
        "<document path=\"a.txt\">\none\n</document>\n\
         <document path=\"b &quot;&amp;.md\">\ntwo\n</document>\n\
         + diff\n\nReview this"
    );
    let alone = anyask(["--dry-run", "-f", "a.txt"]);
    assert_eq!(
        content(alone, &folder),
        "<document path=\"a.txt\">\none\n</document>\n"
    );
}

#[test]
fn standard_input_may_stand_among_the_files() {
    let folder = folder();
    let run = anyask([
        "--dry-run",
        "-f",
        "a.txt",
        "-f",
        "-",
        "-f",
        "b \"&.md",
        "Sum up",
    ])
    .stdin("piped");
    assert_eq!(
        content(run, &folder),
        "<document path=\"a.txt\">\none\n</document>\n<document path=\"-\">\npiped\n</document>\n\
         <document path=\"b &quot;&amp;.md\">\ntwo\n</document>\n\nSum up"
    );
}

#[test]
fn pictures_and_pdf_are_told_by_their_first_bytes() {
    let folder = folder();
    let run = anyask([
        "--dry-run",
        "-f",
        "a.txt",
        "-f",
        "p.bin",
        "-f",
        "j",
        "-f",
        "g",
        "-f",
        "w",
        "-f",
        "d",
        "What is this?",
    ]);
    let blocks = content(run, &folder);
    assert_eq!(
        blocks[0],
        json!({"type": "text", "text": "<document path=\"a.txt\">\none\n</document>\n"})
    );
    let data = base64::prelude::BASE64_STANDARD.encode(PNG);
    let source = json!({"type": "base64", "media_type": "image/png", "data": data});
    assert_eq!(blocks[1], json!({"type": "image", "source": source}));
    let kinds: Vec<_> = (2..=5)
        .map(|at| {
            (
                blocks[at]["type"].clone(),
                blocks[at]["source"]["media_type"].clone(),
            )
        })
        .collect();
    let expected = [
        ("image", "image/jpeg"),
        ("image", "image/gif"),
        ("image", "image/webp"),
        ("document", "application/pdf"),
    ];
    assert_eq!(
        kinds,
        expected.map(|(kind, media)| (kind.into(), media.into()))
    );
    assert_eq!(blocks[6], json!({"type": "text", "text": "What is this?"}));
}

#[test]
fn a_file_that_cannot_be_sent_is_told_before_anything_is() {
    let folder = folder();
    for (file, why, exit) in [
        (
            "nowhere",
            "cannot read nowhere: no such file or directory (os error 2)\n",
            1,
        ),
        (".", "cannot read .: is a directory (os error 21)\n", 1),
        (
            "empty",
            "empty is empty\nhint: leave it out, if that is right\n",
            2,
        ),
        (
            "elf",
            "elf is binary: it has a NUL byte near its start\n",
            2,
        ),
    ] {
        anyask(["--mock", "-f", "a.txt", "-f", file, "hi"])
            .in_dir(folder.path())
            .mentions(&format!("anyask: {why}"))
            .exits(exit);
    }
    anyask(["--mock", "-f", "latin"])
        .in_dir(folder.path())
        .prints("<document path=\"latin\">\ncaf\u{fffd}\n</document>\n")
        .says("anyask: note: 1 byte of the prompt was not UTF-8 and became U+FFFD\n")
        .exits(0);
}

#[test]
fn files_over_32_mib_in_all_are_refused() {
    let folder = folder();
    fs::write(
        folder.path().join("large"),
        [PNG, &vec![0; 25 << 20]].concat(),
    )
    .expect("large");
    anyask(["--mock", "-f", "large", "hi"])
        .in_dir(folder.path())
        .matches("anyask: the request is 33.3 MiB, and the API takes 32 MiB at most\n.*")
        .exits(2);
}

#[test]
fn standard_input_is_read_once() {
    anyask(["--mock", "-f", "-", "-f", "-"])
        .stdin("x")
        .says("anyask: standard input can be read once only\n")
        .exits(2);
    anyask(["--mock", "-f-", "--no-stdin", "hi"])
        .says("anyask: -f - reads standard input, and --no-stdin forbids it\n")
        .exits(2);
}

#[test]
fn standard_input_among_the_files_may_be_a_picture_and_not_nothing() {
    let picture = b"\x89PNG\r\n\x1a\n";
    let body = anyask(["--dry-run", "-f-", "what?"])
        .stdin(&picture[..])
        .output();
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(
        body["messages"][0]["content"][0]["source"]["media_type"],
        "image/png"
    );
    anyask(["--dry-run", "-f-", "what?"])
        .says("anyask: standard input is empty\nhint: leave it out, if that is right\n")
        .exits(2);
}
