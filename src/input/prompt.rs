//! Puts the user message together: files first, then standard input, then a blank line and the words.

use std::ffi::OsString;
use std::time::Duration;

use anyhow::Result;

use super::builder::PromptBuilder;
use super::file::{InputFile, STDIN, Stdin, stdin_is_device, stdin_is_silent};
use super::gather::Files;
use super::list::entries;
use super::text::{Text, empty, read_bytes, text};
use crate::api::Content;
use crate::error::{Failure, usage_error};

/// How long a pipe may stay silent before a note says that the program waits for it.
const SILENCE: Duration = Duration::from_secs(2);

/// Where the prompt comes from.
#[derive(Debug)]
pub struct Sources {
    /// The words of the command line, joined; `None` if there are none.
    pub words: Option<OsString>,
    /// Its text comes before the words.
    pub prompt_file: Option<InputFile>,
    pub files: Vec<InputFile>,
    /// A list of more files.
    pub list: Option<InputFile>,
    /// Number the lines of the files.
    pub line_numbers: bool,
    /// Read standard input after the files.
    pub stdin: bool,
    /// Have the server cache the files.
    pub cache: bool,
}

impl Sources {
    /// Whether there is no source at all.
    pub fn is_empty(&self) -> bool {
        let Self { words, prompt_file, files, list, stdin, .. } = self;
        let is_named = prompt_file.is_some() || !files.is_empty() || list.is_some();
        words.is_none() && !is_named && !stdin
    }

    /// The end of the message: the text of the prompt file, then the words.
    pub fn words(&self) -> Result<Option<Text>> {
        let mut all = Text::default();
        if let Some(file) = &self.prompt_file {
            all = file.read(|bytes, name| {
                let mut prompt = text(bytes, name)?;
                if prompt.text.starts_with("#!") {
                    let end = prompt.text.find('\n').map_or(prompt.text.len(), |end| end + 1);
                    prompt.text.drain(..end);
                }
                if prompt.is_blank() { Err(empty(name).into()) } else { Ok(prompt.in_file(name)) }
            })?;
        }
        if let Some(words) = &self.words {
            let words = Text::from(words.clone());
            words.check().map_err(|what| what.failure("the prompt"))?;
            all.push_paragraph(words);
        }
        Ok((!all.is_blank()).then_some(all))
    }

    /// Begins a message with the files. `notify` reports what the user may not expect, and `detail` each path that is
    /// left out.
    pub fn files(&self, notify: impl Fn(&str), detail: impl Fn(&str)) -> Result<PromptBuilder> {
        let mut files = Files::new(self.line_numbers);
        files.add_named(&self.files)?;
        if let Some(list) = &self.list {
            let entries = entries(list)?;
            if entries.is_empty() && (self.stdin || !self.files.is_empty()) {
                notify(&format!("{} has no paths", list.name()));
            }
            files.add_listed(&entries, detail)?;
        }
        files.note(notify);
        let mut builder = files.builder;
        if !self.stdin {
            self.check_list(&builder)?;
        }
        if self.cache {
            builder.cache();
        }
        Ok(builder)
    }

    /// An error if the list gave no file, and there is no other material.
    fn check_list(&self, builder: &PromptBuilder) -> Result<(), Failure> {
        match &self.list {
            Some(list) if builder.is_empty() => {
                let failure = usage_error(format!("{} names no file that is sent", list.name()));
                Err(failure.hint("leave --files-from out to ask without files"))
            }
            _ => Ok(()),
        }
    }
}

/// A question as it is sent.
pub struct Prompt {
    pub content: Content,
    /// Standard input was read, and had nothing.
    pub stdin_was_empty: bool,
}

/// Reads all sources and puts them in order. `notify` and `detail` are those of [`Sources::files`].
pub fn prompt(sources: &Sources, notify: impl Fn(&str), detail: impl Fn(&str)) -> Result<Prompt> {
    let words = sources.words()?;
    let mut builder = sources.files(&notify, detail)?;
    // a flag may add standard input as a file
    let stdin_is_file = sources.files.iter().any(|file| file.path().is_none());
    let mut stdin_was_empty = false;
    if sources.stdin {
        if words.is_some() && stdin_is_silent(SILENCE) {
            notify("waiting for standard input; use --no-stdin to ignore it");
        }
        stdin_was_empty = !builder.add_material(read_bytes(Stdin, STDIN)?, STDIN)?;
        if stdin_was_empty && words.is_some() && !stdin_is_device() {
            notify("standard input is empty, so the prompt is sent without it");
        }
        sources.check_list(&builder)?;
    }
    let has_stdin = stdin_is_file || (sources.stdin && !stdin_was_empty);
    match words {
        Some(words) => builder.close(words),
        None if builder.is_empty() => return Err(no_prompt().into()),
        None if has_stdin && builder.has_no_text() => return Err(no_question().into()),
        None => {}
    }
    builder.replaced().note("the prompt", notify);
    Ok(Prompt { content: builder.finish(), stdin_was_empty })
}

pub fn no_prompt() -> Failure {
    usage_error("there is no prompt").hint(
        "anyask \"What is a monad?\", or git diff | anyask \"Review this\"; \
         'anyask --help' shows more",
    )
}

/// The error if standard input is a picture or a PDF, and there are no words about it.
fn no_question() -> Failure {
    usage_error("standard input is a picture or PDF, and there is no question")
        .hint("anyask \"What is in this picture?\" < picture.png")
}
