//! Sends prepared requests to an endpoint, again where that makes sense.

use std::hash::{BuildHasher, RandomState};
use std::io::{Cursor, ErrorKind, Read};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};
use ureq::http::HeaderValue;
use ureq::http::header::CONTENT_TYPE;
use ureq::tls::RootCerts;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body, http};

use super::agent::{agent, request};
use super::coding::Decoded;
use super::pace::{Pace, stopped};
use super::progress::{Progress, Retry, Sent, Stats};
use super::transport::Wrapping;
use crate::api::deadline::{Deadline, TimeLimit};
use crate::api::endpoint::Endpoint;
use crate::api::error::attempt::{AttemptError, refused};
use crate::api::error::connection::connection_error;
use crate::api::error::retry::{Decision, Policy, Retryable, Tries};
use crate::api::error::tls::has_no_roots;
use crate::api::head::Head;
use crate::api::reply::Reply;
use crate::api::reply::retain::Retain;
use crate::api::request::Prepared;
use crate::api::time::in_words;
use crate::error::{Failure, failure, kind};
use crate::sync::lock;

/// How much of an error's body is read, in bytes: an error page may have any size.
const LARGEST_ERROR: u64 = 256 << 10;

/// After this many dead connections in a row, stop reusing connections: this server closes them after each answer.
const MOST_DEAD: u32 = 2;

/// Sends requests to one endpoint, one at a time.
pub struct Client {
    /// Replaced when what is under way is broken off.
    agent: Mutex<Agent>,
    wrapping: Wrapping,
    endpoint: Arc<Endpoint>,
    policy: Policy,
    pace: Arc<Pace>,
    /// How many requests in a row found their connection dead.
    dead: AtomicU32,
}

impl Client {
    /// A client. Nothing is connected before the first request.
    pub fn new(endpoint: Endpoint, policy: Policy, pace: Arc<Pace>) -> Self {
        let (endpoint, connector) = (Arc::new(endpoint), Arc::new(DefaultConnector::new()));
        Self::with_parts(endpoint, policy, pace, connector)
    }

    /// Another client for the same server, for requests sent in parallel. They share the pace and the TLS settings.
    #[must_use]
    pub fn sibling(&self) -> Self {
        let (endpoint, pace) = (Arc::clone(&self.endpoint), Arc::clone(&self.pace));
        Self::with_parts(endpoint, self.policy, pace, Arc::clone(&self.wrapping.inner))
    }

    fn with_parts(
        endpoint: Arc<Endpoint>,
        policy: Policy,
        pace: Arc<Pace>,
        inner: Arc<DefaultConnector>,
    ) -> Self {
        let server = endpoint.url.authority().cloned();
        let (deadline, sent) = (Deadline::default(), Arc::default());
        let wrapping = Wrapping { inner, server, deadline, sent };
        let agent = agent(&endpoint, RootCerts::PlatformVerifier, &wrapping, true);
        let agent = Mutex::new(agent);
        Self { agent, wrapping, endpoint, policy, pace, dead: AtomicU32::new(0) }
    }

