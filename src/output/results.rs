//! The results of a batch: a JSON line each, whole and at once, in any order or in the items'.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Out;
use crate::api::{Digest, Usage};
use crate::error::{Failure, Kind};

/// What came of an item.
#[derive(Serialize)]
pub struct Record<'a> {
    pub line: u64,
    pub id: Option<&'a RawValue>,
    /// A digest of the request as sent; `None` where there was none to send.
    pub key: Option<Digest>,
    #[serde(flatten)]
    pub came: Came<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum Came<'a> {
    Answer {
        text: &'a str,
        stop_reason: Option<&'a str>,
        model: Option<&'a str>,
        usage: Usage,
        /// The server's own JSON, where that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<Box<RawValue>>,
    },
    Error {
        error: Problem<'a>,
    },
}

#[derive(Serialize)]
pub struct Problem<'a> {
    pub exit: u8,
    pub status: Option<u16>,
    pub message: &'a str,
}

/// Where results go, and what has to wait for its turn.
pub struct Results {
    out: Out,
    /// In the order of the items: what came too early, by its number.
    early: Option<BTreeMap<u64, String>>,
    /// The number of the next result to print, from 0.
    next: u64,
    /// A write failed, and may have torn a line: nothing more may follow it.
    broken: bool,
}

impl Results {
    pub fn new(out: Out, keep_order: bool) -> Self {
        Self {
            out,
            early: keep_order.then(BTreeMap::new),
            next: 0,
            broken: false,
        }
    }

    /// Prints the result of the item that was the `number`th to be taken; an empty line is none.
    /// Gives how many items, from the first on, have nothing more to print.
    pub fn put(&mut self, number: u64, line: String) -> Result<u64> {
        match &mut self.early {
            None => {
                self.out.json(line.as_bytes());
                self.next += 1;
            }
            Some(early) => {
                early.insert(number, line);
                while let Some(line) = early.remove(&self.next) {
                    self.out.json(line.as_bytes());
                    self.next += 1;
                }
            }
        }
        self.write()?;
        Ok(self.next)
    }

    /// Prints what waited for a result that will not come.
    pub fn finish(&mut self) -> Result<()> {
        for line in self.early.take().unwrap_or_default().into_values() {
            self.out.json(line.as_bytes());
        }
        self.write()
    }

    fn write(&mut self) -> Result<()> {
        if self.broken {
            return Ok(());
        }
        let written = self.out.write();
        self.broken = written.is_err();
        written
    }
}

/// The items that a file of results has answers to, by a digest of their line or id and their key: how
/// many answers each has, for an id may stand twice.
pub type Answered = HashMap<Digest, u32>;

/// What tells an item from all others: its id, or else its line, and what it asks.
pub fn identity(line: u64, id: Option<&RawValue>, key: Digest) -> Digest {
    let place = id.map_or_else(|| line.to_string(), |id| format!("id {}", id.get()));
    Digest::of(format!("{place}\n{key}").as_bytes())
}

/// Opens a file of results to append to it, and tells what it has answers to. A file that has something
/// in it needs `resume`; a line that was torn by a kill is taken away.
pub fn open_results(path: &Path, resume: bool) -> Result<(File, Answered)> {
    let name = path.display();
    let cannot = || Failure::new(Kind::Local, format!("cannot write to {name}"));
    if path.metadata().is_ok_and(|file| !file.is_file()) {
        // a pipe or a device keeps nothing, and who reads a pipe must be somebody else
        let file = OpenOptions::new().append(true).open(path);
        return Ok((file.with_context(cannot)?, Answered::new()));
    }
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .with_context(cannot)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let failure = Failure::new(Kind::Local, format!("another batch is writing to {name}"));
            return Err(failure
                .hint("wait for its end, or take another file")
                .into());
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
    }
    let mut answered = Answered::new();
    let mut reader = BufReader::new(&file);
    let (mut line, mut whole, mut number) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        let count = reader.read_until(b'\n', &mut line).with_context(cannot)?;
        if count == 0 {
            break;
        }
        if !resume {
            let failure = Failure::new(Kind::Usage, format!("{name} has something in it already"));
            return Err(failure
                .hint("--resume goes on with it, another name begins anew")
                .into());
        }
        number += 1;
        let answer = match answer_in(&line) {
            Ok(answer) => answer,
            Err(_) if line.trim_ascii().is_empty() => None,
            // torn by a kill: what is there of it is the start of a result
            Err(_) if !line.ends_with(b"\n") && is_start_of_result(&line) => {
                file.set_len(whole).with_context(cannot)?;
                break;
            }
            Err(_) => {
                let message = format!("{name}:{number}: this is no result of a batch");
                let failure = Failure::new(Kind::Usage, message);
                return Err(failure.hint("is it the right file?").into());
            }
        };
        if !line.ends_with(b"\n") {
            // only its end was torn
            (&file).write_all(b"\n").with_context(cannot)?;
        }
        whole += count as u64;
        if let Some(identity) = answer {
            *answered.entry(identity).or_default() += 1;
        }
    }
    Ok((file, answered))
}

/// Whether a result may begin like this, or was to be written where nothing is, as a power cut leaves it.
fn is_start_of_result(bytes: &[u8]) -> bool {
    const START: &[u8] = b"{\"line\":";
    bytes.starts_with(START) || START.starts_with(bytes) || bytes.iter().all(|byte| *byte == 0)
}

/// The identity of the item that a result answers, if it does. The error is a line that is no result.
fn answer_in(line: &[u8]) -> serde_json::Result<Option<Digest>> {
    #[derive(Deserialize)]
    struct Known<'a> {
        line: u64,
        #[serde(borrow)]
        id: Option<&'a RawValue>,
        key: Option<Digest>,
        #[serde(borrow)]
        text: Option<&'a RawValue>,
    }
    let known: Known = serde_json::from_slice(line)?;
    let answered = known.key.filter(|_| known.text.is_some());
    Ok(answered.map(|key| identity(known.line, known.id, key)))
}
