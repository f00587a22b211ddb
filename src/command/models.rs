//! `--list-models=server`: the models that the server has for this key.

use std::collections::HashSet;

use anyhow::Result;
use serde_json::Value;

use super::exchange::read_to_end;
use super::session::Session;
use crate::api::{Pace, Prepared, Progress, Retain, Sent, one_line};
use crate::cli::Options;
use crate::error::{Failure, Kind, broken, kind};
use crate::output::{Format, Sink, show_progress, start_spinner};

/// The largest number of models on a page. The upstream API gives 20 without a number, and at most 1000.
const PAGE_SIZE: Option<u32> = Some(1000);

/// The note on a list that is not whole.
const NO_CURSOR: &str = "the server has more models, but does not say how to get them";

/// Asks for the list page after page, and prints an id per line, or the server's JSON, a line for each page.
pub fn run(options: Options) -> Result<()> {
    let session = Session::new(options, Pace::default())?;
    let (console, output) = (&session.options.console, &session.options.output);
    let mut sink = Sink::stdout(output)?;
    let mut cursors = HashSet::new();
    let (mut page_size, mut after) = (PAGE_SIZE, None);
    loop {
        let Some(json) = page(&session, page_size, after.as_deref())? else {
            page_size = None;
            continue;
        };
        let page: Value = serde_json::from_slice(&json).unwrap_or_default();
        let has_more = page["has_more"] == true;
        let next = cursor(&page).filter(|_| has_more);
        if next.as_ref().is_some_and(|cursor| !cursors.insert(cursor.clone())) {
            console.note(NO_CURSOR);
            return Ok(());
        }
        if matches!(output.format, Format::Json | Format::Events) {
            sink.json(one_line(&String::from_utf8_lossy(&json)).trim().as_bytes());
            sink.end_line();
        } else {
            for id in ids(&page, after.is_none())? {
                sink.text(&id);
                sink.end_line();
            }
        }
        sink.flush()?;
        if next.is_none() {
            if has_more {
                console.note(NO_CURSOR);
            }
            return Ok(());
        }
        after = next;
    }
}

/// A page of the server's answer, which is JSON; `None` if the server refuses the page size.
fn page(session: &Session, page_size: Option<u32>, after: Option<&str>) -> Result<Option<Vec<u8>>> {
    let (client, console) = (&session.client, &session.options.console);
    let prepared = Prepared::for_models(client.endpoint(), page_size, after)?;
    let retain = Retain { message: true, ..Retain::default() };
    let mut on_progress = |progress: Progress| show_progress(console, &progress);
    start_spinner(console);
    let Sent { reply, stats } = client.send(&prepared, "", &retain, None, &mut on_progress);
    console.stop_live();
    let is = |kind_of_failure| reply.as_ref().is_err_and(|error| kind(error) == kind_of_failure);
    let names_limit =
        || reply.as_ref().is_err_and(|error| error.to_string().to_lowercase().contains("limit"));
    match stats.head.map(|head| head.status) {
        Some(400 | 422) if page_size.is_some() && names_limit() => return Ok(None),
        // a bot check has another kind
        Some(status @ (404 | 405)) if is(Kind::Refused) => {
            let host = client.endpoint().host();
            let message = format!("{host} does not list its models ({status})");
            let hint = format!("check --base-url; the URL was {}", prepared.url);
            return Err(Failure::new(Kind::Refused, message).hint(hint).into());
        }
        _ => {}
    }
    let mut reply = reply?;
    read_to_end(&mut reply, None)?;
    Ok(Some(reply.into_answer().message))
}

/// The models in a list, which has the API's form or that of another server.
fn models(list: &Value) -> Option<&Vec<Value>> {
    let models = ["data", "models"].iter().find_map(|key| list[key].as_array());
    models.or(list.as_array())
}

/// The id of a model on one line.
fn id(model: &Value) -> Option<String> {
    let id = ["id", "name"].iter().find_map(|key| model[key].as_str());
    Some(id.or(model.as_str())?.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The ids on a page. A list without any is an error.
fn ids(list: &Value, is_first: bool) -> Result<Vec<String>, Failure> {
    let unusable = |message| broken(message).hint("use --json to see the answer");
    let models = models(list).ok_or_else(|| unusable("the answer is not a list of models"))?;
    let ids: Vec<_> = models.iter().filter_map(id).collect();
    if ids.is_empty() && is_first {
        return Err(unusable("the server lists no models"));
    }
    Ok(ids)
}

/// The id after which the next page begins.
fn cursor(list: &Value) -> Option<String> {
    let of_last = || id(models(list)?.last()?);
    list["last_id"].as_str().filter(|id| !id.is_empty()).map(String::from).or_else(of_last)
}
