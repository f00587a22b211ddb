//! A server that is quick enough not to be the limit: it writes bytes that were made before.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{each_connection, read_request};

/// What every request is answered with.
pub enum Answer {
    /// A short message.
    Short,
    /// The same, after a while.
    After(Duration),
    /// The same, and then the connection is closed without a word.
    Closing(Duration),
    /// The same, as a stream.
    Streamed,
    /// The same, once the peak was read: the barrier is met twice.
    Held { hold: Arc<Barrier> },
    /// So much text in 16-byte deltas, so many events a chunk.
    Long { text: usize, events: usize, hold: Option<Arc<Barrier>> },
    /// So much text in one delta.
    Huge { text: usize },
}

pub struct Server {
    url: String,
}

const SHORT: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"ok"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
pub const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
pub const START: &str = "data: {\"type\": \"message_start\", \"message\": {\"id\": \"m\", \"content\": []}}\n\ndata: {\"type\": \"content_block_start\", \"index\": 0, \"content_block\": {\"type\": \"text\", \"text\": \"\"}}\n\n";
/// One delta. It has one mark, whether its event is printed or its text alone.
pub const DELTA: &str = "data: {\"type\": \"content_block_delta\", \"index\": 0, \"delta\": {\"type\": \"text_delta\", \"text\": \"sixteen bytes # \"}}\n\n";
const STOP: &str = "data: {\"type\": \"message_delta\", \"delta\": {\"stop_reason\": \"end_turn\"}}\n\ndata: {\"type\": \"message_stop\"}\n\n";

fn short() -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{SHORT}",
        SHORT.len()
    )
}

pub fn chunk(data: &str) -> String {
    format!("{:x}\r\n{data}\r\n", data.len())
}

impl Server {
    pub fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        // what is written again and again is made once
        let part = match &answer {
            Answer::Huge { text } => {
                chunk(&DELTA.replace("sixteen bytes # ", &"sixteen bytes # ".repeat(text / 16)))
            }
            Answer::Long { events, .. } => {
                chunk(&DELTA.repeat(*events)).repeat(if *events == 1 { 64 } else { 1 })
            }
            _ => String::new(),
        };
        each_connection(listener, move |connection| {
            // a client that goes away is no trouble of the server
            let _ = serve(&connection, &answer, &part);
        });
        Self { url }
    }

    /// An https server and the certificate of its authority.
    pub fn start_tls() -> (Self, String) {
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
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(
            rustls::crypto::ring::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], secret)
        .expect("a configuration");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url =
            format!("https://localhost:{}", listener.local_addr().expect("its address").port());
        each_connection(listener, move |connection| {
            let Ok(tls) = rustls::ServerConnection::new(Arc::clone(&config)) else {
                return;
            };
            let mut reader = BufReader::new(rustls::StreamOwned::new(tls, connection));
            while read_request(&mut reader) {
                if reader.get_mut().write_all(short().as_bytes()).is_err() {
                    return;
                }
            }
        });
        (Self { url }, certificate)
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }
}

fn serve(connection: &TcpStream, answer: &Answer, part: &str) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    while read_request(&mut reader) {
        match answer {
            Answer::Short => writer.write_all(short().as_bytes())?,
            Answer::After(pause) => {
                thread::sleep(*pause);
                writer.write_all(short().as_bytes())?;
            }
            Answer::Closing(pause) => {
                thread::sleep(*pause);
                writer.write_all(short().as_bytes())?;
                return Ok(());
            }
            Answer::Streamed => {
                let events = [START, DELTA, STOP].concat();
                writer.write_all(format!("{HEAD}{}0\r\n\r\n", chunk(&events)).as_bytes())?;
            }
            Answer::Held { hold } => {
                hold.wait();
                hold.wait();
                writer.write_all(short().as_bytes())?;
            }
            Answer::Long { text, hold, .. } => {
                writer.write_all(format!("{HEAD}{}", chunk(START)).as_bytes())?;
                for _ in 0..text.div_ceil(16 * 64) {
                    writer.write_all(part.as_bytes())?;
                }
                if let Some(hold) = hold {
                    hold.wait();
                    hold.wait();
                }
                writer.write_all(format!("{}0\r\n\r\n", chunk(STOP)).as_bytes())?;
            }
            Answer::Huge { .. } => {
                writer.write_all(format!("{HEAD}{}{part}", chunk(START)).as_bytes())?;
                writer.write_all(format!("{}0\r\n\r\n", chunk(STOP)).as_bytes())?;
            }
        }
    }
    Ok(())
}
