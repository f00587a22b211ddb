//! How to show it: the answer on stdout, everything else on stderr.
//! May import `api` and `error`; never meets `input`.

mod console;
mod curl;
mod json;
mod progress;
mod report;
mod stdout;
mod terminal;
mod text;

pub use console::Console;
pub use curl::curl;
pub use progress::{Progress, Spinner};
pub use report::{stopped_short, usage_line};
pub use stdout::{Out, Stdout};

use anyhow::Result;

use crate::api::Listener;

/// In which form the answer goes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    /// The server's JSON, whole.
    Json,
    /// Each event's JSON on a line of its own.
    Events,
}

/// What an answer passes through on its way to stdout: it hears the answer and can be ended.
pub trait Printer: Listener {
    /// Prints what is left to print, be the answer whole or not.
    fn end(&mut self) -> Result<()>;
}

/// The printer for a format.
pub fn printer(format: Format, out: Out) -> Box<dyn Printer> {
    match format {
        Format::Text => Box::new(text::Text::new(out)),
        Format::Json => Box::new(json::Whole::new(out)),
        Format::Events => Box::new(json::Events::new(out)),
    }
}
