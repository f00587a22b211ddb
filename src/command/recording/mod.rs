//! Recorded answers: a file with one JSON line per answer. An answer is found by the digest of its request.

mod difference;
mod record;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

use crate::api::{Answer, Digest, Head, Prepared};
use crate::error::{Failure, Kind};
use crate::jsonl::{LineReader, Lines, is_torn_line, line};
use crate::sync::lock;
use difference::difference;
use record::{Record, request_json};

/// The file's name in messages.
const NAME: &str = "the recorded answers";

/// A file of recorded answers.
pub struct Recordings {
    path: PathBuf,
    /// The answers to replay; `None` without `--replay`.
    recorded: Option<Mutex<Recorded>>,
    /// The file to append to; `None` without `--record`.
    lines: Option<Lines>,
}

/// The content of a file.
#[derive(Default)]
struct Recorded {
    /// The answers to each request that were not used yet, with their lines. The last one is used again and again.
    answers: HashMap<Digest, VecDeque<(u64, Record)>>,
    /// The request of the last answer.
    last: Option<Digest>,
}

impl Recordings {
    /// Opens the file to record or to replay. If there are two paths, they lead to the same file. A file of another kind
    /// is an error, and stays as it is. An incomplete last line is removed before another one is added.
    pub fn open(
        record: Option<&Path>,
        replay: Option<&Path>,
        notify: impl Fn(&str),
    ) -> Result<Option<Self>> {
        let Some(path) = record.or(replay) else { return Ok(None) };
        let mut recorded = replay.filter(|_| path.is_file()).map(|_| Recorded::default());
        let add = |line, record| {
            if let Some(recorded) = &mut recorded {
                recorded.add(line, record);
            }
        };
        let sound_length = if path.is_file() { read(path, add)? } else { None };
        if let Some(path) = record.filter(|_| sound_length.is_some()) {
            let locked = Lines::open_locked(path, NAME, |_| (), || Ok(()))?;
            // it was read without the lock, so another program may have been writing this line
            read(path, |_, _| ())?.map_or(Ok(()), |length| locked.truncate(length))?;
        }
        // several programs may record in one file at the same time, so it does not stay locked
        let lines = record.map(|path| Lines::open(path, NAME, notify)).transpose()?;
        Ok(Some(Self { path: path.into(), recorded: recorded.map(Mutex::new), lines }))
    }

    /// Whether `--replay` was given.
    pub fn are_replayed(&self) -> bool {
        self.recorded.is_some()
    }

    /// The next recorded answer to a request, and its `FILE:LINE`.
    pub fn find(&self, prepared: &Prepared) -> Option<(Record, String)> {
        let (line, record) = lock(self.recorded.as_ref()?).next(prepared.digest())?;
        Some((record, format!("{}:{line}", self.path.display())))
    }

    /// The error of a request without a recorded answer, unless `--record` was given, too: then the server answers it.
    pub fn require_answer(&self, prepared: &Prepared) -> Result<(), Failure> {
        match (&self.recorded, &self.lines) {
            (Some(recorded), None) => Err(self.no_answer(&lock(recorded), prepared)),
            _ => Ok(()),
        }
    }

    /// Adds an answer of a server, if `--record` was given. One with the key in it would have to be changed, and is not
    /// added.
    pub fn add(&self, prepared: &Prepared, head: &Head, answer: &mut Answer) -> Result<()> {
        let Some(lines) = &self.lines else { return Ok(()) };
        let record = Record::new(prepared, head, &answer.body)?;
        if record.has_key_of(prepared) {
            answer.note("the answer is not recorded: the API key is in the question or the answer");
            return Ok(());
        }
        lines.append(line(&record)?.as_bytes())
    }

    /// Waits until the disk has what was added.
    pub fn sync(&self) -> Result<()> {
        self.lines.as_ref().map_or(Ok(()), Lines::sync)
    }

    /// The error of a request without an answer. It names the first difference from the last recorded request.
    fn no_answer(&self, recorded: &Recorded, prepared: &Prepared) -> Failure {
        let path = self.path.display();
        let why = match recorded.last_request() {
            Some(last) => difference(&request_json(&prepared.digested_body()), &last),
            None => Some("it is empty".into()),
        };
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        let message = format!("no recorded answer for this request in {path}{why}");
        let failure = Failure::new(Kind::NoRecording, message);
        failure.hint(format!("add --record {path} to ask the server and record the answer"))
    }
}

/// Calls `on_record` with each line of a file. A line that is not a record is an error. If the end of the file is
/// incomplete, returns its length without that.
fn read(path: &Path, mut on_record: impl FnMut(u64, Record)) -> Result<Option<u64>> {
    let name = path.display();
    let cannot = || Failure::new(Kind::Local, format!("cannot read {name}"));
    let mut lines = LineReader::new(File::open(path).with_context(cannot)?, Record::START);
    while let Some(line) = lines.next_line().with_context(cannot)? {
        match serde_json::from_slice(line.json) {
            Ok(record) => on_record(line.number, record),
            // a killed program may have left it, and another program may have added lines after it
            Err(_) if line.is_torn || is_torn_line(line.json, Record::START) => {}
            Err(_) => {
                let number = line.number;
                let message = format!("{name}:{number}: this line is not a recorded answer");
                let failure = Failure::new(Kind::Local, message);
                return Err(failure.hint("is it the right file?").into());
            }
        }
    }
    Ok(lines.sound_length)
}

impl Recorded {
    fn add(&mut self, line: u64, record: Record) {
        self.last = Some(record.key);
        self.answers.entry(record.key).or_default().push_back((line, record));
    }

    /// The next answer to a request, and its line.
    fn next(&mut self, key: Digest) -> Option<(u64, Record)> {
        let answers = self.answers.get_mut(&key)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }

    /// The request of the last answer.
    fn last_request(&self) -> Option<serde_json::Value> {
        let (_, record) = self.answers.get(&self.last?)?.back()?;
        Some(serde_json::from_str(record.request.as_ref()?.get()).unwrap_or_default())
    }
}
