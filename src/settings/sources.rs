//! What a question or a batch is made of, and which files are written: whatever does not fit together is told here.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result;

use super::cli::Cli;
use super::{Batch, Way};
use crate::error::{Failure, Kind};
use crate::input::{Sources, Stdin, no_prompt};
use crate::output::Console;

/// What the question is made of; `None` where each line that is typed is to be one. Where there can be no
/// question, this is the moment to say so.
pub fn sources(cli: &Cli, way: Way, console: Console) -> Result<Option<Sources>> {
    let dash = cli.prompt == ["-"];
    if dash && cli.no_stdin {
        return Err(Failure::new(
            Kind::Usage,
            "'-' asks for standard input, and --no-stdin forbids it",
        )
        .into());
    }
    let files_of_stdin = cli
        .file
        .iter()
        .filter(|file| *file == Path::new("-"))
        .count();
    if files_of_stdin > 0 && cli.no_stdin {
        return Err(Failure::new(
            Kind::Usage,
            "-f - reads standard input, and --no-stdin forbids it",
        )
        .into());
    }
    if files_of_stdin + usize::from(dash) > 1 {
        return Err(Failure::new(Kind::Usage, "standard input can be read once only").into());
    }
    let words = words(cli).filter(|_| !dash);
    let terminal = !cli.no_stdin && std::io::stdin().is_terminal();
    let stdin = match (dash || files_of_stdin > 0, cli.no_stdin, terminal) {
        (_, true, _) | (false, _, true) => Stdin::Ignored,
        (true, _, true) => Stdin::Typed,
        // a writer that never comes is worth a word where a person waits
        _ => Stdin::Piped {
            watched: words.is_some() && console.terminal && !console.quiet,
        },
    };
    let files = cli.file.clone();
    if words.is_none() && files.is_empty() && stdin == Stdin::Ignored {
        if cli.chat.is_some() && terminal && way == Way::Send {
            return Ok(None);
        }
        return Err(no_prompt().into());
    }
    Ok(Some(Sources {
        words,
        stdin,
        files,
    }))
}

/// The words of the command line, joined; blanks alone are none.
fn words(cli: &Cli) -> Option<OsString> {
    let words = cli.prompt.join(OsStr::new(" "));
    Some(words).filter(|words| !words.to_string_lossy().trim().is_empty())
}

/// What the batch is made of, and how it is asked.
pub fn batch(items: &Path, cli: &Cli) -> Result<Batch> {
    let items = (items != Path::new("-")).then(|| items.to_path_buf());
    if items.is_none() && cli.no_stdin {
        let failure = Failure::new(
            Kind::Usage,
            "--batch reads standard input, and --no-stdin forbids it",
        );
        return Err(failure.hint("--batch=ITEMS reads a file").into());
    }
    if items.is_none() && std::io::stdin().is_terminal() {
        let failure = Failure::new(
            Kind::Usage,
            "--batch wants its items on standard input, and that is a terminal",
        );
        return Err(failure
            .hint("anyask --batch < items, or --batch=ITEMS")
            .into());
    }
    if cli.file.iter().any(|file| file == Path::new("-")) {
        return Err(Failure::new(Kind::Usage, "-f - and --batch do not go together").into());
    }
    if cli.resume && cli.output.as_deref() == Some(Path::new("-")) {
        let failure = Failure::new(Kind::Usage, "--resume cannot go on with standard output");
        return Err(failure.hint("-o FILE keeps the results").into());
    }
    let from = items.as_deref().unwrap_or(Path::new("/dev/stdin"));
    let to = cli.output.as_deref().unwrap_or(Path::new("/dev/stdout"));
    if is_same_file(from, to) {
        let failure = Failure::new(Kind::Usage, "the items and the results are the same file");
        return Err(failure.hint("write the results to another file").into());
    }
    Ok(Batch {
        items,
        words: words(cli),
        files: cli.file.clone(),
        json: cli.json,
        jobs: cli.jobs.unwrap_or(4) as usize,
        keep_order: cli.keep_order,
        resume: cli.resume,
        min_credits: cli.min_credits,
    })
}

/// Each file that is written has one purpose.
pub fn one_purpose_each(cli: &Cli) -> Result<(), Failure> {
    let files = [
        ("--batch", &cli.batch),
        ("--chat", &cli.chat),
        ("--output", &cli.output),
        ("--log", &cli.log),
    ];
    let given: Vec<_> = files
        .iter()
        .filter_map(|(flag, path)| Some((*flag, path.as_deref()?)))
        .collect();
    for (at, (flag, path)) in given.iter().enumerate() {
        for (other, named) in &given[at + 1..] {
            if is_same_file(path, named) {
                let message = format!("{flag} and {other} name the same file, {}", path.display());
                return Err(Failure::new(Kind::Usage, message).hint("give each a file of its own"));
            }
        }
    }
    Ok(())
}

/// Whether two paths name one file, be it there or not.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
        let whole = || Some(folder.join(path.file_name()?));
        path.canonicalize().ok().or_else(whole)
    };
    is_one_file(one, other) || place(one).is_some_and(|one| place(other) == Some(one))
}

/// Whether two paths lead to one regular file, whatever their names.
#[cfg(unix)]
fn is_one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        let file = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some((file.dev(), file.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

#[cfg(not(unix))]
fn is_one_file(_: &Path, _: &Path) -> bool {
    false
}
