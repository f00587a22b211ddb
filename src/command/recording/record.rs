//! A recorded answer: one line of JSON.

use std::time::SystemTime;

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use ureq::http::header::CONTENT_TYPE;

use crate::api::json::repair;
use crate::api::limits::rfc3339;
use crate::api::{Digest, Head, Prepared};
use crate::output::Console;

/// A line of the file. The key comes first, because a torn line is recognised by it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// The digest of the request without `stream`.
    pub key: Digest,
    /// When the answer was recorded, in the form of RFC 3339.
    time: Option<String>,
    /// The request without `stream`, and without the data of attachments.
    pub request: Option<Box<RawValue>>,
    pub content_type: Option<String>,
    /// The body of the answer as it was received.
    pub body: String,
}

impl Record {
    /// How a line begins.
    pub const START: &str = r#"{"key":""#;

    /// The record of an answer with this head and body, without the API key.
    pub fn new(prepared: &Prepared, head: &Head, body: &[u8], console: &Console) -> Result<Self> {
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let request = prepared.body_without_stream();
        Ok(Self {
            key: Digest::of(&request),
            time: rfc3339(SystemTime::now()),
            request: Some(to_raw_value(&request_json(&request, console))?),
            content_type: content_type.map(|kind| console.redact(kind)),
            body: console.redact(&String::from_utf8_lossy(body)),
        })
    }
}

/// A request as it is recorded.
pub fn request_json(body: &[u8], console: &Console) -> Value {
    let mut request = serde_json::from_str(&repair(body)).unwrap_or_default();
    shorten(&mut request, console);
    request
}

/// Replaces an attachment's data by its digest and size, and redacts the API key in every text.
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
