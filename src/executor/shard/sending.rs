//! What a shard sends: by an outbox for each peer, and from there into the peer's lane, as far as there is room.
#![forbid(unsafe_code)]

use shared_nothing_rings::lanes;

use super::{Parcel, Shard};

impl Shard {
    /// Sends a cell of this shard away.
    #[inline]
    pub(crate) fn send(
        &self,
        to: usize,
        parcel: Parcel,
        is_served_at_once: bool,
        is_watched: bool,
    ) {
        let away = &self.away[usize::from(is_served_at_once)];
        away.set(away.get() + 1);
        self.made.set(self.made.get() + 1);
        if is_watched {
            self.send_now(to, parcel);
        } else {
            self.post(to, parcel);
        }
    }

    /// Nobody sends more for now that could go with it: into the lane, if there is room, and not by the outbox.
    #[inline(never)]
    fn send_now(&self, to: usize, parcel: Parcel) {
        if self.outboxes[to].len() != 0 {
            return self.post(to, parcel);
        }
        let mut senders = self.senders.borrow_mut();
        let lane = senders[to].as_mut().expect("nobody watches itself");
        let pushed = lane.try_push(parcel);
        drop(senders);
        match pushed {
            Ok(()) => self.shared.peers[to].bell.ring(),
            Err(refused) => self.post(to, refused.into_inner()),
        }
    }

    /// Puts a parcel into an outbox. It goes at the end of the turn at the latest, or when there is room.
    #[inline]
    pub(crate) fn post(&self, to: usize, parcel: Parcel) {
        let outbox = &self.outboxes[to];
        if outbox.len() == 0 && to != self.id {
            self.busy.borrow_mut().push(to);
        }
        outbox.put(parcel);
    }

    /// Puts into the lanes what fits. Returns whether anything did.
    #[inline(always)]
    pub(super) fn flush(&self) -> bool {
        !self.busy.borrow().is_empty() && self.flush_all()
    }

    #[inline(never)]
    fn flush_all(&self) -> bool {
        self.flush_if(|_| true)
    }

    /// Puts what fits into the lanes that are empty: their readers begin while the rest is done. The others have enough,
    /// and what is put there later is put at once.
    #[inline(always)]
    pub(super) fn flush_hungry(&self) {
        if !self.busy.borrow().is_empty() {
            self.flush_if(lanes::Producer::is_empty);
        }
    }

    fn flush_if(&self, is_due: impl Fn(&lanes::Producer<'static, Parcel>) -> bool) -> bool {
        let mut busy = self.busy.borrow_mut();
        let (mut senders, mut flushed) = (self.senders.borrow_mut(), false);
        busy.retain(|to| {
            let mut outbox = &self.outboxes[*to];
            let waiting = outbox.len();
            let pushed = senders[*to]
                .as_mut()
                .filter(|lane| is_due(lane))
                .map(|lane| lane.try_push_iter(&mut outbox));
            if let Some(Ok(1..)) = pushed {
                flushed = true;
                self.shared.peers[*to].bell.ring();
            }
            self.outbox_max.set(self.outbox_max.get().max(waiting));
            outbox.len() != 0
        });
        flushed
    }

    /// Before a park: says that nothing more comes for now, so that no idle peer goes on looking at this shard's lanes.
    pub(crate) fn end_bursts(&self) {
        let mut senders = self.senders.borrow_mut();
        senders
            .iter_mut()
            .flatten()
            .for_each(|lane| lane.end_burst());
        self.posts.end_bursts();
    }

    /// Before each look of a park: asks the peers whose lanes are full to ring when they are not.
    pub(crate) fn want_room(&self) {
        for to in self.busy.borrow().iter() {
            self.shared.peers[*to].wanting.want(self.id);
        }
        self.posts.want_room();
    }
}
