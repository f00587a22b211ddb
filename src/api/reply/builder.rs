//! Builds the answer of a stream's events, or of one JSON message, and knows how much of it is there.

use std::mem::take;
use std::time::{Duration, SystemTime};

use super::answer::{Answer, State};
use super::delta::{block_type, is_text, text_delta};
use super::fold::Fold;
use super::retain::{Retain, check_retained};
use super::sse::{self, Decoder};
use super::unusable::{
    has_choices, has_status, is_error, no_content, no_message, not_json, openai_style,
};
use crate::api::deadline::Deadline;
use crate::api::error::attempt::{AttemptError, error_event};
use crate::api::error::body::{ErrorBody, is_bare_error, is_event_name};
use crate::api::error::retry::Retryable;
use crate::api::json::{Fields, escape_controls, first_value, is_json, one_line, parse, repair};
use crate::api::usage::Usage;
use crate::error::broken;

/// The note on raw control characters in a string, and on events without a line end between them.
const REPAIRED: &str = "the server sent invalid JSON, which was repaired";

/// The answer so far. Each event is one transition of [`Answer::state`].
#[derive(Default)]
pub struct MessageBuilder {
    pub answer: Answer,
    pub retain: Retain,
    /// The text or the events that were not handed out yet.
    pub chunk: String,
    /// White space at the start of the text, which is text only if more follows.
    blank: String,
    /// The id of the message.
    id: Option<String>,
    fold: Fold,
    /// The tokens of messages that were begun and not ended.
    spent: Usage,
    /// How large the events are that were folded, in bytes.
    folded: usize,
    /// When the state [`State::Ending`] is over.
    deadline: Deadline,
    /// How long that state may last.
    patience: Duration,
    /// When the answer was sent, by the server's clock.
    sent: Option<SystemTime>,
    /// The words of the last event, if it has no type: why the stream ends, if it ends there.
    last_words: String,
}

impl MessageBuilder {
    pub fn new(retain: Retain, deadline: Deadline, patience: Duration, sent: SystemTime) -> Self {
        Self { retain, deadline, patience, sent: Some(sent), ..Self::default() }
    }

    /// Takes in the events that are there, to the end of the answer.
    pub fn take_events(&mut self, decoder: &mut Decoder) -> Result<(), AttemptError> {
        while self.answer.state != State::Complete
            && let Some(event) = decoder.next_event()?
        {
            self.take_event(event)?;
        }
        Ok(())
    }

    /// Takes in the events before the end of the bytes. The last one may lack its blank line; a torn one is left out.
    pub fn take_last_events(&mut self, decoder: &mut Decoder) -> Result<(), AttemptError> {
        decoder.finish();
        while self.answer.state != State::Complete
            && let Some(event) = decoder.next_event()?
        {
            let is_torn = event.name != b"error"
                && first_value(&escape_controls(&repair(event.data))).is_none();
            if !is_torn {
                self.take_event(event)?;
            }
        }
        if self.answer.state == State::Waiting && self.last_words.is_empty() {
            self.last_words = ErrorBody::read(decoder.stray()).message;
        }
        Ok(())
    }

    /// No more events come: after a stop reason the answer is complete, because some servers leave out `message_stop`.
    pub fn end(&mut self) -> Result<(), AttemptError> {
        match self.answer.state {
            State::Ending => self.complete(),
            State::Complete => {}
            _ if self.last_words.is_empty() => {
                return Err(broken("the stream ended early: no stop reason came").into());
            }
            _ => return Err(broken(format!("the stream ended early: {}", self.last_words)).into()),
        }
        Ok(())
    }

    fn take_event(&mut self, event: sse::Event) -> Result<(), AttemptError> {
        if event.data.trim_ascii().is_empty() {
            return Ok(());
        }
        if event.data.trim_ascii() == b"[DONE]" {
            // some servers leave the connection open after it
            if self.answer.state == State::Ending {
                self.complete();
            }
            return Ok(());
        }
        if event.name != b"error"
            && !self.retain.message
            && let Ok(json) = std::str::from_utf8(event.data)
            && let Some(text) = text_delta(json)
        {
            self.last_words.clear();
            self.push_text(&text)?;
            self.push_event(json);
            return Ok(());
        }
        let json = repair(event.data);
        if let Some(list) = json.strip_prefix('[').filter(|list| list.starts_with('{')) {
            return self.take_broken_event(event.name, list);
        }
        match fields(&json) {
            Some(fields) => self.take_fields(event.name, &fields, &json),
            None => self.take_broken_event(event.name, &json),
        }
    }

