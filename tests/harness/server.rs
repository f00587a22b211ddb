//! A scripted server on a raw socket: it controls every byte, and remembers every byte it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// One thing that the server does with a connection, once it has read a request from it.
#[derive(Clone)]
pub enum Act {
    /// Sends these bytes in one piece.
    Send(Vec<u8>),
    /// Sends these bytes one by one.
    Drip(Vec<u8>),
    /// Sends these bytes again and again, until the client goes away.
    Flood(Vec<u8>),
    /// Sends these bytes a few at a time, over more than half a second.
    Trickle(Vec<u8>),
    /// Reads one more request.
    Read,
    /// Waits until the test says so.
    Meet(Arc<Barrier>),
    /// Waits until the client goes away.
    Hang,
    /// Breaks the connection off with a reset.
    Reset,
}

/// One request as the server got it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Request line and headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
        lines
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// Serves one script a connection, and has to have served them all when it is dropped.
pub struct Server {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    left: Arc<Mutex<Vec<Vec<Act>>>>,
}

impl Server {
    /// A server whose first connection gets the first script, and so on.
    pub fn new(scripts: Vec<Vec<Act>>) -> Self {
        Self::listening("127.0.0.1:0", scripts)
    }

    /// The same at an address of one's choice.
    pub fn listening(address: &str, mut scripts: Vec<Vec<Act>>) -> Self {
        scripts.reverse();
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new(Mutex::new(scripts));
        let (requests, scripts) = (Arc::clone(&received), Arc::clone(&left));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let script = lock(&scripts).pop();
                let requests = Arc::clone(&requests);
                thread::spawn(move || serve(connection, script, &requests));
            }
        });
        Self {
            address,
            received,
            left,
        }
    }

    /// A server that answers one request with these bytes and closes.
    pub fn once(answer: impl Into<Vec<u8>>) -> Self {
        Self::new(vec![vec![Act::Send(answer.into())]])
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.received).clone()
    }

    /// The only request.
    #[track_caller]
    pub fn request(&self) -> Received {
        let all = self.received();
        assert_eq!(all.len(), 1, "requests: {all:?}");
        all[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !thread::panicking() {
            let left = lock(&self.left).len();
            assert_eq!(left, 0, "the client left {left} connections unmade");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    connection: TcpStream,
    script: Option<Vec<Act>>,
    requests: &Mutex<Vec<Received>>,
) -> Option<()> {
    connection.set_nodelay(true).ok()?;
    // nothing in a test may wait longer than a test may take
    connection
        .set_read_timeout(Some(Duration::from_mins(1)))
        .ok()?;
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut writer = connection;
    lock(requests).push(read_request(&mut reader)?);
    for act in script? {
        match act {
            Act::Send(bytes) => writer.write_all(&bytes).ok()?,
            Act::Drip(bytes) => {
                for byte in bytes {
                    writer.write_all(&[byte]).ok()?;
                }
            }
            Act::Flood(bytes) => while writer.write_all(&bytes).is_ok() {},
            Act::Trickle(bytes) => {
                // a client's patience can only be tested by time
                let (sender, never) = std::sync::mpsc::channel::<()>();
                for part in bytes.chunks(bytes.len().div_ceil(20)) {
                    writer.write_all(part).ok()?;
                    let _ = never.recv_timeout(Duration::from_millis(35));
                }
                drop(sender);
            }
            Act::Read => {
                let request = read_request(&mut reader)?;
                lock(requests).push(request);
            }
            Act::Meet(barrier) => drop(barrier.wait()),
            Act::Hang => {
                let _ = reader.read(&mut [0]);
            }
            Act::Reset => {
                let now = Some(Duration::ZERO);
                rustix::net::sockopt::set_socket_linger(&writer, now).ok()?;
            }
        }
    }
    Some(())
}

pub fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut request = Received {
        head,
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap_or(0));
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// A whole HTTP answer with a length.
pub fn http(status: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let headers: String = headers.iter().flat_map(|header| [header, "\r\n"]).collect();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A whole JSON answer.
pub fn json_answer(body: &str) -> Vec<u8> {
    http("200 OK", &["content-type: application/json"], body)
}

/// The JSON of a short answer.
pub fn answer(text: &str) -> String {
    let text = serde_json::Value::from(text);
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"text","text":{text}}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":12,"output_tokens":25}}}}"#
    )
}

/// A whole streamed answer, its end marked by the end of the connection.
pub fn stream(events: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{events}"
    )
    .into_bytes()
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
    let mut events = String::from(
        "data: {\"type\": \"message_start\", \"message\": {\"id\": \"msg_1\", \"type\": \"message\", \"role\": \"assistant\", \"model\": \"m\", \"content\": [], \"usage\": {\"input_tokens\": 12, \"output_tokens\": 1}}}\n\n\
         data: {\"type\": \"content_block_start\", \"index\": 0, \"content_block\": {\"type\": \"text\", \"text\": \"\"}}\n\n",
    );
    for piece in pieces {
        let text = serde_json::Value::from(*piece);
        let delta = format!(
            "data: {{\"type\": \"content_block_delta\", \"index\": 0, \"delta\": {{\"type\": \"text_delta\", \"text\": {text}}}}}\n\n"
        );
        events.push_str(&delta);
    }
    events
        + "data: {\"type\": \"content_block_stop\", \"index\": 0}\n\n\
              data: {\"type\": \"message_delta\", \"delta\": {\"stop_reason\": \"end_turn\"}, \"usage\": {\"output_tokens\": 25}}\n\n\
              data: {\"type\": \"message_stop\"}\n\ndata: [DONE]\n\n"
}
