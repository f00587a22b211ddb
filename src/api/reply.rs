//! What an answer amounts to: the events of a stream, or one JSON message, folded into a [`Reply`].

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::wire::{Block, Event, Usage, Whole, each_block, field};
use crate::error::{Failure, Kind};

/// How many kinds of content block are worth naming.
const MOST_KINDS: usize = 8;

/// The sum of an answer. Everything in it is optional, because servers leave out everything.
#[derive(Debug, Default)]
pub struct Reply {
    pub model: Option<String>,
    /// Why generation ended: an open set, `end_turn` and `max_tokens` among them.
    pub stop_reason: Option<String>,
    pub usage: Usage,
    /// Whether the answer has any text.
    pub has_text: bool,
    /// The first types of content blocks, each once.
    pub blocks: Vec<String>,
    /// The end was seen: `message_stop`, or the end of a JSON answer.
    pub whole: bool,
    /// The whole text, where it is to be kept.
    pub text: Option<String>,
    /// The message as a call without streaming gives it, where that is to be kept.
    fold: Option<Fold>,
    prefill: Option<String>,
}

/// What of an answer is kept until its end, which costs memory for all of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Keep {
    pub text: bool,
    /// The events of a stream, folded into one message.
    pub message: bool,
}

#[derive(Debug, Default)]
struct Fold {
    message: Map<String, Value>,
    /// By index: a block's events may come between another's.
    blocks: BTreeMap<u64, Value>,
    /// Tool input, which arrives as pieces of JSON text.
    inputs: BTreeMap<u64, String>,
}

impl Reply {
    /// An empty reply that will keep what `keep` says, with the user's own first words in front of its text.
    pub fn new(keep: Keep, prefill: Option<String>) -> Self {
        Self {
            text: keep.text.then(String::new),
            fold: keep.message.then(Fold::default),
            prefill,
            ..Self::default()
        }
    }

    /// Takes in a piece of the text, and calls `on` with what there is to show of it.
    pub fn text(&mut self, text: &str, mut on: impl FnMut(&str)) {
        if text.is_empty() {
            return;
        }
        self.has_text = true;
        let prefill = self.prefill.take();
        for piece in prefill.as_deref().into_iter().chain([text]) {
            on(piece);
            if let Some(kept) = &mut self.text {
                kept.push_str(piece);
            }
        }
    }

    /// Takes in one event of a stream, and calls `on` for the text that a message or a block begins with, which
    /// is usually none. `json` is the event as it was sent.
    pub fn fold(&mut self, event: &Event, json: &str, mut on: impl FnMut(&str)) {
        if let Some(message) = field(event.message) {
            self.head(&message);
            self.content(&message, &mut on);
        }
        self.count(event.usage);
        if let Some(block) = field(event.content_block) {
            self.block(&block, &mut on);
        }
        if let Some(reason) = event
            .delta
            .as_ref()
            .and_then(|delta| delta.stop_reason.as_ref())
        {
            self.stop_reason = Some(reason.to_string());
        }
        self.whole |= event.kind.as_deref() == Some("message_stop");
        if let Some(fold) = &mut self.fold {
            fold.take(event, json);
        }
    }

    /// Takes in a whole message, and calls `on` for the text of each text block, in order.
    pub fn take(&mut self, message: &Whole, mut on: impl FnMut(&str)) {
        self.head(message);
        self.content(message, &mut on);
        if let Some(content) = message.content {
            // not the API's form, but there it is
            if let Some(text) = field::<String>(Some(content)) {
                self.text(&text, on);
            }
        }
        self.whole = true;
        self.fold = None;
    }

    fn content(&mut self, message: &Whole, on: &mut impl FnMut(&str)) {
        if let Some(content) = message.content {
            each_block(content, |block| self.block(&block, on));
        }
    }

    fn block(&mut self, block: &Block, on: &mut impl FnMut(&str)) {
        self.held(block.kind.as_deref());
        if let (Some("text"), Some(text)) = (block.kind.as_deref(), &block.text) {
            self.text(text, on);
        }
    }

