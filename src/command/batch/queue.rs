//! The items of a batch on their way to the workers, and the results on their way back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;

use crate::input::Item;
use crate::sync::lock;

/// How many results may wait for a slow one, where they keep the order of the items; at least four a worker.
const WINDOW: usize = 128;

/// How often a worker that waits for an item looks whether it is to stop.
const TICK: Duration = Duration::from_millis(50);

/// The end that the workers take items from. The results end when its last clone is dropped.
#[derive(Clone)]
pub struct Queue(Arc<Mutex<Ends>>);

struct Ends {
    items: Receiver<Item>,
    results: Results,
}

/// Where the result of an item goes.
enum Results {
    /// Nowhere but for errors: it is written as it comes.
    Unordered(Sender<Result<String>>),
    /// In the order of the items: a channel for each.
    Ordered(SyncSender<Receiver<Result<String>>>),
}

/// A queue for this many workers, where its items are put in, and where the results come out.
pub fn queue(
    workers: usize,
    keep_order: bool,
) -> (SyncSender<Item>, Queue, Box<dyn Iterator<Item = Result<String>>>) {
    let (sender, items) = sync_channel(workers);
    let queue = |results| Queue(Arc::new(Mutex::new(Ends { items, results })));
    if keep_order {
        // the writer holds one more
        let (in_order, results) =
            sync_channel::<Receiver<Result<String>>>(WINDOW.max(4 * workers) - 1);
        (sender, queue(Results::Ordered(in_order)), Box::new(results.into_iter().flatten()))
    } else {
        let (lines, results) = channel();
        (sender, queue(Results::Unordered(lines)), Box::new(results.into_iter()))
    }
}

impl Queue {
    /// The next item, and where its result goes; `None` if there are no more, or if `is_stopped` says so.
    pub fn take(&self, is_stopped: impl Fn() -> bool) -> Option<(Item, Sender<Result<String>>)> {
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
