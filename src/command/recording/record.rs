//! A recorded answer as a line of JSON.

use std::time::SystemTime;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ureq::http::header::CONTENT_TYPE;

use crate::api::json::repair;
use crate::api::limits::rfc3339;
use crate::api::{Digest, Head, Prepared};
use crate::output::Console;

/// What is written. The key comes first: a torn line is known by it.
#[derive(Serialize)]
struct Record<'a> {
    key: Digest,
    time: Option<String>,
    request: Value,
    #[serde(flatten)]
    answer: &'a Recorded,
}

/// An answer as it was received.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Recorded {
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Recorded {
    fn new(content_type: Option<String>, body: &[u8], console: &Console) -> Self {
        let text = String::from_utf8_lossy(body);
        let redacted = console.redact(&text);
        if redacted == text && std::str::from_utf8(body).is_err() {
            let body_base64 = Some(BASE64_STANDARD.encode(body));
            return Self { content_type, body_base64, ..Self::default() };
        }
        Self { content_type, body: Some(redacted), ..Self::default() }
    }

    /// Reads a line; `None` if it has no answer.
    pub fn parse(json: &[u8]) -> Option<Self> {
        let recorded: Self = serde_json::from_slice(json).ok()?;
        (recorded.body.is_some() || recorded.body_base64.is_some()).then_some(recorded)
    }

    /// The content type and the body, byte for byte.
    pub fn into_parts(self) -> (Option<String>, Vec<u8>) {
        let decoded = self.body_base64.and_then(|base64| BASE64_STANDARD.decode(base64).ok());
        let body = decoded.or(self.body.map(String::into_bytes));
        (self.content_type, body.unwrap_or_default())
    }
}

/// The line of an answer, without the API key.
pub fn line(prepared: &Prepared, head: &Head, body: &[u8], console: &Console) -> String {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let asked = prepared.question();
    let record = Record {
        key: Digest::of(&asked),
        time: rfc3339(SystemTime::now()),
        request: question(&asked, console),
        answer: &Recorded::new(content_type.map(|kind| console.redact(kind)), body, console),
    };
    // strings and numbers always are JSON
    serde_json::to_string(&record).map_or(String::new(), |json| json + "\n")
}

/// What a request asks, as it is recorded.
pub fn question(asked: &[u8], console: &Console) -> Value {
    let mut question = serde_json::from_str(&repair(asked)).unwrap_or_default();
    shorten(&mut question, console);
    question
}

/// The request of a line.
pub fn recorded_question(json: &[u8]) -> Option<Value> {
    let mut fields: Map<String, Value> = serde_json::from_slice(json).ok()?;
    fields.remove("request")
}

/// Puts digest and size in the place of an attachment's data, and takes the API key out of every text.
fn shorten(value: &mut Value, console: &Console) {
    match value {
        Value::String(text) => *text = console.redact(text),
        Value::Array(values) => values.iter_mut().for_each(|value| shorten(value, console)),
        Value::Object(fields) => {
            let data = fields.get("data").filter(|_| fields.get("type") == Some(&"base64".into()));
            if let Some(bytes) = data.and_then(|data| BASE64_STANDARD.decode(data.as_str()?).ok()) {
                fields.remove("data");
                fields.insert("digest".into(), Digest::of(&bytes).to_string().into());
                fields.insert("size".into(), bytes.len().into());
            }
            fields.values_mut().for_each(|value| shorten(value, console));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_body_comes_back_byte_for_byte(body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..99),
            "\\PC{0,40}".prop_map(String::into_bytes),
        ]) {
            let recorded = Recorded::new(None, &body, &Console::new(false, false));
            let json = serde_json::to_vec(&recorded).expect("JSON");
            let (_, read) = Recorded::parse(&json).expect("a record").into_parts();
            prop_assert_eq!(read, body);
        }

        #[test]
        fn only_data_in_base64_is_shortened(data in "[A-Za-z0-9+/=#]{0,12}", kind in "base64|text") {
            let source = serde_json::json!({"type": kind, "data": data});
            let mut shortened = source.clone();
            shorten(&mut shortened, &Console::new(false, false));
            match BASE64_STANDARD.decode(&data) {
                Ok(bytes) if kind == "base64" => prop_assert_eq!(&shortened["size"], bytes.len()),
                _ => prop_assert_eq!(shortened, source),
            }
        }
    }
}
