//! A worker's side of its mailbox: the ring that all senders share, and a lane for each batcher.
#![forbid(unsafe_code)]

use std::sync::Arc;

use shared_nothing_rings::{mpmc, mpsc, spsc};

use super::{batch::Source, caught::let_go, lane::LeftOnDrop};
use crate::stats::{Counters, Meter, Probe};

/// A ring from one batcher to one worker.
#[derive(Debug)]
pub(crate) struct Lane<M> {
    pub(crate) ring: spsc::Consumer<'static, M>,
    pub(crate) probe: Arc<Probe>,
    /// Messages taken from it; the position of the next.
    pub(crate) taken: u64,
    /// Messages of it that came before the map slots of a move were surveyed.
    pub(crate) survey: u64,
    /// Dropped last.
    pub(super) left: LeftOnDrop,
}

impl<M> Lane<M> {
    /// It is about to be dropped: its counts go to those of former ones.
    fn end(&self, meter: &Meter) {
        let counts = self.left.counts();
        counts.taken(self.taken, 0);
        meter.former_lane(&counts.read());
    }

    /// If its batcher is gone, messages may be left in it, and are dropped here.
    fn let_go(self) {
        let _panic = let_go(self);
    }
}

/// How many messages wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lens {
    pub(crate) all: usize,
    /// In the shared ring and in the urgent one, with those of the last batch.
    pub(crate) mailbox: u64,
    pub(crate) urgent: u64,
    /// No source is more than half full.
    pub(crate) is_half_free: bool,
}

/// What a worker finds when it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// A message.
    Mail,
    /// Nothing, and nothing will come.
    Closed,
}

/// Urgent batches in a row, while others wait: then one of them has its turn. So at least one batch in nine is not
/// urgent, and nobody waits for ever.
pub(crate) const URGENT_RUN: u32 = 8;

