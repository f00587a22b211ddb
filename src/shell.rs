//! Runs commands of the user's, such as the one that prints the key.

use std::io;
use std::process::Command;

/// The command by which the system's shell runs a line. What it reads and writes is still to be set.
pub fn command(line: &str) -> io::Result<Command> {
    handle_child_signal()?;
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]);
    Ok(command)
}

/// If our parent ignores SIGCHLD, so do we, and `wait()` would find no status. Any handler ends that.
#[cfg(unix)]
fn handle_child_signal() -> io::Result<()> {
    use signal_hook::{consts::SIGCHLD, flag, low_level};
    let action = flag::register(SIGCHLD, std::sync::Arc::default())?;
    // the handler stays without its action; actions would pile up, and each costs memory and time
    low_level::unregister(action);
    Ok(())
}

#[cfg(not(unix))]
fn handle_child_signal() -> io::Result<()> {
    Ok(())
}
