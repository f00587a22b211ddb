//! Pictures and PDFs keep their names, and a refusal names the one that it is about.

use serde_json::{Value, json};

use crate::harness::{Events, Folder, Run, Server, anyask, error_body, folder, http, json_lines};

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
        // one file, twice
        (anyask(["-fb.png", "-f./b.png", "hi"]), json!(["image", "hi"])),
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

/// Asks a server that refuses the request with these words, and checks what the hint names.
#[track_caller]
fn refused(args: &[&str], words: &str, folder: &Folder, name: Option<&str>) {
    let server = Server::once(http("400 No", &[], error_body("invalid_request_error", words)));
    let error =
        format!("{} refused the request (400 invalid_request_error): {words}", server.host());
    let hint = name.map_or(String::new(), |name| format!("hint: check {name}\n"));
    let run = anyask(["hi"]).args(args).in_dir(folder).at(&server);
    run.says(&format!("anyask: {error}\n{hint}")).exits(4);
}

#[test]
fn a_refusal_names_the_file_that_it_is_about() {
    let folder = with_files();
    let files = ["-fa \"1\".png", "-fb.png", "-fc.pdf"];
    let pictures = "a \"1\".png, b.png";
    for (words, name) in [
        ("messages.0.content.1.image.source.base64: image exceeds 5 MB", "a \"1\".png"),
        ("messages.0.content.4.image.source.base64.data: over 8000 pixels", "b.png"),
        ("messages[0].content[6]: password protected", "c.pdf"),
        ("Could not process image", pictures),
        ("The PDF specified was not valid", "c.pdf"),
        ("messages.0.content.0.text: Could not process image", pictures),
    ] {
        refused(&files, words, &folder, Some(name));
    }
    for words in [
        "messages.0.content.7: no",
        "messages.9.content.1: no",
        "messages.0.content.99: no",
        "tools: no",
        "messages: no",
    ] {
        refused(&files, words, &folder, None);
    }
    for words in ["Could not process image", "messages.0.content.0: no"] {
        refused(&["-fb.png"], words, &folder, Some("b.png"));
    }
}

#[test]
fn a_refusal_names_one_of_many_pictures() {
    let names: Vec<String> = (0..150).map(|number| format!("{number}.png")).collect();
    let folder = folder().with("list", names.join("\n"));
    for name in names {
        folder.write(&name, [PNG, name.as_bytes()].concat());
    }
    let list = ["--files-from=list"];
    refused(&list, "messages.0.content.301.image.source: no", &folder, Some("100.png"));
    let all = "0.png, 1.png, 2.png and 147 others";
    refused(&list, "Could not process image", &folder, Some(all));
}

#[test]
fn a_refusal_in_a_stream_names_the_file_too() {
    let folder = with_files();
    let error = error_body("invalid_request_error", "messages.0.content.0: no");
    let server = Server::once(Events::new().error(&error).http());
    let run = anyask(["-fb.png", "hi"]).at(&server).in_dir(&folder);
    run.mentions("\nhint: check b.png\n").exits(4);
}

#[test]
fn a_refusal_names_the_line_of_the_conversation() {
    let picture = r#"[{"type":"image","source":{}},{"type":"text","text":"one"}]"#;
    let chat = format!(
        "{{\"role\":\"system\",\"content\":\"Be brief\"}}\n\n{{\"role\":\"user\",\"content\":{picture}}}\n\
         {{\"role\":\"assistant\",\"content\":\"ok\"}}\n"
    );
    let folder = with_files().with("chat", chat);
    for (words, name) in [
        ("messages.0.content.0.image: no", "chat:3"),
        ("messages.1.content: text must not be empty", "chat:4"),
        ("messages.2.content.0.image: no", "b.png"),
        ("Could not process image", "b.png, chat:3"),
    ] {
        refused(&["--chat=chat", "-fb.png"], words, &folder, Some(name));
    }
    refused(&["--chat=chat"], "Could not process image", &folder, Some("chat:3"));
}

#[test]
fn a_refused_item_of_a_batch_names_the_file_in_its_result() {
    let folder = with_files();
    let words = "messages.0.content.1.image.source: no";
    let server = Server::handling(move |_, _| {
        http("400 No", &[], error_body("invalid_request_error", words))
    });
    let run = anyask(["--batch", "-q", "-fb.png", "-fe.txt"]).at(&server).in_dir(&folder);
    let rows = run.stdin("one\ntwo\n").prints_something().mentions("2 items failed").exits(12);
    for row in json_lines(&rows) {
        assert_eq!(row["error"]["hint"], "check b.png");
    }
}
