//! The items of a batch on their way to the workers, and the results on their way back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;

use super::results::RowLine;
use crate::input::Item;
use crate::sync::lock;

/// How many results may wait for a slow one under `--keep-order`. There are at least four per worker.
const WINDOW: usize = 128;

/// How often a worker that waits for an item checks whether it should stop.
const TICK: Duration = Duration::from_millis(50);

/// The workers' end of the queue. The results end when its last clone is dropped.
#[derive(Clone)]
pub struct Queue(Arc<Mutex<Ends>>);

struct Ends {
    items: Receiver<Item>,
    results: Results,
}

/// Where the result of an item goes.
enum Results {
    /// The worker writes it as it comes. Only errors go through this channel.
    Unordered(Sender<Result<RowLine>>),
    /// In the order of the items: one channel for each item.
    Ordered(SyncSender<Receiver<Result<RowLine>>>),
}

/// A queue for this many workers: the sender of the items, the workers' end, and the results.
pub fn queue(
    workers: usize,
    keep_order: bool,
) -> (SyncSender<Item>, Queue, Box<dyn Iterator<Item = Result<RowLine>>>) {
    let (sender, items) = sync_channel(workers);
    let queue = |results| Queue(Arc::new(Mutex::new(Ends { items, results })));
    if keep_order {
        // minus the one that the writer holds
        let (in_order, results) =
            sync_channel::<Receiver<Result<RowLine>>>(WINDOW.max(4 * workers) - 1);
        (sender, queue(Results::Ordered(in_order)), Box::new(results.into_iter().flatten()))
    } else {
        let (lines, results) = channel();
        (sender, queue(Results::Unordered(lines)), Box::new(results.into_iter()))
    }
}

impl Queue {
    /// The next item, and the sender of its result; `None` if there are no more items, or if `is_stopped`.
    pub fn take(&self, is_stopped: impl Fn() -> bool) -> Option<(Item, Sender<Result<RowLine>>)> {
        let ends = lock(&self.0);
        let item = loop {
            if is_stopped() {
                return None;
            }
            match ends.items.recv_timeout(TICK) {
                Ok(item) => break item,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        };
        let result = match &ends.results {
            Results::Unordered(lines) => lines.clone(),
            Results::Ordered(in_order) => {
                let (result, next) = channel();
                in_order.send(next).ok()?;
                result
            }
        };
        Some((item, result))
    }
}
