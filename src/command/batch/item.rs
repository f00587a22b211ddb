//! One item of a batch: it is asked like a single question, and its result is a line of JSON.

use std::sync::atomic::Ordering;

use anyhow::{Error, Result};
use serde_json::value::RawValue;

use super::results::{Row, RowContent, RowError, RowLine, identity, label, label_or_line};
use super::run::{Alone, BatchRun};
use super::{budget, changed};
use crate::api::{Answer, Client, Cost, Digest, Prepared, Request, State, one_line};
use crate::command::exchange::{Asker, exchange};
use crate::command::log;
use crate::command::outcome::Outcome;
use crate::error::{Failure, Kind, describe, failure, hint, kind};
use crate::input::Item;
use crate::output::Console;
use crate::sync::lock;

/// After this many items in a row without a connection, the batch stops.
const MOST_UNCONNECTED: u32 = 10;
/// The longest data of an item that the command of `--check` finds in its environment, in bytes: Linux limits a variable
/// to 128 KiB.
const LONGEST_DATA: usize = 64 << 10;

/// Asks an item, and returns its row; `None` if the item was skipped or not sent. Dropping `alone` lets the other
/// workers start.
pub fn ask(run: &BatchRun, client: &Client, item: Item, alone: Alone) -> Option<RowLine> {
    let Item { line, id, data, request, replaced } = item;
    let (id, data, session) = (id.as_deref(), data.as_deref(), &run.session);
    lock(&run.tally).replaced += replaced;
    let console = session.options.console.for_item(line);
    let failed = |status, error: &Error, text: Option<String>| {
        let (exit, message) = (kind(error) as u8, console.describe(error));
        let hint = hint(error).map(|hint| console.redact(hint));
        RowContent::Error { error: RowError { exit, status, message, hint, text } }
    };
    let row = |status, key, asked, content, cost| {
        let mut row = Row { line, id, data, key, asked, content, cost };
        let line = row.to_line().or_else(|too_long| {
            row.content = failed(status, &too_long, None);
            row.to_line()
        });
        finished(run, &row, line.unwrap_or_default())
    };
    let (mut request, prepared) = match run.defaults.prepare(request, client.endpoint()) {
        Ok(prepared) => prepared,
        Err(error) => return Some(row(None, None, None, failed(None, &error, None), None)),
    };
    let key = prepared.digest();
    if is_answered(run, &console, label(id, data), key, line) {
        return None;
    }
    if let Err(failure) = budget::check_model(run, &request.model) {
        return Some(row(None, None, None, failed(None, &failure.into(), None), None));
    }
    let outcome = send(run, client, &console, &mut request, prepared, line, &variables(id, data));
    if let Some(mut first_was_sent) = alone {
        *first_was_sent = outcome.stats.requests > 0;
    }
    let asked = (!session.options.fallback.is_empty()).then_some(&*request.model);
    budget::note_outcome(run, &outcome);
    let Outcome { answer, result, stats, write_error, cost, .. } = outcome;
    let (cost, status) = (cost.and_then(Cost::known), stats.head.map(|head| head.status));
    let result = result.and(write_error.map_or(Ok(()), |error| stop_unless_too_long(run, error)));
    match result {
        Ok(()) => {
            run.unconnected.store(0, Ordering::Relaxed);
            Some(row(status, Some(key), asked, answered(&answer, &console), cost))
        }
        Err(error) if is_left(&error, stats.requests, &answer) => {
            // what its requests cost so far counts when the batch goes on
            let content = cost.is_some().then(|| failed(status, &error, None));
            let row = content.map(|content| row(status, Some(key), asked, content, cost));
            match kind(&error) {
                Kind::Interrupted => run.take_no_more_items(),
                _ => run.stop(error),
            }
            row
        }
        Err(error) => {
            let content = failed(status, &error, retained_text(&error, answer));
            stop_if_for_all(run, error);
            Some(row(status, Some(key), asked, content, cost))
        }
    }
}

/// Asks the question, logs it, and counts what each request of it costs.
fn send(
    run: &BatchRun,
    client: &Client,
    console: &Console,
    request: &mut Request,
    prepared: Prepared,
    line: u64,
    variables: &[(&str, String)],
) -> Outcome {
    let on_request = |usage: &_, cost| budget::add_request(run, usage, cost);
    let item = Asker::Item { variables, on_request: &on_request };
    let mut outcome = exchange(&run.session, client, console, request, prepared, item);
    let logged = log::append(&outcome, &run.session, &request.model, Some(line));
    outcome.write_error = outcome.write_error.or(logged.err());
    outcome
}

