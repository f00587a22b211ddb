//! A file that is replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::error::{Failure, Kind};

/// A new file beside the old one, gone again unless it is committed.
pub struct Replacement {
    path: PathBuf,
    /// Where it is written meanwhile; `None` for what cannot be replaced, such as a device.
    beside: Option<PathBuf>,
}

impl Replacement {
    /// Opens what `path` is to become. Whatever would stop it stops it now, before any work is done.
    pub fn open(path: &Path) -> Result<(File, Self)> {
        let cannot = || Failure::new(Kind::Local, format!("cannot write to {}", path.display()));
        let old = match fs::metadata(path) {
            Ok(old) => Some(old),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(cannot),
        };
        // a descriptor by its name, such as /dev/stdout, is written to; what is behind it may be any file
        let named = path.starts_with("/dev") || path.starts_with("/proc");
        if named || old.as_ref().is_some_and(|old| !old.is_file()) {
            let file = OpenOptions::new()
                .append(true)
                .open(path)
                .with_context(cannot)?;
            return Ok((
                file,
                Self {
                    path: path.into(),
                    beside: None,
                },
            ));
        }
        // a link stays a link; what it names is replaced
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.into());
        if old.is_some() {
            // a file that may not be written is not replaced either
            OpenOptions::new()
                .write(true)
                .open(&path)
                .with_context(cannot)?;
        }
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
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
        Ok((file, replacement))
    }

    /// Puts the new file in the place of the old one, in one step.
    pub fn commit(mut self) -> Result<()> {
        let Some(beside) = self.beside.take() else {
            return Ok(());
        };
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
