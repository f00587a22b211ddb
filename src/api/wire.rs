//! The Messages API's own types, as they stand on the wire. What is unknown is passed over here, and survives
//! where the JSON itself is passed on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

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
    pub extra: Extra,
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

/// Fields by name, their values kept as the user wrote them, down to the digits of a number.
#[derive(Debug, Clone, Default)]
pub struct Extra(Vec<(String, Box<RawValue>)>);

impl Extra {
    /// Sets a field: to JSON if the value parses as such, else to a string. The last value counts.
    pub fn set(&mut self, key: &str, value: &str) {
        let json = RawValue::from_string(value.trim().into()).or_else(|_| to_raw_value(value));
        self.0.retain(|(known, _)| known != key);
        self.0.extend(json.ok().map(|json| (key.into(), json)));
    }
}

impl Serialize for Extra {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// One message of the conversation.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    pub role: Role,
    pub content: Content,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    User,
    Assistant,
}

/// What a message says.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// Text alone: a JSON string, the documented form.
    Text(String),
    /// Text and attachments.
    Parts(Vec<Part>),
    /// What stands in a kept conversation, as it stands there.
    Kept(Box<RawValue>),
}

/// A content block to send.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Part {
    Text { text: String },
    Image { source: Source },
    Document { source: Source },
}

/// The bytes of an attachment.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'static str,
    data: String,
}

impl Source {
    /// Bytes in base64 (RFC 4648, padded).
    pub fn base64(media_type: &'static str, data: String) -> Self {
        Self {
            kind: "base64",
            media_type,
            data,
        }
    }
}

/// One event of a streamed answer, flat and borrowed: every event is read with this one shape,
/// because most of them are text deltas and come by the hundred thousand.
#[derive(Debug, Default, Deserialize)]
pub struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    pub index: Option<u64>,
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
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub stop_reason: Option<Cow<'a, str>>,
}

impl<'a> Event<'a> {
    /// Reads an event. A field of another shape than it should have is as good as none, and so is whatever
    /// stands where an event should; `None` is what is not JSON.
    pub fn read(json: &'a str) -> Option<Self> {
        #[derive(Default, Deserialize)]
        #[serde(default, bound(deserialize = "'de: 'a"))]
        struct Loose<'a> {
            #[serde(rename = "type", borrow)]
            kind: Option<&'a RawValue>,
            index: Option<&'a RawValue>,
            delta: Option<&'a RawValue>,
            content_block: Option<&'a RawValue>,
            message: Option<&'a RawValue>,
            usage: Option<&'a RawValue>,
            error: Option<&'a RawValue>,
        }
        if let Ok(event) = serde_json::from_str(json) {
            return Some(event);
        }
        serde_json::from_str::<serde::de::IgnoredAny>(json).ok()?;
        let loose: Loose = serde_json::from_str(json).unwrap_or_default();
        Some(Self {
            kind: field(loose.kind),
            index: field(loose.index),
            delta: field(loose.delta),
            content_block: loose.content_block,
            message: loose.message,
            usage: loose.usage,
            error: loose.error,
        })
    }
}

/// JSON on one line: where a line ends in JSON, between two of its words, a blank does as well.
pub fn one_line(json: &str) -> Cow<'_, str> {
    if json.contains(['\n', '\r']) {
        json.replace(['\n', '\r'], " ").into()
    } else {
        json.into()
    }
}

/// How a text delta begins, and how it goes on after its index: as the upstream API writes it, and as
/// AnyRouter's reference does, with a blank after each colon and comma.
const TEXT_DELTAS: [(&str, &str); 2] = [
    (
        r#"{"type":"content_block_delta","index":"#,
        r#","delta":{"type":"text_delta","text":""#,
    ),
    (
        r#"{"type": "content_block_delta", "index": "#,
        r#", "delta": {"type": "text_delta", "text": ""#,
    ),
];

