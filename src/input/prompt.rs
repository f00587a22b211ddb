//! Puts the user message together: files first, then standard input, then a blank line and the words.

use std::ffi::OsString;
use std::fmt::Write;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::attachment::attachment;
use super::text::{self, Text, replaced_note};
use crate::api::{Content, ContentBlock};
use crate::error::{Failure, Kind};

/// How long a pipe may stay silent before the user is told that it is read.
const SILENCE: Duration = Duration::from_secs(2);

/// What messages call it.
const STDIN: &str = "standard input";

/// Where the prompt comes from.
#[derive(Debug)]
pub struct Sources {
    /// The words of the command line, joined; `None` if there are none.
    pub words: Option<OsString>,
    pub stdin: Stdin,
    /// In order; `-` among them is standard input.
    pub files: Vec<PathBuf>,
}

/// How standard input is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stdin {
    /// It is not read.
    Ignored,
    /// The user types the prompt.
    Typed,
    /// A pipe or a file.
    Piped,
}

/// Reads all sources and puts them in order. `notify` gets what the user should know meanwhile.
pub fn prompt(sources: Sources, notify: impl Fn(&str) + Clone + Send + 'static) -> Result<Content> {
    let Sources { words, mut stdin, files } = sources;
    let has_words = words.is_some();
    let mut draft = Draft::default();
    for path in &files {
        if path == Path::new("-") {
            let bytes = read_stdin(stdin, has_words, notify.clone())?;
            stdin = Stdin::Ignored;
            draft.attach("-", STDIN, bytes)?;
        } else {
            draft.attach_file(path)?;
        }
    }
    let material = text::text(read_stdin(stdin, has_words, notify.clone())?, STDIN)?;
    if !material.text.trim().is_empty() {
        draft.add(material);
    }
    if draft.is_empty() && !has_words {
        return Err(no_prompt().into());
    }
    if let Some(words) = words {
        draft.close(Text::from(words));
    }
    if let Some(note) = replaced_note(draft.replaced, "the prompt") {
        notify(&note);
    }
    Ok(draft.finish())
}

fn read_stdin(
    stdin: Stdin,
    has_words: bool,
    notify: impl Fn(&str) + Send + 'static,
) -> Result<Vec<u8>> {
    let mut input = std::io::stdin().lock();
    match stdin {
        Stdin::Ignored => return Ok(Vec::new()),
        Stdin::Typed => notify("type the prompt, and end it with Ctrl-D on a line of its own"),
        Stdin::Piped if has_words => {
            let (begun, silence) = mpsc::channel::<()>();
            thread::spawn(move || {
                if silence.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                    notify("waiting for standard input; use --no-stdin to ignore it");
                }
            });
            // waits for the first bytes; an error comes again when the rest is read
            let _ = input.fill_buf();
            drop(begun);
        }
        Stdin::Piped => {}
    }
    text::read_bytes(input, STDIN)
}

/// The error where there is nothing to ask.
pub fn no_prompt() -> Failure {
    Failure::new(Kind::Usage, "there is no prompt").hint(
        "anyask \"What is a monad?\", or git diff | anyask \"Review this\"; \
         'anyask --help' shows more",
    )
}

/// The message while it is put together: the blocks that are complete, and the text after them.
#[derive(Clone, Default)]
pub struct Draft {
    blocks: Vec<ContentBlock>,
    text: String,
    /// How many bytes were not UTF-8 and became U+FFFD.
    pub replaced: usize,
}

impl Draft {
    /// A message that begins with these files.
    pub fn of_files(files: &[PathBuf]) -> Result<Self> {
        let mut draft = Self::default();
        files.iter().try_for_each(|path| draft.attach_file(path))?;
        Ok(draft)
    }

    fn attach_file(&mut self, path: &Path) -> Result<()> {
        let name = path.display().to_string();
        self.attach(&name, &name, text::read_bytes(text::open(path)?, &name)?)
    }

    /// Adds a file that the server knows as `path` and messages as `name`.
    fn attach(&mut self, path: &str, name: &str, bytes: Vec<u8>) -> Result<()> {
        if bytes.is_empty() {
            let failure = Failure::new(Kind::Usage, format!("{name} is empty"));
            return Err(failure.hint("leave it out if that is intended").into());
        }
        if let Some(block) = attachment(&bytes) {
            self.complete_text();
            self.blocks.push(block);
            return Ok(());
        }
        let Text { text, replaced } = text::text(bytes, name)?;
        self.replaced += replaced;
        let path = path.replace('&', "&amp;").replace('"', "&quot;");
        let end = if text.ends_with('\n') { "" } else { "\n" };
        write!(self.text, "<document path=\"{path}\">\n{text}{end}</document>\n")?;
        Ok(())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.text.is_empty()
    }

    /// Adds text as it stands.
    pub fn add(&mut self, text: Text) {
        self.replaced += text.replaced;
        if self.text.is_empty() {
            self.text = text.text;
        } else {
            self.text += &text.text;
        }
    }

    /// Adds the words that end the message, after a blank line.
    pub fn close(&mut self, words: Text) {
        if !self.text.is_empty() {
            self.text += if self.text.ends_with('\n') { "\n" } else { "\n\n" };
        }
        self.add(words);
    }

    fn complete_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.blocks.push(ContentBlock::Text { text });
        }
    }

    /// The content of the message.
    pub fn finish(mut self) -> Content {
        if self.blocks.is_empty() {
            return Content::Text(self.text);
        }
        self.complete_text();
        Content::Blocks(self.blocks)
    }
}
