//! One prepared request: where it goes, with which headers and key, and its very bytes.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use ureq::http::{self, HeaderName, HeaderValue, Uri};

use super::wire::Request;
use crate::error::{Failure, Kind};

/// The API's own limit for a request body, in bytes; past it a server answers 413.
pub const LARGEST_REQUEST: usize = 32 << 20;

/// A key shorter than this guards nothing, in bytes.
const SHORTEST_SECRET: usize = 8;

/// An API key. It shows itself to nobody but the server.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// A key, if its characters can stand in a header and be meant for one.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(text.into()))
    }

    /// A server's words without the key, should the server have said it.
    pub fn hide(&self, text: &str) -> String {
        // a stand-in such as "none" is no secret, and its letters stand in other words
        if self.0.len() < SHORTEST_SECRET {
            text.into()
        } else {
            text.replace(&self.0, "[redacted]")
        }
    }

    /// The header that carries the key; a log of headers must not show it.
    pub(super) fn header(&self, auth: Auth) -> Result<HeaderValue> {
        let mut value = HeaderValue::from_str(&auth.value(&self.0))?;
        value.set_sensitive(true);
        Ok(value)
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
    /// How many connections to keep open for further requests.
    pub connections: usize,
    /// The variable that names the certificates to trust, if the user set one.
    pub own_roots: Option<&'static str>,
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
        // what is asked once needs no connection afterwards
        let close = (self.connections == 0).then_some(("connection", "close"));
        let ours = ours.into_iter().chain(close);
        let ours = ours.map(|(name, value)| Header {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            file: None,
        });
        let given = |name: &HeaderName| self.headers.iter().any(|header| header.name == name);
        let brings_key = given(&self.auth.header());
        let ours = ours.filter(|header| !given(&header.name));
        Ok(Prepared {
            url: self.url.clone(),
            auth: self.auth,
            headers: ours.chain(self.headers.iter().cloned()).collect(),
            body,
            brings_key,
        })
    }

    /// The key that one of the user's own headers carries, if one does.
    pub fn own_key(&self) -> Option<Key> {
        let name = self.auth.header();
        let header = self.headers.iter().find(|header| header.name == name)?;
        let value = header.value.to_str().ok()?;
        Key::new(value.rsplit(' ').next()?)
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
