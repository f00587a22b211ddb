//! Reads the body of an answer, streamed or not, and hands out its text as it arrives.

pub mod answer;
pub mod builder;
mod delta;
mod fold;
pub mod sse;

use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ureq::http::header::CONTENT_TYPE;

use crate::api::deadline::{Deadline, PATIENCE};
use crate::api::endpoint::Endpoint;
use crate::api::error::attempt::{AttemptError, broken, stopped_by_bot_check};
use crate::api::error::connection::{Broken, interrupted};
use crate::api::error::relay::bot_check;
use crate::api::head::Head;
use crate::api::json::{BYTE_ORDER_MARK, is_json, repair};
use answer::Answer;
use builder::{MessageBuilder, Retain};
use sse::Decoder;

/// The largest event and the largest JSON answer, in bytes.
const LARGEST: usize = 32 << 20;
/// The content type of a stream (HTML Standard, 9.2).
const EVENT_STREAM: &[u8] = b"text/event-stream";
/// How long the end of a body may take that follows the last event.
const DRAIN: Duration = Duration::from_millis(20);
/// How much is read at once, in bytes.
const PIECE: usize = 32 << 10;
/// The names that begin the lines of a stream (HTML Standard, 9.2.6).
const STREAM_FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];

/// An answer that is being read. [`Reply::next_chunk`] hands it out piece by piece, and [`Reply::into_answer`] tells
/// what it amounts to.
pub struct Reply {
    body: Box<dyn Read + Send + Sync>,
    piece: Box<[u8]>,
    form: Form,
    builder: MessageBuilder,
    endpoint: Arc<Endpoint>,
    head: Head,
    deadline: Deadline,
    /// The chunk that [`Reply::begin`] has read.
    held: bool,
    /// An error that is told after the text that came before it.
    failure: Option<AttemptError>,
    ended: bool,
}

/// How an answer is written. Its first bytes tell, because servers send either form, whatever was asked for.
enum Form {
    Unknown { start: Vec<u8>, says_stream: bool },
    Stream(Decoder),
    Json(Vec<u8>),
}

impl Reply {
    /// Returns a reader of the answer with this head and decoded body.
    pub(super) fn new(
        head: Head,
        body: Box<dyn Read + Send + Sync>,
        retain: Retain,
        endpoint: Arc<Endpoint>,
        deadline: Deadline,
    ) -> Self {
        let content_type = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
        let says_stream = content_type.to_ascii_lowercase().starts_with(EVENT_STREAM);
        Self {
            body,
            piece: vec![0; PIECE].into(),
            form: Form::Unknown { start: Vec::new(), says_stream },
            builder: MessageBuilder::new(retain),
            endpoint,
            head,
            deadline,
            held: false,
            failure: None,
            ended: false,
        }
    }

    /// Reads until the first text, or to the end if there is none: an error is one before any text.
    pub(super) fn begin(&mut self) -> Result<(), AttemptError> {
        self.held = self.advance()?;
        Ok(())
    }

    /// Returns all text that one read brought, or `None` at the end of the answer. Where events are retain, it is the
    /// events instead, each as JSON with a line end.
    pub fn next_chunk(&mut self) -> Result<Option<&str>> {
        let more =
            std::mem::take(&mut self.held) || self.advance().map_err(|failed| failed.error)?;
        Ok(more.then_some(&self.builder.chunk))
    }

    /// Returns what the answer amounts to.
    pub fn into_answer(self) -> Answer {
        self.builder.answer
    }

    fn advance(&mut self) -> Result<bool, AttemptError> {
        self.builder.chunk.clear();
        while self.builder.chunk.is_empty() {
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.ended {
                return Ok(false);
            }
            if let Err(failure) = self.read() {
                self.failure = Some(failure);
                self.ended = true;
            }
        }
        Ok(true)
    }

