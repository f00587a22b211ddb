//! Takes events and messages apart: text, events as JSON, and what the answer amounts to.

use anyhow::Result;
use serde_json::value::RawValue;

use super::answer::Answer;
use super::delta::text_delta;
use super::fold::Fold;
use super::sse::{self, Decoder};
use crate::api::error::attempt::{AttemptError, broken, error_event};
use crate::api::error::body::ErrorBody;
use crate::api::json::{BYTE_ORDER_MARK, Fields, is_json, one_line, parse, repair};
use crate::error::Failure;

/// What of an answer the caller wants to have.
#[derive(Debug, Default, Clone)]
pub struct Retain {
    /// All text, in [`Answer::text`].
    pub text: bool,
    /// The message as JSON, in [`Answer::message`].
    pub message: bool,
    /// The events of a stream instead of its text, from `Reply::next_chunk`.
    pub events: bool,
    /// The body as it came, in [`Answer::body`].
    pub body: bool,
    /// The user's first words of the answer, which stand before its text.
    pub prefill: Option<String>,
}

/// What has been taken out of the answer so far.
#[derive(Default)]
pub struct MessageBuilder {
    pub answer: Answer,
    pub retain: Retain,
    /// The text or the events that were not handed out yet.
    pub chunk: String,
    fold: Fold,
}

impl MessageBuilder {
    pub fn new(retain: Retain) -> Self {
        Self { retain, ..Self::default() }
    }

