//! Paths that are something else: what the user may have meant.

use std::io::{self, ErrorKind};
use std::path::Path;

use anyhow::Error;

use crate::error::Failure;

/// How `git status --short` marks a file.
const STATUS: &str = " MADRCTU?!";

/// The error of a path that cannot be read, with a hint if the path looks like something else.
pub fn with_hint(mut error: Error, path: Option<&Path>) -> Error {
    let kind = error.downcast_ref().map(io::Error::kind);
    if let (Some(kind), Some(path)) = (kind, path)
        && let Some(failure) = error.downcast_mut::<Failure>()
    {
        failure.hint = hint(&path.to_string_lossy(), kind).map(Into::into);
    }
    error
}

fn hint(path: &str, kind: ErrorKind) -> Option<&'static str> {
    let is_url = || ["http://", "https://"].iter().any(|scheme| path.starts_with(scheme));
    let is_file = |(name, _): (&str, &str)| Path::new(name).is_file();
    Some(match kind {
        ErrorKind::IsADirectory => {
            "add the files in it with find DIR -type f | anyask --files-from -"
        }
        _ if is_url() => "download it with curl -sSL URL | anyask -f -",
        _ if path.starts_with('"') => {
            "git writes such a name unchanged with -z, as in git ls-files -z"
        }
        _ if path.contains('\t') || is_status(path) => {
            "a path stands alone on its line, as from git diff --name-only"
        }
        _ if path.split_once(':').is_some_and(is_file) => {
            "a path stands alone on its line, as from grep -l"
        }
        _ => return None,
    })
}

/// Whether it is a line of `git status --short`.
fn is_status(path: &str) -> bool {
    let marks = path.get(..3).and_then(|start| start.strip_suffix(' '));
    marks.is_some_and(|marks| marks.chars().all(|mark| STATUS.contains(mark)))
}
