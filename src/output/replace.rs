//! Replaces a file: completely or not at all where the system allows it, else in place.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf, is_separator};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use crate::disk;
use crate::stdio::is_regular;
use crate::sync::lock;

/// The names of open descriptors. They are written to and never replaced, even if they lead to a regular file.
const DESCRIPTORS: [&str; 5] = ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc"];

/// Whether a path names a regular file, or none yet. A device, a pipe or an open descriptor is only written to.
pub fn is_replaceable(path: &Path) -> bool {
    let is_descriptor = DESCRIPTORS.iter().any(|name| path.starts_with(name));
    !is_descriptor && is_regular(path)
}

/// The temporary file that exists now, if there is one. A signal that ends the program removes it. The lock is held for
/// each step that a signal must not see half done.
#[derive(Debug, Clone, Default)]
pub struct TempFile(Arc<Mutex<Option<PathBuf>>>);

impl TempFile {
    /// Creates it in the folder of `path`.
    fn create_beside(&self, path: &Path) -> io::Result<File> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!(".anyask.{}.{}", std::process::id(), now.as_nanos());
        let temp_path = path.with_file_name(name);
        let mut current = lock(&self.0);
        let file = File::create_new(&temp_path)?;
        *current = Some(temp_path);
        Ok(file)
    }

    /// Gives it this name.
    fn rename(&self, path: &Path) -> io::Result<()> {
        let mut current = lock(&self.0);
        let temp_path = current.as_ref().ok_or(ErrorKind::NotFound)?;
        fs::rename(temp_path, path)?;
        *current = None;
        Ok(())
    }

    /// Removes it, if it was not renamed. While the guard is held, no file is created, renamed or rewritten, so a
    /// signal that ends the program keeps it.
    pub fn remove(&self) -> MutexGuard<'_, Option<PathBuf>> {
        let mut current = lock(&self.0);
        if let Some(path) = current.take() {
            let _ = fs::remove_file(path);
        }
        current
    }
}

/// Why a file was not replaced. It is as it was.
#[derive(Debug)]
pub enum NotReplaced {
    /// No other file can take its name: such as one with hard links, a mounted file, or one in a read-only folder.
    Fixed(io::Error),
    /// The new content could not be written.
    Unwritten(io::Error),
}

/// Replaces or creates a file in one step, once `write` has written its content and the disk has it. Mode, owner and
/// group stay.
pub fn replace(
    path: &Path,
    temp_file: &TempFile,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), NotReplaced> {
    let replaced = try_replace(path, temp_file, write);
    drop(temp_file.remove());
    replaced
}

fn try_replace(
    path: &Path,
    temp_file: &TempFile,
    write: impl FnOnce(&File) -> io::Result<()>,
) -> Result<(), NotReplaced> {
    // a symbolic link stays; the file that it points to is replaced, or created
    let path = fs::canonicalize(path).or_else(|_| link_target(path)).map_err(NotReplaced::Fixed)?;
    let old = fs::metadata(&path).ok();
    if old.as_ref().is_some_and(has_other_names) {
        return Err(NotReplaced::Fixed(io::Error::other("it has several hard links")));
    }
    let file = temp_file.create_beside(&path).map_err(NotReplaced::Fixed)?;
    if let Some(old) = old {
        keep_owner(&file, &old)
            .and_then(|()| file.set_permissions(old.permissions()))
            .map_err(NotReplaced::Fixed)?;
    }
    write(&file)
        .and_then(|()| disk::sync(&file))
        .and_then(|()| disk::close(file))
        .map_err(NotReplaced::Unwritten)?;
    temp_file.rename(&path).map_err(NotReplaced::Fixed)
}

/// Replaces or creates a file that has this content. If no other file can take its name, it is rewritten in place.
pub fn write_file(path: &Path, content: &[u8], temp_file: &TempFile) -> io::Result<()> {
    match replace(path, temp_file, |mut file| file.write_all(content)) {
        Ok(()) => Ok(()),
        Err(NotReplaced::Fixed(_)) if path.exists() => {
            let _signals_wait = lock(&temp_file.0);
            rewrite(path, content)
        }
        Err(NotReplaced::Fixed(error) | NotReplaced::Unwritten(error)) => Err(error),
    }
}

/// Writes a new content over the old one. If that fails, the old one is written back.
fn rewrite(path: &Path, content: &[u8]) -> io::Result<()> {
    let old = fs::read(path);
    let write = |content: &[u8]| {
        // without truncating it first, because then the old content may find no room any more
        let mut file = File::options().write(true).open(path)?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)?;
        disk::sync(&file)?;
        disk::close(file)
    };
    write(content).inspect_err(|_| {
        let _ = old.map(|old| write(&old));
    })
}

/// Follows the symbolic links of a path to a missing file. An error if the end of the path names a folder.
pub fn link_target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    while let Ok(target) = fs::read_link(&path) {
        path = path.with_file_name(target);
    }
    if path.to_string_lossy().ends_with(is_separator) {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(path)
}

#[cfg(unix)]
fn has_other_names(file: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(file) > 1
}

/// Gives a file the owner and the group of another one, if it has others.
#[cfg(unix)]
fn keep_owner(file: &File, old: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    let [owner, group] = [(new.uid(), old.uid()), (new.gid(), old.gid())]
        .map(|(new, old)| (new != old).then_some(old));
    if owner.is_some() || group.is_some() { fchown(file, owner, group) } else { Ok(()) }
}

#[cfg(not(unix))]
fn has_other_names(_: &Metadata) -> bool {
    false
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
