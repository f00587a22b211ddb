//! Puts the user message together: files first, then standard input, then a blank line and the words.

use std::ffi::OsString;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::Result;

use super::attachment::attachment;
use super::file::{InputFile, STDIN, Stdin};
use super::text::{self, Text, replaced_note};
use crate::api::{Content, ContentBlock};
use crate::error::{Failure, Kind};

/// How long a pipe may stay silent before the user is told that it is read.
const SILENCE: Duration = Duration::from_secs(2);

/// Where the prompt comes from.
#[derive(Debug)]
pub struct Sources {
    /// The words of the command line, joined; `None` if there are none.
    pub words: Option<OsString>,
    /// In order.
    pub files: Vec<InputFile>,
    /// Standard input comes after the files, and is none of them.
    pub stdin: bool,
}

/// Reads all sources and puts them in order. `notify` gets what the user should know meanwhile.
pub fn prompt(sources: Sources, notify: impl Fn(&str) + Clone + Send + 'static) -> Result<Content> {
    let Sources { words, files, stdin } = sources;
    let mut draft = Draft::of_files(&files)?;
    if stdin {
        let mut input = BufReader::new(Stdin);
        if words.is_some() {
            wait_for_input(&mut input, notify.clone());
        }
        let material = text::text(text::read_bytes(input, STDIN)?, STDIN)?;
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
    if let Some(note) = replaced_note(draft.replaced, "the prompt") {
        notify(&note);
    }
    Ok(draft.finish())
}

/// Waits for the first bytes. If they do not come soon, the user is told.
fn wait_for_input(input: &mut impl BufRead, notify: impl Fn(&str) + Send + 'static) {
    let (begun, silence) = mpsc::channel::<()>();
    let tell = move || {
        if silence.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
            notify("waiting for standard input; use --no-stdin to ignore it");
        }
    };
    // where there is no thread to be had, the user is not told
    let _ = thread::Builder::new().spawn(tell);
    // an error comes again when the rest is read
    let _ = input.fill_buf();
    drop(begun);
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
    pub fn of_files(files: &[InputFile]) -> Result<Self> {
        let mut draft = Self::default();
        for file in files {
            file.read(|bytes, name| draft.attach(&file.argument(), name, bytes))?;
        }
        Ok(draft)
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
