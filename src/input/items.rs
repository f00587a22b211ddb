//! The items of a batch, one per line: plain text, a JSON string, or a JSON object.

use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::builder::PromptBuilder;
use super::conversation::message;
use super::encoding::{is_utf16, utf8};
use super::file::InputFile;
use super::text::{self, Text, is_binary};
use crate::api::{Aliases, LARGEST_REQUEST, Message, Request, is_model_id, too_large};
use crate::error::{Failure, Kind};

/// An item: a line that is not blank.
pub struct Item {
    /// Its number in the file, from 1.
    pub line: u64,
    pub id: Option<Box<RawValue>>,
    /// The `data` of an object, which is copied to the result.
    pub data: Option<Box<RawValue>>,
    /// The request, or why it cannot be sent.
    pub request: Result<ItemRequest, String>,
    /// How many bytes of it were not UTF-8.
    pub replaced: usize,
}

/// A prompt or messages, and settings that replace those of the command line.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemRequest {
    id: Option<Box<RawValue>>,
    #[serde(rename = "data")]
    _data: Option<IgnoredAny>,
    prompt: Option<String>,
    #[serde(default, deserialize_with = "messages")]
    messages: Option<Vec<Message>>,
    model: Option<String>,
    system: Option<String>,
    max_tokens: Option<u32>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
}

impl ItemRequest {
    fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| {
            // to the parser, every item is "line 1"
            let error = error.to_string().replace(" at line 1 column", " at column");
            format!("the item is not valid: {error}")
        })
    }

    /// The request, or why it cannot be sent.
    fn check(self) -> Result<Self, String> {
        let is_label =
            |id: &str| id.starts_with(|start: char| matches!(start, '"' | '-' | '0'..='9'));
        if self.id.as_ref().is_some_and(|id| !is_label(id.get())) {
            return Err("the id must be text or a number".into());
        }
        match (&self.prompt, &self.messages) {
            (Some(_), Some(_)) => return Err("the item has both prompt and messages".into()),
            (Some(prompt), None) if !prompt.trim().is_empty() => {}
            (None, Some(messages)) if !messages.is_empty() => {}
            _ => return Err("there is no prompt".into()),
        }
        for (name, value) in [("temperature", self.temperature), ("top_p", self.top_p)] {
            if value.is_some_and(|value| !(0.0..=1.0).contains(&value)) {
                return Err(format!("{name} must be a number from 0.0 to 1.0"));
            }
        }
        if self.model.as_deref().is_some_and(|model| !is_model_id(model)) {
            return Err("the model ID is empty or has a blank in it".into());
        }
        if self.stop_sequences.iter().flatten().any(String::is_empty) {
            return Err("a stop sequence is empty".into());
        }
        if self.max_tokens == Some(0) {
            return Err("max_tokens must be at least 1".into());
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
        request.max_tokens = self.max_tokens.or(request.max_tokens);
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

/// Reads messages; an error counts them from 1.
fn messages<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Vec<Message>>, D::Error> {
    let messages: Option<Vec<Box<RawValue>>> = Option::deserialize(json)?;
    let parse = |(number, json): (usize, Box<RawValue>)| {
        message(json.get()).map_err(|why| D::Error::custom(format!("message {number} {why}")))
    };
    messages.map(|messages| (1..).zip(messages).map(parse).collect()).transpose()
}

/// Reads items one by one, so that a long file takes little memory. UTF-16 is decoded as a whole.
pub struct Items {
    input: Box<dyn BufRead + Send>,
    line: u64,
}

impl Items {
    /// The items of a file, or of standard input.
    pub fn open(file: &InputFile) -> Result<Self> {
        let input = file.open().with_context(|| text::cannot_read(&file.name()))?;
        Ok(Self { input: Box::new(BufReader::new(input)), line: 0 })
    }

    /// The next line that is not blank. Only the start of a line that is longer than a request is retained.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let line = self.read_line().with_context(cannot_read)?;
            if line.is_empty() {
                return Ok(None);
            }
            self.line += 1;
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.input.by_ref().take(LARGEST_REQUEST as u64 + 1).read_until(b'\n', &mut line)?;
        if self.line == 0 && is_utf16(&line) {
            // in UTF-16, a line feed has two bytes, so this is not a whole line
            self.input.read_to_end(&mut line)?;
            self.input = Box::new(Cursor::new(utf8(std::mem::take(&mut line))));
            return self.read_line();
        }
        if line.len() > LARGEST_REQUEST && !line.ends_with(b"\n") {
            self.input.skip_until(b'\n')?;
        }
        Ok(if self.line == 0 { utf8(line) } else { line })
    }
}

impl Iterator for Items {
    type Item = Result<Item>;

    fn next(&mut self) -> Option<Result<Item>> {
        let line = self.next_line().transpose()?;
        Some(line.map(|line| item(self.line, line)))
    }
}

/// How many items a file has; `None` for standard input and for a pipe, which can be read only once.
pub fn count_items(file: &InputFile) -> Result<Option<u64>> {
    if !file.path().is_some_and(Path::is_file) {
        return Ok(None);
    }
    let mut items = Items::open(file)?;
    let mut count = 0;
    while items.next_line()?.is_some() {
        count += 1;
    }
    Ok(Some(count))
}

fn cannot_read() -> Failure {
    Failure::new(Kind::Local, "cannot read the items")
}

fn item(line: u64, bytes: Vec<u8>) -> Item {
    let failed =
        |why: &str| Item { line, id: None, data: None, request: Err(why.into()), replaced: 0 };
    if bytes.len() > LARGEST_REQUEST && !bytes.ends_with(b"\n") {
        return failed(&too_large("the line is").to_string());
    }
    if is_binary(&bytes) {
        return failed("the line is binary: it has a NUL byte");
    }
    let Text { text, replaced } = Text::lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    let (labels, request) = if text.trim().starts_with('{') {
        (serde_json::from_str(text).unwrap_or_default(), ItemRequest::parse(text))
    } else {
        let prompt = serde_json::from_str(text).unwrap_or_else(|_| text.into());
        (Labels::default(), Ok(ItemRequest { prompt: Some(prompt), ..ItemRequest::default() }))
    };
    let Labels { id, data } = labels;
    Item { line, id, data, request: request.and_then(ItemRequest::check), replaced }
}

/// The fields of an object that its result gets, even if the rest of the object is not valid.
#[derive(Default, Deserialize)]
struct Labels {
    id: Option<Box<RawValue>>,
    data: Option<Box<RawValue>>,
}
