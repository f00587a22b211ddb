//! The kinds of failure, each with its exit status, and how an error is written on one line.

use std::{fmt, io};

/// A kind of failure; its number is the exit status. Numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reader of standard output is gone: the program stops early, which is not a failure.
    ReaderGone = 0,
    /// A file or standard output could not be read or written.
    Local = 1,
    /// An unknown flag, a bad value, no prompt, binary input.
    Usage = 2,
    /// No API key, or a bad configuration file or profile.
    Setup = 3,
    /// The server refused the request: any 3xx or 4xx without a kind of its own.
    Refused = 4,
    /// The server did not accept the key: 401.
    KeyRejected = 5,
    /// Out of credits, or not permitted: 402, 403, or a limit of a batch.
    NotPermitted = 6,
    /// 429, after the retries.
    RateLimited = 7,
    /// 5xx and 529, after the retries.
    ServerFailed = 8,
    /// Name look-up, connect, TLS, proxy, time-out, `--max-time`.
    NoConnection = 9,
    /// A stream that ended early, no JSON, no content, no code block to extract.
    BrokenAnswer = 10,
    /// The answer stopped short, under `--strict`.
    StoppedShort = 11,
    /// Some items of a batch failed.
    ItemsFailed = 12,
    /// The answer did not pass `--check`.
    CheckFailed = 13,
    /// There is no recorded answer for a request, under `--replay`.
    NoRecording = 14,
    /// A signal ended the program. A shell reports 128 plus the number of the signal.
    Interrupted = 130,
}

/// An error with a kind: a message of one line, and a hint if the user can do something about it.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: Kind,
    message: String,
    pub hint: Option<String>,
    /// The server's id of the request. The operator of the server can find the request by it.
    pub request_id: Option<String>,
    /// The question has taken longer than `--max-time`.
    pub is_over_max_time: bool,
    /// The HTTP status that the server answered with, or that is written in its error.
    pub status: Option<u16>,
}

impl Failure {
    /// A failure of `kind` with its message: lower case, no full stop.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let message = message.into();
        let (hint, request_id, status) = (None, None, None);
        Self { kind, message, hint, request_id, is_over_max_time: false, status }
    }

    /// The same failure with a line that says what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same failure with this hint, if it is one, or else with the hint that it has.
    #[must_use]
    pub fn maybe_hint(self, hint: Option<impl Into<String>>) -> Self {
        Self { hint: hint.map(Into::into).or(self.hint), ..self }
    }
}

/// A failure of kind [`Kind::Usage`]: the user's input is wrong.
pub fn usage_error(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message)
}

/// A failure of kind [`Kind::BrokenAnswer`]: the answer is not what it should be.
pub fn broken(message: impl Into<String>) -> Failure {
    Failure::new(Kind::BrokenAnswer, message)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The failure that an error is, if it is one.
pub fn failure(error: &anyhow::Error) -> Option<&Failure> {
    error.downcast_ref()
}

/// The kind of an error; [`Kind::Local`] if the error is not a [`Failure`], or if there are too many open files.
pub fn kind(error: &anyhow::Error) -> Kind {
    match failure(error) {
        Some(failure) if !error.chain().any(is_out_of_files) => failure.kind,
        _ => Kind::Local,
    }
}

pub fn hint(error: &anyhow::Error) -> Option<&str> {
    if error.chain().any(is_out_of_files) {
        return Some("raise the limit with ulimit -n, or use a lower --jobs");
    }
    failure(error)?.hint.as_deref()
}

/// Whether this program, or the whole system, has too many open files to open a file, a connection or a pipe.
pub fn is_out_of_files(error: &(dyn std::error::Error + 'static)) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    let number = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error);
    cfg!(unix) && matches!(number, Some(ENFILE | EMFILE))
}

/// The error of a line whose own text is wrong; `origin` is its `FILE:LINE`.
pub fn at(origin: &str, error: impl Into<anyhow::Error>) -> anyhow::Error {
    let error = error.into();
    let failure = Failure::new(Kind::Setup, format!("{origin}: {}", describe(&error)));
    failure.maybe_hint(hint(&error)).into()
}

/// The error and its causes, each once, joined by colons. The operating system's number is left out.
pub fn describe(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        let words = cause.split_once(" (os error").map_or(&*cause, |(words, _)| words);
        if !line.contains(words) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(words);
        }
    }
    line
}
