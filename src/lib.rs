//! anyask asks Claude from a shell, a pipe or a CI job. This page is its table of contents.
//!
//! A question passes through the layers from left to right, and imports point only in this direction:
//!
//! ```text
//! main → command → cli → input, output → api → error
//! ```
//!
//! - `cli` reads the command line, the environment and the configuration files, and fills in every default;
//! - `input` makes messages from words, standard input, files and conversations;
//! - `api` sends requests and reads the answers, in whatever form they come;
//! - `output` prints the answer on stdout, and everything else on stderr;
//! - `command` has one file for each mode, and uses all of the above;
//! - `jsonl` appends to files of JSON lines, `disk` syncs files, `mock` is the server of `--mock`, `shell` runs the
//!   user's commands, `stdio` has the names of the standard streams, `sync` has what threads need, and `error` has the
//!   kinds of failure with their exit statuses.
//!
//! `tests/layers.rs` checks the imports.

pub mod api;
pub mod cli;
pub mod command;
mod disk;
pub mod error;
pub mod input;
pub mod jsonl;
pub mod mock;
pub mod output;
pub mod shell;
mod stdio;
pub mod sync;

use std::process::ExitCode;

/// Parses the command line, runs the command, and prints its error, if there is one. Returns the exit status.
pub fn run() -> ExitCode {
    let watch = command::watch_as_process_1();
    let (console, command) = cli::parse();
    match command.and_then(|command| command::run(command, watch)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(console.failure(&error)),
    }
}
