//! A file of JSON lines: several programs may append whole lines to it, or one program locks it.

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::disk;
use crate::error::{Failure, Kind, describe};
use crate::stdio::{Stream, is_regular};
use crate::sync::lock;

/// How often to look whether another program has released its lock.
const TICK: Duration = Duration::from_millis(20);

/// The longest line, in bytes.
const LONGEST_LINE: usize = 256 << 20;

/// Reads a file line by line, and knows what a kill or a power cut has left at its end.
pub struct LineReader<R> {
    reader: BufReader<R>,
    /// How every line of ours begins.
    start: &'static str,
    line: Vec<u8>,
    number: u64,
    /// Where the line begins.
    offset: u64,
    /// If the last line is incomplete, or has NULs after it: the length of the file without that.
    pub sound_length: Option<u64>,
}

/// A line that is not blank.
pub struct Line<'a> {
    /// Counted from 1.
    pub number: u64,
    /// Where it begins, in bytes.
    pub offset: u64,
    pub json: &'a [u8],
    /// It is the last one, and was not written completely.
    pub is_torn: bool,
}

impl<R: Read> LineReader<R> {
    pub fn new(file: R, start: &'static str) -> Self {
        let (reader, line) = (BufReader::new(file), Vec::new());
        Self { reader, start, line, number: 0, offset: 0, sound_length: None }
    }

    /// The next line. One that no program of ours has written is an error, before it fills the memory.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.offset += self.line.len() as u64;
            self.number += 1;
            self.line.clear();
            let length = (&mut self.reader)
                .take(LONGEST_LINE as u64 + 1)
                .read_until(b'\n', &mut self.line)?;
            if length > LONGEST_LINE {
                let message = "a line is longer than 256 MiB";
                return Err(io::Error::new(ErrorKind::InvalidData, message));
            }
            if length == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let (mut json, mut is_torn) = (self.line.trim_ascii_end(), false);
        if !self.line.ends_with(b"\n") && is_torn_line(json, self.start) {
            json = before_nuls(json);
            is_torn = breaks_off(json);
            let sound_length = if is_torn { 0 } else { json.len() };
            self.sound_length = Some(self.offset + sound_length as u64);
        }
        Ok(Some(Line { number: self.number, offset: self.offset, json, is_torn }))
    }
}

/// Whether a line is one of ours that was not written completely: it begins like `start`, and its JSON breaks off, or there
/// are NULs, which a power cut leaves instead of what was not written.
pub fn is_torn_line(line: &[u8], start: &str) -> bool {
    let (written, start) = (before_nuls(line), start.as_bytes());
    let rest = &line[written.len()..];
    let begins = start.starts_with(written) && rest.iter().all(|byte| *byte == 0);
    (begins || written.starts_with(start))
        && (breaks_off(written) || !rest.is_empty() && is_json(written))
}

fn before_nuls(line: &[u8]) -> &[u8] {
    line.split(|byte| *byte == 0).next().unwrap_or_default()
}

fn breaks_off(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_err_and(|error| error.is_eof())
}

fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(json).is_ok()
}

/// What Unicode calls a line end but JSON does not escape. Python's `splitlines` and some editors split lines there.
const LINE_ENDS: [(char, &str); 3] =
    [('\u{85}', r"\u0085"), ('\u{2028}', r"\u2028"), ('\u{2029}', r"\u2029")];

/// A value as a line of JSON, which every program takes for one line. An error if it is too long to be read again.
pub fn line(value: &impl Serialize) -> Result<String> {
    let mut json = serde_json::to_string(value)? + "\n";
    for (end, escaped) in LINE_ENDS {
        // they are inside strings, since nothing else in JSON may have them
        if json.contains(end) {
            json = json.replace(end, escaped);
        }
    }
    if json.len() > LONGEST_LINE {
        let message = "the answer is too long for a line of JSON: over 256 MiB";
        return Err(Failure::new(Kind::BrokenAnswer, message).into());
    }
    Ok(json)
}

/// A file that is open to append lines.
pub struct Lines {
    file: File,
    /// The name in messages, such as "the log answers.log".
    name: String,
    /// It is a regular file, not a pipe, a device or a standard stream.
    regular: bool,
    /// It is a regular file on a file system that has locks.
    lockable: bool,
    locked: bool,
    appending: Mutex<()>,
}

impl Lines {
    /// Opens or creates the file. `what` is its name in messages, such as "the log", and its path follows. If its file
    /// system has no locks, `notify` says so.
    pub fn open(path: &Path, what: &str, notify: impl FnOnce(&str)) -> Result<Self> {
        let name = format!("{what} {}", path.display());
        let (stream, regular) = (Stream::named(path), is_regular(path));
        let open = |read| File::options().read(read).append(true).create(true).open(path);
        // a pipe that we open for reading, too, has us as its reader; the second try is for a write-only log
        let open = || open(regular).or_else(|_| open(false));
        let file = stream.map_or_else(open, Stream::file).with_context(|| cannot("open", &name))?;
        let mut lockable = regular;
        if regular && let Err(TryLockError::Error(error)) = file.try_lock_shared() {
            let why = describe(&error.into());
            notify(&format!("cannot lock {name}, so use it in one program at a time: {why}"));
            lockable = false;
        }
        let _ = file.unlock();
        Ok(Self { file, name, regular, lockable, locked: false, appending: Mutex::default() })
    }

