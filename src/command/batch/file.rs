//! The file of results: rows are appended, a later batch continues it, and at the end it is put in order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::labelled::Labelled;
use super::order::Rows;
use super::results::{Earlier, ItemLine, WrittenRow};
use crate::error::{Failure, Kind, usage_error};
use crate::jsonl::{Lines, is_torn, read_line};
use crate::output::AtomicFile;

/// An open file of results. It is locked, so that no other batch writes to it.
pub struct ResultsFile {
    lines: Lines,
    path: PathBuf,
}

impl ResultsFile {
    /// Opens a file to append to it. One that is not empty needs `resume`.
    pub fn open(path: &Path, resume: bool) -> Result<Self> {
        let name = path.display();
        let busy = || {
            let failure = Failure::new(Kind::Local, format!("another batch is writing to {name}"));
            Err(failure.hint("wait until it ends, or use another file").into())
        };
        let lines = Lines::open_locked(path, "the results", busy)?;
        if !resume && !lines.is_empty() {
            let failure = usage_error(format!("{name} is not empty"));
            return Err(failure.hint("use --resume to continue it, or another file").into());
        }
        Ok(Self { lines, path: path.into() })
    }

    /// Adds the answers in the file to `earlier`. An incomplete last line is removed.
    pub fn read_answers(&self, earlier: &mut Earlier) -> Result<()> {
        let mut labelled = Vec::new();
        self.read(|row, _| {
            if row.is_answer() {
                earlier.add_answer(row.identity());
                labelled.extend(row.label().map(|label| (label, row.identity())));
            }
        })?;
        earlier.labelled = Labelled::new(labelled);
        // if only the line end of the last row is missing, this adds it
        self.lines.append(b"")
    }

    /// Whether the file can be put in order. An open descriptor cannot. An error if its folder does not allow it.
    pub fn can_be_ordered(&self) -> Result<bool> {
        Ok(AtomicFile::open(&self.path)?.1.is_some())
    }

    /// Appends a row.
    pub fn append(&self, row: &str) -> Result<()> {
        self.lines.append(row.as_bytes())
    }

    /// Puts the rows in the order of the items, in one step. `on_temp_path` is called with the path of the temporary
    /// file.
    pub fn order(&self, items: Vec<ItemLine>, on_temp_path: impl FnOnce(&Path)) -> Result<()> {
        let mut rows = Rows::default();
        self.read(|row, offset| rows.add(row, offset))?;
        let Some(offsets) = rows.in_order(items) else { return Ok(()) };
        let name = self.path.display();
        if !self.lines.is_at(&self.path) {
            let message = format!("{name} was replaced or removed, so it is not put in order");
            return Err(Failure::new(Kind::Local, message).into());
        }
        let (file, Some(replacement)) = AtomicFile::open(&self.path)? else { return Ok(()) };
        on_temp_path(replacement.temp_path());
        let copy = || {
            let mut from = BufReader::new(self.rewound()?);
            let mut to = BufWriter::new(&file);
            let (mut at, mut line) = (0, Vec::new());
            for offset in offsets {
                from.seek_relative(offset.wrapping_sub(at).cast_signed())?;
                line.clear();
                at = offset + from.read_until(b'\n', &mut line)? as u64;
                to.write_all(&line)?;
            }
            to.flush()?;
            // so that even after a power cut, the old or the new file is complete
            file.sync_all()
        };
        copy().with_context(|| Failure::new(Kind::Local, format!("cannot put {name} in order")))?;
        replacement.commit()
    }

    fn rewound(&self) -> io::Result<&File> {
        let mut file = self.lines.reader().ok_or(io::ErrorKind::NotSeekable)?;
        file.rewind()?;
        Ok(file)
    }

    /// Calls `on_row` with each row and its offset in bytes. An incomplete last line is removed.
    fn read(&self, mut on_row: impl FnMut(&WrittenRow, u64)) -> Result<()> {
        let name = self.path.display();
        let cannot = || Failure::new(Kind::Local, format!("cannot read the results {name}"));
        let mut reader = BufReader::new(self.rewound().with_context(cannot)?);
        let (mut line, mut offset) = (Vec::new(), 0);
        for number in 1.. {
            let length = read_line(&mut reader, &mut line).with_context(cannot)? as u64;
            if length == 0 {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(row) => on_row(&row, offset),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) if !line.ends_with(b"\n") && is_torn(&line, r#"{"line":"#) => {
                    self.lines.truncate(offset)?;
                    break;
                }
                Err(_) => {
                    let message = format!("{name}:{number}: this line is not a result of a batch");
                    let failure = usage_error(message);
                    return Err(failure.hint("is it the right file?").into());
                }
            }
            offset += length;
        }
        Ok(())
    }
}
