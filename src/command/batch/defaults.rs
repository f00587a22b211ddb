//! What every item of a batch gets: the files, the words and the flags of the command line.

use anyhow::Result;

use crate::api::{Endpoint, Message, Prepared, Prices, Request, nothing_to_cache};
use crate::cli::{Batch, Options};
use crate::error::usage_error;
use crate::input::{ItemRequest, PromptBuilder, Text, note_replaced};

pub struct ItemDefaults {
    request: Request,
    prefill: Option<String>,
    files: PromptBuilder,
    words: Option<Text>,
    /// The prices, one of which has to fit the model of each item.
    prices: Option<Prices>,
}

impl ItemDefaults {
    /// Reads the files.
    pub fn new(options: &Options, batch: &Batch) -> Result<Self> {
        let words = batch.sources.words()?;
        let files = batch.sources.files(|text| options.console.note(text))?;
        let replaced = files.replaced() + words.as_ref().map_or(0, |words| words.replaced);
        note_replaced(replaced, "the prompt", |note| options.console.note(note));
        if options.request.cache && options.request.system.is_none() && files.is_empty() {
            return Err(nothing_to_cache().into());
        }
        let (request, prefill) = (options.request.clone(), options.prefill.clone());
        let prices = batch.max_cost.map(|_| options.prices.clone());
        Ok(Self { request, prefill, files, words, prices })
    }

    /// The request of an item, and the same request as it is sent. An error if it cannot be sent.
    pub fn prepare(
        &self,
        item: Result<ItemRequest, String>,
        endpoint: &Endpoint,
    ) -> Result<(Request, Prepared)> {
        let item = item.map_err(usage_error)?;
        let mut request = self.request.clone();
        item.apply(&mut request, &self.files, self.words.as_ref());
        let model = &request.model;
        if self.prices.as_ref().is_some_and(|prices| !prices.fits(model)) {
            let failure = usage_error(format!("--max-cost needs a --price that fits {model}"));
            return Err(failure.into());
        }
        request.messages.extend(self.prefill.as_ref().map(Message::assistant));
        let prepared = request.prepare(endpoint)?;
        Ok((request, prepared))
    }
}
