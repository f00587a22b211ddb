//! A line from time to time where there is no bar, so that a CI job is not taken for dead.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// How often the line is printed.
pub const INTERVAL: Duration = Duration::from_secs(30);

/// Calls `beat` again and again, until the heartbeat is dropped.
pub struct Heartbeat {
    _running: Sender<()>,
}

impl Heartbeat {
    pub fn start(interval: Duration, mut beat: impl FnMut() + Send + 'static) -> Self {
        let (running, ended) = channel::<()>();
        let run = move || {
            while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                beat();
            }
        };
        // a batch works without it
        let _ = thread::Builder::new().spawn(run);
        Self { _running: running }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_until_it_is_dropped() {
        let (beats, felt) = channel();
        let heartbeat = Heartbeat::start(Duration::from_millis(1), move || {
            let _ = beats.send(());
        });
        assert_eq!(felt.iter().take(3).count(), 3);
        drop(heartbeat);
        // it ends, and its sender with it
        assert!(felt.iter().count() < 1000);
    }
}