    /// Takes in the events that are there. Returns whether the answer is complete, whatever follows.
    pub fn take_events(&mut self, decoder: &mut Decoder) -> Result<bool, AttemptError> {
        while let Some(event) = decoder.next_event()? {
            self.take_event(event)?;
            if self.answer.complete {
                self.finish_message();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes in an event that lacks its blank line, unless it is torn.
    pub fn take_last_event(&mut self, decoder: &mut Decoder) -> Result<(), AttemptError> {
        while let Some(event) = decoder.next_event()? {
            if is_json(&repair(event.data)) {
                self.take_event(event)?;
            }
        }
        Ok(())
    }

    fn take_event(&mut self, event: sse::Event) -> Result<(), AttemptError> {
        if event.data.is_empty() {
            return Ok(());
        }
        if event.data.trim_ascii() == b"[DONE]" {
            // some servers leave the connection open after it
            self.answer.complete |= self.answer.stop_reason.is_some();
            return Ok(());
        }
        if event.name != b"error"
            && !self.retain.message
            && let Ok(json) = std::str::from_utf8(event.data)
            && let Some(text) = text_delta(json)
        {
            self.push_text(&text);
            self.push_event(json);
            return Ok(());
        }
        let json = repair(event.data);
        let Some(fields) = fields(&json) else { return Err(not_json(event.name, &json)) };
        self.take_fields(event.name, &fields, &json)?;
        self.push_event(&json);
        Ok(())
    }

    fn take_fields(&mut self, name: &[u8], event: &Fields, json: &str) -> Result<(), AttemptError> {
        let kind: String =
            event.read("type").unwrap_or_else(|| String::from_utf8_lossy(name).into_owned());
        if name == b"error" || is_error(&kind, event) {
            return Err(error_event(&ErrorBody::read(json.as_bytes())));
        }
        if event.get("choices").is_some() {
            return Err(openai_style().into());
        }
        self.answer.take_usage(event);
        match (&*kind, event.read::<Fields>("delta")) {
            ("message_start", _) => {
                let message: Fields = event.read("message").unwrap_or_default();
                self.answer.take_message(&message);
                let text = self.answer.take_content(message.get("content"));
                self.push_text(&text);
            }
            ("content_block_start", _) => {
                let block: Fields = event.read("content_block").unwrap_or_default();
                let text = self.answer.take_block(&block).unwrap_or_default();
                self.push_text(&text);
            }
            ("message_stop", _) => self.answer.complete = true,
            (_, Some(delta)) => {
                self.answer.take_stop_reason(&delta);
                if matches!(delta.read::<String>("type").as_deref(), Some("text_delta") | None) {
                    self.push_text(&delta.read::<String>("text").unwrap_or_default());
                }
            }
            (_, None) => {}
        }
        if self.retain.message {
            self.fold.take(&kind, event);
        }
        Ok(())
    }

    /// Takes in an answer that is one JSON message.
    pub fn take_body(&mut self, body: &[u8]) -> Result<(), AttemptError> {
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        if body.trim_ascii().is_empty() {
            return Err(broken("the answer is empty").into());
        }
        let json = repair(body);
        let Some(message) = fields(&json) else {
            let is_page = body.trim_ascii_start().starts_with(b"<");
            let what = if is_page { "a web page" } else { "not JSON" };
            let message = format!("the answer is {what}: {}", ErrorBody::read(body).message);
            let hint = is_page.then_some("is --base-url the address of the API?");
            return Err(broken(message).maybe_hint(hint).into());
        };
        self.answer.complete = true;
        let kind: String = message.read("type").unwrap_or_default();
        if is_error(&kind, &message) {
            return Err(error_event(&ErrorBody::read(body)));
        }
        self.push_event(json.trim());
        if self.retain.message {
            self.answer.message = body.to_vec();
        }
        self.answer.problem = match message.get("content") {
            Some(_) => None,
            None if message.get("choices").is_some() => Some(openai_style()),
            None if !json.trim_start().starts_with('{') => {
                Some(broken("the answer is JSON, but not a message"))
            }
            None => {
                let words = ErrorBody::read(body).message;
                let is_told = !words.is_empty();
                is_told.then(|| broken(format!("the answer is not a message: {words}")))
            }
        };
        self.answer.take_message(&message);
        let text = self.answer.take_content(message.get("content"));
        self.push_text(&text);
        Ok(())
    }

    /// Marks the answer as complete, and makes the message of its events, if it is wanted and did not come as one.
    pub fn finish_message(&mut self) {
        self.answer.complete = true;
        if self.retain.message && self.answer.message.is_empty() {
            self.answer.message = std::mem::take(&mut self.fold).finish();
        }
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let prefill = self.retain.prefill.take().unwrap_or_default();
        for piece in [&*prefill, text] {
            if !self.retain.events {
                self.chunk.push_str(piece);
            }
            if self.retain.text {
                self.answer.text.push_str(piece);
            }
        }
        self.answer.has_text = true;
    }

    fn push_event(&mut self, json: &str) {
        if self.retain.events {
            self.chunk.push_str(&one_line(json));
            self.chunk.push('\n');
        }
    }
}

/// The fields of JSON, none if it is not an object; `None` if it is not JSON.
fn fields(json: &str) -> Option<Fields> {
    parse(json).or_else(|| is_json(json).then(Fields::default))
}

/// Whether an event or a message of this type is an error, or has one in its fields.
fn is_error(kind: &str, fields: &Fields) -> bool {
    let error = fields.get("error").map(RawValue::get);
    kind == "error" || !matches!(error, None | Some("null" | "false" | "\"\""))
}

/// The error for an event that is not JSON: an error in plain text, one that is glued to a torn event, or nonsense.
fn not_json(name: &[u8], data: &str) -> AttemptError {
    if name == b"error" {
        return error_event(&ErrorBody::read(data.as_bytes()));
    }
    let starts = [r#"{"error""#, r#"{"type":"error""#, r#"{"type": "error""#];
    let glued = starts.iter().filter_map(|start| data.rfind(start)).min();
    match glued.map(|start| &data[start..]).filter(|json| is_json(json)) {
        Some(json) => error_event(&ErrorBody::read(json.as_bytes())),
        None => broken(format!("the stream holds an event that is not JSON: {data}")).into(),
    }
}

fn openai_style() -> Failure {
    broken("this is an OpenAI-style answer").hint("is --base-url the address of a Messages API?")
}

impl From<sse::TooLong> for AttemptError {
    fn from(_: sse::TooLong) -> Self {
        broken("one event of the stream is over 32 MiB").into()
    }
}
