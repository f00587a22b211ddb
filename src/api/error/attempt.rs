//! What went wrong between this program and a server, in words, and whether the request may be sent again.

use std::io::ErrorKind as Io;
use std::time::{Duration, SystemTime};

use anyhow::Error;
use ureq::Timeout;
use ureq::http::HeaderMap;
use ureq::http::header::LOCATION;

use super::body::{ErrorBody, status_kind};
use super::relay::{bot_check, meaning};
use super::retry::{Retryable, asked_pause, retryable};
use super::tls;
use crate::api::endpoint::Endpoint;
use crate::api::head::Head;
use crate::api::limits::in_words;
use crate::api::net::transport::Broken;
use crate::error::{Failure, Kind};

const PROXY_PASSWORD: &str =
    "if the proxy needs a user name and a password, use http://USER:PASSWORD@HOST:PORT";

/// Why one attempt failed.
#[derive(Debug)]
pub struct AttemptError {
    pub error: Error,
    pub retryable: Retryable,
    /// How long the server asks to wait.
    pub asked: Option<Duration>,
    /// The pause is for everybody who uses this key.
    pub rate_limited: bool,
}

impl AttemptError {
    fn new(error: impl Into<Error>, retryable: Retryable) -> Self {
        Self { error: error.into(), retryable, asked: None, rate_limited: false }
    }
}

impl From<Failure> for AttemptError {
    /// A failure that would be the same next time.
    fn from(failure: Failure) -> Self {
        Self::new(failure, Retryable::No)
    }
}

/// A failure of [`Kind::BrokenAnswer`].
pub fn broken(message: impl Into<String>) -> Failure {
    Failure::new(Kind::BrokenAnswer, message)
}

/// No answer came: the connection failed, before or after the request was sent.
pub fn connection_error(endpoint: &Endpoint, error: ureq::Error, was_sent: bool) -> AttemptError {
    let error = match Broken::find(error) {
        Ok(Broken::InHead(error)) => return interrupted(endpoint, error),
        Ok(Broken::BareLineEnds) => return invalid_http(endpoint).into(),
        Ok(Broken::Dead(error)) => {
            let failed = connection_error(endpoint, error, was_sent);
            return AttemptError { retryable: Retryable::AtOnce, ..failed };
        }
        Err(error) => error,
    };
    if let Some(hint) = tls::hint(&error, endpoint.roots_variable) {
        let message = format!("no trusted connection to {}{}", endpoint.host(), via(endpoint));
        let failure = Failure::new(Kind::NoConnection, message).hint(hint);
        return AttemptError::new(with_cause(error, failure), Retryable::No);
    }
    let (failure, retryable) = match plain_failure(endpoint, &error) {
        // what was not sent costs nothing
        (failure, Retryable::MaybeCharged) if !was_sent => (failure, Retryable::Yes),
        plain => plain,
    };
    AttemptError::new(with_cause(error, failure), retryable)
}

