//! Reads the body of an answer, streamed or whole, and tells it as it comes to a [`Listener`].

use std::io::Read;
use std::ops::ControlFlow;

use anyhow::Result;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::client::{Client, Response};
use super::failure::broken_off;
use super::mend::{Half, has_surrogates, mended};
use super::prepare::Endpoint;
use super::refusal::Refusal;
use super::reply::Reply;
use super::sse;
use super::wire::{self, Event, Whole};
use crate::error::{Failure, Kind};

/// The longest event, and the longest JSON answer, in bytes.
const LONGEST: usize = 32 << 20;
/// How much is read at once, in bytes: as much as a fast server has ready.
const PIECE: usize = 32 << 10;

/// What stands for half a character.
const REPLACEMENT: &str = "\u{fffd}";
/// The content type of a stream (HTML, 9.2).
const EVENT_STREAM: &[u8] = b"text/event-stream";
/// What the lines of a stream begin with.
const FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Hears an answer as it comes. What it shows, and how, is its own business.
pub trait Listener {
    /// The next piece of the answer's text.
    fn text(&mut self, _text: &str) {}

    /// One event of a stream, as JSON on one line.
    fn event(&mut self, _json: &str) {}

    /// The whole answer as JSON: the server's bytes, or the events of a stream folded into one message.
    fn whole(&mut self, _json: &[u8]) {}

    /// All that had arrived has been told, and the next thing is to wait for more. What is told last, before
    /// the end of the answer or an error, is followed by no pause.
    fn pause(&mut self) -> Result<()>;
}

/// Reads the answer to its end. `reply` holds what came, also where the end is an error; whether it says
/// anything is another question, [`Reply::check`].
pub fn receive(
    response: Response,
    client: &Client,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    read(response, client.endpoint(), reply, listener).map_err(|error| client.discreet(error))
}

