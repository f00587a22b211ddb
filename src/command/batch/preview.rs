//! `--batch --dry-run`: what would be sent for each item.

use anyhow::Result;

use super::defaults::ItemDefaults;
use super::run::{items_failed, no_items};
use crate::api::one_line;
use crate::cli::{Batch, Options};
use crate::input::{Item, Items, Replaced, check_items};
use crate::output::Sink;

/// Prints the body of each request, one per line, and sends nothing.
pub fn dry_run(options: &Options, batch: &Batch) -> Result<()> {
    let defaults = ItemDefaults::new(options, batch)?;
    let mut sink = Sink::stdout(&options.output)?;
    let (mut failed, mut replaced) = (0, 0);
    let (console, mut is_empty) = (&options.console, true);
    check_items(&batch.items, |note| console.note(note))?;
    for item in Items::open(&batch.items)? {
        is_empty = false;
        let Item { line, request, replaced: count, .. } = item?;
        replaced += count;
        match defaults.prepare(request, &options.endpoint) {
            Ok((_, prepared)) => {
                sink.json(one_line(&String::from_utf8_lossy(&prepared.body)).as_bytes());
                sink.end_line();
                sink.flush()?;
            }
            Err(error) => {
                failed += 1;
                let console = console.for_item(line);
                console.tell(console.describe(&error));
            }
        }
    }
    Replaced::from(replaced).note("the items", |note| console.note(note));
    if is_empty {
        no_items(batch, console)?;
    }
    if failed == 0 { Ok(()) } else { Err(items_failed(failed).into()) }
}
