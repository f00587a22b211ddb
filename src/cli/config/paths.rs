//! Where the configuration and the profiles are, and which paths their lines name.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf, is_separator};

use anyhow::Result;
use clap::Arg;
use clap::builder::ValueHint;

use crate::cli::environment::path_variable;
use crate::cli::mistake::PROMPT_NEEDS_NO_FLAG;
use crate::error::{Failure, Kind, usage_error};
use crate::input::is_stdin;

/// The folder of the configuration file and the profiles.
fn folder() -> Option<PathBuf> {
    let own = path_variable("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let usual = || {
        if cfg!(windows) { path_variable("APPDATA") } else { Some(home()?.join(".config")) }
    };
    Some(own.or_else(usual)?.join("anyask"))
}

fn home() -> Option<PathBuf> {
    path_variable(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
}

/// The configuration file, which need not exist; `None` without a home folder.
pub fn config_file() -> Option<PathBuf> {
    Some(folder()?.join("config"))
}

/// The file of a profile, by its path or its name.
pub fn profile(name: &str) -> Result<PathBuf, Failure> {
    let found = if name.contains(is_separator) { by_path(name) } else { by_name(name) };
    found.map_err(|failure| {
        // in other clients, the prompt comes after -p
        let is_prompt = name.contains(char::is_whitespace);
        if is_prompt { failure.hint(PROMPT_NEEDS_NO_FLAG) } else { failure }
    })
}

fn by_path(path: &str) -> Result<PathBuf, Failure> {
    if !exists(Path::new(path)) {
        return Err(Failure::new(Kind::Setup, format!("there is no profile {path}")));
    }
    Ok(path.into())
}

fn by_name(name: &str) -> Result<PathBuf, Failure> {
    let Some(folder) = folder().map(|folder| folder.join("profiles")) else {
        let message = format!("cannot find the profile {name}: HOME is not set");
        return Err(Failure::new(Kind::Setup, message));
    };
    let place = format!("a profile is a file in {}", folder.display());
    if !is_profile_name(name) {
        let failure = usage_error(format!("--profile {name}: this is not a profile name"));
        let hint = format!("{place} without a dot in its name; a path has a slash in it");
        return Err(failure.hint(hint));
    }
    let path = folder.join(name);
    if exists(&path) {
        return Ok(path);
    }
    let failure = Failure::new(Kind::Setup, format!("there is no profile {name}"));
    let names = profiles(&folder);
    Err(failure.hint(match &names[..] {
        [] => place,
        [name] => format!("the only profile is {name}"),
        _ => format!("the profiles are {}", names.join(", ")),
    }))
}

/// Whether there is a file. A path through a file that is no folder, such as `/dev/null/.config`, leads to none. If
/// nobody can say, an error comes when it is read.
pub fn exists(path: &Path) -> bool {
    look_at(path) != Err(ErrorKind::NotFound)
}

/// An error of the kind `NotFound` if there is no file, and of another kind if nobody can say.
pub fn look_at(path: &Path) -> Result<(), ErrorKind> {
    match path.metadata().map_err(|error| error.kind()) {
        Err(ErrorKind::NotADirectory) => Err(ErrorKind::NotFound),
        found => found.map(drop),
    }
}

/// A name without a dot. Editors and package managers leave behind files with a dot in their names.
fn is_profile_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['.', '/', '\\'])
}

/// The names of all profiles in a folder.
fn profiles(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let names = files.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_profile_name(name)).collect();
    names.sort();
    names
}

/// Splits a value that names a file into the part before the path, and the path.
pub fn split_path<'a>(arg: &Arg, value: &'a str) -> Option<(&'a str, &'a str)> {
    let start = match arg.get_id().as_str() {
        "header" if value.starts_with('@') => 1,
        "set" => {
            let (key, value) = value.split_once('=')?;
            value.starts_with('@').then_some(key.len() + 2)?
        }
        _ if arg.get_value_hint() == ValueHint::FilePath => 0,
        _ => return None,
    };
    Some(value.split_at(start))
}

/// The path that `file` names as `path`: `~/` is the home folder, and a relative path begins in the folder of `file`.
pub fn resolve(arg: &Arg, path: &str, file: &Path) -> OsString {
    if path.is_empty() {
        return path.into();
    }
    let is_read = arg.get_id() != "output";
    if path == "-" || (is_read && is_stdin(Path::new(path))) {
        return "-".into();
    }
    let in_home = path.strip_prefix("~/").and_then(|rest| Some(home()?.join(rest)));
    let in_folder = || file.parent().unwrap_or(file).join(path);
    in_home.unwrap_or_else(in_folder).into()
}
