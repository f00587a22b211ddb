//! anyask asks Claude from a shell, a pipe or a CI job. This page is its table of contents.
//!
//! A question goes down one straight line, and so do the imports:
//!
//! ```text
//! main → command → settings → input, output → api → error
//! ```
//!
//! - `settings` reads the command line and the environment once, and fills every default in;
//! - `input` makes the question out of words, standard input and files;
//! - `api` makes it a request, sends it and reads the answer, whatever form it comes in;
//! - `output` shows the answer on stdout and says everything else on stderr;
//! - `command` is one file an errand, and puts these together;
//! - `error` has the kinds of failure and their exit statuses; `mock` is the server of `--mock`;
//!   `build` is what the linker is told.
//!
//! `tests/layers.rs` holds the line.

mod api;
mod command;
mod error;
mod input;
mod mock;
mod output;
mod settings;

use std::process::ExitCode;

use error::Kind;

fn main() -> ExitCode {
    let (console, settings) = settings::read();
    match settings.and_then(command::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let status = console.failure(&error);
            if status == Kind::Interrupted.status() {
                command::end_by_ctrl_c();
            }
            ExitCode::from(status)
        }
    }
}