    /// The endpoint that requests go to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends the request until the text of an answer begins, or until it makes no more sense.
    pub fn send(
        &self,
        prepared: &Prepared,
        model: &str,
        retain: &Retain,
        time_limit: Option<&TimeLimit>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Sent {
        let (mut stats, mut tries, mut replaced) = (Stats::default(), Tries::default(), false);
        let reply = loop {
            let agent = match self.acquire(model, time_limit) {
                Ok(agent) => agent,
                Err(error) => break Err(error),
            };
            stats.attempts += 1;
            on_progress(Progress::Sending(prepared));
            let begun = Instant::now();
            let opened = self.open(&agent, prepared, time_limit);
            self.pace.release(model, opened.as_ref().ok().map(|(head, _)| &head.limits));
            stats.head = opened.as_ref().ok().map(|(head, _)| head.clone());
            stats.limits = stats.head.as_ref().map_or(stats.limits, |head| head.limits);
            let read = opened.and_then(|(head, body)| {
                on_progress(Progress::Head(&head, begun.elapsed()));
                let read = self.read(&head, body, retain.clone(), on_progress);
                read.map_err(|failed| failed.of(prepared))
            });
            let failed = match read {
                Ok(reply) => {
                    on_progress(Progress::Answering);
                    if !replaced {
                        self.dead.store(0, Ordering::Relaxed);
                    }
                    break Ok(reply);
                }
                Err(failed) => failed,
            };
            on_progress(Progress::Failed(&failed.usage));
            if failed.retryable == Retryable::AtOnce {
                stats.attempts -= 1;
                replaced = true;
                if self.dead.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_DEAD {
                    self.renew(RootCerts::PlatformVerifier);
                }
            } else if let Err(error) =
                self.prepare_retry(failed, model, &mut tries, time_limit, on_progress)
            {
                break Err(error);
            }
        };
        stats.requests = stats.attempts;
        Sent { reply, stats }
    }

    /// Waits until the model may be asked, and returns the agent to send the request with.
    fn acquire(&self, model: &str, time_limit: Option<&TimeLimit>) -> Result<Agent> {
        self.pace.acquire(model, time_limit)?;
        let agent = lock(&self.agent).clone();
        if self.pace.is_stopped() {
            // abort() may have replaced the agent since acquire(): the new one is not shut down
            self.pace.release(model, None);
            return Err(stopped().into());
        }
        Ok(agent)
    }

    /// Reads a recorded answer as if a server had just sent it, unless nothing more is to be sent.
    pub fn replay(&self, content_type: Option<&str>, body: Vec<u8>, retain: Retain) -> Sent {
        if self.pace.is_stopped() {
            return Sent::unsent(stopped());
        }
        let content_type = content_type.and_then(|kind| HeaderValue::from_str(kind).ok());
        let headers = content_type.map(|kind| (CONTENT_TYPE, kind)).into_iter().collect();
        let head = Head::new(200, headers);
        let (body, endpoint) = (Box::new(Cursor::new(body)), Arc::clone(&self.endpoint));
        let mut reply = Reply::new(head.clone(), body, retain, endpoint, Deadline::default());
        let reply = reply.begin(|| ()).map(|()| reply).map_err(|failed| failed.error);
        Sent { reply, stats: Stats { head: Some(head), replayed: true, ..Stats::default() } }
    }

    /// Tells about a retry and waits for it; an error if there is none.
    fn prepare_retry(
        &self,
        failed: AttemptError,
        model: &str,
        tries: &mut Tries,
        time_limit: Option<&TimeLimit>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let AttemptError { error, retryable, server_pause, rate_limited, .. } = failed;
        let outlasts = rate_limited && self.policy.outlasts_limit;
        let count = if outlasts { &mut tries.outlasted } else { &mut tries.counted };
        *count += 1;
        // the standard library's only source of random numbers
        let random = RandomState::new().hash_one(*count) as f64 / u64::MAX as f64;
        let waited = outlasts.then_some(tries.waited);
        let decision = self.policy.decide(*count, waited, retryable, server_pause, random);
        let own = || decision.pause().map(|pause| pause.min(self.policy.max_wait));
        if rate_limited && let Some(pause) = server_pause.or_else(own) {
            self.pace.set_retry_after(model, pause);
        }
        let pause = match decision {
            Decision::Retry(pause) => pause,
            Decision::TooLong(pause) => return Err(self.too_long(&error, pause)),
            Decision::GiveUp => return Err(error),
        };
        if self.pace.is_stopped() {
            return Err(stopped().into());
        }
        let wait = pause.max(self.pace.time_to_slot());
        if let Some(time_limit) = time_limit.filter(|limit| limit.is_shorter_than(wait)) {
            return Err(time_limit
                .failure(&format!("{error}; the next try would be after"))
                .into());
        }
        on_progress(Progress::Retrying(Retry {
            error: &error,
            next: tries.counted + tries.outlasted + 1,
            tries: (!outlasts).then(|| self.policy.retries.saturating_add(tries.outlasted + 1)),
            pause,
            may_be_charged: retryable == Retryable::MaybeCharged,
        }));
        tries.waited += if outlasts { pause } else { Duration::ZERO };
        self.pace.back_off(pause);
        Ok(())
    }

    /// The error, with the reason why the request is not sent again.
    fn too_long(&self, error: &Error, pause: Duration) -> Error {
        let pause = in_words(pause);
        let limit = self.policy.max_wait.as_secs_f64();
        let words = format!("{error}; it asks to wait {pause}, longer than --max-wait {limit}");
        let mut too_long = Failure::new(kind(error), words);
        too_long.request_id = failure(error).and_then(|failure| failure.request_id.clone());
        too_long.hint("use a larger --max-wait to wait that long").into()
    }

    /// Sends the request once, and reads the head of its answer.
    fn open(
        &self,
        agent: &Agent,
        prepared: &Prepared,
        time_limit: Option<&TimeLimit>,
    ) -> Result<(Head, Body), AttemptError> {
        time_limit.map(TimeLimit::start);
        let left = time_limit.and_then(TimeLimit::left);
        self.wrapping.deadline.set(None);
        self.wrapping.sent.store(false, Ordering::Relaxed);
        let response = self.run(agent, prepared, left).map_err(|error| {
            connection_error(&self.endpoint, error, self.wrapping.sent.load(Ordering::Relaxed))
        })?;
        let (parts, body) = response.into_parts();
        Ok((Head::new(parts.status.as_u16(), parts.headers), body))
    }

    /// Reads the first text of an answer, or the error that it is.
    fn read(
        &self,
        head: &Head,
        body: Body,
        retain: Retain,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Reply, AttemptError> {
        let body = Decoded::new(head, Box::new(body.into_reader()));
        if !(200..300).contains(&head.status) {
            self.wrapping.deadline.set_in(self.endpoint.patience());
            return Err(refused(&self.endpoint, head, &error_body(body)));
        }
        let endpoint = Arc::clone(&self.endpoint);
        let mut reply = Reply::new(
            head.clone(),
            Box::new(body),
            retain,
            endpoint,
            self.wrapping.deadline.clone(),
        );
        match reply.begin(|| on_progress(Progress::Thinking)) {
            Ok(()) => Ok(reply),
            Err(failed) => Err(AttemptError { usage: reply.into_answer().usage, ..failed }),
        }
    }

    fn run(
        &self,
        agent: &Agent,
        prepared: &Prepared,
        left: Option<Duration>,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let result = agent.run(request(agent, prepared, left)?);
        let uses_system_roots = self.endpoint.roots_variable.is_none();
        if !uses_system_roots || !result.as_ref().is_err_and(has_no_roots) {
            return result;
        }
        // a bare container has no certificates of its own; nothing has left the machine yet
        self.renew(RootCerts::WebPki);
        let agent = lock(&self.agent).clone();
        agent.run(request(&agent, prepared, left)?)
    }

    /// Breaks off what is under way, from another thread. What is sent after [`Pace::resume`] is sent as ever.
    pub fn abort(&self) {
        self.pace.stop();
        self.renew(RootCerts::PlatformVerifier).shutdown();
    }

    /// Replaces the agent by a new one, and returns the old one.
    fn renew(&self, roots: RootCerts) -> Agent {
        let reuse = self.dead.load(Ordering::Relaxed) < MOST_DEAD;
        let new = agent(&self.endpoint, roots, &self.wrapping, reuse);
        std::mem::replace(&mut lock(&self.agent), new)
    }
}

/// Reads the start of an error's body, as far as it can be read.
fn error_body(body: Decoded) -> Vec<u8> {
    let mut bytes = Vec::new();
    match body.take(LARGEST_ERROR).read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() && error.kind() == ErrorKind::Other => {
            error.to_string().into_bytes()
        }
        _ => bytes,
    }
}