    /// Takes in an event that is not JSON as it stands: with raw control characters in it, or with the next event glued
    /// to it. The rest of a list is such an event, too.
    fn take_broken_event(&mut self, name: &[u8], json: &str) -> Result<(), AttemptError> {
        let escaped = escape_controls(json);
        let (mut rest, mut name_of_next) = (without_fields(&escaped), name);
        while self.answer.state != State::Complete
            && let Some((value, after)) = first_value(rest)
        {
            self.take_fields(name_of_next, &fields(value).unwrap_or_default(), value)?;
            // whatever stands between two events
            rest = &after[after.find('{').unwrap_or(after.len())..];
            name_of_next = b"";
        }
        if rest.is_empty() || self.answer.state == State::Complete {
            self.answer.note(REPAIRED);
            return Ok(());
        }
        if !name.is_empty() && name != b"error" && !is_event_name(&String::from_utf8_lossy(name)) {
            return Ok(());
        }
        Err(not_json(name, rest, self.now()))
    }

    fn take_fields(&mut self, name: &[u8], event: &Fields, json: &str) -> Result<(), AttemptError> {
        let mut kind: String =
            event.read("type").unwrap_or_else(|| String::from_utf8_lossy(name).into_owned());
        let is_untyped =
            event.get("type").is_none() && event.get("delta").is_none() && !is_event_name(&kind);
        let is_bare = is_untyped && is_bare_error(json);
        if name == b"error" || is_bare || is_error(&kind, event) {
            return Err(self.error(json));
        }
        if has_choices(event) && !is_event_name(&kind) {
            return Err(openai_style().into());
        }
        self.take_words(&kind, is_untyped, json);
        if is_untyped && event.get("content").is_some() {
            kind = "message".into();
        }
        if kind.is_empty() && event.get("delta").is_some() {
            kind = "content_block_delta".into();
        }
        match (&*kind, event.read::<Fields>("delta")) {
            // once a part of it has come, a whole message repeats what is known
            ("message", _) if self.answer.state == State::Waiting => {
                if self.retain.message {
                    self.answer.message = json.into();
                }
                return self.take_message(event, json);
            }
            ("message_start", _) => {
                let message: Fields = event.read("message").unwrap_or_default();
                if !self.start_message(&message)? {
                    return Ok(());
                }
                self.answer.take_message(&message);
                let text = self.answer.take_content(message.get("content"));
                self.push_text(&text)?;
            }
            ("content_block_start", _) => {
                self.advance(State::Growing);
                let block: Fields = event.read("content_block").unwrap_or_default();
                let text = self.answer.take_block(&block).unwrap_or_default();
                self.push_text(&text)?;
            }
            ("message_delta", Some(delta)) if self.answer.take_stop_reason(&delta) => {
                self.advance(State::Ending);
            }
            ("content_block_delta", Some(delta)) => self.take_delta(&delta)?,
            // what is unknown is no text
            _ => {}
        }
        self.answer.take_usage(event);
        self.fold(&kind, event, json)?;
        self.push_event(json);
        if kind == "message_stop" {
            self.complete();
        }
        Ok(())
    }

    /// Takes in a delta of a block. Ignores empty text.
    fn take_delta(&mut self, delta: &Fields) -> Result<(), AttemptError> {
        let kind: Option<String> = delta.read("type");
        if is_text(kind.as_deref()) {
            return self.push_text(&delta.read::<String>("text").unwrap_or_default());
        }
        self.advance(State::Growing);
        self.answer.take_delta(block_type(kind.as_deref()));
        Ok(())
    }

    /// Remembers the words of an event without a type, until the next event of the answer.
    fn take_words(&mut self, kind: &str, is_untyped: bool, json: &str) {
        if is_untyped {
            self.last_words = ErrorBody::read(json.as_bytes()).message;
        } else if kind != "ping" {
            self.last_words.clear();
        }
    }

    /// Begins the message, or begins it again. Returns whether it is a message that has not begun yet.
    fn start_message(&mut self, message: &Fields) -> Result<bool, AttemptError> {
        let id: Option<String> = message.read("id");
        if self.answer.state != State::Waiting {
            if id.is_some() && id == self.id {
                return Ok(false);
            }
            self.begin_again()?;
        }
        self.id = id;
        self.advance(State::Growing);
        Ok(true)
    }

    /// Forgets the answer so far, because the server sends another one. What is printed cannot be taken back.
    fn begin_again(&mut self) -> Result<(), AttemptError> {
        let Answer { has_text, .. } = self.answer;
        if self.retain.printed && (has_text || self.retain.events) {
            return Err(broken("the server began its answer again").into());
        }
        self.spent.add(&self.answer.usage);
        let (body, notes) = (take(&mut self.answer.body), take(&mut self.answer.notes));
        self.advance(State::Waiting);
        self.answer = Answer { body, notes, ..Answer::default() };
        if has_text {
            self.answer.note("the server began its answer again; only the last answer counts");
        }
        (self.fold, self.folded) = (Fold::default(), 0);
        self.chunk.clear();
        self.blank.clear();
        Ok(())
    }

