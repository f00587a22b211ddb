//! What the headers of an answer say about credits and the rate limit. Every one may be missing
//! or malformed; what cannot be read is as good as not sent.

use std::time::{Duration, SystemTime};

use ureq::http::HeaderMap;

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
    /// Reads AnyRouter's headers, and the upstream API's where those are missing.
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

    /// Whole seconds until the window resets, rounded up; 0 if that is past.
    pub fn resets_in(&self) -> Option<u64> {
        let left = self.reset?.duration_since(SystemTime::now()).unwrap_or_default();
        Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }
}

/// A number of seconds as a person says it.
pub fn in_words(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

fn dollars(text: &str) -> Option<f64> {
    text.trim_start_matches('$').parse().ok().filter(|dollars: &f64| dollars.is_finite())
}

/// Unix seconds as AnyRouter documents them, or RFC 3339 as upstream sends it.
fn instant(text: &str) -> Option<SystemTime> {
    match text.parse::<f64>() {
        Ok(seconds) => {
            SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
        }
        Err(_) => humantime::parse_rfc3339_weak(text).ok(),
    }
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

    proptest! {
        #[test]
        fn whatever_stands_there_is_read_or_left_out(value in "[ -~]{0,30}") {
            let limits = read(&[
                ("x-remaining-credits", &value),
                ("x-ratelimit-remaining", &value),
                ("x-ratelimit-reset", &value),
            ]);
            prop_assert!(limits.credits.is_none_or(f64::is_finite));
            limits.resets_in();
        }
    }
}
