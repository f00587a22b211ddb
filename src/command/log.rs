//! The log: one JSON line per question, without prompt, answer or key.

use std::fmt::Write;
use std::time::SystemTime;

use anyhow::Result;
use serde_json::json;

use super::exchange::Outcome;
use super::session::Session;
use crate::error::{Kind, kind};

impl Outcome {
    /// Appends the line of a question that was asked of this model, or answered from a record, if there is a log. Many
    /// processes may share one.
    pub fn log(&self, session: &Session, model: &str, seconds: f64) -> Result<()> {
        let Self { answer, head, limits, .. } = self;
        let lines = session.log.as_ref().filter(|_| self.requests > 0 || self.replayed);
        let Some(lines) = lines else { return Ok(()) };
        let redacted = |text: &String| session.options.console.redact(text);
        let model = answer.model.as_deref().unwrap_or(model);
        let mut line = json!({
            "time": rfc3339(SystemTime::now()),
            "host": session.client.endpoint().host(),
            "model": session.options.console.redact(model),
            "status": head.as_ref().map(|head| head.status),
            "request_id": head.as_ref().and_then(|head| head.request_id.as_ref()).map(redacted),
            "stop_reason": answer.stop_reason.as_ref().map(redacted),
            "input_tokens": answer.usage.input(),
            "output_tokens": answer.usage.output_tokens,
            "cost": self.cost.map(|cost| (cost * 1e9).round() / 1e9),
            "credits": limits.credits,
            "requests_left": limits.remaining,
            "requests_limit": limits.limit,
            "limit_resets": limits.reset.and_then(rfc3339),
            "attempts": self.attempts,
            "requests": self.requests,
            "seconds": (seconds * 1e3).round() / 1e3,
            "exit": self.exit_status(session.options.strict),
        });
        if self.replayed {
            line["replayed"] = true.into();
        }
        lines.append(format!("{line}\n").as_bytes())
    }

    fn exit_status(&self, strict: bool) -> u8 {
        match &self.result {
            Err(error) => kind(error) as u8,
            Ok(()) if strict && self.short.is_some() => Kind::StoppedShort as u8,
            Ok(()) => 0,
        }
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
