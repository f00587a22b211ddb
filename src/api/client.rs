//! One prepared request and its sending: where to, with which key, and what came of it.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use ureq::http::{self, HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Timeout};

use super::limits::Limits;
use super::refusal::{Refusal, status_kind};
use super::wire::Request;
use crate::error::{Failure, Kind};

/// The API's own limit for a request body, in bytes; past it a server answers 413.
const LARGEST_REQUEST: usize = 32 << 20;
/// How much of an error's body is read, in bytes.
const LARGEST_ERROR: u64 = 256 << 10;
/// How many bytes of headers an answer may have.
const LARGEST_HEAD: usize = 256 << 10;
/// Socket buffers of this size start faster than larger ones and stream as fast.
const BUFFER: usize = 16 << 10;

/// An API key. It shows itself to nobody but the server.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// A key, if its characters can stand in a header and be meant for one.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Which header carries the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `authorization: Bearer KEY`
    Bearer,
    /// `x-api-key: KEY`
    XApiKey,
}

/// A header to send, and whether its value may be shown.
#[derive(Clone)]
pub struct Header {
    pub name: HeaderName,
    pub value: HeaderValue,
    /// The `@FILE` that it came from: its value is nobody's business.
    pub file: Option<String>,
}

/// Where and how requests go.
#[derive(Clone)]
pub struct Endpoint {
    /// The whole URL, `/v1/messages` and all.
    pub url: Uri,
    pub auth: Auth,
    /// The user's own headers; they take the place of ours of the same name.
    pub headers: Vec<Header>,
    /// The longest silence.
    pub timeout: Duration,
    /// The longest wait for a connection: name look-up, proxy and TLS included.
    pub connect_timeout: Duration,
    pub proxy: Option<ureq::Proxy>,
}

/// A request as it goes out, but for the key: what `--dry-run` prints is what is sent.
pub struct Prepared {
    pub url: Uri,
    pub auth: Auth,
    /// In the order in which they are sent; the header of the key is not among them.
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// Whether one of the user's headers stands in for the key.
    pub brings_key: bool,
}

/// The head of an answer, and its body, not yet read.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub limits: Limits,
    pub body: Body,
}

impl Endpoint {
    /// Makes the one value that is printed or sent.
    pub fn prepare(&self, request: &Request) -> Result<Prepared> {
        let body = serde_json::to_vec(request)?;
        if body.len() > LARGEST_REQUEST {
            let size = body.len() as f64 / f64::from(1 << 20);
            let message = format!("the request is {size:.1} MiB, and the API takes 32 MiB at most");
            return Err(Failure::new(Kind::Usage, message)
                .hint("send less of it at a time")
                .into());
        }
        let accept = if request.stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        // a proxy that compresses a stream holds its words back
        let encoding = if request.stream { "identity" } else { "gzip" };
        let ours = [
            ("content-type", "application/json"),
            ("accept", accept),
            ("accept-encoding", encoding),
            ("anthropic-version", "2023-06-01"),
            ("user-agent", concat!("anyask/", env!("CARGO_PKG_VERSION"))),
        ];
        let ours = ours.map(|(name, value)| Header {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            file: None,
        });
        let given = |name: &HeaderName| self.headers.iter().any(|header| header.name == name);
        let brings_key = given(&self.auth.header());
        let ours = ours.into_iter().filter(|header| !given(&header.name));
        Ok(Prepared {
            url: self.url.clone(),
            auth: self.auth,
            headers: ours.chain(self.headers.iter().cloned()).collect(),
            body,
            brings_key,
        })
    }

    /// Host and port, as messages name them.
    pub fn host(&self) -> &str {
        self.url
            .authority()
            .map_or("", |authority| authority.as_str())
    }
}

impl Auth {
    /// The header that carries the key.
    pub fn header(self) -> HeaderName {
        match self {
            Self::Bearer => http::header::AUTHORIZATION,
            Self::XApiKey => HeaderName::from_static("x-api-key"),
        }
    }

    /// That header's value for `key`, which may be a stand-in for the real one.
    pub fn value(self, key: &str) -> String {
        match self {
            Self::Bearer => format!("Bearer {key}"),
            Self::XApiKey => key.into(),
        }
    }
}

