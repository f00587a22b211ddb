//! Where requests go: the URL, the headers, and the key, which is never printed.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ureq::http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use ureq::http::{HeaderName, HeaderValue, Uri};

use crate::sync::lock;

/// The shortest key that is redacted, in bytes. A shorter one is a placeholder such as "none", a common word.
const SHORTEST_KEY: usize = 8;
/// The longest wait for the end of a complete answer, or for the body of an error.
const PATIENCE: Duration = Duration::from_secs(5);

/// The API key. It is sent to the server and to nobody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The key that requests carry, if they carry one. Clones share it, and a batch may replace it.
#[derive(Debug, Clone, Default)]
pub struct Key(Arc<Mutex<Option<Secret>>>);

impl Key {
    pub fn set(&self, key: Secret) {
        *lock(&self.0) = Some(key);
    }

    pub fn get(&self) -> Option<Secret> {
        lock(&self.0).clone()
    }
}

impl Secret {
    /// `None` unless the text is one word of visible ASCII characters.
    pub fn new(text: &str) -> Option<Self> {
        let valid = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        valid.then(|| Self(text.into()))
    }

    /// Replaces the key by `[redacted]` everywhere in the text, in upper or lower case.
    pub fn redact(&self, text: &str) -> String {
        if self.0.len() < SHORTEST_KEY {
            return text.into();
        }
        let (lower, key) = (text.to_ascii_lowercase(), self.0.to_ascii_lowercase());
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for (start, found) in lower.match_indices(&key) {
            redacted.push_str(&text[end..start]);
            redacted.push_str("[redacted]");
            end = start + found.len();
        }
        redacted + &text[end..]
    }
}

impl fmt::Debug for Secret {
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

impl Auth {
    pub fn name(self) -> HeaderName {
        match self {
            Self::Bearer => AUTHORIZATION,
            Self::XApiKey => HeaderName::from_static("x-api-key"),
        }
    }

    /// The value of the header for `key`, which may be a placeholder.
    pub fn value(self, key: &str) -> String {
        match self {
            Self::Bearer => format!("Bearer {key}"),
            Self::XApiKey => key.into(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Header {
    pub name: HeaderName,
    pub value: HeaderValue,
    pub source: HeaderSource,
}

/// Where a header's value comes from, which decides whether it may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderSource {
    /// This program or the command line: the value is not a secret.
    Plain,
    /// The path of the file of `--header @FILE`: the value may be a secret.
    File(String),
    /// The API key.
    Key(Auth),
}

impl Header {
    /// The value as it may be printed.
    pub fn redacted(&self) -> String {
        match &self.source {
            HeaderSource::Plain => String::from_utf8_lossy(self.value.as_bytes()).into_owned(),
            HeaderSource::File(_) => "[redacted]".into(),
            HeaderSource::Key(auth) => auth.value("[redacted]"),
        }
    }
}

/// A server, how to connect to it, and what every request to it carries.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The complete URL, with `/v1/messages`.
    pub url: Uri,
    pub auth: Auth,
    /// Not set if nothing is sent, or if one of the user's headers carries the key.
    pub key: Key,
    /// The user's headers. They replace the program's own headers of the same name.
    pub headers: Vec<Header>,
    /// Longest time without data.
    pub timeout: Duration,
    /// Longest time for the name look-up, and once more for the connection with proxy and TLS.
    pub connect_timeout: Duration,
    /// Longest time for a question in all.
    pub max_time: Option<Duration>,
    pub proxy: Option<ureq::Proxy>,
    /// The language of error messages (RFC 9110, section 12.5.4): some relays translate them.
    pub language: String,
    /// Keep the connection open for the next request.
    pub keep_alive: bool,
    /// The environment variable that names the certificates to trust, if one is set.
    pub roots_variable: Option<&'static str>,
}

impl Endpoint {
    /// Host and port, for messages.
    pub fn host(&self) -> &str {
        self.url.authority().map_or("", |authority| authority.as_str())
    }

    /// How long to wait for the end of a complete answer, or for the body of an error.
    pub fn patience(&self) -> Duration {
        self.timeout.min(PATIENCE)
    }

    /// The headers of a request, in the order in which they are sent.
    pub fn request_headers(&self, stream: bool) -> Vec<Header> {
        // a proxy that compresses a stream delays its text
        let (accept, encoding) =
            if stream { ("text/event-stream", "identity") } else { ("application/json", "gzip") };
        let own = [
            ("content-type", "application/json"),
            ("accept", accept),
            ("accept-encoding", encoding),
            ("anthropic-version", "2023-06-01"),
            ("user-agent", concat!("anyask/", env!("CARGO_PKG_VERSION"))),
        ];
        let language = HeaderValue::from_str(&self.language).ok();
        let close = (!self.keep_alive).then_some(("connection", "close"));
        let own = own.into_iter().chain(close).map(|(name, value)| Header {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            source: HeaderSource::Plain,
        });
        let language = language.map(|value| Header {
            name: ACCEPT_LANGUAGE,
            value,
            source: HeaderSource::Plain,
        });
        let given = |name: &HeaderName| self.headers.iter().any(|header| header.name == name);
        let own = self
            .key_header()
            .into_iter()
            .chain(own)
            .chain(language)
            .filter(|header| !given(&header.name));
        own.chain(self.headers.iter().cloned()).collect()
    }

    fn key_header(&self) -> Option<Header> {
        let key = self.key.get().map_or(String::new(), |key| key.0);
        // a key is visible ASCII, so it is always a valid header value
        let mut value = HeaderValue::from_str(&self.auth.value(&key)).ok()?;
        value.set_sensitive(true);
        Some(Header { name: self.auth.name(), value, source: HeaderSource::Key(self.auth) })
    }
}
