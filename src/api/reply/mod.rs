//! Reads the body of an answer, streamed or not, and hands out its text as it arrives.

pub mod answer;
pub mod builder;
mod delta;
mod fold;
pub mod retain;
pub mod sse;
mod unusable;

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use ureq::http::header::CONTENT_TYPE;

use crate::api::deadline::Deadline;
use crate::api::endpoint::Endpoint;
use crate::api::error::attempt::{AttemptError, stopped_by_bot_check};
use crate::api::error::connection::{ConnectionFault, cut_off};
use crate::api::error::relay::bot_check;
use crate::api::head::Head;
use crate::api::json::{BYTE_ORDER_MARK, is_json, repair, without_mark};
use crate::error::{Failure, broken};
use answer::{Answer, State};
use builder::MessageBuilder;
use retain::{Retain, check_retained};
use sse::Decoder;

/// The largest event and the largest JSON answer, in bytes.
const LARGEST: usize = 32 << 20;
/// The content type of a stream (HTML Standard, 9.2).
const EVENT_STREAM: &str = "text/event-stream";
/// How long the end of a body may take that follows the last event.
const DRAIN: Duration = Duration::from_millis(20);
/// How much is read at once, in bytes.
const PIECE: usize = 32 << 10;

/// An answer that is being read. [`Reply::next_chunk`] returns it piece by piece, and [`Reply::into_answer`] what it
/// amounts to.
pub struct Reply {
    body: Box<dyn Read + Send + Sync>,
    piece: Box<[u8]>,
    form: Form,
    builder: MessageBuilder,
    endpoint: Arc<Endpoint>,
    head: Head,
    deadline: Deadline,
    /// What was handed out last.
    chunk: String,
    /// Why it ended too early. The text before it is handed out first.
    error: Option<AttemptError>,
}

/// How an answer is written. Its first bytes tell, because servers send either form, whatever was asked for.
enum Form {
    Unknown { start: Vec<u8>, says_stream: bool },
    Stream(Decoder),
    Json(Vec<u8>),
}

impl Reply {
    /// Returns a reader of the answer with this head and decoded body.
    pub fn new(
        head: Head,
        body: Box<dyn Read + Send + Sync>,
        retain: Retain,
        endpoint: Arc<Endpoint>,
        deadline: Deadline,
    ) -> Self {
        let says_stream = content_type(&head).starts_with(EVENT_STREAM);
        Self {
            body,
            piece: vec![0; PIECE].into(),
            form: Form::Unknown { start: Vec::new(), says_stream },
            builder: MessageBuilder::new(retain, deadline.clone(), endpoint.patience(), head.time),
            endpoint,
            head,
            deadline,
            chunk: String::new(),
            error: None,
        }
    }

    /// Reads until the first text, or to the end if there is none. An error from here means that no text has come. Calls
    /// `on_thinking` if the model thinks first.
    pub fn begin(&mut self, on_thinking: impl FnOnce()) -> Result<(), AttemptError> {
        while !self.builder.answer.has_thinking() {
            if self.is_ready()? {
                return Ok(());
            }
            self.error = self.read().err();
        }
        on_thinking();
        self.fill()
    }

    /// Reads until there is something to hand out, or to the end.
    fn fill(&mut self) -> Result<(), AttemptError> {
        while !self.is_ready()? {
            self.error = self.read().err();
        }
        Ok(())
    }

    fn is_ready(&mut self) -> Result<bool, AttemptError> {
        if !self.builder.chunk.is_empty() {
            return Ok(true);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(self.builder.answer.state == State::Complete),
        }
    }

    /// Returns all text that one read brought, or `None` at the end of the answer. With [`Retain::events`] it is the
    /// events instead, each as JSON with a line end. An error is the end, too.
    pub fn next_chunk(&mut self) -> Result<Option<&str>> {
        self.fill().map_err(|failed| failed.error)?;
        std::mem::swap(&mut self.chunk, &mut self.builder.chunk);
        self.builder.chunk.clear();
        Ok((!self.chunk.is_empty()).then_some(&self.chunk))
    }

