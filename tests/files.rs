//! `-f`: text, pictures and PDF, in their order.

use base64::Engine;
use serde_json::{Value, json};

use crate::harness::{Folder, Run, anyask, folder, replaced};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// A folder with a file of each kind.
pub fn with_files() -> Folder {
    folder()
        .with("a.txt", "one\n")
        .with("b &.md", "two")
        .with("p.bin", PNG)
        .with("j", b"\xff\xd8\xff\xe0\0")
        .with("g", b"GIF89a\0")
        .with("w", b"RIFF\x10\0\0\0WEBPVP8 ")
        .with("d", b"%PDF-1.7\n1 0 obj\n\0")
        .with("empty", b"")
        .with("elf", b"\x7fELF\0")
        .with("latin1", b"caf\xe9")
}

/// The content of the only message of a request.
fn content(run: Run) -> Value {
    run.in_dir(&with_files()).dry_run()["messages"][0]["content"].clone()
}

#[test]
fn sends_files_then_standard_input_then_the_words() {
    let run = anyask(["-f", "a.txt", "-f", "b &.md", "Review", "this"]).stdin("+ diff\n");
    assert_eq!(
        content(run),
        "<document path=\"a.txt\">\none\n</document>\n\
         <document path=\"b &amp;.md\">\ntwo\n</document>\n\
         + diff\n\nReview this"
    );
    assert_eq!(content(anyask(["-f", "a.txt"])), "<document path=\"a.txt\">\none\n</document>\n");
    assert_eq!(
        content(anyask(["-f", "a.txt"]).stdin("+ diff\n")),
        "<document path=\"a.txt\">\none\n</document>\n+ diff\n"
    );
}

#[cfg(unix)]
#[test]
fn escapes_a_quote_in_a_file_name() {
    let folder = folder().with("b\"", "two");
    let body = anyask(["-f", "b\""]).in_dir(&folder).dry_run();
    let document = "<document path=\"b&quot;\">\ntwo\n</document>\n";
    assert_eq!(body["messages"][0]["content"], document);
}

#[test]
fn sends_standard_input_in_its_place_among_the_files() {
    let run = anyask(["-f", "a.txt", "-f", "-", "-f", "b &.md", "Sum up"]).stdin("piped");
    assert_eq!(
        content(run),
        "<document path=\"a.txt\">\none\n</document>\n<document path=\"-\">\npiped\n</document>\n\
         <document path=\"b &amp;.md\">\ntwo\n</document>\n\nSum up"
    );
}

#[test]
fn recognizes_pictures_and_pdf_by_their_first_bytes() {
    let files = ["-fa.txt", "-fp.bin", "-fj", "-fg", "-fw", "-fd"];
    let blocks = content(anyask(files).arg("What is this?"));
    let text = "<document path=\"a.txt\">\none\n</document>\n";
    assert_eq!(blocks[0], json!({"type": "text", "text": text}));
    let data = base64::prelude::BASE64_STANDARD.encode(PNG);
    let source = json!({"type": "base64", "media_type": "image/png", "data": data});
    assert_eq!(blocks[2], json!({"type": "image", "source": source}));
    for (index, kind, media_type) in [
        (5, "image", "image/jpeg"),
        (8, "image", "image/gif"),
        (11, "image", "image/webp"),
        (13, "document", "application/pdf"),
    ] {
        assert_eq!(blocks[index]["type"], kind);
        assert_eq!(blocks[index]["source"]["media_type"], media_type);
    }
    assert_eq!(blocks[14], json!({"type": "text", "text": "What is this?"}));
}

#[test]
fn recognizes_a_pdf_with_something_in_front_by_its_signature() {
    let late =
        |distance: usize, rest: &[u8]| [&vec![b' '; distance], &b"%PDF-1.4"[..], rest].concat();
    for (bytes, kind) in [
        (late(1, b"\xff 1 0 obj\0"), "document"),
        (late(1019, b"\xff 1 0 obj\0"), "document"),
        // text that names the signature
        (late(1, b" 1 0 obj"), "text"),
        (late(1020, b"\xff 1 0 obj"), "text"),
        (late(1, b"\xff is a sign"), "text"),
    ] {
        let folder = folder().with("x", bytes).with("g", "GIF89a\0");
        let body = anyask(["-q", "-fg", "-fx", "hi"]).in_dir(&folder).dry_run();
        assert_eq!(body["messages"][0]["content"][3]["type"], kind);
    }
}

#[test]
fn reads_text_with_a_byte_order_mark() {
    let folder = folder()
        .with("utf8", "\u{feff}one\n")
        .with("utf16", b"\xFE\xFF\0t\0w\0o\0\n")
        .with("headers", "\u{feff}x-team: ci\n");
    let body = anyask(["-futf8", "-futf16", "--system-file=utf8", "-H@headers", "hi"])
        .in_dir(&folder)
        .dry_run();
    assert_eq!(body["system"], "one\n");
    assert_eq!(
        body["messages"][0]["content"],
        "<document path=\"utf8\">\none\n</document>\n<document path=\"utf16\">\ntwo\n</document>\n\nhi"
    );
}

