//! Notes about habits from other programs that change the question in a way that the user may not expect.

use std::ffi::OsStr;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, CommandFactory, Id};

use super::args::Args;
use super::values::steps;
use crate::mock::Step;
use crate::output::Console;

/// Prints notes about typed arguments that may not do what the user expects.
pub fn note(typed: &ArgMatches, args: &Args, console: &Console) {
    if let Some(flag) = flag_between_words(typed) {
        let hint = "if it belongs to the prompt, write -- before the words";
        console.note(format!("{flag} between words was taken as a flag; {hint}"));
    }
    let is_typed = |id| typed.value_source(id) == Some(ValueSource::CommandLine);
    let words = || args.prompt.iter().map(|word| &**word);
    if let Some(flag) = flag_before_its_value(args) {
        let word = args.prompt[0].display();
        console.note(format!(
            "{word} is taken as a word; write {flag}={word} if it belongs to {flag}"
        ));
    } else if let Some(word) = words().find(|word| is_file(word, is_typed("file"))) {
        let name = word.display();
        console.note(format!(
            "{name} is taken as a word, not as a file; use -f for each file, or --files-from"
        ));
    }
    if let Some(word) = words().find(|word| is_descriptor(word)) {
        console.note(format!("{} is taken as a word; use -f to read it", word.display()));
    }
    if let [word] = &args.prompt[..]
        && (word == "help" || word == "version")
    {
        let word = word.display();
        console.note(format!("'{word}' is sent as a question; anyask --{word} prints the {word}"));
    }
    if is_typed("check_retries") && args.check.is_none() {
        console.note("--check-retries has no effect without --check");
    }
}

/// The flag without its optional value, if the first word may be that value.
fn flag_before_its_value(args: &Args) -> Option<&'static str> {
    let word = args.prompt.first()?;
    let is_step = || word.to_str().is_some_and(|word| steps(word).is_ok());
    match args {
        Args { batch: Some(items), .. } if items.path().is_none() && Path::new(word).is_file() => {
            Some("--batch")
        }
        Args { mock: Some(given), .. } if given == &[Step::Ok] && is_step() => Some("--mock"),
        _ => None,
    }
}

/// Whether a word names a file, also after '@'. Next to -f it may be any name, else one with a dot or a slash.
fn is_file(word: &OsStr, is_any: bool) -> bool {
    let word = word.to_string_lossy();
    let names = [&*word, word.strip_prefix('@').unwrap_or_default()];
    names.iter().any(|name| (is_any || name.contains(['.', '/'])) && Path::new(name).is_file())
}

/// The first flag after the first word and before the last one.
fn flag_between_words(typed: &ArgMatches) -> Option<String> {
    let mut words = typed.indices_of("prompt")?;
    let between = words.next()? + 1..words.next_back()?;
    let is_between = |id: &&Id| {
        let id = id.as_str();
        typed.value_source(id) == Some(ValueSource::CommandLine)
            && id != "prompt"
            && typed.indices_of(id).is_some_and(|mut all| all.any(|index| between.contains(&index)))
    };
    let id = typed.ids().find(is_between)?;
    let command = Args::command();
    let arg = command.get_arguments().find(|arg| arg.get_id() == id);
    let long = arg.and_then(Arg::get_long).unwrap_or(id.as_str());
    let short = arg.and_then(Arg::get_short).map(|short| format!("-{short}, "));
    Some(format!("{}--{long}", short.unwrap_or_default()))
}

/// Whether it is a path that a shell puts in for `<(COMMAND)`.
fn is_descriptor(word: &OsStr) -> bool {
    let word = word.to_str().unwrap_or_default();
    let number = ["/dev/fd/", "/proc/self/fd/"].iter().find_map(|start| word.strip_prefix(start));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
