//! Which model answers: the one that the question names, or the next one of `--fallback` where it fails.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use anyhow::Error;

use crate::api::{Candidate, Sent};
use crate::error::{Kind, kind};
use crate::sync::lock;

/// After this many failures in a row a model is no longer asked first.
const MOST_FAILURES: u32 = 2;

/// The models that are asked where others fail, and how often each model failed in a row.
pub struct Fallback {
    models: Vec<String>,
    failures: Mutex<HashMap<String, u32>>,
}

impl Fallback {
    /// No model has failed yet.
    pub fn new(models: Vec<String>) -> Self {
        Self { models, failures: Mutex::default() }
    }

    /// The models to ask, one after the other; `own` is the question's own.
    pub fn models(&self, own: &str) -> Vec<(Candidate, String)> {
        let others = (1..).zip(&self.models).filter(|(_, model)| *model != own);
        let mut models: Vec<(usize, &str)> = vec![(0, own)];
        models.extend(others.map(|(place, model)| (place, &**model)));
        let failures = self.failures();
        let fails = |model| failures.get(model).is_some_and(|count| *count >= MOST_FAILURES);
        // where all fail, they are asked from the first one on
        let first = models.iter().position(|(_, model)| !fails(*model)).unwrap_or(0);
        let last = models.len() - 1;
        let candidate = |(index, (place, model)): (usize, (usize, &str))| {
            (Candidate { place, is_last: index == last }, model.to_string())
        };
        models.into_iter().enumerate().skip(first).map(candidate).collect()
    }

    /// Counts what came of a model. Returns the error where another model may do better.
    pub fn failure<'a>(&self, model: &str, sent: &'a Sent) -> Option<&'a Error> {
        let is_missing = sent.head.as_ref().is_some_and(|head| head.status == 404);
        let error = sent.reply.as_ref().err();
        let failed = error.filter(|error| match kind(error) {
            // a failure is not recorded
            Kind::RateLimited | Kind::ServerFailed | Kind::NoRecording => true,
            Kind::Refused => is_missing,
            _ => false,
        });
        let mut failures = self.failures();
        match failed {
            None if error.is_none() => drop(failures.remove(model)),
            // the file says nothing of how the model is now
            Some(error) if kind(error) != Kind::NoRecording => {
                *failures.entry(model.into()).or_default() += 1;
            }
            _ => {}
        }
        failed
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        lock(&self.failures)
    }
}
