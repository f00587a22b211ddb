//! `--cache`: what stays the same is marked, so that the server caches it.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Gate, Run, Server, answer, anyask, folder, http, json_answer, json_lines};

const NOTHING: &str = "anyask: --cache needs a system prompt or files\n\
                       hint: use --system or --file for what stays the same\n";

fn mark() -> Value {
    json!({"type": "ephemeral"})
}

fn cached(args: &[&str]) -> Run {
    anyask(["--cache"]).args(args)
}

#[test]
fn the_last_block_of_system_prompt_and_files_is_marked() {
    let folder = folder().with("a", "one\n").with("p.png", b"\x89PNG\r\n\x1a\n\0");
    let body = |args: &[&str]| {
        let body = cached(args).arg("hi").in_dir(&folder).dry_run();
        (body["system"].clone(), body["messages"][0]["content"].clone())
    };
    let file = "<document path=\"a\">\none\n</document>\n";
    let image = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoA"});
    let words = json!({"type": "text", "text": "hi"});
    assert_eq!(
        body(&["-s", "Be brief"]),
        (json!([{"type": "text", "text": "Be brief", "cache_control": mark()}]), json!("hi"))
    );
    assert_eq!(
        body(&["-s", "Be brief", "-f", "a"]),
        (
            json!([{"type": "text", "text": "Be brief"}]),
            json!([{"type": "text", "text": file, "cache_control": mark()}, words])
        )
    );
    assert_eq!(
        body(&["-f", "a", "-f", "p.png"]),
        (
            Value::Null,
            json!([
                {"type": "text", "text": file},
                {"type": "text", "text": "<document path=\"p.png\">"},
                {"type": "image", "source": image, "cache_control": mark()},
                {"type": "text", "text": "</document>"},
                words
            ])
        )
    );
}

#[test]
fn standard_input_comes_after_what_is_cached() {
    let folder = folder().with("a", "one\n");
    let body = cached(&["-f", "a", "hi"]).stdin("material").in_dir(&folder).dry_run();
    let last = json!({"type": "text", "text": "material\n\nhi"});
    assert_eq!(body["messages"][0]["content"][1], last);
}

#[test]
fn without_system_prompt_and_files_there_is_nothing_to_cache() {
    let folder = folder().with("items", "one\n").with("list", "");
    // even without a key
    for args in
        [&["hi"][..], &["--batch=items"], &["--batch=items", "--dry-run"], &["--curl", "hi"]]
    {
        cached(args).in_dir(&folder).says(NOTHING).exits(2);
    }
    cached(&["--files-from=list", "-q", "hi"]).in_dir(&folder).stdin("x").says(NOTHING).exits(2);
    cached(&["-c", "chat", "--mock", "hi"]).in_dir(&folder).says(NOTHING).exits(2);
}

#[test]
fn a_conversation_keeps_no_marks() {
    let folder = folder().with("a", "one\n");
    let server = Server::echo();
    for question in ["two", "three"] {
        let run = cached(&["-c", "chat", "-s", "Be brief", "-f", "a", question]);
        run.in_dir(&folder).at(&server).prints_something().exits(0);
    }
    assert!(!folder.read("chat").contains("cache_control"));
    let body = server.received()[1].json();
    assert_eq!(body.to_string().matches("cache_control").count(), 1);
    assert_eq!(body["messages"][2]["content"][0]["cache_control"], mark());
}

#[test]
fn after_messages_of_an_item_only_the_system_prompt_is_cached() {
    let items = r#"{"messages":[{"role":"user","content":"one"}]}"#;
    let folder = folder().with("items", items).with("a", "one\n");
    let run = |args: &[&str]| {
        cached(args).args(&["--batch=items", "-f", "a"]).in_dir(&folder).dry_run().to_string()
    };
    assert!(!run(&[]).contains("cache_control"));
    let system = r#""system":[{"type":"text","text":"Be brief","cache_control":"#;
    let body = run(&["-s", "Be brief"]);
    assert!(body.contains(system) && body.matches("cache_control").count() == 1, "{body}");
}

/// The server takes four marks at most, and its own order of their times.
#[test]
fn beside_marks_of_the_user_there_are_no_others() {
    let block = r#"{"type":"text","text":"one","cache_control":{"type":"ephemeral","ttl":"1h"}}"#;
    let item = format!("{{\"messages\":[{{\"role\":\"user\",\"content\":[{block}]}}]}}");
    let run = cached(&["--batch", "-s", "Be brief"]).stdin(item);
    let body = run.dry_run().to_string();
    assert!(body.contains(block) && body.matches("cache_control").count() == 1, "{body}");
}

#[test]
fn an_item_without_a_system_prompt_is_asked_uncached() {
    let server = Server::echo();
    let item = r#"{"prompt":"one","system":""}"#;
    let run = cached(&["--batch", "-q", "-s", "Be brief"]).stdin(item).at(&server);
    assert_eq!(json_lines(&run.prints_something().exits(0))[0]["text"], "one");
    assert!(!String::from_utf8_lossy(&server.request().body).contains("cache_control"));
}

#[test]
fn the_first_item_goes_alone_whatever_its_end() {
    let refused = (
        "anyask: 1 item failed\nhint: write the results to -o FILE, and --resume can ask them again\n",
        12,
    );
    for (first, (said, status)) in
        [(http("400 No", &[], ""), refused), (json_answer(&answer("ok")), ("", 0))]
    {
        let (sender, others) = channel();
        let (others, together) = (Mutex::new(others), Gate::new(3));
        let asked_too_early = Arc::new(Mutex::new(Vec::new()));
        let early = Arc::clone(&asked_too_early);
        let server = Server::handling(move |number, request| {
            if number == 0 {
                // that nothing comes can only be tested by time
                let other =
                    others.lock().expect("the others").recv_timeout(Duration::from_millis(300));
                early.lock().expect("a list").extend([other.ok(), Some(request.prompt())]);
                return first.clone();
            }
            drop(sender.send(request.prompt()));
            together.wait();
            json_answer(&answer(&request.prompt()))
        });
        let rows = anyask(["--batch", "--cache", "-q", "-k", "-s", "Be brief", "-j3"])
            .at(&server)
            .stdin("1\n2\n3\n4\n")
            .prints_something()
            .says(said)
            .exits(status);
        assert_eq!(json_lines(&rows).len(), 4);
        assert_eq!(*asked_too_early.lock().expect("a list"), [None, Some("1".into())]);
    }
}

#[test]
fn cached_tokens_are_shown_and_their_price_is_counted() {
    let usage = json!({
        "input_tokens": 10, "output_tokens": 1,
        "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 100,
    });
    let content = json!([{"type": "text", "text": "ok"}]);
    let body = json!({"content": content, "stop_reason": "end_turn", "usage": usage});
    // 10 tokens at $1, 1,000 at $0.10, 100 at $1.25, and 1 at $2
    cached(&["-u", "--price=1e6,2e6", "-s", "Be brief", "hi"])
        .at(&Server::once(json_answer(&body.to_string())))
        .prints("ok\n")
        .says(
            "anyask: usage: 1,110 tokens in (1,000 cached), 1 token out, 1,111 in total, \
             about $237.0000\n",
        )
        .exits(0);
}
