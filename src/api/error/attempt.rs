//! What went wrong between this program and a server, in words, and whether the request may be sent again.

use std::time::{Duration, SystemTime};

use anyhow::Error;
use ureq::http::HeaderMap;
use ureq::http::header::LOCATION;

use super::body::{ErrorBody, status_kind};
use super::field::field_hint;
use super::origin::origin_hint;
use super::relay::{bot_check, meaning};
use super::retry::{Retryable, retryable, server_pause};
use crate::api::endpoint::Endpoint;
use crate::api::head::Head;
use crate::api::request::Prepared;
use crate::api::time::in_words;
use crate::api::usage::Usage;
use crate::error::{Failure, Kind};

/// Why one attempt failed.
#[derive(Debug)]
pub struct AttemptError {
    pub error: Error,
    /// What the server says about it; empty if it says nothing.
    pub words: String,
    pub retryable: Retryable,
    /// How long the server asks to wait.
    pub server_pause: Option<Duration>,
    /// The pause is for everybody who uses this key.
    pub rate_limited: bool,
    /// The tokens of its answer, as far as the server counted them.
    pub usage: Usage,
}

impl AttemptError {
    pub(super) fn new(error: impl Into<Error>, retryable: Retryable) -> Self {
        let (error, words, usage) = (error.into(), String::new(), Usage::default());
        Self { error, words, retryable, server_pause: None, rate_limited: false, usage }
    }

    /// The error of this request. If the server's words name a part of it, the hint says what to do about it.
    #[must_use]
    pub fn of(mut self, request: &Prepared) -> Self {
        if let Some(failure) = self.error.downcast_mut::<Failure>()
            && let Some(hint) = field_hint(failure, &self.words, request)
                .or_else(|| origin_hint(failure, &self.words, request))
        {
            failure.hint = Some(hint);
        }
        self
    }
}

impl From<Failure> for AttemptError {
    /// A failure that would be the same next time.
    fn from(failure: Failure) -> Self {
        Self::new(failure, Retryable::No)
    }
}

/// The server refused the request with this head and body.
pub fn refused(endpoint: &Endpoint, head: &Head, body: &[u8]) -> AttemptError {
    let (host, status) = (endpoint.host(), head.status);
    if let Some(kind) = bot_check(head, body) {
        return stopped_by_bot_check(endpoint, head, kind);
    }
    let body = ErrorBody::read(body);
    let pause = server_pause(status, &head.headers, head.time);
    let pause = pause.or_else(|| body.pause?.left(head.time).filter(|_| status == 429));
    let meaning = meaning(Some(status), &body);
    let kind = meaning.map_or_else(|| status_kind(status), |meaning| meaning.kind);
    let what = match kind {
        Kind::KeyRejected => format!("{host} did not accept the key"),
        Kind::NotPermitted => format!("{host} did not permit the request"),
        Kind::RateLimited => format!("{host} limits the rate of requests"),
        Kind::ServerFailed => format!("{host} failed"),
        _ if status < 400 => {
            format!("{host} redirected the request, and redirects are not followed")
        }
        _ => format!("{host} refused the request"),
    };
    let named = if body.kind.is_empty() { String::new() } else { format!(" {}", body.kind) };
    let words = match location(head) {
        Some(location) => format!(": to {location}"),
        None if status == 524 => format!(": {}", silent_origin(&body.message)),
        None if body.message.is_empty() => String::new(),
        None => format!(": {}", body.message),
    };
    let hint = meaning.map(|meaning| meaning.hint.into());
    let hint = hint.or_else(|| refused_hint(endpoint, head, kind, pause));
    let failure = Failure::new(kind, format!("{what} ({status}{named}){words}")).maybe_hint(hint);
    let id = body.request_id.or_else(|| head.request_id.clone());
    let retryable = retryable(status, &head.headers, meaning.map(|meaning| meaning.retried));
    let failed = with_status(failure, Some(status), id, retryable);
    AttemptError { words: body.message, server_pause: pause, ..failed }
}

