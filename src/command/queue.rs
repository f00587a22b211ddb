//! The items of a batch on their way to the jobs: never more in memory than the jobs need, in the items' order
//! never further ahead than what was printed, and none once the batch is to stop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::input::{Item, Items};

/// Items come in at one end, by one thread, and are taken by any number of jobs at the other.
pub struct Queue {
    /// A `None` is the end of the items, or a reason to look whether to stop.
    sender: SyncSender<Option<Item>>,
    receiver: Mutex<Receiver<Option<Item>>>,
    taken: AtomicU64,
    /// How far the items that were taken may be ahead of those that were printed.
    window: Option<u64>,
    printed: Mutex<u64>,
    printed_more: Condvar,
    stopped: AtomicBool,
}

impl Queue {
    /// A queue that holds `room` items. With a `window` no item is taken that is so far ahead of the first
    /// whose result is not printed.
    pub fn new(room: usize, window: Option<u64>) -> Self {
        let (sender, receiver) = sync_channel(room);
        Self {
            sender,
            receiver: Mutex::new(receiver),
            taken: AtomicU64::new(0),
            window,
            printed: Mutex::new(0),
            printed_more: Condvar::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Puts all items in, and waits where there is no room. After an error the queue has no end of its own.
    pub fn fill(&self, mut items: Items) -> Result<()> {
        // the receiver is here as long as the sender
        while let Some(item) = items.next()? {
            let _ = self.sender.send(Some(item));
        }
        let _ = self.sender.send(None);
        Ok(())
    }

    /// The next item with its number, from 0; `None` if there are no more, or none that is to be asked.
    pub fn take(&self) -> Option<(u64, Item)> {
        let receiver = lock(&self.receiver);
        if let Some(window) = self.window {
            let taken = self.taken.load(Ordering::SeqCst);
            let mut printed = lock(&self.printed);
            while taken >= *printed + window && !self.is_stopped() {
                let woken = self.printed_more.wait(printed);
                printed = woken.unwrap_or_else(PoisonError::into_inner);
            }
        }
        if self.is_stopped() {
            return None;
        }
        let Ok(Some(item)) = receiver.recv() else {
            // the other jobs are to see the end too
            let _ = self.sender.try_send(None);
            return None;
        };
        if self.is_stopped() {
            return None;
        }
        Some((self.taken.fetch_add(1, Ordering::SeqCst), item))
    }

    /// So many items, from the first on, have nothing more to print.
    pub fn printed(&self, count: u64) {
        // jobs may overtake each other on their way here
        let mut printed = lock(&self.printed);
        *printed = count.max(*printed);
        self.printed_more.notify_all();
    }

    /// No more items are taken.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // whoever waits for an item or for room is to look again
        let _ = self.sender.try_send(None);
        drop(lock(&self.printed));
        self.printed_more.notify_all();
    }

    /// Whether the queue was stopped.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
