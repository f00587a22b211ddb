//! What every item of a batch gets: the files, the words and the flags of the command line.

use anyhow::Result;

use crate::api::{Message, Request};
use crate::cli::{Batch, Options};
use crate::error::{Failure, Kind};
use crate::input::{Draft, Question, Text, note_replaced};

/// The files and the words that every item gets.
pub struct Template {
    files: Draft,
    words: Option<Text>,
}

impl Template {
    /// Reads the files.
    pub fn new(options: &Options, batch: &Batch) -> Result<Self> {
        let words = batch.sources.words()?;
        let files = batch.sources.files(|text| options.console.note(text))?;
        let replaced = files.replaced() + words.as_ref().map_or(0, |words| words.replaced);
        note_replaced(replaced, "the prompt", |note| options.console.note(note));
        Ok(Self { files, words })
    }

    /// The request of an item, or why it cannot be asked.
    pub fn request(
        &self,
        options: &Options,
        question: Result<Question, String>,
    ) -> Result<Request, Failure> {
        let question = question.map_err(|why| Failure::new(Kind::Usage, why))?;
        let mut request = options.request.clone();
        question.apply(&mut request, &self.files, self.words.as_ref());
        request.messages.extend(options.prefill.as_ref().map(Message::assistant));
        Ok(request)
    }
}
