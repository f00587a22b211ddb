//! Sends prepared requests to one endpoint, again where that makes sense.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use anyhow::{Error, Result};
use ureq::http::{self, HeaderMap, StatusCode};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};
use ureq::{Agent, Body};

use super::failure::{self, Lost, has_no_roots};
use super::limits::{Limits, in_words};
use super::prepare::{Endpoint, Key, Prepared};
use super::retry::{Again, Policy, Refused, Verdict};
use super::transport::{LARGEST_HEAD, Roomy};
use crate::error::{Failure, Kind};

/// How much of an error's body is read, in bytes: an error page may have any size.
const LARGEST_ERROR: u64 = 256 << 10;
/// Buffers of this size start faster than larger ones and are as fast in the long run, in bytes.
const AT_ONCE: usize = 16 << 10;

/// The head of an answer, and its body, not yet read.
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub limits: Limits,
    pub body: Body,
}

/// Hears how the sending goes, and does the waiting in between.
pub trait Watcher {
    /// A request is about to be sent. An error keeps it back, and ends the sending.
    fn sending(&mut self, prepared: &Prepared) -> Result<()>;

    /// The head of an answer is there, whatever its status; or `None`, and the request was lost.
    fn sent(&mut self, response: Option<&Response>);

    /// The request failed and is to be sent again after the pause, which this has to wait for.
    fn pause(&mut self, retry: &Retry);

    /// The server asks whoever has this key to send nothing for that long.
    fn asked(&mut self, _pause: Duration) {}
}

/// Why and when a request is sent again.
pub struct Retry<'a> {
    pub error: &'a Error,
    /// Which try comes next; the first was 1.
    pub next: u32,
    /// How many tries there are in all.
    pub tries: u32,
    pub pause: Duration,
    /// The server may have answered and charged all the same.
    pub may_be_charged: bool,
    /// The rate was too high: the pause is for everybody who has this key.
    pub for_all: bool,
    /// Ends the pause as soon as it is set.
    pub stopped: &'a AtomicBool,
}

/// Sends requests to one endpoint.
pub struct Client {
    agent: Mutex<Agent>,
    endpoint: Endpoint,
    key: Option<Key>,
    policy: Policy,
    stopped: AtomicBool,
}

impl Client {
    /// A client; nothing is connected before the first request.
    pub fn new(endpoint: Endpoint, key: Option<Key>, policy: Policy) -> Self {
        let agent = Mutex::new(agent(&endpoint, RootCerts::PlatformVerifier));
        Self {
            agent,
            endpoint,
            key,
            policy,
            stopped: AtomicBool::new(false),
        }
    }

    /// Sends the request until an answer begins, or until it makes no more sense.
    pub fn send(&self, prepared: &Prepared, watcher: &mut dyn Watcher) -> Result<Response> {
        let tries = self.policy.retries.saturating_add(1);
        let mut attempts = 0;
        loop {
            if self.is_stopped() {
                return Err(Failure::new(Kind::Interrupted, "stopped").into());
            }
            attempts += 1;
            watcher.sending(prepared)?;
            let sent = self.send_once(prepared)?;
            watcher.sent(sent.as_ref().ok());
            let lost = match sent {
                Ok(response) if response.status.is_success() => return Ok(response),
                Ok(response) => self.refused(response),
                Err(lost) => lost,
            };
            // what is refused for good is refused for itself alone, but for a rate that was too high
            let for_others = lost.rate_limited || lost.again != Again::Never;
            if let Some(pause) = lost.asked.filter(|_| for_others) {
                watcher.asked(pause);
            }
            let Lost { error, again, .. } = lost;
            // the standard library's one source of chance
            let random = RandomState::new().hash_one(attempts) as f64 / u64::MAX as f64;
            let pause = match self.policy.verdict(attempts, again, lost.asked, random) {
                Verdict::Retry(pause) => pause,
                Verdict::TooLong(pause) => return Err(self.too_long(error, pause)),
                Verdict::GiveUp => return Err(error),
            };
            if self.is_stopped() {
                return Err(error);
            }
            watcher.pause(&Retry {
                error: &error,
                next: attempts + 1,
                tries,
                pause,
                may_be_charged: again == Again::MaybeCharged,
                for_all: lost.asked.is_some() || lost.rate_limited,
                stopped: &self.stopped,
            });
        }
    }

