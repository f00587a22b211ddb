//! What is seen while there is nothing to print yet: a spinner, the retries, the exchange itself.

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::console::{Console, causes};
use super::report;
use crate::api::{Key, Limits, Prepared, Response, Retry, Watcher};

/// How often the spinner moves.
const TICK: Duration = Duration::from_millis(100);

/// A spinner where there is somebody to see it, else nothing. Its clones are the same spinner.
#[derive(Clone)]
pub struct Spinner(Option<ProgressBar>);

impl Spinner {
    /// A spinner that tells after a second for how long it has been waiting.
    pub fn start(console: Console) -> Self {
        if !console.may_move() {
            return Self::none();
        }
        let seconds = |state: &ProgressState, line: &mut dyn Write| {
            let seconds = state.elapsed().as_secs();
            let _ = if seconds > 0 {
                write!(line, " {seconds} s")
            } else {
                Ok(())
            };
        };
        let style = ProgressStyle::with_template("{spinner} {msg}{seconds}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner())
            .with_key("seconds", seconds);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style);
        bar.set_message("waiting");
        bar.enable_steady_tick(TICK);
        Self(Some(bar))
    }

    /// No spinner at all.
    pub fn none() -> Self {
        Self(None)
    }

    /// Takes the spinner away for good, without a trace.
    pub fn stop(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }

    /// Prints something else while the spinner is out of the way.
    fn beside(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Sleeps, and counts down where there is somebody to see it.
    fn sleep(&self, pause: Duration, stopped: &AtomicBool) {
        let Some(bar) = &self.0 else {
            return thread::sleep(pause);
        };
        let end = Instant::now() + pause;
        while let Some(left) = end
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            bar.set_message(format!(
                "next try in {:.0} s, waiting for",
                left.as_secs_f64().ceil()
            ));
            thread::sleep(left.min(TICK));
            if stopped.load(Ordering::SeqCst) {
                return;
            }
        }
        bar.set_message("waiting");
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
        self.spinner.beside(|| self.console.note(line));
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
