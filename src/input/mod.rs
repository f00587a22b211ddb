//! What is sent: words, standard input, files, conversations and the items of a batch become messages.

mod attachment;
mod conversation;
mod items;
mod prompt;
mod text;

pub use conversation::Conversation;
pub use items::{Item, Items, Question, count_items};
pub use prompt::{Draft, Sources, Stdin, no_prompt, prompt};
pub use text::{Text, read_text_file, replaced_note};
