//! Standard output and standard error under their names in the file system. Such a name stands for what is open: to open
//! it anew would lose the position in a file, and fails where the terminal belongs to another user.

use std::fs::File;
use std::io::{self, stderr, stdout};
use std::path::Path;

/// Whether a path names a regular file, or none yet, and not one of the streams.
pub fn is_regular(path: &Path) -> bool {
    Stream::named(path).is_none() && path.metadata().map_or(true, |file| file.is_file())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Output,
    Error,
}

impl Stream {
    /// The stream that a path names.
    pub fn named(path: &Path) -> Option<Self> {
        let is_one_of = |names: [&str; 3]| names.iter().any(|name| Path::new(name) == path);
        if is_one_of(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"]) {
            return Some(Self::Output);
        }
        is_one_of(["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"]).then_some(Self::Error)
    }

    /// The open stream as a file. The standard library would hold text on standard output back until its line ends.
    #[cfg(unix)]
    pub fn file(self) -> io::Result<File> {
        use std::os::fd::AsFd;
        let file = match self {
            Self::Output => stdout().as_fd().try_clone_to_owned(),
            Self::Error => stderr().as_fd().try_clone_to_owned(),
        };
        file.map(File::from)
    }

    #[cfg(windows)]
    pub fn file(self) -> io::Result<File> {
        use std::os::windows::io::AsHandle;
        let file = match self {
            Self::Output => stdout().as_handle().try_clone_to_owned(),
            Self::Error => stderr().as_handle().try_clone_to_owned(),
        };
        file.map(File::from)
    }
}
