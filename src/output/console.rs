//! Standard error: notes, errors and hints, one line each. A failed write there never stops the program.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Arc, Mutex};

use super::live::Live;
use super::spinner::Phase;
use super::terminal::sanitize;
use crate::api::Secret;
use crate::error::{self, Kind};
use crate::sync::lock;

/// The longest error that is printed, in characters. Some servers send a whole web page as an error.
const LONGEST_ERROR: usize = 400;

/// Standard error, and what the user wants to see there. Clones share the key, and the spinner or bar.
#[derive(Debug, Clone)]
pub struct Console {
    pub quiet: bool,
    pub verbose: bool,
    colour: bool,
    /// Standard error is a terminal that can redraw a line.
    pub animated: bool,
    secrets: Arc<Mutex<Vec<Secret>>>,
    /// The spinner or bar.
    live: Live,
    /// What the spinner shows.
    pub(super) phase: Arc<Mutex<Phase>>,
    /// How notes about an item of a batch begin: `line 3: `. Empty for other notes.
    item: String,
}

impl Console {
    /// A console that is neither quiet nor verbose.
    pub fn new(colour: bool, animated: bool) -> Self {
        Self {
            quiet: false,
            verbose: false,
            colour,
            animated,
            secrets: Arc::default(),
            live: Live::default(),
            phase: Arc::default(),
            item: String::new(),
        }
    }

    /// The same console for one item of a batch. Every note begins with the line of the item.
    #[must_use]
    pub fn for_item(&self, line: u64) -> Self {
        Self { item: format!("line {line}: "), ..self.clone() }
    }

    /// Redacts this key in every line from now on.
    pub fn add_secret(&self, secret: Secret) {
        lock(&self.secrets).push(secret);
    }

    /// Whether a spinner or a bar may be drawn.
    pub fn is_animated(&self) -> bool {
        self.animated && !self.quiet && !self.verbose
    }

    /// Draws a line again and again until [`Console::stop_live`], if [`Console::is_animated`].
    pub fn start_live(&self, text: impl Fn() -> String + Send + 'static) {
        if self.is_animated() {
            self.live.start(text);
        }
    }

    /// Removes the spinner or bar without a trace.
    pub fn stop_live(&self) {
        self.live.stop();
    }

    /// Runs `print` while the spinner or bar is out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.live.suspend(print)
    }

    /// Prints a note, but not under `--quiet`.
    pub fn note(&self, text: impl Display) {
        if !self.quiet {
            self.line("36", "anyask:", &format!("note: {}{text}", self.item));
        }
    }

    /// Prints a line that is not a note, also under `--quiet`.
    pub fn tell(&self, text: impl Display) {
        self.line("36", "anyask:", &format!("{}{text}", self.item));
    }

    /// A line of `--verbose`; `sign` is `>` for what is sent, `<` for what is received, `*` for the rest.
    pub fn trace(&self, sign: &str, text: impl Display) {
        if self.verbose {
            self.line("2", sign, &text.to_string());
        }
    }

    /// Prints an answer that is printed nowhere else, as `--verbose` prints what is received.
    pub fn answer(&self, text: &str) {
        text.lines().for_each(|line| self.line("2", "<", line));
    }

    /// Prints an error and its hint, and returns the exit status.
    pub fn failure(&self, error: &anyhow::Error) -> u8 {
        self.stop_live();
        let kind = error::kind(error);
        if kind != Kind::ReaderGone {
            self.line("1;31", "anyask:", &self.describe(error));
            if let Some(hint) = error::hint(error) {
                self.line("36", "hint:", hint);
            }
        }
        kind as u8
    }

    /// The error and its causes on one line, without the key and not too long.
    pub fn describe(&self, error: &anyhow::Error) -> String {
        let mut line = self.redact(&error::describe(error));
        if let Some((end, _)) = line.char_indices().nth(LONGEST_ERROR) {
            line.truncate(end);
            line.push('…');
        }
        match error::failure(error).and_then(|failure| failure.request_id.as_ref()) {
            Some(id) => format!("{line} (request id: {})", self.redact(id)),
            None => line,
        }
    }

    /// Replaces every key by `[redacted]`.
    pub fn redact(&self, text: &str) -> String {
        lock(&self.secrets).iter().fold(text.into(), |text: String, secret| secret.redact(&text))
    }

    fn line(&self, colour: &str, label: &str, text: &str) {
        let text = self.redact(text);
        let text = sanitize(text.trim_end()).replace('\n', " ");
        let line = if self.colour {
            format!("\x1b[{colour}m{label}\x1b[0m {text}\n")
        } else {
            format!("{label} {text}\n")
        };
        self.suspend(|| {
            // if standard error is closed, nothing can be reported
            let _ = std::io::stderr().write_all(line.as_bytes());
        });
    }
}
