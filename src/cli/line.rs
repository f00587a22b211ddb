//! One line of a configuration or profile file, and the errors that it causes.

use std::path::{Path, PathBuf};

use crate::error::{Failure, Kind};

/// One line of a file.
#[derive(Debug, Clone)]
pub struct Line {
    pub path: PathBuf,
    pub number: usize,
    /// The id of its argument.
    pub id: String,
    /// The argument as clap takes it: a flag, or a flag, '=' and a value.
    pub argument: String,
}

/// The failure with the place in a file that causes it.
pub fn at(path: &Path, number: usize, failure: Failure) -> Failure {
    let message = format!("{}:{number}: {failure}", path.display());
    let mut located = Failure::new(Kind::Setup, message);
    located.hint = failure.hint;
    located
}
