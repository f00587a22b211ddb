//! What the program says in more than one test.

use super::Server;

/// Two flags exclude each other.
pub const CONFLICT: &str = "cannot be used with";

/// There is nothing to ask.
pub const NO_PROMPT: &str = "anyask: there is no prompt\n";

/// An answer was cut off.
pub const ENDED_EARLY: &str = "ended early";

/// A stream came to a clean end, but too soon.
pub const STREAM_ENDED_EARLY: &str = "anyask: the stream ended early: no stop reason came\n";

/// An answer is complete, but the model had more to say.
pub const STOPPED_SHORT: &str = "the answer stopped short";

/// Two flags name the same file.
pub const SAME_FILE: &str = " name the same file, ";

/// This many bytes of the prompt, or of something else, were not UTF-8.
pub fn replaced(bytes: usize, what: &str) -> String {
    let bytes = if bytes == 1 { "1 byte".into() } else { format!("{bytes} bytes") };
    let were = if bytes == "1 byte" { "was" } else { "were" };
    format!("anyask: note: {bytes} of the {what} {were} not UTF-8 and became U+FFFD\n")
}

/// The server sent nothing within `--timeout 0.2`.
pub fn silent(server: &Server) -> String {
    let host = server.host();
    format!("anyask: {host} sent nothing for 0.2 s\nhint: use --timeout SECONDS to wait longer\n")
}
