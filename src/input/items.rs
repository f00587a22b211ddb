//! The items of a batch, one per line. What is no list of items is refused before the first one is asked.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result};

use super::encoding::{is_utf16, utf8};
use super::file::InputFile;
use super::item::Item;
use super::text::{cannot_read, is_binary};
use crate::api::{BYTE_ORDER_MARK, LARGEST_REQUEST};
use crate::error::{Failure, usage_error};

/// What may stand before an item: a byte order mark, where files were joined; U+200B, which has no width; the record
/// separator of `jq --seq` (RFC 7464).
const MARKS: [&[u8]; 3] = [BYTE_ORDER_MARK, "\u{200b}".as_bytes(), b"\x1E"];

/// Reads items one by one, so that a long file takes little memory. UTF-16 is decoded as a whole.
pub struct Items {
    file: InputFile,
    input: BufReader<Box<dyn Read + Send>>,
    line: u64,
    /// There was a line that is not blank.
    has_begun: bool,
}

impl Items {
    /// The items of a file, or of standard input.
    pub fn open(file: &InputFile) -> Result<Self> {
        let input = file.open().with_context(|| cannot_read(&file.name()))?;
        Ok(Self { file: file.clone(), input: BufReader::new(input), line: 0, has_begun: false })
    }

    /// The next line that is not blank. Only the start of a line that is longer than a request is retained.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let mut line = self.read_line()?;
            if line.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            while let Some(mark) = MARKS.iter().find(|mark| line.starts_with(mark)) {
                line.drain(..mark.len());
            }
            let text = line.trim_ascii();
            if !text.is_empty() {
                if !std::mem::replace(&mut self.has_begun, true) {
                    self.refuse(json_over_lines(text))?;
                }
                return Ok(Some(line));
            }
        }
    }

    fn read_line(&mut self) -> Result<Vec<u8>> {
        let cannot = || cannot_read(&self.file.name());
        let mut line = Vec::new();
        let mut start = self.input.by_ref().take(LARGEST_REQUEST as u64 + 1);
        start.read_until(b'\n', &mut line).with_context(cannot)?;
        if self.line == 0 && is_utf16(&line) {
            // in UTF-16, a line feed has two bytes, so this is not a whole line
            self.input.read_to_end(&mut line).with_context(cannot)?;
            self.input = BufReader::new(Box::new(Cursor::new(utf8(std::mem::take(&mut line)))));
            return self.read_line();
        }
        if self.line == 0 {
            // what follows the line counts only as far as it is there: a pipe may be slow
            self.refuse(binary(&line, self.input.buffer()))?;
        }
        if line.len() > LARGEST_REQUEST && !line.ends_with(b"\n") {
            self.input.skip_until(b'\n').with_context(cannot)?;
        }
        Ok(line)
    }

    /// The failure of something else than items: what it is, and the command that makes lines of it.
    fn refuse(&self, found: Option<(&str, &str)>) -> Result<(), Failure> {
        let Some((what, command)) = found else { return Ok(()) };
        let path = self.file.path().map_or("FILE".into(), |path| path.display().to_string());
        let failure = usage_error(format!("{} is {what}; an item is a line", self.file.name()));
        Err(failure.hint(format!("use {} | anyask --batch", command.replace("FILE", &path))))
    }
}

impl Iterator for Items {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Result<Item>> {
        let line = self.next_line().transpose()?;
        Some(line.map(|line| Item::parse(self.line, line)))
    }
}

/// What binary input is that begins with this line, and the command that makes lines of it.
fn binary(line: &[u8], rest: &[u8]) -> Option<(&'static str, &'static str)> {
    Some(match line {
        [0x1F, 0x8B, ..] => ("compressed by gzip", "zcat FILE"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => ("compressed by bzip2", "bzcat FILE"),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => ("compressed by xz", "xzcat FILE"),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ("compressed by zstd", "zstdcat FILE"),
        [b'P', b'K', 3, 4, ..] => ("a zip archive", "unzip -p FILE"),
        [b'P', b'A', b'R', b'1', ..] => ("a Parquet file", "duckdb -jsonlines -c \"from 'FILE'\""),
        _ if is_binary(line.iter().chain(rest)) => {
            ("binary, with a NUL byte near its start", "tr '\\0' '\\n' < FILE")
        }
        _ => return None,
    })
}

/// What JSON is that begins with this line and goes on over several lines, and the command that makes lines of it.
fn json_over_lines(line: &[u8]) -> Option<(&'static str, &'static str)> {
    match line {
        b"{" => Some(("JSON over several lines", "jq -c . FILE")),
        [b'[', rest @ ..] if matches!(rest.trim_ascii_start(), [] | [b'{' | b'"', ..]) => {
            Some(("a JSON array", "jq -c '.[]' FILE"))
        }
        _ => None,
    }
}

/// Refuses a file that is no list of items, before anything else is done. What comes through a pipe is refused when its
/// first line has come. Notes that a table is read line by line.
pub fn check_items(file: &InputFile, notify: impl Fn(&str)) -> Result<()> {
    let path = file.path();
    if path.is_some_and(|path| path.is_file() || path.is_dir()) {
        Items::open(file)?.next_line()?;
    }
    let ending = path.and_then(Path::extension).map(OsStr::to_ascii_lowercase);
    if ending.is_some_and(|ending| ending == "csv" || ending == "tsv") {
        let why = "is one prompt, the header too; the README shows how to make items of its rows";
        notify(&format!("each line of {} {why}", file.name()));
    }
    Ok(())
}

/// How many items a file has; `None` for standard input and for a pipe, which can be read only once.
pub fn count_items(file: &InputFile) -> Result<Option<u64>> {
    if !file.path().is_some_and(Path::is_file) {
        return Ok(None);
    }
    let mut items = Items::open(file)?;
    let mut count = 0;
    while items.next_line()?.is_some() {
        count += 1;
    }
    Ok(Some(count))
}