/// Sends requests to one endpoint.
pub struct Client {
    agent: Agent,
    endpoint: Endpoint,
    key: Option<Key>,
}

impl Client {
    /// A client; nothing is connected before the first request.
    pub fn new(endpoint: Endpoint, key: Option<Key>) -> Self {
        let agent = agent(&endpoint, RootCerts::PlatformVerifier);
        Self {
            agent,
            endpoint,
            key,
        }
    }

    /// Sends the request once, and gives the answer's head, whatever its status.
    pub fn send(&self, prepared: &Prepared) -> Result<Response> {
        let mut result = self.agent.run(self.request(prepared)?);
        if let Err(error) = &result
            && has_no_roots(error)
        {
            // A bare container has no certificates of its own. Nothing has left the machine yet.
            let agent = agent(&self.endpoint, RootCerts::WebPki);
            result = agent.run(self.request(prepared)?);
        }
        let (head, body) = result
            .map_err(|error| self.endpoint.failure(error, false))?
            .into_parts();
        Ok(Response {
            status: head.status,
            limits: Limits::read(&head.headers),
            headers: head.headers,
            body,
        })
    }

    /// The same response, if it is an answer; else an error that says what the server said.
    pub fn accepted(&self, response: Response) -> Result<Response> {
        if response.status.is_success() {
            Ok(response)
        } else {
            Err(self.refused(response).into())
        }
    }

    /// The endpoint that this client sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn request<'a>(&self, prepared: &'a Prepared) -> Result<http::Request<&'a [u8]>> {
        let mut request = http::Request::post(&prepared.url).body(&prepared.body[..])?;
        for header in &prepared.headers {
            request
                .headers_mut()
                .append(&header.name, header.value.clone());
        }
        if let (Some(key), false) = (&self.key, prepared.brings_key) {
            let mut value = HeaderValue::from_str(&prepared.auth.value(&key.0))?;
            value.set_sensitive(true);
            request.headers_mut().insert(prepared.auth.header(), value);
        }
        Ok(request)
    }

    fn refused(&self, response: Response) -> Failure {
        let Response {
            status,
            headers,
            limits,
            body,
        } = response;
        let body = body.into_with_config().limit(LARGEST_ERROR).reader();
        let status = status.as_u16();
        let refusal = Refusal::read(&read_some(body));
        let host = self.endpoint.host();
        let kind = status_kind(status);
        let named = if refusal.kind.is_empty() {
            String::new()
        } else {
            format!(" {}", refusal.kind)
        };
        let what = match kind {
            Kind::KeyRejected => format!("{host} did not accept the key"),
            Kind::NotPermitted => format!("{host} did not permit the request"),
            Kind::RateLimited => format!("{host} limits the rate of requests"),
            Kind::ServerFailed => format!("{host} failed"),
            _ if status < 400 => format!("{host} redirects, which is not followed"),
            _ => format!("{host} refused the request"),
        };
        let location = headers.get(http::header::LOCATION).filter(|_| status < 400);
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
            (Kind::RateLimited, _) => match limits.resets_in() {
                Some(seconds) => failure.hint(format!("the limit resets in {seconds} s")),
                None => failure.hint("wait a little and try again"),
            },
            (Kind::Refused, ..400) => {
                failure.hint("give the new place as --base-url, if you trust it")
            }
            (Kind::Refused, 404) => failure.hint(format!(
                "check --model and --base-url: {} was asked",
                self.endpoint.url
            )),
            _ => failure,
        }
    }
}

