//! The events of a stream folded into the message that a call without streaming would have given.

use std::collections::{BTreeMap, HashMap};

use serde_json::value::{RawValue, to_raw_value};

use super::delta::is_text;
use crate::api::json::{Fields, parse};

/// A message that grows event by event. It takes a few times the memory of its JSON.
#[derive(Debug, Default)]
pub struct Fold {
    message: Fields,
    /// The usage that stands beside messages and deltas.
    usage: Fields,
    /// In the order in which they began.
    blocks: Vec<Block>,
    /// Where the newest block of an index stands. The index is JSON: servers use one twice, leave it out, or write it as
    /// a string.
    newest: HashMap<Option<String>, usize>,
    /// Where the block stands that got text last.
    last_text: usize,
}

/// A content block: the fields that it began with, and those that grow.
#[derive(Debug, Default)]
struct Block {
    fields: Fields,
    /// Text, thinking and the JSON of tool input come in pieces.
    strings: BTreeMap<String, String>,
    citations: Vec<Box<RawValue>>,
}

impl Fold {
    /// Takes in one event of this type.
    pub fn take(&mut self, kind: &str, event: &Fields) {
        match (kind, event.read("delta")) {
            ("message_start", _) => self.message.extend(event.read("message").unwrap_or_default()),
            ("content_block_start", _) => {
                self.begin(index(event), event.read("content_block").unwrap_or_default());
            }
            ("message_delta", Some(delta)) => self.message.extend(delta),
            (_, Some(delta)) => self.block(index(event), &delta).take(delta),
            (_, None) => {}
        }
        if let Some(usage) = event.read("usage") {
            self.usage.extend(usage);
        }
    }

    /// The block that a delta belongs to: the newest one of its index. Text goes into a text block, behind all text that
    /// came before it, or else into a new block.
    fn block(&mut self, index: Option<String>, delta: &Fields) -> &mut Block {
        let is_text =
            is_text(delta.read::<String>("type").as_deref()) && delta.get("text").is_some();
        let newest = self.newest.get(&index).copied();
        let fits = |at: &usize| !is_text || (self.blocks[*at].is_text() && *at >= self.last_text);
        let at = newest.filter(fits).unwrap_or_else(|| self.begin(index, Fields::default()));
        if is_text {
            self.last_text = at;
        }
        &mut self.blocks[at]
    }

    /// Begins a block, and returns where it stands.
    fn begin(&mut self, index: Option<String>, fields: Fields) -> usize {
        let at = self.blocks.len();
        let block = Block { fields, ..Block::default() };
        if block.has_text() {
            self.last_text = at;
        }
        self.blocks.push(block);
        self.newest.insert(index, at);
        at
    }

    /// Returns the message as JSON, with this stop reason.
    pub fn finish(mut self, stop_reason: Option<&str>) -> Vec<u8> {
        let mut content: Vec<Box<RawValue>> = self.message.read("content").unwrap_or_default();
        let blocks = self.blocks.into_iter().map(Block::finish);
        content.extend(blocks.filter_map(|fields| to_raw_value(&fields).ok()));
        self.message.set_json("content", content);
        let mut usage: Fields = self.message.read("usage").unwrap_or_default();
        usage.extend(self.usage);
        if !usage.is_empty() {
            self.message.set_json("usage", usage);
        }
        if stop_reason.is_some() || self.message.get("stop_reason").is_some() {
            self.message.set_json("stop_reason", stop_reason);
        }
        serde_json::to_vec(&self.message).unwrap_or_default()
    }
}

/// The index of an event, as its JSON stands there.
fn index(event: &Fields) -> Option<String> {
    event.get("index").map(|index| index.get().into())
}

impl Block {
    fn is_text(&self) -> bool {
        self.fields.read::<String>("type").is_none_or(|kind| kind == "text")
    }

    /// Whether it begins with text.
    fn has_text(&self) -> bool {
        self.is_text() && self.fields.read::<String>("text").is_some_and(|text| !text.is_empty())
    }

    fn take(&mut self, delta: Fields) {
        let kind: Option<String> = delta.read("type");
        if self.fields.get("type").is_none() {
            // some servers send no content_block_start
            let block_type = match kind.as_deref() {
                Some("thinking_delta" | "signature_delta") => "thinking",
                Some("input_json_delta") => "tool_use",
                _ => "text",
            };
            self.fields.set_json("type", block_type);
        }
        let is_foreign_text = self.is_text() && !is_text(kind.as_deref());
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
                // torn input stays text
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
