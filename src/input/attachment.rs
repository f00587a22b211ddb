//! Pictures and PDF files, recognised by their first bytes, become content blocks.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::api::{ContentBlock, Source};

/// How the types that the API takes begin; WebP is more than a prefix.
const PREFIXES: [(&[u8], &str); 5] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
];

/// The bytes as a content block; `None` if they are neither a picture nor a PDF.
pub fn attachment(bytes: &[u8]) -> Option<ContentBlock> {
    let media_type = media_type(bytes)?;
    let source = Source::base64(media_type, BASE64_STANDARD.encode(bytes));
    Some(match media_type {
        "application/pdf" => ContentBlock::Document { source },
        _ => ContentBlock::Image { source },
    })
}

fn media_type(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Some("image/webp");
    }
    PREFIXES.into_iter().find(|(prefix, _)| bytes.starts_with(prefix)).map(|(_, name)| name)
}
