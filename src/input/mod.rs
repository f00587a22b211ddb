//! What to say: arguments, standard input, files and a kept conversation become messages.
//! May import `api` and `error`; never meets `output`.

mod attachment;
mod chat;
mod prompt;
mod text;

pub use chat::{Chat, Turn};
pub use prompt::{Sources, Stdin, no_prompt, prompt};
pub use text::{Text, read_file};
