//! What the user sees while a request is under way: a spinner, the retries, the exchange under `--verbose`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Error;
use ureq::http::StatusCode;

use super::console::Console;
use super::spinner::Phase;
use crate::api::{Head, Prepared, Progress, Retry};
use crate::sync::lock;

/// Starts a spinner, which shows the seconds from now on.
pub fn start_spinner(console: &Console) {
    let (begun, phase) = (Instant::now(), Arc::clone(&console.phase));
    console.start_live(move || lock(&phase).frame(begun.elapsed()));
}

/// Shows one step of a request.
pub fn show_progress(console: &Console, progress: &Progress) {
    match progress {
        Progress::Sending(prepared) => {
            *lock(&console.phase) = Phase::Waiting;
            show_request(console, prepared);
        }
        Progress::Head(head, elapsed) => show_head(console, head, *elapsed),
        Progress::Thinking => *lock(&console.phase) = Phase::Thinking { since: Instant::now() },
        Progress::Answering => *lock(&console.phase) = Phase::Waiting,
        Progress::Failed(_) => {}
        Progress::Retrying(retry) => {
            *lock(&console.phase) = Phase::Pausing { until: Instant::now() + retry.pause };
            note_retry(console, retry);
        }
    }
}

/// Notes that another model is asked, and why.
pub fn note_fallback(console: &Console, error: &Error, model: &str) {
    console.note(format_args!("{}; asking the fallback {model}", console.describe(error)));
}

/// Notes what happened, which try is next, and when.
fn note_retry(console: &Console, retry: &Retry) {
    let Retry { next, tries, .. } = retry;
    let error = console.describe(retry.error);
    let pause = retry.pause.as_secs_f64();
    let when = if pause < 0.05 { "now".into() } else { format!("in {pause:.1} s") };
    let charged =
        if retry.may_be_charged { ", though the server may have answered and charged" } else { "" };
    let of = tries.map_or(String::new(), |tries| format!(" of {tries}"));
    console.note(format_args!("{error}; try {next}{of} {when}{charged}"));
}

fn show_request(console: &Console, prepared: &Prepared) {
    if !console.verbose {
        return;
    }
    let Prepared { method, url, headers, body, .. } = prepared;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    console.trace(">", format_args!("{method} {path} HTTP/1.1"));
    let host = url.authority().map_or("", |authority| authority.as_str());
    console.trace(">", format_args!("host: {host}"));
    if !body.is_empty() {
        console.trace(">", format_args!("content-length: {}", body.len()));
    }
    for header in headers {
        console.trace(">", format_args!("{}: {}", header.name, header.redacted()));
    }
}

fn show_head(console: &Console, head: &Head, elapsed: Duration) {
    if !console.verbose {
        return;
    }
    console.trace("*", format_args!("the answer began after {:.3} s", elapsed.as_secs_f64()));
    let status = StatusCode::from_u16(head.status);
    let status = status.map_or_else(|_| head.status.to_string(), |status| status.to_string());
    console.trace("<", format_args!("HTTP/1.1 {status}"));
    for (name, value) in &head.headers {
        console.trace("<", format_args!("{name}: {}", String::from_utf8_lossy(value.as_bytes())));
    }
}
