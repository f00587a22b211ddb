//! Where the API key comes from: a file, a command, the environment or a header file; never the command line.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use ureq::http::HeaderValue;

use crate::api::Secret;
use crate::error::{Failure, Kind};
use crate::input::{InputFile, Text};
use crate::output::Console;
use crate::shell;

/// The longest key, in bytes.
const LONGEST_KEY: u64 = 16 << 10;

pub enum KeySource {
    /// There is none, and perhaps why no configuration file was read.
    Missing(Option<String>),
    /// One of the user's own headers carries it.
    Header(HeaderValue),
    File(InputFile),
    Command(String),
    /// An environment variable, by its name, and its value.
    Variable(&'static str, String),
}

impl KeySource {
    /// Gets the key. `None` if the user's header carries something that is not a key.
    pub fn fetch(&self, console: &Console) -> Result<Option<Secret>> {
        match self {
            Self::Missing(why) => Err(setup_error(match why {
                Some(why) => format!("there is no API key, and {why}"),
                None => "there is no API key".into(),
            })
            .hint("set ANYROUTER_API_KEY, or use --api-key-file or --api-key-command; --mock needs no key")
            .into()),
            Self::Header(value) => {
                let word = value.to_str().ok().and_then(|value| value.rsplit(' ').next());
                Ok(word.and_then(Secret::new))
            }
            Self::File(file) => {
                let key = from_file(file)?;
                if file.path().is_some_and(is_open_to_others) {
                    let name = file_name(file);
                    console.note(format!("other users can read {name}; run chmod 600 on it"));
                }
                Ok(Some(key))
            }
            Self::Command(command) => from_command(command).map(Some),
            Self::Variable(name, value) => Ok(Some(key(value, name)?)),
        }
    }

    /// Gets the key once more; `None` from a source that has nothing new.
    pub fn fetch_again(&self) -> Option<Result<Secret>> {
        match self {
            Self::File(file) => {
                // a pipe was read to its end
                let is_pipe = |path: &Path| path.metadata().is_ok_and(|file| !file.is_file());
                file.path().filter(|path| !is_pipe(path)).map(|_| from_file(file))
            }
            Self::Command(command) => Some(from_command(command)),
            Self::Missing(_) | Self::Header(_) | Self::Variable(..) => None,
        }
    }
}

/// The name of a key file in messages.
fn file_name(file: &InputFile) -> String {
    file.path().map_or(file.name(), |path| format!("the key file {}", path.display()))
}

/// The content of a key file, without white space at its ends.
fn from_file(file: &InputFile) -> Result<Secret> {
    let name = file_name(file);
    let cannot = || setup_error(format!("cannot read {name}"));
    let mut content = Vec::new();
    let bytes = file.open().with_context(cannot)?;
    bytes.take(LONGEST_KEY + 1).read_to_end(&mut content).with_context(cannot)?;
    Ok(key(Text::decode(content).text.trim_ascii(), &name)?)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use super::files::is_changeable;
    use std::os::unix::fs::PermissionsExt;
    // a pipe, such as <(pass show key), is read by this program alone
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o044 != 0)
        && is_changeable(path)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// The first line that a shell command prints. The command reads nothing, but may use the terminal.
fn from_command(command: &str) -> Result<Secret> {
    let cannot = || setup_error("cannot run the key command");
    let (line, status) = first_line(command).with_context(cannot)?;
    if !status.success() && !ended_by_closed_pipe(status) {
        let failure = setup_error(format!("the key command failed: {status}"));
        return Err(failure.hint("run it in a shell to see why").into());
    }
    Ok(key(Text::decode(line).text.trim_ascii(), "the output of the key command")?)
}

fn first_line(command: &str) -> io::Result<(Vec<u8>, ExitStatus)> {
    let mut child = shell::command(command)?.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut line = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // read only this line: the command may print more, or leave a process behind that never closes the pipe
        BufReader::new(stdout.take(LONGEST_KEY + 1)).read_until(b'\n', &mut line)?;
    }
    Ok((line, child.wait()?))
}

/// Whether a program was ended by SIGPIPE, because only its first line was read.
#[cfg(unix)]
fn ended_by_closed_pipe(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt;
    const SIGPIPE: i32 = 13;
    status.signal() == Some(SIGPIPE) || status.code() == Some(128 + SIGPIPE)
}

#[cfg(not(unix))]
fn ended_by_closed_pipe(_: ExitStatus) -> bool {
    false
}

/// Makes a key of a text. An error does not quote the text.
fn key(text: &str, name: &str) -> Result<Secret, Failure> {
    let why = match Secret::new(text) {
        _ if text.is_empty() => return Err(setup_error(format!("{name} is empty"))),
        _ if text.len() as u64 > LONGEST_KEY => "it is longer than 16 KiB",
        Some(secret) => return Ok(secret),
        None if text.contains(|char: char| char.is_ascii_whitespace()) => {
            "it has spaces or line ends"
        }
        None => "it has characters other than ASCII letters, digits and punctuation",
    };
    Err(setup_error(format!("{name} is not an API key: {why}")))
}

fn setup_error(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Setup, message)
}
