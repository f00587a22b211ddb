//! From the room of the same name, what guards a terminal.

#[path = "../../src/output/terminal.rs"]
pub mod terminal;
