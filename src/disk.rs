//! Files on disk: what is written counts only once the disk has it.

use std::fs::File;
use std::io::{self, ErrorKind};

/// Waits until the disk has what was written. A network file system reports a full disk only here. Some file systems
/// cannot do this, and then there is nothing to wait for.
pub fn sync(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

/// Closes a file. Dropping it would hide the error of a file system that writes only now.
#[cfg(unix)]
pub fn close(file: File) -> io::Result<()> {
    Ok(nix::unistd::close(file)?)
}

#[cfg(not(unix))]
pub fn close(file: File) -> io::Result<()> {
    drop(file);
    Ok(())
}
