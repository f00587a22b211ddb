//! A server for many requests: keep-alive, an answer for each, and a count of everything.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::server::{Received, read_request};

/// Answers every request by what a function makes of it.
pub struct Service {
    address: SocketAddr,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default, Clone, Copy)]
pub struct Counts {
    pub connections: usize,
    pub requests: usize,
}

impl Service {
    /// The function gets the number of the request, from 0, and the request.
    pub fn new(answer: impl Fn(usize, &Received) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let counts: Arc<Mutex<Counts>> = Arc::default();
        let (answer, counted) = (Arc::new(answer), Arc::clone(&counts));
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (answer, counts) = (Arc::clone(&answer), Arc::clone(&counted));
                count(&counts, |counts| counts.connections += 1);
                thread::spawn(move || -> Option<()> {
                    connection.set_nodelay(true).ok()?;
                    let mut reader = BufReader::new(connection.try_clone().ok()?);
                    let mut writer = connection;
                    loop {
                        let request = read_request(&mut reader)?;
                        let number = count(&counts, |counts| counts.requests += 1).requests - 1;
                        writer.write_all(&answer(number, &request)).ok()?;
                    }
                });
            }
        });
        Self { address, counts }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn counts(&self) -> Counts {
        count(&self.counts, |_| {})
    }
}

fn count(counts: &Mutex<Counts>, change: impl FnOnce(&mut Counts)) -> Counts {
    let mut now = counts.lock().unwrap_or_else(PoisonError::into_inner);
    change(&mut now);
    *now
}
