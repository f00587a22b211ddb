//! Reads the body of an answer, streamed or whole, and tells it as it comes to a [`Listener`].

use std::io::Read;
use std::ops::ControlFlow;

use anyhow::Result;
use serde_json::Value;

use super::client::{Endpoint, Response};
use super::refusal::Refusal;
use super::reply::{Reply, block_text, blocks};
use super::sse;
use super::wire::{self, Event};
use crate::error::{Failure, Kind};

/// The longest event, and the longest JSON answer, in bytes.
const LONGEST: usize = 32 << 20;
/// How much is read at once, in bytes: as much as a fast server has ready.
const PIECE: usize = 64 << 10;

/// Hears an answer as it comes. What it shows, and how, is its own business.
pub trait Listener {
    /// The next piece of the answer's text.
    fn text(&mut self, _text: &str) {}

    /// One event of a stream, as JSON on one line.
    fn event(&mut self, _json: &str) {}

    /// The whole answer as JSON: the server's bytes, or the events of a stream folded into one message.
    fn whole(&mut self, _json: &[u8]) {}

    /// All that had arrived has been told, and the next thing is to wait for more.
    fn pause(&mut self) -> Result<()>;
}

/// Reads the answer to its end. `reply` holds what came, also where the end is an error.
pub fn receive(
    mut response: Response,
    endpoint: &Endpoint,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    let says_stream = response
        .headers
        .get(ureq::http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let mut body = response.body.as_reader();
    let mut piece = vec![0; PIECE];
    let mut form = Form::Unknown(Vec::new());
    loop {
        let count = match body.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(endpoint.failure(error.into(), true)),
        };
        let ended = count == 0;
        let mut bytes = &piece[..count];
        let held;
        if let Form::Unknown(start) = &mut form {
            start.extend_from_slice(bytes);
            if let Some(known) = Form::of(start, says_stream, ended) {
                held = std::mem::take(start);
                bytes = &held;
                form = known;
            }
        }
        let told = form.take(bytes, ended, reply, listener);
        listener.pause()?;
        if told?.is_break() || ended {
            break;
        }
    }
    // a stop reason and then a clean end is how some servers leave out message_stop
    if !reply.whole && reply.stop_reason.is_none() {
        return Err(broken("the stream ended early: no stop reason came").into());
    }
    if let Some(json) = reply.message() {
        listener.whole(json.as_bytes());
        listener.pause()?;
    }
    reply.check().map_err(Into::into)
}

/// How an answer comes. Its first bytes tell, because servers send either, whatever was asked for.
enum Form {
    Unknown(Vec<u8>),
    Stream(sse::Decoder),
    Json(Vec<u8>),
}

impl Form {
    /// What the first bytes tell; `None` as long as they tell nothing.
    fn of(start: &[u8], says_stream: bool, ended: bool) -> Option<Self> {
        let start = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
        let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
        let stream = match first {
            Some(b'{' | b'[') => false,
            Some(_) => says_stream || starts_like_a_stream(start),
            None if ended => says_stream,
            None if start.len() > LONGEST => false,
            None => return None,
        };
        Some(if stream {
            Self::Stream(sse::Decoder::new(LONGEST))
        } else {
            Self::Json(Vec::new())
        })
    }

