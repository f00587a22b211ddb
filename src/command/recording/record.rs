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
use crate::api::time::rfc3339;
use crate::api::{Auth, Digest, Head, Prepared};

/// The shortest key that is looked for in a record, in bytes. A shorter one is a placeholder such as "anything", a
/// common word.
const SHORTEST_KEY: usize = 16;

/// A line of the file. The key comes first, because a torn line is recognised by it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// The digest of the request.
    pub key: Digest,
    /// When the answer was recorded, in the form of RFC 3339.
    time: Option<String>,
    /// The request as it is digested, without the data of attachments.
    pub request: Option<Box<RawValue>>,
    pub content_type: Option<String>,
    /// The body of the answer as it was received.
    pub body: String,
}

impl Record {
    /// How a line begins.
    pub const START: &str = r#"{"key":""#;

    /// The record of an answer with this head and body, as they came: a replay has to print the same bytes.
    pub fn new(prepared: &Prepared, head: &Head, body: &[u8]) -> Result<Self> {
        let content_type = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let request = prepared.digested_body();
        Ok(Self {
            key: Digest::of(&request),
            time: rfc3339(SystemTime::now()),
            request: Some(to_raw_value(&request_json(&request))?),
            content_type: content_type.map(Into::into),
            body: String::from_utf8_lossy(body).into(),
        })
    }

    /// Whether the key of its request stands anywhere in it, in upper or lower case.
    pub fn has_key_of(&self, prepared: &Prepared) -> bool {
        let request = self.request.as_ref().map_or("", |request| request.get());
        let kind = self.content_type.as_deref().unwrap_or_default();
        let texts = [request, kind, &self.body, &streamed_text(&self.body)];
        let texts = texts.map(str::to_ascii_lowercase);
        keys(prepared).any(|key| texts.iter().any(|text| text.contains(&key)))
    }
}

/// The keys that a request carries, in lower case, but no placeholders.
fn keys(prepared: &Prepared) -> impl Iterator<Item = String> {
    let names = [Auth::Bearer, Auth::XApiKey].map(Auth::name);
    let values = prepared.headers.iter().filter(move |header| names.contains(&header.name));
    let words = values.filter_map(|header| header.value.to_str().ok()?.rsplit(' ').next());
    words.filter(|key| key.len() >= SHORTEST_KEY).map(str::to_ascii_lowercase)
}

/// The text of a stream: a key is spread over several of its events.
fn streamed_text(body: &str) -> String {
    let data = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    events.filter_map(|event| Some(event["delta"]["text"].as_str()?.to_string())).collect()
}

/// A request as it is recorded.
pub fn request_json(body: &[u8]) -> Value {
    let mut request = serde_json::from_str(&repair(body)).unwrap_or_default();
    shorten(&mut request);
    request
}

/// Replaces an attachment's data by its digest and size.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(shorten),
        Value::Object(fields) => {
            let data = fields.get("data").filter(|_| fields.get("type") == Some(&"base64".into()));
            if let Some(bytes) = data.and_then(|data| BASE64_STANDARD.decode(data.as_str()?).ok()) {
                fields.remove("data");
                fields.insert("digest".into(), Digest::of(&bytes).to_string().into());
                fields.insert("size".into(), bytes.len().into());
            }
            fields.values_mut().for_each(shorten);
        }
        _ => {}
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
            shorten(&mut shortened);
            match BASE64_STANDARD.decode(&data) {
                Ok(bytes) if kind == "base64" => prop_assert_eq!(&shortened["size"], bytes.len()),
                _ => prop_assert_eq!(shortened, source),
            }
        }
    }
}
