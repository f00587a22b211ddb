//! Puts the user message together: files first, then standard input, then a blank line and the words.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::attachment::{Attachment, attached, attachment};
use super::text::{self, Text};
use crate::api::{Content, Part};
use crate::error::{Failure, Kind};

/// How long a pipe may stay silent before a person is told that it is being waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What messages call it.
const STDIN: &str = "standard input";

/// Where the question comes from.
#[derive(Debug)]
pub struct Sources {
    /// The words of the command line, joined; `None` if there are none.
    pub words: Option<OsString>,
    pub stdin: Stdin,
    /// Files, in order; `-` among them is standard input.
    pub files: Vec<PathBuf>,
}

/// A question put together.
#[derive(Debug)]
pub struct Prompt {
    pub content: Content,
    /// How many bytes of it were not UTF-8 and became U+FFFD.
    pub replaced: usize,
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
pub fn prompt(sources: Sources, tell: impl Fn(&str) + Send + 'static) -> Result<Prompt> {
    let Sources {
        words,
        stdin,
        files,
    } = sources;
    let mut stdin = Some((stdin, tell));
    let mut draft = Draft::default();
    for path in files {
        let name = path.display().to_string();
        match stdin.take_if(|_| path == Path::new("-")) {
            Some((stdin, tell)) => draft.attach(&name, attached(read_stdin(stdin, tell)?, STDIN)?),
            None => draft.file(&path)?,
        }
    }
    if let Some((stdin, tell)) = stdin {
        let material = text::checked(read_stdin(stdin, tell)?, STDIN)?;
        if !material.text.trim().is_empty() {
            draft.add(material);
        }
    }
    if draft.is_empty() && words.is_none() {
        return Err(no_prompt().into());
    }
    if let Some(words) = words {
        draft.close(Text::from(words));
    }
    Ok(draft.finish())
}

/// The message while it is put together: the parts that are done, and the text that goes on.
#[derive(Clone, Default)]
pub struct Draft {
    parts: Vec<Part>,
    text: Text,
    /// How many bytes were not UTF-8 and became U+FFFD.
    pub replaced: usize,
}

impl Draft {
    /// The files alone.
    pub fn of_files(files: Vec<PathBuf>) -> Result<Self> {
        let mut draft = Self::default();
        for path in files {
            draft.file(&path)?;
        }
        Ok(draft)
    }

    fn file(&mut self, path: &Path) -> Result<()> {
        self.attach(&path.display().to_string(), attachment(path)?);
        Ok(())
    }

    fn attach(&mut self, name: &str, attachment: Attachment) {
        match attachment {
            Attachment::Text(text) => self.document(name, &text),
            Attachment::Part(part) => self.part(part),
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.text.text.is_empty()
    }

    /// Adds the words that end the message, after a blank line.
    pub fn close(&mut self, words: Text) {
        let text = &mut self.text.text;
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        self.add(words);
    }

    /// Adds text as it stands.
    pub fn add(&mut self, text: Text) {
        self.replaced += text.replaced;
        if self.text.text.is_empty() {
            self.text = text;
        } else {
            self.text.text.push_str(&text.text);
        }
    }

    fn document(&mut self, path: &str, text: &Text) {
        self.replaced += text.replaced;
        let path = path.replace('&', "&amp;").replace('"', "&quot;");
        let end = if text.text.ends_with('\n') { "" } else { "\n" };
        let document = format!(
            "<document path=\"{path}\">\n{}{end}</document>\n",
            text.text
        );
        self.text.text.push_str(&document);
    }

    fn part(&mut self, part: Part) {
        self.text_done();
        self.parts.push(part);
    }

    fn text_done(&mut self) {
        let text = std::mem::take(&mut self.text).text;
        if !text.is_empty() {
            self.parts.push(Part::Text { text });
        }
    }

    /// The message.
    pub fn finish(mut self) -> Prompt {
        let content = if self.parts.is_empty() {
            Content::Text(self.text.text)
        } else {
            self.text_done();
            Content::Parts(self.parts)
        };
        Prompt {
            content,
            replaced: self.replaced,
        }
    }
}

fn read_stdin(stdin: Stdin, tell: impl Fn(&str) + Send + 'static) -> Result<Vec<u8>> {
    let input = std::io::stdin().lock();
    match stdin {
        Stdin::Ignored => Ok(Vec::new()),
        Stdin::Typed => {
            tell("type the prompt, and end it with Ctrl-D on a line of its own");
            text::read_bytes(input, STDIN)
        }
        Stdin::Piped { watched: false } => text::read_bytes(input, STDIN),
        Stdin::Piped { watched: true } => {
            let (arrived, silence) = mpsc::channel();
            thread::spawn(move || {
                if silence.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                    tell("waiting for standard input; --no-stdin leaves it alone");
                }
            });
            text::read_bytes(
                Announced {
                    inner: input,
                    arrived: Some(arrived),
                },
                STDIN,
            )
        }
    }
}

/// What to say where there is nothing to ask.
pub fn no_prompt() -> Failure {
    Failure::new(Kind::Usage, "there is no prompt").hint(
        "anyask \"What is a monad?\", or pipe it in: git diff | anyask \"Review this\"; 'anyask --help' tells more",
    )
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
