//! Which model answers: the request's own, or the next one of `--fallback` if it fails.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use anyhow::Error;

use crate::api::Sent;
use crate::error::{Kind, failure, kind};
use crate::sync::lock;

/// After this many failures in a row, a model is no longer asked first.
const MOST_FAILURES: u32 = 2;

/// The models that are asked if others fail, and how often each model failed in a row.
pub struct Fallback {
    models: Vec<String>,
    failures: Mutex<HashMap<String, u32>>,
}

impl Fallback {
    pub fn new(models: Vec<String>) -> Self {
        Self { models, failures: Mutex::default() }
    }

    /// All models that may be asked; `own` is the request's own model, the first one.
    pub fn all_models(&self, own: &str) -> Vec<String> {
        let others = self.models.iter().filter(|model| *model != own);
        [own.into()].into_iter().chain(others.cloned()).collect()
    }

    /// The models to ask, one after the other. Those that failed too often in a row are left out at the start.
    pub fn models(&self, own: &str) -> Vec<String> {
        let mut models = self.all_models(own);
        let failures = self.failures();
        let fails = |model| failures.get(model).is_some_and(|count| *count >= MOST_FAILURES);
        // if all fail, they are asked from the first one on
        models.split_off(models.iter().position(|model| !fails(model)).unwrap_or(0))
    }

    /// Counts a model's failure or success. Returns the error if the next model should be asked.
    pub fn failure<'a>(&self, model: &str, sent: &'a Sent) -> Option<&'a Error> {
        let error = sent.reply.as_ref().err();
        let is_missing = error.and_then(failure).and_then(|failure| failure.status) == Some(404);
        let failed = error.filter(|error| match kind(error) {
            Kind::RateLimited | Kind::ServerFailed => true,
            Kind::Refused => is_missing,
            _ => false,
        });
        let mut failures = self.failures();
        match (failed, error) {
            (Some(_), _) => *failures.entry(model.into()).or_default() += 1,
            (None, None) => drop(failures.remove(model)),
            (None, Some(_)) => {}
        }
        failed
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        lock(&self.failures)
    }
}
