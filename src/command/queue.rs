//! The items of a batch on their way to the jobs: never more in memory than the jobs need, in the items' order
//! never further ahead than what was printed, and none once the batch is to stop.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::input::{Item, Items};

/// Items come in at one end, by one thread, and are taken by any number of jobs at the other.
pub struct Queue {
    state: Mutex<State>,
    /// There may be something to take, or nothing more.
    came: Condvar,
    /// There may be room.
    left: Condvar,
    /// How many items wait to be taken at most.
    room: usize,
    /// How far the items that were taken may be ahead of those that were printed.
    window: u64,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Item>,
    taken: u64,
    printed: u64,
    ended: bool,
    stopped: bool,
}

impl Queue {
    /// A queue that holds `room` items. No item is taken that is `window` items ahead of the first whose
    /// result is not printed.
    pub fn new(room: usize, window: Option<u64>) -> Self {
        Self {
            state: Mutex::default(),
            came: Condvar::new(),
            left: Condvar::new(),
            room,
            window: window.unwrap_or(u64::MAX),
        }
    }

    /// Puts all items in, and waits where there is no room. After an error the queue has no end of its own.
    pub fn fill(&self, mut items: Items) -> Result<()> {
        while let Some(item) = items.next()? {
            let full = |state: &mut State| state.waiting.len() >= self.room && !state.stopped;
            let waited = self.left.wait_while(self.state(), full);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return Ok(());
            }
            state.waiting.push_back(item);
            self.came.notify_one();
        }
        self.state().ended = true;
        self.came.notify_all();
        Ok(())
    }

    /// The next item with its number, from 0; `None` if there are no more, or none that is to be asked.
    pub fn take(&self) -> Option<(u64, Item)> {
        let early = |state: &mut State| {
            let ahead = state.taken.saturating_sub(state.printed) >= self.window;
            let empty = state.waiting.is_empty();
            !state.stopped && if empty { !state.ended } else { ahead }
        };
        let waited = self.came.wait_while(self.state(), early);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.stopped {
            return None;
        }
        let item = state.waiting.pop_front()?;
        state.taken += 1;
        self.left.notify_one();
        Some((state.taken - 1, item))
    }

    /// So many items, from the first on, have nothing more to print.
    pub fn printed(&self, count: u64) {
        let mut state = self.state();
        // jobs may overtake each other on their way here
        state.printed = count.max(state.printed);
        self.came.notify_all();
    }

    /// No more items are taken.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.came.notify_all();
        self.left.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
