//! The head of an answer: its status, and what its headers say.

use std::time::SystemTime;

use ureq::http::HeaderMap;
use ureq::http::header::{AGE, DATE};

use super::limits::Limits;

/// The headers that carry a request id.
const REQUEST_IDS: [&str; 4] = ["request-id", "x-request-id", "x-oneapi-request-id", "cf-ray"];

/// The head of an answer.
#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: HeaderMap,
    pub limits: Limits,
    pub request_id: Option<String>,
    /// When it was sent, by the server's clock, from which points in time in its headers and its body count.
    pub time: SystemTime,
}

impl Head {
    /// Reads the headers. The limits count by the clock of this machine.
    pub fn new(status: u16, headers: HeaderMap) -> Self {
        let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name));
        let request_id = id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        let now = SystemTime::now();
        // an answer with an age comes from a cache (RFC 9111, section 5.1)
        let date = headers.get(DATE).filter(|_| !headers.contains_key(AGE));
        let date = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let time = date.unwrap_or(now);
        let mut limits = Limits::read(&headers);
        limits.reset = limits.reset.and_then(|reset| match now.duration_since(time) {
            Ok(ahead) => reset.checked_add(ahead),
            Err(behind) => reset.checked_sub(behind.duration()),
        });
        Self { status, headers, limits, request_id, time }
    }
}
