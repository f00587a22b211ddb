//! The files that flags read, and standard input under all of its names.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::text::{cannot_read, read_bytes};

/// The name of standard input in messages.
pub const STDIN: &str = "standard input";

/// The names of standard input in arguments.
const STDIN_PATHS: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// A file that an argument names, or standard input.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// `None` for standard input.
    path: Option<PathBuf>,
}

impl From<OsString> for InputFile {
    fn from(argument: OsString) -> Self {
        let path = PathBuf::from(argument);
        Self { path: (!is_stdin(&path)).then_some(path) }
    }
}

/// Whether a path is one of the names of standard input.
pub fn is_stdin(path: &Path) -> bool {
    STDIN_PATHS.iter().any(|name| Path::new(name) == path)
}

/// What tells one file from all others, by whatever path or link it is reached.
#[cfg(unix)]
pub type FileId = (u64, u64);

#[cfg(not(unix))]
pub type FileId = PathBuf;

#[cfg(unix)]
pub fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
pub fn file_id(path: &Path) -> Option<FileId> {
    path.canonicalize().ok()
}

impl InputFile {
    /// The file with this path, even if the path is one of the names of standard input.
    pub fn at(path: &Path) -> Self {
        Self { path: Some(path.into()) }
    }

    /// The path; `None` for standard input.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The path as text, or `-` for standard input.
    pub fn argument(&self) -> String {
        self.path().unwrap_or(Path::new("-")).display().to_string()
    }

    /// Its name in messages.
    pub fn name(&self) -> String {
        self.path().map_or(STDIN.into(), |path| path.display().to_string())
    }

    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(Stdin),
        })
    }

    /// Reads and parses everything. An error if it is more than a request can hold. `parse` gets the bytes and
    /// their name in messages.
    pub fn read<T>(&self, parse: impl FnOnce(Vec<u8>, &str) -> Result<T>) -> Result<T> {
        let name = self.name();
        let file = self.open().with_context(|| cannot_read(&name));
        let bytes = file.and_then(|file| read_bytes(file, &name));
        bytes.and_then(|bytes| parse(bytes, &name))
    }
}

/// Standard input. Reading it blocks, even if another process made it non-blocking.
pub struct Stdin;

impl Read for Stdin {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        loop {
            match io::stdin().read(bytes) {
                #[cfg(unix)]
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_for_stdin(None)?;
                }
                read => return read,
            }
        }
    }
}

/// Whether nothing can be read from standard input for this long.
pub fn stdin_is_silent(limit: Duration) -> bool {
    matches!(wait_for_stdin(Some(limit)), Ok(false))
}

/// Waits until standard input can be read, at most for `limit`. Returns `false` if that time is over.
#[cfg(unix)]
fn wait_for_stdin(limit: Option<Duration>) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    match poll(&mut [PollFd::new(&io::stdin(), PollFlags::IN)], limit.as_ref()) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn wait_for_stdin(_: Option<Duration>) -> io::Result<bool> {
    Ok(true)
}

/// Whether standard input is a device, such as `/dev/null` or a terminal, and not a pipe or a file.
#[cfg(unix)]
pub fn stdin_is_device() -> bool {
    use rustix::fs::{FileType, fstat};
    fstat(io::stdin()).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_char_device())
}

#[cfg(not(unix))]
pub fn stdin_is_device() -> bool {
    true
}
