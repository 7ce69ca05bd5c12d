//! What `handle_batch` is given.
#![forbid(unsafe_code)]

use core::fmt;

use shared_nothing_rings::mpsc::Drain;

use crate::{
    stats::{Latency, Probe},
    sys::Clock,
};

/// Messages that are in the mailbox now, taken one by one.
///
/// It allocates nothing: messages move straight out of the ring. What is not taken stays there.
pub struct Batch<'b, M> {
    drain: Drain<'b, 'static, M>,
    wait: Wait<'b>,
    taken: &'b mut u64,
}

/// Where the times of sampled messages come from and go to.
pub(crate) struct Wait<'b> {
    pub(crate) probe: &'b Probe,
    pub(crate) clock: Clock,
    pub(crate) queue: &'b mut Latency,
}

impl<'b, M> Batch<'b, M> {
    pub(crate) fn new(drain: Drain<'b, 'static, M>, wait: Wait<'b>, taken: &'b mut u64) -> Self {
        Self { drain, wait, taken }
    }
}

impl<M> Iterator for Batch<'_, M> {
    type Item = M;

    #[inline]
    fn next(&mut self) -> Option<M> {
        if !self.drain.has_next() {
            return None;
        }
        let position = self.drain.position();
        if Probe::is_sampled(position) {
            let sent_ns = self.wait.probe.sent_ns(position);
            self.wait
                .queue
                .record_ns(self.wait.clock.now_ns().saturating_sub(sent_ns));
        }
        *self.taken += 1;
        self.drain.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.drain.size_hint()
    }
}

impl<M> fmt::Debug for Batch<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
