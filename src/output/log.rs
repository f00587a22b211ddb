//! The log: one JSON line per question, without prompt, answer or key.

use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

use anyhow::Result;
use serde_json::json;

use super::Console;
use crate::api::{Answer, Head, Limits};
use crate::jsonl::Lines;

/// The open log file.
pub struct Log(Lines);

/// One request and what came of it.
pub struct Record<'a> {
    pub host: &'a str,
    /// The model that was asked; the server's own name for it is preferred.
    pub model: &'a str,
    /// The head that the last attempt got.
    pub head: Option<&'a Head>,
    pub answer: &'a Answer,
    /// In dollars, estimated.
    pub cost: Option<f64>,
    /// How often the last model was asked.
    pub attempts: u32,
    /// How many requests the question took, of all models.
    pub requests: u32,
    /// It is a recorded answer.
    pub replayed: bool,
    pub seconds: f64,
    pub exit: u8,
}

impl Log {
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self(Lines::open(path, "the log")?))
    }

    /// Appends one line. Many processes may share a log.
    pub fn append(&self, record: &Record, console: &Console) -> Result<()> {
        let Record { answer, head, .. } = record;
        let limits = head.map_or_else(Limits::default, |head| head.limits);
        let redacted = |text: Option<&str>| text.map(|text| console.redact(text));
        let mut line = json!({
            "time": rfc3339(SystemTime::now()),
            "host": record.host,
            "model": redacted(Some(answer.model.as_deref().unwrap_or(record.model))),
            "status": head.map(|head| head.status),
            "request_id": redacted(head.and_then(|head| head.request_id.as_deref())),
            "stop_reason": redacted(answer.stop_reason.as_deref()),
            "input_tokens": answer.usage.input(),
            "output_tokens": answer.usage.output_tokens,
            "cost": record.cost.map(|cost| (cost * 1e9).round() / 1e9),
            "credits": limits.credits,
            "requests_left": limits.remaining,
            "requests_limit": limits.limit,
            "limit_resets": limits.reset.and_then(rfc3339),
            "attempts": record.attempts,
            "requests": record.requests,
            "seconds": (record.seconds * 1e3).round() / 1e3,
            "exit": record.exit,
        });
        if record.replayed {
            line["replayed"] = true.into();
        }
        self.0.append(format!("{line}\n").as_bytes())
    }
}

/// A time as RFC 3339 writes it, if it can: years have four digits. None before 1970, where humantime panics.
pub fn rfc3339(time: SystemTime) -> Option<String> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(time)).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_that_cannot_be_written_is_missing() {
        let now = SystemTime::UNIX_EPOCH;
        assert_eq!(rfc3339(now).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(rfc3339(now - Duration::from_secs(1)), None);
        assert_eq!(rfc3339(now + Duration::from_hours(24 * 366 * 9000)), None);
    }
}
