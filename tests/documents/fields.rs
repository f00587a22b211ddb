//! The fields of the files that the program writes: the list in the man page, and a test that real files keep to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::harness::{Folder, Server, answer, anyask, error_body, folder, http};

/// What the man page says before the list.
pub const PROMISE: &str = "Each line of these files is a JSON object. Later versions may add fields, but they neither rename nor remove one, and the types stay. A field is in every line, unless its description begins with Only. What is inside data, usage, response, request and content is the server's or yours.";

/// A field, its types, and what it is.
type Field = (&'static str, &'static str, &'static str);

/// Each kind of file and its fields, as the man page lists them.
pub const KINDS: [(&str, &[Field]); 4] = [
    (
        "Results",
        &[
            ("line", "number", "The line of the item when it was asked."),
            ("id", "number, string or null", "The id of the item."),
            (
                "data",
                "object, array, string, number or boolean",
                "Only if the item has data: its data.",
            ),
            (
                "key",
                "string or null",
                "The digest of the request as in recordings; null if the item is no request.",
            ),
            ("asked", "string", "Only with --fallback: the model that was asked last."),
            ("text", "string", "Only in an answer: its text."),
            ("stop_reason", "string or null", "Only in an answer: why it ended."),
            ("model", "string or null", "Only in an answer: the model, by the server's name."),
            ("usage", "object", "Only in an answer: its tokens, as the server counted them."),
            ("response", "object", "Only in an answer under --json: the server's JSON."),
            (
                "cost",
                "number or null",
                "The estimated cost of all its requests in dollars; null if no --price fits the model or the server counted no tokens.",
            ),
            ("error", "object", "Only if the item failed: why."),
            ("error.exit", "number", "The exit status that the item has as a single question."),
            ("error.status", "number or null", "The HTTP status of the last answer."),
            ("error.message", "string", "What a single question prints on standard error."),
            ("error.hint", "string", "Only if there is something to do about it: the hint."),
            (
                "error.text",
                "string",
                "Only if it did not pass --check, CMD could not judge it, or it is too long to be recorded: the last answer.",
            ),
        ],
    ),
    (
        "Log",
        &[
            ("time", "string", "The end of the question, such as 2026-11-25T12:00:00Z."),
            ("host", "string", "The host and the port of the server."),
            ("model", "string", "The model that answered, or else the one that was asked."),
            ("status", "number or null", "The HTTP status of the last answer."),
            ("request_id", "string or null", "The server's id of the request."),
            ("stop_reason", "string or null", "Why the answer ended."),
            ("input_tokens", "number or null", "Tokens in, cached ones included."),
            ("output_tokens", "number or null", "Tokens out."),
            (
                "cost",
                "number or null",
                "The estimated cost of all requests in dollars; 0 if it was replayed, null if no --price fits the model or the server counted no tokens.",
            ),
            ("credits", "number or null", "Dollars left."),
            ("requests_left", "number or null", "Requests left in the window of the rate limit."),
            ("requests_limit", "number or null", "All requests of the window."),
            ("limit_resets", "string or null", "The end of the window, in the form of time."),
            ("attempts", "number", "How often the last model was asked for the last answer."),
            ("requests", "number", "All requests for the question."),
            ("seconds", "number", "How long the question took."),
            (
                "exit",
                "number",
                "The exit status; of an item of a batch, the one that it has as a single question.",
            ),
            ("replayed", "boolean", "Only if the answer was replayed: true."),
            ("line", "number", "Only in a batch: the line of the item, as in its result."),
        ],
    ),
    (
        "Recordings",
        &[
            ("key", "string", "The digest of request."),
            ("time", "string", "When the answer was recorded."),
            (
                "request",
                "object",
                "The request without stream; max_tokens is 4096 if it was not given.",
            ),
            ("content_type", "string or null", "The content type of the answer."),
            ("body", "string", "The body of the answer."),
        ],
    ),
    (
        "Conversations",
        &[
            ("role", "string", "system on the first line, user, or assistant."),
            ("content", "string or array", "The text, or the content blocks."),
        ],
    ),
];

/// The fields whose inside is not the program's.
const OPEN: [&str; 4] = ["data", "usage", "response", "request"];

/// The types that a field has.
type Types = BTreeSet<String>;

/// The fields of one kind of file by the man page: their types, and whether every line has them.
fn listed(page: &str, kind: &str) -> BTreeMap<String, (Types, bool)> {
    let (_, list) = page.split_once(&format!(".SS {kind}\n")).expect("the kind");
    let list = list.split("\n.S").next().expect("the list");
    let field = |field: &str| {
        let (name, rest) = field.strip_prefix("\\fB")?.split_once("\\fR\n")?;
        let (types, meaning) = rest.split_once(": ")?;
        let types = types.replace(" or ", ", ").split(", ").map(Into::into).collect();
        Some((name.into(), (types, !meaning.starts_with("Only"))))
    };
    list.split(".TP\n").skip(1).map(|lines| field(lines).expect(lines)).collect()
}

/// The fields of an object and their types. What is inside a field has its name in front: `error.exit`.
fn fields(object: &Value, start: &str) -> BTreeMap<String, &'static str> {
    let mut fields = BTreeMap::new();
    for (name, value) in object.as_object().expect("an object") {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let path = format!("{start}{name}");
        if value.is_object() && !OPEN.contains(&&**name) {
            fields.extend(self::fields(value, &format!("{path}.")));
        }
        fields.insert(path, kind);
    }
    fields
}

