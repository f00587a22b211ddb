//! A line of a terminal that changes while something is under way, and is removed without a trace.

use std::io::{Write, stderr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::foreground::is_ours;
use crate::sync::{Ticker, lock};

/// How often the line is drawn.
pub const REDRAW: Duration = Duration::from_millis(100);
/// Erases the line.
const ERASE: &str = "\r\x1b[2K";
/// The width of a terminal that does not report its width, in columns.
const USUAL_WIDTH: usize = 80;

/// A line on standard error: the ticker that draws it, and the text that was drawn last. Clones share it. Whether the
/// terminal is ours is asked each time, because the user may move the program to the background and back.
#[derive(Debug, Clone, Default)]
pub struct Live(Arc<Mutex<Option<(Ticker, String)>>>);

impl Live {
    /// Draws `text` again and again until [`Live::stop`]. Each of its characters has to be one column wide.
    pub fn start(&self, text: impl Fn() -> String + Send + 'static) {
        let live = self.clone();
        let draw = move || {
            let text: String = text().chars().take(width() - 1).collect();
            // it may just have been stopped
            if let Some((_, drawn)) = &mut *lock(&live.0)
                && is_ours(stderr())
            {
                write(&format!("{ERASE}{text}"));
                *drawn = text;
            }
        };
        let ticker = Ticker::start(REDRAW, draw);
        *lock(&self.0) = Some((ticker, String::new()));
    }

    /// Removes the line.
    pub fn stop(&self) {
        let mut line = lock(&self.0);
        if let Some((_, drawn)) = line.take() {
            erase(&drawn);
        }
    }

    /// Runs `print` while the line is out of the way.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        let line = lock(&self.0);
        let Some((_, drawn)) = &*line else { return print() };
        erase(drawn);
        let printed = print();
        if is_ours(stderr()) {
            write(drawn);
        }
        printed
    }
}

fn erase(drawn: &str) {
    if !drawn.is_empty() && is_ours(stderr()) {
        write(ERASE);
    }
}

fn write(text: &str) {
    // if standard error is closed, nothing can be reported
    let _ = stderr().write_all(text.as_bytes());
}

/// How many columns the terminal has now.
fn width() -> usize {
    let size = terminal_size::terminal_size_of(stderr());
    size.map_or(USUAL_WIDTH, |(width, _)| width.0.into())
}
