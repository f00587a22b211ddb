//! What every test is made of: a run of the program with what is expected of it, and a server that it asks.

mod answers;
mod events;
mod folder;
#[cfg(unix)]
mod memory;
mod messages;
#[cfg(unix)]
mod pty;
mod run;
mod running;
mod server;
#[cfg(unix)]
mod user;

pub use answers::{answer, error_body, http, json_answer};
pub use events::Events;
pub use folder::{Folder, folder};
pub use messages::{
    CONFLICT, ENDED_EARLY, NO_PROMPT, SAME_FILE, STOPPED_SHORT, STREAM_ENDED_EARLY, replaced,
    silent,
};
#[cfg(unix)]
pub use pty::{ALL, Pty, STDERR, STDOUT, STDOUT_AND_STDERR};
pub use run::{KEY, Run, anyask, bash, json_lines, shell};
pub use running::{Running, prints_in_time};
pub use server::{Act, Gate, PATIENCE, Received, Server, unused_address};
#[cfg(unix)]
pub use user::{OTHER_USER, as_other_user, is_root};

use std::io::Write;
use std::process::{Command, Stdio};

/// Whether this tool can be started here.
pub fn is_installed(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Says that a test did nothing, and why. Unlike what `eprintln!` prints, this is shown when the test passes.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test").to_string();
    writeln!(std::io::stderr(), "skipped: {test}: {why}").expect("stderr");
}
