//! What every item of a batch gets: the files, the words and the flags of the command line.

use anyhow::Result;

use crate::api::{Aliases, Endpoint, Message, Prepared, Request, nothing_to_cache};
use crate::cli::{Batch, Options};
use crate::error::usage_error;
use crate::input::{ItemRequest, PromptBuilder, Text};

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
        let note = |text: &str| options.console.note(text);
        let files = batch.sources.files(note, |text| options.console.trace("*", text))?;
        let mut replaced = files.replaced().clone();
        replaced.add(words.as_ref().map(|words| words.replaced.clone()).unwrap_or_default());
        replaced.note("the prompt", note);
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