impl Endpoint {
    /// Says what went wrong on the way, with the status that it deserves.
    /// `begun` tells whether the head of an answer had come.
    pub fn failure(&self, error: ureq::Error, begun: bool) -> anyhow::Error {
        use std::io::ErrorKind as Io;
        let host = self.host();
        let via = self.proxy.as_ref().map_or(String::new(), |proxy| {
            format!(" through the proxy {}:{}", proxy.host(), proxy.port())
        });
        let failed = |message: String| Failure::new(Kind::NoConnection, message);
        let certificate = certificate_trouble(&error);
        let failure = match &error {
            ureq::Error::Timeout(Timeout::PerRead | Timeout::PerWrite) => {
                let message = format!(
                    "{host} was silent for {} s{via}",
                    self.timeout.as_secs_f64()
                );
                return failed(message)
                    .hint("--timeout SECONDS waits longer")
                    .into();
            }
            ureq::Error::Timeout(_) => {
                let message = format!(
                    "no connection to {host}{via} within {} s",
                    self.connect_timeout.as_secs_f64()
                );
                return failed(message)
                    .hint("--connect-timeout SECONDS waits longer")
                    .into();
            }
            ureq::Error::LargeResponseHeader(..) => {
                return Failure::new(
                    Kind::BrokenAnswer,
                    format!("the headers of {host}'s answer are over 256 KiB"),
                )
                .into();
            }
            ureq::Error::Protocol(_) => Failure::new(
                Kind::BrokenAnswer,
                format!("{host} does not speak HTTP/1.1 as it should"),
            ),
            _ if certificate.is_some() => failed(format!("no trusted connection to {host}{via}"))
                .hint(certificate.unwrap_or_default()),
            _ if begun => Failure::new(
                Kind::BrokenAnswer,
                format!("the answer of {host} ended early"),
            ),
            ureq::Error::HostNotFound => failed(format!("cannot find {host}{via}")),
            ureq::Error::Io(io) => match io.kind() {
                Io::UnexpectedEof
                | Io::ConnectionReset
                | Io::ConnectionAborted
                | Io::BrokenPipe => failed(format!(
                    "{host} closed the connection without an answer{via}"
                )),
                Io::ConnectionRefused => failed(format!("no connection to {host}{via}"))
                    .hint("is the server running, and is --base-url right?"),
                // what the name look-up says has neither a kind nor a number of its own
                _ if io.raw_os_error().is_none() => failed(format!("cannot find {host}{via}"))
                    .hint("check --base-url and the network"),
                _ => failed(format!("no connection to {host}{via}")),
            },
            _ => failed(format!("no connection to {host}{via}")),
        };
        match error {
            ureq::Error::Io(io) => anyhow::Error::new(io),
            other => anyhow::Error::new(other),
        }
        .context(failure)
    }
}

/// Whether the machine has no root certificates at all.
fn has_no_roots(error: &ureq::Error) -> bool {
    // the verifier says so before anything is connected; a handshake's trouble comes wrapped as i/o
    matches!(error, ureq::Error::Rustls(rustls::Error::General(_)))
}

/// What to do about a certificate that was not accepted; `None` if that is not the trouble.
fn certificate_trouble(error: &ureq::Error) -> Option<&'static str> {
    use rustls::CertificateError as Bad;
    let tls = match error {
        ureq::Error::Rustls(tls) => tls,
        ureq::Error::Io(io) => io.get_ref()?.downcast_ref()?,
        _ => return None,
    };
    Some(match tls {
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "the server's certificate has expired, or this machine's clock is wrong"
        }
        rustls::Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet, or this machine's clock is wrong"
        }
        rustls::Error::InvalidCertificate(
            Bad::NotValidForName | Bad::NotValidForNameContext { .. },
        ) => "the certificate is another host's: check --base-url",
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer) => {
            "if you trust its issuer, name the issuer's certificate in SSL_CERT_FILE"
        }
        _ => "is there a TLS server at this --base-url?",
    })
}

fn agent(endpoint: &Endpoint, roots: RootCerts) -> Agent {
    let literal = endpoint.url.host().is_some_and(|host| {
        host.trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok()
    });
    // a look-up with a time-out costs a thread, which an address does not need
    let resolve = (!literal).then_some(endpoint.connect_timeout);
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(endpoint.proxy.clone())
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .timeout_resolve(resolve)
        .timeout_connect(Some(endpoint.connect_timeout))
        .timeout_per_read(Some(endpoint.timeout))
        .timeout_per_write(Some(endpoint.timeout))
        .max_response_header_size(LARGEST_HEAD)
        .input_buffer_size(BUFFER)
        .output_buffer_size(BUFFER)
        .build()
        .new_agent()
}

/// As much of an error's body as comes; its own trouble is not worth a message.
fn read_some(mut body: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = body.read_to_end(&mut bytes);
    bytes
}
