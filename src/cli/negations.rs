//! How a setting is undone: each flag `--NAME` that a file may hold has a hidden `--no-NAME`.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// Two flags for one setting; to undo one of them undoes both.
const PAIRS: [[&str; 2]; 2] = [["system", "system_file"], ["api_key_file", "api_key_command"]];

/// Adds to each flag `--NAME` that a file may hold a hidden `--no-NAME` that undoes it, and empties its list (`--NAME`
/// for `--no-NAME`).
pub fn with_negations(command: Command) -> Command {
    let flags = command.get_arguments().filter(|arg| works_in_files(arg));
    let flags: Vec<_> = flags
        .filter_map(|arg| Some((arg.get_id().to_string(), negation(arg.get_long()?))))
        .filter(|(_, name)| command.get_arguments().all(|arg| arg.get_long() != Some(name)))
        .collect();
    command.args(flags.into_iter().map(|(id, name)| {
        let pair = PAIRS.iter().find(|pair| pair.contains(&&*id));
        let undone = pair.map_or_else(|| vec![id], |pair| pair.map(String::from).to_vec());
        let arg = Arg::new(name.clone()).long(name).hide(true).action(ArgAction::SetTrue);
        arg.overrides_with_all(undone)
    }))
}

/// The name of the flag that undoes the flag with this name.
fn negation(name: &str) -> String {
    name.strip_prefix("no-").map_or_else(|| format!("no-{name}"), String::from)
}

/// Whether a file may have this argument: it says how to ask, not what to do. Only negations are hidden.
pub fn works_in_files(arg: &Arg) -> bool {
    arg.is_hide_set() || matches!(arg.get_help_heading(), Some("Input" | "Request" | "Output"))
}

/// Whether the command line has the argument with this id, or the flag that undoes it.
pub fn is_decided(typed: &ArgMatches, id: &str) -> bool {
    let undo = negation(&id.replace('_', "-"));
    typed.ids().map(clap::Id::as_str).any(|given| {
        (given == id || given == undo)
            && typed.value_source(given) == Some(ValueSource::CommandLine)
    })
}
