//! What a batch spends, and when it stops because of that.

use super::run::BatchRun;
use crate::command::outcome::Outcome;
use crate::error::{Failure, Kind};
use crate::output::dollars;
use crate::sync::lock;

/// Counts the tokens and the cost of an item, even if it failed, and checks `--max-cost` and `--min-credits`.
pub fn count(run: &BatchRun, outcome: &Outcome) {
    let is_answer = outcome.complete;
    let mut tally = lock(&run.tally);
    tally.tokens = tally.tokens.saturating_add(outcome.answer.usage.total());
    tally.cost += outcome.cost.unwrap_or(0.0);
    tally.short += u64::from(outcome.short.is_some());
    let cost = tally.cost;
    let is_uncounted = is_answer && outcome.cost.is_none();
    let is_first = is_uncounted && !std::mem::replace(&mut tally.uncounted, true);
    drop(tally);
    if let Some(most) = run.batch.max_cost {
        look_at_cost(run, cost, most, is_first);
    }
    if !outcome.stats.replayed {
        look_at_credits(run, outcome.stats.limits.credits, is_answer);
    }
}

/// Stops if the batch has cost `most` dollars or more.
fn look_at_cost(run: &BatchRun, cost: f64, most: f64, is_first_uncounted: bool) {
    if is_first_uncounted {
        let console = &run.session.options.console;
        console.note("the server does not count tokens, so --max-cost has no effect");
    }
    if cost >= most {
        let cost = dollars(cost);
        let message = format!("the batch has cost about ${cost}, which reaches --max-cost");
        let hint = "with -o FILE, use --resume to continue";
        let failure = Failure::new(Kind::NotPermitted, message).hint(hint);
        run.stop_if_items_are_left(failure.into());
    }
}

/// Stores the credits that the server reports, and stops if they are below `--min-credits`.
fn look_at_credits(run: &BatchRun, credits: Option<f64>, is_answer: bool) {
    let mut tally = lock(&run.tally);
    tally.credits = credits.or(tally.credits);
    let Some(least) = run.batch.min_credits else { return };
    let is_unreported = is_answer && tally.credits.is_none();
    let is_first = is_unreported && !std::mem::replace(&mut tally.unreported, true);
    drop(tally);
    if is_first {
        let console = &run.session.options.console;
        console.note("the server does not report credits, so --min-credits has no effect");
    }
    if let Some(credits) = credits.filter(|credits| *credits < least) {
        let message = format!("${credits:.2} credits are left, below --min-credits");
        let failure = Failure::new(Kind::NotPermitted, message);
        let failure = failure.hint("with more credits, use --resume to continue");
        run.stop_if_items_are_left(failure.into());
    }
}
