//! `--files-from`: a list of paths, one a line, or separated by NUL.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::encoding::utf8;
use super::file::InputFile;
use super::hints::with_hint;
use crate::error::{Failure, hint, kind};

/// One path of a list.
pub struct Entry {
    path: PathBuf,
    /// `LIST:LINE`
    origin: String,
}

/// The paths of a list. Blank lines are skipped, but counted in line numbers.
pub fn entries(list: &InputFile) -> Result<Vec<Entry>> {
    let bytes = list.read(|bytes, _| Ok(utf8(bytes)))?;
    let (separator, line_end): (u8, &[u8]) =
        if bytes.contains(&0) { (0, b"") } else { (b'\n', b"\r") };
    let lines = bytes.split(|byte| *byte == separator);
    let lines = lines.map(|line| line.strip_suffix(line_end).unwrap_or(line));
    let paths = (1..).zip(lines).filter(|(_, line)| !line.trim_ascii().is_empty());
    let entry = |(number, line): (usize, &[u8])| Entry {
        path: path(line),
        origin: format!("{}:{number}", list.name()),
    };
    Ok(paths.map(entry).collect())
}

impl Entry {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file as [`InputFile::read`] does. An error names the line.
    pub fn read<T>(&self, parse: impl FnOnce(Vec<u8>, &str) -> Result<T>) -> Result<T> {
        InputFile::at(&self.path).read(parse).map_err(|error| {
            let error = with_hint(error, Some(&self.path));
            let failure = Failure::new(kind(&error), &*self.origin).maybe_hint(hint(&error));
            error.context(failure)
        })
    }
}

#[cfg(unix)]
fn path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.into()).into()
}

#[cfg(not(unix))]
fn path(bytes: &[u8]) -> PathBuf {
    OsString::from(String::from_utf8_lossy(bytes).into_owned()).into()
}