    /// Whether the answer can be shown as one: without any text it says nothing.
    pub fn check(&self) -> Result<(), Failure> {
        if self.has_text {
            return Ok(());
        }
        let held = match &self.blocks[..] {
            [] => "the answer has no content".into(),
            blocks if blocks.iter().any(|kind| kind == "text") => {
                "the answer's text is empty".into()
            }
            blocks => format!("the answer has no text, only {}", blocks.join(" and ")),
        };
        let reason = self
            .stop_reason
            .as_ref()
            .map_or(String::new(), |reason| format!(" (stop reason: {reason})"));
        let failure = Failure::new(Kind::BrokenAnswer, held + &reason);
        Err(match self.stop_reason.as_deref() {
            Some("max_tokens") => failure.hint("give it more room with --max-tokens"),
            _ => failure,
        })
    }

    /// Whether every event is to be folded into a message.
    pub fn folds(&self) -> bool {
        self.fold.is_some()
    }

    /// Whether memory grows with the answer.
    pub fn keeps(&self) -> bool {
        self.fold.is_some() || self.text.is_some()
    }

    /// The folded message as JSON; `None` where nothing was kept.
    pub fn message(&mut self) -> Option<String> {
        let fold = self.fold.take()?;
        Some(Value::Object(fold.message()).to_string())
    }

    fn head(&mut self, message: &Whole) {
        self.model = field(message.model).or(self.model.take());
        self.stop_reason = field(message.stop_reason).or(self.stop_reason.take());
        self.count(message.usage);
    }

    /// Usage comes in parts; the latest value of each field counts.
    fn count(&mut self, part: Option<&RawValue>) {
        if let Some(part) = field::<Usage>(part) {
            self.usage.input_tokens = part.input_tokens.or(self.usage.input_tokens);
            self.usage.output_tokens = part.output_tokens.or(self.usage.output_tokens);
        }
    }

    fn held(&mut self, kind: Option<&str>) {
        let kind = kind.unwrap_or("untyped");
        if self.blocks.len() < MOST_KINDS && !self.blocks.iter().any(|known| known == kind) {
            self.blocks.push(kind.into());
        }
    }
}

impl Fold {
    fn take(&mut self, event: &Event, json: &str) {
        if let Some(message) = event.message {
            self.message.append(&mut object(message));
        }
        if let Some(block) = event.content_block {
            self.blocks
                .insert(event.index.unwrap_or(0), Value::Object(object(block)));
        }
        if event.delta.is_some() {
            let mut whole: Value = serde_json::from_str(json).unwrap_or_default();
            if let Value::Object(delta) = whole["delta"].take() {
                match event.kind.as_deref() {
                    Some("message_delta") => self.message.extend(delta),
                    _ => self.delta(event.index.unwrap_or(0), delta),
                }
            }
        }
        if let Some(usage) = event.usage {
            let known = self.message.entry("usage").or_insert_with(|| json!({}));
            if let Value::Object(known) = known {
                known.append(&mut object(usage));
            }
        }
    }

    fn delta(&mut self, index: u64, delta: Map<String, Value>) {
        let kind = delta.get("type").and_then(Value::as_str);
        // a block may begin without its content_block_start
        let block = self.blocks.entry(index).or_insert_with(|| match kind {
            Some("thinking_delta" | "signature_delta") => json!({"type": "thinking"}),
            Some("input_json_delta") => json!({"type": "tool_use"}),
            _ => json!({"type": "text"}),
        });
        for (key, value) in delta {
            match (key.as_str(), value) {
                ("type", _) => {}
                ("partial_json", Value::String(piece)) => {
                    self.inputs.entry(index).or_default().push_str(&piece);
                }
                ("citation", citation) => match &mut block["citations"] {
                    Value::Array(citations) => citations.push(citation),
                    none => *none = json!([citation]),
                },
                (_, value) => match (&mut block[&key], value) {
                    (Value::String(known), Value::String(piece)) => known.push_str(&piece),
                    (known, value) => *known = value,
                },
            }
        }
    }

    fn message(mut self) -> Map<String, Value> {
        for (index, input) in self.inputs {
            if let Some(block) = self.blocks.get_mut(&index) {
                block["input"] = serde_json::from_str(&input).unwrap_or(Value::String(input));
            }
        }
        let whole = self.message.entry("content").or_insert(Value::Null);
        let mut content = match whole.take() {
            Value::Array(content) => content,
            _ => Vec::new(),
        };
        content.extend(self.blocks.into_values());
        *whole = Value::Array(content);
        self.message
    }
}

fn object(json: &RawValue) -> Map<String, Value> {
    serde_json::from_str(json.get()).unwrap_or_default()
}
