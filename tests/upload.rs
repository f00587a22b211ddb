//! Answers that come while the request is still being uploaded.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::net::sockopt::set_socket_recv_buffer_size;

use crate::harness::{KEY, Run, anyask, error_body, http};

/// Small enough that 100 KB do not fit into it, in bytes.
const BUFFER: usize = 16 << 10;

/// What the server does once it has answered without reading the body.
#[derive(Clone, Copy)]
enum Then {
    Close,
    /// Neither reads nor closes.
    Hang,
}

/// A server that answers after the first bytes of each request.
struct Hasty {
    address: String,
    connections: Arc<AtomicUsize>,
    /// The connections that are neither read nor closed.
    _open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Hasty {
    fn new(answers: Vec<Vec<u8>>, then: Then) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        set_socket_recv_buffer_size(&listener, BUFFER).expect("a small buffer");
        let address = listener.local_addr().expect("an address").to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let open: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let (counted, kept) = (Arc::clone(&connections), Arc::clone(&open));
        thread::spawn(move || {
            for (number, connection) in listener.incoming().flatten().enumerate() {
                counted.fetch_add(1, Ordering::SeqCst);
                let mut connection = connection;
                let answer = &answers[number.min(answers.len() - 1)];
                let read = connection.read(&mut [0; 100]);
                if read.is_ok()
                    && connection.write_all(answer).is_ok()
                    && matches!(then, Then::Hang)
                {
                    kept.lock().expect("the connections").push(connection);
                }
            }
        });
        Self { address, connections, _open: open }
    }

    fn asked(&self, run: Run) -> Run {
        let url = format!("http://{}", self.address);
        run.env("ANYROUTER_BASE_URL", &url).env("ANYROUTER_API_KEY", KEY)
    }
}

fn refusal(status: &str, kind: &str) -> Vec<u8> {
    http(status, &["connection: close"], error_body(kind, "no"))
}

#[test]
fn the_answer_counts_though_the_server_stops_reading_and_closes() {
    for size in [100_000, 8_000_000] {
        for (status, kind, what, exit) in [
            ("401 Unauthorized", "authentication_error", "did not accept the key", 5),
            ("413 Too Large", "request_too_large", "refused the request", 4),
        ] {
            let server = Hasty::new(vec![refusal(status, kind)], Then::Close);
            let (host, number) = (&server.address, &status[..3]);
            server
                .asked(anyask(["-"]).stdin("x".repeat(size)))
                .mentions(&format!("anyask: {host} {what} ({number} {kind}): no\n"))
                .exits(exit);
            assert_eq!(server.connections.load(Ordering::SeqCst), 1, "{size} {status}");
        }
    }
}

#[test]
fn a_server_that_neither_reads_nor_closes_is_heard_too() {
    let server = Hasty::new(vec![refusal("401 Unauthorized", "authentication_error")], Then::Hang);
    server
        .asked(anyask(["--timeout", "0.3", "-"]).stdin("x".repeat(20_000_000)))
        .mentions("did not accept the key (401 authentication_error): no\n")
        .exits(5);
}

#[test]
fn a_rate_limit_in_mid_upload_is_retried() {
    let answers = vec![
        refusal("429 Too Many", "rate_limit_error"),
        refusal("401 Unauthorized", "authentication_error"),
    ];
    let server = Hasty::new(answers, Then::Close);
    server
        .asked(anyask(["--retry-delay", "0", "-"]).stdin("x".repeat(1_000_000)))
        .mentions("(429 rate_limit_error): no; try 2 of 3 now\n")
        .exits(5);
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_batch_of_large_items_stops_at_a_401() {
    let server = Hasty::new(vec![refusal("401 Unauthorized", "authentication_error")], Then::Close);
    let items = ["x".repeat(1_000_000), "y".repeat(1_000_000), "z".repeat(1_000_000)].join("\n");
    server
        .asked(anyask(["--batch", "-j", "1"]).stdin(items))
        .prints_something()
        .mentions("did not accept the key (401 authentication_error): no\n")
        .exits(5);
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}