/// A folder with a file of each kind, in which every field has every one of its types.
fn real_files() -> Folder {
    let items = "full\n{\"prompt\":\"bare\",\"id\":7,\"data\":null}\n{\"prompt\":\"no\",\"id\":\"a\",\"data\":[1]}\n\
                 {\"id\":\"no prompt\",\"data\":{\"x\":1}}\n{\"prompt\":\"one\",\"data\":\"x\"}\n\
                 {\"prompt\":\"two\",\"data\":1}\n{\"prompt\":\"three\",\"data\":true}\nreject\n";
    let folder = folder().with("items", items).with("p.png", b"\x89PNG\r\n\x1a\n\0");
    let headers = [
        "content-type: application/json",
        "request-id: req_1",
        "x-remaining-credits: 45.23",
        "x-ratelimit-limit: 60",
        "x-ratelimit-remaining: 59",
        "x-ratelimit-reset: 1640995200",
    ];
    let server = Server::handling(move |_, request| match &*request.prompt() {
        "bare" => {
            http("200 OK", &[], json!({"content": [{"type": "text", "text": "a"}]}).to_string())
        }
        "no" => http("400 No", &[], error_body("invalid_request_error", "max_tokens")),
        prompt => http("200 OK", &headers, answer(prompt)),
    });
    let run = |args: &[&str]| anyask(["-q", "--log=log"]).args(args).in_dir(&folder);
    run(&["--batch=items", "--json", "--fallback=other", "-oresults", "--record=recordings"])
        .args(&["--check=! grep -q reject", "--check-retries=0", "--price=3,15"])
        .at(&server)
        .mentions("3 items failed")
        .exits(12);
    run(&["--replay=recordings", "full"]).prints("full\n").exits(0);
    let closing = Server::new(vec![vec![]]);
    run(&["--retries=0", "hi"]).at(&closing).mentions("closed the connection").exits(9);
    run(&["--mock", "--chat=chat", "-s", "Be brief", "hi"]).prints("hi\n").exits(0);
    run(&["--mock", "--chat=chat", "-f", "p.png"]).prints("[image]\n").exits(0);
    folder
}

#[test]
fn files_have_the_fields_of_the_man_page_and_no_others() {
    let page = anyask(["--generate", "man"]).output();
    let folder = real_files();
    for ((kind, _), file) in KINDS.iter().zip(["results", "log", "recordings", "chat"]) {
        let listed = listed(&page, kind);
        let mut seen: BTreeMap<String, Types> = BTreeMap::new();
        for line in folder.json_lines(file) {
            let fields = fields(&line, "");
            let has = |name: &str| fields.contains_key(name);
            for (name, (_, is_always)) in &listed {
                let parent = name.split_once('.').map(|(parent, _)| parent);
                let may_lack = !is_always || parent.is_some_and(|parent| !has(parent));
                assert!(has(name) || may_lack, "{kind}: {name} is not in {line}");
            }
            for (name, kind) in fields {
                seen.entry(name).or_default().insert(kind.into());
            }
        }
        let listed = listed.into_iter().map(|(name, (types, _))| (name, types));
        assert_eq!(seen, listed.collect(), "{kind}");
    }
}
