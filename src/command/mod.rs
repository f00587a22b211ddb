//! What the program does: one file for each mode, and the exchange that they share.

mod ask;
mod batch;
mod chat;
mod check;
mod editor;
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

pub use signals::{Watch, watch_as_process_1};

/// Runs a command. Modes that watch signals themselves drop `watch` then.
pub fn run(command: Command, watch: Option<Watch>) -> Result<()> {
    let (mode, options) = match command {
        Command::Print(text) => return print(&text),
        Command::Run(mode, options) => (*mode, *options),
    };
    match mode {
        Mode::Ask(sources) => ask::run(options, &sources, watch),
        Mode::DryRun(sources) => ask::dry_run(&options, &sources),
        Mode::Curl(sources) => ask::curl(&options, &sources),
        Mode::ListModels => models::run(options),
        Mode::Chat(chat) => chat::run(options, &chat, watch),
        Mode::Batch(batch) => batch::run(options, batch, watch),
        Mode::DryRunBatch(batch) => batch::dry_run(&options, &batch),
    }
}

fn print(text: &str) -> Result<()> {
    let mut sink = Sink::stdout(&Settings::default())?;
    sink.bytes(text.as_bytes());
    sink.flush()
}
