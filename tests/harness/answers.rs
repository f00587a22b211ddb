//! The bytes that a server answers with.

use serde_json::Value;

/// The event that ends a streamed answer.
pub const MESSAGE_STOP: &str = "data: {\"type\": \"message_stop\"}\n\n";

/// An HTTP answer with its length.
pub fn http(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A JSON answer.
pub fn json_answer(body: &str) -> Vec<u8> {
    http("200 OK", &["content-type: application/json"], body)
}

/// The JSON of a short answer.
pub fn answer(text: &str) -> String {
    let text = Value::from(text);
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":{text}}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":25}}}}"#
    )
}

/// The JSON of a documented error.
pub fn error_body(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
}

/// A streamed answer; the end of the connection is the end of its body.
pub fn stream(events: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    format!("{head}{events}").into_bytes()
}

/// The same with each piece as an HTTP chunk; the end of the body is not sent.
pub fn chunked<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    for piece in pieces {
        bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        bytes.extend(piece);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// The documented events of an answer with these pieces of text.
pub fn text_events(pieces: &[&str]) -> String {
    let end = "data: {\"type\": \"content_block_stop\", \"index\": 0}\n\n\
               data: {\"type\": \"message_delta\", \"delta\": {\"stop_reason\": \"end_turn\"}, \"usage\": {\"output_tokens\": 25}}\n\n";
    before_the_end(pieces) + end + MESSAGE_STOP + "data: [DONE]\n\n"
}

/// The same events, but nothing after the last piece of text.
pub fn before_the_end(pieces: &[&str]) -> String {
    let start = "data: {\"type\": \"message_start\", \"message\": {\"id\": \"msg_1\", \"type\": \"message\", \"role\": \"assistant\", \"model\": \"m\", \"content\": [], \"usage\": {\"input_tokens\": 12, \"output_tokens\": 1}}}\n\n\
                 data: {\"type\": \"content_block_start\", \"index\": 0, \"content_block\": {\"type\": \"text\", \"text\": \"\"}}\n\n";
    let quoted = pieces.iter().map(|piece| Value::from(*piece).to_string());
    let deltas = quoted.map(|text| delta(&text[1..text.len() - 1]));
    start.to_string() + &deltas.collect::<String>()
}

/// The events of an answer that says "ok" and stops for this reason.
pub fn stopped_by(reason: &str) -> String {
    text_events(&["ok"]).replace("end_turn", reason)
}

/// The event of one piece of text, which is written as it stands between the quotes of the JSON.
pub fn delta(text: &str) -> String {
    format!(
        "data: {{\"type\": \"content_block_delta\", \"index\": 0, \"delta\": {{\"type\": \"text_delta\", \"text\": \"{text}\"}}}}\n\n"
    )
}
