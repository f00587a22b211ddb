//! Runs commands of the user's, such as the one that prints the key.

use std::io;
use std::process::Command;

/// A command for the system's shell. What it reads and writes is still to be set.
pub fn command(line: &str) -> io::Result<Command> {
    heed_children()?;
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]);
    Ok(command)
}

/// A parent may ignore the ends of its children, and then its children do. A handler ends that: without it there is
/// no status to wait for.
#[cfg(unix)]
fn heed_children() -> io::Result<()> {
    signal_hook::flag::register(signal_hook::consts::SIGCHLD, std::sync::Arc::default()).map(drop)
}

#[cfg(not(unix))]
fn heed_children() -> io::Result<()> {
    Ok(())
}