    /// Reads once, and takes in what came.
    fn read(&mut self) -> Result<(), AttemptError> {
        let count = match self.body.read(&mut self.piece) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return self.interrupted(Broken::cause(error.into())),
        };
        if count == 0 {
            self.ended = true;
            return self.finish(true);
        }
        if self.builder.retain.body {
            self.builder.answer.body.extend_from_slice(&self.piece[..count]);
        }
        let had_reason = self.builder.answer.stop_reason.is_some();
        self.take(count)?;
        self.set_deadline(had_reason);
        if self.ended && self.endpoint.keep_alive {
            self.drain();
        }
        Ok(())
    }

    /// Reads what little follows the last event, without which the connection cannot be used again.
    fn drain(&mut self) {
        self.deadline.set_in(DRAIN);
        while self.body.read(&mut self.piece).is_ok_and(|count| count > 0) {}
    }

    /// What follows the end of an answer is not worth waiting for long: some servers leave the connection open, or
    /// send pings for ever.
    fn set_deadline(&self, had_reason: bool) {
        let patience = self.endpoint.timeout.min(PATIENCE);
        match &self.form {
            Form::Json(body) if body.trim_ascii_end().ends_with(b"}") => {
                self.deadline.set_in(patience);
            }
            Form::Json(_) => self.deadline.set(None),
            Form::Stream(_) if !had_reason && self.builder.answer.stop_reason.is_some() => {
                self.deadline.set_in(patience);
            }
            _ => {}
        }
    }

    fn take(&mut self, count: usize) -> Result<(), AttemptError> {
        let bytes = &self.piece[..count];
        match &mut self.form {
            Form::Unknown { start, says_stream } => {
                start.extend_from_slice(bytes);
                if start.len() > LARGEST {
                    return Err(too_large());
                }
                // white space tells nothing, and there may be megabytes of it
                if !bytes.trim_ascii().is_empty()
                    && let Some(is_stream) = is_stream(start, *says_stream)
                {
                    self.decide(is_stream)?;
                }
                Ok(())
            }
            Form::Json(body) if body.len() + count > LARGEST => Err(too_large()),
            Form::Json(body) => {
                body.extend_from_slice(bytes);
                Ok(())
            }
            Form::Stream(decoder) => {
                decoder.feed(bytes);
                self.ended = self.builder.take_events(decoder)?;
                Ok(())
            }
        }
    }

    /// The form is known now: what came so far is read in it.
    fn decide(&mut self, is_stream: bool) -> Result<(), AttemptError> {
        let Form::Unknown { start, .. } = &mut self.form else { return Ok(()) };
        let start = std::mem::take(start);
        if !is_stream {
            self.form = Form::Json(start);
            return Ok(());
        }
        let mut decoder = Decoder::new(LARGEST);
        decoder.feed(start.trim_ascii_start());
        self.ended |= self.builder.take_events(&mut decoder)?;
        self.form = Form::Stream(decoder);
        Ok(())
    }

    /// The connection broke, or was silent for too long.
    fn interrupted(&mut self, error: ureq::Error) -> Result<(), AttemptError> {
        let is_silent = matches!(error, ureq::Error::Timeout(_));
        match &self.form {
            Form::Stream(_) if is_silent && self.builder.answer.stop_reason.is_some() => {
                self.ended = true;
                return self.finish(true);
            }
            Form::Json(body) if is_json(&repair(body)) => {
                self.builder.answer.warning =
                    Some("the answer is complete, but the server did not end it".into());
                self.ended = true;
                return self.finish(true);
            }
            Form::Json(_) if is_silent && self.deadline.is_over() => {
                // it was not the end of the message
                self.deadline.set(None);
                return Ok(());
            }
            _ => {}
        }
        self.finish(false)?;
        Err(interrupted(&self.endpoint, error))
    }

    /// The body is over, by its framing or because the connection broke.
    fn finish(&mut self, clean: bool) -> Result<(), AttemptError> {
        if let Form::Unknown { says_stream, .. } = self.form {
            self.decide(says_stream)?;
        }
        match &mut self.form {
            Form::Json(body) if clean => {
                if let Some(kind) = bot_check(&self.head, body) {
                    return Err(stopped_by_bot_check(&self.endpoint, &self.head, kind));
                }
                self.builder.take_body(body)?;
            }
            Form::Stream(decoder) => {
                decoder.finish();
                self.builder.take_last_event(decoder)?;
            }
            _ => {}
        }
        // some servers leave out message_stop: a stop reason and then a clean end is complete
        let answer = &self.builder.answer;
        if clean && !answer.complete && answer.stop_reason.is_none() {
            return Err(broken("the stream ended early: no stop reason came").into());
        }
        if clean {
            self.builder.finish_message();
        }
        Ok(())
    }
}

/// Whether an answer with this start is a stream; `None` while that is open.
fn is_stream(start: &[u8], says_stream: bool) -> Option<bool> {
    let start = start.trim_ascii_start();
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
    if BYTE_ORDER_MARK.starts_with(start) {
        return None;
    }
    if says_stream {
        return Some(!matches!(start.first(), Some(b'{' | b'[' | b'<')));
    }
    if STREAM_FIELDS.iter().any(|field| start.starts_with(field)) {
        return Some(true);
    }
    // it may be a part of a field's name
    let open = STREAM_FIELDS.iter().any(|field| field.starts_with(start));
    (!open).then_some(false)
}

fn too_large() -> AttemptError {
    broken("the answer is over 32 MiB").into()
}
