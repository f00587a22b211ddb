//! What to say: arguments, standard input and files become the text of the question.
//! May import `api` and `error`; never meets `output`.

mod prompt;
mod text;

pub use prompt::{Sources, Stdin, no_prompt, prompt};
pub use text::{Text, read_file};