#[test]
fn refuses_a_file_that_cannot_be_sent_before_anything_is() {
    let folder = with_files();
    for (file, why, status) in [
        ("nowhere", "cannot read nowhere: No such file or directory\n", 1),
        (
            ".",
            "cannot read .: Is a directory\nhint: add the files in it with find DIR -type f | anyask --files-from -\n",
            1,
        ),
        (
            "https://example.com/a.txt",
            "cannot read https://example.com/a.txt: No such file or directory\n\
             hint: download it with curl -sSL URL | anyask -f -\n",
            1,
        ),
        ("empty", "empty is empty\nhint: leave it out if it is meant to be empty\n", 2),
        ("elf", "elf is binary: it has a NUL byte near its start\n", 2),
    ] {
        anyask(["--mock", "-f", "a.txt", "-f", file, "hi"])
            .in_dir(&folder)
            .mentions(&format!("anyask: {why}"))
            .exits(status);
    }
}

#[test]
fn replaces_and_counts_bytes_that_are_not_utf8() {
    anyask(["--mock", "-f", "latin1"])
        .in_dir(&with_files())
        .prints("<document path=\"latin1\">\ncaf\u{fffd}\n</document>\n")
        .says(&replaced(1, "prompt (first in latin1)"))
        .exits(0);
}

#[test]
fn refuses_files_over_32_mib_in_all() {
    let half = folder().with("a", vec![b'a'; 17 << 20]).with("b", vec![b'b'; 17 << 20]);
    anyask(["--mock", "--files-from", "-", "hi"])
        .in_dir(&half)
        .stdin("a\nb\n")
        .says("anyask: standard input:2: the files are larger than 32 MiB, the most that the API takes\nhint: send less at a time\n")
        .exits(2);
    let folder = folder().with("large", [PNG, &vec![0; 25 << 20]].concat());
    anyask(["--mock", "-f", "large", "hi"])
        .in_dir(&folder)
        .says("anyask: the request is 33.4 MiB, larger than 32 MiB, the most that the API takes\nhint: send less at a time\n")
        .exits(2);
}

#[cfg(unix)]
#[test]
fn reads_standard_input_by_any_of_its_names() {
    for name in ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let document = "<document path=\"-\">\npiped\n</document>\n\nhi";
        assert_eq!(content(anyask(["-f", name, "hi"]).stdin("piped")), document);
        let body = anyask(["--system-file", name, "hi"]).stdin("piped").dry_run();
        // what is read for one flag is not read for the prompt
        assert_eq!(
            (&body["system"], &body["messages"][0]["content"]),
            (&"piped".into(), &"hi".into())
        );
        let run = anyask(["-H", &format!("@{name}"), "--mock", "-v", "hi"]).stdin("x-team: ci");
        run.prints("hi\n").mentions("> x-team: [redacted]\n").exits(0);
        let field = format!("x=@{name}");
        assert_eq!(anyask(["--set", &field, "hi"]).stdin("[1]").dry_run()["x"], json!([1]));
        assert_eq!(content(anyask(["--prompt-file", name]).stdin("piped")), "piped");
        let document = "<document path=\"a.txt\">\none\n</document>\n\nhi";
        assert_eq!(content(anyask(["--files-from", name, "hi"]).stdin("a.txt")), document);
        let items = format!("--batch={name}");
        let row = anyask([&items, "--mock", "-q", "hi"]).stdin("item").json();
        assert_eq!(row["text"], "item\n\nhi");
    }
}

#[test]
fn reads_standard_input_only_once() {
    for args in [
        &["-f", "-", "-f", "-"][..],
        &["-f", "-", "-f", "/dev/stdin"],
        &["-f", "-", "-"],
        &["--system-file", "-", "-H", "@-", "hi"],
        &["--files-from", "-", "--prompt-file", "/dev/stdin"],
        &["--set", "x=@-", "-"],
        &["--api-key-file", "/dev/fd/0", "-"],
        &["--batch", "--api-key-file", "-"],
    ] {
        let run = anyask(["--mock"]).args(args).stdin("x");
        run.says("anyask: standard input can be read only once\n").exits(2);
    }
    anyask(["--mock", "-f-", "--no-stdin", "hi"])
        .says("anyask: --file - cannot be used with --no-stdin\n")
        .exits(2);
    anyask(["--curl", "-H@-", "hi"])
        .stdin("x-a: 1")
        .says(
            "anyask: --header @- cannot be used with --curl\n\
             hint: use --header @FILE, which the command can read again\n",
        )
        .exits(2);
}

#[test]
fn sends_a_picture_from_standard_input() {
    let body = anyask(["-f-", "what?"]).stdin(PNG).dry_run();
    assert_eq!(body["messages"][0]["content"][0]["source"]["media_type"], "image/png");
}

#[test]
fn refuses_empty_standard_input_where_a_file_is_wanted() {
    anyask(["--dry-run", "-f-", "what?"])
        .says("anyask: standard input is empty\nhint: leave it out if it is meant to be empty\n")
        .exits(2);
}
