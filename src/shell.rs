//! The user's shell: runs commands, such as the one that prints the key, and has perhaps started us in the background.

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

/// Whether a shell started us in the background, without job control, as in a script.
#[cfg(unix)]
pub fn is_background_job() -> bool {
    is_ignored(signal_hook::consts::SIGINT)
}

#[cfg(not(unix))]
pub fn is_background_job() -> bool {
    false
}

/// Whether the parent set this signal to be ignored, as shells do for background jobs. Only Linux reports it.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
