//! A file becomes a part of the user message: by its first bytes a picture, a PDF, or text.

use std::path::Path;

use anyhow::Result;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::text::{self, Text};
use crate::api::{Part, Source};
use crate::error::{Failure, Kind};

/// What a file turned out to be.
pub enum Attachment {
    Text(Text),
    Part(Part),
}

/// Reads a file to attach.
pub fn attachment(path: &Path) -> Result<Attachment> {
    let name = path.display().to_string();
    attached(text::read_bytes(text::open(path)?, &name)?, &name)
}

/// Takes what was read from `name` to attach it.
pub fn attached(bytes: Vec<u8>, name: &str) -> Result<Attachment> {
    if bytes.is_empty() {
        let message = format!("{name} is empty");
        return Err(Failure::new(Kind::Usage, message)
            .hint("leave it out, if that is right")
            .into());
    }
    let Some(media_type) = media_type(&bytes) else {
        return text::checked(bytes, name).map(Attachment::Text);
    };
    let source = Source::base64(media_type, BASE64_STANDARD.encode(bytes));
    Ok(Attachment::Part(match media_type {
        "application/pdf" => Part::Document { source },
        _ => Part::Image { source },
    }))
}

/// The type of a picture or a PDF; `None` for anything else.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        _ => None,
    }
}
