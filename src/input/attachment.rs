//! Pictures and PDF files, recognised by their content, become content blocks.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::{memchr, memmem};

use crate::api::{Base64Source, ContentBlock};

/// The first bytes of the pictures that the API takes. WebP is not here: it needs more than a prefix.
const PICTURES: [(&[u8], &str); 4] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
];

const PDF: &[u8] = b"%PDF-";
const PDF_TYPE: &str = "application/pdf";

/// Other bytes may precede the signature of a PDF file, so it is searched for in this many bytes.
const PDF_START: usize = 1024;

/// The bytes of a file with this path as a content block; `None` if they are neither a picture nor a PDF.
pub fn attachment(bytes: &[u8], path: &str) -> Option<ContentBlock> {
    let media_type = media_type(bytes)?;
    let source = Base64Source::base64(media_type, BASE64_STANDARD.encode(bytes));
    let (cache_control, path) = (None, path.into());
    Some(if media_type == PDF_TYPE {
        ContentBlock::Document { source, title: None, cache_control, path }
    } else {
        ContentBlock::Image { source, cache_control, path }
    })
}

/// The type of a picture or PDF; `None` for anything else.
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    picture(bytes).or(is_pdf(bytes).then_some(PDF_TYPE))
}

/// Text may begin like a picture, but no picture lacks a NUL.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    let is_webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let prefix = || PICTURES.into_iter().find(|(prefix, _)| bytes.starts_with(prefix));
    let name = if is_webp { "image/webp" } else { prefix()?.1 };
    memchr(0, bytes).map(|_| name)
}

/// Text may name the signature of a PDF, but no PDF lacks an object.
fn is_pdf(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(PDF_START)];
    let has_signature = match memmem::find(start, PDF) {
        Some(0) => true,
        Some(_) => std::str::from_utf8(bytes).is_err(),
        None => false,
    };
    has_signature && memmem::find(bytes, b" obj").is_some()
}
