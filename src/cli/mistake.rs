//! Errors of the command line parser in this program's words.

use std::error::Error;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, CommandFactory};

use super::args::Args;
use super::negations::with_negations;
use crate::error::{Failure, usage_error};

/// The hint for a prompt that is the value of a flag.
pub const PROMPT_NEEDS_NO_FLAG: &str = "a prompt needs no flag: anyask \"What is a monad?\"";

/// The flags of other clients, and what to use here.
const FOREIGN: [(&[&str], &str); 19] = [
    (&["--print", "--prompt"], PROMPT_NEEDS_NO_FLAG),
    (
        &[
            "--session",
            "--session-id",
            "--continue",
            "--conversation",
            "--cid",
            "-r",
            "--repl",
            "-i",
            "--interactive",
        ],
        "use --chat FILE",
    ),
    (&["--code"], "use --extract"),
    (&["--silent"], "use --quiet"),
    (&["--image", "--attachment", "-a", "--input"], "use --file PATH"),
    (&["--url"], "use --base-url URL for the server, and curl URL | anyask for a page"),
    (&["--schema", "--json-schema"], "use --check CMD, or --set output_config=@FILE"),
    (&["--output-format", "--format"], "use --json, or --json --stream for the events"),
    (&["--template", "--role"], "use --prompt-file PATH, or --profile NAME"),
    (&["--thinking"], "use --set 'thinking={\"type\":\"adaptive\"}'"),
    (&["--top-k"], "use --set top_k=N"),
    (&["--models"], "use --list-models"),
    (&["--append-system-prompt", "--sf"], "use --system TEXT, or --system-file PATH"),
    (&["--max-budget-usd"], "use --max-cost USD, with --batch"),
    (&["--effort", "--max-thinking-tokens"], "use --set output_config='{\"effort\":\"low\"}'"),
    (&["--option", "--seed", "-d", "--data"], "use --set KEY=VALUE"),
    (&["--proxy"], "set https_proxy"),
    (&["--cacert", "--insecure"], "set SSL_CERT_FILE to the certificates to trust"),
    (&["--retry"], "use --retries N"),
];

/// An error of the typed command line. If a flag is unknown, a hint says how to write it as a part of the prompt.
pub fn typed_mistake(error: &clap::Error) -> Failure {
    let failure = mistake(error);
    if error.kind() == ErrorKind::UnknownArgument && failure.hint.is_none() {
        return failure.hint("if it belongs to the prompt, write -- before the words");
    }
    failure
}

/// One of clap's errors in this program's form. It never quotes the value of an unknown flag.
pub fn mistake(error: &clap::Error) -> Failure {
    if let Some(failure) = error.source().and_then(<dyn Error>::downcast_ref::<Failure>) {
        // our own value parsers give the whole message
        return failure.clone();
    }
    let context = |kind| error.get(kind).map(ToString::to_string).filter(|text| !text.is_empty());
    let arg = context(ContextKind::InvalidArg).unwrap_or_default();
    let failure = match (error.kind(), context(ContextKind::InvalidValue)) {
        (ErrorKind::UnknownArgument, _) => return unknown_flag(&arg),
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
        (Some(value), _) => failure.hint(format!("did you mean '{value}'?")),
        // for a model, the possible values are only suggestions
        (None, Some(values))
            if !["--model", "--fallback"].iter().any(|flag| arg.starts_with(flag)) =>
        {
            failure.hint(format!("possible values: {values}"))
        }
        _ => failure,
    }
}

/// The error of an unknown flag.
pub fn unknown_flag(flag: &str) -> Failure {
    if matches!(flag, "--api-key" | "--key" | "--token") {
        return key_in_flag();
    }
    let failure = usage_error(format!("unknown flag '{flag}'"));
    let foreign = FOREIGN.iter().find(|(names, _)| names.contains(&flag));
    match foreign {
        Some((_, hint)) => failure.hint(*hint),
        None => failure.maybe_hint(similar(flag).map(|names| format!("did you mean {names}?"))),
    }
}

/// The error of a key that is the value of a flag. It does not quote the key.
pub fn key_in_flag() -> Failure {
    usage_error("a key is never given as a flag")
        .hint("set ANYROUTER_API_KEY, or use --api-key-file FILE")
}

/// The flags that begin with this one, else the flag that is almost the same, else the flag that this one begins with.
fn similar(flag: &str) -> Option<String> {
    let flag = flag.strip_prefix("--").filter(|flag| !flag.is_empty())?;
    let mut command = with_negations(Args::command());
    command.build();
    let is_known = |arg: &&Arg| !arg.is_hide_set() || flag.starts_with("no-");
    let known: Vec<_> =
        command.get_arguments().filter(is_known).filter_map(Arg::get_long).collect();
    let known = known.iter().copied();
    let longer: Vec<_> = known.clone().filter(|name| name.starts_with(flag)).collect();
    let likeness = |name: &str| strsim::jaro(flag, name);
    let likest = known.clone().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    let likest = likest.filter(|name| likeness(name) > 0.85);
    let is_start = |name: &&str| flag.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    let shorter = || known.filter(is_start).max_by_key(|name| name.len());
    match longer.split_last() {
        None => Some(format!("--{}", likest.or_else(shorter)?)),
        Some((last, [])) => Some(format!("--{last}")),
        Some((last, rest)) => Some(format!("--{} or --{last}", rest.join(", --"))),
    }
}
