//! Decides when a request may be sent. Parallel requests share each model's rate limit, and one order to stop.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::api::deadline::TimeLimit;
use crate::api::limits::Limits;
use crate::api::time::in_words;
use crate::error::{Failure, Kind};
use crate::sync::lock;

/// Two resets this close are the same one: servers report them in whole seconds.
const SAME_RESET: Duration = Duration::from_secs(1);
/// Longer than any run, but short enough to be added to a clock's time.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// Every request waits here before it is sent. Requests of a conversation are not parallel: only an order to stop
/// holds them back.
#[derive(Default)]
pub struct Pace {
    schedule: Mutex<Schedule>,
    changed: Condvar,
    /// Longest wait for the server; `None` if requests are not parallel.
    max_wait: Option<Duration>,
    /// The least time between two requests.
    interval: Duration,
}

#[derive(Default)]
struct Schedule {
    /// By model id, because servers limit each model separately.
    limits: HashMap<String, RateLimit>,
    /// When the next request may be sent.
    next: Option<Instant>,
    stopped: bool,
}

#[derive(Default)]
struct RateLimit {
    /// Requests that were sent, and whose answer has not begun.
    in_flight: u64,
    /// The rate limit's window, once an answer has reported it.
    window: Option<Window>,
    /// No request may be sent before this time, because the server wants it.
    retry_after: Option<Instant>,
}

#[derive(Clone, Copy)]
struct Window {
    remaining: u64,
    reset: SystemTime,
}

impl Pace {
    /// For parallel requests: they wait for the rate limit, and for `interval` after each other. By default, requests
    /// are sent one after the other and do not wait.
    pub fn parallel(max_wait: Duration, interval: Duration) -> Self {
        Self { max_wait: Some(max_wait), interval, ..Self::default() }
    }

    /// Whether several requests may be under way.
    pub fn is_parallel(&self) -> bool {
        self.max_wait.is_some()
    }

