//! Runs commands of the user's, such as the one that prints the key.

use std::io;
use std::process::Command;

/// A command line for the system's shell.
#[derive(Debug, Clone)]
pub struct ShellCommand {
    pub line: String,
    /// The line of a configuration file that has it, for errors.
    pub place: Option<String>,
}

impl ShellCommand {
    /// Returns the command to start. What it reads and writes is still to be set.
    pub fn prepare(&self) -> io::Result<Command> {
        handle_child_signal()?;
        let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
        let mut command = Command::new(shell);
        command.args([flag, &self.line]);
        Ok(command)
    }
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
