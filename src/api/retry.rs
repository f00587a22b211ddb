//! When a failed request is sent again, and after which pause. Pure: it asks no clock and sleeps never.

use std::time::{Duration, SystemTime};

use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, StatusCode};

use super::limits::Limits;

/// The longest pause that this program chooses by itself.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// What the user wants of retrying.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// How often to send again; 0 means never.
    pub retries: u32,
    /// The first pause, doubled each time.
    pub delay: Duration,
    /// The longest pause that a server may ask for.
    pub max_wait: Duration,
}

/// Whether a request that was lost or refused may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It would end in the same way.
    Never,
    /// The server did not do it.
    Safe,
    /// The server may have had it, answered it and charged for it.
    MaybeCharged,
}

/// The head of a refusal.
#[derive(Clone, Copy)]
pub struct Refused<'a> {
    pub status: StatusCode,
    pub headers: &'a HeaderMap,
    pub limits: &'a Limits,
}

/// What to do then.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send again after this pause.
    Retry(Duration),
    /// The server asks for this pause, and that is too long.
    TooLong(Duration),
    GiveUp,
}

impl Policy {
    /// What to do after `attempts` attempts, the last of which ended so that it may be sent `again`. `asked` is
    /// the pause that the server wants; `random`, from 0 to 1, spreads the pauses of many clients.
    pub fn verdict(
        &self,
        attempts: u32,
        again: Again,
        asked: Option<Duration>,
        random: f64,
    ) -> Verdict {
        if again == Again::Never || attempts > self.retries {
            return Verdict::GiveUp;
        }
        match asked {
            Some(pause) if pause > self.max_wait => Verdict::TooLong(pause),
            Some(pause) => Verdict::Retry(pause),
            None => Verdict::Retry(self.backoff(attempts, random)),
        }
    }

    /// The delay doubled for each attempt, from three quarters to five quarters of it.
    fn backoff(&self, attempts: u32, random: f64) -> Duration {
        let doubled =
            self.delay.as_secs_f64() * (1u64 << attempts.saturating_sub(1).min(40)) as f64;
        let spread = doubled * (0.75 + random / 2.0);
        Duration::from_secs_f64(spread.min(LONGEST_BACKOFF.as_secs_f64()))
    }
}

impl Refused<'_> {
    /// Whether the same request may fare better next time.
    pub fn again(&self) -> Again {
        let status = self.status.as_u16();
        let retried = match text(self.headers, "x-should-retry") {
            Some("true") => true,
            Some("false") => false,
            _ => matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529),
        };
        match status {
            _ if !retried => Again::Never,
            // the server behind the one that was in a hurry may have done the work
            504 => Again::MaybeCharged,
            _ => Again::Safe,
        }
    }

    /// The pause that the server asks for, in the order of exactness.
    pub fn asked_pause(&self, now: SystemTime) -> Option<Duration> {
        let millis = text(self.headers, "retry-after-ms").and_then(|text| text.parse().ok());
        let millis = millis.and_then(|millis: f64| Duration::try_from_secs_f64(millis / 1e3).ok());
        let used_up =
            self.status == StatusCode::TOO_MANY_REQUESTS && self.limits.remaining == Some(0);
        let reset = self.limits.reset.filter(|_| used_up);
        millis
            .or_else(|| retry_after(text(self.headers, RETRY_AFTER.as_str())?, now))
            .or_else(|| Some(until(reset?, now)))
    }
}

/// Seconds, or a date as HTTP writes it (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => httpdate::parse_http_date(text)
            .ok()
            .map(|date| until(date, now)),
    }
}

