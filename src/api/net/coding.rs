//! The coding of a body is known by its first bytes. The header alone does not tell it: some proxies decode a body and
//! leave the header, others compress a body and say nothing.

use std::io::{self, Cursor, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ureq::http::HeaderValue;
use ureq::http::header::CONTENT_ENCODING;

use crate::api::head::Head;
use crate::api::json::without_mark;
use crate::api::reply::sse::is_stream;
use crate::error::{Failure, broken};

/// How a gzip member begins (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// How often a body may be compressed. A gzip file can decompress to itself for ever.
const MOST_LAYERS: u32 = 4;
/// The codings that are not text any more.
const COMPRESSIONS: [&str; 7] =
    ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"];

type Reader = Box<dyn Read + Send + Sync>;

/// A body that is decoded while it is read. A coding that is not known is an error of [`io::ErrorKind::Other`] with a
/// [`Failure`] in it.
pub enum Decoded {
    /// Nothing is read yet. The codings are those of the header, the last one applied last; then comes how many layers
    /// there may still be.
    Unread(Reader, Vec<String>, u32),
    Begun(Reader),
}

impl Decoded {
    /// A reader of the body of an answer with this head.
    pub fn new(head: &Head, body: Reader) -> Self {
        let headers: Vec<_> =
            head.headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes).collect();
        let header = String::from_utf8_lossy(&headers.join(&b',')).to_ascii_lowercase();
        let codings = header.split(',').map(|name| name.trim().to_string());
        let codings = codings.filter(|name| COMPRESSIONS.contains(&&**name)).collect();
        Self::Unread(body, codings, MOST_LAYERS)
    }
}

impl Read for Decoded {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (body, codings, layers) = match self {
            Self::Begun(body) => return body.read(bytes),
            Self::Unread(body, codings, layers) => (body, codings, layers),
        };
        let mut count = body.read(bytes)?;
        if count == 1 && bytes[0] == GZIP[0] {
            count += body.read(&mut bytes[1..])?;
        }
        if count == 0 {
            return Ok(0);
        }
        let start = &bytes[..count];
        let coding = codings.pop();
        let is_gzip = start.starts_with(&GZIP) && *layers > 0;
        // what is called gzip begins as gzip does
        let is_plain = match coding.as_deref() {
            None | Some("gzip" | "x-gzip") => true,
            Some("deflate") => is_text(start) || is_printable(start),
            _ => is_text(start),
        };
        if is_plain && !is_gzip {
            let body = std::mem::replace(body, Box::new(io::empty()));
            *self = Self::Begun(body);
            return Ok(count);
        }
        let rest = std::mem::replace(body, Box::new(io::empty()));
        let whole = Cursor::new(start.to_vec()).chain(rest);
        let decoded: Reader = match coding.as_deref() {
            _ if is_gzip => Box::new(MultiGzDecoder::new(whole)),
            Some("deflate") if is_zlib(start) => Box::new(ZlibDecoder::new(whole)),
            Some("deflate") => Box::new(DeflateDecoder::new(whole)),
            coding => return Err(io::Error::other(unknown(coding.unwrap_or_default()))),
        };
        *self = Self::Unread(decoded, std::mem::take(codings), layers.saturating_sub(1));
        self.read(bytes)
    }
}

/// Whether this is the start of JSON, of a stream or of a page.
fn is_text(start: &[u8]) -> bool {
    let start = without_mark(start);
    matches!(start.first(), Some(b'{' | b'[' | b'<' | b'"')) || is_stream(start) != Some(false)
}

/// Whether it has words and no control characters, as an error in plain text does.
fn is_printable(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    !text.contains(|char: char| char == '\u{FFFD}' || (char.is_control() && !char.is_whitespace()))
}

/// Whether it begins with a zlib header (RFC 1950, section 2.2).
fn is_zlib(start: &[u8]) -> bool {
    let header = start.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    header.is_some_and(|header| (header >> 8) & 0xF == 8 && header % 31 == 0)
}

fn unknown(coding: &str) -> Failure {
    broken(format!("the answer is encoded as {coding}, which was not asked for"))
}
