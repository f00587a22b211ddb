//! The bytes that a server answers with.

use serde_json::Value;

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
