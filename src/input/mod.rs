//! What is sent: words, standard input, files, conversations and the items of a batch become messages.

mod attachment;
mod builder;
mod conversation;
mod encoding;
mod file;
mod gather;
mod hints;
mod item;
mod items;
mod list;
mod prompt;
mod text;
mod unsendable;

pub use builder::PromptBuilder;
pub use conversation::Conversation;
pub use file::{InputFile, file_id, is_stdin, stdin_is_device};
pub use item::{Item, ItemRequest};
pub use items::{Items, check_items, count_items};
pub use prompt::{Prompt, Sources, no_prompt, prompt};
pub use text::{Replaced, Text, cannot_read, empty, text};
