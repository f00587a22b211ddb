//! What is reported of a request while it is sent, and what became of it.

use std::time::Duration;

use anyhow::{Error, Result};

use crate::api::head::Head;
use crate::api::limits::Limits;
use crate::api::reply::Reply;
use crate::api::request::Prepared;
use crate::api::usage::Usage;

/// The steps of a request, as they are reported to the caller.
pub enum Progress<'a> {
    Sending(&'a Prepared),
    /// The head of an answer, and how long it took.
    Head(&'a Head, Duration),
    /// The model thinks.
    Thinking,
    /// The text has begun.
    Answering,
    /// An attempt has failed, after these tokens.
    Failed(&'a Usage),
    Retrying(Retry<'a>),
}

/// A failed attempt, and when the next one follows.
pub struct Retry<'a> {
    pub error: &'a Error,
    /// The number of the next attempt; the first was 1.
    pub next: u32,
    /// How many attempts there are at most; `None` if only the time is limited.
    pub tries: Option<u32>,
    pub pause: Duration,
    /// The server may have answered the failed attempt and charged for it.
    pub may_be_charged: bool,
}

/// What a question took, and what the server reported.
#[derive(Debug, Default)]
pub struct Stats {
    /// How often the last model was asked.
    pub attempts: u32,
    /// How many requests there were, to all models.
    pub requests: u32,
    /// The head that the last attempt got.
    pub head: Option<Head>,
    /// The limits that were reported last, perhaps by an earlier attempt.
    pub limits: Limits,
    /// Nothing was sent: it is a recorded answer.
    pub replayed: bool,
}

/// What became of a request.
pub struct Sent {
    /// The answer, from its first text on, or the error of the last attempt.
    pub reply: Result<Reply>,
    pub stats: Stats,
}

impl Sent {
    /// Nothing was sent, because of this error.
    pub fn unsent(error: impl Into<Error>) -> Self {
        Self { reply: Err(error.into()), stats: Stats::default() }
    }
}
