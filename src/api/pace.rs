//! One view of the rate limit for many jobs: each asks here before it sends.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::limits::Limits;

/// Two resets this close are the same one: they are told in whole seconds.
const SAME_RESET: Duration = Duration::from_secs(1);

/// Keeps requests back while the server would refuse them.
pub struct Pace {
    state: Mutex<State>,
    changed: Condvar,
    /// The longest wait that makes sense.
    max_wait: Duration,
}

#[derive(Default)]
struct State {
    /// Requests whose head has not come yet.
    in_flight: u64,
    /// What is known of the window; nothing before the first answer.
    window: Option<Window>,
    /// Nobody sends before then: the server asks for it.
    held: Option<Instant>,
    /// Nobody sends before then: a pause of our own.
    paused: Option<Instant>,
    closed: bool,
}

struct Window {
    remaining: u64,
    limit: Option<u64>,
    reset: SystemTime,
}

/// Why a request is not to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// Nothing more is to be started.
    Closed,
    /// The wait is longer than anyone wants to wait.
    TooLong(Duration),
}

impl Pace {
    pub fn new(max_wait: Duration) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            max_wait,
        }
    }

    /// Waits until a request may be sent, and counts it as sent.
    pub fn enter(&self) -> Result<(), Kept> {
        let mut state = self.state();
        loop {
            if state.closed {
                return Err(Kept::Closed);
            }
            let now = Instant::now();
            state = match state.wait(now, SystemTime::now()) {
                Wait::Not => {
                    state.in_flight += 1;
                    return Ok(());
                }
                Wait::Asked(pause) if pause > self.max_wait => return Err(Kept::TooLong(pause)),
                Wait::Asked(pause) | Wait::Own(pause) | Wait::ForAnswer(pause) => {
                    let woken = self.changed.wait_timeout(state, pause);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// A request has its head, with these limits, or was lost.
    pub fn leave(&self, limits: Option<&Limits>) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if let Some(limits) = limits {
            state.learn(limits);
        }
        self.changed.notify_all();
    }

    /// Nobody sends for that long, because the server asks for it: it may be longer than anyone wants to wait.
    pub fn hold(&self, pause: Duration) {
        later(&mut self.state().held, pause);
        self.changed.notify_all();
    }

    /// Nobody sends for that long, by a choice of our own.
    pub fn pause_all(&self, pause: Duration) {
        later(&mut self.state().paused, pause);
        self.changed.notify_all();
    }

    /// Waits that long, or until nothing more is started.
    pub fn sleep(&self, pause: Duration) {
        let asleep = |state: &mut State| !state.closed;
        drop(self.changed.wait_timeout_while(self.state(), pause, asleep));
    }

    /// Nothing more is started; those that wait are sent away.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts a moment off until `pause` from now, unless it is later already.
fn later(moment: &mut Option<Instant>, pause: Duration) {
    let until = Instant::now() + pause.min(FAR);
    *moment = Some(moment.map_or(until, |moment| moment.max(until)));
}

enum Wait {
    Not,
    /// Because the server asks for it.
    Asked(Duration),
    /// By a choice of our own.
    Own(Duration),
    /// Until one of those in flight is back, which may be the last that the window takes, or until the reset.
    ForAnswer(Duration),
}

impl State {
    fn wait(&mut self, now: Instant, time: SystemTime) -> Wait {
        let left = |moment: Option<Instant>| {
            let left = moment?.checked_duration_since(now);
            left.filter(|left| !left.is_zero())
        };
        if let Some(pause) = left(self.held) {
            return Wait::Asked(pause);
        }
        if let Some(pause) = left(self.paused) {
            return Wait::Own(pause);
        }
        let Some(window) = &mut self.window else {
            return Wait::Not;
        };
        let left = window
            .reset
            .duration_since(time)
            .ok()
            .filter(|left| !left.is_zero());
        match left {
            None => {
                // a new window; without a known limit the next answer tells, and 0 is no limit that could be kept
                let limit = window.limit.filter(|limit| *limit > 0);
                self.window = limit.map(|limit| Window {
                    remaining: limit,
                    limit: Some(limit),
                    reset: time + FAR,
                });
                Wait::Not
            }
            // what the server has not answered yet, it may not have counted yet
            Some(_) if window.remaining > self.in_flight => Wait::Not,
            Some(left) if self.in_flight > 0 => Wait::ForAnswer(left),
            Some(left) => Wait::Asked(left),
        }
    }

    fn learn(&mut self, limits: &Limits) {
        let (Some(remaining), Some(reset)) = (limits.remaining, limits.reset) else {
            return;
        };
        let fresh = Window {
            remaining,
            limit: limits.limit,
            reset,
        };
        match &mut self.window {
            // answers may overtake each other: within a window the lowest count is the latest
            Some(window) if is_same(window.reset, reset) => {
                window.remaining = window.remaining.min(remaining);
            }
            Some(window) if window.reset > reset && window.reset < SystemTime::now() + FAR / 2 => {}
            _ => self.window = Some(fresh),
        }
    }
}

/// As good as forever: the reset of a window about which no answer has come yet, the end of an endless pause.
const FAR: Duration = Duration::from_secs(1 << 30);

fn is_same(one: SystemTime, other: SystemTime) -> bool {
    let apart = one
        .duration_since(other)
        .or_else(|_| other.duration_since(one));
    apart.is_ok_and(|apart| apart < SAME_RESET)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(remaining: u64, reset: SystemTime) -> Limits {
        Limits {
            remaining: Some(remaining),
            limit: Some(60),
            reset: Some(reset),
            ..Limits::default()
        }
    }

    #[test]
    fn a_used_up_window_keeps_everybody_back_until_its_reset() {
        let now = SystemTime::now();
        let reset = now + Duration::from_secs(30);
        let mut state = State::default();
        assert!(matches!(state.wait(Instant::now(), now), Wait::Not));
        state.learn(&limits(2, reset));
        assert!(matches!(state.wait(Instant::now(), now), Wait::Not));
        state.in_flight = 2;
        assert!(matches!(
            state.wait(Instant::now(), now),
            Wait::ForAnswer(_)
        ));
        state.learn(&limits(0, reset));
        state.learn(&limits(1, reset));
        state.in_flight = 0;
        assert!(
            matches!(state.wait(Instant::now(), now), Wait::Asked(left) if left.as_secs() == 30)
        );
        assert!(matches!(state.wait(Instant::now(), reset), Wait::Not));
        // the new window takes no more than its limit
        state.in_flight = 60;
        assert!(matches!(
            state.wait(Instant::now(), reset),
            Wait::ForAnswer(_)
        ));
    }

    #[test]
    fn a_limit_of_none_is_no_limit() {
        let now = SystemTime::now();
        let mut state = State::default();
        state.learn(&Limits {
            limit: Some(0),
            ..limits(0, now)
        });
        assert!(matches!(state.wait(Instant::now(), now), Wait::Not));
        assert!(matches!(state.wait(Instant::now(), now), Wait::Not));
    }

    #[test]
    fn a_hold_is_for_everybody_and_a_close_for_good() {
        let pace = Pace::new(Duration::from_secs(5));
        pace.pause_all(Duration::from_millis(1));
        assert_eq!(pace.enter(), Ok(()));
        pace.hold(Duration::from_secs(9));
        assert!(matches!(pace.enter(), Err(Kept::TooLong(_))));
        pace.close();
        assert_eq!(pace.enter(), Err(Kept::Closed));
    }
}