fn read(
    mut response: Response,
    endpoint: &Endpoint,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    let says_stream = response
        .headers
        .get(ureq::http::header::CONTENT_TYPE)
        .and_then(|kind| kind.as_bytes().get(..EVENT_STREAM.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(EVENT_STREAM));
    let mut body = response.body.as_reader();
    let mut piece = vec![0; PIECE];
    let mut form = Form::Unknown(Vec::new());
    let mut kept = 0;
    loop {
        let (count, end) = match body.read(&mut piece) {
            Ok(0) => (0, End::Clean),
            Ok(count) => (count, End::NotYet),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => (0, End::Broken(error)),
        };
        let told = form.take(&piece[..count], &end, says_stream, reply, listener);
        if told?.is_break() {
            break;
        }
        match end {
            End::NotYet => listener.pause()?,
            End::Clean => break,
            End::Broken(error) => return Err(broken_off(endpoint, error.into())),
        }
        kept += count;
        if kept > LONGEST && reply.keeps() {
            return Err(too_long());
        }
    }
    // a stop reason and then a clean end is how some servers leave out message_stop
    if !reply.whole && reply.stop_reason.is_none() {
        return Err(broken("the stream ended early: no stop reason came").into());
    }
    if let Some(json) = reply.message() {
        listener.whole(json.as_bytes());
    }
    Ok(())
}

/// Whether the body goes on.
enum End {
    NotYet,
    Clean,
    Broken(std::io::Error),
}

/// How an answer comes. Its first bytes tell, because servers send either, whatever was asked for.
enum Form {
    /// Nothing but blanks, so far.
    Unknown(Vec<u8>),
    Stream(Stream),
    Json(Vec<u8>),
}

impl Form {
    /// Takes the next bytes; a `Break` means that the answer is whole and what follows does not matter.
    fn take(
        &mut self,
        bytes: &[u8],
        end: &End,
        says_stream: bool,
        reply: &mut Reply,
        listener: &mut dyn Listener,
    ) -> Result<ControlFlow<()>> {
        match self {
            Self::Unknown(start) => {
                start.extend_from_slice(bytes);
                if start.len() > LONGEST {
                    return Err(too_long());
                }
                // blanks tell nothing, and there may be megabytes of them
                let tells = !bytes.trim_ascii().is_empty() && !is_open(start, says_stream);
                if tells || !matches!(end, End::NotYet) {
                    let start = std::mem::take(start);
                    *self = Self::of(&start, says_stream);
                    return self.take(&start, end, says_stream, reply, listener);
                }
            }
            Self::Stream(stream) => return stream.take(bytes, end, reply, listener),
            Self::Json(body) => {
                if body.len() + bytes.len() > LONGEST {
                    return Err(too_long());
                }
                body.extend_from_slice(bytes);
                if matches!(end, End::Clean) {
                    message_told(body, reply, listener)?;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What the first bytes tell, or else the header.
    fn of(start: &[u8], says_stream: bool) -> Self {
        let start = words(start);
        let stream = match start.first() {
            Some(b'{' | b'[') => false,
            _ => says_stream || FIELDS.iter().any(|field| start.starts_with(field)),
        };
        if stream {
            Self::Stream(Stream {
                decoder: sse::Decoder::new(LONGEST),
                half: Half::default(),
            })
        } else {
            Self::Json(Vec::new())
        }
    }
}

/// What follows the blanks that an answer may begin with.
fn words(start: &[u8]) -> &[u8] {
    let start = start.trim_ascii_start();
    start
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(start)
        .trim_ascii_start()
}

/// Whether the start of an answer does not tell its form yet: it may be a part of a field's name.
fn is_open(start: &[u8], says_stream: bool) -> bool {
    let start = words(start);
    let mark = BYTE_ORDER_MARK.starts_with(start);
    mark || !says_stream
        && FIELDS
            .iter()
            .any(|field| field.starts_with(start) && *field != start)
}

/// An answer that comes as events.
struct Stream {
    decoder: sse::Decoder,
    half: Half,
}

impl Stream {
    fn take(
        &mut self,
        bytes: &[u8],
        end: &End,
        reply: &mut Reply,
        listener: &mut dyn Listener,
    ) -> Result<ControlFlow<()>> {
        let half = &mut self.half;
        let mut on = |name: &[u8], data: &[u8]| match told(name, data, half, reply, listener) {
            Ok(()) if reply.whole => ControlFlow::Break(Ok(())),
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Err(error)),
        };
        let mut flow = self.decoder.feed(bytes, &mut on);
        let over = !matches!(end, End::NotYet);
        if over && matches!(flow, Ok(ControlFlow::Continue(()))) {
            // a last event that lacks no more than its blank line has arrived, however the stream ended
            flow = Ok(self.decoder.finish(&mut |name, data| {
                if is_json(&mended(data)) {
                    on(name, data)
                } else {
                    ControlFlow::Continue(())
                }
            }));
        }
        if over || !matches!(flow, Ok(ControlFlow::Continue(()))) {
            half_told(half, reply, listener);
        }
        match flow {
            Ok(ControlFlow::Continue(())) => Ok(ControlFlow::Continue(())),
            Ok(ControlFlow::Break(result)) => result.map(ControlFlow::Break),
            Err(sse::TooLong) => Err(broken("one event of the stream is over 32 MiB").into()),
        }
    }
}

/// Tells one event of a stream.
fn told(
    name: &[u8],
    data: &[u8],
    half: &mut Half,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    if data.trim_ascii() == b"[DONE]" {
        // some servers leave the connection open after it
        reply.whole |= reply.stop_reason.is_some();
        return Ok(());
    }
    if data.is_empty() {
        return Ok(());
    }
    let utf8 = std::str::from_utf8(data);
    if let Ok(json) = utf8
        && name != b"error"
        && !reply.folds()
        && let Some(text) = wire::text_delta(json)
    {
        half_told(half, reply, listener);
        reply.text(&text, |text| listener.text(text));
        listener.event(json);
        return Ok(());
    }
    if let Ok(json) = utf8
        && let Ok(event) = serde_json::from_str::<Event>(json)
    {
        if event
            .delta
            .as_ref()
            .is_some_and(|delta| delta.text.is_some())
        {
            half_told(half, reply, listener);
        }
        return event_told(name, event, json, reply, listener);
    }
    let mended = half.mend(data);
    if mended.lost {
        reply.text(REPLACEMENT, |text| listener.text(text));
    }
    let Some(event) = Event::read(&mended.json) else {
        let message = format!("the stream holds what is no event: {}", excerpt(data));
        return Err(broken(message).into());
    };
    event_told(name, event, &mended.json, reply, listener)
}

/// Half a character that will not be whole any more.
fn half_told(half: &mut Half, reply: &mut Reply, listener: &mut dyn Listener) {
    if half.take() {
        reply.text(REPLACEMENT, |text| listener.text(text));
    }
}

fn event_told(
    name: &[u8],
    mut event: Event,
    json: &str,
    reply: &mut Reply,
    listener: &mut dyn Listener,
) -> Result<()> {
    if event.kind.is_none() && !name.is_empty() {
        event.kind = Some(String::from_utf8_lossy(name).into_owned().into());
    }
    if event.kind.as_deref() == Some("error") || name == b"error" || is_error(event.error) {
        return Err(failed(&Refusal::read(json.as_bytes())).into());
    }
    reply.fold(&event, json, |text| listener.text(text));
    if let Some(delta) = &event.delta
        && let Some(text) = &delta.text
        && matches!(delta.kind.as_deref(), Some("text_delta") | None)
    {
        reply.text(text, |text| listener.text(text));
    }
    // several data lines may have made this event
    listener.event(&wire::one_line(json));
    Ok(())
}

/// Tells an answer that came as one JSON message.
fn message_told(body: &[u8], reply: &mut Reply, listener: &mut dyn Listener) -> Result<()> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    if body.trim_ascii().is_empty() {
        return Err(broken("the answer is empty").into());
    }
    let mended_body;
    let json = match std::str::from_utf8(body) {
        Ok(json) if !has_surrogates(json) => json,
        _ => {
            mended_body = mended(body);
            &mended_body
        }
    };
    if !is_json(json) {
        return Err(broken(format!("the answer is not JSON: {}", excerpt(body))).into());
    }
    if !json.trim_start().starts_with('{') {
        listener.whole(body);
        return Err(broken("the answer is JSON, but no message").into());
    }
    let message: Whole = serde_json::from_str(json).unwrap_or_default();
    if is_error(message.error) || message.kind.is_some_and(|kind| kind.get() == "\"error\"") {
        return Err(failed(&Refusal::read(body)).into());
    }
    listener.whole(body);
    if message.content.is_none() {
        let said = Refusal::read(body).message;
        if !said.is_empty() {
            return Err(broken(format!("the answer is no message: {said}")).into());
        }
    }
    reply.take(&message, |text| listener.text(text));
    Ok(())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn is_error(field: Option<&RawValue>) -> bool {
    field.is_some_and(|error| !matches!(error.get(), "null" | "false" | "\"\""))
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

fn too_long() -> anyhow::Error {
    broken("the answer is over 32 MiB").into()
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