    /// Waits until a request to the model may be sent, and counts it. The error is [`Kind::Interrupted`] after an
    /// order to stop, and [`Kind::RateLimited`] if the wait would be longer than `max_wait`.
    pub(super) fn acquire(
        &self,
        model: &str,
        time_limit: Option<&TimeLimit>,
    ) -> Result<(), Failure> {
        let mut schedule = lock(&self.schedule);
        // who comes first has the first slot
        let mut slot = None;
        loop {
            if schedule.stopped {
                return Err(stopped());
            }
            let Some(max_wait) = self.max_wait else { return Ok(()) };
            let now = Instant::now();
            let next = slot.or(schedule.next).map_or(now, |next| next.max(now));
            let limit = schedule.limit(model);
            let reset = limit.time_left(SystemTime::now());
            // an answer that is under way may report a shorter wait
            if let Some(wait) = reset.filter(|wait| *wait > max_wait && limit.in_flight == 0) {
                return Err(resets_too_late(wait, max_wait));
            }
            let (wait, why) = match reset {
                Some(wait) => (wait, "the rate limit resets later than"),
                None if next == now => (Duration::ZERO, "the next request would begin after"),
                None => (next - now, "the next request that --rate allows is later than"),
            };
            if let Some(time_limit) = time_limit.filter(|limit| limit.is_shorter_than(wait)) {
                return Err(time_limit.failure(why));
            }
            if reset.is_none() && slot.is_none() {
                schedule.next = next.checked_add(self.interval);
            }
            slot = reset.is_none().then_some(next);
            if reset.is_none() && wait.is_zero() {
                schedule.limit(model).in_flight += 1;
                return Ok(());
            }
            schedule =
                self.changed.wait_timeout(schedule, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How long it is until the next request may be sent.
    pub(super) fn time_to_slot(&self) -> Duration {
        let next = lock(&self.schedule).next;
        next.map_or(Duration::ZERO, |next| next.saturating_duration_since(Instant::now()))
    }

    /// A request has failed, or the head of its answer has reported these limits.
    pub(super) fn release(&self, model: &str, reported: Option<&Limits>) {
        let mut schedule = lock(&self.schedule);
        let limit = schedule.limit(model);
        limit.in_flight = limit.in_flight.saturating_sub(1);
        if let Some(reported) = reported.filter(|_| self.max_wait.is_some()) {
            limit.learn(reported);
        }
        self.changed.notify_all();
    }

    /// Lets no request to the model through for this long, because the server wants it.
    pub(super) fn set_retry_after(&self, model: &str, pause: Duration) {
        let until = Instant::now() + pause.min(FOREVER);
        let mut schedule = lock(&self.schedule);
        let limit = schedule.limit(model);
        limit.retry_after = limit.retry_after.max(Some(until));
        self.changed.notify_all();
    }

    /// Waits for this long, or until an order to stop.
    pub(super) fn back_off(&self, pause: Duration) {
        let waiting = |schedule: &mut Schedule| !schedule.stopped;
        drop(self.changed.wait_timeout_while(lock(&self.schedule), pause, waiting));
    }

    /// Gives the order to stop: no more requests may be sent.
    pub fn stop(&self) {
        lock(&self.schedule).stopped = true;
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        lock(&self.schedule).stopped
    }

    /// Ends the order to stop.
    pub fn resume(&self) {
        lock(&self.schedule).stopped = false;
    }
}

impl Schedule {
    fn limit(&mut self, model: &str) -> &mut RateLimit {
        self.limits.entry(model.into()).or_default()
    }
}

fn resets_too_late(wait: Duration, max_wait: Duration) -> Failure {
    let (wait, limit) = (in_words(wait), max_wait.as_secs_f64());
    let message = format!("the rate limit resets in {wait}, later than --max-wait {limit}");
    let failure = Failure::new(Kind::RateLimited, message);
    failure.hint("use a larger --max-wait, or --resume to continue later")
}

/// The failure of a request that is not sent because of an order to stop.
pub fn stopped() -> Failure {
    Failure::new(Kind::Interrupted, "stopped")
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
            // the first answer of the new window reports its limits
            self.window = None;
            return None;
        }
        // the server may not have counted the requests in flight yet
        (window.remaining <= self.in_flight).then_some(left)
    }

    fn learn(&mut self, limits: &Limits) {
        let now = SystemTime::now();
        let (Some(remaining), Some(wait)) = (limits.remaining, limits.wait(now)) else { return };
        let reset = now + wait;
        self.window = match self.window {
            // answers may overtake each other: within a window the lowest count is the latest
            Some(known) if is_same(known.reset, reset) => {
                Some(Window { remaining: known.remaining.min(remaining), ..known })
            }
            Some(known) if known.reset > reset => Some(known),
            _ => Some(Window { remaining, reset }),
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
    }

    #[test]
    fn a_request_after_max_time_is_not_blamed_on_a_rate() {
        let time = TimeLimit::new(Duration::ZERO);
        time.start();
        for (interval, why) in [
            (Duration::ZERO, "the next request would begin after --max-time 0"),
            (
                Duration::from_secs(9),
                "the next request that --rate allows is later than --max-time 0",
            ),
        ] {
            let pace = Pace::parallel(Duration::from_secs(5), interval);
            assert!(pace.acquire("a", None).is_ok());
            let failure = pace.acquire("a", Some(&time)).expect_err("no time is left");
            assert_eq!(failure.to_string(), why);
        }
    }

    #[test]
    fn a_server_may_ask_everybody_to_wait_for_one_model() {
        let pace = Pace::parallel(Duration::from_secs(5), Duration::ZERO);
        assert!(pace.acquire("a", None).is_ok());
        pace.release("a", None);
        pace.set_retry_after("a", Duration::from_secs(9));
        assert_eq!(pace.acquire("a", None).map_err(|failure| failure.kind), Err(Kind::RateLimited));
        assert!(pace.acquire("b", None).is_ok());
        pace.stop();
        assert_eq!(pace.acquire("b", None).map_err(|failure| failure.kind), Err(Kind::Interrupted));
    }
}
