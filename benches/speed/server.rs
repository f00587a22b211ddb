//! A server that is quick enough not to be the limit: it writes bytes that were made before.

use std::io::{BufRead, BufReader, BufWriter, Read, Write, copy, sink};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

pub const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
pub const START: &str = "data: {\"type\": \"message_start\", \"message\": {\"id\": \"m\", \"content\": []}}\n\ndata: {\"type\": \"content_block_start\", \"index\": 0, \"content_block\": {\"type\": \"text\", \"text\": \"\"}}\n\n";
/// One delta. Its `#` is there once, whether its event is printed or its text alone.
pub const DELTA: &str = "data: {\"type\": \"content_block_delta\", \"index\": 0, \"delta\": {\"type\": \"text_delta\", \"text\": \"sixteen bytes # \"}}\n\n";
const STOP: &str = "data: {\"type\": \"message_delta\", \"delta\": {\"stop_reason\": \"end_turn\"}}\n\ndata: {\"type\": \"message_stop\"}\n\n";
const SHORT: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;

/// What every request is answered with: `start`, then `part` so many times, then `end`.
#[derive(Default)]
pub struct Answer {
    /// How long the server waits before it answers.
    pub pause: Duration,
    pub start: String,
    pub part: String,
    pub parts: usize,
    /// Met twice before `end`. Between the two the client's memory is read.
    pub hold: Option<Arc<Barrier>>,
    pub end: String,
    /// Whether the server then closes the connection, without having said so.
    pub closes: bool,
}

impl Answer {
    /// A short message as JSON.
    pub fn short() -> Self {
        let length = SHORT.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ";
        Self { end: format!("{head}{length}\r\n\r\n{SHORT}"), ..Self::default() }
    }

    /// A stream of so many chunks, with so many deltas of 16 bytes in each.
    pub fn stream(chunks: usize, deltas: usize) -> Self {
        Self {
            start: format!("{HEAD}{}", chunk(START)),
            part: chunk(&DELTA.repeat(deltas)),
            parts: chunks,
            end: format!("{}0\r\n\r\n", chunk(STOP)),
            ..Self::default()
        }
    }
}

pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

/// Starts an http server. Returns its URL.
pub fn start(answer: Answer) -> String {
    let (listener, port) = listen();
    each_connection(listener, move |connection| serve(connection, &answer));
    format!("http://127.0.0.1:{port}")
}

/// Starts an https server that gives short answers. Returns its URL and the certificate of its authority.
pub fn start_tls() -> (String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority for a moment");
    let key = KeyPair::generate().expect("a key");
    let certificate = authority.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(authority, key);
    let own = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(["localhost".to_string()])
        .expect("a name")
        .signed_by(&own, &issuer)
        .expect("a certificate");
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], secret)
        .expect("a configuration");
    let config = Arc::new(config);
    let (listener, port) = listen();
    each_connection(listener, move |connection| {
        let tls = rustls::ServerConnection::new(Arc::clone(&config)).expect("a session");
        serve(rustls::StreamOwned::new(tls, connection), &Answer::short())
    });
    (format!("https://localhost:{port}"), certificate)
}

/// Listens on a port of the system's choice.
pub fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    (listener, port)
}

fn each_connection(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
) {
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || {
                connection.set_nodelay(true).expect("no delay");
                // an error means that the client went away, as the benchmarks let it do
                let _ = serve(connection);
            });
        }
    });
}

fn serve(connection: impl Read + Write, answer: &Answer) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection);
    while read_request(&mut reader) {
        thread::sleep(answer.pause);
        let mut writer = BufWriter::new(reader.get_mut());
        writer.write_all(answer.start.as_bytes())?;
        for _ in 0..answer.parts {
            writer.write_all(answer.part.as_bytes())?;
        }
        if let Some(hold) = &answer.hold {
            writer.flush()?;
            hold.wait();
            hold.wait();
        }
        writer.write_all(answer.end.as_bytes())?;
        writer.flush()?;
        if answer.closes {
            break;
        }
    }
    Ok(())
}

/// Reads a request. `false` at the end of the connection.
pub fn read_request(reader: &mut impl BufRead) -> bool {
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let length = head.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    !head.is_empty() && copy(&mut reader.take(length.unwrap_or(0)), &mut sink()).is_ok()
}
