//! What the program does: one file for each mode, and the exchange that they share.

mod ask;
mod batch;
mod chat;
mod check;
mod exchange;
mod fallback;
mod log;
mod models;
mod outcome;
mod recording;
mod session;
mod signals;

use anyhow::Result;

use crate::cli::Command;
use crate::output::{Settings, Sink};

pub fn run(command: Command) -> Result<()> {
    match command {
        Command::Print(text) => {
            let mut sink = Sink::stdout(&Settings::default())?;
            sink.bytes(text.as_bytes());
            sink.flush()
        }
        Command::Ask(options, sources) => ask::run(*options, &sources),
        Command::DryRun(options, sources) => ask::dry_run(&options, &sources),
        Command::Curl(options, sources) => ask::curl(&options, &sources),
        Command::ListModels(options) => models::run(*options),
        Command::Chat(options) => chat::run(*options),
        Command::Batch(options, batch) => batch::run(*options, batch),
        Command::DryRunBatch(options, batch) => batch::dry_run(&options, &batch),
    }
}
