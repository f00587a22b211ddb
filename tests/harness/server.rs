//! A server on a raw socket: it controls every byte that it sends, and remembers every byte that it got.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Events, answer, json_answer};

/// Nothing in a test may wait longer than this.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
    /// Waits until the test has come as far.
    Wait(Gate),
    /// Waits until the client goes away.
    Hang,
    /// Breaks the connection off with a reset.
    Reset,
}

/// Where the server and the test wait for each other: whoever comes waits until all have come.
#[derive(Clone)]
pub struct Gate(Arc<(usize, Mutex<usize>, Condvar)>);

impl Gate {
    pub fn new(parties: usize) -> Self {
        Self(Arc::new((parties, Mutex::default(), Condvar::new())))
    }

    #[track_caller]
    pub fn wait(&self) {
        let (parties, arrived, changed) = &*self.0;
        let mut count = lock(arrived);
        *count += 1;
        let all = count.div_ceil(*parties) * parties;
        changed.notify_all();
        let waited = changed.wait_timeout_while(count, PATIENCE, |count| *count < all);
        let timed_out = waited.unwrap_or_else(PoisonError::into_inner).1.timed_out();
        assert!(!timed_out, "the others never came");
    }
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
        let mut lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// The last message, where it is a string.
    pub fn prompt(&self) -> String {
        let body = self.json();
        let last = body["messages"].as_array().and_then(|messages| messages.last());
        last.expect("a message")["content"].as_str().unwrap_or("no text").to_string()
    }
}

/// What a server makes of a request and its number, counted from 0.
type Handler = dyn Fn(usize, &Received) -> Vec<u8> + Send + Sync;

/// A server that is there until the test ends.
pub struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    /// What the next connections get, the next one last.
    scripts: Mutex<Vec<Vec<Act>>>,
    /// Answers every request instead.
    handler: Option<Box<Handler>>,
}

impl Server {
    /// Its first connection gets the first script, and so on; there have to be as many connections.
    pub fn new(scripts: Vec<Vec<Act>>) -> Self {
        Self::listening("127.0.0.1:0", scripts)
    }

    /// The same at an address of one's choice.
    pub fn listening(address: &str, mut scripts: Vec<Vec<Act>>) -> Self {
        scripts.reverse();
        Self::start(address, State { scripts: scripts.into(), ..State::default() })
    }

    /// Answers each request by what a function makes of its number, from 0, and the request itself. The
    /// connections stay open.
    pub fn handling(answer: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::start("127.0.0.1:0", State { handler: Some(Box::new(answer)), ..State::default() })
    }

    /// Answers each request with its prompt.
    pub fn echo() -> Self {
        Self::handling(|_, request| json_answer(&answer(&request.prompt())))
    }

    /// Answers each request with its prompt, but the one with this number, from 0, only when the test has met it at the
    /// gate twice: when it has come, and to let it go on.
    pub fn holding(number: usize, gate: &Gate) -> Self {
        let gate = gate.clone();
        Self::handling(move |count, request| {
            if count == number {
                gate.wait();
                gate.wait();
            }
            json_answer(&answer(&request.prompt()))
        })
    }

    /// Answers one connection after the other with these bytes and closes it.
    pub fn serving(answers: Vec<Vec<u8>>) -> Self {
        Self::new(answers.into_iter().map(|answer| vec![Act::Send(answer)]).collect())
    }

    /// Answers one request with these bytes and closes.
    pub fn once(answer: impl Into<Vec<u8>>) -> Self {
        Self::serving(vec![answer.into()])
    }

    /// Answers one request with this text, as JSON.
    pub fn answering(text: &str) -> Self {
        Self::once(json_answer(&answer(text)))
    }

    /// Answers one request with these pieces of text, as a stream.
    pub fn streaming(pieces: &[&str]) -> Self {
        Self::once(Events::new().texts(pieces).stop("end_turn").http())
    }

    fn start(address: &str, state: State) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(state);
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                let script = lock(&state.scripts).pop();
                thread::spawn(move || state.serve(connection, script));
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// How many connections there were so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// How many requests there were so far.
    pub fn requests(&self) -> usize {
        lock(&self.state.received).len()
    }

    /// All requests so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
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
            let left = lock(&self.state.scripts).len();
            assert_eq!(left, 0, "the client left {left} connections unmade");
        }
    }
}

/// An address at which nobody listens.
pub fn unused_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn serve(&self, connection: TcpStream, script: Option<Vec<Act>>) -> Option<()> {
        connection.set_nodelay(true).ok()?;
        connection.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut reader = BufReader::new(connection.try_clone().ok()?);
        let mut writer = connection;
        if let Some(handler) = &self.handler {
            loop {
                let (number, request) = self.read(&mut reader)?;
                writer.write_all(&handler(number, &request)).ok()?;
            }
        }
        self.read(&mut reader)?;
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
                    // how long a client waits can only be tested by time
                    for part in bytes.chunks(bytes.len().div_ceil(20)) {
                        writer.write_all(part).ok()?;
                        thread::sleep(Duration::from_millis(35));
                    }
                }
                Act::Read => drop(self.read(&mut reader)?),
                Act::Wait(gate) => gate.wait(),
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

    /// Reads a request, and remembers it.
    fn read(&self, reader: &mut impl BufRead) -> Option<(usize, Received)> {
        let request = read_request(reader)?;
        let mut received = lock(&self.received);
        received.push(request.clone());
        Some((received.len() - 1, request))
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let mut request = Received { head, body: Vec::new() };
    let length = request.header("content-length").and_then(|length| length.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
