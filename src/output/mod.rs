//! What the user sees: the answer on standard output or in a file, everything else on standard error.

mod console;
mod foreground;
mod highlight;
mod keyboard;
mod live;
mod printer;
mod progress;
mod replace;
mod report;
mod settings;
mod sink;
mod spinner;
mod tally;
pub mod terminal;

pub use console::Console;
pub use keyboard::Keyboard;
pub use printer::{Printer, printable};
pub use progress::{note_fallback, show_progress, start_spinner};
pub use replace::{NotReplaced, TempFile, is_replaceable, link_target, replace};
pub use report::{count_of, curl, estimate, stopped_short, usage_line};
pub use settings::{Format, Settings};
pub use sink::Sink;
pub use tally::Tally;
