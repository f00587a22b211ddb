//! What is sent: words, standard input, files, conversations and the items of a batch become messages.

mod attachment;
mod conversation;
mod file;
mod items;
mod prompt;
mod text;

pub use conversation::Conversation;
pub use file::{InputFile, is_stdin};
pub use items::{Item, Items, Question, count_items};
pub use prompt::{Draft, Sources, no_prompt, prompt};
pub use text::{Text, replaced_note, text};
