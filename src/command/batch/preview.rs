//! `--batch --dry-run`: what would be sent for each item.

use anyhow::Result;

use super::defaults::ItemDefaults;
use super::run::{items_failed, no_items};
use crate::api::one_line;
use crate::cli::{Batch, Options};
use crate::input::{Item, Items};
use crate::output::Sink;

/// Prints the body of each request, one per line, and sends nothing.
pub fn dry_run(options: &Options, batch: &Batch) -> Result<()> {
    let defaults = ItemDefaults::new(options, batch)?;
    let mut sink = Sink::stdout(&options.output)?;
    let mut failed = 0;
    let mut is_empty = true;
    for item in Items::open(&batch.items)? {
        is_empty = false;
        let Item { line, request, .. } = item?;
        match defaults.prepare(request, &options.endpoint) {
            Ok((_, prepared)) => {
                sink.json(one_line(&String::from_utf8_lossy(&prepared.body)).as_bytes());
                sink.end_line();
                sink.flush()?;
            }
            Err(error) => {
                failed += 1;
                let console = options.console.for_item(line);
                console.tell(console.describe(&error));
            }
        }
    }
    if is_empty {
        no_items(batch, &options.console)?;
    }
    if failed == 0 { Ok(()) } else { Err(items_failed(failed).into()) }
}
