//! Where the API key comes from: a file, a command, the environment or a header file; never the command line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use ureq::http::HeaderValue;

use crate::api::Secret;
use crate::error::{Failure, Kind};
use crate::output::Console;

/// The longest key, in bytes.
const LONGEST_KEY: u64 = 16 << 10;

/// Where the key is.
pub enum Source {
    Missing,
    /// One of the user's own headers carries it.
    Header(HeaderValue),
    File(PathBuf),
    Command(String),
    /// An environment variable, by its name, and its value.
    Variable(&'static str, String),
}

impl Source {
    /// Gets the key. A header may carry something that is not a key.
    pub fn fetch(&self, console: &Console) -> Result<Option<Secret>> {
        match self {
            Self::Missing => Err(setup_error("there is no API key")
                .hint("set ANYROUTER_API_KEY, or use --api-key-file or --api-key-command; --mock needs no key")
                .into()),
            Self::Header(value) => {
                let word = value.to_str().ok().and_then(|value| value.rsplit(' ').next());
                Ok(word.and_then(Secret::new))
            }
            Self::File(path) => from_file(path, console).map(Some),
            Self::Command(command) => from_command(command).map(Some),
            Self::Variable(name, value) => Ok(Some(key(value.as_bytes(), name)?)),
        }
    }
}

/// The content of a key file, without white space at its ends.
fn from_file(path: &Path, console: &Console) -> Result<Secret> {
    let name = format!("the key file {}", path.display());
    let cannot = || setup_error(format!("cannot read {name}"));
    let mut content = Vec::new();
    let file = File::open(path).with_context(cannot)?;
    file.take(LONGEST_KEY + 1).read_to_end(&mut content).with_context(cannot)?;
    if is_open_to_others(path) {
        console.note(format!("other users can read {name}; run chmod 600 on it"));
    }
    Ok(key(content.trim_ascii(), &name)?)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // a pipe, such as <(pass show key), is read by this program alone
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// The first line that a shell command prints. The command reads nothing, but may use the terminal.
fn from_command(command: &str) -> Result<Secret> {
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let cannot = || setup_error("cannot run the key command");
    let mut child = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(cannot)?;
    let mut line = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // the pipe closes after this line: the command may print more, or leave a process behind
        let mut stdout = BufReader::new(stdout.take(LONGEST_KEY + 1));
        stdout.read_until(b'\n', &mut line).with_context(cannot)?;
    }
    let status = child.wait().with_context(cannot)?;
    if !status.success() && !ended_by_closed_pipe(status) {
        let failure = setup_error(format!("the key command failed: {status}"));
        return Err(failure.hint("run it in a shell to see why").into());
    }
    Ok(key(line.trim_ascii(), "the output of the key command")?)
}

/// Whether a program ended because nobody read more than its first line.
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

/// The key in these bytes. An error does not show them.
fn key(bytes: &[u8], name: &str) -> Result<Secret, Failure> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let why = match Secret::new(text) {
        _ if bytes.is_empty() => return Err(setup_error(format!("{name} is empty"))),
        _ if bytes.len() as u64 > LONGEST_KEY => "it is longer than 16 KiB",
        Some(secret) => return Ok(secret),
        None if bytes.iter().any(u8::is_ascii_whitespace) => "it has spaces or line ends",
        None => "it has characters other than ASCII letters, digits and punctuation",
    };
    Err(setup_error(format!("{name} is not an API key: {why}")))
}

fn setup_error(message: impl Into<String>) -> Failure {
    Failure::new(Kind::Setup, message)
}