    /// Returns what the answer amounts to.
    pub fn into_answer(self) -> Answer {
        self.builder.into_answer()
    }

    /// Reads once, and takes in what came.
    fn read(&mut self) -> Result<(), AttemptError> {
        let count = match self.body.read(&mut self.piece) {
            Ok(0) => return self.end(),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            Err(error) => return self.failed(error),
        };
        if self.builder.retain.body {
            self.builder.answer.body.extend_from_slice(&self.piece[..count]);
            check_retained(self.builder.answer.body.len())?;
        }
        self.take(count)?;
        if let Form::Json(_) = self.form {
            // some servers leave the connection open after the end of a message
            match self.piece[..count].trim_ascii_end().last() {
                Some(b'}') => self.deadline.set_in(self.endpoint.patience()),
                Some(_) => self.deadline.set(None),
                None => {}
            }
        }
        if self.builder.answer.state == State::Complete && self.endpoint.keep_alive {
            self.drain();
        }
        Ok(())
    }

    /// Reads what little follows the last event, without which the connection cannot be used again.
    fn drain(&mut self) {
        self.deadline.set_in(DRAIN);
        while self.body.read(&mut self.piece).is_ok_and(|count| count > 0) {}
    }

    fn take(&mut self, count: usize) -> Result<(), AttemptError> {
        let bytes = &self.piece[..count];
        match &mut self.form {
            Form::Unknown { start, says_stream } => {
                start.extend_from_slice(bytes);
                if start.len() > LARGEST {
                    return Err(too_large());
                }
                // white space decides nothing, and there may be megabytes of it
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
                self.builder.take_events(decoder)
            }
        }
    }

    /// The form is known now: what came so far is read in it.
    fn decide(&mut self, is_stream: bool) -> Result<(), AttemptError> {
        let Form::Unknown { start, .. } = &mut self.form else { return Ok(()) };
        let start = without_mark(start);
        if !is_stream {
            self.form = Form::Json(start.into());
            return Ok(());
        }
        let mut decoder = Decoder::new(LARGEST);
        decoder.feed(start);
        let taken = self.builder.take_events(&mut decoder);
        self.form = Form::Stream(decoder);
        taken
    }

    /// The body is over, as its framing says.
    fn end(&mut self) -> Result<(), AttemptError> {
        if let Form::Unknown { says_stream, .. } = self.form {
            self.decide(says_stream)?;
        }
        match &mut self.form {
            Form::Stream(decoder) => {
                self.builder.take_last_events(decoder)?;
                self.builder.end()
            }
            Form::Json(body) => match bot_check(&self.head, body) {
                Some(kind) => Err(stopped_by_bot_check(&self.endpoint, &self.head, kind)),
                None => self.builder.take_body(body, &content_type(&self.head)),
            },
            Form::Unknown { .. } => Err(broken("the answer is empty").into()),
        }
    }

    /// The body cannot be read any further: its coding is unknown, or the connection failed.
    fn failed(&mut self, error: io::Error) -> Result<(), AttemptError> {
        match error.downcast::<Failure>() {
            Ok(failure) => Err(failure.into()),
            Err(error) => self.connection_failed(ConnectionFault::cause(error.into())),
        }
    }

    /// The connection broke, or was silent for too long.
    fn connection_failed(&mut self, error: ureq::Error) -> Result<(), AttemptError> {
        let is_silent = matches!(error, ureq::Error::Timeout(_));
        match &mut self.form {
            Form::Stream(decoder) => {
                self.builder.take_last_events(decoder)?;
                if is_silent && self.builder.answer.state == State::Ending {
                    return self.builder.end();
                }
            }
            Form::Json(body) if is_json(&repair(body)) => {
                self.builder.answer.note("the answer is complete, but the server did not end it");
                return self.end();
            }
            Form::Json(_) if is_silent && self.deadline.is_over() => {
                // it was not the end of the message
                self.deadline.set(None);
                return Ok(());
            }
            Form::Json(_) | Form::Unknown { .. } => {}
        }
        match self.builder.answer.state {
            State::Complete => Ok(()),
            _ => Err(cut_off(&self.endpoint, error)),
        }
    }
}

