//! What the headers of an answer say about credits and the rate limit. Each of them may be missing. A header that
//! cannot be read counts as missing.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

use super::time::{instant, until};

/// The state of the account and of the rate limit's window, after one answer.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Dollars left.
    pub credits: Option<f64>,
    /// Requests left in this window.
    pub remaining: Option<u64>,
    /// Requests in a whole window.
    pub limit: Option<u64>,
    /// When the window resets.
    pub reset: Option<SystemTime>,
}

impl Limits {
    /// Reads AnyRouter's headers, or the upstream API's if those are missing.
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
        let either = |ours: &str, upstream: &str| text(ours).or_else(|| text(upstream));
        let count = |text: &str| text.parse().ok();
        Self {
            credits: text("x-remaining-credits").and_then(dollars),
            remaining: either("x-ratelimit-remaining", "anthropic-ratelimit-requests-remaining")
                .and_then(count),
            limit: either("x-ratelimit-limit", "anthropic-ratelimit-requests-limit")
                .and_then(count),
            reset: either("x-ratelimit-reset", "anthropic-ratelimit-requests-reset")
                .and_then(instant),
        }
    }

    /// How long until the window resets. `None` if the reset is unknown, past, or more than 31 days ahead.
    pub fn wait(&self, now: SystemTime) -> Option<Duration> {
        until(self.reset?, now)
    }
}

fn dollars(text: &str) -> Option<f64> {
    text.trim_start_matches('$').parse().ok().filter(|dollars: &f64| dollars.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ureq::http::{HeaderName, HeaderValue};

    fn read(headers: &[(&'static str, &str)]) -> Limits {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        Limits::read(&headers.collect())
    }

    const NOW: Duration = Duration::from_secs(1_640_995_141);

    const RESET: Duration = Duration::from_secs(1_640_995_201);

    #[test]
    fn reads_the_documented_headers() {
        let limits = read(&[
            ("x-remaining-credits", "45.23"),
            ("x-ratelimit-remaining", "59"),
            ("x-ratelimit-reset", "1640995201"),
            ("x-ratelimit-limit", "60"),
        ]);
        let expected = Limits {
            credits: Some(45.23),
            remaining: Some(59),
            limit: Some(60),
            reset: Some(SystemTime::UNIX_EPOCH + RESET),
        };
        assert_eq!(limits, expected);
    }

    #[test]
    fn reads_the_upstream_headers() {
        let limits = read(&[
            ("anthropic-ratelimit-requests-remaining", "3"),
            ("anthropic-ratelimit-requests-reset", "2022-01-01T00:00:01Z"),
        ]);
        assert_eq!(
            limits,
            Limits {
                remaining: Some(3),
                reset: Some(SystemTime::UNIX_EPOCH + RESET),
                ..Limits::default()
            }
        );
    }

    #[test]
    fn milliseconds_are_recognised_and_only_a_reset_to_come_counts() {
        let now = SystemTime::UNIX_EPOCH + NOW;
        let wait = |value: &str| read(&[("x-ratelimit-reset", value)]).wait(now);
        assert_eq!(wait("1640995201"), Some(Duration::from_secs(60)));
        assert_eq!(wait("1640995201000"), Some(Duration::from_secs(60)));
        assert_eq!(wait("1640995201.5"), Some(Duration::from_millis(60_500)));
        for ignored in
            ["2", "0", "1640995141", "1640995140000", "1643759999", "9999999999", "1e300"]
        {
            assert_eq!(wait(ignored), None, "{ignored}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_left_out(value in "[ -~]{0,30}") {
            let limits = read(&[
                ("x-remaining-credits", &value),
                ("x-ratelimit-remaining", &value),
                ("x-ratelimit-reset", &value),
            ]);
            prop_assert!(limits.credits.is_none_or(f64::is_finite));
            limits.wait(SystemTime::now());
        }
    }
}
