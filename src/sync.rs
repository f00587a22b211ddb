//! Help for threads: locking a mutex, and calling a function again and again.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Locks a mutex. A poisoned one needs no care: a panic ends the program (`panic = "abort"` in Cargo.toml).
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls a function again and again, in a thread of its own, until it is dropped.
#[derive(Debug)]
pub struct Ticker {
    _running: Sender<()>,
}

impl Ticker {
    /// The first call comes after one interval. If no thread can be started, it never ticks.
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
        // the thread ends and drops its sender
        assert!(felt.iter().count() < 1000);
    }
}
