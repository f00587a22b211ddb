//! What servers send instead of an answer, or of a part of one.

use std::time::SystemTime;

use serde_json::value::RawValue;

use super::sse;
use crate::api::error::attempt::{AttemptError, error_event};
use crate::api::error::body::ErrorBody;
use crate::api::error::relay::meaning;
use crate::api::error::words::has_words;
use crate::api::json::{Fields, is_json};
use crate::error::{Failure, broken};

/// Whether an event or a message of this type is an error, or says so in its field.
pub fn is_error(kind: &str, fields: &Fields) -> bool {
    kind == "error" || fields.get("error").is_some_and(|error| has_words(error.get()))
}

/// Whether JSON says by its type or a code which HTTP status it stands for.
pub fn has_status(json: &str) -> bool {
    let body = ErrorBody::read(json.as_bytes());
    body.status.is_some() || body.kind_of_type().is_some() || meaning(None, &body).is_some()
}

/// Whether it has the field of an answer of the OpenAI API.
pub fn has_choices(fields: &Fields) -> bool {
    fields.get("choices").map(RawValue::get).is_some_and(|choices| choices != "null")
}

/// The error for an event that is not JSON: an error in plain text, one that is glued to a torn event, or nonsense.
pub fn not_json(name: &[u8], data: &str, now: SystemTime) -> AttemptError {
    if name == b"error" {
        return error_event(&ErrorBody::read(data.as_bytes()), now);
    }
    let starts = [r#"{"error""#, r#"{"type":"error""#, r#"{"type": "error""#];
    let glued = starts.iter().filter_map(|start| data.rfind(start)).min();
    match glued.map(|start| &data[start..]).filter(|json| is_json(json)) {
        Some(json) => error_event(&ErrorBody::read(json.as_bytes()), now),
        None => broken(format!("the stream holds an event that is not JSON: {data}")).into(),
    }
}

/// The error for a body that is no JSON object, from an answer with this content type.
pub fn no_message(body: &[u8], content_type: &str) -> AttemptError {
    let is_page = body.trim_ascii_start().starts_with(b"<");
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is_foreign = !matches!(kind, "" | "application/json") && !kind.starts_with("text/");
    let what = match (is_page, is_foreign) {
        (true, _) => "a web page".into(),
        (_, true) => format!("not JSON, but {kind}"),
        _ => "not JSON".into(),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    let is_binary = body.iter().any(is_control) || std::str::from_utf8(body).is_err();
    let words = ErrorBody::read(body).message;
    let words = match &*words {
        "" => words,
        _ if is_binary && is_foreign => String::new(),
        _ => format!(": {words}"),
    };
    let hint = is_page.then_some("is --base-url the address of the API?");
    broken(format!("the answer is {what}{words}")).maybe_hint(hint).into()
}

/// Why JSON without content is no answer; `None` if it is just an answer without any.
pub fn no_content(message: &Fields, json: &str) -> Option<Failure> {
    if has_choices(message) {
        return Some(openai_style());
    }
    let words = ErrorBody::read(json.as_bytes()).message;
    Some(match (json.starts_with('{'), &*words) {
        (true, "") => return None,
        (true, words) => broken(format!("the answer is not a message: {words}")),
        (false, "") => broken("the answer is JSON, but not a message"),
        (false, words) => broken(format!("the answer is JSON, but not a message: {words}")),
    })
}

pub fn openai_style() -> Failure {
    broken("this is an OpenAI-style answer").hint("is --base-url the address of a Messages API?")
}

impl From<sse::TooLong> for AttemptError {
    fn from(_: sse::TooLong) -> Self {
        broken("one event of the stream is over 32 MiB").into()
    }
}
