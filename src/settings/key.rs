//! Where the API key comes from: a file, a command or the environment; never the command line.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

use crate::api::Key;
use crate::error::{Failure, Kind};
use crate::output::Console;

/// No key is as long as this, in bytes.
const TOO_LONG: usize = 16 << 10;

/// Where the key is. It is fetched when it is needed, and not before.
pub enum Source {
    /// Nothing is sent that needs one, or one of the user's own headers carries it.
    NotNeeded,
    Missing,
    File(PathBuf),
    Command(String),
    /// The value of an environment variable, after its name.
    Variable(&'static str, String),
}

impl Source {
    /// The key, or why there is none.
    pub fn fetch(&self, console: Console) -> Result<Option<Key>> {
        match self {
            Self::NotNeeded => Ok(None),
            Self::Missing => Err(missing().into()),
            Self::File(path) => from_file(path, console).map(Some),
            Self::Command(command) => from_command(command).map(Some),
            Self::Variable(name, value) => checked(value.as_bytes(), name).map(Some),
        }
    }
}

/// The content of a key file, blanks at its ends left out.
fn from_file(path: &Path, console: Console) -> Result<Key> {
    let name = path.display();
    let cannot = || Failure::new(Kind::Setup, format!("cannot read the key file {name}"));
    let mut content = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    file.take(TOO_LONG as u64)
        .read_to_end(&mut content)
        .with_context(cannot)?;
    if is_open_to_others(path) {
        console.note(format!(
            "other users of this machine can read the key file {name}; chmod 600 ends that"
        ));
    }
    checked(content.trim_ascii(), &format!("the key file {name}"))
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // a pipe, such as <(pass show key), has no readers but this program
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o044 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_: &Path) -> bool {
    false
}

/// The first line that a shell command prints. It reads nothing and may ask on the terminal.
fn from_command(command: &str) -> Result<Key> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let cannot = || Failure::new(Kind::Setup, "cannot run the key command");
    let mut child = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(cannot)?;
    let mut line = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // what it prints after that, or leaves running, is none of our business
        BufReader::new(stdout.take(TOO_LONG as u64))
            .read_until(b'\n', &mut line)
            .with_context(cannot)?;
    }
    let status = child.wait().with_context(cannot)?;
    if !status.success() && !ended_by_closed_pipe(status) {
        let message = format!("the key command failed: {status}");
        return Err(Failure::new(Kind::Setup, message)
            .hint("try it by itself in a shell")
            .into());
    }
    checked(line.trim_ascii(), "what the key command printed")
}

/// Whether a program ended because nobody read on after the first line.
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

fn missing() -> Failure {
    Failure::new(Kind::Setup, "there is no API key").hint(
        "set ANYROUTER_API_KEY, or give --api-key-file PATH or --api-key-command CMD; --mock needs none",
    )
}

fn checked(bytes: &[u8], place: &str) -> Result<Key> {
    if bytes.is_empty() {
        return Err(Failure::new(
            Kind::Setup,
            format!("{place} is empty, and should be the API key"),
        )
        .into());
    }
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() < TOO_LONG);
    let key = text.and_then(Key::new);
    key.ok_or_else(|| {
        let trouble = if bytes.len() >= TOO_LONG {
            "is too long"
        } else if bytes.iter().any(u8::is_ascii_whitespace) {
            "has blanks or line ends in it"
        } else {
            "has characters that no key has"
        };
        Failure::new(
            Kind::Setup,
            format!("{place} {trouble}, so it is no API key"),
        )
        .hint("a key is one word of letters, digits and signs")
        .into()
    })
}