/// The message for a connection that failed, but not because of TLS.
fn plain_failure(endpoint: &Endpoint, error: &ureq::Error) -> (Failure, Retryable) {
    let (host, via) = (endpoint.host(), via(endpoint));
    let unconnected = || Failure::new(Kind::NoConnection, format!("cannot connect to {host}{via}"));
    let not_found = || match &endpoint.proxy {
        // which of the two names it was is not known
        Some(_) => unconnected().hint("check the address of the proxy"),
        None => Failure::new(Kind::NoConnection, format!("cannot find the host {host}"))
            .hint("check --base-url and the network"),
    };
    match error {
        ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => {
            (silent(endpoint), Retryable::MaybeCharged)
        }
        ureq::Error::Timeout(_) => {
            let limit = endpoint.connect_timeout.as_secs_f64();
            let message = format!("no connection to {host}{via} within {limit} s");
            let failure = Failure::new(Kind::NoConnection, message);
            (failure.hint("use --connect-timeout SECONDS to wait longer"), Retryable::Yes)
        }
        ureq::Error::LargeResponseHeader(..) => {
            (broken(format!("the headers of {host}'s answer are over 64 KiB")), Retryable::No)
        }
        ureq::Error::Protocol(_) => {
            let is_plain = endpoint.url.scheme_str() == Some("http");
            let hint = is_plain.then_some("if the server speaks TLS, use https:// in --base-url");
            (invalid_http(endpoint).maybe_hint(hint), Retryable::No)
        }
        ureq::Error::ConnectProxyFailed(reason) => proxy_failure(endpoint, reason),
        ureq::Error::HostNotFound => (not_found(), Retryable::Yes),
        ureq::Error::Io(io) => match io.kind() {
            Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
                let message = format!("{host} closed the connection without an answer{via}");
                (Failure::new(Kind::NoConnection, message), Retryable::MaybeCharged)
            }
            Io::ConnectionRefused if endpoint.proxy.is_some() => {
                (unconnected().hint("is the proxy running?"), Retryable::Yes)
            }
            Io::ConnectionRefused => {
                let hint = "is the server running, and is --base-url right?";
                (unconnected().hint(hint), Retryable::Yes)
            }
            // a failed name look-up has neither a kind nor a number
            _ if io.raw_os_error().is_none() => (not_found(), Retryable::Yes),
            _ => (unconnected(), Retryable::Yes),
        },
        _ => (unconnected(), Retryable::No),
    }
}

/// The proxy did not connect to the server.
fn proxy_failure(endpoint: &Endpoint, reason: &str) -> (Failure, Retryable) {
    let (host, via, status) = (endpoint.host(), via(endpoint), proxy_status(reason));
    let answer = status.map_or(reason.into(), |status| format!("it answered {status}"));
    let message = format!("cannot connect to {host}{via}: {answer}");
    let failure = Failure::new(Kind::NoConnection, message);
    match status {
        Some(407) => (failure.hint(PROXY_PASSWORD), Retryable::No),
        Some(502..=504) => (failure.hint(format!("the proxy cannot reach {host}")), Retryable::Yes),
        _ => (failure, Retryable::No),
    }
}

fn invalid_http(endpoint: &Endpoint) -> Failure {
    broken(format!("{} does not answer in valid HTTP/1.1", endpoint.host()))
}

