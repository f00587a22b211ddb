//! What every item of a batch gets: the files, the words and the flags of the command line.

use anyhow::Result;

use crate::api::{Aliases, Endpoint, Message, Prepared, Request, nothing_to_cache};
use crate::cli::{Batch, Options};
use crate::error::usage_error;
use crate::input::{ItemRequest, PromptBuilder, Text, note_replaced};

pub struct ItemDefaults {
    request: Request,
    aliases: Aliases,
    prefill: Option<String>,
    files: PromptBuilder,
    words: Option<Text>,
}

impl ItemDefaults {
    /// Reads the files.
    pub fn new(options: &Options, batch: &Batch) -> Result<Self> {
        let words = batch.sources.words()?;
        let files = batch.sources.files(|text| options.console.note(text))?;
        let replaced = files.replaced() + words.as_ref().map_or(0, |words| words.replaced);
        note_replaced(replaced, "the prompt", |note| options.console.note(note));
        if options.request.cache && !options.request.has_system() && files.is_empty() {
            return Err(nothing_to_cache().into());
        }
        let (request, aliases) = (options.request.clone(), options.aliases.clone());
        Ok(Self { request, aliases, prefill: options.prefill.clone(), files, words })
    }

    /// The request of an item, and the same request as it is sent. An error if it cannot be sent.
    pub fn prepare(
        &self,
        item: Result<ItemRequest, String>,
        endpoint: &Endpoint,
    ) -> Result<(Request, Prepared)> {
        let item = item.map_err(usage_error)?;
        let mut request = self.request.clone();
        item.apply(&mut request, &self.aliases, &self.files, self.words.as_ref());
        request.messages.extend(self.prefill.as_ref().map(Message::assistant));
        let prepared = request.prepare(endpoint)?;
        Ok((request, prepared))
    }
}
