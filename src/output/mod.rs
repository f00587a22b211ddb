//! How to show it: the answer on stdout or in a file, everything else on stderr.
//! May import `api` and `error`; never meets `input`.

mod bar;
mod console;
mod curl;
mod extract;
mod json;
mod live;
mod log;
mod out;
mod progress;
mod replace;
mod report;
mod results;
mod terminal;
mod text;

pub use bar::{Bar, Tally};
pub use console::{Console, causes, exit_status, is_reader_gone};
pub use curl::curl;
pub use log::{Entry, Log};
pub use out::{Out, Stdout};
pub use progress::{Progress, Spinner, retry_line};
pub use report::{stopped_short, usage_line};
pub use results::{Answered, Came, Problem, Record, Results, identity, open_results};

use anyhow::Result;

use crate::api::Listener;

/// In which form the answer goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    /// The inside of the first fenced code block.
    Code,
    /// The server's JSON, whole.
    Json,
    /// Each event's JSON on a line of its own.
    Events,
}

/// What an answer passes through on its way out: it hears the answer and can be ended.
pub trait Printer: Listener {
    /// Prints what is left to print. `whole` tells whether the answer came to its end.
    fn end(&mut self, whole: bool) -> Result<()>;
}

/// The printer for a format.
pub fn printer(format: Format, out: Out) -> Box<dyn Printer> {
    match format {
        Format::Text => Box::new(text::Text::new(out)),
        Format::Code => Box::new(extract::Code::new(out)),
        Format::Json => Box::new(json::Whole::new(out)),
        Format::Events => Box::new(json::Events::new(out)),
    }
}
