//! The events of a stream folded into the message that a call without streaming would have given.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::{RawValue, to_raw_value};

use super::delta::{block_type, is_text};
use crate::api::json::{Fields, parse};

/// A message that grows event by event. It takes a few times the memory of its JSON, and time in proportion to it.
#[derive(Debug, Default)]
pub struct Fold {
    message: Fields,
    /// The fields of the usage. The message has it at its position.
    usage: Fields,
    /// In the order in which they began.
    blocks: Vec<Block>,
    /// Where the newest block of each index stands in `blocks`. Servers use an index twice, or leave it out.
    newest: HashMap<Option<String>, usize>,
    /// Where the last block with text stands.
    last_text: Option<usize>,
}

/// A content block: the fields that it began with, and those that grow.
#[derive(Debug, Default)]
struct Block {
    is_text: bool,
    fields: Fields,
    /// Text, thinking and the JSON of tool input come in pieces.
    strings: BTreeMap<String, String>,
    citations: Vec<Box<RawValue>>,
}

impl Fold {
    /// Takes in one event of this type.
    pub fn take(&mut self, kind: &str, event: &Fields) {
        match (kind, event.read("delta")) {
            ("message_start", _) => {
                let message: Fields = event.read("message").unwrap_or_default();
                let usage = message.read("usage");
                self.message.extend(message);
                self.take_usage(usage);
            }
            ("content_block_start", _) => {
                let fields: Fields = event.read("content_block").unwrap_or_default();
                let at = self.push(index(event), Block::new(fields));
                if self.blocks[at].starts_with_text() {
                    self.last_text = Some(at);
                }
            }
            ("message_delta", Some(delta)) => self.message.extend(delta),
            ("content_block_delta", Some(delta)) => self.take_delta(index(event), delta),
            _ => {}
        }
        self.take_usage(event.read("usage"));
    }

    fn take_usage(&mut self, usage: Option<Fields>) {
        if let Some(usage) = usage {
            self.usage.extend(usage);
            if self.message.get("usage").is_none() {
                self.message.set_json("usage", ());
            }
        }
    }

    fn push(&mut self, index: Option<String>, block: Block) -> usize {
        self.blocks.push(block);
        self.newest.insert(index, self.blocks.len() - 1);
        self.blocks.len() - 1
    }

    /// Adds a delta to the newest block of its index. Text goes into a text block, behind all text that came before it,
    /// or else into a new block.
    fn take_delta(&mut self, index: Option<String>, delta: Fields) {
        let kind: Option<String> = delta.read("type");
        let text: Option<String> = delta.read("text").filter(|_| is_text(kind.as_deref()));
        let fits = |at: &usize| {
            text.is_none()
                || (self.blocks[*at].is_text && self.last_text.is_none_or(|last| last <= *at))
        };
        let at = self.newest.get(&index).copied().filter(fits);
        let at = at.unwrap_or_else(|| self.push(index, Block::default()));
        let block = &mut self.blocks[at];
        block.take(kind.as_deref(), delta);
        if block.is_text && text.is_some_and(|text| !text.is_empty()) {
            self.last_text = Some(at);
        }
    }

    /// Returns the message as JSON, with this stop reason.
    pub fn finish(mut self, stop_reason: Option<&str>) -> Vec<u8> {
        let mut content: Vec<Box<RawValue>> = self.message.read("content").unwrap_or_default();
        let blocks = self.blocks.into_iter().map(Block::finish);
        content.extend(blocks.filter_map(|fields| to_raw_value(&fields).ok()));
        self.message.set_json("content", content);
        if !self.usage.is_empty() {
            self.message.set_json("usage", self.usage);
        }
        if stop_reason.is_some() || self.message.get("stop_reason").is_some() {
            self.message.set_json("stop_reason", stop_reason);
        }
        serde_json::to_vec(&self.message).unwrap_or_default()
    }
}

/// The index of an event, as its JSON stands there. Some servers write it as a string.
fn index(event: &Fields) -> Option<String> {
    event.get("index").map(|index| index.get().trim_matches('"').into())
}

impl Block {
    fn new(fields: Fields) -> Self {
        let kind: Option<String> = fields.read("type");
        Self { is_text: kind.is_none_or(|kind| kind == "text"), fields, ..Self::default() }
    }

    fn starts_with_text(&self) -> bool {
        self.is_text && self.fields.read::<String>("text").is_some_and(|text| !text.is_empty())
    }

    /// Takes in a delta of this type.
    fn take(&mut self, kind: Option<&str>, delta: Fields) {
        if self.fields.get("type").is_none() {
            self.fields.set_json("type", block_type(kind));
            self.is_text = block_type(kind) == "text";
        }
        let is_foreign_text = self.is_text && !is_text(kind);
        for (key, value) in delta {
            match (&*key, parse::<String>(value.get())) {
                ("type", _) => {}
                ("text", _) if is_foreign_text => {}
                ("citation", _) => self.citations.push(value),
                (_, Some(piece)) => {
                    let start = || self.fields.read(&key).unwrap_or_default();
                    self.strings.entry(key.clone()).or_insert_with(start).push_str(&piece);
                }
                (_, None) => self.fields.set(&key, value),
            }
        }
    }

    fn finish(mut self) -> Fields {
        for (key, text) in self.strings {
            match &*key {
                "partial_json" if text.trim().is_empty() => {}
                // torn input is kept as text
                "partial_json" => match RawValue::from_string(text.trim().into()) {
                    Ok(input) => self.fields.set("input", input),
                    Err(_) => self.fields.set_json("input", text),
                },
                _ => self.fields.set_json(&key, text),
            }
        }
        if !self.citations.is_empty() {
            let mut citations: Vec<Box<RawValue>> =
                self.fields.read("citations").unwrap_or_default();
            citations.append(&mut self.citations);
            self.fields.set_json("citations", citations);
        }
        self.fields
    }
}