/// The content type of an answer in lower case; empty if there is none.
fn content_type(head: &Head) -> String {
    let content_type = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
    String::from_utf8_lossy(content_type).to_ascii_lowercase()
}

/// Whether an answer with this start is a stream; `None` while that is open.
fn is_stream(start: &[u8], says_stream: bool) -> Option<bool> {
    let start = without_mark(start);
    if BYTE_ORDER_MARK.starts_with(start) {
        return None;
    }
    if says_stream {
        return Some(!matches!(start.first(), Some(b'{' | b'[' | b'<')));
    }
    sse::is_stream(start)
}

fn too_large() -> AttemptError {
    broken("the answer is over 32 MiB").into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use ureq::http::HeaderMap;

    use super::*;
    use crate::api::endpoint::{Auth, Key};

    /// One event that a server may send.
    #[derive(Debug, Clone)]
    enum Sent {
        Start(Option<&'static str>, &'static str),
        Block(Value, &'static str),
        Text(Value, &'static str),
        Thinking(Value),
        Reason(&'static str),
        Stop,
        Ping,
        Done,
    }

    impl Sent {
        fn bytes(&self) -> String {
            let block = |kind: &str, index: &Value, field: &str, value: Value| {
                let mut event = json!({"type": kind, "index": index, field: value});
                if index.is_null() {
                    event.as_object_mut().expect("an object").shift_remove("index");
                }
                event
            };
            let event = match self {
                Self::Done => return "data: [DONE]\n\n".into(),
                Self::Start(id, reason) => {
                    json!({"type": "message_start", "message": {"id": id, "content": [], "stop_reason": reason}})
                }
                Self::Block(index, text) => {
                    let value = json!({"type": "text", "text": text});
                    block("content_block_start", index, "content_block", value)
                }
                Self::Text(index, text) => {
                    let value = json!({"type": "text_delta", "text": text});
                    block("content_block_delta", index, "delta", value)
                }
                Self::Thinking(index) => {
                    let value = json!({"type": "thinking_delta", "thinking": "so"});
                    block("content_block_delta", index, "delta", value)
                }
                Self::Reason(reason) => {
                    json!({"type": "message_delta", "delta": {"stop_reason": reason}})
                }
                Self::Stop => json!({"type": "message_stop"}),
                Self::Ping => json!({"type": "ping"}),
            };
            format!("data: {event}\n\n")
        }
    }

    fn sent() -> impl Strategy<Value = Sent> {
        let index = prop_oneof![
            Just(Value::Null),
            Just(json!(0)),
            Just(json!(1)),
            Just(json!("0")),
            Just(json!(-1))
        ];
        let text = prop_oneof![Just(""), Just(" "), Just("\n"), Just("a"), Just("b "), Just("é\"")];
        let reason = prop_oneof![Just(""), Just("end_turn"), Just("max_tokens")];
        prop_oneof![
            1 => (prop::option::of(prop_oneof![Just("m1"), Just("m2")]), reason.clone()).prop_map(|(id, reason)| Sent::Start(id, reason)),
            2 => (index.clone(), text.clone()).prop_map(|(index, text)| Sent::Block(index, text)),
            6 => (index.clone(), text).prop_map(|(index, text)| Sent::Text(index, text)),
            1 => index.prop_map(Sent::Thinking),
            2 => reason.prop_map(Sent::Reason),
            1 => Just(Sent::Stop),
            1 => Just(Sent::Ping),
            1 => Just(Sent::Done),
        ]
    }

    /// What the rules of the contract make of the events: the text, and whether it is the whole answer.
    fn expected(events: &[Sent], printed: bool) -> (String, bool) {
        let (mut text, mut begun, mut ending) = (String::new(), None, false);
        for event in events {
            match event {
                Sent::Start(id, _) => {
                    match begun {
                        Some(known) if id.is_some() && known == *id => continue,
                        Some(_) if printed && !text.trim().is_empty() => return (text, false),
                        Some(_) => text.clear(),
                        None => {}
                    }
                    (begun, ending) = (Some(*id), false);
                }
                Sent::Text(_, "") | Sent::Reason("") | Sent::Ping => {}
                Sent::Block(_, more) | Sent::Text(_, more) => {
                    text += more;
                    (begun, ending) = (begun.or(Some(None)), false);
                }
                Sent::Thinking(_) => (begun, ending) = (begun.or(Some(None)), false),
                Sent::Reason(_) => (begun, ending) = (begun.or(Some(None)), true),
                Sent::Stop => return (text, true),
                Sent::Done if ending => return (text, true),
                Sent::Done => {}
            }
        }
        (text, ending)
    }

    /// Bytes that arrive so many at a time.
    struct Pieces(Vec<u8>, usize);

    impl Read for Pieces {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(bytes.len());
            bytes[..count].copy_from_slice(&self.0[..count]);
            self.0.drain(..count);
            Ok(count)
        }
    }

    /// What is handed out of a stream, the answer, and whether it ended well.
    fn read(stream: &str, size: usize, retain: Retain) -> (String, Answer, bool) {
        let endpoint = Endpoint {
            url: "http://localhost/v1/messages".parse().expect("a URL"),
            auth: Auth::Bearer,
            key: Key::default(),
            headers: Vec::new(),
            timeout: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(1),
            max_time: None,
            proxy: None,
            language: "en".into(),
            keep_alive: false,
            roots_variable: None,
        };
        let body = Box::new(Pieces(stream.into(), size));
        let head = Head::new(200, HeaderMap::default());
        let mut reply = Reply::new(head, body, retain, Arc::new(endpoint), Deadline::default());
        let mut text = String::new();
        loop {
            match reply.next_chunk() {
                Ok(Some(chunk)) => text += chunk,
                Ok(None) => return (text, reply.into_answer(), true),
                Err(_) => return (text, reply.into_answer(), false),
            }
        }
    }

    proptest! {
        #[test]
        fn a_stream_of_any_events_is_whole_or_an_error(
            events in prop::collection::vec(sent(), 0..12),
            cut in 0usize..2000,
            size in 1usize..200,
        ) {
            let all: Vec<String> = events.iter().map(Sent::bytes).collect();
            let mut stream = all.concat();
            let cut = (0..=cut.min(stream.len())).rfind(|cut| stream.is_char_boundary(*cut));
            stream.truncate(cut.unwrap_or_default());
            // an event counts from its last brace on
            let mut length = 0;
            let whole = all.iter().take_while(|event| {
                length += event.len();
                length <= stream.len() + 2
            });
            let events = &events[..whole.count()];
            let all_of_it = Retain { text: true, message: true, ..Retain::default() };
            let (_, answer, is_ok) = read(&stream, size, all_of_it);
            let (text, is_whole) = expected(events, false);
            prop_assert_eq!(is_ok, is_whole, "{:?}", answer);
            prop_assert_eq!(is_ok, answer.state == State::Complete);
            prop_assert_eq!(answer.has_text, !text.trim().is_empty());
            if answer.has_text {
                prop_assert_eq!(&answer.text, &text);
            }
            if is_ok {
                let message: Value = serde_json::from_slice(&answer.message).expect("JSON");
                let blocks = message["content"].as_array().expect("a list").iter();
                let folded: String = blocks.filter_map(|block| block["text"].as_str()).collect();
                prop_assert_eq!(folded, text);
            }
            let (printed, answer, is_ok) = read(&stream, size, Retain { printed: true, ..Retain::default() });
            let (text, is_whole) = expected(events, true);
            prop_assert_eq!(is_ok, is_whole, "{:?}", answer);
            let text = if text.trim().is_empty() { String::new() } else { text };
            prop_assert_eq!(printed, text);
        }
    }
}