/// What a text delta says, if the event is one in one of the usual shapes. Almost every event of a long
/// answer is, and reading it like this takes a quarter of the time that [`Event`] takes; every other shape
/// is left to [`Event`].
pub fn text_delta(json: &str) -> Option<Cow<'_, str>> {
    let blank = json.as_bytes().get(8) == Some(&b' ');
    let (start, middle) = TEXT_DELTAS[usize::from(blank)];
    let rest = json.strip_prefix(start)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    // a leading zero is no number, and what is longer is no index
    if digits == 0 || digits > 9 || (digits > 1 && rest.starts_with('0')) {
        return None;
    }
    let inside = rest[digits..].strip_prefix(middle)?;
    let bytes = inside.as_bytes();
    let mut end = memchr::memchr2(b'"', b'\\', bytes)?;
    let escaped = bytes[end] == b'\\';
    while bytes[end] == b'\\' {
        end += 2 + memchr::memchr2(b'"', b'\\', bytes.get(end + 2..)?)?;
    }
    if &bytes[end..] != b"\"}}" {
        return None;
    }
    if escaped {
        let literal = &json[json.len() - inside.len() - 1..=json.len() - 3];
        return serde_json::from_str(literal).ok().map(Cow::Owned);
    }
    let text = &inside[..end];
    text.bytes()
        .all(|byte| byte >= b' ')
        .then_some(Cow::Borrowed(text))
}

/// A message, its fields still JSON: what they hold is each server's own business, and may be huge.
#[derive(Debug, Default, Deserialize)]
pub struct Whole<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Option<&'a RawValue>,
    #[serde(borrow)]
    pub model: Option<&'a RawValue>,
    #[serde(borrow)]
    pub stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// A content block, as far as the text needs it.
#[derive(Debug, Default, Deserialize)]
pub struct Block<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
}

/// Tokens, as the server counted them; `None` where it did not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub struct Usage {
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
}

/// What a field holds, if it is there and of that shape.
pub fn field<'a, T: Deserialize<'a>>(json: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(json?.get()).ok()
}

/// Calls `on` for each content block of a message, one after the other, so that no number of them
/// costs memory. What is no block is skipped.
pub fn each_block(content: &RawValue, on: impl FnMut(Block)) {
    struct Blocks<F>(F);
    impl<'de, F: FnMut(Block)> Visitor<'de> for Blocks<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list of content blocks")
        }

        fn visit_seq<S: SeqAccess<'de>>(mut self, mut blocks: S) -> Result<(), S::Error> {
            while let Some(block) = blocks.next_element()? {
                if let Some(block) = field(Some(block)) {
                    (self.0)(block);
                }
            }
            Ok(())
        }
    }
    // anything but a list has no blocks
    let _ = serde_json::Deserializer::from_str(content.get()).deserialize_seq(Blocks(on));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_deltas_in_the_usual_shape_are_known() {
        let delta = |text: &str| {
            format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{text}}}}}"#
            )
        };
        assert_eq!(text_delta(&delta(r#""plain""#)).as_deref(), Some("plain"));
        assert_eq!(
            text_delta(&delta(r#""a\nb\\\"\u00e9""#)).as_deref(),
            Some("a\nb\\\"é")
        );
        assert_eq!(text_delta(&delta(r#""""#)).as_deref(), Some(""));
        assert_eq!(
            text_delta(&delta(r#""plain""#).replace(':', ": ").replace(',', ", ")).as_deref(),
            Some("plain")
        );
        for other in [
            r#""a"#,
            r#""\ud83d""#,
            r#""\x""#,
            "7",
            r#""a","more":1"#,
            "\"a\tb\"",
        ] {
            assert_eq!(text_delta(&delta(other)), None, "{other}");
        }
        for index in ["", "01", "-1", "1.5", "9999999999"] {
            assert_eq!(
                text_delta(&delta("\"a\"").replace("\"index\":0", &format!("\"index\":{index}"))),
                None,
                "{index}"
            );
        }
    }

    proptest! {
        #[test]
        fn the_usual_shape_is_read_as_the_general_one_is(
            text in "(\\PC|[\"\\\\/bfnrtu0-9a-f{},:\t\n]){0,12}",
            raw in any::<bool>(),
            blank in prop_oneof!["", " ", "  "],
            index in prop_oneof!["0", "7", "00", "12", "x", ""],
            end in prop_oneof![Just("}}"), Just("} }"), Just("}"), Just(",\"x\":1}}")],
        ) {
            let text = if raw { format!("\"{text}\"") } else { serde_json::to_string(&text).unwrap() };
            let json = format!(
                "{{\"type\":{blank}\"content_block_delta\",{blank}\"index\":{blank}{index},{blank}\"delta\":{blank}{{\"type\":{blank}\"text_delta\",{blank}\"text\":{blank}{text}{end}"
            );
            if let Some(text) = text_delta(&json) {
                let event: Event = serde_json::from_str(&json).expect("an event");
                prop_assert_eq!(event.kind.as_deref(), Some("content_block_delta"));
                prop_assert_eq!(event.delta.and_then(|delta| delta.text), Some(text));
            }
        }
    }
}
