//! The server behind `--mock`: it answers on a loopback socket as the API reference documents, and echoes the
//! last user message.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// What the server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Answer.
    Ok,
    /// Answer in part and close the connection.
    Cut,
    /// Answer in part, as if that were all of `max_tokens`.
    MaxTokens,
    /// Answer in part, and refuse to go on.
    Refusal,
    /// Refuse with this status.
    Status(u16),
    /// Refuse like a relay when the key has no credits left.
    Quota,
    /// Answer with the page of a firewall that lets only browsers pass.
    BotCheck,
    /// Answer with an error as the first event.
    Overloaded,
}

/// The names of steps. A step without a name is a status.
pub const STEPS: [(&str, Step); 7] = [
    ("ok", Step::Ok),
    ("cut", Step::Cut),
    ("max_tokens", Step::MaxTokens),
    ("refusal", Step::Refusal),
    ("quota", Step::Quota),
    ("botcheck", Step::BotCheck),
    ("overloaded", Step::Overloaded),
];

impl Step {
    /// Parses a list such as `429,ok`.
    pub fn parse_all(list: &str) -> Result<Vec<Self>, String> {
        list.split(',').map(|step| Self::parse(step.trim())).collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, step)) = STEPS.iter().find(|(name, _)| *name == text) {
            return Ok(*step);
        }
        match text.parse() {
            Ok(200) => Ok(Self::Ok),
            Ok(status @ 201..=599) => Ok(Self::Status(status)),
            _ => Err(format!("'{text}' is not a step")),
        }
    }
}

/// Starts the server on a free port; it ends with the program. Each request takes the next step, and the last
/// step is repeated.
pub fn start(steps: Vec<Step>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let steps = Arc::new((steps, AtomicUsize::new(0)));
    let accept = move || {
        for connection in listener.incoming().flatten() {
            let steps = Arc::clone(&steps);
            // a client may go away at any time; if no thread can be started, its connection is closed
            let answer = move || serve(&connection, &steps.0, &steps.1).ok();
            let _ = thread::Builder::new().spawn(answer);
        }
    };
    thread::Builder::new().spawn(accept)?;
    Ok(address)
}

fn serve(mut connection: &TcpStream, steps: &[Step], requests: &AtomicUsize) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(request) = read_request(&mut reader)? {
        let number = requests.fetch_add(1, Ordering::Relaxed);
        let step = steps.get(number).or(steps.last()).copied().unwrap_or(Step::Ok);
        connection.write_all(respond(step, &request).as_bytes())?;
        if step == Step::Cut {
            break;
        }
    }
    Ok(())
}

/// The body of the next request; `None` if the client closed the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Value>> {
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
    Ok(Some(serde_json::from_slice(&body).unwrap_or_default()))
}

/// The whole HTTP answer, with the headers that the reference documents for every answer.
fn respond(step: Step, request: &Value) -> String {
    let cut = step == Step::Cut;
    let streamed = request["stream"] == true;
    let (status, content_type, body) = match step {
        Step::Status(status) => (status, "application/json", error(status)),
        Step::Quota => (403, "application/json", QUOTA.into()),
        Step::BotCheck => (200, "text/html", BOT_CHECK.into()),
        Step::Overloaded if streamed => {
            (200, "text/event-stream", format!("event: error\ndata: {}\n\n", error(529)))
        }
        Step::Overloaded => (529, "application/json", error(529)),
        _ if streamed => (200, "text/event-stream", events(echo(request, step), cut)),
        // a request for the models has no body
        _ if request.is_null() => (200, "application/json", MODELS.into()),
        _ => (200, "application/json", echo(request, step).to_string()),
    };
    let body = if cut && content_type == "application/json" { half(&body) } else { &body };
    let credits = if matches!(status, 402 | 403) { "0.00" } else { "45.23" };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let reset = now.as_secs() + 60;
    // a cut answer is shorter than its content-length, by which the client notices the cut
    let length = body.len() + usize::from(cut);
    format!(
        "HTTP/1.1 {status} Mock\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         x-remaining-credits: {credits}\r\nx-ratelimit-limit: 60\r\nx-ratelimit-remaining: 59\r\n\
         x-ratelimit-reset: {reset}\r\n\r\n{body}"
    )
}

/// How a relay of the new-api family says that there are no credits left.
const QUOTA: &str = r#"{"error":{"message":"insufficient user quota, quota left: $0.00 (request id: mock)","type":"new_api_error","param":"","code":"insufficient_user_quota"}}"#;

