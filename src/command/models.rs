//! `--list-models=server`: the models that the server has for this key.

use anyhow::Result;
use serde_json::Value;

use super::exchange::read_to_end;
use super::session::Session;
use crate::api::{Prepared, Progress, Retain, Sent};
use crate::cli::Options;
use crate::error::{Failure, Kind};
use crate::output::{Format, Sink, show_progress, start_spinner};

/// Asks for the list, and prints an id per line, or the server's JSON.
pub fn run(options: Options) -> Result<()> {
    let session = Session::new(options, None)?;
    let json = list(&session)?;
    let output = &session.options.output;
    let mut sink = Sink::stdout(output)?;
    if matches!(output.format, Format::Json | Format::Events) {
        sink.json(&json);
        sink.end_line();
    } else {
        for id in ids(&json)? {
            sink.text(&id);
            sink.end_line();
        }
    }
    sink.flush()
}

/// The server's answer, which is JSON.
fn list(session: &Session) -> Result<Vec<u8>> {
    let (client, console) = (&session.client, &session.options.console);
    let prepared = Prepared::for_models(client.endpoint())?;
    let retain = Retain { message: true, ..Retain::default() };
    let mut on_progress = |progress: Progress| show_progress(console, &progress);
    start_spinner(console);
    let Sent { reply, stats } = client.send(&prepared, "", &retain, &mut on_progress);
    console.stop_live();
    if let Some(head) = stats.head.filter(|head| matches!(head.status, 404 | 405)) {
        let host = client.endpoint().host();
        let message = format!("{host} does not list its models ({})", head.status);
        let hint = format!("check --base-url; the URL was {}", prepared.url);
        return Err(Failure::new(Kind::Refused, message).hint(hint).into());
    }
    let mut reply = reply?;
    read_to_end(&mut reply, None)?;
    Ok(reply.into_answer().message)
}

/// The ids in a list of models, which has the API's form or that of another server.
fn ids(json: &[u8]) -> Result<Vec<String>, Failure> {
    let list: Value = serde_json::from_slice(json).unwrap_or_default();
    let models = ["data", "models"].iter().find_map(|key| list[key].as_array());
    let id = |model: &Value| {
        let id = ["id", "name"].iter().find_map(|key| model[key].as_str());
        id.or(model.as_str()).map(String::from)
    };
    let broken = |message| Failure::new(Kind::BrokenAnswer, message);
    let models = models.or(list.as_array()).ok_or_else(|| {
        broken("the answer is not a list of models").hint("use --json to see the answer")
    })?;
    let ids: Vec<_> = models.iter().filter_map(id).collect();
    if ids.is_empty() {
        return Err(broken("the server lists no models").hint("use --json to see the answer"));
    }
    Ok(ids)
}
