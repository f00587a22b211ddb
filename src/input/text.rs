//! Bytes from outside become text: UTF-8 as it is, other bytes replaced and counted, binary refused.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};

use crate::api::LARGEST_REQUEST;
use crate::error::{Failure, Kind};

/// A NUL this early makes a file binary, as for grep.
const LOOKED_AT: usize = 8 << 10;

/// Text from outside.
#[derive(Debug, Default, Clone)]
pub struct Text {
    pub text: String,
    /// How many bytes were not UTF-8 and became U+FFFD.
    pub replaced: usize,
}

/// Reads a text file. `path` may be `/dev/stdin` or any other place to read from.
pub fn read_file(path: &Path) -> Result<Text> {
    read(open(path)?, &path.display().to_string())
}

/// Opens a file to read.
pub fn open(path: &Path) -> Result<File> {
    let cannot = || Failure::new(Kind::Local, format!("cannot read {}", path.display()));
    File::open(path).with_context(cannot)
}

/// Reads all text of `from`, which messages call `name`.
pub fn read(from: impl Read, name: &str) -> Result<Text> {
    checked(read_bytes(from, name)?, name)
}

/// Reads everything, unless it is more than a request can hold.
pub fn read_bytes(from: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let cannot = || Failure::new(Kind::Local, format!("cannot read {name}"));
    from.take(LARGEST_REQUEST as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    if bytes.len() > LARGEST_REQUEST {
        let message = format!("{name} is over 32 MiB, and the API takes no larger request");
        return Err(Failure::new(Kind::Usage, message)
            .hint("send less of it at a time")
            .into());
    }
    Ok(bytes)
}

/// The bytes as text, if they are no binary.
pub fn checked(bytes: Vec<u8>, name: &str) -> Result<Text> {
    if bytes[..bytes.len().min(LOOKED_AT)].contains(&0) {
        let message = format!("{name} is binary: it has a NUL byte near its start");
        let hint = "a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well";
        return Err(Failure::new(Kind::Usage, message).hint(hint).into());
    }
    Ok(Text::decode(bytes))
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self { text, replaced: 0 }
    }
}

impl From<OsString> for Text {
    fn from(argument: OsString) -> Self {
        Self::decode(argument.into_encoded_bytes())
    }
}

impl Text {
    fn decode(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Text { text, replaced: 0 },
            Err(error) => {
                let bytes = error.into_bytes();
                let replaced = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
                Text {
                    text: String::from_utf8_lossy(&bytes).into_owned(),
                    replaced,
                }
            }
        }
    }
}
