//! What an answer amounts to, streamed or not.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::api::json::{Fields, parse};
use crate::api::usage::Usage;
use crate::error::{Failure, broken};

/// How many types of content block are worth naming.
const MOST_TYPES: usize = 8;

/// How much of an answer is there.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing of it.
    #[default]
    Waiting,
    /// A part of it; more has to come.
    Growing,
    /// A stop reason came. The end of the body, as its framing says, or a silence completes the answer; text or a block
    /// takes it back to [`State::Growing`].
    Ending,
    /// All of it: `message_stop` came, or nothing more can come.
    Complete,
}

/// What came of a request. Everything is optional, because servers leave out everything.
#[derive(Debug, Default)]
pub struct Answer {
    pub model: Option<String>,
    /// Why the answer ended: `end_turn`, `max_tokens`, or any other word of the server's.
    pub stop_reason: Option<String>,
    /// Why the model refused to go on, in its words.
    pub explanation: Option<String>,
    pub usage: Usage,
    /// The text after the prefill, if it is retained.
    pub text: String,
    /// There is more text than white space.
    pub has_text: bool,
    /// The text is white space.
    pub is_blank: bool,
    /// The message as JSON, if it is retained.
    pub message: Vec<u8>,
    /// The body as it came, decoded, if it is retained.
    pub body: Vec<u8>,
    /// The types of its content blocks, each once.
    pub block_types: Vec<String>,
    /// How much of it is there.
    pub state: State,
    /// What the user should know about it, each once.
    pub notes: Vec<&'static str>,
    /// Why it is not a message, if it is JSON of another kind.
    pub problem: Option<Failure>,
}

impl Answer {
    /// Takes in the model and the usage of a message.
    pub(super) fn take_message(&mut self, message: &Fields) {
        self.model = message.read("model").or(self.model.take());
        self.take_usage(message);
    }

    /// Takes in the stop reason of a message or of its delta, and returns whether it has one. Servers written in Go send
    /// an empty one for none.
    pub(super) fn take_stop_reason(&mut self, message: &Fields) -> bool {
        let details: Option<Fields> = message.read("stop_details");
        let explanation = details.and_then(|details| details.read("explanation"));
        self.explanation = explanation.or(self.explanation.take());
        let reason: Option<String> = message.read("stop_reason");
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        let has_reason = reason.is_some();
        self.stop_reason = reason.or(self.stop_reason.take());
        has_reason
    }

    /// Adds something that the user should know.
    pub fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Takes in the usage of a message or of an event.
    pub(super) fn take_usage(&mut self, message: &Fields) {
        if let Some(part) = message.read("usage") {
            self.usage.take(&part);
        }
    }

    /// Takes in a message's content, and returns the text of its text blocks.
    pub(super) fn take_content(&mut self, content: Option<&RawValue>) -> String {
        let Some(content) = content else { return String::new() };
        // a string is not the API's form, but some servers send it
        let mut text: String = parse(content.get()).unwrap_or_default();
        each_block(content, |block| text.extend(self.take_block(&block)));
        text
    }

    /// Takes in a content block, or the start of one, and returns its text.
    pub(super) fn take_block(&mut self, block: &Fields) -> Option<String> {
        let kind: Option<String> = block.read("type");
        let kind = kind.as_deref().unwrap_or("untyped");
        self.take_type(kind);
        if matches!(kind, "text" | "untyped") { block.read("text") } else { None }
    }

    /// Takes in a delta for a block of this type, which may have had no start.
    pub(super) fn take_delta(&mut self, block_type: &str) {
        if self.block_types.is_empty() {
            self.take_type(block_type);
        }
    }

    fn take_type(&mut self, kind: &str) {
        if self.block_types.len() < MOST_TYPES
            && !self.block_types.iter().any(|known| known == kind)
        {
            self.block_types.push(kind.into());
        }
    }

    /// Whether the model thinks before it answers.
    pub(super) fn has_thinking(&self) -> bool {
        self.block_types.iter().any(|kind| matches!(&**kind, "thinking" | "redacted_thinking"))
    }

    /// Returns an error that says what the answer held, if it has no text.
    pub fn require_text(&self) -> Result<(), Failure> {
        if self.has_text {
            return Ok(());
        }
        if let Some(problem) = &self.problem {
            return Err(problem.clone());
        }
        let held = match &self.block_types[..] {
            [] => "the answer has no content".into(),
            _ if self.is_blank => "the answer's text is only white space".into(),
            types if types.iter().any(|kind| kind == "text") => "the answer's text is empty".into(),
            types => format!("the answer has no text, only {}", types.join(" and ")),
        };
        let reason = [self.stop_reason.as_deref(), self.explanation.as_deref()];
        let reason: Vec<&str> = reason.into_iter().flatten().collect();
        let reason = match &reason[..] {
            [] => String::new(),
            words => format!(" (stop reason: {})", words.join(": ")),
        };
        let is_thinking = !self.block_types.is_empty()
            && self.block_types.iter().all(|kind| kind.ends_with("thinking"));
        let hint = match self.stop_reason.as_deref() {
            Some("refusal") => None,
            _ if is_thinking => Some(
                "use a larger --max-tokens, or --set output_config='{\"effort\":\"low\"}' to think less",
            ),
            Some("max_tokens") => Some("use a larger --max-tokens"),
            _ => None,
        };
        Err(broken(held + &reason).maybe_hint(hint))
    }
}

/// Calls `on` for each content block of a message. One block is read at a time, so that no number of them costs
/// memory. Anything else than a block is skipped.
fn each_block(content: &RawValue, on: impl FnMut(Fields)) {
    struct Blocks<F>(F);
    impl<'de, F: FnMut(Fields)> Visitor<'de> for Blocks<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list of content blocks")
        }

        fn visit_seq<S: SeqAccess<'de>>(mut self, mut blocks: S) -> Result<(), S::Error> {
            while let Some(block) = blocks.next_element::<&RawValue>()? {
                if let Some(block) = parse(block.get()) {
                    (self.0)(block);
                }
            }
            Ok(())
        }
    }
    // what is not a list has no blocks
    let _ = serde_json::Deserializer::from_str(content.get()).deserialize_seq(Blocks(on));
}
