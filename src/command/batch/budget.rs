//! What a batch spends, and where it stops because of that.

use super::Work;
use crate::command::outcome::Outcome;
use crate::error::{Failure, Kind};
use crate::output::dollars;
use crate::sync::lock;

/// After this many answers without a word about credits, none is expected any more.
const MOST_UNREPORTED: u64 = 10;

impl Work {
    /// Counts what was spent, whatever came of it, and looks at the credits that are left.
    pub fn count(&self, outcome: &Outcome) {
        let is_answer = outcome.result.is_ok();
        let mut tally = lock(&self.tally);
        tally.tokens = tally.tokens.saturating_add(outcome.answer.usage.total());
        tally.cost += outcome.cost.unwrap_or(0.0);
        tally.short += u64::from(outcome.short.is_some());
        let cost = tally.cost;
        let is_uncounted = is_answer && outcome.cost.is_none();
        let is_first = is_uncounted && !std::mem::replace(&mut tally.uncounted, true);
        drop(tally);
        if let Some(most) = self.batch.max_cost {
            self.look_at_cost(cost, most, is_first);
        }
        if !outcome.replayed {
            self.look_at_credits(outcome.limits.credits, is_answer);
        }
    }

    /// Stops where the batch has cost as much as it may.
    fn look_at_cost(&self, cost: f64, most: f64, is_first_uncounted: bool) {
        if is_first_uncounted {
            let console = &self.session.options.console;
            console.note("the server does not count tokens; --max-cost cannot guard the cost");
        }
        if cost >= most {
            let cost = dollars(cost);
            let message = format!("the batch has cost about ${cost}, which reaches --max-cost");
            let hint = "with -o FILE, use --resume to continue";
            let failure = Failure::new(Kind::NotPermitted, message).hint(hint);
            self.stop_if_items_are_left(failure.into());
        }
    }

    /// Keeps what the server reports of the credits that are left, and stops where they are too few.
    fn look_at_credits(&self, credits: Option<f64>, is_answer: bool) {
        let mut tally = lock(&self.tally);
        tally.credits = credits.or(tally.credits);
        let Some(least) = self.batch.min_credits else { return };
        if tally.credits.is_some() {
            tally.unreported = 0;
        } else if is_answer {
            tally.unreported += 1;
            if tally.unreported == MOST_UNREPORTED {
                self.note_unreported();
            }
        }
        drop(tally);
        if let Some(credits) = credits.filter(|credits| *credits < least) {
            let message = format!("${credits:.2} credits are left, below --min-credits");
            let failure = Failure::new(Kind::NotPermitted, message);
            let failure = failure.hint("with more credits, use --resume to continue");
            self.stop_if_items_are_left(failure.into());
        }
    }

    /// Notes at the end of a short batch what a long one has noted already.
    pub fn note_if_unreported(&self, unreported: u64) {
        if (1..MOST_UNREPORTED).contains(&unreported) {
            self.note_unreported();
        }
    }

    fn note_unreported(&self) {
        let console = &self.session.options.console;
        console.note("the server does not tell the credits left; --min-credits cannot guard them");
    }
}