/// Where a redirect leads.
fn location(head: &Head) -> Option<String> {
    let location = head.headers.get(LOCATION).filter(|_| head.status < 400)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The server answered with a failure that has this status, under this request id.
fn with_status(
    mut failure: Failure,
    status: Option<u16>,
    request_id: Option<String>,
    retryable: Retryable,
) -> AttemptError {
    let rate_limited = failure.kind == Kind::RateLimited;
    (failure.status, failure.request_id) = (status, request_id);
    AttemptError { rate_limited, ..AttemptError::new(failure, retryable) }
}

/// Why Cloudflare gave up. Its own page, `error code: 524`, does not say so.
fn silent_origin(message: &str) -> String {
    let why = "the server behind it sent nothing for 100 s, which streaming avoids";
    let says_more = !message.is_empty() && !message.contains("524");
    if says_more { format!("{message}; {why}") } else { why.into() }
}

/// A firewall lets no program through.
pub fn stopped_by_bot_check(endpoint: &Endpoint, head: &Head, kind: Kind) -> AttemptError {
    let (host, status) = (endpoint.host(), head.status);
    let message = format!("a bot check blocks requests to {host} ({status})");
    let failure = Failure::new(kind, message).hint(
        "open the address in a browser to see it, and ask the operator to let API clients through",
    );
    let retryable = retryable(status, &head.headers, Some(kind == Kind::RateLimited));
    with_status(failure, Some(status), head.request_id.clone(), retryable)
}

fn refused_hint(
    endpoint: &Endpoint,
    head: &Head,
    kind: Kind,
    server_pause: Option<Duration>,
) -> Option<String> {
    let pause = server_pause.filter(|pause| !pause.is_zero());
    Some(match (kind, head.status) {
        (Kind::KeyRejected, _) => "check the key, and that it belongs to this --base-url".into(),
        (Kind::NotPermitted, _) => format!("${:.2} credits are left", head.limits.credits?),
        (_, 524) => "the request may have been charged; with --json, add --stream".into(),
        (Kind::RateLimited, _) if pause.is_none() => "wait a little and try again".into(),
        (Kind::RateLimited | Kind::ServerFailed, _) => format!("try again in {}", in_words(pause?)),
        (Kind::Refused, ..400) if location(head).is_some_and(|to| is_messages_url(&to)) => {
            "use the new address as --base-url, if you trust it".into()
        }
        (Kind::Refused, ..400) => {
            "it asks for a login or leads elsewhere; is --base-url the address of the API?".into()
        }
        (Kind::Refused, 404) => {
            format!(
                "check --base-url, and --model with --list-models=server; the URL was {}",
                endpoint.url
            )
        }
        _ => return None,
    })
}

/// Whether a redirect leads to another address of the API.
fn is_messages_url(location: &str) -> bool {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').ends_with("/v1/messages")
}

/// An `error` event, or an error body under a status of success. Its points in time count from `now`.
pub fn error_event(body: &ErrorBody, now: SystemTime) -> AttemptError {
    let name = if body.kind.is_empty() { "an error" } else { &body.kind };
    let words = if body.message.is_empty() { String::new() } else { format!(": {}", body.message) };
    let message = format!("the server answered with {name}{words}");
    let (meaning, of_type) = (meaning(None, body), body.kind_of_type());
    let of_status = || body.status.map_or(Kind::ServerFailed, status_kind);
    let kind = meaning.map(|meaning| meaning.kind).or(of_type).unwrap_or_else(of_status);
    let is_passing = matches!(&*body.kind, "overloaded_error" | "api_error" | "rate_limit_error");
    let retried = meaning.map(|meaning| meaning.retried).or(of_type.map(|_| is_passing));
    let failure = Failure::new(kind, message).maybe_hint(meaning.map(|meaning| meaning.hint));
    let retryable = retryable(body.status.unwrap_or(200), &HeaderMap::new(), retried);
    let pause = body.pause.and_then(|pause| pause.left(now));
    let pause = pause.filter(|_| kind == Kind::RateLimited);
    let is_missing = body.kind == "not_found_error";
    let status = body.status.or(is_missing.then_some(404));
    let failed = with_status(failure, status, body.request_id.clone(), retryable);
    AttemptError { words: body.message.clone(), server_pause: pause, ..failed }
}
