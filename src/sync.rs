//! What threads need: one way to lock, and something that is done again and again.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Locks a mutex. A thread that panicked ends the program, so no mutex stays poisoned.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a function again and again, in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Ticker {
    _running: Sender<()>,
}

impl Ticker {
    /// The first call comes after one interval. Where there is no thread to be had, none comes.
    pub fn start(interval: Duration, mut tick: impl FnMut() + Send + 'static) -> Self {
        let (running, ended) = channel::<()>();
        let run = move || {
            while ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
                tick();
            }
        };
        let _ = thread::Builder::new().spawn(run);
        Self { _running: running }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticker_ticks_until_it_is_dropped() {
        let (ticks, felt) = channel();
        let ticker = Ticker::start(Duration::from_millis(1), move || {
            let _ = ticks.send(());
        });
        assert_eq!(felt.iter().take(3).count(), 3);
        drop(ticker);
        // it ends, and its sender with it
        assert!(felt.iter().count() < 1000);
    }
}
