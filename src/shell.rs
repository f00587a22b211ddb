//! Runs the user's commands, such as the one that prints the key.

use std::io;
use std::process::Command;

/// A command in which the system's shell runs `line`. The caller sets its standard streams.
pub fn command(line: &str) -> io::Result<Command> {
    handle_child_signal()?;
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    command.args([flag, line]);
    Ok(command)
}

/// If our parent ignores SIGCHLD, we inherit that, and `wait()` would get no exit status. A handler prevents this.
#[cfg(unix)]
fn handle_child_signal() -> io::Result<()> {
    use signal_hook::{consts::SIGCHLD, flag, low_level};
    let action = flag::register(SIGCHLD, std::sync::Arc::default())?;
    // the handler stays even without an action; an action for each command would cost memory and time
    low_level::unregister(action);
    Ok(())
}

#[cfg(not(unix))]
fn handle_child_signal() -> io::Result<()> {
    Ok(())
}
