//! The settings of a batch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::Args;
use super::files::is_same_file;
use crate::api::{Dollars, Prices};
use crate::error::{Failure, usage_error};
use crate::input::{InputFile, Sources};

/// The settings of a batch.
pub struct Batch {
    pub items: InputFile,
    /// The words and the files that every item gets.
    pub sources: Sources,
    /// The first word, if it names a file while the items come from standard input, which may be a mistake.
    pub file_word: Option<PathBuf>,
    /// The number of parallel requests.
    pub jobs: usize,
    /// The least time between two requests.
    pub interval: Duration,
    pub keep_order: bool,
    pub resume: bool,
    /// Stop when fewer dollars are left.
    pub min_credits: Option<f64>,
    /// Stop when the estimated cost reaches this. Then every model needs a price.
    pub max_cost: Option<Dollars>,
}

impl Batch {
    /// The settings of a batch of these items, which all get these sources.
    pub fn new(items: &InputFile, sources: Sources, args: &Args) -> Result<Self, Failure> {
        let from = items.path().unwrap_or(Path::new("/dev/stdin"));
        let to = args.output.as_deref().unwrap_or(Path::new("/dev/stdout"));
        if is_same_file(from, to) {
            return Err(usage_error("the items and the results are the same file"));
        }
        if args.prompt == ["-"] {
            return Err(usage_error("'-' cannot be used with --batch").hint("use --prompt-file -"));
        }
        Ok(Self {
            items: items.clone(),
            sources,
            file_word: args
                .prompt
                .first()
                .map(PathBuf::from)
                .filter(|word| items.path().is_none() && word.is_file()),
            jobs: args.jobs.unwrap_or(4),
            interval: args.rate.unwrap_or_default(),
            keep_order: args.keep_order,
            resume: args.resume,
            min_credits: args.min_credits,
            max_cost: args.max_cost.map(Dollars::new),
        })
    }
}

/// Checked here, because clap's error would not say which flag needs `--batch`.
pub fn check_flags(args: &Args, model: &str) -> Result<(), Failure> {
    let given = [
        ("--jobs", args.jobs.is_some()),
        ("--rate", args.rate.is_some()),
        ("--keep-order", args.keep_order),
        ("--resume", args.resume),
        ("--min-credits", args.min_credits.is_some()),
        ("--max-cost", args.max_cost.is_some()),
    ];
    let given = given.into_iter().find(|(_, given)| *given);
    match given {
        Some((flag, _)) if args.batch.is_none() => {
            let failure = usage_error(format!("{flag} needs --batch"));
            let is_conversation = flag == "--resume" && args.output.is_none();
            let hint = "to continue a conversation, use --chat FILE";
            Err(failure.maybe_hint(is_conversation.then_some(hint)))
        }
        _ if args.resume && args.output.is_none() => Err(usage_error("--resume needs -o FILE")),
        _ if args.max_cost.is_some() => check_prices(args, model),
        _ => Ok(()),
    }
}

/// `--max-cost` can only count models that have a price.
fn check_prices(args: &Args, model: &str) -> Result<(), Failure> {
    let prices = Prices(args.price.clone());
    let mut models = [model].into_iter().chain(args.fallback.iter().map(String::as_str));
    models.try_for_each(|model| prices.require(model))
}