/// The page of a firewall that lets only browsers pass.
const BOT_CHECK: &str = "<html><script>var arg1='0123456789ABCDEF';document.cookie='acw_sc__v2='+arg1;\
                         document.location.reload()</script></html>\n";

/// What `GET /v1/models` answers.
const MODELS: &str = r#"{"data":[{"type":"model","id":"mock-large"},{"type":"model","id":"mock-small"}],"has_more":false}"#;

fn error(status: u16) -> String {
    let (kind, message) = match status {
        401 => ("authentication_error", "Invalid API key"),
        402 => ("billing_error", "Insufficient credits"),
        403 => ("permission_error", "Insufficient credits"),
        404 => ("not_found_error", "Not found"),
        413 => ("request_too_large", "Request too large"),
        429 => ("rate_limit_error", "Rate limit exceeded"),
        529 => ("overloaded_error", "Overloaded"),
        ..500 => ("invalid_request_error", "Invalid request"),
        _ => ("api_error", "Internal server error"),
    };
    json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

/// The message as a stream of events, with one word in each text event.
fn events(mut message: Value, cut: bool) -> String {
    let content = message["content"].take();
    let text = content[0]["text"].as_str().unwrap_or_default();
    let usage = json!({"output_tokens": message["usage"]["output_tokens"]});
    let mut stop = json!({"stop_reason": message["stop_reason"].take()});
    if let Some(details) = message.as_object_mut().and_then(|fields| fields.remove("stop_details"))
    {
        stop["stop_details"] = details;
    }
    message["content"] = json!([]);
    message["usage"]["output_tokens"] = 0.into();
    let text_block = json!({"type": "text", "text": ""});
    let deltas = text.split_inclusive(' ').map(|word| {
        let delta = json!({"type": "text_delta", "text": word});
        json!({"type": "content_block_delta", "index": 0, "delta": delta})
    });
    let first = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": text_block}),
    ];
    let last = [
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": stop, "usage": usage}),
        json!({"type": "message_stop"}),
    ];
    let last = last.into_iter().filter(|_| !cut);
    let events = first.into_iter().chain(deltas).chain(last);
    let stream: String = events.map(|event| format!("data: {event}\n\n")).collect();
    if cut { stream } else { stream + "data: [DONE]\n\n" }
}

/// A message of the assistant that repeats the user's last message, or the first half of it.
fn echo(request: &Value, step: Step) -> Value {
    let messages = request["messages"].as_array();
    let last = messages.into_iter().flatten().rfind(|message| message["role"] == "user");
    let text = match last.map(|message| &message["content"]) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(blocks)) => echo_blocks(blocks),
        _ => String::new(),
    };
    let text = if step == Step::Ok { &*text } else { half(&text) };
    let reason = match step {
        Step::MaxTokens => "max_tokens",
        Step::Refusal => "refusal",
        _ => "end_turn",
    };
    // a token is about four bytes
    let system = match &request["system"] {
        Value::Array(blocks) => echo_blocks(blocks).len(),
        system => system.as_str().map_or(0, str::len),
    };
    let input = (system + request["messages"].to_string().len()).div_ceil(4);
    let output = text.len().div_ceil(4);
    let mut message = json!({
        "id": "msg_mock", "type": "message", "role": "assistant", "model": request["model"],
        "content": [{"type": "text", "text": text}], "stop_reason": reason,
        "stop_sequence": null, "usage": {"input_tokens": input, "output_tokens": output},
    });
    if step == Step::Refusal {
        let explanation = "this refusal is a rehearsal";
        message["stop_details"] = json!({"type": "refusal", "explanation": explanation});
    }
    message
}

/// The text of content blocks. If they have no text, their types, such as `[image]`.
fn echo_blocks(blocks: &[Value]) -> String {
    let text: String = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
    if !text.is_empty() {
        return text;
    }
    let kinds = blocks.iter().filter_map(|block| block["type"].as_str());
    kinds.map(|kind| format!("[{kind}]")).collect()
}

/// The first half of a text, cut between characters. It is empty only if the text is.
fn half(text: &str) -> &str {
    let mut ends = text.char_indices().map(|(start, char)| start + char.len_utf8());
    &text[..ends.find(|end| end * 2 >= text.len()).unwrap_or_default()]
}
