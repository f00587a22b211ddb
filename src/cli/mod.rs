//! What the user wants: command line, environment and configuration files become [`Options`]. No other layer reads
//! arguments or environment variables, or asks whether a stream is a terminal.

mod args;
mod batch;
pub mod config;
mod console;
mod documents;
mod endpoint;
mod environment;
mod field;
mod files;
mod habits;
mod key;
mod mistake;
mod negations;
mod options;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::api::Aliases;
use crate::output::Console;
use args::Models;
use console::new_console;
use environment::variable;
use mistake::typed_mistake;
use negations::{is_decided, with_negations};

pub use args::{Args, Color, Document};
pub use batch::Batch;
pub use options::{Chat, Command, Mode, Options};

/// Reads the arguments, the environment and the configuration. The console obeys `--color`, `--quiet` and `--verbose`,
/// also if there is an error.
pub fn parse() -> (Console, Result<Command>) {
    let command_line: Vec<OsString> = std::env::args_os().collect();
    let (matches, typed) = match typed(&command_line) {
        Ok(typed) => typed,
        // help and version
        Err(error) if !error.use_stderr() => {
            return (new_console(None), Ok(Command::Print(error.to_string().into())));
        }
        Err(error) => return (new_console(None), Err(typed_mistake(&error).into())),
    };
    let mut console = new_console(Some(&typed));
    let command = effective(&command_line, &matches, typed).and_then(|(args, files, locked)| {
        console = new_console(Some(&args));
        if let Some(path) = locked {
            let path = path.display();
            console.note(format_args!("{path} is not read: you may not enter its folder"));
        }
        for path in files {
            console.trace("*", format_args!("read {}", path.display()));
        }
        habits::note(&matches, &args, &console);
        options::command(args, &console)
    });
    (console, command)
}

/// Parses the command line.
fn typed(command_line: &[OsString]) -> Result<(ArgMatches, Args), clap::Error> {
    let parse = |mut command: clap::Command| {
        let matches = command.try_get_matches_from_mut(command_line);
        // dropping it takes as long as building it, and the program ends soon
        std::mem::forget(command);
        matches
    };
    let matches = parse(Args::command()).or_else(|error| match error.kind() {
        // negations are rare, so they are tried last
        ErrorKind::UnknownArgument => parse(with_negations(Args::command())),
        _ => Err(error),
    })?;
    let args = Args::from_arg_matches(&matches)?;
    Ok((matches, args))
}

/// The merged arguments, the files that some of them are from, and the configuration file if its folder may not be
/// entered. The stronger source wins: configuration file < profile < environment < command line.
fn effective(
    command_line: &[OsString],
    matches: &ArgMatches,
    typed: Args,
) -> Result<(Args, Vec<PathBuf>, Option<PathBuf>)> {
    if typed.list_models == Some(Models::Documented) || typed.generate.is_some() {
        // these work even if a configuration file is wrong
        return Ok((typed, Vec::new(), None));
    }
    let profile = typed.profile.as_deref();
    let (files, locked) =
        if typed.no_config { (Vec::new(), None) } else { config::files(profile)? };
    let paths = files.iter().map(|(path, _)| path.clone()).collect();
    let mut args =
        if files.is_empty() { typed } else { config::merge(command_line, matches, files)? };
    if !is_decided(matches, "model")
        && let Some(model) = variable("ANYROUTER_MODEL")
    {
        args.model = Some(values::model(&model, "ANYROUTER_MODEL")?);
    }
    if !is_decided(matches, "base_url")
        && let Some(url) = variable("ANYROUTER_BASE_URL")
    {
        args.base_url = Some(values::BaseUrl::parse(&url, "ANYROUTER_BASE_URL")?);
    }
    let typed_key = ["api_key_file", "api_key_command"].iter().any(|id| is_decided(matches, id));
    if !typed_key && variable("ANYROUTER_API_KEY").is_some() {
        (args.api_key_file, args.api_key_command) = (None, None);
    }
    resolve_models(&mut args);
    Ok((args, paths, locked))
}

/// Replaces the names of models by their ids. Any layer may define an alias that another one uses.
fn resolve_models(args: &mut Args) {
    let aliases = Aliases(args.alias.clone());
    let of_prices = args.price.iter_mut().map(|(model, _)| model);
    for model in args.model.iter_mut().chain(&mut args.fallback).chain(of_prices) {
        *model = aliases.id(model).into();
    }
}
