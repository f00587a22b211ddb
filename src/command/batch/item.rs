//! One item of a batch: asked as a single question would be, and answered by a line of JSON.

use std::sync::atomic::Ordering;

use anyhow::{Error, Result};
use serde_json::value::RawValue;

use super::super::exchange::Outcome;
use super::results::{Row, RowContent, RowError, identity};
use super::{UNTOLD, Work, is_for_all, lock};
use crate::api::{Client, Message, Prepared, Progress, Request, one_line};
use crate::error::{Failure, Kind, kind};
use crate::input::{Item, Question};
use crate::output::show;

impl Work {
    /// Asks an item. Gives the line of its result; none for an item that is skipped, or was not asked after all.
    pub fn ask(&self, client: &Client, item: Item) -> Option<String> {
        let Item { line, id, data, question, replaced } = item;
        let (id, data) = (id.as_deref(), data.as_deref());
        lock(&self.tally).replaced += replaced;
        let failed = |key, status, error: &Error| {
            lock(&self.tally).failed += 1;
            let message = self.session.options.console.describe(error);
            let error = RowError { exit: kind(error) as u8, status, message };
            let content = RowContent::Error { error };
            self.finished(&Row { line, id, data, key, content })
        };
        let (request, prepared) = match self.prepare(client, question) {
            Ok(prepared) => prepared,
            Err(error) => return Some(failed(None, None, &error)),
        };
        let key = prepared.digest();
        if lock(&self.known).use_answer(identity(id.or(data), Some(key), ""), line) {
            lock(&self.tally).skipped += 1;
            return None;
        }
        let console = &self.session.options.console;
        let mut on_progress = |progress: Progress| show(console, Some(line), &progress);
        let outcome = self.session.exchange(client, &request, &prepared, None, &mut on_progress);
        self.count(&outcome);
        let Outcome { answer, result, head, short, write_error, .. } = outcome;
        let status = head.map(|head| head.status);
        if let Some(error) = write_error {
            self.stop(error);
        }
        let short = short.filter(|_| self.session.options.strict);
        match result.and(short.map_or(Ok(()), |short| Err(short.into()))) {
            Ok(()) => {
                lock(&self.tally).answered += 1;
                let content = RowContent::Answer {
                    text: &answer.text,
                    stop_reason: answer.stop_reason.map(|reason| console.redact(&reason)),
                    model: answer.model.map(|model| console.redact(&model)),
                    usage: answer.usage,
                    response: json_line(&answer.message),
                };
                Some(self.finished(&Row { line, id, data, key: Some(key), content }))
            }
            Err(error) if kind(&error) == Kind::Interrupted => {
                self.over.store(true, Ordering::Relaxed);
                None
            }
            Err(error) => {
                let line = failed(Some(key), status, &error);
                if is_for_all(&error) {
                    self.stop(error);
                }
                Some(line)
            }
        }
    }

    fn prepare(
        &self,
        client: &Client,
        question: Result<Question, String>,
    ) -> Result<(Request, Prepared)> {
        let question = question.map_err(|why| Failure::new(Kind::Usage, why))?;
        let options = &self.session.options;
        let mut request = options.request.clone();
        question.apply(&mut request, &self.files, self.words.as_ref());
        request.messages.extend(options.prefill.as_ref().map(Message::assistant));
        let prepared = request.prepare(client.endpoint())?;
        Ok((request, prepared))
    }

    /// The line of a result that is final.
    fn finished(&self, row: &Row) -> String {
        lock(&self.known).add_result(row.identity(), row.line);
        row.to_line()
    }

    /// Counts what was spent, whatever came of it, and looks at the credits that are left.
    fn count(&self, outcome: &Outcome) {
        let usage = outcome.answer.usage;
        let mut tally = lock(&self.tally);
        tally.input_tokens += usage.input().unwrap_or(0);
        tally.output_tokens += usage.output_tokens.unwrap_or(0);
        tally.cost += outcome.price.cost(&usage).unwrap_or(0.0);
        tally.short += u64::from(outcome.short.is_some());
        drop(tally);
        if let Some(head) = outcome.head.as_ref().filter(|_| !outcome.replayed) {
            self.look_at_credits(head.limits.credits, outcome.result.is_ok());
        }
    }

    /// Keeps what is told of the credits that are left, and stops where they are too few.
    fn look_at_credits(&self, credits: Option<f64>, is_answer: bool) {
        let mut tally = lock(&self.tally);
        tally.credits = credits.or(tally.credits);
        let Some(least) = self.batch.min_credits else { return };
        if tally.credits.is_some() {
            tally.untold = 0;
        } else if is_answer {
            tally.untold += 1;
            if tally.untold == UNTOLD {
                self.note_untold();
            }
        }
        drop(tally);
        if let Some(credits) = credits.filter(|credits| *credits < least) {
            let message = format!("${credits:.2} credits are left, below --min-credits");
            let failure = Failure::new(Kind::NotPermitted, message);
            let failure = failure.hint("with more credits, use --resume to continue");
            self.stop_if_items_are_left(failure.into());
        }
    }
}

/// JSON of any form on one line; none where there is no JSON.
fn json_line(json: &[u8]) -> Option<Box<RawValue>> {
    let json = String::from_utf8_lossy(json);
    RawValue::from_string(one_line(json.trim()).into()).ok()
}
