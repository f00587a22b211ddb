//! JSON as real servers write it, made to parse: bytes that are no UTF-8, and characters torn into surrogate halves.

use std::fmt::Write;

/// The first half of a character that a server cut into two surrogates, one at the end of a piece
/// of text and one at the start of the next.
#[derive(Debug, Default)]
pub struct Half(Option<u16>);

/// JSON that parses now.
#[derive(Debug, PartialEq, Eq)]
pub struct Mended {
    pub json: String,
    /// A half that was waiting did not find its other half here.
    pub lost: bool,
}

impl Half {
    /// Whether a half is still waiting for the other; it is not any more.
    pub fn take(&mut self) -> bool {
        self.0.take().is_some()
    }

    /// Mends one piece of a stream as [`mended`] does, and joins the halves that pieces tear apart:
    /// one at the end of a string waits for the piece that begins with the other.
    pub fn mend(&mut self, json: &[u8]) -> Mended {
        let waiting = self.0.take();
        let (json, joined) = mended_across(json, waiting, Some(&mut self.0));
        Mended {
            json,
            lost: waiting.is_some() && !joined,
        }
    }
}

/// Reads JSON as real servers write it: bytes that are no UTF-8 and surrogate halves, which RFC 8259
/// leaves open and `serde_json` refuses, become U+FFFD instead of losing the answer.
pub fn mended(json: &[u8]) -> String {
    mended_across(json, None, None).0
}

/// Whether any `\\uXXXX` of the JSON is half a character, with its other half or without.
pub fn has_surrogates(json: &str) -> bool {
    json.contains("\\ud") || json.contains("\\uD")
}

/// The mended JSON, and whether the waiting half found its other at the start of a string.
/// A half at the end of a string is put into `left`, if there is one.
fn mended_across(
    json: &[u8],
    mut waiting: Option<u16>,
    mut left: Option<&mut Option<u16>>,
) -> (String, bool) {
    let json = String::from_utf8_lossy(json);
    let mut out = String::with_capacity(json.len());
    let mut joined = false;
    let mut rest = &*json;
    while let Some(found) = rest.find('\\') {
        let (before, escape) = rest.split_at(found);
        out.push_str(before);
        let after = escape.get(6..).unwrap_or_default();
        let unit = escaped_unit(escape);
        let length = match unit {
            Some(0xD800..=0xDBFF) if matches!(escaped_unit(after), Some(0xDC00..=0xDFFF)) => 12,
            Some(_) => 6,
            // any other escape is a backslash and one character
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        match (unit, waiting, &mut left) {
            (Some(low @ 0xDC00..=0xDFFF), Some(high), _) if before.ends_with('"') => {
                let _ = write!(out, "\\u{high:04x}\\u{low:04x}");
                (waiting, joined) = (None, true);
            }
            (Some(high @ 0xD800..=0xDBFF), _, Some(left))
                if length == 6 && after.starts_with('"') =>
            {
                **left = Some(high);
            }
            (Some(0xD800..=0xDFFF), ..) if length == 6 => out.push_str("\\ufffd"),
            _ => out.push_str(&escape[..length]),
        }
        rest = &escape[length..];
    }
    out.push_str(rest);
    (out, joined)
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
        for (json, whole) in [
            (&br#""a\ud83d""#[..], r#""a\ufffd""#),
            (br#""\ude00b""#, r#""\ufffdb""#),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (br#""\\ud83d""#, r#""\\ud83d""#),
            (b"\"\xff\"", "\"\u{fffd}\""),
        ] {
            assert_eq!(mended(json), whole);
        }
    }

    #[test]
    fn halves_in_two_pieces_are_joined() {
        let mut half = Half::default();
        let mut mend = |json: &str| half.mend(json.as_bytes());
        let same = |json: &str, lost| Mended {
            json: json.into(),
            lost,
        };
        assert_eq!(
            mend(r#"{"text":"a\ud83d"}"#),
            same(r#"{"text":"a"}"#, false)
        );
        assert_eq!(
            mend(r#"{"text":"\ude00b"}"#),
            same(r#"{"text":"\ud83d\ude00b"}"#, false)
        );
        assert_eq!(mend(r#""x\ud83d""#), same(r#""x""#, false));
        assert_eq!(mend(r#""y\ud83d""#), same(r#""y""#, true));
        assert_eq!(mend(r#""y\ude00""#), same(r#""y\ufffd""#, true));
        assert!(!half.take());
    }

    proptest! {
        #[test]
        fn any_mix_of_escapes_parses_once_mended(parts in proptest::collection::vec(
            prop_oneof![
                (0u16..=0xFFFF).prop_map(|unit| format!("\\u{unit:04x}")),
                Just("\\n".to_string()), Just("\\\\".to_string()), Just("é".to_string()), Just("u".to_string()),
            ], 0..12)) {
            let json = format!("\"{}\"", parts.concat());
            let mended = mended(json.as_bytes());
            prop_assert!(serde_json::from_str::<String>(&mended).is_ok(), "{mended}");
        }
    }
}
