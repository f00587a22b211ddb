//! When a failed attempt is repeated, and after which pause. Pure: it asks no clock and never sleeps.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;

use crate::api::limits::Limits;
use crate::api::time::instant;

/// Longest pause that this program chooses itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What the user wants of retries.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How often a failed request is sent again.
    pub retries: u32,
    /// The first pause; it doubles each time.
    pub delay: Duration,
    /// Longest pause that a server may ask for.
    pub max_wait: Duration,
    /// A request that the rate limit refuses is sent again, however often, while its pauses fit into `max_wait` in all.
    pub outlasts_limit: bool,
}

/// The failed tries of a request. Those that a [`Policy`] outlasts are counted apart.
#[derive(Debug, Default)]
pub struct Tries {
    pub counted: u32,
    /// The rate limit refused them.
    pub outlasted: u32,
    /// The pauses after these.
    pub waited: Duration,
}

/// Whether a failed attempt may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retryable {
    /// It would fail in the same way.
    No,
    Yes,
    /// The server may have answered it and charged for it.
    MaybeCharged,
    /// It was sent on a reused connection that turned out dead: send it again at once, and do not count it.
    AtOnce,
}

/// What follows a failed attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Decision {
    Retry(Duration),
    /// The server asks for this pause, which is longer than the user wants to wait.
    TooLong(Duration),
    GiveUp,
}

impl Decision {
    /// The pause that the server or this program wants.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::Retry(pause) | Self::TooLong(pause) => Some(*pause),
            Self::GiveUp => None,
        }
    }
}

impl Policy {
    /// What follows attempt number `attempt`, counted from 1. `waited` is how long it has waited for the rate limit, if
    /// it outlasts the limit. `server_pause` is the one that the server asks for; `random`, from 0 to 1, spreads the
    /// pauses of many clients.
    pub fn decide(
        &self,
        attempt: u32,
        waited: Option<Duration>,
        retryable: Retryable,
        server_pause: Option<Duration>,
        random: f64,
    ) -> Decision {
        let own = self.backoff(attempt, random);
        // a server that asks for no pause at all is not sent everything within a moment
        let pause = server_pause.unwrap_or_default().max(own);
        // without pauses, only their number ends the tries
        let waited = waited.filter(|_| !pause.is_zero());
        let is_last = waited.is_none() && attempt > self.retries;
        let fits = |waited: Duration| waited.saturating_add(pause) <= self.max_wait;
        match server_pause {
            _ if retryable == Retryable::No || is_last => Decision::GiveUp,
            Some(pause) if pause > self.max_wait => Decision::TooLong(pause),
            _ if !waited.is_none_or(fits) => Decision::GiveUp,
            _ => Decision::Retry(pause),
        }
    }

    /// The delay, doubled for each attempt, from three quarters to five quarters of it.
    fn backoff(&self, attempt: u32, random: f64) -> Duration {
        let doubled = self.delay.as_secs_f64() * (1u64 << (attempt - 1).min(40)) as f64;
        let spread = doubled * (0.75 + random / 2.0);
        Duration::from_secs_f64(spread.min(LONGEST_BACKOFF.as_secs_f64()))
    }
}

/// Whether a request that was answered with this status may be sent again: as the server says, else as `by_meaning` of an
/// error that is known, else by the status.
pub fn retryable(status: u16, headers: &HeaderMap, by_meaning: Option<bool>) -> Retryable {
    let retried = match text(headers, "x-should-retry") {
        Some("true") => true,
        Some("false") => false,
        _ => by_meaning
            .unwrap_or(matches!(status, 408 | 429 | 500 | 502..=504 | 520..=524 | 529 | 530)),
    };
    match status {
        _ if !retried => Retryable::No,
        // the gateway gave up, but the server behind it may have done the work
        504 | 524 => Retryable::MaybeCharged,
        _ => Retryable::Yes,
    }
}

/// The pause that a server asks for, in the order of exactness.
pub fn server_pause(status: u16, headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|text| text.parse().ok());
    let millis = millis.and_then(|millis: f64| Duration::try_from_secs_f64(millis / 1e3).ok());
    let limits = Limits::read(headers);
    let exhausted = status == 429 && limits.remaining == Some(0);
    let reset = limits.wait(now).filter(|_| exhausted);
    millis.or_else(|| retry_after(text(headers, RETRY_AFTER.as_str())?, now)).or(reset)
}

/// Seconds, or a date (RFC 9110, section 10.2.3); some servers send a Unix time.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    match text.parse() {
        Ok(1e9..) => Some(left(instant(text)?, now)),
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some(left(httpdate::parse_http_date(text).ok()?, now)),
    }
}