    /// Takes in an answer that is one JSON message.
    pub fn take_body(&mut self, body: &[u8], content_type: &str) -> Result<(), AttemptError> {
        if body.trim_ascii().is_empty() {
            return Err(broken("the answer is empty").into());
        }
        let json = repair(body);
        if let Some(message) = fields(&json) {
            if self.retain.message {
                self.answer.message = body.into();
            }
            return self.take_message(&message, json.trim());
        }
        let escaped = escape_controls(&json);
        let Some((json, rest)) = first_value(&escaped).filter(|(json, _)| json.starts_with('{'))
        else {
            return Err(no_message(body, content_type));
        };
        let first = fields(json).unwrap_or_default();
        if first.read::<String>("type").is_some_and(|kind| is_event_name(&kind) || kind == "ping") {
            // a stream with an event on each line
            self.take_broken_event(b"", &escaped)?;
            return self.end();
        }
        self.answer.note(if rest.trim().is_empty() {
            REPAIRED
        } else {
            "the server sent more after the end of its answer, which was left out"
        });
        if self.retain.message {
            self.answer.message = json.into();
        }
        self.take_message(&first, json)
    }

    /// Takes in a whole message, with the JSON that it is.
    fn take_message(&mut self, message: &Fields, json: &str) -> Result<(), AttemptError> {
        let kind: String = message.read("type").unwrap_or_default();
        let has_content = message.get("content").is_some();
        if is_error(&kind, message) || (!has_content && has_status(json)) {
            return Err(self.error(json));
        }
        self.answer.problem = if has_content { None } else { no_content(message, json) };
        self.answer.take_message(message);
        self.answer.take_stop_reason(message);
        let text = self.answer.take_content(message.get("content"));
        self.push_text(&text)?;
        self.push_event(json);
        self.complete();
        Ok(())
    }

    /// The time by the server's clock, from which its points in time count.
    fn now(&self) -> SystemTime {
        self.sent.unwrap_or_else(SystemTime::now)
    }

    /// The error that JSON is. Once a block has begun, the server has done work that it may charge for.
    fn error(&self, json: &str) -> AttemptError {
        let failed = error_event(&ErrorBody::read(json.as_bytes()), self.now());
        match failed.retryable {
            Retryable::Yes if !self.answer.block_types.is_empty() => {
                AttemptError { retryable: Retryable::MaybeCharged, ..failed }
            }
            _ => failed,
        }
    }

    /// Goes on to another state. The first stop reason starts the time limit of the end. A second one does not extend it.
    fn advance(&mut self, state: State) {
        if state != self.answer.state {
            match state {
                State::Ending => self.deadline.set_in(self.patience),
                _ => self.deadline.set(None),
            }
            self.answer.state = state;
        }
    }

    /// The answer is complete, whatever follows.
    fn complete(&mut self) {
        self.advance(State::Complete);
        self.answer.is_blank = !self.blank.is_empty();
        if self.retain.message && self.answer.message.is_empty() {
            self.answer.message = take(&mut self.fold).finish(self.answer.stop_reason.as_deref());
        }
    }

    /// Returns the answer, with the tokens of all its beginnings.
    pub fn into_answer(mut self) -> Answer {
        self.answer.usage.add(&self.spent);
        self.answer
    }

    fn push_text(&mut self, text: &str) -> Result<(), AttemptError> {
        if text.is_empty() {
            return Ok(());
        }
        self.advance(State::Growing);
        if self.answer.has_text {
            self.push_piece(text);
        } else {
            self.blank.push_str(text);
            if !text.trim().is_empty() {
                self.answer.has_text = true;
                let prefill = self.retain.prefill.clone().unwrap_or_default();
                let text = take(&mut self.blank);
                self.push_piece(&prefill);
                self.push_piece(&text);
            }
        }
        check_retained(self.blank.len().max(self.answer.text.len()))
    }

    fn push_piece(&mut self, text: &str) {
        if !self.retain.events {
            self.chunk.push_str(text);
        }
        if self.retain.text {
            self.answer.text.push_str(text);
        }
    }

    fn push_event(&mut self, json: &str) {
        if self.retain.events {
            self.chunk.push_str(&one_line(json));
            self.chunk.push('\n');
        }
    }

    fn fold(&mut self, kind: &str, event: &Fields, json: &str) -> Result<(), AttemptError> {
        if !self.retain.message {
            return Ok(());
        }
        self.fold.take(kind, event);
        self.folded += json.len();
        check_retained(self.folded)
    }
}

/// The fields of JSON, none if it is not an object; `None` if it is not JSON.
fn fields(json: &str) -> Option<Fields> {
    parse(json).or_else(|| is_json(json).then(Fields::default))
}

/// An event without the names of the fields before it.
fn without_fields(mut event: &str) -> &str {
    loop {
        event = event.trim_start();
        if let Some(name) = event.strip_prefix("event:") {
            let name = name.trim_start();
            event = name.trim_start_matches(|char: char| char.is_alphanumeric() || char == '_');
        } else if let Some(data) = event.strip_prefix("data:") {
            event = data;
        } else {
            return event;
        }
    }
}
