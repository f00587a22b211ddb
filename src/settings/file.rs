//! Files of flags: the configuration file and the profiles, joined with what was typed.
//!
//! A line is a flag and, after a blank or '=', its value as it stands; '#' begins a comment line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::cli::Cli;
use super::errand::fitting;
use super::{mistake, variable};
use crate::error::{Failure, Kind};
use crate::output::causes;

/// What belongs on the command line alone.
const NOT_IN_FILES: [&str; 13] = [
    "prompt",
    "profile",
    "no_config",
    "dry_run",
    "curl",
    "list_models",
    "generate",
    "batch",
    "jobs",
    "keep_order",
    "resume",
    "min_credits",
    "help",
];

/// The command as clap has it, and for each switch `--NAME` a hidden `--no-NAME` that turns it off again
/// (for `--no-NAME` it is `--NAME`).
pub fn with_negations(command: Command) -> Command {
    let switches: Vec<_> = command
        .get_arguments()
        .filter(|arg| matches!(arg.get_action(), ArgAction::SetTrue))
        .filter(|arg| !NOT_IN_FILES.contains(&arg.get_id().as_str()))
        .filter_map(|arg| Some((arg.get_id().to_string(), arg.get_long()?.to_string())))
        .collect();
    switches.into_iter().fold(command, |command, (id, long)| {
        let name = long
            .strip_prefix("no-")
            .map_or_else(|| format!("no-{long}"), String::from);
        if command
            .get_arguments()
            .any(|arg| arg.get_long() == Some(&name))
        {
            return command;
        }
        let negation = clap::Arg::new(name.clone()).long(name).hide(true);
        command.arg(negation.action(ArgAction::SetTrue).overrides_with(id))
    })
}

/// What was typed, with the flags of the files in front of it. A flag of a file that does not go
/// together with one that was typed, or with one of the profile, gives way. `None` where no file says anything.
pub fn joined(args: &[OsString], profile: Option<&str>) -> Result<Option<ArgMatches>> {
    let profile = profile.map(profile_path).transpose()?;
    let config = folder().map(|folder| folder.join("config"));
    let mut files = Vec::new();
    for (path, must_be) in [(profile, true), (config, false)] {
        if let Some(path) = path
            && let Some(lines) = lines(&path, must_be)?
        {
            files.push((path, lines));
        }
    }
    if files.iter().all(|(_, lines)| lines.is_empty()) {
        return Ok(None);
    }
    let mut command = with_negations(Cli::command());
    command.build();
    let typed = command.try_get_matches_from_mut(args);
    let mut above = given(&command, &typed.map_err(|error| mistake(&error))?);
    let mut tokens: Vec<OsString> = args.iter().skip(1).cloned().collect();
    for (path, lines) in files {
        let flags = checked(&mut command, &path, &lines)?;
        let kept = flags
            .iter()
            .filter(|(id, _)| !conflicts(&command, id, &above));
        let front: Vec<OsString> = kept
            .flat_map(|(_, tokens)| tokens.iter().map(OsString::from))
            .collect();
        tokens.splice(0..0, front);
        above.extend(flags.into_iter().map(|(id, _)| id));
    }
    tokens.insert(0, OsString::from("anyask"));
    let all = command.try_get_matches_from_mut(tokens);
    Ok(Some(all.map_err(|error| mistake(&error))?))
}

/// Where the configuration file and the profiles are.
fn folder() -> Option<PathBuf> {
    let own = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(variable("HOME")?).join(".config"));
    Some(own.or_else(home)?.join("anyask"))
}

fn profile_path(name: &str) -> Result<PathBuf> {
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    if !plain {
        let message = format!("--profile {name}: a profile is named by a word, not by a path");
        return Err(Failure::new(Kind::Usage, message).into());
    }
    let missing = || {
        Failure::new(
            Kind::Setup,
            "there is no place for profiles: neither HOME nor XDG_CONFIG_HOME is set",
        )
    };
    Ok(folder().ok_or_else(missing)?.join("profiles").join(name))
}

/// The lines of a file that say something, with their numbers; `None` for a file that need not be there.
fn lines(path: &Path, must_be: bool) -> Result<Option<Vec<(usize, String)>>> {
    let bytes = match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_be => return Ok(None),
        read => read.with_context(|| {
            Failure::new(Kind::Setup, format!("cannot read {}", path.display()))
        })?,
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let number = before.split(|byte| *byte == b'\n').count();
        wrong(path, number, "this is no text")
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let lines = text.lines().map(|line| line.trim().to_string());
    let says = |line: &(usize, String)| !line.1.is_empty() && !line.1.starts_with('#');
    Ok(Some((1..).zip(lines).filter(says).collect()))
}

