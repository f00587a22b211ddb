//! The body of `POST /v1/messages`, and a request as it is sent.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Method, Uri};

use super::digest::Digest;
use super::endpoint::{Endpoint, Header, HeaderSource};
use super::json::Fields;
use super::message::{ContentBlock, Message};
use super::models::{DOCUMENTED_MAX_TOKENS, default_max_tokens};
use crate::error::{Failure, usage_error};

/// The API's own limit for a request body, in bytes; a larger one is answered with 413.
pub const LARGEST_REQUEST: usize = 32 << 20;

/// The failure of a larger request. `what` is the start of its message, such as "the files are".
pub fn too_large(what: &str) -> Failure {
    let message = format!("{what} larger than 32 MiB, the most that the API takes");
    usage_error(message).hint("send less at a time")
}

/// The field of a block that is marked to be cached, in JSON.
const CACHE_CONTROL: &str = "\"cache_control\"";

/// The failure of `--cache` where nothing stays the same.
pub fn nothing_to_cache() -> Failure {
    usage_error("--cache needs a system prompt or files")
        .hint("use --system or --file for what stays the same")
}

/// The body of a request. A field without a value is not sent.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    #[serde(skip)]
    pub model: String,
    /// `None` stands for the default of the model.
    #[serde(skip)]
    pub max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The conversation, oldest message first.
    pub messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
    /// Other fields, sent as they are.
    #[serde(flatten)]
    pub extra: Fields,
    /// Mark what stays the same, so that the server caches it.
    #[serde(skip)]
    pub cache: bool,
}

/// A request with the fields that are always sent.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    /// Optional in AnyRouter's reference, required upstream.
    max_tokens: u32,
    #[serde(flatten)]
    others: &'a Request,
}

impl Request {
    /// The fields that [`Request::extra`] must not have.
    pub const FIELDS: [&str; 8] = [
        "model",
        "max_tokens",
        "system",
        "messages",
        "temperature",
        "top_p",
        "stop_sequences",
        "stream",
    ];

    /// The request as it is printed and sent. An error if its body is larger than 32 MiB.
    pub fn prepare(&self, endpoint: &Endpoint) -> Result<Prepared> {
        let body = self.body()?;
        if body.len() > LARGEST_REQUEST {
            let tenths = (body.len() as f64 / f64::from(1 << 20) * 10.0).ceil();
            return Err(too_large(&format!("the request is {:.1} MiB,", tenths / 10.0)).into());
        }
        let headers = endpoint.request_headers(self.stream);
        let (method, url) = (Method::POST, endpoint.url.clone());
        let origins = (0..).zip(&self.messages).flat_map(|(message, content)| {
            content.origins().map(move |(block, name)| ((message, block), name.into()))
        });
        let origins = origins.collect();
        let has_default_max_tokens = self.max_tokens.is_none();
        Ok(Prepared { method, url, headers, body, origins, has_default_max_tokens })
    }

    /// The most tokens in the answer.
    pub fn max_tokens(&self) -> u32 {
        self.max_tokens.unwrap_or_else(|| default_max_tokens(&self.model))
    }

    /// Whether there is a system prompt. The server refuses to cache an empty one.
    pub fn has_system(&self) -> bool {
        self.system.as_ref().is_some_and(|system| !system.trim().is_empty())
    }

    /// The body as JSON. To be cached, the system prompt is a block. It comes before all messages, so it gets the mark
    /// only if nothing else has one.
    fn body(&self) -> Result<Vec<u8>> {
        let max_tokens = self.max_tokens();
        let body = serde_json::to_vec(&Body { model: &self.model, max_tokens, others: self })?;
        let Some(system) = self.system.as_ref().filter(|_| self.cache && self.has_system()) else {
            return Ok(body);
        };
        let mut block = ContentBlock::text(system.clone());
        let mut fields: Fields = serde_json::from_slice(&body)?;
        if !String::from_utf8_lossy(&body).contains(CACHE_CONTROL) {
            block.mark();
        }
        fields.set_json("system", [block]);
        Ok(serde_json::to_vec(&fields)?)
    }
}

/// A request as it is sent, and as `--dry-run`, `--curl` and `--verbose` print it.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub method: Method,
    pub url: Uri,
    /// In the order in which they are sent.
    pub headers: Vec<Header>,
    pub body: Vec<u8>,
    /// The files of blocks and the lines of messages, by the numbers of message and block.
    origins: BTreeMap<(usize, Option<usize>), String>,
    has_default_max_tokens: bool,
}

impl Prepared {
    /// A request for a page of the server's models: those after the id `after`. Its path ends with `/models` instead of
    /// `/messages`.
    pub fn for_models(
        endpoint: &Endpoint,
        limit: Option<u32>,
        after: Option<&str>,
    ) -> Result<Self> {
        let (path, query) = (endpoint.url.path(), endpoint.url.query());
        let folder = path.strip_suffix("/messages").unwrap_or(path);
        let limit = limit.map(|limit| format!("limit={limit}"));
        let after = after.map(|id| format!("after_id={}", percent_encoded(id)));
        let query = [query.map(String::from), limit, after].into_iter().flatten();
        let query = query.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        let mut parts = endpoint.url.clone().into_parts();
        parts.path_and_query = Some(format!("{folder}/models{mark}{query}").parse()?);
        let mut headers = endpoint.request_headers(false);
        headers.retain(|header| header.name != CONTENT_TYPE);
        Ok(Self {
            method: Method::GET,
            url: Uri::from_parts(parts)?,
            headers,
            body: Vec::new(),
            origins: BTreeMap::new(),
            has_default_max_tokens: false,
        })
    }

    /// The `FILE:LINE` of a message of a conversation, or else the file of a block.
    pub fn origin(&self, message: usize, block: Option<usize>) -> Option<&str> {
        let name = |block| self.origins.get(&(message, block));
        name(None).or_else(|| name(block)).map(String::as_str)
    }

    /// Whether its key has been replaced since.
    pub fn has_old_key(&self, endpoint: &Endpoint) -> bool {
        let now = endpoint.request_headers(false);
        let [sent, now] = [&self.headers, &now].map(|headers| {
            let key = headers.iter().find(|header| matches!(header.source, HeaderSource::Key(_)));
            key.map(|header| &header.value)
        });
        sent != now
    }

    /// The body that is digested: without `stream`, so that it is the same for a streamed answer and a complete one.
    /// A default of `max_tokens` counts as the one of earlier versions, so that their digests stay valid.
    pub fn digested_body(&self) -> Vec<u8> {
        let Ok(mut fields) = serde_json::from_slice::<Fields>(&self.body) else {
            return Vec::new();
        };
        fields.remove("stream");
        if self.has_default_max_tokens {
            fields.set_json("max_tokens", DOCUMENTED_MAX_TOKENS);
        }
        serde_json::to_vec(&fields).unwrap_or_default()
    }

    /// What tells requests apart.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.digested_body())
    }
}

/// The text as a value in a query (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if is_unreserved(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
