//! How far a batch is: a bar on stderr where it is a terminal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::console::Console;
use super::live::Live;
use crate::api::in_words;

/// How long the bar is, in columns.
const LENGTH: u64 = 24;

/// The bar, or nothing.
pub struct Bar {
    live: Live,
    state: Arc<Mutex<State>>,
}

/// How things stand.
#[derive(Debug, Clone, Copy, Default)]
pub struct State {
    /// Items that were asked or skipped.
    pub done: u64,
    pub skipped: u64,
    pub failed: u64,
    pub tokens: u64,
    /// Dollars.
    pub credits: Option<f64>,
}

impl Bar {
    /// A bar for this many items; without a number it only counts.
    pub fn start(console: Console, total: Option<u64>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (told, begun) = (Arc::clone(&state), Instant::now());
        let live = Live::start(console, move || {
            let state = *told.lock().unwrap_or_else(PoisonError::into_inner);
            line(state, total, begun.elapsed().as_secs_f64())
        });
        Self { live, state }
    }

    /// Shows the state of things.
    pub fn update(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Prints something else while the bar is out of the way.
    pub fn beside(&self, print: impl FnOnce()) {
        self.live.beside(print);
    }

    /// Takes the bar away, without a trace.
    pub fn stop(&self) {
        self.live.clone().stop();
    }
}

/// What the bar says after so many seconds.
fn line(state: State, total: Option<u64>, seconds: f64) -> String {
    let State {
        done,
        skipped,
        failed,
        tokens,
        credits,
    } = state;
    let credits = credits.map_or(String::new(), |credits| format!(", ${credits:.2} left"));
    let about = format!("({failed} failed, {} tokens{credits})", counted(tokens));
    let Some(total) = total.filter(|total| *total > 0) else {
        return format!("{} done {about}", counted(done));
    };
    let full = (LENGTH * done.min(total) / total) as usize;
    let bar = "█".repeat(full) + &"░".repeat(LENGTH as usize - full);
    let (of, asked) = (counted(total), done.saturating_sub(skipped));
    let left = if asked == 0 {
        String::new()
    } else {
        let each = seconds / asked as f64;
        let left = (each * total.saturating_sub(done) as f64).ceil();
        format!(", {} left", in_words(left as u64))
    };
    format!("{bar} {}/{of} {about}{left}", counted(done))
}

/// A number with its thousands apart.
pub fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = digits.as_str();
    while rest.len() > 3 {
        let (front, three) = rest.split_at(rest.len() - 3);
        parts.push(three);
        rest = front;
    }
    parts.push(rest);
    parts.reverse();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (number, shown) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(counted(number), shown);
        }
    }

    #[test]
    fn the_bar_tells_what_is_left_by_what_was_asked() {
        let state = State {
            done: 600,
            skipped: 500,
            failed: 1,
            tokens: 12_345,
            credits: Some(9.256),
        };
        assert_eq!(
            line(state, Some(1200), 10.0),
            "████████████░░░░░░░░░░░░ 600/1,200 (1 failed, 12,345 tokens, $9.26 left), 60 s left"
        );
        assert_eq!(
            line(State::default(), Some(4), 10.0),
            "░░░░░░░░░░░░░░░░░░░░░░░░ 0/4 (0 failed, 0 tokens)"
        );
        assert_eq!(
            line(state, None, 10.0),
            "600 done (1 failed, 12,345 tokens, $9.26 left)"
        );
        // items may be added to the file while it is read
        assert!(line(state, Some(5), 10.0).contains("600/5"));
    }
}
