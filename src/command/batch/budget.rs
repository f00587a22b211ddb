//! What a batch spends, and when it stops because of that.

use super::run::BatchRun;
use crate::api::{Cost, Usage};
use crate::command::outcome::Outcome;
use crate::error::{Failure, Kind};
use crate::output::estimate;
use crate::sync::lock;

/// Counts the tokens and the cost of a request that has ended, and checks `--max-cost`.
pub fn add_request(run: &BatchRun, usage: &Usage, cost: Option<Cost>) {
    let mut tally = lock(&run.tally);
    tally.tokens = tally.tokens.saturating_add(usage.total());
    tally.cost.add(cost.unwrap_or_default());
    drop(tally);
    stop_at_max_cost(run);
}

/// Refuses a model whose cost is not known, if it counts.
pub fn check_model(run: &BatchRun, model: &str) -> Result<(), Failure> {
    run.batch.max_cost.map_or(Ok(()), |_| run.session.options.prices.require(model))
}

/// Checks `--max-cost` before anything is sent: the rows of the file may reach it already.
pub fn begin(run: &BatchRun) {
    if lock(&run.earlier).cost.is_example {
        let why = "have neither a cost nor a --price that fits their model";
        let console = &run.session.options.console;
        console
            .note(format_args!("some results in the file {why}; they count at the example price"));
    }
    stop_at_max_cost(run);
}

/// Stops if the batch, with what earlier runs wrote to its file, has cost `--max-cost` or more.
fn stop_at_max_cost(run: &BatchRun) {
    let Some(most) = run.batch.max_cost else { return };
    let earlier = lock(&run.earlier).cost;
    let mut cost = lock(&run.tally).cost;
    cost.add(earlier);
    if cost.dollars < most {
        return;
    }
    let with = if earlier == Cost::default() { "" } else { ", earlier runs included" };
    let message = format!("--max-cost was reached: the batch has cost {}{with}", estimate(cost));
    let hint = match run.session.options.output.path {
        Some(_) => "use --resume and a larger --max-cost to continue",
        None => "use a larger --max-cost; with -o FILE, --resume can continue",
    };
    run.stop_sending(Failure::new(Kind::NotPermitted, message).hint(hint).into());
}

/// Looks at what became of an item: whether it stopped short, and what its server does not report.
pub fn note_outcome(run: &BatchRun, outcome: &Outcome) {
    let is_answer = outcome.complete;
    let mut tally = lock(&run.tally);
    tally.short += u64::from(outcome.short.is_some());
    let is_uncounted = is_answer && outcome.cost.is_none() && run.batch.max_cost.is_some();
    let is_first = is_uncounted && !std::mem::replace(&mut tally.uncounted, true);
    drop(tally);
    if is_first {
        let console = &run.session.options.console;
        console.note("the server does not count tokens, so --max-cost has no effect");
    }
    if !outcome.stats.replayed {
        stop_below_min_credits(run, outcome.stats.limits.credits, is_answer);
    }
}

/// Stores the credits that the server reports, and stops if they are below `--min-credits`.
fn stop_below_min_credits(run: &BatchRun, credits: Option<f64>, is_answer: bool) {
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
        run.stop_sending(failure.into());
    }
}
