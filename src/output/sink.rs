//! Where the answer goes: standard output or a file. What arrived together is written together.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Error, Result};

use super::atomic::AtomicFile;
use super::highlight::Highlighter;
use super::settings::Settings;
use super::terminal::sanitize;
use crate::error::{Failure, Kind};

/// An open output. Nothing is written before [`Sink::flush`].
#[derive(Debug)]
pub struct Sink {
    file: File,
    /// The output's name in messages.
    name: String,
    pending: Vec<u8>,
    /// The last byte that was added.
    last: Option<u8>,
    terminal: bool,
    /// Control characters are made visible: on a terminal, unless `--raw` was given.
    sanitized: bool,
    /// Styles the answer's text on a terminal with colours.
    highlighter: Option<Highlighter>,
    replacement: Option<AtomicFile>,
}

impl Sink {
    /// Opens standard output, or the file of `-o`.
    pub fn open(settings: &Settings) -> Result<Self> {
        if let Some(path) = &settings.path {
            return Self::replace(path, settings);
        }
        let highlighter = settings.highlight.then(Highlighter::default);
        Ok(Self { highlighter, ..Self::stdout(settings)? })
    }

    pub fn stdout(settings: &Settings) -> Result<Self> {
        let context = || Failure::new(Kind::Local, "cannot open standard output");
        let file = stdout().with_context(context)?;
        Ok(Self::new(file, "standard output".into(), settings.terminal, settings.raw))
    }

    /// Opens a file that is replaced when the answer is complete.
    fn replace(path: &Path, settings: &Settings) -> Result<Self> {
        let (file, replacement) = AtomicFile::open(path)?;
        let (name, terminal) = (path.display().to_string(), file.is_terminal());
        Ok(Self { replacement, ..Self::new(file, name, terminal, settings.raw) })
    }

    fn new(file: File, name: String, terminal: bool, raw: bool) -> Self {
        Self {
            file,
            name,
            pending: Vec::new(),
            last: None,
            terminal,
            sanitized: terminal && !raw,
            highlighter: None,
            replacement: None,
        }
    }

    /// The temporary file, if a file is being replaced.
    pub fn temp_path(&self) -> Option<&Path> {
        self.replacement.as_ref().map(AtomicFile::temp_path)
    }

    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether there is nothing to write.
    pub fn is_flushed(&self) -> bool {
        self.pending.is_empty()
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
        let written = write_all(&mut self.file, &self.pending).map_err(|error| {
            let failure = if error.kind() == ErrorKind::BrokenPipe {
                Failure::new(Kind::ReaderGone, "the reader of standard output is gone")
            } else {
                Failure::new(Kind::Local, format!("cannot write to {}", self.name))
            };
            Error::new(error).context(failure)
        });
        self.pending.clear();
        written
    }

    /// Writes what was added, and replaces the file if the answer is complete.
    pub fn finish(&mut self, complete: bool) -> Result<()> {
        self.flush()?;
        match self.replacement.take() {
            Some(replacement) if complete => replacement.commit(),
            _ => Ok(()),
        }
    }
}

/// Standard output as a file. The standard library's handle would hold text back until its line ends.
fn stdout() -> io::Result<File> {
    #[cfg(unix)]
    let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(stdout.into())
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
