//! What `handle_batch` is given.
#![forbid(unsafe_code)]

use core::{cell::RefCell, fmt};
use std::collections::VecDeque;

use shared_nothing_rings::{mpmc, mpsc, spsc};

use crate::{
    stats::{HandleTimer, Meter, Probe},
    sys::Clock,
};

/// Messages that are in the mailbox now, taken one by one.
///
/// It allocates nothing: messages move straight out of the ring. What is not taken stays there.
pub struct Batch<'b, M> {
    source: Source<'b, M>,
    wait: Wait<'b>,
    taken: u64,
    keep: Option<Keep<'b, M>>,
    kept: &'b mut Option<M>,
    /// Nothing is to be done but to hand the next message out: nothing is timed, and nothing kept.
    is_plain: bool,
    /// No message is at hand: the last was handled, and its copy is being dropped.
    is_between: bool,
}

/// Makes a copy of a message.
pub(crate) type Keep<'b, M> = &'b dyn Fn(&M) -> Option<M>;

/// Where messages come from.
#[derive(Debug)]
pub(crate) enum Source<'b, M> {
    Ring(mpsc::Drain<'b, 'static, M>),
    /// A ring whose oldest senders may take out: the worker takes one at a time, so that no place which it has not come to
    /// keeps a sender from making room. No times are noted of it.
    Shared {
        ring: &'b mut mpmc::Consumer<'static, M>,
        left: usize,
    },
    Lane {
        drain: spsc::Drain<'b, 'static, M>,
        probe: &'b Probe,
        taken: &'b mut u64,
    },
    /// What goes before all else. No times are noted of it.
    Urgent(mpsc::Drain<'b, 'static, M>),
    /// What the last life of the worker panicked over.
    One(Option<M>),
    /// What the worker sent itself. Handlers may add to it meanwhile.
    Own {
        queue: &'b RefCell<VecDeque<M>>,
        left: usize,
    },
}

/// Which way messages come, where that makes a difference to who counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Its position counts them.
    Ring,
    Lane,
    /// It was counted before.
    Again,
    Own,
}

impl<M> Source<'_, M> {
    /// Up to `max` of those that are there now.
    pub(crate) fn own(queue: &RefCell<VecDeque<M>>, max: usize) -> Source<'_, M> {
        let left = queue.borrow().len().min(max);
        Source::Own { queue, left }
    }

    pub(crate) const fn way(&self) -> Way {
        match self {
            Self::Ring(_) | Self::Shared { .. } | Self::Urgent(_) => Way::Ring,
            Self::Lane { .. } => Way::Lane,
            Self::One(_) => Way::Again,
            Self::Own { .. } => Way::Own,
        }
    }
}

/// Where the times of sampled messages go to, and where those of the shared ring come from.
pub(crate) struct Wait<'b> {
    pub(crate) probe: &'b Probe,
    pub(crate) clock: Clock,
    pub(crate) meter: &'b Meter,
    pub(crate) timer: HandleTimer,
}

impl Wait<'_> {
    /// A message that was sent then is about to be handled.
    fn begin(&mut self, sent_ns: u64) {
        let now_ns = self.clock.now_ns();
        self.meter.queue_wait(now_ns.saturating_sub(sent_ns));
        self.timer.begin(now_ns);
    }

    /// Whatever was handed out is handled.
    #[inline]
    fn end(&mut self) {
        let clock = self.clock;
        self.timer.end(self.meter, || clock.now_ns());
    }
}

impl<'b, M> Batch<'b, M> {
    pub(crate) fn new(
        source: Source<'b, M>,
        wait: Wait<'b>,
        keep: Option<Keep<'b, M>>,
        kept: &'b mut Option<M>,
    ) -> Self {
        Self {
            source,
            wait,
            taken: 0,
            is_plain: keep.is_none(),
            is_between: false,
            keep,
            kept,
        }
    }
}

impl<M> Batch<'_, M> {
    /// Takes one message, and what times it if it is measured.
    pub(crate) fn take_one(mut self) -> (Option<M>, HandleTimer) {
        let message = self.next();
        (message, core::mem::take(&mut self.wait.timer))
    }

    /// The message that is handled again, if it was not taken. All others stay where they come from.
    pub(crate) fn take_back(&mut self) -> Option<M> {
        match &mut self.source {
            Source::One(message) => message.take(),
            _ => None,
        }
    }

    /// Whether a panic is one over no message: those that were taken are handled.
    pub(crate) const fn is_between(&self) -> bool {
        self.is_between
    }

    /// How many messages were taken.
    pub(crate) const fn taken(&self) -> u64 {
        self.taken
    }

    /// Takes the next one, where something is timed or kept, or it comes from a source that few use.
    #[inline(never)]
    fn next_with_notes(&mut self) -> Option<M> {
        self.wait.end();
        self.is_plain = self.keep.is_none();
        // The copy of the last one, before there is another that a panic could lose.
        self.is_between = true;
        drop(self.kept.take());
        self.is_between = false;
        let message = match &mut self.source {
            Source::Ring(drain) => {
                let message = drain.next()?;
                let position = last_pos(drain);
                if Probe::is_sampled(position) {
                    self.begin(position);
                }
                message
            }
            Source::Lane { drain, taken, .. } => {
                let message = drain.next()?;
                let position = **taken as usize;
                **taken += 1;
                if Probe::is_sampled(position) {
                    self.begin(position);
                }
                message
            }
            Source::One(message) => message.take()?,
            Source::Shared { ring, left } => {
                *left = left.checked_sub(1)?;
                ring.try_pop().ok()?
            }
            Source::Urgent(drain) => drain.next()?,
            Source::Own { queue, left } => {
                *left = left.checked_sub(1)?;
                queue.borrow_mut().pop_front()?
            }
        };
        self.taken += 1;
        if let Some(keep) = self.keep {
            *self.kept = keep(&message);
        }
        Some(message)
    }

    /// A sampled message is handed out: it is timed until the next one is asked for.
    #[cold]
    fn begin(&mut self, position: usize) {
        let probe = match &self.source {
            Source::Lane { probe, .. } => probe,
            _ => self.wait.probe,
        };
        self.wait.begin(probe.sent_ns(position));
        self.is_plain = false;
    }
}

/// The position of the message that was taken last. Behind the message, and so also right where places were given up
/// before it.
#[inline(always)]
fn last_pos<M>(drain: &mpsc::Drain<'_, '_, M>) -> usize {
    drain.next_pos().wrapping_sub(1)
}

impl<M> Iterator for Batch<'_, M> {
    type Item = M;

    #[inline(always)]
    fn next(&mut self) -> Option<M> {
        if !self.is_plain {
            return self.next_with_notes();
        }
        let (message, position) = match &mut self.source {
            Source::Ring(drain) => {
                let message = drain.next()?;
                (message, last_pos(drain))
            }
            Source::Lane { drain, taken, .. } => {
                let message = drain.next()?;
                let position = **taken;
                **taken += 1;
                (message, position as usize)
            }
            _ => return self.next_with_notes(),
        };
        self.taken += 1;
        if Probe::is_sampled(position) {
            self.begin(position);
        }
        Some(message)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            Source::Ring(drain) => drain.size_hint(),
            Source::One(message) => (0, Some(usize::from(message.is_some()))),
            Source::Shared { left, .. } => (0, Some(*left)),
            Source::Urgent(drain) => drain.size_hint(),
            Source::Lane { drain, .. } => drain.size_hint(),
            Source::Own { left, .. } => (*left, Some(*left)),
        }
    }
}

impl<M> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        self.wait.end();
    }
}

impl<M> fmt::Debug for Batch<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
