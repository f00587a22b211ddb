//! Points in time at which something stops, whatever the time limits of the connection say.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::error::{Failure, Kind};
use crate::sync::lock;

/// When to stop reading, whatever the timeouts say. One client, its answer's reader and its connections share it.
#[derive(Debug, Clone, Default)]
pub struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    /// Stops reading after this long.
    pub fn set_in(&self, time: Duration) {
        self.set(Instant::now().checked_add(time));
    }

    pub fn set(&self, at: Option<Instant>) {
        *lock(&self.0) = at;
    }

    /// Whether the time has come.
    pub fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// How long until then, if there is one.
    pub fn left(&self) -> Option<Duration> {
        let at = *lock(&self.0);
        at.map(|at| at.saturating_duration_since(Instant::now()))
    }
}

/// The longest time that a question may take in all, `--max-time`. It counts from the first request.
#[derive(Debug)]
pub struct TimeLimit {
    limit: Duration,
    ends: OnceCell<Option<Instant>>,
}

impl TimeLimit {
    pub fn new(limit: Duration) -> Self {
        Self { limit, ends: OnceCell::new() }
    }

    /// Begins to count, unless it has begun.
    pub fn start(&self) {
        self.ends.get_or_init(|| Instant::now().checked_add(self.limit));
    }

    /// How long until it ends; `None` before it begins to count.
    pub fn left(&self) -> Option<Duration> {
        let ends = (*self.ends.get()?)?;
        Some(ends.saturating_duration_since(Instant::now()))
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.is_shorter_than(Duration::ZERO)
    }

    /// Whether it ends before this time has passed.
    pub fn is_shorter_than(&self, time: Duration) -> bool {
        self.left().is_some_and(|left| left <= time)
    }

    /// The failure of a question that is not answered in time, because of `why`.
    pub fn failure(&self, why: &str) -> Failure {
        over_max_time(self.limit, why)
    }
}

/// The failure of a question that takes longer than `--max-time`.
pub fn over_max_time(limit: Duration, why: &str) -> Failure {
    let message = format!("{why} --max-time {}", limit.as_secs_f64());
    let mut failure = Failure::new(Kind::NoConnection, message);
    failure.is_over_max_time = true;
    failure.hint("use a larger --max-time to wait longer")
}
