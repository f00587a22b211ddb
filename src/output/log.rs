//! The log: one JSON line a request, never its prompt, its answer or the key.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::json;

use crate::api::{Limits, Price, Reply};
use crate::error::{Failure, Kind};

/// The open log.
pub struct Log {
    file: File,
    path: PathBuf,
}

/// What is told about a request.
pub struct Entry<'a> {
    pub host: &'a str,
    /// The model that was asked for; what the server says it was counts more.
    pub model: &'a str,
    /// The HTTP status of the last attempt that had one.
    pub status: Option<u16>,
    pub request_id: Option<&'a str>,
    pub reply: &'a Reply,
    pub price: Price,
    pub limits: Limits,
    pub attempts: u32,
    pub seconds: f64,
    pub exit: u8,
}

impl Log {
    /// Opens the log to append to it.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = || {
            Failure::new(
                Kind::Local,
                format!("cannot open the log {}", path.display()),
            )
        };
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .with_context(cannot)?;
        Ok(Self {
            file,
            path: path.into(),
        })
    }

    /// Appends one line, in one write, so that many programs can share a log.
    pub fn append(&self, entry: &Entry) -> Result<()> {
        let Entry { reply, limits, .. } = entry;
        let time = |time| humantime::format_rfc3339_seconds(time).to_string();
        let line = json!({
            "time": time(SystemTime::now()),
            "host": entry.host,
            "model": reply.model.as_deref().unwrap_or(entry.model),
            "status": entry.status,
            "request_id": entry.request_id,
            "stop_reason": reply.stop_reason,
            "input_tokens": reply.usage.input_tokens,
            "output_tokens": reply.usage.output_tokens,
            "cost": entry.price.of(&reply.usage).map(|cost| (cost * 1e9).round() / 1e9),
            "credits": limits.credits,
            "requests_left": limits.remaining,
            "requests_limit": limits.limit,
            "limit_resets": limits.reset.filter(|reset| is_printable(*reset)).map(time),
            "attempts": entry.attempts,
            "seconds": (entry.seconds * 1e3).round() / 1e3,
            "exit": entry.exit,
        });
        let cannot = || {
            Failure::new(
                Kind::Local,
                format!("cannot write to the log {}", self.path.display()),
            )
        };
        (&self.file)
            .write_all(format!("{line}\n").as_bytes())
            .with_context(cannot)
    }
}

/// Whether a time has a year of four digits, as RFC 3339 wants it.
fn is_printable(time: SystemTime) -> bool {
    const YEAR_10000: u64 = 253_402_300_800;
    time.duration_since(SystemTime::UNIX_EPOCH)
        .is_ok_and(|since| since.as_secs() < YEAR_10000)
}
