//! Configuration and profile files: one argument per line. They are parsed as if they stood before the typed
//! arguments, the weakest first, so that later ones win.

mod paths;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};
use clap::builder::ValueHint;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use crate::cli::args::Args;
use crate::cli::mistake::{mistake, unknown_flag};
use crate::cli::negations::{with_negations, works_in_files};
use crate::error::{Failure, Kind, at, usage_error};
use crate::input::Text;

/// One line of a file.
#[derive(Debug, Clone)]
pub struct ConfigLine {
    /// `FILE:LINE`
    pub origin: String,
    /// The id of its argument.
    id: String,
    /// The argument as clap takes it: a flag, or a flag, '=' and a value.
    pub argument: OsString,
}

/// The hint for a line with more than one flag.
const ONE_FLAG: &str = "write one flag per line";

/// A file's path and its content.
pub type ConfigFile = (PathBuf, Vec<u8>);

/// The arguments of the command line together with those of the files.
pub fn merge(
    command_line: &[OsString],
    typed: &ArgMatches,
    files: Vec<ConfigFile>,
) -> Result<Args> {
    let mut command = command();
    let is_typed = |id: &&str| typed.value_source(id) == Some(ValueSource::CommandLine);
    let typed: Vec<String> =
        typed.ids().map(clap::Id::as_str).filter(is_typed).map(String::from).collect();
    let mut stronger = typed.clone();
    let mut lines: Vec<ConfigLine> = Vec::new();
    for (path, bytes) in files {
        let all = parse(&command, &path, bytes)?;
        let ids: Vec<String> = all.iter().map(|line| line.id.clone()).collect();
        let effective = all.into_iter().filter(|line| !conflicts(&command, &line.id, &stronger));
        lines.splice(0..0, effective.collect::<Vec<_>>());
        stronger.extend(ids);
    }
    let arguments = lines.iter().map(|line| line.argument.clone());
    let all = [OsString::from("anyask")].into_iter().chain(arguments);
    let matches = command.try_get_matches_from_mut(all.chain(command_line.iter().skip(1).cloned()));
    let mut matches = matches.map_err(|error| first_mistake(&mut command, &lines, &error))?;
    let args = Args::from_arg_matches_mut(&mut matches).map_err(|error| mistake(&error))?;
    // as in cli/mod.rs: dropping it takes time, and the program ends soon
    std::mem::forget(command);
    Ok(args)
}

/// All flags that a file may have, and others.
pub fn command() -> Command {
    let mut command = with_negations(Args::command());
    command.build();
    command
}

/// Why no configuration file was read, as the end of a sentence; `None` if one was.
pub fn missing() -> Option<String> {
    match paths::config_file() {
        Some(path) => match paths::look_at(&path) {
            Err(ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                Some(format!("there is no configuration file {}", path.display()))
            }
            _ => None,
        },
        None => Some("HOME is not set, so there is no configuration file".into()),
    }
}

/// The profile, then the configuration file if it exists; and the path of the latter if its folder may not be entered.
pub fn files(profile: Option<&str>) -> Result<(Vec<ConfigFile>, Option<PathBuf>)> {
    let profile = profile.map(paths::profile).transpose()?;
    let (mut config, mut locked) = (paths::config_file(), None);
    match config.as_deref().map(paths::look_at) {
        Some(Err(ErrorKind::NotFound)) => config = None,
        Some(Err(ErrorKind::PermissionDenied)) => locked = config.take(),
        _ => {}
    }
    let read = |path: PathBuf| {
        let cannot = || Failure::new(Kind::Setup, format!("cannot read {}", path.display()));
        let bytes = std::fs::read(&path).with_context(cannot)?;
        Ok((path, bytes))
    };
    let files = profile.into_iter().chain(config).map(read).collect::<Result<_>>()?;
    Ok((files, locked))
}

/// The arguments of a file. Their values are not parsed yet.
pub fn parse(command: &Command, path: &Path, bytes: Vec<u8>) -> Result<Vec<ConfigLine>> {
    let at_line = |number: usize| format!("{}:{number}", path.display());
    let Text { text, replaced } = Text::decode(bytes);
    if replaced.count > 0 {
        let before = text.split(char::REPLACEMENT_CHARACTER).next().unwrap_or_default();
        let number = before.split('\n').count();
        return Err(at(&at_line(number), usage_error("this is not UTF-8 text")));
    }
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        if !text.is_empty() && !text.starts_with('#') {
            let origin = at_line(number);
            lines.push(
                parse_line(command, path, &origin, text).map_err(|failure| at(&origin, failure))?,
            );
        }
    }
    Ok(lines)
}

