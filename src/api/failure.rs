//! What went wrong between this program and a server: a message, a hint, an exit status,
//! and whether the same request may be sent again.

use std::io::ErrorKind as Io;
use std::time::Duration;

use anyhow::{Context, Error};
use rustls::CertificateError as Bad;
use ureq::Timeout;
use ureq::http::HeaderValue;
use ureq::http::header::LOCATION;

use super::limits::in_words;
use super::prepare::Endpoint;
use super::refusal::{Refusal, status_kind};
use super::retry::{Again, Refused};
use super::transport::CutShort;
use crate::error::{Failure, Kind};

/// A request to which no answer came, or a refusal.
pub struct Lost {
    pub error: Error,
    pub again: Again,
    /// For how long the server wants to hear nothing more.
    pub asked: Option<Duration>,
    pub rate_limited: bool,
}

impl Lost {
    fn new(error: impl Into<Error>, again: Again) -> Self {
        Self {
            error: error.into(),
            again,
            asked: None,
            rate_limited: false,
        }
    }
}

/// What to say where the connection failed before the head of an answer was there.
pub fn lost(endpoint: &Endpoint, error: ureq::Error) -> Lost {
    let host = endpoint.host();
    let via = via(endpoint);
    let unconnected = || Failure::new(Kind::NoConnection, format!("no connection to {host}{via}"));
    let proxy_hint = "is the proxy running, and is its address right?";
    let unknown = || match endpoint.proxy {
        // which of the two names it was is not told
        Some(_) => unconnected().hint(proxy_hint),
        None => Failure::new(Kind::NoConnection, format!("cannot find {host}"))
            .hint("check --base-url and the network"),
    };
    let broken = |message: String| Failure::new(Kind::BrokenAnswer, message);
    if matches!(&error, ureq::Error::Other(other) if other.is::<CutShort>()) {
        return Lost::new(broken_off(endpoint, error), Again::Never);
    }
    if let Some(hint) = certificate_trouble(&error, endpoint) {
        let message = format!("no trusted connection to {host}{via}");
        let failure = Failure::new(Kind::NoConnection, message).hint(hint);
        if matches!(&error, ureq::Error::Io(io) if has_no_words(io)) {
            return Lost::new(failure, Again::Never);
        }
        return Lost::new(caused(error, failure), Again::Never);
    }
    let (failure, again) = match &error {
        ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => {
            return Lost::new(silent(endpoint), Again::MaybeCharged);
        }
        ureq::Error::Timeout(_) => {
            let limit = endpoint.connect_timeout.as_secs_f64();
            let message = format!("no connection to {host}{via} within {limit} s");
            let failure = Failure::new(Kind::NoConnection, message);
            let failure = failure.hint("--connect-timeout SECONDS waits longer");
            return Lost::new(failure, Again::Safe);
        }
        ureq::Error::LargeResponseHeader(..) => {
            let failure = broken(format!("the headers of {host}'s answer are over 256 KiB"));
            return Lost::new(failure, Again::Never);
        }
        ureq::Error::Protocol(_) => (
            broken(format!("{host} does not speak HTTP/1.1 as it should")),
            Again::Never,
        ),
        ureq::Error::ConnectProxyFailed(_) => {
            let hint = "if the proxy wants a user name and password, http://USER:PASSWORD@HOST:PORT gives them";
            (unconnected().hint(hint), Again::Never)
        }
        ureq::Error::HostNotFound => (unknown(), Again::Safe),
        ureq::Error::Io(io) => match io.kind() {
            Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
                let message = format!("{host} closed the connection without an answer{via}");
                (
                    Failure::new(Kind::NoConnection, message),
                    Again::MaybeCharged,
                )
            }
            Io::ConnectionRefused => (
                unconnected().hint(if endpoint.proxy.is_some() {
                    proxy_hint
                } else {
                    "is the server running, and is --base-url right?"
                }),
                Again::Safe,
            ),
            // what the name look-up says has neither a kind nor a number of its own
            _ if io.raw_os_error().is_none() => (unknown(), Again::Safe),
            _ => (unconnected(), Again::Safe),
        },
        _ => (unconnected(), Again::Never),
    };
    Lost::new(caused(error, failure), again)
}

/// What to say where the connection failed after an answer had begun.
pub fn broken_off(endpoint: &Endpoint, error: ureq::Error) -> Error {
    let cause = match error {
        ureq::Error::Other(other) => match other.downcast::<CutShort>() {
            Ok(cut) => cut.0,
            Err(other) => ureq::Error::Other(other),
        },
        error => error,
    };
    match cause {
        ureq::Error::Timeout(_) => silent(endpoint).into(),
        error => {
            let message = format!("the answer of {} ended early", endpoint.host());
            caused(error, Failure::new(Kind::BrokenAnswer, message))
        }
    }
}