/// The status of a proxy that refused; the library has it in words only: "proxy server responded 502/502".
fn proxy_status(reason: &str) -> Option<u16> {
    reason.rsplit(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

/// The connection failed after the answer had begun.
pub fn interrupted(endpoint: &Endpoint, error: ureq::Error) -> AttemptError {
    let error = match Broken::find(error) {
        Ok(broken @ Broken::BareLineEnds) => {
            return AttemptError::new(
                Error::new(broken).context(invalid_http(endpoint)),
                Retryable::No,
            );
        }
        Ok(Broken::InHead(error) | Broken::Dead(error)) | Err(error) => error,
    };
    if matches!(error, ureq::Error::Timeout(_)) {
        return silent(endpoint).into();
    }
    let failure = broken(format!("the answer of {} ended early", endpoint.host()));
    AttemptError::new(with_cause(error, failure), Retryable::No)
}

/// The server refused the request with this head and body.
pub fn refused(endpoint: &Endpoint, head: &Head, body: &[u8]) -> AttemptError {
    let (host, status) = (endpoint.host(), head.status);
    if let Some(kind) = bot_check(head, body) {
        return stopped_by_bot_check(endpoint, head, kind);
    }
    let body = ErrorBody::read(body);
    let now = SystemTime::now();
    let until_reset = |reset: SystemTime| reset.duration_since(now).ok();
    let asked = asked_pause(status, &head.headers, &head.limits, now);
    let asked = asked.or_else(|| until_reset(body.reset?).filter(|_| status == 429));
    let meaning = meaning(status, &body);
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
    let location = head.headers.get(LOCATION).filter(|_| status < 400);
    let words = match location {
        Some(location) => format!(": to {}", String::from_utf8_lossy(location.as_bytes())),
        None if status == 524 => format!(": {}", silent_origin(&body.message)),
        None if body.message.is_empty() => String::new(),
        None => format!(": {}", body.message),
    };
    let hint = meaning.map(|meaning| meaning.hint.into());
    let hint = hint.or_else(|| refused_hint(endpoint, head, kind, asked));
    let failure = Failure::new(kind, format!("{what} ({status}{named}){words}")).maybe_hint(hint);
    let id = body.request_id.or_else(|| head.request_id.clone());
    let retryable = retryable(status, &head.headers, meaning.map(|meaning| meaning.retried));
    AttemptError { asked, ..answered(failure, id, retryable) }
}

/// The server answered with a failure, under this request id.
fn answered(
    mut failure: Failure,
    request_id: Option<String>,
    retryable: Retryable,
) -> AttemptError {
    let rate_limited = failure.kind == Kind::RateLimited;
    failure.request_id = request_id;
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
    answered(failure, head.request_id.clone(), retryable)
}

fn refused_hint(
    endpoint: &Endpoint,
    head: &Head,
    kind: Kind,
    asked: Option<Duration>,
) -> Option<String> {
    Some(match (kind, head.status) {
        (Kind::KeyRejected, _) => "check the key, and that it belongs to this --base-url".into(),
        (Kind::NotPermitted, _) => format!("${:.2} credits are left", head.limits.credits?),
        (_, 524) => "the request may have been charged; with --json, add --stream".into(),
        (Kind::RateLimited | Kind::ServerFailed, _) if let Some(pause) = asked => {
            format!("try again in {}", in_words(pause))
        }
        (Kind::RateLimited, _) => "wait a little and try again".into(),
        (Kind::Refused, ..400) => "use the new address as --base-url, if you trust it".into(),
        (Kind::Refused, 404) => {
            format!(
                "check --base-url, and --model with --list-models=server; the URL was {}",
                endpoint.url
            )
        }
        _ => return None,
    })
}

/// An `error` event, or an error body under a status of success.
pub fn error_event(body: &ErrorBody) -> AttemptError {
    let name = if body.kind.is_empty() { "an error" } else { &body.kind };
    let words = if body.message.is_empty() { String::new() } else { format!(": {}", body.message) };
    let message = format!("the server answered with {name}{words}");
    let status = body.status.unwrap_or(200);
    let meaning = meaning(status, body);
    let kind = meaning.map_or_else(|| body.failure_kind(), |meaning| meaning.kind);
    let is_passing = matches!(&*body.kind, "overloaded_error" | "api_error" | "rate_limit_error");
    let retried = meaning.map(|meaning| meaning.retried).or(is_passing.then_some(true));
    let failure = Failure::new(kind, message).maybe_hint(meaning.map(|meaning| meaning.hint));
    answered(failure, body.request_id.clone(), retryable(status, &HeaderMap::new(), retried))
}

fn silent(endpoint: &Endpoint) -> Failure {
    let (host, via, limit) = (endpoint.host(), via(endpoint), endpoint.timeout.as_secs_f64());
    let message = format!("{host} sent nothing for {limit} s{via}");
    Failure::new(Kind::NoConnection, message).hint("use --timeout SECONDS to wait longer")
}

fn via(endpoint: &Endpoint) -> String {
    let proxy = endpoint.proxy.as_ref();
    proxy.map_or(String::new(), |proxy| {
        format!(" through the proxy {}:{}", proxy.host(), proxy.port())
    })
}

/// The failure with the library's error as its cause, where that says more.
fn with_cause(error: ureq::Error, failure: Failure) -> Error {
    match error {
        ureq::Error::Timeout(_)
        | ureq::Error::LargeResponseHeader(..)
        | ureq::Error::ConnectProxyFailed(_) => failure.into(),
        ureq::Error::Io(io) if io.kind() == Io::UnexpectedEof || tls::is_unnamed(&io) => {
            failure.into()
        }
        ureq::Error::Io(io) => Error::new(io).context(failure),
        other => Error::new(other).context(failure),
    }
}
