//! What is neither text, picture nor PDF: each is called by its name, with the command that converts it.

use super::encoding::unmarked_utf16;
use crate::error::{Failure, usage_error};

/// What something is that cannot be sent.
#[derive(Debug, Clone, Copy)]
pub struct Unsendable {
    /// The end of a sentence that begins with its name and "is".
    what: &'static str,
    /// The command that makes something of it that can be sent.
    convert: Option<&'static str>,
}

pub const FOLDER: Unsendable = Unsendable { what: "a folder", convert: None };
pub const SPECIAL: Unsendable = Unsendable { what: "not a regular file", convert: None };
pub const GIBBERISH: Unsendable = Unsendable {
    what: "not text in UTF-8: a third of its characters or more would become U+FFFD",
    convert: Some("iconv -f ENCODING -t UTF-8"),
};
const BINARY: Unsendable =
    Unsendable { what: "binary: it has a NUL byte near its start", convert: None };

impl Unsendable {
    /// What binary bytes are: they have a NUL near their start.
    pub fn binary(bytes: &[u8]) -> Self {
        match bytes {
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => {
                Self::picture("a TIFF picture")
            }
            [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Self::picture("a BMP picture"),
            // a box of this size that lists the formats (ISO 14496-12, section 4.3)
            [0, 0, 0, size, b'f', b't', b'y', b'p', ..] => {
                let formats = &bytes[8..bytes.len().min((*size).into()).max(8)];
                let has = |names: &[&[u8]]| formats.chunks(4).any(|format| names.contains(&format));
                if has(&[b"avif", b"avis"]) {
                    Self::picture("an AVIF picture")
                } else if has(&[b"heic", b"heix", b"hevc", b"mif1", b"msf1"]) {
                    Self::picture("a HEIC picture")
                } else {
                    BINARY
                }
            }
            _ => unmarked_utf16(bytes).map_or(BINARY, |convert| Self {
                what: "UTF-16 text without a byte order mark",
                convert: Some(convert),
            }),
        }
    }

    fn picture(what: &'static str) -> Self {
        Self { what, convert: Some("magick FILE FILE.png") }
    }

    /// The failure of an argument with this name.
    pub fn failure(self, name: &str) -> Failure {
        let hint = self.conversion().unwrap_or_else(|| {
            "a prompt is text; -f takes PNG, JPEG, GIF, WebP and PDF files as well".into()
        });
        usage_error(format!("{name} is {}", self.what)).hint(hint)
    }

    /// Why a listed path is skipped.
    pub fn describe(self, name: &str) -> String {
        let conversion = self.conversion().map_or(String::new(), |convert| format!("; {convert}"));
        format!("{name} is {}{conversion}", self.what)
    }

    fn conversion(self) -> Option<String> {
        self.convert.map(|command| format!("convert it, for example with: {command}"))
    }
}
