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
mod spending;

use anyhow::Result;

use crate::cli::{Command, Mode};
use crate::output::{Settings, Sink};

pub fn run(command: Command) -> Result<()> {
    let (mode, options) = match command {
        Command::Print(text) => return print(&text),
        Command::Run(mode, options) => (*mode, *options),
    };
    match mode {
        Mode::Ask(sources) => ask::run(options, &sources),
        Mode::DryRun(sources) => ask::dry_run(&options, &sources),
        Mode::Curl(sources) => ask::curl(&options, &sources),
        Mode::ListModels => models::run(options),
        Mode::Chat => chat::run(options),
        Mode::Batch(batch) => batch::run(options, batch),
        Mode::DryRunBatch(batch) => batch::dry_run(&options, &batch),
    }
}

fn print(text: &str) -> Result<()> {
    let mut sink = Sink::stdout(&Settings::default())?;
    sink.bytes(text.as_bytes());
    sink.flush()
}
