//! Many questions: workers ask items in parallel. Results are written as they come, or in the order of the items.

mod budget;
mod canonical;
mod changed;
mod defaults;
mod earlier;
mod file;
mod item;
mod order;
mod preview;
mod queue;
mod results;
mod run;

use std::mem::take;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;

use anyhow::{Context, Result};

use super::signals::{Watch, end_by};
use crate::cli::{Batch, Options};
use crate::error::{Failure, Kind};
use crate::input::{Item, Items, check_items, count_items};
use crate::sync::lock;
use queue::{Queue, queue};
use run::{BatchRun, Output, Stop};

pub use preview::dry_run;

/// Asks every item.
pub fn run(options: Options, batch: Batch, watch: Option<Watch>) -> Result<()> {
    let console = options.console.clone();
    check_items(&batch.items, |note| console.note(note))?;
    let items = Items::open(&batch.items)?;
    let total = if console.is_animated() { count_items(&batch.items)? } else { None };
    let (output, earlier) = Output::open(&options, &batch)?;
    let run = Arc::new(BatchRun::new(options, batch, output, earlier)?);
    changed::note_all(&run)?;
    let (sender, queue, results) = queue(run.batch.jobs, run.in_order);
    run.stop_on_signals()?;
    drop(watch);
    budget::begin(&run);
    let heartbeat = run.show_progress(total);
    start(&run, items, sender, &queue)?;
    // the results end with the last worker
    drop(queue);
    for row in results {
        run.write(&row?)?;
    }
    drop(heartbeat);
    run.save();
    console.stop_live();
    // once, so that a signal that comes meanwhile changes nothing half-way
    let Stop { reason, signal, no_more_items } = take(&mut *lock(&run.stop));
    let ended = run.finish(reason.filter(|_| no_more_items));
    if let (Err(error), Some((signal, _))) = (&ended, signal) {
        console.failure(error);
        end_by(signal);
    }
    ended
}

/// Starts the reader of the items and the workers.
fn start(run: &Arc<BatchRun>, items: Items, sender: SyncSender<Item>, queue: &Queue) -> Result<()> {
    let cannot = || Failure::new(Kind::Local, "cannot start a thread");
    let reading = Arc::clone(run);
    let read = move || {
        for item in items {
            match item {
                // an error means that all workers have ended, and so will the program
                Ok(item) => drop(sender.send(item)),
                Err(error) => return reading.stop(error),
            }
        }
    };
    // it may wait for a line that never comes, so the thread is not joined
    thread::Builder::new().spawn(read).with_context(cannot)?;
    for number in 0..run.batch.jobs {
        let (run, queue) = (Arc::clone(run), queue.clone());
        match thread::Builder::new().spawn(move || ask_items(&run, &queue)) {
            Err(error) if number == 0 => return Err(error).with_context(cannot),
            // go on with fewer workers
            Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
}

/// One worker: asks one item after the other, until there are no more or the batch stops.
fn ask_items(run: &BatchRun, queue: &Queue) {
    let client = run.session.client.sibling();
    loop {
        let alone = run.alone();
        let Some((item, result)) = queue.take(|| run.takes_no_more_items()) else { break };
        if let Some(row) = item::ask(run, &client, item, alone) {
            // an error means that the results are no longer read, and the program will end
            if run.in_order {
                let _ = result.send(Ok(row));
            } else if let Err(error) = run.write(&row) {
                let _ = result.send(Err(error));
            }
        }
    }
}
