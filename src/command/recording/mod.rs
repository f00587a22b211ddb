//! Recorded answers: a file with a JSON line for each, which is found by the digest of its request.

mod difference;
mod index;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;

use crate::api::{Answer, Head, Prepared};
use crate::error::{Failure, Kind};
use crate::jsonl::Lines;
use crate::output::Console;
use crate::sync::lock;
use difference::difference;
use index::Index;
use record::{Recorded, line, question, recorded_question};

/// What messages call the file.
const NAME: &str = "the recorded answers";

/// A file of recorded answers.
pub struct Recordings {
    path: PathBuf,
    /// What it holds; `None` where every request is asked.
    index: Option<Mutex<Index>>,
    /// The file to append to; `None` where no request is asked.
    lines: Option<Lines>,
}

impl Recordings {
    /// Opens the file to record or to replay; if both are wanted, the paths lead to one file. A last line that was
    /// not written completely is removed before another one is added.
    pub fn open(record: Option<&Path>, replay: Option<&Path>) -> Result<Option<Self>> {
        let Some(path) = record.or(replay) else { return Ok(None) };
        let open = |path: &Path| Lines::open_locked(path, NAME, || Ok(()));
        let locked = record.filter(|path| path.is_file()).map(open).transpose()?;
        let index = path.is_file().then(|| Index::open(path)).transpose()?;
        if let (Some(lines), Some(length)) = (&locked, index.as_ref().and_then(|index| index.torn))
        {
            lines.truncate(length)?;
        }
        drop(locked);
        // programs side by side may record in one file
        let lines = record.map(|path| Lines::open(path, NAME)).transpose()?;
        let index = index.filter(|_| replay.is_some()).map(Mutex::new);
        Ok(Some(Self { path: path.into(), index, lines }))
    }

    /// The next answer that is recorded for a request, and where it stands. Without one, the request is to be asked,
    /// or it is an error.
    pub fn find(
        &self,
        prepared: &Prepared,
        console: &Console,
    ) -> Result<Option<(Recorded, String)>> {
        let Some(index) = &self.index else { return Ok(None) };
        let mut index = lock(index);
        let Some(place) = index.next(prepared.digest()) else {
            return match &self.lines {
                Some(_) => Ok(None),
                None => Err(self.no_answer(&mut index, prepared, console)?.into()),
            };
        };
        let json = index.line(place)?;
        drop(index);
        let recorded =
            Recorded::parse(&json).ok_or_else(|| index::not_an_answer(&self.path, place.number))?;
        Ok(Some((recorded, format!("{}:{}", self.path.display(), place.number))))
    }

    /// Adds an answer that a server gave, if that is wanted.
    pub fn add(
        &self,
        prepared: &Prepared,
        head: &Head,
        answer: &Answer,
        console: &Console,
    ) -> Result<()> {
        let Some(lines) = &self.lines else { return Ok(()) };
        lines.append(line(prepared, head, &answer.body, console).as_bytes())
    }

    /// The error of a request without an answer. It says how the last one that has an answer differs.
    fn no_answer(
        &self,
        index: &mut Index,
        prepared: &Prepared,
        console: &Console,
    ) -> Result<Failure> {
        let path = self.path.display();
        let last = index.last.map(|place| index.line(place)).transpose()?;
        let why = match last.as_deref().and_then(recorded_question) {
            Some(last) => difference(&question(&prepared.question(), console), &last),
            None => Some("it is empty".into()),
        };
        let why = why.map_or(String::new(), |why| format!(": {why}"));
        let message = format!("no recorded answer for this request in {path}{why}");
        let failure = Failure::new(Kind::NoRecording, message);
        Ok(failure.hint(format!("add --record {path} to ask it, and record the answer")))
    }
}
