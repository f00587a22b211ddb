//! Bytes from outside become text: bytes that are not UTF-8, and NULs, are replaced and counted; what is no text is refused.

use std::ffi::OsString;
use std::io::Read;

use anyhow::{Context, Result};
use memchr::memchr_iter;

use super::encoding::utf8;
use super::unsendable::{GIBBERISH, Unsendable};
use crate::api::{LARGEST_REQUEST, too_large};
use crate::error::{Failure, Kind, usage_error};

/// Text from outside.
#[derive(Debug, Default, Clone)]
pub struct Text {
    pub text: String,
    pub replaced: Replaced,
}

/// The bytes that became U+FFFD.
#[derive(Debug, Default, Clone)]
pub struct Replaced {
    pub count: usize,
    has_nul: bool,
    /// The file that has the first of them.
    file: Option<String>,
}

impl Replaced {
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.has_nul |= other.has_nul;
        self.file = self.file.take().or(other.file);
    }

    /// Notes how many bytes of `name` they are, if there are any.
    pub fn note(&self, name: &str, notify: impl Fn(&str)) {
        let count = self.count;
        let (bytes, were) = if count == 1 { ("byte", "was") } else { ("bytes", "were") };
        let file = self.file.as_ref().map_or(String::new(), |file| format!(" (first in {file})"));
        let what = if self.has_nul { "NUL or not UTF-8" } else { "not UTF-8" };
        if count > 0 {
            notify(&format!("{count} {bytes} of {name}{file} {were} {what} and became U+FFFD"));
        }
    }
}

impl From<usize> for Replaced {
    fn from(count: usize) -> Self {
        Self { count, ..Self::default() }
    }
}

impl Text {
    /// The text of a file, which may begin with a byte order mark.
    pub fn decode(bytes: Vec<u8>) -> Self {
        Self::lossy(utf8(bytes))
    }

    /// The text of a file, unless it is something else.
    pub fn recognize(bytes: Vec<u8>) -> Result<Self, Unsendable> {
        let bytes = utf8(bytes);
        if is_binary(&bytes) {
            return Err(Unsendable::binary(&bytes));
        }
        let text = Self::lossy(bytes);
        text.check()?;
        Ok(text)
    }

    /// UTF-8 text, with U+FFFD instead of invalid bytes and of NULs.
    pub fn lossy(bytes: Vec<u8>) -> Self {
        let (mut text, invalid) = match String::from_utf8(bytes) {
            Ok(text) => (text, 0),
            Err(error) => {
                let bytes = error.as_bytes();
                let invalid = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
                (String::from_utf8_lossy(bytes).into_owned(), invalid)
            }
        };
        let nuls = memchr_iter(0, text.as_bytes()).count();
        if nuls > 0 {
            text = text.replace('\0', "\u{fffd}");
        }
        let replaced = Replaced { count: invalid + nuls, has_nul: nuls > 0, file: None };
        Self { text, replaced }
    }

    /// An error if a third of its characters or more are lost.
    pub fn check(&self) -> Result<(), Unsendable> {
        let count = self.replaced.count;
        // a character has four bytes at most, so few bytes cannot be a third of them
        let may_be_lost = count > 0 && 12 * count >= self.text.len();
        let lost = || self.text.matches(char::REPLACEMENT_CHARACTER).count();
        if may_be_lost && 3 * lost() >= self.text.chars().count() {
            return Err(GIBBERISH);
        }
        Ok(())
    }

    /// The same text, which stands in this file.
    #[must_use]
    pub fn in_file(mut self, name: &str) -> Self {
        self.replaced.file = (self.replaced.count > 0).then(|| name.into());
        self
    }

    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Adds text, unchanged.
    pub fn push(&mut self, other: Self) {
        self.replaced.add(other.replaced);
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
        Self { text, replaced: Replaced::default() }
    }
}

impl From<OsString> for Text {
    fn from(argument: OsString) -> Self {
        Self::lossy(argument.into_encoded_bytes())
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

/// The bytes as text. An error if they are something else.
pub fn text(bytes: Vec<u8>, name: &str) -> Result<Text> {
    Ok(Text::recognize(bytes).map_err(|what| what.failure(name))?)
}

/// Whether there is a NUL in the first 8 KiB. grep, too, recognises a binary file by a NUL.
pub fn is_binary<'a>(bytes: impl IntoIterator<Item = &'a u8>) -> bool {
    bytes.into_iter().take(8 << 10).any(|byte| *byte == 0)
}

/// The failure of an argument that names an empty file.
pub fn empty(name: &str) -> Failure {
    usage_error(format!("{name} is empty")).hint("leave it out if it is meant to be empty")
}

pub fn cannot_read(name: &str) -> Failure {
    Failure::new(Kind::Local, format!("cannot read {name}"))
}