/// The flags of a file: each one's id and tokens. A mistake is told with its line.
fn checked(
    command: &mut Command,
    path: &Path,
    lines: &[(usize, String)],
) -> Result<Vec<(String, Vec<String>)>> {
    let mut flags: Vec<(String, Vec<String>)> = Vec::new();
    let mut tokens = Vec::new();
    for (number, line) in lines {
        let wrong = |why: &str| wrong(path, *number, why);
        let of_line = tokens_of(line);
        let parsed = parse(command, &of_line).map_err(|error| match error.kind() {
            // one that needs another flag, which no file has, and those that say something at once
            ErrorKind::MissingRequiredArgument
            | ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion => wrong(&not_in_files(line)),
            _ => wrong(&mistake(&error).to_string()),
        })?;
        let ids = given(command, &parsed);
        let why = match &ids[..] {
            _ if !line.starts_with('-') => Some(format!("'{line}' is no flag")),
            [id] if NOT_IN_FILES.contains(&id.as_str()) => Some(not_in_files(line)),
            [_] => None,
            ids if ids.iter().any(|id| id == "prompt") => Some("a value too many".into()),
            _ => Some("a line is one flag".into()),
        };
        if let Some(why) = why {
            return Err(wrong(&why).into());
        }
        let values = Cli::from_arg_matches(&parsed).map_err(|error| mistake(&error))?;
        fitting(&values).map_err(|error| {
            let failure = wrong(&causes(&error));
            match error.downcast() {
                Ok(Failure {
                    hint: Some(hint), ..
                }) => failure.hint(hint),
                _ => failure,
            }
        })?;
        flags.extend(ids.into_iter().map(|id| (id, of_line.clone())));
        tokens.push(of_line);
    }
    // which two of them do not go together is asked only if there are such
    let mut together = |count: usize| parse(command, &tokens[..count].concat());
    if together(tokens.len()).is_err() {
        for (count, (number, _)) in (1..).zip(lines) {
            together(count).map_err(|error| wrong(path, *number, &mistake(&error).to_string()))?;
        }
    }
    Ok(flags)
}

fn parse(command: &mut Command, tokens: &[String]) -> Result<ArgMatches, clap::Error> {
    let program = std::iter::once("anyask");
    command.try_get_matches_from_mut(program.chain(tokens.iter().map(String::as_str)))
}

/// A flag and, after a blank or '=', its value as it stands.
fn tokens_of(line: &str) -> Vec<String> {
    match line.split_once(ends_name) {
        Some((flag, value)) if !line[flag.len()..].starts_with('=') => {
            vec![flag.into(), value.trim_start().into()]
        }
        _ => vec![line.into()],
    }
}

fn not_in_files(line: &str) -> String {
    let flag = line.split(ends_name).next().unwrap_or(line);
    format!("{flag} is for the command line alone")
}

/// Whether the name of a flag ends here.
fn ends_name(char: char) -> bool {
    char == '=' || char.is_whitespace()
}

fn wrong(path: &Path, number: usize, why: &str) -> Failure {
    let message = format!("{}:{number}: {why}", path.display());
    Failure::new(Kind::Setup, message)
        .hint("a line is a flag and its value as it stands, --model opus, or a comment that begins with #")
}

/// The ids of the flags that were given, and not filled in.
fn given(command: &Command, matches: &ArgMatches) -> Vec<String> {
    let ids = command.get_arguments().map(|arg| arg.get_id().as_str());
    let typed = |id: &&str| matches.value_source(id) == Some(ValueSource::CommandLine);
    ids.filter(typed).map(String::from).collect()
}

/// Whether a flag does not go together with any of the others.
fn conflicts(command: &Command, id: &str, others: &[String]) -> bool {
    let conflicting = |one: &str, other: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_id() == one);
        arg.is_some_and(|arg| {
            command
                .get_arg_conflicts_with(arg)
                .iter()
                .any(|arg| arg.get_id() == other)
        })
    };
    others
        .iter()
        .any(|other| other != id && (conflicting(id, other) || conflicting(other, id)))
}
