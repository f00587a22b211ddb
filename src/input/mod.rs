//! What to say: arguments, standard input, files, a kept conversation and batches become messages.
//! May import `api` and `error`; never meets `output`.

mod attachment;
mod chat;
mod items;
mod prompt;
mod text;

pub use chat::{Chat, Turn};
pub use items::{Item, Items, Overrides, Said, count_items};
pub use prompt::{Draft, Sources, Stdin, no_prompt, prompt};
pub use text::{Text, read_file};
