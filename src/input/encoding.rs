//! Byte order marks: text that begins with one is read as UTF-8 without it, whether it is UTF-8 or UTF-16.

use std::io::{self, Read};

use crate::api::BYTE_ORDER_MARK;

/// The marks, and what makes a unit of the two bytes of UTF-16.
const MARKS: [(&[u8], Option<Unit>); 3] = [
    (BYTE_ORDER_MARK, None),
    (b"\xFF\xFE", Some(u16::from_le_bytes)),
    (b"\xFE\xFF", Some(u16::from_be_bytes)),
];

type Unit = fn([u8; 2]) -> u16;

/// Stands for what is not a character in UTF-16. It is never part of UTF-8, so it is counted and replaced with the rest.
const INVALID: u8 = 0xFF;

/// Passes on UTF-8 without its mark, and decodes UTF-16 that begins with one.
pub struct Utf8Reader<R> {
    input: R,
    /// Whether the mark was looked for.
    begun: bool,
    /// `None` for UTF-8.
    unit: Option<Unit>,
    /// The bytes of a character that is not complete yet.
    rest: Vec<u8>,
    /// What can be passed on.
    ready: Vec<u8>,
}

impl<R: Read> Utf8Reader<R> {
    pub fn new(input: R) -> Self {
        Self { input, begun: false, unit: None, rest: Vec::new(), ready: Vec::new() }
    }

    /// Reads the mark, if there is one, but not more: who sends a line may wait for its answer.
    fn begin(&mut self) -> io::Result<()> {
        let may_be_mark = |begin: &[u8]| MARKS.iter().any(|(mark, _)| mark.starts_with(begin));
        let find = |begin: &[u8]| MARKS.iter().find(|(mark, _)| *mark == begin);
        let mut byte = [0];
        while may_be_mark(&self.ready) && find(&self.ready).is_none() {
            match self.input.read(&mut byte)? {
                0 => break,
                _ => self.ready.push(byte[0]),
            }
        }
        if let Some((_, unit)) = find(&self.ready) {
            self.unit = *unit;
            self.ready.clear();
        }
        self.begun = true;
        Ok(())
    }

    /// Decodes some more UTF-16. Returns whether there may be more to come.
    fn decode(&mut self, unit: Unit) -> io::Result<bool> {
        let mut bytes = [0; 8 << 10];
        let count = self.input.read(&mut bytes)?;
        self.rest.extend_from_slice(&bytes[..count]);
        let (units, _) = self.rest.as_chunks();
        let mut units: Vec<u16> = units.iter().copied().map(unit).collect();
        let is_half = |unit: &u16| (0xD800..0xDC00).contains(unit);
        if count > 0 && units.last().is_some_and(is_half) {
            units.pop();
        }
        self.rest.drain(..2 * units.len());
        for character in char::decode_utf16(units) {
            match character {
                Ok(character) => {
                    self.ready.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Err(_) => self.ready.push(INVALID),
            }
        }
        if count == 0 && !self.rest.is_empty() {
            self.rest.clear();
            self.ready.push(INVALID);
        }
        Ok(count > 0)
    }
}

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if !self.begun {
            self.begin()?;
        }
        if let Some(unit) = self.unit {
            while self.ready.is_empty() && self.decode(unit)? {}
        } else if self.ready.is_empty() {
            return self.input.read(bytes);
        }
        let count = self.ready.len().min(bytes.len());
        bytes[..count].copy_from_slice(&self.ready[..count]);
        self.ready.drain(..count);
        Ok(count)
    }
}

/// The bytes as the reader passes them on.
pub fn utf8(bytes: Vec<u8>) -> Vec<u8> {
    if !MARKS.iter().any(|(mark, _)| bytes.starts_with(mark)) {
        return bytes;
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    // memory can always be read
    let _ = Utf8Reader::new(&*bytes).read_to_end(&mut decoded);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut bytes[..1])
        }
    }

    #[test]
    fn a_mark_is_dropped_and_utf16_is_decoded_however_the_bytes_arrive() {
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
            let mut slowly = Vec::new();
            Utf8Reader::new(Slow(bytes)).read_to_end(&mut slowly).expect("the bytes");
            assert_eq!(slowly, text, "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_in_utf16_is_decoded(text in ".*", repeat in 1..999usize) {
            let text = text.repeat(repeat);
            let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
            let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
            let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
            prop_assert_eq!(utf8(little), text.as_bytes());
            prop_assert_eq!(utf8(big), text.as_bytes());
        }
    }
}
