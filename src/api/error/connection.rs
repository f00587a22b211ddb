//! Why a connection failed, in words: before the request was sent, before an answer, or in the middle of one.

use std::fmt;
use std::io::ErrorKind as Io;

use anyhow::Error;
use ureq::{Proxy, ProxyProtocol, Timeout};

use super::attempt::AttemptError;
use super::retry::Retryable;
use super::tls;
use crate::api::deadline::over_max_time;
use crate::api::endpoint::Endpoint;
use crate::error::{Failure, Kind, broken, is_out_of_files};

const PROXY_PASSWORD: &str =
    "if the proxy needs a user name and a password, use http://USER:PASSWORD@HOST:PORT";

/// How a connection failed, where the library's error does not tell.
#[derive(Debug)]
pub enum ConnectionFault {
    /// It was reused and dead already: nothing was read from it for this request.
    Dead(ureq::Error),
    /// A part of the answer's head had arrived.
    InHead(ureq::Error),
}

impl ConnectionFault {
    /// Finds out whether an error is one of these.
    fn find(error: ureq::Error) -> Result<Self, ureq::Error> {
        match error {
            ureq::Error::Other(other) => match other.downcast() {
                Ok(fault) => Ok(*fault),
                Err(other) => Err(ureq::Error::Other(other)),
            },
            error => Err(error),
        }
    }

    /// Returns the library's error.
    pub fn cause(error: ureq::Error) -> ureq::Error {
        match Self::find(error) {
            Ok(Self::Dead(error) | Self::InHead(error)) | Err(error) => error,
        }
    }
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (Self::Dead(error) | Self::InHead(error)) = self;
        error.fmt(f)
    }
}

impl std::error::Error for ConnectionFault {}

/// No answer came: the connection failed, before or after the request was sent.
pub fn connection_error(endpoint: &Endpoint, error: ureq::Error, was_sent: bool) -> AttemptError {
    let error = match ConnectionFault::find(error) {
        Ok(ConnectionFault::InHead(error)) => return cut_off(endpoint, error),
        Ok(ConnectionFault::Dead(error)) => {
            let failed = connection_error(endpoint, error, was_sent);
            return AttemptError { retryable: Retryable::AtOnce, ..failed };
        }
        Err(error) => error,
    };
    if let Some(hint) = tls::hint(&error, endpoint) {
        let message = format!("no trusted connection to {}{}", endpoint.host(), via(endpoint));
        let failure = Failure::new(Kind::NoConnection, message).hint(hint);
        return AttemptError::new(with_cause(error, failure), Retryable::No);
    }
    let is_invalid =
        matches!(error, ureq::Error::Protocol(_) | ureq::Error::LargeResponseHeader(..));
    if is_invalid && !was_sent && endpoint.proxy.is_some() {
        let message = format!("cannot connect to {}{}", endpoint.host(), via(endpoint));
        let failure = Failure::new(
            Kind::NoConnection,
            format!("{message}: it does not answer in valid HTTP"),
        );
        return failure.hint("is it an HTTP proxy? for a SOCKS proxy, use socks5h://").into();
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
    let not_found = || match endpoint.proxy.as_ref().map(Proxy::protocol) {
        // this machine looks up the name of the server, too
        Some(ProxyProtocol::Socks4 | ProxyProtocol::Socks5) => {
            unconnected().hint("with socks5h://, the proxy looks up the name of the server")
        }
        // which of the two names it was is not known
        Some(_) => unconnected().hint("check the address of the proxy"),
        None => Failure::new(Kind::NoConnection, format!("cannot find the host {host}"))
            .hint("check --base-url and the network"),
    };
    match error {
        ureq::Error::Timeout(Timeout::Global) => (over_max_time_of(endpoint), Retryable::No),
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
            _ if is_out_of_files(io) => (unconnected(), Retryable::No),
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
pub fn cut_off(endpoint: &Endpoint, error: ureq::Error) -> AttemptError {
    if matches!(error, ureq::Error::Timeout(Timeout::Global)) {
        return over_max_time_of(endpoint).into();
    }
    if matches!(error, ureq::Error::Timeout(_)) {
        return silent(endpoint).into();
    }
    let failure = broken(format!("the answer of {} ended early", endpoint.host()));
    AttemptError::new(with_cause(error, failure), Retryable::No)
}

fn over_max_time_of(endpoint: &Endpoint) -> Failure {
    let why = format!("{} did not complete its answer within", endpoint.host());
    over_max_time(endpoint.max_time.unwrap_or_default(), &why)
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
