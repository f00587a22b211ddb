//! Which errand: one match. Errands never import each other; what they share is in `turn`, and a batch's items wait in `queue`. May import every room below `main`.

mod ask;
mod batch;
mod generate;
mod interrupt;
mod models;
mod queue;
mod talk;
mod turn;

pub use interrupt::end_by_ctrl_c;

use anyhow::Result;

use crate::settings::{Errand, Settings};

/// Runs the errand that the user asked for.
pub fn run(settings: Settings) -> Result<()> {
    let Settings {
        errand,
        stdout,
        console,
    } = settings;
    match errand {
        Errand::Print(text) => stdout.print(text.as_bytes()),
        Errand::Models { json } => stdout.print(models::list(json).as_bytes()),
        Errand::Generate(document) => stdout.print(generate::document(document).as_bytes()),
        Errand::Batch(ask, batch) => batch::run(*ask, batch, stdout, console),
        Errand::Ask(ask, sources) => ask::run(*ask, sources, stdout, console),
        Errand::Talk(ask) => talk::run(*ask, stdout, console),
    }
}
