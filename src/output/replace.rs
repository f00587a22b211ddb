//! A file that is replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::error::{Failure, Kind};

/// Descriptors by their names, which are written to: what is behind them may be any file.
const DESCRIPTORS: [&str; 5] = [
    "/dev/fd",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/proc",
];

/// A new file beside the old one, gone again unless it is committed.
pub struct Replacement {
    path: PathBuf,
    /// Where it is written meanwhile; `None` once it has its place.
    beside: Option<PathBuf>,
}

impl Replacement {
    /// Opens what `path` is to become. Whatever would stop it stops it now, before any work is done.
    /// What cannot be replaced, such as a device, is opened as it is, and there is no replacement.
    pub fn open(path: &Path) -> Result<(File, Option<Self>)> {
        let cannot = || Failure::new(Kind::Local, format!("cannot write to {}", path.display()));
        let old = match fs::metadata(path) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(cannot),
        };
        let named = DESCRIPTORS.iter().any(|name| path.starts_with(name));
        if named || old.as_ref().is_some_and(|old| !old.is_file()) {
            let file = OpenOptions::new().append(true).open(path);
            return Ok((file.with_context(cannot)?, None));
        }
        // a link stays a link; what it names is replaced, or begun
        let mut path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        while let Ok(target) = fs::read_link(&path) {
            path = path.with_file_name(target);
        }
        if old.is_some() {
            // a file that may not be written is not replaced either
            OpenOptions::new()
                .write(true)
                .open(&path)
                .with_context(cannot)?;
        }
        // a name of its own, however often a program of this number was killed here
        let moment = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let beside = path.with_file_name(format!(
            ".anyask.{}.{}",
            std::process::id(),
            moment.as_nanos()
        ));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)
            .with_context(cannot)?;
        let replacement = Self {
            path,
            beside: Some(beside),
        };
        if let Some(old) = old {
            file.set_permissions(old.permissions())
                .with_context(cannot)?;
        }
        Ok((file, Some(replacement)))
    }

    /// The new file, before it is committed.
    pub fn beside(&self) -> Option<&Path> {
        self.beside.as_deref()
    }

    /// Puts the new file in the place of the old one, in one step.
    pub fn commit(mut self) -> Result<()> {
        let beside = self.beside.take().unwrap_or_default();
        fs::rename(&beside, &self.path).with_context(|| {
            let _ = fs::remove_file(&beside);
            Failure::new(
                Kind::Local,
                format!("cannot replace {}", self.path.display()),
            )
        })
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            let _ = fs::remove_file(beside);
        }
    }
}
