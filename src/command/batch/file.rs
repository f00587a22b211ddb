//! The file of results: rows are appended, a later batch continues it, and at the end it is put in order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::earlier::{Earlier, ItemLine, Labelled};
use super::order::Rows;
use super::results::{WrittenRow, label_or_line};
use crate::api::Prices;
use crate::error::{Failure, Kind, describe, usage_error};
use crate::jsonl::{LineReader, Lines};
use crate::output::{NotReplaced, TempFile, count_of, replace};

/// An open file of results. It is locked, so that no other batch writes to it.
pub struct ResultsFile {
    lines: Lines,
    path: PathBuf,
    /// How many rows it has.
    rows: u64,
    /// Its length after the last row. If it has another length, somebody else has written to it.
    length: Option<u64>,
}

impl ResultsFile {
    /// Opens a file to append to it. One that is not empty needs `resume`.
    pub fn open(path: &Path, resume: bool, notify: impl Fn(&str)) -> Result<Self> {
        let name = path.display();
        let busy = || {
            let failure = Failure::new(Kind::Local, format!("another batch is writing to {name}"));
            Err(failure.hint("wait until it ends, or use another file").into())
        };
        let lines = Lines::open_locked(path, "the results", notify, busy)?;
        if !resume && !lines.is_empty() {
            let failure = usage_error(format!("{name} is not empty"));
            return Err(failure.hint("use --resume to continue it, or another file").into());
        }
        Ok(Self { lines, path: path.into(), rows: 0, length: None })
    }

    /// Adds the answers in the file to `earlier`, and with prices also what its rows cost. An incomplete end is
    /// removed.
    pub fn read_answers(&mut self, earlier: &mut Earlier, prices: Option<&Prices>) -> Result<()> {
        let mut labelled = Vec::new();
        self.rows = self.read(|row, _| {
            earlier.cost.add(prices.and_then(|prices| row.cost(prices)).unwrap_or_default());
            if row.is_answer() {
                earlier.add_answer(row.identity());
                labelled.push((label_or_line(row.label(), row.line), row.identity()));
            }
        })?;
        earlier.labelled = Labelled::new(labelled);
        // if only the line end of the last row is missing, this adds it
        self.append_lines("")
    }

    /// Appends a row to the file that has the name now.
    pub fn append(&mut self, row: &str, notify: impl FnOnce(&str)) -> Result<()> {
        self.follow_name(notify)?;
        self.append_lines(row)?;
        self.rows += 1;
        Ok(())
    }

    fn append_lines(&mut self, lines: &str) -> Result<()> {
        self.lines.append(lines.as_bytes())?;
        self.length = self.lines.length();
        Ok(())
    }

    /// If the file was moved, removed or replaced, goes on in the file that has the name now, or in a new one. Nothing is
    /// copied: earlier rows stay where the user has put them, and `notify` says where that is. An editor may also write
    /// its text into the same file.
    pub fn follow_name(&mut self, notify: impl FnOnce(&str)) -> Result<()> {
        let is_same_file = self.lines.is_at(&self.path);
        if is_same_file && self.lines.length() == self.length {
            return Ok(());
        }
        let was_moved = !is_same_file && self.lines.has_name();
        if !is_same_file {
            self.lines = Self::open(&self.path, true, |_| ())?.lines;
        }
        // a file that does not have results is looked at again before the next row
        self.length = None;
        let name = self.path.display().to_string();
        let replaced = || Failure::new(Kind::Local, format!("{name} was replaced"));
        let rows = self.read(|_, _| {}).with_context(replaced)?;
        // if only the line end of the last row is missing, this adds it
        self.append_lines("")?;
        let before = count_of(std::mem::replace(&mut self.rows, rows), "row");
        let fate = if was_moved {
            format!("moved with {before}; the results go on in a new file")
        } else if rows == 0 && !is_same_file {
            format!("removed with {before}; the results go on in a new file")
        } else {
            let after = count_of(rows, "row");
            format!("replaced: it had {before}, and has {after} now; the results go on in it")
        };
        notify(&format!("{name} was {fate}"));
        Ok(())
    }

    /// Waits until the disk has all rows.
    pub fn sync(&self) -> Result<()> {
        self.lines.sync()
    }

    /// Puts the rows in the order of the items, in one step. If the file cannot be replaced, it stays as it is, and
    /// `notify` says so.
    pub fn order(
        &self,
        items: Vec<ItemLine>,
        temp_file: &TempFile,
        notify: impl FnOnce(&str),
    ) -> Result<()> {
        let mut rows = Rows::default();
        self.read(|row, offset| rows.add(row, offset))?;
        let Some(offsets) = rows.in_order(items) else { return Ok(()) };
        let copy = |file: &File| {
            let mut from = BufReader::new(self.rewound()?);
            let mut to = BufWriter::new(file);
            let (mut at, mut line) = (0, Vec::new());
            for offset in offsets {
                from.seek_relative(offset.wrapping_sub(at).cast_signed())?;
                line.clear();
                at = offset + from.read_until(b'\n', &mut line)? as u64;
                to.write_all(&line)?;
            }
            to.flush()?;
            if !self.lines.is_at(&self.path) {
                return Err(io::Error::other("it was replaced or removed"));
            }
            Ok(())
        };
        let name = self.path.display();
        match replace(&self.path, temp_file, copy) {
            Ok(()) => Ok(()),
            Err(NotReplaced::Fixed(error)) => {
                let why = describe(&error.into());
                notify(&format!(
                    "{name} has all results, but -k cannot put it in order, because no other file \
                     can take its name: {why}"
                ));
                Ok(())
            }
            Err(NotReplaced::Unwritten(error)) => {
                let message = format!("cannot put {name} in order");
                Err(error).with_context(|| Failure::new(Kind::Local, message))
            }
        }
    }

    fn rewound(&self) -> io::Result<&File> {
        let mut file = self.lines.reader().ok_or(io::ErrorKind::NotSeekable)?;
        file.rewind()?;
        Ok(file)
    }

    /// Calls `on_row` with each row and its offset in bytes, and counts the rows. An incomplete end is removed.
    fn read(&self, mut on_row: impl FnMut(&WrittenRow, u64)) -> Result<u64> {
        let name = self.path.display();
        let cannot = || Failure::new(Kind::Local, format!("cannot read the results {name}"));
        let mut lines = LineReader::new(self.rewound().with_context(cannot)?, r#"{"line":"#);
        let mut rows = 0;
        while let Some(line) = lines.next_line().with_context(cannot)? {
            match serde_json::from_slice(line.json) {
                Ok(row) => {
                    on_row(&row, line.offset);
                    rows += 1;
                }
                Err(_) if line.is_torn => {}
                Err(_) => {
                    let number = line.number;
                    let message = format!("{name}:{number}: this line is not a result of a batch");
                    let failure = usage_error(message);
                    return Err(failure.hint("is it the right file?").into());
                }
            }
        }
        lines.sound_length.map_or(Ok(()), |length| self.lines.truncate(length))?;
        Ok(rows)
    }
}
