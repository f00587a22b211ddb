//! What servers send instead of an answer, or of a part of one.

use serde_json::value::RawValue;

use super::sse;
use crate::api::error::attempt::{AttemptError, broken, error_event};
use crate::api::error::body::{ErrorBody, has_words};
use crate::api::error::relay::meaning;
use crate::api::json::{Fields, is_json};
use crate::error::Failure;

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
pub fn not_json(name: &[u8], data: &str) -> AttemptError {
    if name == b"error" {
        return error_event(&ErrorBody::read(data.as_bytes()));
    }
    let starts = [r#"{"error""#, r#"{"type":"error""#, r#"{"type": "error""#];
    let glued = starts.iter().filter_map(|start| data.rfind(start)).min();
    match glued.map(|start| &data[start..]).filter(|json| is_json(json)) {
        Some(json) => error_event(&ErrorBody::read(json.as_bytes())),
        None => broken(format!("the stream holds an event that is not JSON: {data}")).into(),
    }
}

/// The error for a body that is no JSON object. Its content type is named if it is one that nobody expects.
pub fn no_message(body: &[u8], content_type: &str) -> AttemptError {
    let words = ErrorBody::read(body).message;
    let words =
        if body.contains(&0) || words.is_empty() { String::new() } else { format!(": {words}") };
    if body.trim_ascii_start().starts_with(b"<") {
        let failure = broken(format!("the answer is a web page{words}"));
        return failure.hint("is --base-url the address of the API?").into();
    }
    let is_expected = content_type.is_empty()
        || content_type.starts_with("application/json")
        || content_type.starts_with("text/");
    let named = if is_expected { String::new() } else { format!(", but {content_type}") };
    broken(format!("the answer is not JSON{named}{words}")).into()
}

/// Why JSON without content is no answer, if it says so.
pub fn no_content(message: &Fields, json: &str) -> Option<Failure> {
    if has_choices(message) {
        return Some(openai_style());
    }
    let words = ErrorBody::read(json.as_bytes()).message;
    match (json.starts_with('{'), &*words) {
        (true, "") => None,
        (true, words) => Some(broken(format!("the answer is not a message: {words}"))),
        (false, "") => Some(broken("the answer is JSON, but not a message")),
        (false, words) => Some(broken(format!("the answer is JSON, but not a message: {words}"))),
    }
}

pub fn openai_style() -> Failure {
    broken("this is an OpenAI-style answer").hint("is --base-url the address of a Messages API?")
}

impl From<sse::TooLong> for AttemptError {
    fn from(_: sse::TooLong) -> Self {
        broken("one event of the stream is over 32 MiB").into()
    }
}
