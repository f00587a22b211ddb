//! Signals: some work has to be ended first. Then the program still ends by the signal, because a shell loop stops only
//! if it does. A signal that the parent ignores stays ignored.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[cfg(unix)]
use anyhow::Context;
use anyhow::Result;

#[cfg(unix)]
use crate::error::{Failure, Kind};
#[cfg(unix)]
use crate::shell::is_ignored;

/// How much later than another process we may learn of a signal that went to both.
pub const MOMENT: Duration = Duration::from_millis(50);

/// The signals that ask a program to end.
#[cfg(unix)]
pub const ENDING: [i32; 3] =
    [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
/// Those of them that end a conversation, and Ctrl-\.
#[cfg(unix)]
pub const ENDING_CONVERSATION: [i32; 3] =
    [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGQUIT];
#[cfg(unix)]
pub const INTERRUPT: i32 = signal_hook::consts::SIGINT;
#[cfg(unix)]
pub const HANGUP: i32 = signal_hook::consts::SIGHUP;
#[cfg(unix)]
pub const KILL: i32 = signal_hook::consts::SIGKILL;

#[cfg(not(unix))]
pub const ENDING: [i32; 1] = [INTERRUPT];
#[cfg(not(unix))]
pub const ENDING_CONVERSATION: [i32; 0] = [];
#[cfg(not(unix))]
pub const INTERRUPT: i32 = 2;
#[cfg(not(unix))]
pub const HANGUP: i32 = 1;
#[cfg(not(unix))]
pub const KILL: i32 = 9;

/// A watch for signals that ends when it is dropped.
#[cfg(unix)]
pub struct Watch(signal_hook::iterator::Handle);

#[cfg(unix)]
impl Drop for Watch {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Process 1 of a container ends by no signal that it does not watch. Until this watch is dropped, the program ends at
/// once. `None` if it is another process.
#[cfg(unix)]
pub fn watch_as_process_1() -> Option<Watch> {
    is_process_1().then(|| watch(&ENDING, end_by))?.ok().map(Watch)
}

/// Calls `on` with each of these signals, in a thread of its own.
#[cfg(unix)]
pub fn on_signal(signals: &[i32], on: impl FnMut(i32) + Send + 'static) -> Result<()> {
    watch(signals, on).map(drop)
}

#[cfg(unix)]
fn watch(
    signals: &[i32],
    mut on: impl FnMut(i32) + Send + 'static,
) -> Result<signal_hook::iterator::Handle> {
    let watched = signals.iter().filter(|signal| !is_ignored(**signal));
    let mut signals = signal_hook::iterator::Signals::new(watched).with_context(cannot)?;
    let handle = signals.handle();
    let watch = move || signals.forever().for_each(&mut on);
    std::thread::Builder::new().spawn(watch).with_context(cannot)?;
    Ok(handle)
}

#[cfg(unix)]
fn cannot() -> Failure {
    Failure::new(Kind::Local, "cannot watch for signals")
}

/// Whether the program is process 1 of a container, for which no signal has a default action.
pub fn is_process_1() -> bool {
    std::process::id() == 1
}

/// Ends the program as the signal does by default. Process 1 exits with the status that a shell would report.
#[cfg(unix)]
pub fn end_by(signal: i32) {
    if is_process_1() {
        signal_hook::low_level::exit(128 + signal);
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Has Ctrl-Z call `on_stop` with a function that stops the program, and returns once it goes on. While `at_once`, the
/// program stops without that.
#[cfg(unix)]
pub fn on_stop(at_once: Arc<AtomicBool>, on_stop: impl Fn(fn()) + Send + 'static) -> Result<()> {
    use std::sync::atomic::Ordering;

    use signal_hook::{consts::SIGTSTP, flag, low_level::emulate_default_handler};
    // without a shell that could let it go on, the system does not stop it
    if !has_shell() || is_ignored(SIGTSTP) {
        return Ok(());
    }
    flag::register_conditional_default(SIGTSTP, Arc::clone(&at_once)).with_context(cannot)?;
    on_signal(&[SIGTSTP], move |_| {
        if !at_once.load(Ordering::SeqCst) {
            on_stop(|| {
                let _ = emulate_default_handler(SIGTSTP);
            });
        }
    })
}

/// Whether a shell with job control started us: it is in the same session, but not in our group.
#[cfg(unix)]
fn has_shell() -> bool {
    use nix::unistd::{getpgid, getpgrp, getppid, getsid};
    let shell = Some(getppid());
    getsid(shell) == getsid(None) && getpgid(shell) != Ok(getpgrp())
}

/// Sends a signal to the processes of a group.
#[cfg(unix)]
pub fn signal_group(group: u32, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let (Some(group), Some(signal)) =
        (Pid::from_raw(group.cast_signed()), Signal::from_named_raw(signal))
    {
        let _ = kill_process_group(group, signal);
    }
}

/// Sends a signal to a process.
#[cfg(unix)]
pub fn signal_process(process: u32, signal: i32) {
    use rustix::process::{Pid, Signal, kill_process};
    if let (Some(process), Some(signal)) =
        (Pid::from_raw(process.cast_signed()), Signal::from_named_raw(signal))
    {
        let _ = kill_process(process, signal);
    }
}

/// The name of a signal in messages.
#[cfg(unix)]
pub fn name(signal: i32) -> &'static str {
    match signal {
        INTERRUPT => "Ctrl-C",
        _ => signal_hook::low_level::signal_name(signal).unwrap_or("a signal"),
    }
}

/// Other systems have no such signals: Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub struct Watch;

#[cfg(not(unix))]
pub fn watch_as_process_1() -> Option<Watch> {
    None
}

#[cfg(not(unix))]
pub fn on_signal(_: &[i32], _: impl FnMut(i32) + Send + 'static) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub fn on_stop(_: Arc<AtomicBool>, _: impl Fn(fn()) + Send + 'static) -> Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub fn end_by(_: i32) {}

#[cfg(not(unix))]
pub fn signal_group(_: u32, _: i32) {}

#[cfg(not(unix))]
pub fn signal_process(_: u32, _: i32) {}

#[cfg(not(unix))]
pub fn name(_: i32) -> &'static str {
    "Ctrl-C"
}
