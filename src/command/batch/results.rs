//! The results of a batch: a JSON line each, and which items they belong to.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::api::{Digest, Usage};

/// One result. `key` is a digest of the request as sent; an item that could not be sent has none.
#[derive(Serialize)]
pub struct Row<'a> {
    pub line: u64,
    pub id: Option<&'a RawValue>,
    /// The item's own, as it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
    pub key: Option<Digest>,
    /// The model that was asked last, where there are fallbacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<&'a str>,
    #[serde(flatten)]
    pub content: RowContent<'a>,
}

/// What an item brought.
#[derive(Serialize)]
#[serde(untagged)]
pub enum RowContent<'a> {
    Answer {
        text: &'a str,
        stop_reason: Option<String>,
        model: Option<String>,
        usage: Usage,
        /// The server's own JSON, where that is wanted.
        #[serde(skip_serializing_if = "Option::is_none")]
        response: Option<Box<RawValue>>,
    },
    Error {
        error: RowError,
    },
}

/// Why an item failed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RowError {
    pub exit: u8,
    pub status: Option<u16>,
    pub message: String,
}

impl Row<'_> {
    /// The result as a line of JSON.
    pub fn to_line(&self) -> String {
        // strings and numbers always are JSON
        serde_json::to_string(self).map_or(String::new(), |json| json + "\n")
    }

    /// What identifies its item.
    pub fn identity(&self) -> Digest {
        let message = match &self.content {
            RowContent::Error { error } => &error.message,
            RowContent::Answer { .. } => "",
        };
        identity(self.id.or(self.data), self.key, message)
    }
}

/// What a row of a file says about its item.
#[derive(Deserialize)]
pub struct WrittenRow<'a> {
    pub line: u64,
    #[serde(borrow)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    key: Option<Digest>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    error: Option<RowError>,
}

impl WrittenRow<'_> {
    /// Whether it is an answer, and not a failure.
    pub fn is_answer(&self) -> bool {
        self.key.is_some() && self.text.is_some()
    }

    /// What identifies its item.
    pub fn identity(&self) -> Digest {
        let message = self.error.as_ref().map_or("", |error| &error.message);
        identity(self.id.or(self.data), self.key, message)
    }
}

/// What identifies an item: what it asks, and its label if it has one, which is its id or else its data. Its line may
/// change. An item that asks nothing is known by what is wrong with it.
pub fn identity(label: Option<&RawValue>, key: Option<Digest>, message: &str) -> Digest {
    match (label, key) {
        (None, Some(key)) => key,
        (Some(label), Some(key)) => Digest::of(format!("{}\n{key}", label.get()).as_bytes()),
        (label, None) => {
            let label = label.map_or("", RawValue::get);
            Digest::of(format!("{label}\n\n{message}").as_bytes())
        }
    }
}

/// An item, and the line where it stands now.
pub type ItemLine = (Digest, u64);

/// What a batch has to know of its items.
#[derive(Default)]
pub struct Earlier {
    /// How many answers of earlier batches nobody has used yet: an item may stand there twice.
    answers: HashMap<Digest, u32>,
    /// The items that have a result, where the results are put in order at the end.
    pub item_lines: Option<Vec<ItemLine>>,
}

impl Earlier {
    /// Counts an answer of an earlier batch.
    pub fn add_answer(&mut self, identity: Digest) {
        *self.answers.entry(identity).or_default() += 1;
    }

    /// Takes an answer for the item on this line, if there is one, as its result.
    pub fn take_answer(&mut self, identity: Digest, line: u64) -> bool {
        let Some(left) = self.answers.get_mut(&identity).filter(|left| **left > 0) else {
            return false;
        };
        *left -= 1;
        self.add_result(identity, line);
        true
    }

    /// The item on this line has a result.
    pub fn add_result(&mut self, identity: Digest, line: u64) {
        if let Some(item_lines) = &mut self.item_lines {
            item_lines.push((identity, line));
        }
    }
}
