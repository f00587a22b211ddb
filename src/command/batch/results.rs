//! The results of a batch: one JSON line each, and which items they belong to.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::canonical::canonical;
use crate::api::json::parse;
use crate::api::{Cost, Digest, Dollars, Prices, Usage};
use crate::jsonl::line;

/// One result. `key` is a digest of the request as sent; an item that could not be sent has none.
#[derive(Serialize)]
pub struct Row<'a> {
    pub line: u64,
    pub id: Option<&'a RawValue>,
    /// The `data` of the item, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<&'a RawValue>,
    pub key: Option<Digest>,
    /// The model that was asked last, if there are fallbacks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<&'a str>,
    #[serde(flatten)]
    pub content: RowContent<'a>,
    /// The dollars of all its requests, as far as they are known.
    pub cost: Option<Dollars>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub enum RowContent<'a> {
    Answer {
        text: &'a str,
        stop_reason: Option<String>,
        model: Option<String>,
        usage: Usage,
        /// The server's own JSON, under `--json`.
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
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The last answer, if it did not pass `--check`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A result as it is written.
#[derive(Default)]
pub struct RowLine {
    /// A line of JSON.
    pub json: String,
    /// The exit status of a failed item; `None` for an answer.
    pub failure: Option<u8>,
}

impl Row<'_> {
    /// Its line. An error if it is too long.
    pub fn to_line(&self) -> Result<RowLine> {
        let failure = match &self.content {
            RowContent::Answer { .. } => None,
            RowContent::Error { error } => Some(error.exit),
        };
        Ok(RowLine { json: line(self)?, failure })
    }

    /// What identifies its item.
    pub fn identity(&self) -> Digest {
        let message = match &self.content {
            RowContent::Error { error } => &error.message,
            RowContent::Answer { .. } => "",
        };
        identity(label(self.id, self.data), self.key, message)
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
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    asked: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
}

impl WrittenRow<'_> {
    /// Whether it is an answer, and not a failure.
    pub fn is_answer(&self) -> bool {
        self.key.is_some() && self.text.is_some()
    }

    /// The label of its item.
    pub fn label(&self) -> Option<Digest> {
        label(self.id, self.data)
    }

    /// What it cost. If it does not say so, that is estimated from its usage.
    pub fn cost(&self, prices: &Prices) -> Option<Cost> {
        let cost = self.cost.and_then(|cost| cost.get().parse().ok());
        if let Some(cost) = cost.filter(|cost: &f64| *cost >= 0.0) {
            return Some(Cost { dollars: Dollars::new(cost.abs()), is_example: false });
        }
        let mut usage = Usage::default();
        usage.take(&parse(self.usage?.get())?);
        let model = self.asked.or(self.model).and_then(|model| parse::<String>(model.get()));
        prices.cost(&model.unwrap_or_default(), &usage)
    }

    /// What identifies its item.
    pub fn identity(&self) -> Digest {
        let message = self.error.as_ref().map_or("", |error| &error.message);
        identity(label(self.id, self.data), self.key, message)
    }
}

/// The digest of what the user calls an item: its id, or else its data. However it is written, equal JSON gives equal
/// labels.
pub fn label(id: Option<&RawValue>, data: Option<&RawValue>) -> Option<Digest> {
    let id = id.map(|id| format!("id {}", canonical(id)));
    let label = id.or_else(|| data.map(|data| format!("data {}", canonical(data))))?;
    Some(Digest::of(label.as_bytes()))
}

/// How an item is recognised after its request has changed: by its label, or else by its line.
pub fn label_or_line(label: Option<Digest>, line: u64) -> Digest {
    label.unwrap_or_else(|| Digest::of(format!("line {line}").as_bytes()))
}

/// What identifies an item: the digest of its request, and its label, if it has one. Not its line, which may change. An
/// item without a request is identified by its error message instead.
///
/// A row is never joined to another item. Two items have the same identity only if the same bytes are digested (or the
/// digests collide). Those of an item with a label are the digest `label`, a line end and the digest `key`, and what is
/// digested for a label begins with `id ` or `data `. So equal bytes mean equal labels and equal keys: items with equal
/// prompts, but with different data, are different. The key of an item without a label is the digest of its
/// request, which begins with `{`. Then there is nothing that could tell equal items apart, and their answers may be
/// exchanged.
pub fn identity(label: Option<Digest>, key: Option<Digest>, message: &str) -> Digest {
    match (label, key) {
        (None, Some(key)) => key,
        (Some(label), Some(key)) => Digest::of(format!("{label}\n{key}").as_bytes()),
        (label, None) => {
            let label = label.map(|label| label.to_string()).unwrap_or_default();
            Digest::of(format!("{label}\n\n{message}").as_bytes())
        }
    }
}
