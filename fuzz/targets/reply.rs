//! Whatever a server sends, an answer is whole or an error, and the same however its bytes arrive.
#![no_main]

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use anyask::api::deadline::Deadline;
use anyask::api::{Answer, Auth, Endpoint, Head, Key, Reply, Retain, State};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use ureq::http::{HeaderMap, HeaderValue};

/// A byte from 128 on stands for one of these.
const PARTS: [&str; 26] = [
    "data: ",
    "event: ",
    "\n",
    "\n\n",
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"a\",\"stop_reason\":\"\"}}\n\n",
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"b\",\"content\":[{\"type\":\"text\",\"text\":\"c\"}]}}\n\n",
    "data: {\"type\":\"message_start\",\"message\":{}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"x\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":\"0\",\"content_block\":{\"type\":\"thinking\",\"text\":\"t\"}}\n\n",
    "data: {\"type\":\"content_block_start\",\"content_block\":{\"text\":\"u\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text\",\"text\":\" \"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"\\ud83d\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":-1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"so\",\"text\":\"n\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\tb\"}}",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":3}}\n\n",
    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"\"}}\n\n",
    "data: {\"type\":\"message_stop\"}\n\n",
    "event: ping\ndata: ping\n\n",
    "data: [DONE]\n\n",
    ": comment\r\n",
    "data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n",
    "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"whole\"}],\"stop_reason\":\"end_turn\"}",
    "{\"content\":\"words\"}",
    "{\"error\":{}}",
];

/// Bytes that arrive so many at a time.
struct Pieces(io::Cursor<Vec<u8>>, usize);

impl Read for Pieces {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(bytes.len());
        self.0.read(&mut bytes[..count])
    }
}

/// What is handed out of an answer, the answer, and the error that ended it.
fn read(
    stream: &[u8],
    is_stream: bool,
    size: usize,
    retain: Retain,
) -> (String, Answer, Option<String>) {
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
    let mut headers = HeaderMap::new();
    if is_stream {
        headers.insert("content-type", HeaderValue::from_static("text/event-stream"));
    }
    let body = Box::new(Pieces(io::Cursor::new(stream.into()), size));
    let head = Head::new(200, headers);
    let mut reply = Reply::new(head, body, retain, Arc::new(endpoint), Deadline::default());
    let mut text = String::new();
    loop {
        match reply.next_chunk() {
            Ok(Some(chunk)) => text += chunk,
            Ok(None) => return (text, reply.into_answer(), None),
            Err(error) => return (text, reply.into_answer(), Some(error.to_string())),
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [flags, size, parts @ ..] = input else { return };
    let is_stream = flags & 1 == 1;
    let mut stream = Vec::new();
    for byte in parts {
        match byte.checked_sub(128) {
            Some(part) => {
                stream.extend_from_slice(PARTS[usize::from(part) % PARTS.len()].as_bytes())
            }
            None => stream.push(*byte),
        }
    }
    let retain = Retain { text: true, message: true, ..Retain::default() };
    let (_, whole, error) = read(&stream, is_stream, usize::MAX, retain.clone());
    let (_, answer, same) = read(&stream, is_stream, usize::from(*size) + 1, retain);
    assert_eq!((&answer.text, answer.state, &same), (&whole.text, whole.state, &error));
    assert_eq!(error.is_none(), whole.state == State::Complete);
    if error.is_none() && whole.has_text {
        let message: Value = serde_json::from_slice(&whole.message).expect("JSON");
        let folded = match &message["content"] {
            Value::String(text) => text.clone(),
            content => {
                let blocks = content.as_array().into_iter().flatten();
                let is_text =
                    |block: &&Value| block["type"].as_str().is_none_or(|kind| kind == "text");
                blocks.filter(is_text).filter_map(|block| block["text"].as_str()).collect()
            }
        };
        assert_eq!(folded, whole.text);
    }
    let retain = Retain { text: true, printed: true, ..Retain::default() };
    let (printed, answer, _) = read(&stream, is_stream, usize::from(*size) + 1, retain);
    assert_eq!(printed, answer.text);
});
