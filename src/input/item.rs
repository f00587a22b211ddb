//! An item of a batch: plain text, a JSON string, or a JSON object.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::builder::PromptBuilder;
use super::conversation::message;
use super::text::{Text, is_binary};
use crate::api::json::replace_halves;
use crate::api::{Aliases, Fields, LARGEST_REQUEST, Message, Request, is_model_id, too_large};

/// What these fields have to be.
const WHOLE_NUMBER: &str = "a whole number from 1 to 4294967295";
const FROM_0_TO_1: &str = "a number from 0.0 to 1.0";

/// An item: a line that is not blank.
pub struct Item {
    /// Its number in the file, from 1.
    pub line: u64,
    pub id: Option<Box<RawValue>>,
    /// The `data` of an object, which is copied to the result.
    pub data: Option<Box<RawValue>>,
    /// The request, or why it cannot be sent.
    pub request: Result<ItemRequest, String>,
    /// How many bytes of it were not UTF-8, and how many halves of surrogate pairs it had.
    pub replaced: usize,
}

/// A prompt or messages, and settings that replace those of the command line.
#[derive(Default)]
pub struct ItemRequest {
    prompt: Option<String>,
    messages: Option<Vec<Message>>,
    model: Option<String>,
    system: Option<String>,
    /// A whole number, which some programs write as `100.0`.
    max_tokens: Option<f64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
}

impl Item {
    /// The item on a line. Of a line that is longer than a request, only the start is needed.
    pub fn parse(line: u64, bytes: Vec<u8>) -> Self {
        let mut item =
            Self { line, id: None, data: None, request: Err(String::new()), replaced: 0 };
        item.request = if bytes.len() > LARGEST_REQUEST && !bytes.ends_with(b"\n") {
            Err(too_large("the line is").to_string())
        } else if is_binary(&bytes) {
            Err("the line is binary: it has a NUL byte".into())
        } else {
            let all = Text::lossy(bytes);
            item.replaced = all.replaced.count;
            let text = all.text.strip_suffix('\n').unwrap_or(&all.text);
            let request = item.read(text.strip_suffix('\r').unwrap_or(text));
            let checked = all.check().map_err(|what| what.describe("the line"));
            checked.and(request).and_then(ItemRequest::check)
        };
        item
    }

    /// Reads the request, and sets what the result gets of an object, even if the rest of the object is not valid.
    fn read(&mut self, text: &str) -> Result<ItemRequest, String> {
        if !text.trim().starts_with('{') {
            let prompt = self.value(text).unwrap_or_else(|| text.into());
            return Ok(ItemRequest { prompt: Some(prompt), ..ItemRequest::default() });
        }
        let mut fields: Fields = serde_json::from_str(text).map_err(|error| {
            // to the parser, every item is "line 1"
            let error = error.to_string().replace(" at line 1 column", " at column");
            format!("the item is not valid: {error}")
        })?;
        let mut label = |name| fields.remove(name).filter(|json| json.get() != "null");
        (self.id, self.data) = (label("id"), label("data"));
        let is_label =
            |id: &str| id.starts_with(|start: char| matches!(start, '"' | '-' | '0'..='9'));
        if self.id.as_ref().is_some_and(|id| !is_label(id.get())) {
            return Err("the id must be text or a number".into());
        }
        let request = ItemRequest {
            prompt: self.take(&mut fields, "prompt", "text")?,
            messages: self.take(&mut fields, "messages", "a list")?.map(messages).transpose()?,
            model: self.take(&mut fields, "model", "text")?,
            system: self.take(&mut fields, "system", "text")?,
            max_tokens: self.take(&mut fields, "max_tokens", WHOLE_NUMBER)?,
            temperature: self.take(&mut fields, "temperature", FROM_0_TO_1)?,
            top_p: self.take(&mut fields, "top_p", FROM_0_TO_1)?,
            stop_sequences: self.take(&mut fields, "stop_sequences", "a list of texts")?,
        };
        match fields.first_name() {
            Some(name) => Err(format!("the item is not valid: unknown field `{name}`")),
            None => Ok(request),
        }
    }

    /// Takes a field out of an object. It has to be what is `expected`, or null.
    fn take<T: DeserializeOwned>(
        &mut self,
        fields: &mut Fields,
        name: &str,
        expected: &str,
    ) -> Result<Option<T>, String> {
        let Some(json) = fields.remove(name) else { return Ok(None) };
        self.value(json.get()).ok_or_else(|| format!("{name} must be {expected}"))
    }

    /// Parses a value, with U+FFFD instead of lone halves of surrogate pairs.
    fn value<T: DeserializeOwned>(&mut self, json: &str) -> Option<T> {
        let (json, halves) = replace_halves(json);
        let value = serde_json::from_str(&json).ok()?;
        self.replaced += halves;
        Some(value)
    }
}

/// The messages of an item; an error counts them from 1.
fn messages(messages: Vec<Box<RawValue>>) -> Result<Vec<Message>, String> {
    let parse = |(number, json): (usize, Box<RawValue>)| {
        message(json.get()).map_err(|why| format!("message {number} {why}"))
    };
    (1..).zip(messages).map(parse).collect()
}

impl ItemRequest {
    /// The request, or why it cannot be sent.
    fn check(self) -> Result<Self, String> {
        match (&self.prompt, &self.messages) {
            (Some(_), Some(_)) => return Err("the item has both prompt and messages".into()),
            (Some(prompt), None) if !prompt.trim().is_empty() => {}
            (None, Some(messages)) if !messages.is_empty() => {}
            _ => return Err("there is no prompt".into()),
        }
        for (name, value) in [("temperature", self.temperature), ("top_p", self.top_p)] {
            if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return Err(format!("{name} must be {FROM_0_TO_1}"));
            }
        }
        if self.model.as_deref().is_some_and(|model| !is_model_id(model)) {
            return Err("the model ID is empty or has a blank in it".into());
        }
        if self.stop_sequences.iter().flatten().any(String::is_empty) {
            return Err("a stop sequence is empty".into());
        }
        let range = 1.0..=f64::from(u32::MAX);
        if self.max_tokens.is_some_and(|number| number.fract() != 0.0 || !range.contains(&number)) {
            return Err(format!("max_tokens must be {WHOLE_NUMBER}"));
        }
        Ok(self)
    }

    /// Puts this into a request. The order is that of a single question: files, then the prompt, then words.
    pub fn apply(
        self,
        request: &mut Request,
        aliases: &Aliases,
        files: &PromptBuilder,
        words: Option<&Text>,
    ) {
        if let Some(model) = self.model {
            request.model = aliases.id(&model).into();
        }
        request.system = self.system.or(request.system.take());
        request.max_tokens = self.max_tokens.map(|number| number as u32).or(request.max_tokens);
        request.temperature = self.temperature.or(request.temperature);
        request.top_p = self.top_p.or(request.top_p);
        if let Some(stop_sequences) = self.stop_sequences {
            request.stop_sequences = stop_sequences;
        }
        request.messages = self.messages.unwrap_or_default();
        let mut builder = files.clone();
        if !request.messages.is_empty() {
            // what comes after messages of its own does not stay the same
            builder.do_not_cache();
        }
        if let Some(prompt) = self.prompt {
            builder.add(prompt.into());
        }
        if let Some(words) = words {
            builder.close(words.clone());
        }
        if !builder.is_empty() {
            request.messages.push(Message::user(builder.finish()));
        }
    }
}
