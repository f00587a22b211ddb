//! What is retained of an answer, and how much at most.

use crate::api::error::attempt::AttemptError;
use crate::error::broken;

/// How much of one answer is retained, in bytes: of its text, of its message, and of its body.
const LARGEST_RETAINED: usize = 64 << 20;

/// What of an answer the caller retains or prints.
#[derive(Debug, Default, Clone)]
pub struct Retain {
    /// All text, in `Answer::text`.
    pub text: bool,
    /// The message as JSON, in `Answer::message`.
    pub message: bool,
    /// The events of a stream instead of its text, from `Reply::next_chunk`.
    pub events: bool,
    /// The body as it came, in `Answer::body`.
    pub body: bool,
    /// What `Reply::next_chunk` returns is printed at once, so it cannot be taken back.
    pub printed: bool,
    /// The user's first words of the answer, which stand before its text.
    pub prefill: Option<String>,
}

/// Refuses to retain this many bytes of an answer, if they are too many.
pub fn check_retained(size: usize) -> Result<(), AttemptError> {
    if size <= LARGEST_RETAINED {
        return Ok(());
    }
    let failure = broken("the answer is over 64 MiB, the most that is kept of one");
    Err(failure.hint("print it as it arrives, without --json, --record and -o").into())
}
