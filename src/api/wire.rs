//! The Messages API's own types, as they stand on the wire. Unknown fields, blocks and events survive.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The body of `POST /v1/messages`. What the user did not ask for is not sent.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    pub model: String,
    /// Always sent: optional in AnyRouter's reference, required upstream.
    pub max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Fields of which this program knows nothing, sent as they are.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl Request {
    /// The fields that are not for [`Request::extra`].
    pub const FIELDS: [&str; 8] = [
        "model",
        "max_tokens",
        "system",
        "messages",
        "temperature",
        "top_p",
        "stop_sequences",
        "stream",
    ];
}

/// One message of the conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub role: Role,
    /// Text alone is sent as a JSON string, the documented form.
    pub content: String,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
}

/// One event of a streamed answer, flat and borrowed: every event is read with this one shape,
/// because most of them are text deltas and come by the hundred thousand.
#[derive(Debug, Default, Deserialize)]
pub struct Event<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Cow<'a, str>,
    #[serde(default)]
    pub index: u64,
    #[serde(borrow)]
    pub delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    pub message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// What a `content_block_delta` or `message_delta` adds: the fields that the text needs.
#[derive(Debug, Default, Deserialize)]
pub struct Delta<'a> {
    #[serde(rename = "type", borrow, default)]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub stop_reason: Option<Cow<'a, str>>,
}

/// Reads JSON as real servers write it: bytes that are no UTF-8 and lone surrogate halves,
/// which RFC 8259 leaves open and serde_json refuses, become U+FFFD instead of losing the answer.
///
/// Returns the JSON mended so that it parses, or `None` if it needs no such mending.
pub fn mended(json: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(json);
    let whole = without_lone_surrogates(&text);
    match (text, whole) {
        (_, Some(mended)) => Some(mended),
        (Cow::Owned(text), None) => Some(text),
        (Cow::Borrowed(_), None) => None,
    }
}

/// `\ud800`-`\udfff` escapes that have no partner, replaced by `\ufffd`; `None` if there are none.
fn without_lone_surrogates(json: &str) -> Option<String> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        let unit = escaped_unit(&json[start..]);
        at = match unit {
            Some(0xD800..=0xDBFF)
                if matches!(escaped_unit(&json[start + 6..]), Some(0xDC00..=0xDFFF)) =>
            {
                start + 12
            }
            Some(0xD800..=0xDFFF) => {
                let out = out.get_or_insert_with(|| String::with_capacity(json.len()));
                out.push_str(&json[copied..start]);
                out.push_str("\\ufffd");
                copied = start + 6;
                copied
            }
            Some(_) => start + 6,
            // any other escape is a backslash and one character
            None => start + 1 + json[start + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    out.map(|mut out| {
        out.push_str(&json[copied..]);
        out
    })
}

/// The UTF-16 unit of a `\uXXXX` at the start of `json`.
fn escaped_unit(json: &str) -> Option<u16> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lone_surrogate_halves_become_replacement_characters() {
        let mend = |json: &str| mended(json.as_bytes());
        assert_eq!(mend(r#""a\ud83d""#).as_deref(), Some(r#""a\ufffd""#));
        assert_eq!(mend(r#""\ude00b""#).as_deref(), Some(r#""\ufffdb""#));
        assert_eq!(mend(r#""\ud83d\ude00""#), None);
        assert_eq!(mend(r#""\\ud83d""#), None);
        assert_eq!(mended(b"\"\xff\"").as_deref(), Some("\"\u{fffd}\""));
    }

    proptest! {
        #[test]
        fn any_mix_of_escapes_parses_once_mended(parts in proptest::collection::vec(
            prop_oneof![
                (0u16..=0xFFFF).prop_map(|unit| format!("\\u{unit:04x}")),
                Just("\\n".to_string()), Just("\\\\".to_string()), Just("é".to_string()), Just("u".to_string()),
            ], 0..12)) {
            let json = format!("\"{}\"", parts.concat());
            let mended = mended(json.as_bytes()).unwrap_or(json);
            prop_assert!(serde_json::from_str::<String>(&mended).is_ok(), "{mended}");
        }
    }
}
