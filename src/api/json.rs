//! JSON as real servers write it: repeated keys, broken characters, fields of any type.

use std::borrow::Cow;
use std::fmt::Write;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// The byte order mark of UTF-8 (RFC 3629, section 6), which some editors and servers put in front of text.
pub const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A body without the white space and the byte order mark at its start.
pub fn without_mark(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii_start();
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii_start()
}

/// The fields of an object in their order, with unparsed values. They take little more memory than their text, unless
/// the values are tiny. A field that is set again stays at its position.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(IndexMap<String, Box<RawValue>>);

impl Fields {
    pub fn set(&mut self, key: &str, value: Box<RawValue>) {
        self.0.insert(key.into(), value);
    }

    /// Sets a field to `value`, written as JSON.
    pub fn set_json(&mut self, key: &str, value: impl Serialize) {
        if let Ok(json) = to_raw_value(&value) {
            self.set(key, json);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn remove(&mut self, key: &str) -> Option<Box<RawValue>> {
        self.0.shift_remove(key)
    }

    /// The name of the first field.
    pub fn first_name(&self) -> Option<&str> {
        self.0.keys().next().map(String::as_str)
    }

    /// Sets every field of `others`.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.get(key).map(|value| &**value)
    }

    /// The value of a field as a `T`; `None` if it is missing or not a `T`.
    pub fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        parse(self.get(key)?.get())
    }
}

impl IntoIterator for Fields {
    type Item = (String, Box<RawValue>);
    type IntoIter = indexmap::map::IntoIter<String, Box<RawValue>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Parses JSON. If a key is repeated, its last value counts, as in `jq`, Node and Python.
pub fn parse<T: DeserializeOwned>(json: &str) -> Option<T> {
    // serde refuses repeated keys in structs; a `Value` takes the last one, but costs memory, so it comes second
    serde_json::from_str(json).ok().or_else(|| {
        let object = json.trim_ascii_start().starts_with('{').then_some(json)?;
        let value: Value = serde_json::from_str(object).ok()?;
        T::deserialize(value).ok()
    })
}

pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// JSON on one line: a line end between two tokens becomes a blank.
pub fn one_line(json: &str) -> Cow<'_, str> {
    match memchr::memchr2(b'\n', b'\r', json.as_bytes()) {
        Some(_) => json.replace(['\n', '\r'], " ").into(),
        None => json.into(),
    }
}

/// Repairs JSON that serde_json refuses: bytes that are not UTF-8 and lone halves of surrogate pairs become U+FFFD.
pub fn repair(json: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(json) {
        Cow::Borrowed(json) => replace_halves(json).0,
        Cow::Owned(json) => replace_halves(&json).0.into_owned().into(),
    }
}

/// JSON in which lone halves of surrogate pairs are U+FFFD, and how many there were. RFC 8259 (section 8.2) allows lone
/// halves, but does not say what they mean.
pub fn replace_halves(json: &str) -> (Cow<'_, str>, usize) {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return (json.into(), 0);
    }
    let (mut repaired, mut halves) = (String::with_capacity(json.len()), 0);
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        let next = escape.get(6..).and_then(surrogate);
        let (length, lone) = match (surrogate(escape), next) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => (12, false),
            (Some(_), _) => (6, true),
            (None, _) => (1 + escape[1..].chars().next().map_or(0, char::len_utf8), false),
        };
        repaired.push_str(before);
        repaired.push_str(if lone { "\\ufffd" } else { &escape[..length] });
        halves += usize::from(lone);
        rest = &escape[length..];
    }
    (Cow::Owned(repaired + rest), halves)
}

/// Returns the first JSON value of a text and what follows it; `None` if the text does not begin with one.
pub fn first_value(text: &str) -> Option<(&str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let value = values.next()?.ok()?;
    Some((value.get(), &text[values.byte_offset()..]))
}

/// Escapes the control characters in the strings of JSON, which must not stand there as they are (RFC 8259, section 7).
pub fn escape_controls(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    let (mut in_string, mut after_backslash) = (false, false);
    for char in json.chars() {
        if in_string && char < ' ' {
            let _ = write!(escaped, "\\u{:04x}", char as u32);
        } else {
            escaped.push(char);
        }
        in_string ^= char == '"' && !after_backslash;
        after_backslash = char == '\\' && in_string && !after_backslash;
    }
    escaped
}

/// One half of a surrogate pair. The two halves together are one character.
enum Surrogate {
    High,
    Low,
}

/// The half of a surrogate pair that the text begins with, written as `\uXXXX`.
fn surrogate(json: &str) -> Option<Surrogate> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    match u16::from_str_radix(digits, 16) {
        Ok(0xD800..=0xDBFF) => Some(Surrogate::High),
        Ok(0xDC00..=0xDFFF) => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_utf8_becomes_replacement_characters() {
        for (json, repaired) in [
            (&br#""a\ud83d""#[..], r#""a\ufffd""#),
            (br#""\ude00b""#, r#""\ufffdb""#),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (br#""\\ud83d""#, r#""\\ud83d""#),
            (b"\"\xff\"", "\"\u{fffd}\""),
        ] {
            assert_eq!(repair(json), repaired);
        }
    }

    #[test]
    fn the_last_value_of_a_repeated_key_counts() {
        #[derive(Deserialize)]
        struct Point {
            x: u8,
        }
        let x = |json| parse::<Point>(json).map(|point| point.x);
        assert_eq!(x(r#"{"x":1,"x":2}"#), Some(2));
        assert_eq!(x(r#"{"x":1,"y":0,"y":0}"#), Some(1));
        assert_eq!(x(r#"{"x":"#), None);
        let fields: Fields = parse(r#"{"b":1,"a":[ ],"b":2}"#).expect("an object");
        assert_eq!(serde_json::to_string(&fields).expect("JSON"), r#"{"b":2,"a":[ ]}"#);
    }

    #[test]
    fn a_hundred_thousand_fields_are_set_without_a_search_for_each() {
        let fields: Vec<_> = (0..100_000).map(|number| format!("\"{number}\":0")).collect();
        let mut fields: Fields = parse(&format!("{{{}}}", fields.join(","))).expect("an object");
        fields.extend(fields.clone());
        assert_eq!(fields.read("99999"), Some(0));
    }

    proptest! {
        #[test]
        fn any_mix_of_escapes_parses_once_repaired(parts in proptest::collection::vec(
            prop_oneof![
                (0u16..=0xFFFF).prop_map(|unit| format!("\\u{unit:04x}")),
                Just("\\n".to_string()), Just("\\\\".to_string()), Just("é".to_string()), Just("u".to_string()),
            ], 0..12)) {
            let json = format!("\"{}\"", parts.concat());
            let repaired = repair(json.as_bytes());
            prop_assert!(serde_json::from_str::<String>(&repaired).is_ok(), "{repaired}");
        }

        #[test]
        fn bytes_of_any_kind_never_make_it_panic(json in proptest::collection::vec(any::<u8>(), 0..99)) {
            repair(&json);
        }
    }
}
