//! In which form the answer is printed, and where.

use std::path::PathBuf;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    /// The inside of the first fenced code block.
    Code,
    /// The server's JSON message.
    Json,
    /// Each event's JSON on a line of its own.
    Events,
}

/// Where the answer goes, and how. The default is standard output, unchanged.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    pub format: Format,
    /// Print the answer chunk by chunk, as it arrives.
    pub stream: bool,
    /// The file to write instead of standard output.
    pub path: Option<PathBuf>,
    /// Standard output is a terminal.
    pub terminal: bool,
    /// Let escape sequences through to the terminal.
    pub raw: bool,
    /// Highlight Markdown on standard output.
    pub highlight: bool,
}
