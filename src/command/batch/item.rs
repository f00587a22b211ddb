//! One item of a batch: asked as a single question would be, and answered by a line of JSON.

use std::sync::atomic::Ordering;

use anyhow::Error;
use serde_json::value::RawValue;

use super::results::{Row, RowContent, RowError, identity};
use super::{Work, is_for_all};
use crate::api::{Client, one_line};
use crate::command::exchange::exchange;
use crate::command::outcome::Outcome;
use crate::error::{Kind, kind};
use crate::input::Item;
use crate::sync::lock;

impl Work {
    /// Asks an item, and returns its row; none for an item that is skipped, or was not asked after all.
    pub fn ask(&self, client: &Client, item: Item) -> Option<String> {
        let Item { line, id, data, question, replaced } = item;
        let (id, data) = (id.as_deref(), data.as_deref());
        lock(&self.tally).replaced += replaced;
        let failed = |key, asked, status, error: &Error| {
            lock(&self.tally).failed += 1;
            let message = self.session.options.console.describe(error);
            let error = RowError { exit: kind(error) as u8, status, message };
            let content = RowContent::Error { error };
            self.finished(&Row { line, id, data, key, asked, content })
        };
        let (mut request, prepared) = match self.template.prepare(question, client.endpoint()) {
            Ok(prepared) => prepared,
            Err(error) => return Some(failed(None, None, None, &error)),
        };
        let key = prepared.digest();
        if lock(&self.known).take_answer(identity(id.or(data), Some(key), ""), line) {
            lock(&self.tally).skipped += 1;
            return None;
        }
        let console = &self.session.options.console;
        let outcome =
            exchange(&self.session, client, &console.for_item(line), &mut request, prepared, None);
        let asked = (!self.session.options.fallback.is_empty()).then_some(&*request.model);
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
                Some(self.finished(&Row { line, id, data, key: Some(key), asked, content }))
            }
            Err(error) if kind(&error) == Kind::Interrupted => {
                self.no_more_items.store(true, Ordering::Relaxed);
                None
            }
            Err(error) => {
                let row = failed(Some(key), asked, status, &error);
                if is_for_all(&error) {
                    self.stop(error);
                }
                Some(row)
            }
        }
    }

    /// The row of a result that is final, as a line of JSON.
    fn finished(&self, row: &Row) -> String {
        lock(&self.known).add_result(row.identity(), row.line);
        row.to_line()
    }
}

/// JSON of any form on one line; none where there is no JSON.
fn json_line(json: &[u8]) -> Option<Box<RawValue>> {
    let json = String::from_utf8_lossy(json);
    RawValue::from_string(one_line(json.trim()).into()).ok()
}
