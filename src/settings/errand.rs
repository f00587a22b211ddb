//! From the flags to what is to be done: every default is filled in here.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::cli::{Cli, MODELS};
use super::server::{headers, messages_url, server};
use super::sources::{batch, one_purpose_each, sources};
use super::{Ask, Errand, System, Way};
use crate::api;
use crate::error::{Failure, Kind};
use crate::mock::Step;
use crate::output::{Console, Format};

/// What the flags ask for. `base_url` comes with the name of the flag or variable that gave it.
pub fn errand(cli: Cli, base_url: Option<(String, &str)>, console: Console) -> Result<Errand> {
    if cli.list_models {
        return Ok(Errand::Models { json: cli.json });
    }
    if let Some(document) = cli.generate {
        return Ok(Errand::Generate(document));
    }
    one_purpose_each(&cli)?;
    let way = match (cli.dry_run, cli.curl) {
        (true, _) => Way::DryRun,
        (_, true) => Way::Curl,
        _ => Way::Send,
    };
    let batch = cli
        .batch
        .as_ref()
        .map(|items| batch(items, &cli))
        .transpose()?;
    let sources = if batch.is_none() {
        sources(&cli, way, console)?
    } else {
        None
    };
    let mock = steps(&cli)?;
    let format = match (cli.json, cli.stream) {
        (true, true) => Format::Events,
        (true, false) => Format::Json,
        _ if cli.extract => Format::Code,
        _ if cli.batch.is_some() => Format::Json,
        _ => Format::Text,
    };
    let stream = match format {
        Format::Events => true,
        Format::Json => false,
        Format::Text | Format::Code => !cli.no_stream,
    };
    let request = request(&cli, stream)?;
    let (mut endpoint, key) = server(&cli, base_url, way == Way::Send && mock.is_none())?;
    endpoint.connections = batch.as_ref().map_or(0, |batch| batch.jobs);
    let price = cli
        .price
        .map_or_else(api::Price::default, |(input, output)| api::Price {
            input,
            output,
        });
    let ask = Box::new(Ask {
        way,
        system: match (cli.system, cli.system_file) {
            (Some(text), _) => System::Text(text),
            (_, Some(path)) => System::File(path),
            _ => System::None,
        },
        request,
        endpoint,
        key,
        policy: api::Policy {
            retries: cli.retries.unwrap_or(2),
            delay: Duration::from_secs_f64(cli.retry_delay.unwrap_or(1.0)),
            max_wait: Duration::from_secs_f64(cli.max_wait.unwrap_or(60.0)),
        },
        mock,
        format,
        price,
        usage: cli.usage,
        strict: cli.strict,
        prefill: cli.prefill,
        chat: cli.chat,
        output: cli.output.filter(|path| path != Path::new("-")),
        log: cli.log,
    });
    Ok(match (batch, sources) {
        (Some(batch), _) => Errand::Batch(ask, batch),
        (None, Some(sources)) => Errand::Ask(ask, sources),
        (None, None) => Errand::Talk(ask),
    })
}

/// Whether the values are what they have to be, as far as clap cannot tell. They are looked at again where they
/// are used; this is for those that stand in a file, where a mistake has a line.
pub fn fitting(cli: &Cli) -> Result<()> {
    if let Some(base) = &cli.base_url {
        messages_url(base, "--base-url", true)?;
    }
    headers(&cli.header)?;
    request(cli, false)?;
    steps(cli)?;
    Ok(())
}

fn steps(cli: &Cli) -> Result<Option<Vec<Step>>> {
    let steps = cli.mock.as_deref().map(Step::parse_all).transpose();
    Ok(steps.map_err(|error| {
        Failure::new(Kind::Usage, format!("--mock: {error}"))
            .hint("the steps are ok, cut or a status from 200 to 599: --mock=429,ok")
    })?)
}

/// The id that a model's short name stands for; any other name is an id itself.
pub fn model_id(name: &str) -> &str {
    MODELS
        .iter()
        .find(|model| model.short == name)
        .map_or(name, |model| model.id)
}

fn request(cli: &Cli, stream: bool) -> Result<api::Request> {
    let named = cli.model.as_deref().unwrap_or(MODELS[0].id);
    let mut extra = api::Extra::default();
    for (key, value) in &cli.set {
        if api::Request::FIELDS.contains(&&**key) {
            let flag = match &**key {
                "messages" => "the prompt".into(),
                "stop_sequences" => "--stop".into(),
                "stream" => "--stream or --no-stream".into(),
                key => format!("--{}", key.replace('_', "-")),
            };
            return Err(Failure::new(
                Kind::Usage,
                format!("--set {key}: this field has a way of its own"),
            )
            .hint(format!("use {flag}"))
            .into());
        }
        extra.set(key, value);
    }
    Ok(api::Request {
        model: model_id(named).into(),
        max_tokens: cli.max_tokens.unwrap_or(4096),
        system: None,
        messages: Vec::new(),
        temperature: cli.temperature,
        top_p: cli.top_p,
        stop_sequences: cli.stop.clone(),
        stream,
        extra,
    })
}
