//! Puts the user message together: material from standard input first, then a blank line and the words.

use std::ffi::OsString;
use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::text::{self, Text};
use crate::error::{Failure, Kind};

/// How long a pipe may stay silent before a person is told that it is being waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the question comes from.
#[derive(Debug)]
pub struct Sources {
    /// The words of the command line, joined; `None` if there are none.
    pub words: Option<OsString>,
    pub stdin: Stdin,
}

/// What standard input is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// It is not read.
    Ignored,
    /// A person types the prompt.
    Typed,
    /// A pipe or a file. If it is `watched`, a long silence at its start is worth a hint.
    Piped { watched: bool },
}

/// Reads what is to be read and puts it in order. `tell` is called with what a person who waits should know.
pub fn prompt(sources: Sources, tell: impl Fn(&str) + Send + 'static) -> Result<Text> {
    let mut material = match sources.stdin {
        Stdin::Ignored => Text::default(),
        Stdin::Typed => {
            tell("type the prompt, and end it with Ctrl-D on a line of its own");
            read_stdin()?
        }
        Stdin::Piped { watched: false } => read_stdin()?,
        Stdin::Piped { watched: true } => {
            let (arrived, silence) = mpsc::channel();
            thread::spawn(move || {
                if silence.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    tell("waiting for standard input; --no-stdin leaves it alone");
                }
            });
            text::read(
                Announced {
                    inner: std::io::stdin().lock(),
                    arrived: Some(arrived),
                },
                STDIN,
            )?
        }
    };
    let blank = material.text.trim().is_empty();
    let Some(words) = sources.words.map(Text::from) else {
        return if blank {
            Err(no_prompt().into())
        } else {
            Ok(material)
        };
    };
    if blank {
        return Ok(words);
    }
    material.text.push_str(if material.text.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    });
    material.text.push_str(&words.text);
    material.replaced += words.replaced;
    Ok(material)
}

/// What to say where there is nothing to ask.
pub fn no_prompt() -> Failure {
    Failure::new(Kind::Usage, "there is no prompt").hint(
        "anyask \"What is a monad?\", or pipe it in: git diff | anyask \"Review this\"; 'anyask --help' tells more",
    )
}

const STDIN: &str = "standard input";

fn read_stdin() -> Result<Text> {
    text::read(std::io::stdin().lock(), STDIN)
}

/// A reader that hangs up its end of a channel when the first read comes back.
struct Announced<R> {
    inner: R,
    arrived: Option<mpsc::Sender<()>>,
}

impl<R: Read> Read for Announced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer);
        self.arrived = None;
        count
    }
}