/// What to say where the server refused, and how it said so.
pub fn refused(
    endpoint: &Endpoint,
    refused: &Refused,
    asked: Option<Duration>,
    body: &[u8],
) -> Failure {
    let Refused {
        status,
        headers,
        limits,
    } = refused;
    let (host, status) = (endpoint.host(), status.as_u16());
    let refusal = Refusal::read(body);
    let kind = status_kind(status);
    let what = match kind {
        Kind::KeyRejected => format!("{host} did not accept the key"),
        Kind::NotPermitted => format!("{host} did not permit the request"),
        Kind::RateLimited => format!("{host} limits the rate of requests"),
        Kind::ServerFailed => format!("{host} failed"),
        _ if status < 400 => format!("{host} redirects, which is not followed"),
        _ => format!("{host} refused the request"),
    };
    let named = if refusal.kind.is_empty() {
        String::new()
    } else {
        format!(" {}", refusal.kind)
    };
    let location = headers.get(LOCATION).filter(|_| status < 400);
    let said = match location.map(HeaderValue::as_bytes) {
        Some(location) => format!(": to {}", String::from_utf8_lossy(location)),
        None if refusal.message.is_empty() => String::new(),
        None => format!(": {}", refusal.message),
    };
    let failure = Failure::new(kind, format!("{what} ({status}{named}){said}"));
    match (kind, status) {
        (Kind::KeyRejected, _) => {
            failure.hint("check the key, and that it belongs to this --base-url")
        }
        (Kind::NotPermitted, _) => match limits.credits {
            Some(credits) => failure.hint(format!("${credits:.2} credits are left")),
            None => failure,
        },
        (Kind::RateLimited | Kind::ServerFailed, _) if let Some(pause) = asked => {
            let pause = in_words(pause.as_secs_f64().ceil() as u64);
            failure.hint(format!("come back in {pause}"))
        }
        (Kind::RateLimited, _) => failure.hint("wait a little and try again"),
        (Kind::Refused, ..400) => failure.hint("give the new place as --base-url, if you trust it"),
        (Kind::Refused, 404) => failure.hint(format!(
            "check --model and --base-url: {} was asked",
            endpoint.url
        )),
        _ => failure,
    }
}

fn silent(endpoint: &Endpoint) -> Failure {
    let (host, via, limit) = (
        endpoint.host(),
        via(endpoint),
        endpoint.timeout.as_secs_f64(),
    );
    let message = format!("{host} was silent for {limit} s{via}");
    Failure::new(Kind::NoConnection, message).hint("--timeout SECONDS waits longer")
}

fn via(endpoint: &Endpoint) -> String {
    let proxy = endpoint.proxy.as_ref();
    proxy.map_or(String::new(), |proxy| {
        format!(" through the proxy {}:{}", proxy.host(), proxy.port())
    })
}

/// The failure with its cause, as plain as the library has it.
fn caused(error: ureq::Error, failure: Failure) -> Error {
    match error {
        ureq::Error::Io(io) => Err::<(), _>(io).context(failure),
        other => Err::<(), _>(other).context(failure),
    }
    .unwrap_err()
}

/// Whether the machine has no root certificates to trust.
pub fn has_no_roots(error: &ureq::Error) -> bool {
    // the verifier says so before anything is connected; a handshake's trouble comes wrapped as i/o
    matches!(error, ureq::Error::Rustls(rustls::Error::General(_)))
}

/// Whether a certificate was refused for a reason that only programmers can read.
fn has_no_words(error: &std::io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(tls, Some(rustls::Error::InvalidCertificate(Bad::Other(_))))
}

/// What to do about a certificate that was not accepted; `None` if that is not the trouble.
fn certificate_trouble(error: &ureq::Error, endpoint: &Endpoint) -> Option<String> {
    let tls = match error {
        ureq::Error::Rustls(tls) => tls,
        ureq::Error::Io(io) => io.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    let hint = match tls {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the server's certificate has expired, or this machine's clock is wrong"
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet, or this machine's clock is wrong"
        }
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => "the certificate is another host's: check --base-url",
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "if you trust its issuer, name the issuer's certificate in SSL_CERT_FILE"
        }
        rustls::Error::General(_) => match endpoint.own_roots {
            Some(variable) => {
                return Some(format!("{variable} names no certificate that can be read"));
            }
            None => "this machine has no certificates to trust",
        },
        rustls::Error::InvalidCertificate(_) => {
            "it is no certificate that a server can show; an authority's own is none"
        }
        _ => "is there a TLS server at this --base-url?",
    };
    Some(hint.into())
}
