//! Signals, where something has to come to its end first. The program ends by them all the same, as a shell that
//! runs it in a loop has to see; one that whoever started it ignores stays ignored.

use std::path::PathBuf;

use anyhow::Result;

/// Calls `on` at each Ctrl-C, in a thread of its own.
#[cfg(unix)]
pub fn on_ctrl_c(mut on: impl FnMut() + Send + 'static) -> Result<()> {
    use crate::error::{Failure, Kind};
    use anyhow::Context;

    watch(&[signal_hook::consts::SIGINT], move |_| on())
        .with_context(|| Failure::new(Kind::Local, "cannot watch for Ctrl-C"))
}

/// Takes a file away when the program is ended from outside.
#[cfg(unix)]
pub fn tidy_up(file: PathBuf) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    // without it the file stays, and nothing else is the worse for that
    let _ = watch(&[SIGHUP, SIGINT, SIGTERM], move |signal| {
        let _ = std::fs::remove_file(&file);
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    });
}

/// Ends the program as Ctrl-C does where nobody watches for it.
#[cfg(unix)]
pub fn end_by_ctrl_c() {
    let _ = signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGINT);
}

#[cfg(unix)]
fn watch(signals: &[i32], mut on: impl FnMut(i32) + Send + 'static) -> std::io::Result<()> {
    let heeded = signals.iter().filter(|signal| !is_ignored(**signal));
    let mut signals = signal_hook::iterator::Signals::new(heeded)?;
    let watch = move || signals.forever().for_each(&mut on);
    std::thread::Builder::new().spawn(watch)?;
    Ok(())
}

/// Whether whoever started the program wants it to go on at this signal, as shells do for what runs in the
/// background. Linux alone tells.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Where there are no such signals, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub fn on_ctrl_c(_: impl FnMut() + Send + 'static) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub fn tidy_up(_: PathBuf) {}

#[cfg(not(unix))]
pub fn end_by_ctrl_c() {}
