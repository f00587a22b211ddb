//! Where the answer goes: standard output or a file. What arrived together is written together.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Error, Result};

use super::highlight::Highlighter;
use super::replace::{TempFile, is_replaceable, write_file};
use super::settings::Settings;
use super::terminal::sanitize;
use crate::error::{Failure, Kind};
use crate::stdio::Stream;

/// What is written to.
#[derive(Debug)]
enum Target {
    /// Standard output, a device or a pipe, and its name in messages.
    Open(File, String),
    /// A file that is replaced at the end.
    Replaced(PathBuf, TempFile),
}

/// An output. Nothing is written before [`Sink::flush`], and to a file that is replaced nothing before
/// [`Sink::finish`].
#[derive(Debug)]
pub struct Sink {
    target: Target,
    pending: Vec<u8>,
    /// The last byte that was added.
    last: Option<u8>,
    terminal: bool,
    /// Control characters are made visible: on a terminal, unless `--raw` was given.
    sanitized: bool,
    /// Styles the answer's text on a terminal with colours.
    highlighter: Option<Highlighter>,
}

impl Sink {
    /// Opens standard output, or what `-o` names. A file is replaced at the end, by way of `temp_file`.
    pub fn open(settings: &Settings, temp_file: &TempFile) -> Result<Self> {
        let Some(path) = &settings.path else {
            let highlighter = settings.highlight.then(Highlighter::default);
            return Ok(Self { highlighter, ..Self::stdout(settings)? });
        };
        if is_replaceable(path) {
            let target = Target::Replaced(path.clone(), temp_file.clone());
            return Ok(Self::new(target, false, settings.raw));
        }
        let name = path.display().to_string();
        let open = || File::options().append(true).open(path);
        let file = Stream::named(path).map_or_else(open, Stream::file);
        let file = file.with_context(|| cannot_write(&name))?;
        let terminal = file.is_terminal();
        Ok(Self::new(Target::Open(file, name), terminal, settings.raw))
    }

    pub fn stdout(settings: &Settings) -> Result<Self> {
        let context = || Failure::new(Kind::Local, "cannot open standard output");
        let file = Stream::Output.file().with_context(context)?;
        let target = Target::Open(file, "standard output".into());
        Ok(Self::new(target, settings.terminal, settings.raw))
    }

    fn new(target: Target, terminal: bool, raw: bool) -> Self {
        Self {
            target,
            pending: Vec::new(),
            last: None,
            terminal,
            sanitized: terminal && !raw,
            highlighter: None,
        }
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether [`Sink::flush`] has nothing to write.
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty() || matches!(self.target, Target::Replaced(..))
    }

    /// Adds text of the answer, sanitized and highlighted for a terminal.
    pub fn markdown(&mut self, text: &str) {
        let text = self.sanitize(text);
        match &mut self.highlighter {
            Some(highlighter) => {
                highlighter.push(&text, &mut self.pending);
                self.last = text.bytes().last().or(self.last);
            }
            None => self.bytes(text.as_bytes()),
        }
    }

    /// Adds text, sanitized for a terminal.
    pub fn text(&mut self, text: &str) {
        let text = self.sanitize(text);
        self.bytes(text.as_bytes());
    }

    fn sanitize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.sanitized { sanitize(text) } else { Cow::Borrowed(text) }
    }

    /// Adds JSON, sanitized for a terminal, because JSON need not escape every control character.
    pub fn json(&mut self, json: &[u8]) {
        if self.sanitized {
            self.text(&String::from_utf8_lossy(json));
        } else {
            self.bytes(json);
        }
    }

    /// Adds bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.last = bytes.last().copied().or(self.last);
    }

    /// Ends the last line, if it has no line end. Does nothing if nothing was added.
    pub fn end_line(&mut self) {
        if self.last.is_some_and(|last| last != b'\n') {
            self.bytes(b"\n");
        }
    }

    /// Ends the last line on a terminal, so that the shell's prompt begins on its own line.
    pub fn end_line_on_terminal(&mut self) {
        if self.terminal {
            self.end_line();
        }
    }

    /// Writes what was added.
    pub fn flush(&mut self) -> Result<()> {
        let Target::Open(file, name) = &mut self.target else { return Ok(()) };
        let written = write_all(file, &self.pending).map_err(|error| {
            let failure = if error.kind() == ErrorKind::BrokenPipe {
                Failure::new(Kind::ReaderGone, "the reader of standard output is gone")
            } else {
                cannot_write(name)
            };
            Error::new(error).context(failure)
        });
        self.pending.clear();
        written
    }

    /// Writes what was added. A file is replaced if the answer is complete. If it cannot be, the answer goes to
    /// standard output.
    pub fn finish(&mut self, complete: bool, settings: &Settings) -> Result<()> {
        let Target::Replaced(path, temp_file) = &self.target else { return self.flush() };
        if !complete {
            return Ok(());
        }
        let Err(error) = write_file(path, &self.pending, temp_file) else { return Ok(()) };
        let failure = cannot_write(&path.display().to_string());
        let mut stdout = Self::stdout(settings)?;
        stdout.json(&self.pending);
        let hint = match stdout.flush() {
            Ok(()) => "the answer is on standard output instead",
            Err(_) => "standard output cannot be written to either, so the answer is lost",
        };
        Err(Error::new(error).context(failure.hint(hint)))
    }
}

fn cannot_write(name: &str) -> Failure {
    Failure::new(Kind::Local, format!("cannot write to {name}"))
}

fn write_all(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            #[cfg(unix)]
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_until_writable(file)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits for room in a pipe that another process made non-blocking.
#[cfg(unix)]
fn wait_until_writable(file: &File) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    match poll(&mut [PollFd::new(file, PollFlags::OUT)], None) {
        Err(error) if error != rustix::io::Errno::INTR => Err(error.into()),
        _ => Ok(()),
    }
}
