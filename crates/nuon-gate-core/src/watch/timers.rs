//! The timers of all pollers: a heap, so that the cost of a step does not grow with the number of targets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::flights::PollerId;
use crate::Moment;

/// The next moment for each poller.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Moment, PollerId, u64)>>,
    /// The newest entry of each poller; older ones in the heap are void.
    newest: HashMap<PollerId, u64>,
    count: u64,
}

impl Timers {
    /// Sets a poller's next moment, in place of the one before.
    pub(super) fn set(&mut self, poller: PollerId, at: Moment) {
        self.count += 1;
        self.newest.insert(poller, self.count);
        self.heap.push(Reverse((at, poller, self.count)));
    }

    /// Takes the next poller whose moment has come.
    pub(super) fn pop(&mut self, now: Moment) -> Option<PollerId> {
        self.first().filter(|at| *at <= now)?;
        let Reverse((_, poller, _)) = self.heap.pop()?;
        self.newest.remove(&poller);
        Some(poller)
    }

    /// Returns the next moment.
    pub(super) fn first(&mut self) -> Option<Moment> {
        while let Some(Reverse((at, poller, count))) = self.heap.peek() {
            if self.newest.get(poller) == Some(count) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }
}
