//! The log: one JSON line per question, without prompt, answer or key.

use std::time::SystemTime;

use anyhow::Result;
use serde_json::json;

use super::outcome::Outcome;
use super::session::Session;
use crate::api::Cost;
use crate::api::time::rfc3339;
use crate::error::kind;
use crate::jsonl;

/// Appends the line of a question to the log, if there is one and the question was sent or replayed. `model` is the
/// model that was asked, `item` the line of an item of a batch. It comes after all other writing, whose failure it
/// reports. Many processes may share a log.
pub fn append(outcome: &Outcome, session: &Session, model: &str, item: Option<u64>) -> Result<()> {
    let Outcome { answer, stats, seconds, .. } = outcome;
    let lines =
        session.log.as_ref().filter(|_| outcome.stats.requests > 0 || outcome.stats.replayed);
    let Some(lines) = lines else { return Ok(()) };
    let redacted = |text: &String| session.options.console.redact(text);
    let model = answer.model.as_deref().unwrap_or(model);
    let error = outcome.result.as_ref().err().or(outcome.write_error.as_ref());
    let mut line = json!({
        "time": rfc3339(SystemTime::now()),
        "host": session.client.endpoint().host(),
        "model": session.options.console.redact(model),
        "status": stats.head.as_ref().map(|head| head.status),
        "request_id": stats.head.as_ref().and_then(|head| head.request_id.as_ref()).map(redacted),
        "stop_reason": answer.stop_reason.as_ref().map(redacted),
        "input_tokens": answer.usage.input(),
        "output_tokens": answer.usage.output_tokens,
        "cost": outcome.cost.and_then(Cost::known),
        "credits": stats.limits.credits,
        "requests_left": stats.limits.remaining,
        "requests_limit": stats.limits.limit,
        "limit_resets": stats.limits.reset.and_then(rfc3339),
        "attempts": stats.attempts,
        "requests": stats.requests,
        "seconds": (seconds * 1e3).round() / 1e3,
        "exit": error.map_or(0, |error| kind(error) as u8),
    });
    if stats.replayed {
        line["replayed"] = true.into();
    }
    if let Some(number) = item {
        line["line"] = number.into();
    }
    lines.append(jsonl::line(&line)?.as_bytes())
}
