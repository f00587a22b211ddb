//! The events of a stream folded into the message that a call without streaming would have given.

use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

use crate::api::json::{Fields, parse};

/// A message that grows event by event. It takes a few times the memory of its JSON.
#[derive(Debug, Default)]
pub struct Fold {
    message: Fields,
    /// By index, because a block's events may come between another block's.
    blocks: BTreeMap<u64, Block>,
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
        let index = event.read("index").unwrap_or(0);
        match (kind, event.read("delta")) {
            ("message_start", _) => self.message.extend(event.read("message").unwrap_or_default()),
            ("content_block_start", _) => {
                let fields = event.read("content_block").unwrap_or_default();
                self.blocks.insert(index, Block { fields, ..Block::default() });
            }
            ("message_delta", Some(delta)) => self.message.extend(delta),
            (_, Some(delta)) => self.blocks.entry(index).or_default().take(delta),
            (_, None) => {}
        }
        if let Some(usage) = event.read("usage") {
            let mut known: Fields = self.message.read("usage").unwrap_or_default();
            known.extend(usage);
            self.message.set_json("usage", known);
        }
    }

    /// Returns the message as JSON.
    pub fn finish(mut self) -> Vec<u8> {
        let mut content: Vec<Box<RawValue>> = self.message.read("content").unwrap_or_default();
        let blocks = self.blocks.into_values().map(Block::finish);
        content.extend(blocks.filter_map(|fields| to_raw_value(&fields).ok()));
        self.message.set_json("content", content);
        serde_json::to_vec(&self.message).unwrap_or_default()
    }
}

impl Block {
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
        for (key, value) in delta {
            match (&*key, parse::<String>(value.get())) {
                ("type", _) => {}
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
