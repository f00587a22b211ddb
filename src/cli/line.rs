//! One line of a configuration or profile file.

/// One line of a file.
#[derive(Debug, Clone)]
pub struct Line {
    /// `FILE:LINE`
    pub place: String,
    /// The id of its argument.
    pub id: String,
    /// The argument as clap takes it: a flag, or a flag, '=' and a value.
    pub argument: String,
}

/// The line that gives an argument this value, or the file of this name: `@PATH` is a file, too.
pub fn place<'a>(lines: &'a [Line], id: &str, value: &str) -> Option<&'a str> {
    let has_value = |line: &Line| {
        let written = line.argument.split_once('=').map(|(_, written)| written);
        written.is_some_and(|written| written == value || written.strip_prefix('@') == Some(value))
    };
    // the last one counts
    let line = lines.iter().rev().find(|line| line.id == id && has_value(line))?;
    Some(&line.place)
}
