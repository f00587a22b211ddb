//! How a batch stands: what the bar on stderr and the last line tell.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::console::Console;
use super::live::Live;
use super::report::dollars;
use crate::api::in_words;

/// How long the bar is, in columns.
const LENGTH: u64 = 24;

/// What became of the items so far.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: u64,
    pub failed: u64,
    /// Answered by an earlier batch.
    pub skipped: u64,
    /// Answers that stopped short.
    pub short: u64,
    /// Bytes of the items that were not UTF-8.
    pub replaced: usize,
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Dollars, estimated.
    pub cost: f64,
    /// Dollars left.
    pub credits: Option<f64>,
}

/// The bar, or nothing.
pub struct Bar(Live);

impl Bar {
    /// A bar for this many items; without a number it only counts.
    pub fn start(console: Console, total: Option<u64>, tally: &Arc<Mutex<Tally>>) -> Self {
        let (tally, begun) = (Arc::clone(tally), Instant::now());
        Self(Live::start(console, move || {
            let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.bar(total, begun.elapsed().as_secs_f64())
        }))
    }

    /// Prints something else while the bar is out of the way.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.beside(print)
    }

    /// Takes the bar away, without a trace.
    pub fn stop(&self) {
        self.0.clone().stop();
    }
}

impl Tally {
    /// What the bar says after so many seconds.
    fn bar(&self, total: Option<u64>, seconds: f64) -> String {
        let asked = self.answered + self.failed;
        let done = asked + self.skipped;
        let credits = self
            .credits
            .map_or(String::new(), |credits| format!(", ${credits:.2} left"));
        let about = format!(
            "({} failed, {} tokens{credits})",
            self.failed,
            self.tokens()
        );
        let Some(total) = total.filter(|total| *total > 0) else {
            return format!("{} done {about}", counted(done));
        };
        let full = (LENGTH * done.min(total) / total) as usize;
        let bar = "█".repeat(full) + &"░".repeat(LENGTH as usize - full);
        let left = if asked == 0 {
            String::new()
        } else {
            // what was skipped took no time, and tells nothing of what is to come
            let left = seconds / asked as f64 * total.saturating_sub(done) as f64;
            format!(", {} left", in_words(left.ceil() as u64))
        };
        format!("{bar} {}/{} {about}{left}", counted(done), counted(total))
    }

    /// Whether there was no item at all.
    pub fn is_empty(&self) -> bool {
        self.answered + self.failed + self.skipped == 0
    }

    fn tokens(&self) -> String {
        counted(self.input_tokens + self.output_tokens)
    }
}

/// The last line of a batch.
impl fmt::Display for Tally {
    fn fmt(&self, form: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            answered,
            failed,
            skipped,
            ..
        } = self;
        write!(
            form,
            "{answered} answered, {failed} failed, {skipped} skipped; {} tokens, about ${}",
            self.tokens(),
            dollars(self.cost)
        )?;
        match self.credits {
            Some(credits) => write!(form, "; ${credits:.2} credits left"),
            None => Ok(()),
        }
    }
}

/// A number with its thousands apart.
fn counted(number: u64) -> String {
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
        let mut tally = Tally {
            answered: 99,
            failed: 1,
            skipped: 500,
            input_tokens: 12_000,
            output_tokens: 345,
            credits: Some(9.256),
            ..Tally::default()
        };
        assert_eq!(
            tally.bar(Some(1200), 10.0),
            "████████████░░░░░░░░░░░░ 600/1,200 (1 failed, 12,345 tokens, $9.26 left), 60 s left"
        );
        assert_eq!(
            tally.bar(None, 10.0),
            "600 done (1 failed, 12,345 tokens, $9.26 left)"
        );
        // items may be added to the file while it is read
        assert!(tally.bar(Some(5), 10.0).contains("600/5"));
        tally.credits = None;
        assert_eq!(
            tally.to_string(),
            "99 answered, 1 failed, 500 skipped; 12,345 tokens, about $0.0000"
        );
        assert_eq!(
            Tally::default().bar(Some(4), 10.0),
            "░░░░░░░░░░░░░░░░░░░░░░░░ 0/4 (0 failed, 0 tokens)"
        );
    }
}