/// The worker's end of the ring that all senders share.
#[derive(Debug)]
pub(crate) enum DataRing<M> {
    One(mpsc::Consumer<'static, M>),
    /// Senders may take the oldest out.
    Many(mpmc::Consumer<'static, M>),
}

impl<M> DataRing<M> {
    fn has_next(&mut self) -> bool {
        match self {
            Self::One(ring) => ring.drain(1).has_next(),
            Self::Many(ring) => ring.has_next(),
        }
    }

    fn is_closed(&self) -> bool {
        match self {
            Self::One(ring) => ring.is_closed(),
            Self::Many(ring) => ring.is_closed(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::One(ring) => ring.len(),
            Self::Many(ring) => ring.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::One(ring) => ring.capacity(),
            Self::Many(ring) => ring.capacity(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Inbox<M> {
    ring: DataRing<M>,
    new_lanes: mpsc::Consumer<'static, Lane<M>>,
    lanes: Vec<Lane<M>>,
    /// Goes before all others, if the pool has it.
    urgent: Option<mpsc::Consumer<'static, M>>,
    /// Urgent batches in a row.
    urgent_run: u32,
    /// The last look stopped at the urgent ring.
    is_urgent: bool,
    /// Whose turn it is: 0 is the shared ring, and then the lanes.
    turn: usize,
    /// Whose turn it was last, if not that of urgent messages.
    last: Option<usize>,
}

impl<M> Inbox<M> {
    pub(crate) fn new(
        ring: DataRing<M>,
        new_lanes: mpsc::Consumer<'static, Lane<M>>,
        urgent: Option<mpsc::Consumer<'static, M>>,
    ) -> Self {
        Self {
            ring,
            new_lanes,
            lanes: Vec::new(),
            urgent,
            urgent_run: 0,
            is_urgent: false,
            turn: 0,
            last: None,
        }
    }

    /// Looks at each source once, from the one whose turn it is; it stays at the first that has a message.
    /// `is_ending`: the rings count as closed.
    pub(crate) fn look(&mut self, is_ending: bool, meter: &Meter) -> Option<Look> {
        if self.new_lanes.drain(1).has_next() {
            self.lanes.extend(self.new_lanes.drain(usize::MAX));
        }
        // Before the sources: what was accepted before the close is then seen below.
        let is_closed = |urgent: &mpsc::Consumer<'static, M>| urgent.is_closed();
        let closing =
            is_ending || (self.ring.is_closed() && self.urgent.as_ref().is_none_or(is_closed));
        if closing {
            self.lanes.iter_mut().for_each(|lane| lane.ring.close());
        }
        self.is_urgent = self.urgent_run < URGENT_RUN && self.has_urgent();
        if self.is_urgent {
            return Some(Look::Mail);
        }
        let sources = self.lanes.len() + 1;
        for _ in 0..sources {
            if self.has_mail(self.turn) {
                return Some(Look::Mail);
            }
            self.turn = (self.turn + 1) % sources;
        }
        // Nobody else waits.
        self.is_urgent = self.has_urgent();
        if self.is_urgent {
            return Some(Look::Mail);
        }
        self.drop_finished_lanes(meter);
        // The counts lie on lines that senders write: they are looked at once, at the end, and not in every look.
        (closing && self.is_empty()).then_some(Look::Closed)
    }

    fn is_empty(&self) -> bool {
        let is_empty = |urgent: &mpsc::Consumer<'static, M>| urgent.is_empty();
        self.urgent.as_ref().is_none_or(is_empty)
            && self.ring.len() == 0
            && self.new_lanes.is_empty()
    }

    /// Whether no source has a message now. Costs what a look does: it leaves the senders' lines alone.
    fn is_drained(&mut self) -> bool {
        !self.has_urgent() && (0..=self.lanes.len()).all(|source| !self.has_mail(source))
    }

    fn has_urgent(&mut self) -> bool {
        self.urgent
            .as_mut()
            .is_some_and(|urgent| urgent.drain(1).has_next())
    }

    fn has_mail(&mut self, source: usize) -> bool {
        match source.checked_sub(1) {
            None => self.ring.has_next(),
            Some(lane) => self
                .lanes
                .get(lane)
                .is_some_and(|lane| !lane.ring.is_empty()),
        }
    }

    /// Notes what is in the lanes now.
    pub(crate) fn survey(&mut self) {
        self.lanes.extend(self.new_lanes.drain(usize::MAX));
        for lane in &mut self.lanes {
            lane.survey = lane.taken + lane.ring.len() as u64;
        }
    }

    /// Whether all was taken that was in the lanes then, and in the two rings below `positions`, of `claimed` places in
    /// all, counts that were read before this.
    pub(crate) fn has_taken(&mut self, positions: (usize, usize), claimed: (usize, usize)) -> bool {
        // Steps over places that were given up.
        self.ring.has_next();
        self.has_urgent();
        // As many places as that, or more, for more may have been claimed since.
        let taken = claimed.0.saturating_sub(self.ring.len());
        let urgent_len = self.urgent.as_ref().map_or(0, mpsc::Consumer::len);
        let urgent_taken = claimed.1.saturating_sub(urgent_len);
        taken >= positions.0
            && urgent_taken >= positions.1
            && self.lanes.iter().all(|lane| lane.taken >= lane.survey)
    }

    /// Up to `max` messages of the source whose turn it is, and whose turn ends.
    pub(crate) fn source(&mut self, max: usize) -> Source<'_, M> {
        if let (true, Some(urgent)) = (self.is_urgent, &mut self.urgent) {
            self.urgent_run += 1;
            self.last = None;
            return Source::Urgent(urgent.drain(max));
        }
        self.urgent_run = 0;
        let turn = self.turn;
        self.last = Some(turn);
        self.turn = (turn + 1) % (self.lanes.len() + 1);
        match turn
            .checked_sub(1)
            .and_then(|lane| self.lanes.get_mut(lane))
        {
            None => match &mut self.ring {
                DataRing::One(ring) => Source::Ring(ring.drain(max)),
                DataRing::Many(ring) => Source::Shared { ring, left: max },
            },
            Some(lane) => Source::Lane {
                drain: lane.ring.drain(max),
                probe: &lane.probe,
                taken: &mut lane.taken,
            },
        }
    }

    /// How many messages are there, after a batch that took so many. Notes it for the lanes.
    pub(crate) fn lens(&mut self, taken: u64) -> Lens {
        // A count lies on a line that senders write, and reading it takes the line from them: not for a batch that left
        // nothing behind.
        let is_drained = self.is_drained();
        let of_last = |source| if self.last == source { taken } else { 0 };
        if is_drained {
            let lane = self.last.and_then(|last| last.checked_sub(1));
            if let Some(lane) = lane.and_then(|lane| self.lanes.get(lane)) {
                lane.left.counts().taken(lane.taken, taken);
            }
            return Lens {
                all: 0,
                mailbox: of_last(Some(0)),
                urgent: of_last(None),
                is_half_free: true,
            };
        }
        let ring = self.ring.len();
        let mut lens = Lens {
            all: ring,
            mailbox: ring as u64 + of_last(Some(0)),
            urgent: 0,
            is_half_free: ring <= self.ring.capacity() / 2,
        };
        for (lane, source) in self.lanes.iter().zip(1..) {
            let len = lane.ring.len();
            lens.all += len;
            lens.is_half_free &= len <= lane.ring.capacity() / 2;
            let depth = len as u64 + of_last(Some(source));
            lane.left.counts().taken(lane.taken, depth);
        }
        if let Some(urgent) = &self.urgent {
            let len = urgent.len();
            lens.all += len;
            lens.is_half_free &= len <= urgent.capacity() / 2;
            lens.urgent = len as u64 + of_last(None);
        }
        lens
    }

    pub(crate) fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// Takes everything that is there, for a worker that handles no more. `true`: nothing more will come.
    pub(crate) fn drain_into(
        &mut self,
        is_ending: bool,
        returned: &mut Vec<M>,
        counters: &Counters,
        meter: &Meter,
    ) -> bool {
        loop {
            match self.look(is_ending, meter) {
                Some(Look::Mail) => match self.source(usize::MAX) {
                    // The inbox gives out none of the worker's own.
                    Source::Own { .. } | Source::One(_) => {}
                    Source::Ring(drain) | Source::Urgent(drain) => returned.extend(drain),
                    Source::Shared { ring, .. } => {
                        returned.extend(core::iter::from_fn(|| ring.try_pop().ok()));
                    }
                    Source::Lane { drain, taken, .. } => {
                        *taken += drain.len() as u64;
                        counters.by_lane(drain.len() as u64);
                        returned.extend(drain);
                    }
                },
                Some(Look::Closed) => return true,
                None => return false,
            }
        }
    }

    /// Gives the lanes up. What is put into them from now on is their batchers' again.
    pub(crate) fn leave(&mut self, meter: &Meter) {
        for lane in self.lanes.drain(..) {
            lane.end(meter);
            lane.let_go();
        }
        self.new_lanes.drain(usize::MAX).for_each(Lane::let_go);
    }

    /// A lane whose batcher is gone and that is empty will stay so.
    fn drop_finished_lanes(&mut self, meter: &Meter) {
        // The flag first: what was pushed before it was set is then seen.
        let is_over = |lane: &mut Lane<M>| lane.ring.is_closed() && lane.ring.is_empty();
        self.lanes.retain_mut(|lane| {
            let is_over = is_over(lane);
            if is_over {
                lane.end(meter);
            }
            !is_over
        });
        self.turn = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::lane::LaneMark;

    #[test]
    fn an_inbox_ends_when_both_its_rings_have() {
        let meter = Meter::default();
        let (ring, data) = mpsc::with_capacity(2).unwrap();
        let (_lanes, new_lanes) = mpsc::with_capacity(2).unwrap();
        let (urgent, hear_urgent) = mpsc::with_capacity(2).unwrap();
        let mut inbox = Inbox::new(DataRing::One(data), new_lanes, Some(hear_urgent));
        // A close takes one after the other, and a sender may come between.
        ring.close();
        assert_eq!(inbox.look(false, &meter), None);
        urgent.try_push(7).unwrap();
        urgent.close();
        assert_eq!(inbox.look(false, &meter), Some(Look::Mail));
        let Source::Urgent(mut drain) = inbox.source(1) else {
            panic!("it is urgent")
        };
        assert_eq!(drain.next(), Some(7));
        drop(drain);
        assert_eq!(inbox.look(false, &meter), Some(Look::Closed));
    }

    struct Fragile(Arc<()>);

    impl Drop for Fragile {
        fn drop(&mut self) {
            assert_ne!(Arc::strong_count(&self.0), 3, "the first of two");
        }
    }

    #[test]
    fn what_a_batcher_left_behind_may_panic_as_a_worker_leaves() {
        let meter = Meter::default();
        let (_ring, data) = mpsc::with_capacity(2).unwrap();
        let (new_lanes, hear_lanes) = mpsc::with_capacity(2).unwrap();
        let mut inbox = Inbox::new(DataRing::One(data), hear_lanes, None);
        let (mut batcher, ring) = spsc::with_capacity(2).unwrap();
        let mark = Arc::new(LaneMark::default());
        let lane = Lane {
            ring,
            probe: Arc::new(Probe::new(2)),
            taken: 0,
            survey: 0,
            left: LeftOnDrop::new(&mark),
        };
        assert!(new_lanes.try_push(lane).is_ok());
        let there = Arc::new(());
        for _ in 0..2 {
            assert!(batcher.try_push(Fragile(Arc::clone(&there))).is_ok());
        }
        drop(batcher);
        inbox.leave(&meter);
        assert_eq!(Arc::strong_count(&there), 1, "both are dropped");
        assert!(mark.is_left());
    }
}