    fn take(
        &mut self,
        bytes: &[u8],
        ended: bool,
        reply: &mut Reply,
        listener: &mut dyn Listener,
    ) -> Result<ControlFlow<()>> {
        match self {
            Self::Unknown(_) => Ok(ControlFlow::Continue(())),
            Self::Stream(decoder) => {
                let mut on = |name: &[u8], data: &[u8]| match told(name, data, reply, listener) {
                    Ok(()) if reply.whole => ControlFlow::Break(Ok(())),
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(Err(error)),
                };
                let flow = match decoder.feed(bytes, &mut on) {
                    Ok(ControlFlow::Continue(())) if ended => decoder.finish(&mut on),
                    Ok(flow) => flow,
                    Err(sse::TooLong) => {
                        return Err(broken("one event of the stream is over 32 MiB").into());
                    }
                };
                match flow {
                    ControlFlow::Continue(()) => Ok(ControlFlow::Continue(())),
                    ControlFlow::Break(result) => result.map(ControlFlow::Break),
                }
            }
            Self::Json(body) => {
                if body.len() + bytes.len() > LONGEST {
                    return Err(broken("the answer is over 32 MiB").into());
                }
                body.extend_from_slice(bytes);
                if ended {
                    message_told(body, reply, listener)?;
                }
                Ok(ControlFlow::Continue(()))
            }
        }
    }
}

fn starts_like_a_stream(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let fields: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
    fields.iter().any(|field| start.starts_with(field))
}

/// Tells one event of a stream.
fn told(name: &[u8], data: &[u8], reply: &mut Reply, listener: &mut dyn Listener) -> Result<()> {
    if data.is_empty() || data == b"[DONE]" {
        return Ok(());
    }
    if let Ok(json) = std::str::from_utf8(data)
        && let Ok(event) = serde_json::from_str(json)
    {
        return event_told(name, event, json, reply, listener);
    }
    let mended = wire::mended(data);
    let event = mended
        .as_deref()
        .map(|json| (json, serde_json::from_str(json)));
    let Some((json, Ok(event))) = event else {
        let message = format!("the stream holds what is not JSON: {}", excerpt(data));
        return Err(broken(message).into());
    };
    event_told(name, event, json, reply, listener)
}

fn event_told(
    name: &[u8],
    mut event: Event,
    json: &str,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    if event.kind.is_empty() {
        event.kind = String::from_utf8_lossy(name).into_owned().into();
    }
    if event.kind == "error"
        || name == b"error"
        || event.error.is_some_and(|error| error.get() != "null")
    {
        let refusal = Refusal::read(json.as_bytes());
        return Err(failed(&refusal).into());
    }
    reply.fold(&event, json);
    if let Some(delta) = &event.delta
        && let Some(text) = &delta.text
        && matches!(&*delta.kind, "text_delta" | "")
    {
        listener.text(text);
    }
    if json.contains(['\n', '\r']) {
        // several data lines made this event, and it is to be one line
        let value: Value = serde_json::from_str(json)?;
        listener.event(&value.to_string());
    } else {
        listener.event(json);
    }
    Ok(())
}

/// Tells an answer that came as one JSON message.
fn message_told(body: &[u8], reply: &mut Reply, listener: &mut dyn Listener) -> Result<()> {
    if body.trim_ascii().is_empty() {
        return Err(broken("the answer is empty").into());
    }
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let value = serde_json::from_slice(body)
        .ok()
        .or_else(|| serde_json::from_str(&wire::mended(body)?).ok());
    let Some(value): Option<Value> = value else {
        return Err(broken(format!("the answer is not JSON: {}", excerpt(body))).into());
    };
    if Refusal::is(&value) {
        return Err(failed(&Refusal::of(&value)).into());
    }
    listener.whole(body);
    let Value::Object(message) = value else {
        return Err(broken("the answer is JSON, but no message").into());
    };
    reply.take(&message);
    for block in blocks(&message) {
        listener.text(block_text(block));
    }
    Ok(())
}

fn failed(refusal: &Refusal) -> Failure {
    let kind = if refusal.kind.is_empty() {
        "an error"
    } else {
        &refusal.kind
    };
    let message = if refusal.message.is_empty() {
        "it says no more"
    } else {
        &refusal.message
    };
    Failure::new(
        refusal.failure_kind(),
        format!("the server answered with {kind}: {message}"),
    )
}

fn broken(message: impl Into<String>) -> Failure {
    Failure::new(Kind::BrokenAnswer, message)
}

/// The first words of what came instead of JSON.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(240)]);
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(60).collect()
}
