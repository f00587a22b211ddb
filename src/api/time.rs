//! Points in time as servers write them, and times as this program writes them.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// The longest window of a rate limit. A later reset is not believed.
const LONGEST_WINDOW: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// A Unix time from here on is in milliseconds: in seconds it would be the year 5138, in milliseconds 1973.
const FIRST_MILLISECONDS: f64 = 1e11;

/// How long until then. `None` if that is past, or more than 31 days ahead.
pub fn until(then: SystemTime, now: SystemTime) -> Option<Duration> {
    let left = then.duration_since(now).ok()?;
    Some(left).filter(|left| !left.is_zero() && *left <= LONGEST_WINDOW)
}

/// A time in words, such as `90 s`, `3 min` or `2 h`, rounded up.
pub fn in_words(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// A point in time: Unix seconds as AnyRouter documents them, milliseconds as some relays send them, or RFC 3339 as
/// upstream sends it.
pub fn instant(text: &str) -> Option<SystemTime> {
    let Ok(number) = text.parse::<f64>() else {
        return humantime::parse_rfc3339_weak(text).ok();
    };
    let seconds = if number < FIRST_MILLISECONDS { number } else { number / 1e3 };
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// A time in the form of RFC 3339. `None` after the year 9999, and before 1970, for which humantime panics.
pub fn rfc3339(time: SystemTime) -> Option<String> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(time)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_written_is_missing() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(rfc3339(now).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(rfc3339(now - Duration::from_secs(1)), None);
        assert_eq!(rfc3339(now + Duration::from_secs(60 * 60 * 24 * 366 * 9000)), None);
    }
}
