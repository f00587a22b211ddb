//! A streamed answer, built event by event.

use std::fmt;

use serde_json::{Value, json};

use super::http;

const KIND: &str = "content-type: text/event-stream";

/// The events of an answer. As documented, they have no names, and their JSON has blanks. In the upstream API's form
/// they have names, and the JSON has no blanks.
#[must_use]
#[derive(Clone, Default)]
pub struct Events {
    bytes: Vec<u8>,
    named: bool,
    /// Whether blocks start and stop by themselves.
    started: bool,
    /// The number of the block that grows, or of the next one, and the type of the one that grows.
    index: usize,
    growing: Option<String>,
}

#[allow(clippy::needless_pass_by_value, reason = "JSON is written in place")]
impl Events {
    /// An answer that has begun.
    pub fn new() -> Self {
        Self::bare().start(json!({}))
    }

    /// The same in the upstream API's form.
    pub fn named() -> Self {
        Self { named: true, ..Self::bare() }.start(json!({}))
    }

    /// No event yet. Text is a delta alone, as long as there is no start.
    pub fn bare() -> Self {
        Self::default()
    }

    /// The answer begins. These fields of its message replace the usual ones.
    pub fn start(mut self, fields: Value) -> Self {
        let mut message = json!({
            "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
            "usage": {"input_tokens": 12, "output_tokens": 1},
        });
        for (name, value) in fields.as_object().expect("fields") {
            message[name] = value.clone();
        }
        self.started = true;
        self.event(json!({"type": "message_start", "message": message}))
    }

    /// A piece of text.
    pub fn text(self, text: &str) -> Self {
        self.grow("text", "text_delta", text)
    }

    /// Several pieces of text.
    pub fn texts(self, pieces: &[&str]) -> Self {
        pieces.iter().fold(self, |events, piece| events.text(piece))
    }

    /// A piece of thinking.
    pub fn thinking(self, text: &str) -> Self {
        self.grow("thinking", "thinking_delta", text)
    }

    fn grow(mut self, kind: &str, delta: &str, text: &str) -> Self {
        if self.started && self.growing.as_deref() != Some(kind) {
            self = self.close().block(json!({"type": kind, kind: ""}));
        }
        let index = self.index;
        self.delta(index, json!({"type": delta, kind: text}))
    }

    /// A block starts.
    pub fn block(mut self, block: Value) -> Self {
        self.growing = block["type"].as_str().map(String::from);
        let index = self.index;
        self.event(json!({"type": "content_block_start", "index": index, "content_block": block}))
    }

    /// A block grows by any delta.
    pub fn delta(self, index: usize, delta: Value) -> Self {
        self.event(json!({"type": "content_block_delta", "index": index, "delta": delta}))
    }

    /// The block that grows stops, if there is one.
    pub fn close(mut self) -> Self {
        if self.growing.take().is_none() {
            return self;
        }
        let index = self.index;
        self.index += 1;
        self.event(json!({"type": "content_block_stop", "index": index}))
    }

    /// The block that grows, if there is one, stops. Then come these facts about the answer.
    pub fn message_delta(self, delta: Value, usage: Value) -> Self {
        self.close().event(json!({"type": "message_delta", "delta": delta, "usage": usage}))
    }

    /// The same with the reason why the answer stops.
    pub fn reason(self, reason: impl Into<Value>) -> Self {
        self.message_delta(json!({"stop_reason": reason.into()}), json!({"output_tokens": 25}))
    }

    /// The end of the answer.
    pub fn end(self) -> Self {
        self.event(json!({"type": "message_stop"}))
    }

    /// Everything after the last piece of text.
    pub fn stop(self, reason: impl Into<Value>) -> Self {
        let events = self.reason(reason).end();
        if events.named { events } else { events.done() }
    }

    /// What a documented answer has after its end.
    pub fn done(self) -> Self {
        self.data("[DONE]")
    }

    pub fn ping(self) -> Self {
        self.event(json!({"type": "ping"}))
    }

    /// An error, which always has its name.
    pub fn error(self, body: &str) -> Self {
        self.raw("event: error\n").data(body)
    }

    /// Any event.
    pub fn event(self, event: Value) -> Self {
        if self.named {
            let name = event["type"].as_str().expect("a type");
            return self.raw(format!("event: {name}\n")).data(&event.to_string());
        }
        self.data(&with_blanks(&event))
    }

    /// An event with these data, which need not be JSON.
    pub fn data(self, data: &str) -> Self {
        self.raw(format!("data: {data}\n\n"))
    }

    /// Any bytes.
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.bytes.extend(bytes.as_ref());
        self
    }

    /// The events alone.
    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What `--json --stream` prints.
    pub fn json_lines(&self) -> String {
        let text = self.to_string();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter(|data| *data != "[DONE]").flat_map(|data| [data, "\n"]).collect()
    }

    /// An HTTP answer that ends with its connection.
    pub fn http(self) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\n{KIND}\r\nconnection: close\r\n\r\n");
        [head.into_bytes(), self.bytes].concat()
    }

    /// An HTTP answer with its length.
    pub fn sized(self) -> Vec<u8> {
        http("200 OK", &[KIND], self.bytes)
    }

    /// An HTTP answer in chunks of this size.
    pub fn chunks(self, size: usize) -> Vec<u8> {
        [self.chunked(size), b"0\r\n\r\n".to_vec()].concat()
    }

    /// An HTTP answer in one chunk, after which the last one is missing.
    pub fn cut(self) -> Vec<u8> {
        let size = self.bytes.len();
        self.chunked(size)
    }

    fn chunked(self, size: usize) -> Vec<u8> {
        let head = format!("HTTP/1.1 200 OK\r\n{KIND}\r\ntransfer-encoding: chunked\r\n\r\n");
        let chunk =
            |chunk: &[u8]| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        [head.into_bytes(), self.bytes.chunks(size).flat_map(chunk).collect()].concat()
    }
}

impl fmt::Display for Events {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes))
    }
}

/// JSON as servers in Python write it.
fn with_blanks(json: &Value) -> String {
    let pretty = format!("{json:#}");
    let lines = pretty.lines().map(str::trim_start);
    lines.flat_map(|line| [line, if line.ends_with(',') { " " } else { "" }]).collect()
}
