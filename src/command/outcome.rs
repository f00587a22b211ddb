//! What became of one question.

use anyhow::{Error, Result};

use crate::api::{Answer, Head, Limits};
use crate::error::{Failure, Kind, kind};

/// What became of one question.
pub struct Outcome {
    /// Its usage is that of all answers that it took.
    pub answer: Answer,
    pub result: Result<()>,
    /// The head that the last attempt got.
    pub head: Option<Head>,
    /// The limits that were reported last, perhaps by an earlier attempt.
    pub limits: Limits,
    /// The estimated cost in dollars; `None` if the server did not count the tokens.
    pub cost: Option<f64>,
    /// Why the answer stopped short, if it did.
    pub short: Option<Failure>,
    /// It is a recorded answer.
    pub replayed: bool,
    /// How often the last model was asked.
    pub attempts: u32,
    /// How many requests the question took, of all models.
    pub requests: u32,
    /// The log, the recording or the conversation could not be written.
    pub write_error: Option<Error>,
}

impl Outcome {
    /// Adds what an earlier answer to the same question took.
    pub fn after(mut self, earlier: Self) -> Self {
        self.answer.usage.add(&earlier.answer.usage);
        Self {
            cost: earlier.cost.into_iter().chain(self.cost).reduce(|one, other| one + other),
            requests: earlier.requests + self.requests,
            write_error: earlier.write_error.or(self.write_error),
            ..self
        }
    }

    /// The exit status of a question that ended so.
    pub fn exit_status(&self, strict: bool) -> u8 {
        match &self.result {
            Err(error) => kind(error) as u8,
            Ok(()) if strict && self.short.is_some() => Kind::StoppedShort as u8,
            Ok(()) => 0,
        }
    }
}
