//! The rehearsal server of `--mock`: a real socket on loopback that answers as the API reference
//! documents it, and echoes the last user message. A leaf: it imports std and serde_json alone.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Dollars left, as the reference's example has it.
const CREDITS: &str = "45.23";

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It answers.
    Ok,
    /// It answers in part and closes the connection.
    Cut,
    /// It refuses with this status.
    Status(u16),
}

impl Step {
    /// Reads a comma list such as `429,ok`. The error names the step that is none.
    pub fn parse_all(list: &str) -> Result<Vec<Self>, String> {
        let parse = |step: &str| match step.trim() {
            "ok" | "200" => Ok(Self::Ok),
            "cut" => Ok(Self::Cut),
            other => match other.parse() {
                Ok(status @ 201..=599) => Ok(Self::Status(status)),
                _ => Err(format!("'{other}' is no step")),
            },
        };
        list.split(',').map(parse).collect()
    }
}

/// Starts the server on a free port. It ends with the program. Successive requests take successive
/// steps; the last step serves all that follow.
pub fn start(steps: Vec<Step>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let steps = Arc::new((steps, AtomicUsize::new(0)));
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let steps = Arc::clone(&steps);
            // a client that goes away is no trouble of the server
            thread::spawn(move || serve(&connection, &steps.0, &steps.1).ok());
        }
    });
    Ok(address)
}

fn serve(connection: &TcpStream, steps: &[Step], asked: &AtomicUsize) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    let mut writer = BufWriter::new(connection);
    while let Some(request) = read_request(&mut reader)? {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        let step = steps
            .get(number)
            .or(steps.last())
            .copied()
            .unwrap_or(Step::Ok);
        let request: Value = serde_json::from_slice(&request).unwrap_or_default();
        let cut = step == Step::Cut;
        match step {
            Step::Status(status) => refuse(&mut writer, status)?,
            _ if request["stream"] == true => stream(&mut writer, &request, cut)?,
            _ => whole(&mut writer, &request, cut)?,
        }
        writer.flush()?;
        if cut {
            break;
        }
    }
    Ok(())
}

/// The body of the next request; `None` where the client closed the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = 0;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

fn stream(writer: &mut impl Write, request: &Value, cut: bool) -> io::Result<()> {
    let (text, input, output) = echo(request);
    let head = head("200 OK", "text/event-stream", CREDITS);
    write!(writer, "{head}transfer-encoding: chunked\r\n\r\n")?;
    let mut message = message(request, input);
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    event(
        writer,
        &json!({"type": "message_start", "message": message}),
    )?;
    event(
        writer,
        &json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
    )?;
    let text = if cut { half(&text) } else { &text };
    for word in text.split_inclusive(' ') {
        event(
            writer,
            &json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}),
        )?;
    }
    if cut {
        return Ok(());
    }
    event(writer, &json!({"type": "content_block_stop", "index": 0}))?;
    event(
        writer,
        &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": output}}),
    )?;
    event(writer, &json!({"type": "message_stop"}))?;
    chunk(writer, "data: [DONE]\n\n")?;
    writer.write_all(b"0\r\n\r\n")
}

fn whole(writer: &mut impl Write, request: &Value, cut: bool) -> io::Result<()> {
    let (text, input, output) = echo(request);
    let mut message = message(request, input);
    message["content"] = json!([{"type": "text", "text": text}]);
    message["usage"]["output_tokens"] = output.into();
    let body = message.to_string();
    let head = head("200 OK", "application/json", CREDITS);
    let sent = if cut { half(&body) } else { &body };
    write!(writer, "{head}content-length: {}\r\n\r\n{sent}", body.len())
}

fn refuse(writer: &mut impl Write, status: u16) -> io::Result<()> {
    let (kind, message) = match status {
        400 => ("invalid_request_error", "Invalid request"),
        401 => ("authentication_error", "Invalid API key"),
        402 => ("billing_error", "Insufficient credits"),
        403 => ("permission_error", "Insufficient credits"),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request too large"),
        429 => ("rate_limit_error", "Rate limit exceeded"),
        529 => ("overloaded_error", "Overloaded"),
        300..=499 => ("invalid_request_error", "Rehearsed refusal"),
        _ => ("api_error", "Internal server error"),
    };
    let body = json!({"type": "error", "error": {"type": kind, "message": message}}).to_string();
    let credits = if matches!(status, 402 | 403) {
        "0.00"
    } else {
        CREDITS
    };
    let head = head(&format!("{status} Rehearsed"), "application/json", credits);
    write!(writer, "{head}content-length: {}\r\n\r\n{body}", body.len())
}

/// The first lines of an answer, with the headers that the reference documents on every one.
fn head(status: &str, content_type: &str, credits: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nx-remaining-credits: {credits}\r\n\
         x-ratelimit-limit: 60\r\nx-ratelimit-remaining: 59\r\nx-ratelimit-reset: {}\r\n",
        now.as_secs() + 60
    )
}

fn message(request: &Value, input: usize) -> Value {
    json!({
        "id": "msg_mock", "type": "message", "role": "assistant", "model": request["model"],
        "content": [], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": input, "output_tokens": 0},
    })
}

/// The last user message's text, and the tokens of question and answer: about four bytes each.
fn echo(request: &Value) -> (String, usize, usize) {
    let messages = request["messages"].as_array();
    let last = messages
        .into_iter()
        .flatten()
        .rfind(|message| message["role"] == "user");
    let text = match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => {
            let texts: String = blocks
                .iter()
                .filter_map(|block| block["text"].as_str())
                .collect();
            let kinds = blocks.iter().filter_map(|block| block["type"].as_str());
            if texts.is_empty() {
                kinds.map(|kind| format!("[{kind}]")).collect()
            } else {
                texts
            }
        }
        _ => String::new(),
    };
    let tokens = |bytes: usize| bytes.div_ceil(4);
    let asked =
        request["system"].as_str().map_or(0, str::len) + request["messages"].to_string().len();
    let output = tokens(text.len());
    (text, tokens(asked), output)
}

/// The first half of a text, cut between characters.
fn half(text: &str) -> &str {
    &text[..text.floor_char_boundary(text.len().div_ceil(2))]
}

fn event(writer: &mut impl Write, event: &Value) -> io::Result<()> {
    chunk(writer, &format!("data: {event}\n\n"))
}

fn chunk(writer: &mut impl Write, data: &str) -> io::Result<()> {
    write!(writer, "{:x}\r\n{data}\r\n", data.len())
}
