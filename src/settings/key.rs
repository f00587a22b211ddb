//! Where the API key comes from: a file, a command or the environment; never the command line.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::api::Key;
use crate::error::{Failure, Kind};
use crate::output::Console;

/// The content of a key file, blanks at its ends left out.
pub fn from_file(path: &Path, console: Console) -> Result<Key> {
    let name = path.display();
    let content = std::fs::read(path)
        .with_context(|| Failure::new(Kind::Setup, format!("cannot read the key file {name}")))?;
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
pub fn from_command(command: &str) -> Result<Key> {
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let output = Command::new(shell)
        .args([flag, command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context(Failure::new(Kind::Setup, "cannot run the key command"))?;
    if !output.status.success() {
        let message = format!("the key command failed: {}", output.status);
        return Err(Failure::new(Kind::Setup, message)
            .hint("try it by itself in a shell")
            .into());
    }
    let line = output.stdout.split(|&byte| byte == b'\n').next();
    checked(
        line.unwrap_or_default().trim_ascii(),
        "what the key command printed",
    )
}

/// The value of an environment variable, as it is.
pub fn from_variable(name: &str, value: &str) -> Result<Key> {
    checked(value.as_bytes(), name)
}

/// What to do without a key.
pub fn none() -> Failure {
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
    let key = std::str::from_utf8(bytes).ok().and_then(Key::new);
    key.ok_or_else(|| {
        let trouble = if bytes.iter().any(u8::is_ascii_whitespace) {
            "has blanks or line ends inside"
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