/// How long until then; nothing, if that is past.
fn until(then: SystemTime, now: SystemTime) -> Duration {
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
        max_wait: Duration::from_mins(1),
    };
    /// 2015-10-21 07:28:00 UTC
    const NOW: u64 = 1_445_412_480;

    fn verdict_of(
        policy: Policy,
        attempts: u32,
        status: u16,
        headers: &[(&'static str, &str)],
    ) -> Verdict {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        let limits = Limits::read(&headers);
        let status = StatusCode::from_u16(status).unwrap();
        let refused = Refused {
            status,
            headers: &headers,
            limits: &limits,
        };
        let asked = refused.asked_pause(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
        policy.verdict(attempts, refused.again(), asked, 0.5)
    }

    fn verdict(status: u16, headers: &[(&'static str, &str)]) -> Verdict {
        verdict_of(POLICY, 1, status, headers)
    }

    fn retry(seconds: f64) -> Verdict {
        Verdict::Retry(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn these_statuses_are_retried_and_no_others() {
        for status in 300..=599 {
            let expected = matches!(status, 408 | 429 | 500 | 502 | 503 | 504 | 529);
            assert_eq!(verdict(status, &[]) == retry(1.0), expected, "{status}");
        }
    }

    #[test]
    fn the_server_may_say_otherwise() {
        assert_eq!(verdict(400, &[("x-should-retry", "true")]), retry(1.0));
        assert_eq!(
            verdict(529, &[("x-should-retry", "false")]),
            Verdict::GiveUp
        );
        assert_eq!(verdict(529, &[("x-should-retry", "perhaps")]), retry(1.0));
    }

    #[test]
    fn the_pause_is_the_servers_where_it_names_one() {
        let reset = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "1445412490"),
        ];
        assert_eq!(verdict(429, &[("retry-after", "7")]), retry(7.0));
        assert_eq!(verdict(429, &[("retry-after", "0")]), retry(0.0));
        assert_eq!(
            verdict(503, &[("retry-after", "Wed, 21 Oct 2015 07:28:20 GMT")]),
            retry(20.0)
        );
        assert_eq!(
            verdict(503, &[("retry-after", "Wed, 21 Oct 2015 07:27:00 GMT")]),
            retry(0.0)
        );
        assert_eq!(
            verdict(429, &[("retry-after-ms", "250"), ("retry-after", "7")]),
            retry(0.25)
        );
        assert_eq!(verdict(429, &reset), retry(10.0));
        assert_eq!(
            verdict(429, &[reset[0], reset[1], ("retry-after", "3")]),
            retry(3.0)
        );
        assert_eq!(verdict(503, &reset), retry(1.0));
        assert_eq!(
            verdict(429, &[("x-ratelimit-remaining", "5"), reset[1]]),
            retry(1.0)
        );
        for nonsense in ["soon", "-1", "NaN", "inf", "1e300", ""] {
            assert_eq!(
                verdict(429, &[("retry-after", nonsense)]),
                retry(1.0),
                "{nonsense}"
            );
        }
    }

    #[test]
    fn a_pause_that_is_too_long_is_not_waited_for() {
        let hour = Duration::from_hours(1);
        assert_eq!(
            verdict(429, &[("retry-after", "3600")]),
            Verdict::TooLong(hour)
        );
        let patient = Policy {
            max_wait: hour,
            ..POLICY
        };
        assert_eq!(
            verdict_of(patient, 1, 429, &[("retry-after", "3600")]),
            Verdict::Retry(hour)
        );
        // with no try left there is nothing to wait for
        assert_eq!(
            verdict_of(POLICY, 3, 429, &[("retry-after", "3600")]),
            Verdict::GiveUp
        );
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        let patient = Policy {
            retries: 99,
            ..POLICY
        };
        let pauses: Vec<_> = (1..=8)
            .map(|attempts| verdict_of(patient, attempts, 500, &[]))
            .collect();
        let expected: Vec<_> = [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
            .map(retry)
            .into();
        assert_eq!(pauses, expected);
    }

    #[test]
    fn lost_requests_are_sent_again_unless_that_is_no_use() {
        let verdict = |again| POLICY.verdict(1, again, None, 0.5);
        assert_eq!(verdict(Again::Safe), retry(1.0));
        assert_eq!(verdict(Again::MaybeCharged), retry(1.0));
        assert_eq!(verdict(Again::Never), Verdict::GiveUp);
    }

    proptest! {
        #[test]
        fn no_pause_of_its_own_is_over_half_a_minute(attempts in 1u32..5000, delay in 0.0f64..1e9, random in 0.0f64..1.0) {
            let policy = Policy { retries: u32::MAX, delay: Duration::from_secs_f64(delay), ..POLICY };
            let verdict = policy.verdict(attempts, Again::Safe, None, random);
            prop_assert!(matches!(verdict, Verdict::Retry(pause) if pause <= LONGEST_BACKOFF));
        }
    }
}