/// How long until then; nothing, if that is past.
fn left(then: SystemTime, now: SystemTime) -> Duration {
    then.duration_since(now).unwrap_or_default()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ureq::http::{HeaderName, HeaderValue};

    const POLICY: Policy = Policy {
        retries: 2,
        delay: Duration::from_secs(1),
        max_wait: Duration::from_secs(60),
        outlasts_limit: false,
    };
    /// 2015-10-21 07:28:00 UTC
    const NOW: u64 = 1_445_412_480;

    fn decision_by(
        policy: Policy,
        attempt: u32,
        status: u16,
        headers: &[(&'static str, &str)],
    ) -> Decision {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        let headers: HeaderMap = headers.collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let pause = server_pause(status, &headers, now);
        policy.decide(attempt, None, retryable(status, &headers, None), pause, 0.5)
    }

    fn decision(status: u16, headers: &[(&'static str, &str)]) -> Decision {
        decision_by(POLICY, 1, status, headers)
    }

    fn retry(seconds: f64) -> Decision {
        Decision::Retry(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn these_statuses_are_retried_and_no_others() {
        for status in 300..=599 {
            let expected = matches!(status, 408 | 429 | 500 | 502..=504 | 520..=524 | 529 | 530);
            assert_eq!(decision(status, &[]) == retry(1.0), expected, "{status}");
        }
    }

    #[test]
    fn the_server_may_say_otherwise() {
        assert_eq!(decision(400, &[("x-should-retry", "true")]), retry(1.0));
        assert_eq!(decision(529, &[("x-should-retry", "false")]), Decision::GiveUp);
        assert_eq!(decision(529, &[("x-should-retry", "perhaps")]), retry(1.0));
    }

    #[test]
    fn the_pause_is_the_one_that_the_server_names() {
        let reset = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1445412490")];
        for (status, headers, seconds) in [
            (429, &[("retry-after", "7")][..], 7.0),
            (429, &[("retry-after", "0")], 1.0),
            (429, &[("retry-after", "1445412487")], 7.0),
            (429, &[("retry-after", "1445412487000")], 7.0),
            (503, &[("retry-after", "Wed, 21 Oct 2015 07:28:20 GMT")], 20.0),
            (503, &[("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")], 1.0),
            (429, &[("retry-after-ms", "2500"), ("retry-after", "7")], 2.5),
            (429, &[("retry-after-ms", "250"), ("retry-after", "7")], 1.0),
            (429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "2")], 1.0),
            (429, &reset, 10.0),
            (429, &[reset[0], reset[1], ("retry-after", "3")], 3.0),
            (503, &reset, 1.0),
            (429, &[("x-ratelimit-remaining", "5"), reset[1]], 1.0),
        ] {
            assert_eq!(decision(status, headers), retry(seconds), "{status} {headers:?}");
        }
        for nonsense in ["soon", "-1", "NaN", "inf", "1e300", ""] {
            assert_eq!(decision(429, &[("retry-after", nonsense)]), retry(1.0), "{nonsense}");
        }
    }

    #[test]
    fn a_pause_longer_than_max_wait_is_not_waited_for() {
        let hour = Duration::from_secs(60 * 60);
        let headers = [("retry-after", "3600")];
        assert_eq!(decision(429, &headers), Decision::TooLong(hour));
        let patient = Policy { max_wait: hour, ..POLICY };
        assert_eq!(decision_by(patient, 1, 429, &headers), Decision::Retry(hour));
        // after the last attempt there is nothing to wait for
        assert_eq!(decision_by(POLICY, 3, 429, &headers), Decision::GiveUp);
    }

    #[test]
    fn pauses_double_up_to_30_seconds() {
        let patient = Policy { retries: 99, ..POLICY };
        let pauses: Vec<_> =
            (1..=8).map(|attempt| decision_by(patient, attempt, 500, &[])).collect();
        assert_eq!(pauses, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0].map(retry));
    }

    #[test]
    fn pauses_are_spread_by_a_quarter() {
        let pause = |random| POLICY.decide(2, None, Retryable::Yes, None, random);
        assert_eq!((pause(0.0), pause(1.0)), (retry(1.5), retry(2.5)));
    }

    proptest! {
        #[test]
        fn no_pause_of_its_own_is_over_30_seconds(attempt in 1u32..5000, delay in 0.0f64..1e9, random in 0.0f64..1.0) {
            let policy = Policy { retries: u32::MAX, delay: Duration::from_secs_f64(delay), ..POLICY };
            let decision = policy.decide(attempt, None, Retryable::Yes, None, random);
            prop_assert!(matches!(decision, Decision::Retry(pause) if pause <= LONGEST_BACKOFF));
        }
    }
}
