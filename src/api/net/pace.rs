//! When a request may be sent: requests side by side share one view of each model's rate limit, and one order to stop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Error, Result};

use crate::api::limits::{Limits, in_words};
use crate::error::{Failure, Kind};
use crate::sync::lock;

/// Two resets this close are the same one: servers tell them in seconds.
const SAME_RESET: Duration = Duration::from_secs(1);
/// As good as forever, and still a time that clocks can add.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// What every sender asks first. Requests of one conversation follow each other, and only heed the order to stop.
pub struct Pace {
    state: Mutex<State>,
    changed: Condvar,
    /// Longest wait for the server; `None` where requests are not side by side.
    max_wait: Option<Duration>,
}

/// One of the models that a question may be asked of.
#[derive(Debug, Clone, Copy)]
pub struct Candidate {
    /// 0 for the question's own model, then the fallbacks.
    pub place: usize,
    /// There is no model to ask after it.
    pub is_last: bool,
}

impl Candidate {
    /// The model of a question that no other model is asked.
    pub const ONLY: Self = Self { place: 0, is_last: true };
}

#[derive(Default)]
struct State {
    /// Those of the model that is asked first, and of each fallback, because servers limit them one by one.
    limits: Vec<RateLimit>,
    stopped: bool,
    /// Why nothing more is sent, if there is more to say than that somebody stopped it.
    reason: Option<Error>,
}

#[derive(Default)]
struct RateLimit {
    /// Requests that were sent and have no answer's head yet.
    in_flight: u64,
    /// The rate limit's window, once an answer has told it.
    window: Option<Window>,
    /// Until when the server asks everybody to wait.
    retry_after: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Window {
    remaining: u64,
    limit: Option<u64>,
    reset: SystemTime,
}

impl Pace {
    /// A pace for requests side by side, where `max_wait` is given, or for one after the other. A question may be
    /// asked of this many models, one after the other.
    pub fn new(max_wait: Option<Duration>, models: usize) -> Self {
        let limits = (0..models).map(|_| RateLimit::default()).collect();
        let state = State { limits, ..State::default() };
        Self { state: state.into(), changed: Condvar::new(), max_wait }
    }

