//! The progress of a batch: its bar, its counts and its summary line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::report::{count_of, counted, estimate};
use crate::api::{Cost, in_words};

/// The width of the bar, in columns.
const BAR: usize = 16;

/// The failed items with one exit status.
#[derive(Debug)]
struct Failures {
    count: u64,
    /// The line of the first one, and why it failed.
    line: u64,
    message: String,
}

/// The counts of a batch so far.
#[derive(Debug, Default)]
pub struct Tally {
    pub answered: u64,
    /// The failed items by their exit status.
    failures: BTreeMap<u8, Failures>,
    /// Items that an earlier batch answered.
    pub skipped: u64,
    /// Answers that could not be written: there was no room for them.
    pub unwritten: u64,
    /// Answers that could not be written: their reader was gone.
    pub unread: u64,
    /// Answers that stopped short.
    pub short: u64,
    /// Bytes of the items that were not UTF-8.
    pub replaced: usize,
    /// Tokens in and out.
    pub tokens: u64,
    /// Estimated.
    pub cost: Cost,
    /// Credits left, in dollars; `None` until an answer reports them.
    pub credits: Option<f64>,
    /// An answer did not report credits, and no earlier answer did.
    pub unreported: bool,
    /// An answer did not report its tokens.
    pub uncounted: bool,
}

impl Tally {
    /// The number of items that have a result.
    pub fn done(&self) -> u64 {
        self.answered + self.failed() + self.skipped
    }

    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failures| failures.count).sum()
    }

    /// Counts the failed item on this line.
    pub fn fail(&mut self, line: u64, exit: u8, message: &str) {
        let first = || Failures { count: 0, line, message: message.into() };
        self.failures.entry(exit).or_insert_with(first).count += 1;
    }

    /// Why items failed, in a sentence for each exit status. What `reason` says already is left out.
    pub fn failures(&self, reason: &str) -> impl Iterator<Item = String> {
        let others = self
            .failures
            .iter()
            .filter(move |(_, failures)| failures.count > 0 && failures.message != reason);
        others.map(|(exit, Failures { count, line, message })| {
            let items = count_of(*count, "item");
            format!("{items} failed with exit status {exit}; line {line}: {message}")
        })
    }

    /// Takes back a result that could not be written.
    pub fn lose(&mut self, failure: Option<u8>, has_reader: bool) {
        if let Some(failures) = failure.and_then(|exit| self.failures.get_mut(&exit)) {
            failures.count -= 1;
            return;
        }
        self.answered -= 1;
        *(if has_reader { &mut self.unwritten } else { &mut self.unread }) += 1;
    }

    fn counts(&self) -> String {
        let credits = self.credits.map_or(String::new(), |_| format!(", {}", self.credits()));
        format!("({} failed, {} tokens{credits})", counted(self.failed()), counted(self.tokens))
    }

    fn credits(&self) -> String {
        self.credits.map_or(String::new(), |credits| format!("${credits:.2} credits left"))
    }

    /// The progress as a line of its own, for an output without a bar.
    pub fn heartbeat(&self) -> String {
        format!("items done: {} {}", counted(self.done()), self.counts())
    }

    /// The progress after this time. If the total number of items is known, it has a bar and the time left.
    pub fn bar(&self, total: Option<u64>, elapsed: Duration) -> String {
        let (done, counts) = (counted(self.done()), self.counts());
        let Some(total) = total else { return format!("{done} done {counts}") };
        let share = self.done().min(total) as f64 / total.max(1) as f64;
        let bar = "█".repeat((share * BAR as f64) as usize);
        // skipped items took no time, so the estimate ignores them
        let left = match self.answered + self.failed() {
            0 => String::new(),
            attempted => {
                let rest = total.saturating_sub(self.done());
                let left = elapsed.mul_f64(rest as f64 / attempted as f64);
                format!(", {} left", in_words(left))
            }
        };
        format!("{bar:░<BAR$} {done}/{}{left} {counts}", counted(total))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [answered, failed, skipped] = [self.answered, self.failed(), self.skipped].map(counted);
        write!(f, "{answered} answered, {failed} failed, {skipped} skipped; ")?;
        write!(f, "{} tokens, {}", counted(self.tokens), estimate(self.cost))?;
        self.credits.map_or(Ok(()), |_| write!(f, "; {}", self.credits()))?;
        for (count, what) in
            [(self.unwritten, "could not be written"), (self.unread, "had no reader")]
        {
            if count > 0 {
                write!(f, "; {} {what}", count_of(count, "answer"))?;
            }
        }
        Ok(())
    }
}
