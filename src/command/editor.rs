//! Questions as they are typed at a prompt.

use std::io::ErrorKind;
use std::mem::take;

use anyhow::{Context, Result};
use rustyline::error::ReadlineError;
use rustyline::{Behavior, Config, DefaultEditor};

use crate::error::{Failure, Kind};
use crate::output::terminal::sanitize;
use crate::output::{Console, Keyboard};

/// The longest question in the history, in bytes. A longer one was not typed, and would fill the screen.
const LONGEST_RECALLED: usize = 4096;

/// The editor of the lines, with its history.
pub struct Editor(DefaultEditor);

impl Editor {
    /// An editor that shows what is typed on standard output, or else only on the terminal.
    pub fn new(on_stdout: bool) -> Result<Self> {
        let behavior = if on_stdout { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder().behavior(behavior).build();
        Ok(Self(DefaultEditor::with_config(config).with_context(cannot_read)?))
    }

    /// Adds a question to the history, unless the editor cannot display it. An earlier question may have come from a
    /// pipe, with any characters.
    pub fn remember(&mut self, question: &str) {
        if question.len() <= LONGEST_RECALLED && sanitize(question) == question {
            let _ = self.0.add_history_entry(question);
        }
    }

    /// Reads the next question; `None` at the end. Pasted text may have several lines, and a backslash at the end of a line
    /// continues the question on the next one. Ctrl-C drops what was typed.
    pub fn question(&mut self, console: &Console, keyboard: &Keyboard) -> Result<Option<String>> {
        let mut question = String::new();
        loop {
            let prompt = if question.is_empty() { "> " } else { "... " };
            match self.0.readline(prompt) {
                Ok(line) => match line.strip_suffix('\\') {
                    Some(line) => question.extend([line, "\n"]),
                    None => return Ok(Some(question + &line)),
                },
                Err(ReadlineError::Interrupted) => drop(take(&mut question)),
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    // without its beginning, the rest is no question
                    keyboard.drop_input();
                    console.failure(&not_utf8().into());
                }
                Err(error) => return Err(error).with_context(cannot_read),
            }
        }
    }
}

fn cannot_read() -> Failure {
    Failure::new(Kind::Local, "cannot read from the terminal")
}

fn not_utf8() -> Failure {
    let failure = Failure::new(Kind::Usage, "the line is not UTF-8, so it is left out");
    failure.hint("set the terminal to UTF-8")
}
