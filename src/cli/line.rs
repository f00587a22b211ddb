//! One line of a configuration or profile file.

use std::ffi::{OsStr, OsString};

use crate::shell::ShellCommand;

/// One line of a file.
#[derive(Debug, Clone)]
pub struct Line {
    /// `FILE:LINE`
    pub place: String,
    /// The id of its argument.
    pub id: String,
    /// The argument as clap takes it: a flag, or a flag, '=' and a value.
    pub argument: OsString,
    /// The value, or the file that it names.
    pub value: OsString,
}

/// The line that gives an argument this value, or the file of this name.
pub fn place<'a>(lines: &'a [Line], id: &str, value: impl AsRef<OsStr>) -> Option<&'a str> {
    // the last one counts
    let line = lines.iter().rev().find(|line| line.id == id && line.value == value.as_ref())?;
    Some(&line.place)
}

/// The command that an argument has, with the line that has it.
pub fn shell_command(lines: &[Line], id: &str, command: Option<&String>) -> Option<ShellCommand> {
    let line = command?.clone();
    let place = place(lines, id, &line).map(String::from);
    Some(ShellCommand { line, place })
}
