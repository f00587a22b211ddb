//! Which requests a file of recorded answers has answers for, and where. Only that is kept in memory.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::api::Digest;
use crate::error::{Failure, Kind};
use crate::jsonl::is_torn;

/// How a line begins.
const START: &str = r#"{"key":""#;
/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub number: u64,
    offset: u64,
}

/// The open file, and where its answers stand.
pub struct Index {
    file: File,
    path: PathBuf,
    /// The answers to each request that are still to come; the last one stays.
    places: HashMap<Digest, VecDeque<Place>>,
    /// The last answer of the file.
    pub last: Option<Place>,
    /// The length of the file without a last line that was not written completely, if there is one.
    pub torn: Option<u64>,
}

impl Index {
    /// Opens a file and reads it. A line of another kind is an error.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = || Failure::new(Kind::Local, format!("cannot open {}", path.display()));
        let file = File::open(path).with_context(cannot)?;
        let mut index =
            Self { file, path: path.into(), places: HashMap::new(), last: None, torn: None };
        let mut reader = BufReader::with_capacity(PIECE, &index.file);
        let (mut line, mut offset) = (Vec::new(), 0);
        for number in 1.. {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).with_context(|| cannot_read(path))?;
            if length == 0 {
                break;
            }
            let place = Place { number, offset };
            match key(&line) {
                Some(key) => {
                    index.places.entry(key).or_default().push_back(place);
                    index.last = Some(place);
                }
                None if line.trim_ascii().is_empty() => {}
                // a program that was killed may have left it, and another one gone on after it
                None if is_torn(line.trim_ascii_end(), START) => {
                    index.torn = (!line.ends_with(b"\n")).then_some(offset);
                }
                None => return Err(not_an_answer(path, number).into()),
            }
            offset += length as u64;
        }
        Ok(index)
    }

    /// The answer whose turn it is.
    pub fn next(&mut self, key: Digest) -> Option<Place> {
        let places = self.places.get_mut(&key)?;
        if places.len() > 1 { places.pop_front() } else { places.front().copied() }
    }

    /// Reads a line.
    pub fn line(&mut self, place: Place) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut read = || -> io::Result<()> {
            self.file.seek(SeekFrom::Start(place.offset))?;
            BufReader::new(&self.file).read_until(b'\n', &mut line).map(drop)
        };
        read().with_context(|| cannot_read(&self.path))?;
        Ok(line)
    }
}

/// The key of a line.
fn key(line: &[u8]) -> Option<Digest> {
    #[derive(Deserialize)]
    struct Keyed {
        key: Digest,
    }
    let keyed: Keyed = serde_json::from_slice(line).ok()?;
    Some(keyed.key)
}

/// The error of a line that is something else.
pub fn not_an_answer(path: &Path, number: u64) -> Failure {
    let message = format!("{}:{number}: this line is not a recorded answer", path.display());
    Failure::new(Kind::Local, message).hint("is it the right file?")
}

fn cannot_read(path: &Path) -> Failure {
    Failure::new(Kind::Local, format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_is_found_in_every_form() {
        let digits = "0123456789abcdef0123456789abcdef";
        let (written, digest) =
            (format!("{START}{digits}\",\"body\":\"\"}}\n"), Digest::parse(digits));
        assert!(digest.is_some());
        for line in [
            written.clone(),
            written.trim_end().into(),
            written.replace(':', ": "),
            format!("{{\"body\":\"\",\"key\":\"{digits}\"}}\n"),
        ] {
            assert_eq!(key(line.as_bytes()), digest, "{line}");
        }
        for line in [written.replace('a', "x"), written.replace('0', ""), written.replace('{', "[")]
        {
            assert_eq!(key(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_survived(line in proptest::collection::vec(any::<u8>(), 0..99), start in any::<bool>()) {
            let start = if start { START } else { "" };
            key(&[start.as_bytes(), &line].concat());
        }
    }
}
