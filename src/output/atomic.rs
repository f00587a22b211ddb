//! A file that is replaced completely or not at all.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf, is_separator};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::error::{Failure, Kind};

/// The names of open descriptors. They are written to and never replaced, even if they lead to a regular file.
const DESCRIPTORS: [&str; 5] = ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc"];

/// A temporary file that replaces another file when it is committed, and is removed otherwise.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    temp_path: PathBuf,
}

impl AtomicFile {
    /// Opens the file that is to replace `path`. If it cannot be replaced later, this fails, before anything is sent.
    /// A device or an open descriptor is opened itself, and there is nothing to commit.
    pub fn open(path: &Path) -> Result<(File, Option<Self>)> {
        let context = || Failure::new(Kind::Local, format!("cannot write to {}", path.display()));
        Self::try_open(path).with_context(context)
    }

    fn try_open(path: &Path) -> io::Result<(File, Option<Self>)> {
        let old = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            metadata => Some(metadata?),
        };
        let descriptor = DESCRIPTORS.iter().any(|name| path.starts_with(name));
        if descriptor || old.as_ref().is_some_and(|old| !old.is_file()) {
            return Ok((OpenOptions::new().append(true).open(path)?, None));
        }
        // a symbolic link stays; the file that it points to is replaced, or created
        let path = fs::canonicalize(path).or_else(|_| link_target(path))?;
        if old.is_some() {
            // a read-only file is not replaced
            OpenOptions::new().write(true).open(&path)?;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!(".anyask.{}.{}", std::process::id(), now.as_nanos());
        let temp_path = path.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&temp_path)?;
        let atomic = Self { path, temp_path };
        if let Some(old) = old {
            file.set_permissions(old.permissions())?;
        }
        Ok((file, Some(atomic)))
    }

    /// Where the new content is until it is committed.
    pub fn temp_path(&self) -> &Path {
        &self.temp_path
    }

    /// Replaces the old file in one step.
    pub fn commit(self) -> Result<()> {
        let context =
            || Failure::new(Kind::Local, format!("cannot replace {}", self.path.display()));
        fs::rename(&self.temp_path, &self.path).with_context(context)
    }
}

/// Follows the symbolic links of a path to a missing file. An error if the end of the path names a folder.
pub fn link_target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    while let Ok(target) = fs::read_link(&path) {
        path = path.with_file_name(target);
    }
    if path.to_string_lossy().ends_with(is_separator) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(path)
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        // after a commit, there is no file of this name
        let _ = fs::remove_file(&self.temp_path);
    }
}
