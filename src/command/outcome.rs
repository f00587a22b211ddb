//! What became of one question.

use anyhow::{Error, Result};

use crate::api::{Answer, Cost, Stats};
use crate::error::Failure;

/// What became of one question.
pub struct Outcome {
    /// Its usage is that of all requests that it took.
    pub answer: Answer,
    pub result: Result<()>,
    /// The answer is complete and has been printed, so that a conversation keeps it.
    pub complete: bool,
    pub stats: Stats,
    /// How long it took.
    pub seconds: f64,
    /// The estimated cost of all requests; `None` if the server did not count the tokens.
    pub cost: Option<Cost>,
    /// Why the answer stopped short, if it did.
    pub short: Option<Failure>,
    /// The log, the recording or the conversation could not be written.
    pub write_error: Option<Error>,
}

impl Outcome {
    /// Adds what an earlier answer to the same question took.
    pub fn after(mut self, earlier: Self) -> Self {
        self.stats.requests += earlier.stats.requests;
        earlier.answer.notes.iter().for_each(|note| self.answer.note(note));
        Self { write_error: earlier.write_error.or(self.write_error), ..self }
    }
}
