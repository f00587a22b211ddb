//! What can go wrong, and the one table that gives each kind of failure its exit status.
//! A leaf: it imports nothing but std, so that the tests and the generators share it.

use std::fmt;

/// A kind of failure: whatever has an exit status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nobody reads standard output any more: not a failure to tell, only a reason to stop.
    ReaderGone,
    Local,
    Usage,
    Setup,
    Refused,
    KeyRejected,
    NotPermitted,
    RateLimited,
    ServerFailed,
    NoConnection,
    BrokenAnswer,
    StoppedShort,
    ItemsFailed,
    Interrupted,
}

/// Every exit status: its kind, its number and what it means. Numbers are never reused.
pub const STATUSES: [(Kind, u8, &str); 14] = [
    (Kind::ReaderGone, 0, "answered"),
    (
        Kind::Local,
        1,
        "a local failure: a file or stdout could not be read or written",
    ),
    (
        Kind::Usage,
        2,
        "usage: an unknown flag, a bad value, no prompt, binary input",
    ),
    (
        Kind::Setup,
        3,
        "not set up: no API key, a bad configuration file or profile",
    ),
    (
        Kind::Refused,
        4,
        "the server refused the request: 400, 404, 413, 422, any other 3xx or 4xx",
    ),
    (Kind::KeyRejected, 5, "the key was not accepted: 401"),
    (
        Kind::NotPermitted,
        6,
        "out of credits, or not permitted: 402, 403, below --min-credits",
    ),
    (Kind::RateLimited, 7, "rate limited: 429, after the retries"),
    (
        Kind::ServerFailed,
        8,
        "the server failed: 5xx, 529, after the retries",
    ),
    (
        Kind::NoConnection,
        9,
        "no connection: name look-up, connect, TLS, proxy, time-out",
    ),
    (
        Kind::BrokenAnswer,
        10,
        "a broken answer: the stream ended early, not JSON, no content, no code block to extract",
    ),
    (
        Kind::StoppedShort,
        11,
        "the answer stopped short, under --strict",
    ),
    (Kind::ItemsFailed, 12, "some items of a batch failed"),
    (Kind::Interrupted, 130, "a batch was stopped by Ctrl-C"),
];

impl Kind {
    /// The exit status of this kind.
    pub fn status(self) -> u8 {
        let row = STATUSES.iter().find(|(kind, ..)| *kind == self);
        row.map_or(1, |(_, status, _)| *status)
    }
}

/// A failure whose kind is known: one line of message, and a hint where there is something to do.
#[derive(Debug)]
pub struct Failure {
    pub kind: Kind,
    message: String,
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of `kind`, told by `message`: lower case, no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
        }
    }

    /// Passes all its words through `hide`.
    pub fn reword(&mut self, hide: impl Fn(&str) -> String) {
        self.message = hide(&self.message);
        self.hint = self.hint.as_deref().map(hide);
    }

    /// The same failure with a line that says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
