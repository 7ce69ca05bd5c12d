//! One shard: its core, its part of the mesh, and what a turn of it does.
//!
//! # A turn
//!
//! 1. Calls and replies that have come are taken in, a bounded number: calls are served, replies wake who waits. What
//!    was answered goes into the lanes. Tasks that wait for messages or for room are woken, if it has come (`post.rs`).
//! 2. Timers that are due fire.
//! 3. Tasks that are ready are polled, and those that become so meanwhile, at most [`TURN`] polls in all.
//! 4. What was sent meanwhile goes into the lanes, one publication and one ring of the doorbell for each peer.
//!
//! In a long turn a lane that is empty gets what there is for it before, after each [`SLICE`] of calls or polls.
//!
//! Between two shards a line that changes hands is what costs. A call that is under way alone is answered in its own cell,
//! and its shard looks there first (`call/mod.rs`). And the way of a call looks at nothing that the peer writes,
//! but for what it waits for: where the peer reads is asked when a lane seems full, or in a long turn; what a look has
//! found is answered before the other lanes are looked at; and the cells of several parcels are asked for together.
//!
//! No step waits for another shard. What does not fit into a lane stays in its outbox, and is tried again in every turn.
#![forbid(unsafe_code)]

mod sending;

use core::{any::Any, cell::Cell};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use shared_nothing_affinity::{CpuId, PinError};
use shared_nothing_rings::{lanes, mpsc};

use super::{
    beat::Beat,
    call::{Outbox, Parcel, Watch},
    core::{Core, TURN},
    credit::Credits,
    outside::Job,
    peer::{Peer, Shared},
    post::Posts,
    task::{guarded, is_fine},
};

/// Calls and replies that a turn takes in from other shards, and again calls from outside.
const INTAKE: usize = 256;

/// Calls that are served, or tasks that are polled, before what they sent goes into the lanes: so its receivers begin
/// while the rest is done.
const SLICE: usize = 32;

/// The shard's own ends of what others send through.
pub(crate) struct Intake {
    pub(crate) inbox: lanes::Consumer<'static, Parcel>,
    pub(crate) jobs: mpsc::Consumer<'static, Job>,
}

/// What a shard is connected by.
pub(crate) struct Mesh {
    pub(crate) shared: Arc<Shared>,
    /// To each shard, and none to itself.
    pub(crate) senders: Vec<Option<lanes::Producer<'static, Parcel>>>,
    pub(crate) lane_capacity: usize,
    pub(crate) credits: usize,
    pub(crate) pinned: Pinned,
}

/// What became of the wish to pin a shard's thread.
#[derive(Debug, Clone, Default)]
#[cfg_attr(
    not(feature = "pool"),
    allow(dead_code, reason = "a pool tells its workers")
)]
pub(crate) struct Pinned {
    pub(crate) cpu: Option<CpuId>,
    pub(crate) error: Option<PinError>,
}

/// What a shard has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallCounts {
    /// Calls that this shard made to shards.
    pub made: u64,
    /// Calls of shards and outsiders that this shard began to serve.
    pub served: u64,
    /// The most parcels that have waited for room in a lane to one peer.
    pub outbox_max: usize,
}

pub(crate) struct Shard {
    id: usize,
    core: Rc<Core>,
    shared: Arc<Shared>,
    inbox: RefCell<lanes::Consumer<'static, Parcel>>,
    jobs: RefCell<mpsc::Consumer<'static, Job>>,
    senders: RefCell<Vec<Option<lanes::Producer<'static, Parcel>>>>,
    /// To each shard; that to itself is read by itself.
    outboxes: Box<[Outbox]>,
    /// Peers whose outbox holds something.
    busy: RefCell<Vec<usize>>,
    /// Taken from the inbox, and not handled.
    batch: RefCell<Vec<Parcel>>,
    credits: Box<[Credits]>,
    /// The call that is answered without a lane.
    watch: Watch,
    /// Whether the last turn looked at no lane.
    skipped: Cell<bool>,
    /// Cells of this shard that are not at home: those that are served as tasks, and those that are served at once.
    away: [Cell<usize>; 2],
    /// Parcels taken since senders that wait for room were looked for.
    popped: Cell<usize>,
    lane_capacity: usize,
    services: RefCell<BTreeMap<usize, Option<Box<dyn Any>>>>,
    posts: Posts,
    #[cfg_attr(not(feature = "pool"), allow(dead_code, reason = "a pool asks"))]
    pinned: Pinned,
    made: Cell<u64>,
    served: Cell<u64>,
    outbox_max: Cell<usize>,
    is_draining: Cell<bool>,
    has_left: Cell<bool>,
}

