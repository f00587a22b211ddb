//! Standard error: notes, hints and failures, a line each. What goes there never stops the program.

use std::fmt::Display;
use std::io::Write;

use super::terminal::defused;
use crate::error::{Failure, Kind};

/// What standard error is, and what is wanted on it.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    pub terminal: bool,
    pub colour: bool,
    /// A terminal on which something may move.
    pub moves: bool,
    pub quiet: bool,
    pub verbose: bool,
}

impl Console {
    /// Whether there is somebody to see a spinner or a bar, and nothing that it would disturb.
    pub fn may_move(self) -> bool {
        self.moves && !self.quiet && !self.verbose
    }

    /// One line that the user should know, but for `--quiet`.
    pub fn note(self, text: impl Display) {
        if !self.quiet {
            self.line("36", "anyask:", &format!("note: {text}"));
        }
    }

    /// One line that was asked for.
    pub fn tell(self, text: impl Display) {
        self.line("36", "anyask:", &text.to_string());
    }

    /// One line of `--verbose`: `>` goes out, `<` comes in, `*` is about both.
    pub fn trace(self, sign: &str, text: impl Display) {
        if self.verbose {
            self.line("2", sign, &text.to_string());
        }
    }

    /// Tells a failure with its causes and its hint, and gives its exit status.
    pub fn failure(self, error: &anyhow::Error) -> u8 {
        let known = error.downcast_ref::<Failure>();
        if !is_reader_gone(error) {
            self.line("1;31", "anyask:", &causes(error));
            if let Some(hint) = known.and_then(|failure| failure.hint.as_ref()) {
                self.line("36", "hint:", hint);
            }
        }
        exit_status(error)
    }

    fn line(self, colour: &str, label: &str, text: &str) {
        // servers write parts of these lines, and no line of theirs may drive a terminal
        let text = defused(text);
        let text = text.trim_end().replace('\n', " ");
        let line = if self.colour {
            format!("\x1b[{colour}m{label}\x1b[0m {text}\n")
        } else {
            format!("{label} {text}\n")
        };
        // with stderr gone there is nobody to tell
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// The error and its causes in one line, each said once.
pub fn causes(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(|cause| lower(cause.to_string())) {
        if !line.contains(&cause) {
            if !line.is_empty() {
                line.push_str(": ");
            }
            line.push_str(&cause);
        }
    }
    line
}

/// A message that begins with a word, not a name, begins in lower case.
fn lower(message: String) -> String {
    let mut chars = message.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second))
            if first.is_ascii_uppercase() && second.is_ascii_lowercase() =>
        {
            format!("{}{}", first.to_ascii_lowercase(), &message[1..])
        }
        _ => message,
    }
}

/// The exit status that an error deserves.
pub fn exit_status(error: &anyhow::Error) -> u8 {
    let known = error.downcast_ref::<Failure>();
    known.map_or(Kind::Local, |failure| failure.kind).status()
}

/// Whether the error is no more than a reader that went away.
pub fn is_reader_gone(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<Failure>()
        .is_some_and(|failure| failure.kind == Kind::ReaderGone)
}