    /// What became of a request that the server refused.
    fn refused(&self, response: Response) -> Lost {
        let Response {
            status,
            headers,
            limits,
            body,
        } = response;
        let refused = Refused {
            status,
            headers: &headers,
            limits: &limits,
        };
        let asked = refused.asked_pause(SystemTime::now());
        let failure = failure::refused(&self.endpoint, &refused, asked, &start(body));
        Lost {
            error: self.discreet(failure.into()),
            again: refused.again(),
            asked,
            rate_limited: status == StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// Breaks off what is under way, from another thread: it ends with an error. What is sent
    /// after [`Client::resume`] is sent as ever.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        let fresh = agent(&self.endpoint, RootCerts::PlatformVerifier);
        let old = std::mem::replace(
            &mut *self.agent.lock().unwrap_or_else(PoisonError::into_inner),
            fresh,
        );
        old.shutdown();
    }

    /// Whether [`Client::stop`] was called since the last [`Client::resume`].
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Goes on after a stop.
    pub fn resume(&self) {
        self.stopped.store(false, Ordering::SeqCst);
    }

    /// The error without the key, should a server have said it back.
    pub fn discreet(&self, mut error: Error) -> Error {
        if let (Some(key), Some(failure)) = (&self.key, error.downcast_mut::<Failure>()) {
            failure.reword(|text| key.hide(text));
        }
        error
    }

    /// The endpoint that this client sends to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// One attempt. The outer error is a request that cannot be made at all.
    fn send_once(&self, prepared: &Prepared) -> Result<Result<Response, Lost>> {
        let mut result = self.agent().run(self.request(prepared)?);
        if let Err(error) = &result
            && has_no_roots(error)
            && self.endpoint.own_roots.is_none()
        {
            // A bare container has no certificates of its own. Nothing has left the machine yet.
            *self.agent.lock().unwrap_or_else(PoisonError::into_inner) =
                agent(&self.endpoint, RootCerts::WebPki);
            result = self.agent().run(self.request(prepared)?);
        }
        Ok(match result {
            Ok(response) => {
                let (head, body) = response.into_parts();
                let limits = Limits::read(&head.headers);
                Ok(Response {
                    status: head.status,
                    headers: head.headers,
                    limits,
                    body,
                })
            }
            Err(error) => Err(failure::lost(&self.endpoint, error)),
        })
    }

    fn agent(&self) -> Agent {
        self.agent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn request<'a>(&self, prepared: &'a Prepared) -> Result<http::Request<&'a [u8]>> {
        let mut request = http::Request::post(&prepared.url).body(&prepared.body[..])?;
        for header in &prepared.headers {
            request
                .headers_mut()
                .append(&header.name, header.value.clone());
        }
        if let (Some(key), false) = (&self.key, prepared.brings_key) {
            request
                .headers_mut()
                .insert(prepared.auth.header(), key.header(prepared.auth)?);
        }
        Ok(request)
    }

    fn too_long(&self, error: Error, pause: Duration) -> Error {
        let limit = self.policy.max_wait.as_secs_f64();
        let pause = in_words(pause.as_secs_f64().ceil() as u64);
        match error.downcast::<Failure>() {
            Ok(failure) => failure
                .hint(format!(
                    "come back in {pause}, as the server asks; --max-wait {limit} does not wait that long"
                ))
                .into(),
            Err(error) => error,
        }
    }
}

fn agent(endpoint: &Endpoint, roots: RootCerts) -> Agent {
    let host = endpoint
        .url
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    // a look-up with a time-out costs a thread, which an address does not need
    let resolve = host
        .parse::<IpAddr>()
        .is_err()
        .then_some(endpoint.connect_timeout);
    let config = Agent::config_builder()
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
        // for one question none: a server may close a kept one just when the next request is under way
        .max_idle_connections(endpoint.connections)
        .max_idle_connections_per_host(endpoint.connections)
        .input_buffer_size(AT_ONCE)
        .output_buffer_size(AT_ONCE)
        .build();
    Agent::with_parts(
        config,
        DefaultConnector::new().chain(Roomy),
        DefaultResolver::default(),
    )
}

/// The start of an error's body; trouble with reading it is not worth a message.
fn start(body: Body) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = body
        .into_reader()
        .take(LARGEST_ERROR)
        .read_to_end(&mut bytes);
    bytes
}
