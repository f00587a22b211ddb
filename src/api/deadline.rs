//! A point in time at which reading stops, whatever the time limits of the connection say.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// How long an answer is waited for that is over, or that is an error: shorter than a user's `--timeout`.
pub const PATIENCE: Duration = Duration::from_secs(5);

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
