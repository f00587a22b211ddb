//! Pictures and PDFs keep their names.

use serde_json::{Value, json};

use crate::harness::{Folder, Run, anyask, folder, json_lines};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n\0";

fn with_files() -> Folder {
    folder()
        .with("a \"1\".png", PNG)
        .with("b.png", [PNG, b"b"].concat())
        .with("c.pdf", PDF)
        .with("d.pdf", [PDF, b"d"].concat())
        .with("e.txt", "one\n")
}

/// The content of the last message of a request, with `image` for a picture, and a PDF's title.
fn content(run: Run, folder: &Folder) -> Value {
    let body = run.in_dir(folder).dry_run();
    let messages = body["messages"].as_array().expect("messages");
    short(&messages.last().expect("a message")["content"])
}

fn short(content: &Value) -> Value {
    let Some(blocks) = content.as_array() else { return content.clone() };
    let short = blocks.iter().map(|block| match block["type"].as_str() {
        Some("text") => block["text"].clone(),
        Some("document") => json!({ "pdf": block["title"] }),
        _ => block["type"].clone(),
    });
    short.collect()
}

const BEGIN_A: &str = "<document path=\"a &quot;1&quot;.png\">";
const BEGIN_B: &str = "<document path=\"b.png\">";
const END: &str = "</document>";
const TEXT: &str = "<document path=\"e.txt\">\none\n</document>\n";

#[test]
fn several_files_are_sent_with_their_names() {
    let folder = with_files();
    for (args, expected) in [
        (
            &["-fa \"1\".png", "-fb.png"][..],
            json!([BEGIN_A, "image", END, BEGIN_B, "image", END, "hi"]),
        ),
        (&["-fc.pdf", "-fd.pdf"], json!([{"pdf": "c.pdf"}, {"pdf": "d.pdf"}, "hi"])),
        (&["-fb.png", "-fe.txt"], json!([BEGIN_B, "image", END, format!("{TEXT}\nhi")])),
        (
            &["-fe.txt", "-fb.png", "-fc.pdf"],
            json!([TEXT, BEGIN_B, "image", END, {"pdf": "c.pdf"}, "hi"]),
        ),
    ] {
        assert_eq!(content(anyask(["hi"]).args(args), &folder), expected);
    }
    let listed = anyask(["--files-from", "-", "hi"]).stdin("b.png\nc.pdf\n");
    assert_eq!(content(listed, &folder), json!([BEGIN_B, "image", END, {"pdf": "c.pdf"}, "hi"]));
    // standard input is one of the files
    let stdin = || anyask(["-fb.png", "hi"]).stdin(PNG);
    let dash = "<document path=\"-\">";
    let expected = json!([BEGIN_B, "image", END, dash, "image", END, "hi"]);
    assert_eq!(content(stdin(), &folder), expected);
    assert_eq!(content(stdin().arg("-f-"), &folder), expected);
    let pdf = anyask(["-fe.txt", "hi"]).stdin(PDF);
    assert_eq!(content(pdf, &folder), json!([TEXT, {"pdf": "-"}, "hi"]));
}

#[test]
fn a_single_file_is_sent_as_it_is() {
    let folder = with_files();
    for (run, expected) in [
        (anyask(["-fb.png", "hi"]), json!(["image", "hi"])),
        (anyask(["-fc.pdf", "hi"]), json!([{ "pdf": null }, "hi"])),
        (anyask(["-fe.txt", "hi"]), json!(format!("{TEXT}\nhi"))),
        (anyask(["hi"]).stdin(PNG), json!(["image", "hi"])),
        // text on standard input is no file
        (anyask(["-fb.png", "hi"]).stdin("piped"), json!(["image", "piped\n\nhi"])),
    ] {
        assert_eq!(content(run, &folder), expected);
    }
}

#[test]
fn names_are_sent_in_batches_conversations_and_by_profiles() {
    let folder = with_files();
    let named = |words: &str| json!([BEGIN_B, "image", END, {"pdf": "c.pdf"}, words]);
    let files = ["-fb.png", "-fc.pdf"];
    let items = "one\n{\"messages\":[{\"role\":\"user\",\"content\":\"two\"}]}\n";
    let run = anyask(["--batch", "--dry-run", "hi"]).args(&files).in_dir(&folder).stdin(items);
    let bodies = json_lines(&run.output());
    assert_eq!(short(&bodies[0]["messages"][0]["content"]), named("one\n\nhi"));
    assert_eq!(short(&bodies[1]["messages"][1]["content"]), named("hi"));
    let ask =
        |words: &str| anyask(["--chat", "chat", "--mock", words]).args(&files).in_dir(&folder);
    ask("one").prints_something().exits(0);
    assert_eq!(short(&folder.json_lines("chat")[0]["content"]), named("one"));
    let body = ask("two").dry_run();
    assert_eq!(short(&body["messages"][0]["content"]), named("one"));
    assert_eq!(short(&body["messages"][2]["content"]), named("two"));
    folder.write("anyask/profiles/p", "--file x.png\n--file ../../c.pdf\n");
    folder.write("anyask/profiles/x.png", PNG);
    let run = anyask(["-p", "p", "hi"]).env("XDG_CONFIG_HOME", &folder.name(""));
    let content = content(run, &folder);
    let text = content[0].as_str().expect("a text");
    assert!(text.ends_with("/anyask/profiles/x.png\">"), "{content}");
    assert!(content[3]["pdf"].as_str().is_some_and(|title| title.ends_with("c.pdf")), "{content}");
}