impl Shard {
    pub(crate) fn new(id: usize, core: Rc<Core>, intake: Intake, mesh: Mesh) -> Rc<Self> {
        let shards = mesh.senders.len();
        Rc::new(Self {
            id,
            core,
            shared: mesh.shared,
            inbox: RefCell::new(intake.inbox),
            jobs: RefCell::new(intake.jobs),
            senders: RefCell::new(mesh.senders),
            outboxes: (0..shards).map(|_| Outbox::new()).collect(),
            busy: RefCell::new(Vec::with_capacity(shards)),
            batch: RefCell::new(Vec::with_capacity(INTAKE)),
            credits: (0..shards).map(|_| Credits::new(mesh.credits)).collect(),
            watch: Watch::new(),
            skipped: Cell::new(false),
            away: [const { Cell::new(0) }; 2],
            popped: Cell::new(0),
            lane_capacity: mesh.lane_capacity,
            services: RefCell::new(BTreeMap::new()),
            posts: Posts::default(),
            pinned: mesh.pinned,
            made: Cell::new(0),
            served: Cell::new(0),
            outbox_max: Cell::new(0),
            is_draining: Cell::new(false),
            has_left: Cell::new(false),
        })
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    pub(crate) fn shards(&self) -> usize {
        self.outboxes.len()
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.shared.peers[self.id]
    }

    pub(crate) fn beat(&self) -> &Beat {
        &self.peer().beat
    }

    pub(crate) fn services(&self) -> &RefCell<BTreeMap<usize, Option<Box<dyn Any>>>> {
        &self.services
    }

    #[cfg(feature = "pool")]
    pub(crate) fn pinned(&self) -> &Pinned {
        &self.pinned
    }

    pub(crate) fn posts(&self) -> &Posts {
        &self.posts
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Whether a call that is made now is the only one that will come back soon.
    pub(crate) fn is_alone(&self) -> bool {
        self.away[usize::from(true)].get() == 0
    }

    pub(crate) fn counts(&self) -> CallCounts {
        CallCounts {
            made: self.made.get(),
            served: self.served.get(),
            outbox_max: self.outbox_max.get(),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.get()
    }

    /// The credits for calls to shard `to`; `None` if there is no such shard.
    pub(crate) fn credits(&self, to: usize) -> Option<&Credits> {
        self.credits.get(to)
    }

    /// Does what there is to do now, a bounded part of it. Returns whether there was anything.
    pub(crate) fn turn(self: &Rc<Self>) -> bool {
        self.turn_of(TURN)
    }

    /// A turn with at most `polls` polls.
    pub(crate) fn turn_of(self: &Rc<Self>, polls: usize) -> bool {
        if self.shared.is_draining() && !self.is_draining.get() {
            self.begin_drain();
        }
        let received = self.receive();
        // Who waits for an answer does not wait for the tasks of this turn.
        let answered = self.flush();
        let woken = self.posts.wake(&self.core);
        self.core.fire_timers();
        let polls = self.run_ready(polls);
        let flushed = self.flush();
        self.try_leave();
        received || answered || woken || polls != 0 || flushed
    }

    /// Polls what is ready, and what becomes so meanwhile: the fixed cost of a turn is then shared by more polls.
    fn run_ready(&self, max: usize) -> usize {
        let mut polls = 0;
        while polls < max {
            let slice = SLICE.min(max - polls);
            let more = self.core.run_ready(slice, true, self.beat());
            polls += more;
            if more == slice {
                self.flush_hungry();
                continue;
            }
            // Nothing is ready: what was sent goes now. What tasks of this shard have sent each other has come, too.
            self.flush();
            if !self.posts.wake(&self.core) && (more == 0 || !self.core.has_ready()) {
                break;
            }
        }
        polls
    }

    /// Moves what has come into the batch: what one look has found in one lane, a part of it. Returns whether something
    /// is there.
    fn fill(&self) -> bool {
        let mut batch = self.batch.borrow_mut();
        if batch.is_empty() {
            let mut inbox = self.inbox.borrow_mut();
            let mut parcels = inbox.drain(SLICE);
            batch.extend(parcels.next().inspect(Parcel::prefetch));
            // Who waits for these does not wait for a look at the other lanes.
            while parcels.size_hint().0 != 0 {
                batch.extend(parcels.next().inspect(Parcel::prefetch));
            }
            drop(parcels);
            self.offer_room(batch.len());
        }
        !batch.is_empty()
    }

    /// After `popped` parcels were taken from the inbox: rings the senders that wait for room, when there was nothing
    /// more, and at least once in half a lane.
    #[inline(always)]
    fn offer_room(&self, popped: usize) {
        let all = self.popped.get() + popped;
        self.popped.set(all);
        if all != 0 && (popped == 0 || 2 * all >= self.lane_capacity) {
            self.ring_wanting();
        }
    }

    #[inline(never)]
    fn ring_wanting(&self) {
        self.popped.set(0);
        let wake = |sender: usize| self.shared.peers[sender].bell.ring();
        self.peer().wanting.take(wake);
    }

    fn receive(self: &Rc<Self>) -> bool {
        let own = &self.outboxes[self.id];
        // Those that are made meanwhile come later. They do not count below: who calls itself all the time still serves the
        // others.
        let own_len = own.len();
        for _ in 0..own_len {
            if let Some(parcel) = own.take_first() {
                self.deliver(parcel);
            }
        }
        let mut found = self.receive_batch();
        if let Some(parcel) = self.watch.take() {
            self.welcome_watched(parcel);
            // Who gets answers all the time still serves the others.
            found += usize::from(!self.skipped.get());
        }
        let mut received = found;
        self.skipped.set(found != 0);
        // What a look has found is answered first; the next turn looks at all lanes.
        while found == 0 && received < INTAKE {
            let mut batch = self.batch.borrow_mut();
            batch.extend(
                self.inbox
                    .borrow_mut()
                    .drain(SLICE)
                    .inspect(Parcel::prefetch),
            );
            drop(batch);
            let popped = self.receive_batch();
            self.offer_room(popped);
            received += popped;
            if popped < SLICE {
                break;
            }
            self.flush_hungry();
        }
        let has_jobs = self.take_jobs();
        own_len != 0 || received != 0 || has_jobs
    }

    /// Delivers what was moved into the batch.
    fn receive_batch(self: &Rc<Self>) -> usize {
        if self.batch.borrow().is_empty() {
            return 0;
        }
        let mut batch = self.batch.take();
        let received = batch.len();
        batch.drain(..).for_each(|parcel| self.deliver(parcel));
        self.batch.replace(batch);
        received
    }

    #[inline]
    fn deliver(self: &Rc<Self>, parcel: Parcel) {
        if parcel.is_reply() {
            self.welcome(parcel);
        } else if self.is_draining.get() {
            parcel.go_back(self);
        } else {
            self.served.set(self.served.get() + 1);
            parcel.serve(self);
        }
    }

    #[inline(never)]
    fn welcome_watched(&self, parcel: Parcel) {
        self.welcome(parcel);
    }

    /// A call of this shard has come back.
    #[inline(always)]
    fn welcome(&self, parcel: Parcel) {
        let away = &self.away[usize::from(parcel.is_served_at_once())];
        away.set(away.get() - 1);
        let (waker, credit) = parcel.come_home(self);
        let next = credit.and_then(|callee| self.credits[callee].give());
        waker
            .into_iter()
            .chain(next)
            .for_each(|waker| self.core.wake(waker));
    }

    fn take_jobs(self: &Rc<Self>) -> bool {
        let mut taken = 0;
        while taken != INTAKE {
            let job = self.jobs.borrow_mut().try_pop();
            let Ok(job) = job else { break };
            taken += 1;
            // One that is dropped says that it did not run.
            if !self.is_draining.get() {
                self.served.set(self.served.get() + 1);
                job.serve(self);
            }
        }
        if taken != 0 {
            self.peer().outsiders.wake_all();
        }
        taken != 0
    }

    /// Whether a turn would find something to do. Runs no code of users.
    pub(crate) fn look(&self) -> bool {
        self.core.has_ready()
            || self.watch.has_answer()
            || self.fill()
            || self.outboxes[self.id].len() != 0
            || self.jobs.borrow_mut().drain(1).has_next()
            || self.flush()
            || self.posts.has_news()
            || self.shared.is_draining() != self.is_draining.get()
            || self.is_finished()
    }

    #[cfg(all(test, not(loom)))]
    pub(crate) fn dirty_lanes(&self) -> usize {
        self.inbox.borrow().dirty_lanes()
    }

    /// Cancels what runs here. From now on calls are refused, and none is made.
    fn begin_drain(&self) {
        self.is_draining.set(true);
        self.core.close();
        loop {
            let service = self.services.borrow_mut().pop_first();
            let Some((_, service)) = service else { break };
            let fine = is_fine(guarded(|| drop(service)));
            self.core.count_panic(fine);
        }
    }

    /// Says, once, that this shard has nothing under way in the mesh.
    fn try_leave(&self) {
        if self.is_draining.get()
            && !self.has_left.get()
            && self.away.iter().all(|away| away.get() == 0)
        {
            self.has_left.set(true);
            self.shared.leave_mesh();
        }
    }

    /// Whether this shard has drained, and no other needs it any more.
    #[inline]
    pub(crate) fn is_finished(&self) -> bool {
        let has_left = self.has_left.get() && self.shared.is_mesh_empty();
        // An outsider may still be filling a place that it claimed before the close.
        has_left && self.jobs.borrow().is_closed() && self.jobs.borrow().is_empty()
    }
}
