//! The results of a batch: a JSON line each, and what a file of earlier results already answers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Digest, Usage};
use crate::error::{Failure, Kind};
use crate::jsonl::{Lines, is_torn};

/// One result. `key` is a digest of the request as sent; an item that could not be sent has none.
#[derive(Serialize)]
pub struct Row<'a> {
    pub line: u64,
    pub id: Option<&'a RawValue>,
    pub key: Option<Digest>,
    #[serde(flatten)]
    pub content: RowContent<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum RowContent<'a> {
    Answer {
        text: &'a str,
        stop_reason: Option<String>,
        model: Option<String>,
        usage: Usage,
        /// The server's own JSON, where that is wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<Box<RawValue>>,
    },
    Error {
        error: RowError,
    },
}

#[derive(Serialize)]
pub struct RowError {
    pub exit: u8,
    pub status: Option<u16>,
    pub message: String,
}

impl Row<'_> {
    /// The result as a line of JSON.
    pub fn to_line(&self) -> String {
        // strings and numbers always are JSON
        serde_json::to_string(self).map_or(String::new(), |json| json + "\n")
    }
}

/// The items that have an answer: how many answers each has, because an id may stand twice.
pub type Answered = HashMap<Digest, u32>;

/// What identifies an item: what it asks, and its id if it has one. Its line may change.
pub fn identity(id: Option<&RawValue>, key: Digest) -> Digest {
    id.map_or(key, |id| Digest::of(format!("{}\n{key}", id.get()).as_bytes()))
}

/// Opens a file of results to append to it, and finds out what it answers. A file that is not empty needs `resume`;
/// a last line that was not written completely is removed.
pub fn open_results(path: &Path, resume: bool) -> Result<(File, Answered)> {
    let name = path.display();
    let mut lines = Lines::open(path, "the results")?;
    if !lines.try_lock()? {
        let message = format!("another batch is writing to {name}");
        let failure = Failure::new(Kind::Local, message);
        return Err(failure.hint("wait until it ends, or use another file").into());
    }
    let mut answered = Answered::new();
    let Some(file) = lines.reader() else { return Ok((lines.into_file(), answered)) };
    if !resume && !lines.is_empty() {
        let failure = Failure::new(Kind::Usage, format!("{name} is not empty"));
        return Err(failure.hint("use --resume to continue it, or another file").into());
    }
    let cannot = || Failure::new(Kind::Local, format!("cannot read the results {name}"));
    let mut reader = BufReader::new(file);
    let (mut line, mut end) = (Vec::new(), 0);
    for number in 1.. {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).with_context(cannot)? as u64;
        if length == 0 {
            break;
        }
        match answered_item(&line) {
            Ok(item) => item.into_iter().for_each(|item| *answered.entry(item).or_default() += 1),
            Err(_) if line.trim_ascii().is_empty() => {}
            Err(_) if !line.ends_with(b"\n") && is_torn(&line, r#"{"line":"#) => {
                lines.truncate(end)?;
                break;
            }
            Err(_) => {
                let message = format!("{name}:{number}: this line is not a result of a batch");
                let failure = Failure::new(Kind::Usage, message);
                return Err(failure.hint("is it the right file?").into());
            }
        }
        end += length;
    }
    // the last line may lack no more than its end
    lines.append(b"")?;
    Ok((lines.into_file(), answered))
}

/// The item that a result answers; `None` for a failed one. An error is a line that is not a result.
fn answered_item(line: &[u8]) -> serde_json::Result<Option<Digest>> {
    #[derive(Deserialize)]
    struct Known<'a> {
        #[serde(rename = "line")]
        _line: u64,
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        key: Option<Digest>,
        #[serde(borrow)]
        text: Option<&'a RawValue>,
    }
    let known: Known = serde_json::from_slice(line)?;
    let key = known.key.filter(|_| known.text.is_some());
    Ok(key.map(|key| identity(known.id, key)))
}
