//! What `handle_batch` is given.
#![forbid(unsafe_code)]

use core::{cell::RefCell, fmt};
use std::collections::VecDeque;

use shared_nothing_rings::{mpsc, spsc};

use crate::{
    stats::{Latency, Probe},
    sys::Clock,
};

/// Messages that are in the mailbox now, taken one by one.
///
/// It allocates nothing: messages move straight out of the ring. What is not taken stays there.
pub struct Batch<'b, M> {
    source: Source<'b, M>,
    wait: Wait<'b>,
    taken: &'b mut u64,
}

/// Where messages come from.
#[derive(Debug)]
pub(crate) enum Source<'b, M> {
    Ring(mpsc::Drain<'b, 'static, M>),
    Lane {
        drain: spsc::Drain<'b, 'static, M>,
        probe: &'b Probe,
        taken: &'b mut u64,
    },
    /// What the worker sent itself. Handlers may add to it meanwhile.
    Own {
        queue: &'b RefCell<VecDeque<M>>,
        left: usize,
    },
}

impl<M> Source<'_, M> {
    /// Up to `max` of those that are there now.
    pub(crate) fn own(queue: &RefCell<VecDeque<M>>, max: usize) -> Source<'_, M> {
        let left = queue.borrow().len().min(max);
        Source::Own { queue, left }
    }

    pub(crate) const fn is_lane(&self) -> bool {
        matches!(self, Self::Lane { .. })
    }
}

/// Where the times of sampled messages go to, and where those of the shared ring come from.
pub(crate) struct Wait<'b> {
    pub(crate) probe: &'b Probe,
    pub(crate) clock: Clock,
    pub(crate) queue: &'b mut Latency,
}

impl Wait<'_> {
    #[cold]
    fn record(&mut self, sent_ns: u64) {
        self.queue
            .record_ns(self.clock.now_ns().saturating_sub(sent_ns));
    }
}

impl<'b, M> Batch<'b, M> {
    pub(crate) fn new(source: Source<'b, M>, wait: Wait<'b>, taken: &'b mut u64) -> Self {
        Self {
            source,
            wait,
            taken,
        }
    }
}

impl<M> Iterator for Batch<'_, M> {
    type Item = M;

    #[inline]
    fn next(&mut self) -> Option<M> {
        let message = match &mut self.source {
            Source::Ring(drain) => {
                // A place that was given up would shift this by one; senders of a pool give none up.
                let position = drain.next_pos();
                let message = drain.next()?;
                if Probe::is_sampled(position) {
                    self.wait.record(self.wait.probe.sent_ns(position));
                }
                message
            }
            Source::Lane {
                drain,
                probe,
                taken,
            } => {
                let message = drain.next()?;
                let position = **taken as usize;
                **taken += 1;
                if Probe::is_sampled(position) {
                    self.wait.record(probe.sent_ns(position));
                }
                message
            }
            Source::Own { queue, left } => {
                *left = left.checked_sub(1)?;
                queue.borrow_mut().pop_front()?
            }
        };
        *self.taken += 1;
        Some(message)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            Source::Ring(drain) => drain.size_hint(),
            Source::Lane { drain, .. } => drain.size_hint(),
            Source::Own { left, .. } => (*left, Some(*left)),
        }
    }
}

impl<M> fmt::Debug for Batch<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
