//! Environment variables; an empty one counts as missing.

use std::path::PathBuf;

pub fn variable(name: &str) -> Option<String> {
    Some(path_variable(name)?.to_string_lossy().into_owned())
}

/// The path in a variable, which need not be UTF-8.
pub fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
