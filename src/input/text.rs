//! Bytes from outside become text: bytes that are not UTF-8 are replaced and counted, binary is refused.

use std::ffi::OsString;
use std::io::Read;

use anyhow::{Context, Result};

use super::encoding::utf8;
use crate::api::{LARGEST_REQUEST, too_large};
use crate::error::{Failure, Kind, usage_error};

/// Text from outside.
#[derive(Debug, Default, Clone)]
pub struct Text {
    pub text: String,
    /// How many bytes were not UTF-8 and became U+FFFD.
    pub replaced: usize,
}

impl Text {
    /// The text of a file, which may begin with a byte order mark.
    pub fn decode(bytes: Vec<u8>) -> Self {
        Self::lossy(utf8(bytes))
    }

    /// The text of a file; `None` if it is binary.
    pub fn decode_unless_binary(bytes: Vec<u8>) -> Option<Self> {
        let bytes = utf8(bytes);
        (!is_binary(&bytes)).then(|| Self::lossy(bytes))
    }

    /// UTF-8 text, with U+FFFD instead of invalid bytes.
    pub fn lossy(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::from(text),
            Err(error) => {
                let bytes = error.as_bytes();
                let replaced = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
                Self { text: String::from_utf8_lossy(bytes).into_owned(), replaced }
            }
        }
    }

    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Adds text, unchanged.
    pub fn push(&mut self, other: Self) {
        self.replaced += other.replaced;
        if self.text.is_empty() {
            self.text = other.text;
        } else {
            self.text += &other.text;
        }
    }

    /// Adds text after a blank line.
    pub fn push_paragraph(&mut self, other: Self) {
        if !self.text.is_empty() {
            self.text += if self.text.ends_with('\n') { "\n" } else { "\n\n" };
        }
        self.push(other);
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text, replaced: 0 }
    }
}

impl From<OsString> for Text {
    fn from(argument: OsString) -> Self {
        Self::lossy(argument.into_encoded_bytes())
    }
}

/// Notes how many bytes of `name` were not UTF-8, if there were any.
pub fn note_replaced(count: usize, name: &str, notify: impl Fn(&str)) {
    let (bytes, were) = if count == 1 { ("byte", "was") } else { ("bytes", "were") };
    if count > 0 {
        notify(&format!("{count} {bytes} of {name} {were} not UTF-8 and became U+FFFD"));
    }
}

/// Reads everything. An error if it is more than a request can hold. `name` is its name in messages.
pub fn read_bytes(from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut from = from.take(LARGEST_REQUEST as u64 + 1);
    from.read_to_end(&mut bytes).with_context(|| cannot_read(name))?;
    if bytes.len() > LARGEST_REQUEST {
        return Err(too_large(&format!("{name} is")).into());
    }
    Ok(bytes)
}

/// The bytes as text. An error if they are binary.
pub fn text(bytes: Vec<u8>, name: &str) -> Result<Text> {
    Ok(Text::decode_unless_binary(bytes).ok_or_else(|| binary(name))?)
}

/// The failure of binary input that should be text.
pub fn binary(name: &str) -> Failure {
    let message = format!("{name} is binary: it has a NUL byte near its start");
    let hint = "a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well";
    usage_error(message).hint(hint)
}

/// Whether there is a NUL in the first 8 KiB. grep, too, recognises a binary file by a NUL.
pub fn is_binary<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> bool {
    bytes.into_iter().take(8 << 10).any(|byte| *byte == 0)
}

pub fn cannot_read(name: &str) -> Failure {
    Failure::new(Kind::Local, format!("cannot read {name}"))
}
