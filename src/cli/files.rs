//! Checks the files that flags name, before anything is sent: standard input is read once, no file has two purposes,
//! and every output can be written.

use std::io::{self, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result};

use super::args::Args;
use super::mistake::{PROMPT_NEEDS_NO_FLAG, key_in_flag};
use crate::error::{Failure, Kind, usage_error};
use crate::input::{cannot_read, file_id};
use crate::output::{Console, link_target};
use crate::stdio::Stream;

/// Whether the arguments name standard input. Then it is not read for anything else.
pub fn names_stdin(args: &Args, console: &Console) -> Result<bool, Failure> {
    let mut readers = Vec::new();
    if args.prompt == ["-"] {
        readers.push("prompt");
    }
    for (id, file) in args.input_files() {
        if file.path().is_none() {
            readers.push(id);
        }
    }
    match readers[..] {
        [] => return Ok(false),
        ["header"] if args.curl => {
            return Err(usage_error("--header @- cannot be used with --curl")
                .hint("use --header @FILE, which the command can read again"));
        }
        [reader] => check_reader(reader, args.no_stdin, console)?,
        _ => return Err(usage_error("standard input can be read only once")),
    }
    Ok(true)
}

/// Checks that an argument can read standard input. On a terminal, a note says that the program reads it.
fn check_reader(reader: &str, no_stdin: bool, console: &Console) -> Result<(), Failure> {
    let (name, hint) = match reader {
        "prompt" => ("'-'".into(), None),
        "batch" => ("--batch without a file".into(), Some("use --batch=ITEMS")),
        "header" => ("--header @-".into(), None),
        "set" => ("--set KEY=@-".into(), None),
        flag => (format!("--{} -", flag.replace('_', "-")), None),
    };
    if no_stdin {
        let failure = usage_error(format!("{name} cannot be used with --no-stdin"));
        return Err(failure.maybe_hint(hint));
    }
    if io::stdin().is_terminal() {
        if reader == "batch" {
            return Err(usage_error("--batch reads standard input, which is a terminal")
                .hint("use anyask --batch < ITEMS, or --batch=ITEMS"));
        }
        console.note("reading standard input; end it with Ctrl-D on a line of its own");
    }
    Ok(())
}

/// Refuses a text, or a key, where a file is wanted.
pub fn check_texts(args: &Args) -> Result<()> {
    for (id, file) in args.input_files() {
        let Some(path) = file.path() else { continue };
        let Err(error) = path.metadata() else { continue };
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename) {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let hint = match id {
            "api_key_file" if name.starts_with("sk-") => return Err(key_in_flag().into()),
            _ if !name.contains(char::is_whitespace) => continue,
            "system_file" => "did you mean --system?",
            "file" | "files_from" | "prompt_file" | "batch" => PROMPT_NEEDS_NO_FLAG,
            _ => continue,
        };
        return Err(Error::new(error).context(cannot_read(&file.name()).hint(hint)));
    }
    Ok(())
}

/// Refuses a file with two purposes, because writing it for one would destroy it for the other.
pub fn check_purposes(args: &Args) -> Result<(), Failure> {
    let batch = args.batch.as_ref().and_then(|file| file.path());
    let items = batch.map(|path| ("batch", path));
    // --record and --replay may name the same file
    let replay = args.replay.as_deref().filter(|_| args.record.is_none());
    let replay = replay.map(|path| ("replay", path));
    let files: Vec<_> = items.into_iter().chain(replay).chain(written(args)).collect();
    for (index, (id, path)) in files.iter().enumerate() {
        for (other, named) in &files[index + 1..] {
            if is_same_file(path, named) {
                let name = path.display();
                let message = format!("--{id} and --{other} name the same file, {name}");
                return Err(usage_error(message));
            }
        }
    }
    Ok(())
}

/// Refuses a file of `--replay` that is missing, or that is not the file of `--record`.
pub fn check_replay(args: &Args) -> Result<()> {
    let Some(path) = &args.replay else { return Ok(()) };
    let name = path.display();
    let local = |message: String| Failure::new(Kind::Local, message);
    match (&args.record, path.metadata()) {
        (Some(record), _) if is_same_file(record, path) => Ok(()),
        (Some(_), _) => {
            let failure = usage_error("--record and --replay name different files");
            Err(failure.hint("use the same file for both").into())
        }
        (None, Err(error)) => Err(Error::new(error).context(
            local(format!("cannot open {name}")).hint(format!("create it with --record {name}")),
        )),
        (None, Ok(file)) if file.is_file() => Ok(()),
        (None, Ok(_)) => Err(local(format!("{name} is not a regular file")).into()),
    }
}

/// Refuses an output that cannot be written.
pub fn check_writable(args: &Args) -> Result<()> {
    written(args).try_for_each(|(_, path)| {
        let context = || Failure::new(Kind::Local, format!("cannot write to {}", path.display()));
        writable(path).with_context(context)
    })
}

/// The files that are written, and the flags that name them. A standard stream may be written to by several.
fn written(args: &Args) -> impl Iterator<Item = (&'static str, &Path)> {
    let files = [
        ("chat", &args.chat),
        ("output", &args.output),
        ("log", &args.log),
        ("record", &args.record),
    ];
    let files = files.into_iter().filter_map(|(id, path)| Some((id, path.as_deref()?)));
    files.filter(|(_, path)| Stream::named(path).is_none())
}

/// An error unless a file can be written, or created if it is missing.
fn writable(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(file) if file.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(_) => access(path, false),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            access(&folder(&link_target(path)?), true)
        }
        // such as a circle of symbolic links
        Err(error) => Err(error),
    }
}

fn folder(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new(".")).into()
}

#[cfg(unix)]
fn access(path: &Path, is_folder: bool) -> io::Result<()> {
    use rustix::fs::{Access, access};
    let needed = if is_folder { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
    Ok(access(path, needed)?)
}

/// Whether the user could change the mode of a file. In a container, a secret may be mounted read-only.
#[cfg(unix)]
pub fn is_changeable(path: &Path) -> bool {
    let is_read_only =
        access(path, false).is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem);
    !is_read_only && access(&folder(path), true).is_ok()
}

#[cfg(not(unix))]
fn access(path: &Path, _: bool) -> io::Result<()> {
    path.metadata().map(drop)
}

/// Whether two paths name the same file, which need not exist.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    // two outputs may go to the same device
    let is_device = |path: &Path| path.metadata().is_ok_and(|file| !file.is_file());
    let is_same_path = || canonical(one).is_some_and(|one| canonical(other) == Some(one));
    is_one_file(one, other) || (!is_device(one) && is_same_path())
}

/// The path without links. The file need not exist, but its folder has to.
fn canonical(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let target = link_target(path).ok()?;
            Some(folder(&target).canonicalize().ok()?.join(target.file_name()?))
        }
        canonical => canonical.ok(),
    }
}

/// Whether two paths lead to the same regular file, perhaps by a hard link.
fn is_one_file(one: &Path, other: &Path) -> bool {
    one.is_file() && file_id(one).is_some_and(|one| file_id(other) == Some(one))
}
