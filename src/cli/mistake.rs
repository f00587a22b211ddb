//! Errors of the command line parser in this program's words.

use std::error::Error;

use clap::error::{ContextKind, ErrorKind};

use crate::error::{Failure, usage_error};

/// The hint for a prompt that is the value of a flag.
pub const PROMPT_NEEDS_NO_FLAG: &str = "a prompt needs no flag: anyask \"What is a monad?\"";

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
        // for a model, the possible values are only suggestions
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
