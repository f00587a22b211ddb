//! What is seen while there is nothing to print yet: a spinner, the retries, the exchange itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::console::{Console, causes};
use super::live::Live;
use super::report;
use crate::api::{Key, Limits, Prepared, Response, Retry, Watcher};

/// How often a pause looks whether it is to end.
const TICK: Duration = Duration::from_millis(100);

/// A spinner where there is somebody to see it, else nothing. Its clones are the same spinner.
#[derive(Clone)]
pub struct Spinner {
    live: Live,
    /// Since when there is a pause between two tries, and how long it is; `None` if there is none.
    pause: Arc<Mutex<Option<(Instant, Duration)>>>,
}

impl Spinner {
    /// A spinner that tells after a second for how long it has been waiting.
    pub fn start(console: Console) -> Self {
        let pause = Arc::new(Mutex::new(None::<(Instant, Duration)>));
        let (pausing, begun) = (Arc::clone(&pause), Instant::now());
        let live = Live::start(console, move || {
            let waiting = match begun.elapsed().as_secs() {
                0 => "waiting".into(),
                seconds => format!("waiting {seconds} s"),
            };
            match *pausing.lock().unwrap_or_else(PoisonError::into_inner) {
                Some((since, pause)) => {
                    let left = pause.saturating_sub(since.elapsed()).as_secs_f64();
                    format!("{waiting}, next try in {:.0} s", left.ceil())
                }
                None => waiting,
            }
        });
        Self { live, pause }
    }

    /// No spinner at all.
    pub fn none() -> Self {
        Self {
            live: Live::none(),
            pause: Arc::default(),
        }
    }

    /// Takes the spinner away for good, without a trace.
    pub fn stop(&mut self) {
        self.live.stop();
    }

    /// Sleeps, and counts down where there is somebody to see it.
    fn sleep(&self, pause: Duration, stopped: &AtomicBool) {
        let since = Instant::now();
        let tell = |pause| *self.pause.lock().unwrap_or_else(PoisonError::into_inner) = pause;
        tell(Some((since, pause)));
        while !stopped.load(Ordering::SeqCst) {
            let left = pause.saturating_sub(since.elapsed());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(TICK));
        }
        tell(None);
    }
}

/// Tells a person how the sending goes, and sleeps between the tries.
pub struct Progress {
    console: Console,
    spinner: Spinner,
    key: Option<Key>,
    begun: Instant,
    sent: Instant,
    /// How often the request was sent.
    pub attempts: u32,
    /// The head of the last answer: its status, its request id, its limits.
    pub status: Option<u16>,
    pub request_id: Option<String>,
    pub limits: Limits,
}

impl Progress {
    /// A server that says the key back is not quoted.
    pub fn new(console: Console, spinner: Spinner, key: Option<Key>) -> Self {
        Self {
            console,
            spinner,
            key,
            begun: Instant::now(),
            sent: Instant::now(),
            attempts: 0,
            status: None,
            request_id: None,
            limits: Limits::default(),
        }
    }

    /// Seconds since the beginning, all attempts and pauses among them.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }
}

impl Watcher for Progress {
    fn sending(&mut self, prepared: &Prepared) -> Result<()> {
        report::request_shown(self.console, prepared);
        self.sent = Instant::now();
        self.attempts += 1;
        Ok(())
    }

    fn sent(&mut self, response: Option<&Response>) {
        let Some(response) = response else { return };
        self.console.trace(
            "*",
            format!(
                "the answer began after {:.3} s",
                self.sent.elapsed().as_secs_f64()
            ),
        );
        report::response_shown(self.console, response, self.key.as_ref());
        self.status = Some(response.status.as_u16());
        self.limits = response.limits;
        let id = ["request-id", "x-request-id"]
            .iter()
            .find_map(|name| response.headers.get(*name));
        self.request_id = id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    }

    fn pause(&mut self, retry: &Retry) {
        let line = retry_line(retry);
        self.spinner.live.beside(|| self.console.note(line));
        self.spinner.sleep(retry.pause, retry.stopped);
    }
}

/// What is said about a retry: what happened, which try comes next, and when.
pub fn retry_line(retry: &Retry) -> String {
    let Retry { next, tries, .. } = retry;
    let pause = retry.pause.as_secs_f64();
    let when = if pause < 0.05 {
        "at once".into()
    } else {
        format!("in {pause:.1} s")
    };
    let charged = if retry.may_be_charged {
        ", though the server may have answered and charged"
    } else {
        ""
    };
    format!(
        "{}; try {next} of {tries} {when}{charged}",
        causes(retry.error)
    )
}
