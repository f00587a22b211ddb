//! Where the answer goes, standard output or a file: everything that arrived in one read goes out in one
//! write, before the next wait. A reader that went away and a full disk are told apart here.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use anyhow::{Error, Result};

use super::progress::Spinner;
use super::replace::Replacement;
use super::terminal::defused;
use crate::error::{Failure, Kind};

/// What standard output is, and how it is to be treated.
#[derive(Debug, Clone, Copy)]
pub struct Stdout {
    pub terminal: bool,
    /// Escapes pass even into a terminal.
    pub raw: bool,
}

/// The open end. Nothing is held back by it but what [`Out::write`] has not been called for.
pub struct Out {
    target: Target,
    pending: Vec<u8>,
    last: Option<u8>,
    terminal: bool,
    defuse: bool,
    spinner: Spinner,
    /// What messages call it.
    place: String,
    /// What becomes of the file that is written, if it is one.
    replacement: Option<Replacement>,
}

impl Stdout {
    /// Opens standard output.
    pub fn open(self) -> Out {
        self.out(Target::Stdout, self.terminal, "standard output".into())
    }

    /// Opens a file instead of standard output. It is replaced when the answer is whole.
    pub fn replace(self, path: &Path) -> Result<Out> {
        let (file, replacement) = Replacement::open(path)?;
        let mut out = self.append(file, path);
        out.replacement = replacement;
        Ok(out)
    }

    /// Takes a file that is open already; it may be a terminal by another name.
    pub fn append(self, file: File, path: &Path) -> Out {
        let terminal = file.is_terminal();
        self.out(Target::File(file), terminal, path.display().to_string())
    }

    /// Prints one text and nothing else.
    pub fn print(self, text: &[u8]) -> Result<()> {
        let mut out = self.open();
        out.bytes(text);
        out.write()
    }

    fn out(self, target: Target, terminal: bool, place: String) -> Out {
        Out {
            target,
            pending: Vec::new(),
            last: None,
            terminal,
            defuse: terminal && !self.raw,
            spinner: Spinner::none(),
            place,
            replacement: None,
        }
    }
}

impl Out {
    /// Takes a spinner, which ends where the first byte is printed.
    pub fn with(mut self, spinner: Spinner) -> Self {
        self.spinner = spinner;
        self
    }

    /// The file that is written until it takes the place of the old one.
    pub fn beside(&self) -> Option<&Path> {
        self.replacement.as_ref()?.beside()
    }

    /// Whether a person sees it.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Adds text that somebody else wrote: where it goes to a terminal it is defused.
    pub fn text(&mut self, text: &str) {
        if self.defuse {
            self.pending.extend_from_slice(defused(text).as_bytes());
        } else {
            self.pending.extend_from_slice(text.as_bytes());
        }
    }

    /// Adds JSON as it is; on a terminal the controls that JSON does not escape are defused too.
    pub fn json(&mut self, json: &[u8]) {
        if self.defuse {
            self.text(&String::from_utf8_lossy(json));
        } else {
            self.bytes(json);
        }
    }

    /// Adds bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Ends the last line, if it was begun and has no end.
    pub fn end_line(&mut self) {
        let last = self.pending.last().copied().or(self.last);
        if last.is_some_and(|last| last != b'\n') {
            self.pending.push(b'\n');
        }
    }

    /// Ends the last line where a person would stumble over its open end.
    pub fn end_line_on_terminal(&mut self) {
        if self.terminal {
            self.end_line();
        }
    }

    /// Writes all that was added.
    pub fn write(&mut self) -> Result<()> {
        let Some(last) = self.pending.last() else {
            return Ok(());
        };
        self.last = Some(*last);
        if self.replacement.is_none() {
            self.spinner.stop();
        }
        let written = self.target.write_all(&self.pending).map_err(|error| {
            let failure = if error.kind() == ErrorKind::BrokenPipe {
                Failure::new(Kind::ReaderGone, "nobody reads the answer")
            } else {
                Failure::new(Kind::Local, format!("cannot write to {}", self.place))
            };
            Error::new(error).context(failure)
        });
        self.pending.clear();
        written
    }

    /// Writes what is left. A file takes the place of the old one, if the answer is whole.
    pub fn finish(&mut self, whole: bool) -> Result<()> {
        self.write()?;
        match self.replacement.take() {
            Some(replacement) if whole => replacement.commit(),
            _ => Ok(()),
        }
    }
}

impl Drop for Out {
    fn drop(&mut self) {
        self.spinner.stop();
    }
}

/// Where bytes go.
enum Target {
    /// The descriptor itself: the standard library's own handle holds every word back until its line ends.
    Stdout,
    File(File),
}

impl Target {
    #[cfg(unix)]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout => Ok(rustix::io::write(std::io::stdout(), bytes)?),
            Self::File(file) => file.write(bytes),
        }
    }

    #[cfg(windows)]
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        use std::os::windows::io::AsHandle;
        match self {
            Self::Stdout => {
                File::from(std::io::stdout().as_handle().try_clone_to_owned()?).write(bytes)
            }
            Self::File(file) => file.write(bytes),
        }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> std::io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