    /// Waits until the model may be asked, and counts the request. An error of [`Kind::Interrupted`] means that
    /// nothing more is to be sent, one of [`Kind::RateLimited`] that the next model is to be asked.
    pub(super) fn acquire(&self, model: Candidate) -> Result<()> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return Err(stopped());
            }
            let Some(max_wait) = self.max_wait else { return Ok(()) };
            let limit = &mut state.limits[model.place];
            let Some(wait) = limit.time_left(SystemTime::now()) else {
                limit.in_flight += 1;
                return Ok(());
            };
            if wait > max_wait && (!model.is_last || limit.in_flight == 0) {
                let failure = resets_too_late(wait);
                if !model.is_last {
                    return Err(failure.into());
                }
                state.stop(Some(failure.into()));
                self.changed.notify_all();
                return Err(stopped());
            }
            state = self.wait(state, wait);
        }
    }

    /// A request has an answer's head with these limits, or failed.
    pub(super) fn release(&self, model: Candidate, told: Option<&Limits>) {
        let mut state = self.state();
        let limit = &mut state.limits[model.place];
        limit.in_flight = limit.in_flight.saturating_sub(1);
        if let Some(told) = told.filter(|_| self.max_wait.is_some()) {
            limit.learn(told);
        }
        self.changed.notify_all();
    }

    /// Everybody waits for this long before the model is asked, because the server wants it.
    pub(super) fn set_retry_after(&self, model: Candidate, pause: Duration) {
        let until = Instant::now() + pause.min(FOREVER);
        let limit = &mut self.state().limits[model.place];
        limit.retry_after = limit.retry_after.max(Some(until));
        self.changed.notify_all();
    }

    /// Waits for this long, unless it is stopped.
    pub(super) fn back_off(&self, pause: Duration) {
        let waiting = |state: &mut State| !state.stopped;
        drop(self.changed.wait_timeout_while(self.state(), pause, waiting));
    }

    /// Sends nothing more. The first reason counts.
    pub fn stop(&self, reason: Option<Error>) {
        self.state().stop(reason);
        self.changed.notify_all();
    }

    /// Whether nothing more is to be sent.
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Sends again after a stop.
    pub fn resume(&self) {
        self.state().stopped = false;
    }

    /// Why nothing more was sent, if somebody said so.
    pub fn take_reason(&self) -> Option<Error> {
        self.state().reason.take()
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn resets_too_late(wait: Duration) -> Failure {
    let wait = in_words(wait);
    let message = format!("the rate limit resets in {wait}, later than --max-wait");
    let failure = Failure::new(Kind::RateLimited, message);
    failure.hint("with -o FILE, use --resume to continue later")
}

/// The error of a request that is not sent because of an order to stop.
pub fn stopped() -> Error {
    Failure::new(Kind::Interrupted, "stopped").into()
}

impl State {
    fn stop(&mut self, reason: Option<Error>) {
        self.stopped = true;
        if self.reason.is_none() {
            self.reason = reason;
        }
    }
}

impl RateLimit {
    /// How long to wait before the next request; `None` if it may be sent now.
    fn time_left(&mut self, now: SystemTime) -> Option<Duration> {
        let retry_after =
            self.retry_after.map(|until| until.saturating_duration_since(Instant::now()));
        if let Some(left) = retry_after.filter(|left| !left.is_zero()) {
            return Some(left);
        }
        let window = self.window?;
        let left = window.reset.duration_since(now).unwrap_or_default();
        if left.is_zero() {
            // a new window; its first answer tells more. A limit of 0 is not one that can be kept.
            let limit = window.limit.filter(|limit| *limit > 0);
            self.window = limit.map(|limit| Window {
                remaining: limit,
                limit: Some(limit),
                reset: now + FOREVER,
            });
            return None;
        }
        // the server may not have counted yet what it has not answered yet
        (window.remaining <= self.in_flight).then_some(left)
    }

    fn learn(&mut self, limits: &Limits) {
        let now = SystemTime::now();
        let (Some(remaining), Some(wait)) = (limits.remaining, limits.wait(now)) else { return };
        let reset = now + wait;
        let known = self.window.filter(|known| known.reset < now + FOREVER / 2);
        self.window = match known {
            // answers may overtake each other: within a window the lowest count is the latest
            Some(known) if is_same(known.reset, reset) => {
                Some(Window { remaining: known.remaining.min(remaining), ..known })
            }
            Some(known) if known.reset > reset => Some(known),
            _ => Some(Window { remaining, limit: limits.limit, reset }),
        };
    }
}

fn is_same(one: SystemTime, other: SystemTime) -> bool {
    let apart = one.duration_since(other).or_else(|_| other.duration_since(one));
    apart.is_ok_and(|apart| apart < SAME_RESET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(remaining: u64, reset: SystemTime) -> Limits {
        let limit = Some(60);
        Limits { remaining: Some(remaining), limit, reset: Some(reset), ..Limits::default() }
    }

    #[test]
    fn an_exhausted_window_holds_everybody_until_its_reset() {
        let now = SystemTime::now();
        let reset = now + Duration::from_secs(30);
        let mut limit = RateLimit::default();
        assert_eq!(limit.time_left(now), None);
        limit.learn(&limits(2, reset));
        assert_eq!(limit.time_left(now), None);
        limit.in_flight = 2;
        assert!(limit.time_left(now).is_some());
        limit.learn(&limits(0, reset));
        limit.learn(&limits(1, reset));
        limit.in_flight = 0;
        assert_eq!(limit.time_left(now).map(|left| left.as_secs()), Some(30));
        assert_eq!(limit.time_left(reset), None);
        // the new window takes no more than its limit
        limit.in_flight = 60;
        assert!(limit.time_left(reset).is_some());
    }

    #[test]
    fn a_limit_of_0_is_not_kept() {
        let now = SystemTime::now();
        let mut limit = RateLimit::default();
        limit.learn(&Limits { limit: Some(0), ..limits(0, now) });
        assert_eq!(limit.time_left(now), None);
        assert_eq!(limit.time_left(now), None);
    }

    #[test]
    fn a_server_may_ask_everybody_to_wait_and_a_stop_ends_it() {
        let pace = Pace::new(Some(Duration::from_secs(5)), 2);
        let (first, last) =
            (Candidate { place: 0, is_last: false }, Candidate { place: 1, is_last: true });
        assert!(pace.acquire(first).is_ok());
        pace.release(first, None);
        pace.set_retry_after(first, Duration::from_secs(9));
        assert!(pace.acquire(first).is_err());
        assert!(!pace.is_stopped() && pace.acquire(last).is_ok());
        pace.release(last, None);
        pace.set_retry_after(last, Duration::from_secs(9));
        assert!(pace.acquire(last).is_err());
        assert!(pace.is_stopped() && pace.take_reason().is_some());
    }
}