/// Whether an earlier batch has answered the item on this line. If it answered another request of the item, a note says
/// so.
fn is_answered(
    run: &BatchRun,
    console: &Console,
    label: Option<Digest>,
    key: Digest,
    line: u64,
) -> bool {
    let identity = identity(label, Some(key), "");
    let is_answered = lock(&run.earlier).take_answer(identity, line);
    if is_answered {
        lock(&run.tally).skipped += 1;
    } else {
        changed::note_first(run, console, label_or_line(label, line), identity);
    }
    is_answered
}

fn answered<'a>(answer: &'a Answer, console: &Console) -> RowContent<'a> {
    let redacted = |text: &String| console.redact(text);
    RowContent::Answer {
        text: &answer.text,
        stop_reason: answer.stop_reason.as_ref().map(redacted),
        model: answer.model.as_ref().map(redacted),
        usage: answer.usage,
        response: json_line(&answer.message),
    }
}

/// Whether the item was left unasked: the batch has stopped, the rate limit resets too late for it and those after it,
/// or this machine can open no connection.
fn is_left(error: &Error, requests: u32, answer: &Answer) -> bool {
    match kind(error) {
        Kind::Interrupted => true,
        Kind::RateLimited => requests == 0,
        Kind::Local => answer.text.is_empty(),
        _ => false,
    }
}

/// Stops the batch if the log or the recording cannot be written. If only this answer is too long for it, the item fails.
fn stop_unless_too_long(run: &BatchRun, error: Error) -> Result<()> {
    if kind(&error) == Kind::BrokenAnswer {
        return Err(error);
    }
    run.stop(error);
    Ok(())
}

/// The text of an answer that was paid for, though it did not pass, or could not be judged or recorded.
fn retained_text(error: &Error, answer: Answer) -> Option<String> {
    let is_retained = match kind(error) {
        Kind::Setup | Kind::CheckFailed | Kind::Local => true,
        Kind::NoConnection | Kind::BrokenAnswer => {
            answer.state == State::Complete && answer.has_text
        }
        _ => false,
    };
    is_retained.then_some(answer.text)
}

/// Notes and counts that the item has its result, and returns the row as it is written.
fn finished(run: &BatchRun, row: &Row, line: RowLine) -> RowLine {
    lock(&run.earlier).add_result(row.identity(), row.line);
    let mut tally = lock(&run.tally);
    match &row.content {
        RowContent::Answer { .. } => tally.answered += 1,
        RowContent::Error { error } => tally.fail(row.line, error.exit, &error.message),
    }
    line
}

/// Stops the batch if every other item would fail in the same way.
fn stop_if_for_all(run: &BatchRun, error: Error) {
    match kind(&error) {
        Kind::Local | Kind::Setup | Kind::KeyRejected | Kind::NotPermitted => run.stop(error),
        Kind::NoConnection if !failure(&error).is_some_and(|failure| failure.is_over_max_time) => {
            if run.unconnected.fetch_add(1, Ordering::Relaxed) + 1 == MOST_UNCONNECTED {
                let last = describe(&error);
                let message = format!(
                    "{MOST_UNCONNECTED} items in a row got no connection; the last: {last}"
                );
                let failure = Failure::new(Kind::NoConnection, message);
                run.stop(failure.hint(run.how_to_continue()).into());
            }
        }
        _ => run.unconnected.store(0, Ordering::Relaxed),
    }
}

/// The item as the command of `--check` finds it in its environment.
fn variables(id: Option<&RawValue>, data: Option<&RawValue>) -> Vec<(&'static str, String)> {
    let data = data.filter(|data| data.get().len() <= LONGEST_DATA);
    let variables = [("ANYASK_ID", id), ("ANYASK_DATA", data)];
    variables.into_iter().filter_map(|(name, value)| Some((name, value?.get().into()))).collect()
}

/// The JSON on one line; `None` if it is not JSON.
fn json_line(json: &[u8]) -> Option<Box<RawValue>> {
    let json = String::from_utf8_lossy(json);
    RawValue::from_string(one_line(json.trim()).into()).ok()
}
