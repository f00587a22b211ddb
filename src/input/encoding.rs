//! Byte order marks: UTF-8 or UTF-16 text that begins with one becomes UTF-8 without it.

use crate::api::BYTE_ORDER_MARK;

/// Replaces invalid UTF-16. It is never valid in UTF-8, so it is later counted and replaced like other invalid bytes.
const INVALID: u8 = 0xFF;

/// Whether the bytes begin with a byte order mark of UTF-16.
pub fn is_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xFF\xFE") || bytes.starts_with(b"\xFE\xFF")
}

/// Removes a byte order mark, and decodes UTF-16. Bytes without a mark stay unchanged.
pub fn utf8(bytes: Vec<u8>) -> Vec<u8> {
    match &bytes[..] {
        [0xFF, 0xFE, units @ ..] => decode(units, u16::from_le_bytes),
        [0xFE, 0xFF, units @ ..] => decode(units, u16::from_be_bytes),
        _ => match bytes.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => rest.into(),
            None => bytes,
        },
    }
}

/// The command that converts UTF-16 without a mark; `None` if the bytes, which have a NUL, are something else.
pub fn unmarked_utf16(bytes: &[u8]) -> Option<&'static str> {
    let big = text(bytes, u16::from_be_bytes).map(|text| (text, "iconv -f UTF-16BE -t UTF-8"));
    let little = text(bytes, u16::from_le_bytes).map(|text| (text, "iconv -f UTF-16LE -t UTF-8"));
    // text may be valid in the other order, too, but has less ASCII there
    let count_ascii = |(text, _): &(String, _)| text.chars().filter(char::is_ascii).count();
    let (text, command) = [big, little].into_iter().flatten().max_by_key(count_ascii)?;
    // a NUL in ordinary text makes no UTF-16 of it: its letters, two by two, would be Chinese ones
    let is_alphabet = |c: &char| *c < '\u{2000}';
    let is_alphabetic = 2 * text.chars().filter(is_alphabet).count() > text.chars().count();
    (is_alphabetic || std::str::from_utf8(bytes).is_err()).then_some(command)
}

/// The bytes as UTF-16; `None` if they are no text.
fn text(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, []) = bytes.as_chunks() else { return None };
    let characters = char::decode_utf16(units.iter().copied().map(unit));
    let text: String = characters.collect::<Result<_, _>>().ok()?;
    let is_foreign = |c: char| {
        (c.is_control() && !c.is_whitespace())
            || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffe}' | '\u{ffff}')
    };
    (!text.contains(is_foreign)).then_some(text)
}

fn decode(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Vec<u8> {
    let (units, rest) = bytes.as_chunks();
    let mut decoded = Vec::with_capacity(bytes.len());
    for character in char::decode_utf16(units.iter().copied().map(unit)) {
        match character {
            Ok(character) => decoded.extend(character.encode_utf8(&mut [0; 4]).as_bytes()),
            Err(_) => decoded.push(INVALID),
        }
    }
    decoded.extend(rest.iter().map(|_| INVALID));
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mark_is_dropped_and_utf16_is_decoded() {
        for (bytes, text) in [
            (&b""[..], &b""[..]),
            (b"a", b"a"),
            (b"\xEF\xBB", b"\xEF\xBB"),
            (b"\xEF\xBB\xBFa\xEF\xBB\xBF", b"a\xEF\xBB\xBF"),
            (b"\xFFa", b"\xFFa"),
            (b"\xFF\xFE", b""),
            (b"\xFF\xFEa\0\xAC\x20", "a€".as_bytes()),
            (b"\xFE\xFF\0a\x20\xAC", "a€".as_bytes()),
            (b"\xFE\xFF\xD8\x3D\xDE\x00", "\u{1F600}".as_bytes()),
            // half a pair, and half a unit
            (b"\xFE\xFF\xD8\x3D\0a\xDE\x00", b"\xFFa\xFF"),
            (b"\xFE\xFF\xD8\x3D", b"\xFF"),
            (b"\xFE\xFF\0a\0", b"a\xFF"),
            (b"\xFE\xFF\xD8\x3D\xDE", b"\xFF\xFF"),
        ] {
            assert_eq!(utf8(bytes.into()), text, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_in_utf16_is_decoded(text in ".*") {
            let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
            let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(utf8(little), text.as_bytes());
            prop_assert_eq!(utf8(big), text.as_bytes());
        }
    }
}