/// The argument of a line.
fn parse_line(
    command: &Command,
    file: &Path,
    origin: &str,
    line: &str,
) -> Result<ConfigLine, Failure> {
    let (flag, value) = split(line);
    let Some(arg) = find(command, flag) else {
        return Err(match flag {
            _ if flag.starts_with('-') => unknown_flag(flag),
            _ => usage_error(format!("'{line}' is not a flag"))
                .hint("a line is one flag, for example --model opus"),
        });
    };
    if !works_in_files(arg) {
        return Err(usage_error(format!("{flag} works only on the command line")));
    }
    if value.is_some() && !arg.get_action().takes_values() {
        let failure = usage_error(format!("{flag} takes no value"));
        return Err(failure.hint(ONE_FLAG));
    }
    if value.is_none() && arg.get_num_args().is_some_and(|count| count.min_values() > 0) {
        // clap would take the next argument for the value
        return Err(usage_error(format!("{arg} needs a value")));
    }
    if value.is_some_and(is_quoted) && arg.get_value_hint() != ValueHint::CommandString {
        return Err(usage_error(format!("the quotes would be a part of {flag}"))
            .hint("no shell reads this file, so write the value without quotes"));
    }
    let mut argument = OsString::from(flag);
    if let Some(value) = value {
        argument.push("=");
        match paths::split_path(arg, value) {
            Some((before, path)) => {
                argument.push(before);
                argument.push(paths::resolve(arg, path, file));
            }
            None => argument.push(value),
        }
    }
    Ok(ConfigLine { origin: origin.into(), id: arg.get_id().to_string(), argument })
}

/// Splits a line into its flag and, after a blank or '=', its unchanged value.
fn split(line: &str) -> (&str, Option<&str>) {
    let end = if line.starts_with("--") {
        line.find(|char: char| char == '=' || char.is_whitespace())
    } else {
        line.char_indices().nth(2).map(|(index, _)| index)
    };
    let (flag, rest) = line.split_at(end.unwrap_or(line.len()));
    let value = rest.strip_prefix('=').unwrap_or(rest.trim_start());
    (flag, (!rest.is_empty()).then_some(value))
}

/// Whether quotes stand around a value, as for a shell.
fn is_quoted(value: &str) -> bool {
    let inside = |quote| Some(value.strip_prefix(quote)?.strip_suffix(quote)?.contains(quote));
    ['"', '\''].into_iter().any(|quote| inside(quote) == Some(false))
}

fn find<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    let (long, short) = match flag.strip_prefix("--") {
        Some(long) => (Some(long), None),
        None => (None, Some(flag.strip_prefix('-')?.chars().next()?)),
    };
    command.get_arguments().find(|arg| match long {
        Some(long) => {
            let aliases = arg.get_all_aliases().unwrap_or_default();
            arg.get_long() == Some(long) || aliases.contains(&long)
        }
        None => arg.get_short() == short,
    })
}

/// Whether an argument conflicts with one of the others.
fn conflicts(command: &Command, id: &str, others: &[String]) -> bool {
    let conflicting = |one: &str, other: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_id() == one);
        arg.is_some_and(|arg| {
            command.get_arg_conflicts_with(arg).iter().any(|arg| arg.get_id() == other)
        })
    };
    others.iter().any(|other| other != id && (conflicting(id, other) || conflicting(other, id)))
}

/// Adds to an error the line that causes it. That is the first line with which the lines so far do not parse.
fn first_mistake(command: &mut Command, lines: &[ConfigLine], error: &clap::Error) -> Error {
    for (index, line) in lines.iter().enumerate() {
        let arguments = lines[..=index].iter().map(|line| line.argument.clone());
        let all = [OsString::from("anyask")].into_iter().chain(arguments);
        if let Err(error) = command.try_get_matches_from_mut(all) {
            let mut failure = mistake(&error);
            // the value may contain another flag
            if failure.hint.is_none() && line.argument.to_string_lossy().contains(' ') {
                failure.hint = Some(ONE_FLAG.into());
            }
            return at(&line.origin, failure);
        }
    }
    mistake(error).into()
}
