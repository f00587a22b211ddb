//! What the user wants: command line, environment and configuration files become [`Options`]. No other layer reads
//! arguments or environment variables, or asks whether a stream is a terminal.

mod args;
mod config;
mod documents;
mod endpoint;
mod field;
mod files;
mod habits;
mod key;
mod line;
mod options;
mod values;

use std::error::Error;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use anyhow::Result;
use clap::error::{ContextKind, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use args::Models;
pub use args::{Args, Color, Document};
pub use config::with_negations;
pub use options::{Batch, Command, Options};

use crate::error::{Failure, Kind};
use crate::output::Console;

/// Reads what the user wants. The console prints the error, if there is one, as the user wants it, too.
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
    let command = effective(&command_line, &matches, typed).and_then(|args| {
        console = new_console(Some(&args));
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
    let matches = parse(Args::command()).or_else(|first| match first.kind() {
        // the negations of switches are rare, so they are tried last
        ErrorKind::UnknownArgument => parse(with_negations(Args::command())).map_err(|second| {
            let unknown = |error: &clap::Error| error.get(ContextKind::InvalidArg).cloned();
            // the first error does not suggest negations
            if unknown(&first) == unknown(&second) { first } else { second }
        }),
        _ => Err(first),
    })?;
    let args = Args::from_arg_matches(&matches)?;
    Ok((matches, args))
}

/// The arguments that count: configuration file < profile < environment < command line.
fn effective(command_line: &[OsString], matches: &ArgMatches, typed: Args) -> Result<Args> {
    if typed.list_models == Some(Models::Documented) || typed.generate.is_some() {
        // they work whatever a file holds
        return Ok(typed);
    }
    let merged = if typed.no_config {
        None
    } else {
        config::merge(command_line, matches, typed.profile.as_deref())?
    };
    let mut args = merged.unwrap_or(typed);
    let is_typed = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    if !is_typed("model")
        && let Some(model) = variable("ANYROUTER_MODEL")
    {
        args.model = Some(values::model(&model, "ANYROUTER_MODEL")?);
    }
    if !is_typed("base_url")
        && let Some(url) = variable("ANYROUTER_BASE_URL")
    {
        args.base_url = Some(values::BaseUrl::parse(&url, "ANYROUTER_BASE_URL")?);
    }
    let typed_key = is_typed("api_key_file") || is_typed("api_key_command");
    if !typed_key && variable("ANYROUTER_API_KEY").is_some() {
        (args.api_key_file, args.api_key_command) = (None, None);
    }
    Ok(args)
}

/// Standard error.
fn new_console(args: Option<&Args>) -> Console {
    let terminal = std::io::stderr().is_terminal();
    let color = args.map_or(Color::Auto, |args| args.color);
    // a Windows console does not always understand how a line is removed
    let animated = terminal && !is_dumb() && !cfg!(windows);
    let mut console = Console::new(is_coloured(color, terminal), animated);
    console.quiet = args.is_some_and(|args| args.quiet);
    console.verbose = args.is_some_and(|args| args.verbose);
    console
}

/// Whether a stream has colours, by `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and `TERM`.
fn is_coloured(color: Color, terminal: bool) -> bool {
    let is_zero = |name| variable(name).map(|value| value == "0");
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        Color::Auto if is_zero("CLICOLOR_FORCE") == Some(false) => true,
        Color::Auto => terminal && !is_dumb() && is_zero("CLICOLOR") != Some(true),
    }
}

/// A terminal that can only print lines.
fn is_dumb() -> bool {
    variable("TERM").is_some_and(|term| term == "dumb")
}

/// An environment variable. An empty one counts as missing.
fn variable(name: &str) -> Option<String> {
    Some(path_variable(name)?.to_string_lossy().into_owned())
}

/// A path in an environment variable, which need not be UTF-8.
fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn usage_error(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Usage, message)
}

/// An error of the command line, where an unknown flag may be a part of the prompt.
fn typed_mistake(error: &clap::Error) -> Failure {
    let failure = mistake(error);
    if error.kind() == ErrorKind::UnknownArgument && failure.hint.is_none() {
        return failure.hint("if it belongs to the prompt, write -- before the words");
    }
    failure
}

/// An error of clap's in this program's form. It never shows the value of a flag that does not exist.
fn mistake(error: &clap::Error) -> Failure {
    if let Some(failure) = error.source().and_then(<dyn Error>::downcast_ref::<Failure>) {
        // a value parser of ours says all
        return failure.clone();
    }
    let context = |kind| error.get(kind).map(ToString::to_string).filter(|text| !text.is_empty());
    let arg = context(ContextKind::InvalidArg).unwrap_or_default();
    let failure = match (error.kind(), context(ContextKind::InvalidValue)) {
        (ErrorKind::UnknownArgument, _) => return unknown_argument(error, &arg),
        (ErrorKind::InvalidValue, None) => usage_error(format!("{arg} needs a value")),
        (ErrorKind::InvalidValue, Some(value)) => {
            usage_error(format!("invalid value '{value}' for {arg}"))
        }
        (ErrorKind::ValueValidation, value) => {
            let value = value.unwrap_or_default();
            let why = error.source().map(ToString::to_string).unwrap_or_default();
            usage_error(format!("invalid value '{value}' for {arg}: {why}"))
        }
        (ErrorKind::ArgumentConflict, _) => {
            let other = context(ContextKind::PriorArg).unwrap_or_default();
            usage_error(format!("{arg} cannot be used with {other}"))
        }
        (ErrorKind::TooManyValues, _) => usage_error(format!("{arg} takes no value")),
        (kind, _) => usage_error(kind.to_string()),
    };
    match (context(ContextKind::SuggestedValue), context(ContextKind::ValidValue)) {
        (Some(value), _) => failure.hint(format!("a similar value exists: '{value}'")),
        // any model may be asked
        (None, Some(values))
            if !["--model", "--fallback"].iter().any(|flag| arg.starts_with(flag)) =>
        {
            failure.hint(format!("possible values: {values}"))
        }
        _ => failure,
    }
}

fn unknown_argument(error: &clap::Error, flag: &str) -> Failure {
    let failure = usage_error(format!("unexpected argument '{flag}' found"));
    match flag {
        "--api-key" | "--key" => usage_error("a key is never given as a flag")
            .hint("set ANYROUTER_API_KEY or use --api-key-file"),
        "--top-k" => failure.hint("use --set top_k=N"),
        "--models" => failure.hint("use --list-models"),
        "-i" | "--interactive" | "--continue" => failure.hint("use --chat FILE"),
        _ => match error.get(ContextKind::SuggestedArg) {
            Some(similar) => failure.hint(format!("a similar argument exists: '{similar}'")),
            None => failure,
        },
    }
}
