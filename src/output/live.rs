//! One line on stderr that changes while there is something to wait for, and leaves no trace. Our own, because
//! the library for it brings the mathematical one along, and loading that was a fifteenth of a question's time,
//! watched or not.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::console::Console;

/// How often the line is drawn.
const TICK: Duration = Duration::from_millis(100);
/// What turns at its start.
const FRAMES: [char; 8] = ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'];
/// How wide a terminal is that does not say so, in columns.
const WIDTH: usize = 80;
const CLEAR: &str = "\r\x1b[2K";

/// The line, or nothing where nobody would see it. Its clones are the same line.
#[derive(Clone)]
pub struct Live(Option<Arc<Shared>>);

#[derive(Default)]
struct Shared {
    over: Mutex<bool>,
    ended: Condvar,
}

impl Live {
    /// A line that says what `tell` says at the time. It has no character that takes two columns.
    pub fn start(console: Console, tell: impl Fn() -> String + Send + 'static) -> Self {
        if !console.may_move() {
            return Self::none();
        }
        let shared = Arc::new(Shared::default());
        let drawn = Arc::clone(&shared);
        // without a thread for it there is no line, and nothing else is the worse for that
        let started = thread::Builder::new().spawn(move || drawn.draw(tell));
        Self(started.ok().map(|_| shared))
    }

    /// No line at all.
    pub fn none() -> Self {
        Self(None)
    }

    /// Prints something else while the line is out of the way.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        let over = self.0.as_ref().map(|shared| shared.terminal());
        if over.as_ref().is_some_and(|over| !**over) {
            write(CLEAR);
        }
        print()
    }

    /// Takes the line away for good.
    pub fn stop(&mut self) {
        let Some(shared) = self.0.take() else { return };
        let mut over = shared.terminal();
        if !std::mem::replace(&mut *over, true) {
            write(CLEAR);
        }
        shared.ended.notify_all();
    }
}

impl Shared {
    fn draw(&self, tell: impl Fn() -> String) {
        let mut over = self.terminal();
        for frame in FRAMES.iter().cycle() {
            if *over {
                return;
            }
            let width = terminal_size::terminal_size_of(std::io::stderr())
                .map_or(WIDTH, |(width, _)| width.0.into());
            // the last column stays free: some terminals go on to the next line there
            let line: String = format!("{frame} {}", tell())
                .chars()
                .take(width.saturating_sub(1))
                .collect();
            write(&format!("\r{line}\x1b[K"));
            (over, _) = self
                .ended
                .wait_timeout(over, TICK)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whoever has this has the terminal.
    fn terminal(&self) -> MutexGuard<'_, bool> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(text: &str) {
    // with stderr gone there is nobody to see it
    let _ = std::io::stderr().write_all(text.as_bytes());
}