    /// Opens the file and locks it. While another program has the lock, `waiting` is called again and again;
    /// its error ends the wait. Pipes, devices, and files that cannot be locked are opened all the same.
    pub fn open_locked(
        path: &Path,
        what: &str,
        notify: impl Fn(&str),
        mut waiting: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        loop {
            let mut lines = Self::open(path, what, &notify)?;
            if !lines.try_lock()? {
                waiting()?;
                thread::sleep(TICK);
            } else if !lines.regular || lines.is_at(path) {
                return Ok(lines);
            }
        }
    }

    /// Locks the file until it is closed; `false` if another program has the lock.
    fn try_lock(&mut self) -> Result<bool> {
        if !self.lockable {
            return Ok(true);
        }
        match self.file.try_lock() {
            Ok(()) => self.locked = true,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| cannot("lock", &self.name));
            }
        }
        Ok(self.locked)
    }

    /// The file, for reading; `None` for a pipe or a device.
    pub fn reader(&self) -> Option<&File> {
        self.regular.then_some(&self.file)
    }

    /// Its length in bytes; `None` if the system does not tell it.
    pub fn length(&self) -> Option<u64> {
        self.file.metadata().ok().map(|file| file.len())
    }

    pub fn is_empty(&self) -> bool {
        self.length() == Some(0)
    }

    /// Appends whole lines in one write. If the last line of the file has no line end, it gets one first, even if
    /// there is nothing to append.
    pub fn append(&self, lines: &[u8]) -> Result<()> {
        // a line that another thread or program is still writing looks torn
        let _alone = lock(&self.appending);
        let shared = self.lockable && !self.locked && self.file.lock().is_ok();
        let write = || {
            let length = self.file.metadata()?.len();
            let is_torn = self.regular && length > 0 && self.is_last_line_open();
            let new_line: &[u8] = if is_torn { b"\n" } else { b"" };
            let written = (&self.file).write_all(&[new_line, lines].concat());
            if written.is_err() && self.locked {
                // remove the half line; without our lock, these bytes may be another program's
                let _ = self.file.set_len(length);
            }
            written
        };
        let written = write().with_context(|| cannot("write to", &self.name));
        if shared {
            let _ = self.file.unlock();
        }
        written
    }

    /// Waits until the disk has what was appended.
    pub fn sync(&self) -> Result<()> {
        let synced = if self.regular { disk::sync(&self.file) } else { Ok(()) };
        synced.with_context(|| cannot("write to", &self.name))
    }

    /// Removes everything after the first `length` bytes.
    pub fn truncate(&self, length: u64) -> Result<()> {
        self.file.set_len(length).with_context(|| cannot("write to", &self.name))
    }

    /// Whether the path still leads to this file: many text editors replace a file when they save it.
    #[cfg(unix)]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let id = |file: std::fs::Metadata| (file.dev(), file.ino());
        let named = path.metadata().map(id);
        named.is_ok_and(|named| self.file.metadata().is_ok_and(|open| id(open) == named))
    }

    /// Whether the path still leads to a file.
    #[cfg(not(unix))]
    pub fn is_at(&self, path: &Path) -> bool {
        path.exists()
    }

    /// Whether the file still has a name, perhaps another one: it was not removed.
    #[cfg(unix)]
    pub fn has_name(&self) -> bool {
        self.file.metadata().is_ok_and(|file| std::os::unix::fs::MetadataExt::nlink(&file) > 0)
    }

    /// Whether the file still has a name. An open file cannot be removed.
    #[cfg(not(unix))]
    pub fn has_name(&self) -> bool {
        true
    }

    fn is_last_line_open(&self) -> bool {
        let mut last = [b'\n'];
        let mut file = &self.file;
        let read = file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last));
        read.is_ok() && last != *b"\n"
    }
}

fn cannot(action: &str, name: &str) -> Failure {
    Failure::new(Kind::Local, format!("cannot {action} {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "{\"line\":";

    #[test]
    fn a_line_is_torn_where_it_breaks_off_anywhere() {
        let line =
            r#"{"line":1,"id":null,"text":"é\n\u00e9","usage":{"input_tokens":12}}"#.as_bytes();
        for length in 0..line.len() {
            assert!(is_torn_line(&line[..length], START), "{length}");
            assert!(is_torn_line(&[&line[..length], &[0; 9]].concat(), START), "{length}");
        }
        assert!(!is_torn_line(line, START));
        assert!(is_torn_line(&[line, &[0; 9]].concat(), START));
    }

    #[test]
    fn what_somebody_else_wrote_is_not_torn() {
        for line in
            ["notes without an end", "{\"my\":\"only copy", "{\"line\":1,x", "\u{feff}", "\0\0icon"]
        {
            assert!(!is_torn_line(line.as_bytes(), START), "{line}");
        }
    }
}
