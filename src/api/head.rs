//! The head of an answer: its status, and what its headers say.

use ureq::http::HeaderMap;

use super::limits::Limits;

/// The headers that may carry a request id. The first one that is there counts.
const REQUEST_IDS: [&str; 4] = ["request-id", "x-request-id", "x-oneapi-request-id", "cf-ray"];

#[derive(Debug, Clone)]
pub struct Head {
    pub status: u16,
    pub headers: HeaderMap,
    pub limits: Limits,
    pub request_id: Option<String>,
}

impl Head {
    pub fn new(status: u16, headers: HeaderMap) -> Self {
        let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name));
        let request_id = id.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
        Self { status, limits: Limits::read(&headers), request_id, headers }
    }
}
