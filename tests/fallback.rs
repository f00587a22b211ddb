//! `--fallback`: another model is asked where one fails.

use serde_json::Value;

use crate::harness::{
    Events, Received, Server, answer, anyask, error_body, folder, http, json_answer, json_lines,
};

/// Answers with the name of the model, but refuses `bad` ones with this status.
fn refusing(status: &'static str, headers: &'static [&str]) -> Server {
    Server::handling(move |_, request| {
        if model(request).starts_with("bad") {
            return http(status, headers, error_body("api_error", "no"));
        }
        json_answer(&answer(&model(request)))
    })
}

fn model(request: &Received) -> String {
    request.json()["model"].as_str().expect("a model").into()
}

fn asked(server: &Server) -> String {
    server.received().iter().map(model).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_next_model_is_asked_where_one_fails() {
    let folder = folder();
    let server = refusing("503 Service Unavailable", &[]);
    let host = server.host();
    anyask(["-m", "bad1", "--fallback", "bad2", "--fallback", "good", "--fallback", "never"])
        .args(&["--retries=1", "--retry-delay=0", "--log=log", "--price=9,9", "--price=goo=1,2"])
        .args(&["-u", "--strict", "hi"])
        .in_dir(&folder)
        .at(&server)
        .prints("good\n")
        .says(&format!(
            "anyask: note: {host} failed (503 api_error): no; try 2 of 2 now\n\
             anyask: note: {host} failed (503 api_error): no; asking the fallback bad2\n\
             anyask: note: {host} failed (503 api_error): no; try 2 of 2 now\n\
             anyask: note: {host} failed (503 api_error): no; asking the fallback good\n\
             anyask: usage: 12 tokens in, 25 tokens out, 37 in total, about $0.000062\n"
        ))
        .exits(0);
    assert_eq!(asked(&server), "bad1 bad1 bad2 bad2 good");
    let mut bodies: Vec<Value> = server.received().iter().map(Received::json).collect();
    for body in &mut bodies {
        body["model"] = "same".into();
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let log = &folder.json_lines("log")[0];
    assert_eq!((&log["attempts"], &log["requests"]), (&1.into(), &5.into()));
    assert_eq!(log["cost"], 0.000_062);
}

#[test]
fn the_failure_of_the_last_model_counts() {
    let server = refusing("529 ", &[]);
    anyask(["-m", "bad1", "--fallback", "bad2", "-q", "--retries=0", "hi"])
        .at(&server)
        .says(&format!("anyask: {} failed (529 api_error): no\n", server.host()))
        .exits(8);
    assert_eq!(asked(&server), "bad1 bad2");
}

#[test]
fn asks_another_model_only_where_it_may_do_better() {
    for (status, falls_back) in [
        ("404 Not Found", true),
        ("429 Too Many Requests", true),
        ("500 Internal Server Error", true),
        ("400 Bad Request", false),
        ("401 Unauthorized", false),
        ("402 Payment Required", false),
        ("413 Content Too Large", false),
    ] {
        let server = refusing(status, &[]);
        let run = anyask(["-q", "-m", "bad", "--fallback=good", "--retries=0", "hi"]).at(&server);
        if falls_back {
            run.prints("good\n").exits(0);
        } else {
            run.mentions(status.split(' ').next().expect("a status")).exits_with_one_of(&[4, 5, 6]);
        }
        assert_eq!(asked(&server), if falls_back { "bad good" } else { "bad" }, "{status}");
    }
    // an error may come as an event, too
    for (kind, falls_back) in [("overloaded_error", true), ("authentication_error", false)] {
        let server = Server::handling(move |_, request| {
            if model(request) == "good" {
                return json_answer(&answer("good"));
            }
            Events::bare().error(&error_body(kind, "no")).sized()
        });
        let run = anyask(["-q", "-m", "bad", "--fallback=good", "--retries=0", "hi"]).at(&server);
        if falls_back {
            run.prints("good\n").exits(0);
        } else {
            run.mentions(kind).exits(5);
        }
    }
}

#[test]
fn a_broken_answer_or_connection_asks_no_other_model() {
    for (script, args, status) in [
        (vec![], &["-q"][..], 9),
        (json_answer("{}"), &["-q"], 10),
        (Events::bare().http(), &["-q"], 10),
        (json_answer(&answer("no code")), &["-q", "-x"], 10),
    ] {
        let server = Server::once(script);
        let run = anyask(["--fallback=good", "--retries=0", "hi"]).args(args).at(&server);
        run.mentions("anyask: ").exits(status);
        assert_eq!(server.requests(), 1);
    }
    let server = Server::once(Events::new().text("ok").stop("max_tokens").http());
    let run = anyask(["-q", "--fallback=good", "--strict", "hi"]).at(&server);
    run.prints("ok\n").mentions("stopped short").exits(11);
}

#[test]
fn does_not_ask_another_model_once_text_has_arrived() {
    let error = r#"{"type":"error","error":{"type":"overloaded_error"}}"#;
    let server = Server::once(Events::new().text("one ").error(error).http());
    anyask(["--fallback=good", "hi"])
        .at(&server)
        .prints("one \n")
        .mentions("overloaded_error")
        .exits(8);
    assert_eq!(server.requests(), 1);
}

#[test]
fn too_long_a_wait_asks_another_model_at_once() {
    let server = refusing("429 Too Many Requests", &["retry-after: 3600"]);
    anyask(["-m", "bad", "--fallback=good", "hi"])
        .at(&server)
        .prints("good\n")
        .mentions("it asks to wait 60 min, longer than --max-wait 60; asking the fallback good")
        .exits(0);
    assert_eq!(asked(&server), "bad good");
    // side by side as well, where one wait holds for all
    let server = refusing("429 Too Many Requests", &["retry-after: 3600"]);
    let printed = anyask(["--batch", "-q", "-m", "bad", "--fallback=good"])
        .stdin("1\n2\n3\n4\n5\n6\n")
        .at(&server)
        .output();
    assert!(json_lines(&printed).iter().all(|row| row["text"] == "good"), "{printed}");
}

#[test]
fn a_batch_no_longer_asks_a_model_first_that_keeps_failing() {
    let server = refusing("500 Internal Server Error", &[]);
    let items = "1\n{\"id\":2,\"prompt\":\"x\",\"model\":\"good2\"}\n3\n4\n5\n";
    let printed =
        anyask(["--batch", "-j1", "-k", "-m", "bad", "--fallback=good", "--retries=0", "hi"])
            .stdin(items)
            .at(&server)
            .matches("(anyask: note: line [13]: [^\n]*; asking the fallback good\n){2}[^\n]*\n")
            .output();
    assert_eq!(asked(&server), "bad good good2 bad good good good");
    let rows = json_lines(&printed);
    let asked: Vec<_> = rows.iter().map(|row| row["asked"].as_str().expect("a model")).collect();
    assert_eq!(asked, ["good", "good2", "good", "good", "good"]);
    // the server has a name of its own for all of them
    assert!(rows.iter().all(|row| row["model"] == "m"), "{printed}");
    // the key is that of the item as asked first
    let alone = anyask(["--batch", "-q", "-k", "-m", "bad", "--mock", "hi"]).stdin(items).output();
    let keys = |rows: &[Value]| rows.iter().map(|row| row["key"].to_string()).collect::<Vec<_>>();
    assert_eq!(keys(&rows), keys(&json_lines(&alone)));
    assert!(json_lines(&alone).iter().all(|row| row.get("asked").is_none()));
}

#[test]
fn any_model_may_be_a_fallback() {
    for flag in ["--fallback", "--model"] {
        anyask(["hi", flag]).says(&format!("anyask: {flag} <ID> needs a value\n")).exits(2);
    }
}
