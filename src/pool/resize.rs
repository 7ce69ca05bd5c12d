//! Live resize: workers come and go, and map slots move with their state, while everybody sends.
//!
//! # How map slots move
//!
//! 1. MARK: the slots' words say that they move. Senders to them wait, all others go on.
//! 2. SURVEY: the mover waits until no batcher holds anything back for the giver, and reads the giver's write
//!    positions. By the argument in `routes`, whatever was sent by the old map lies below them, or in a lane.
//! 3. The giver handles all of that, beside all else, and exports the state of the slots.
//! 4. The taker imports it.
//! 5. MOVED: the slots' words name the taker, and senders go on to it.
//!
//! So messages of one sender and key are handled in their order: those of 2 before the export, all others after the
//! import. Nothing is held by the mover that could be lost: until 4 the state is somebody's, and if the taker has ended
//! meanwhile, the giver gets it back. Up to 3 a move can be given up, and then nothing has changed.
//!
//! What a move costs others: senders to its slots wait for what is queued at the giver. Slots move in groups of
//! [`MOVE_LEN`], so that not all of them wait for all.
#![forbid(unsafe_code)]

use core::{
    cell::Cell,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use std::{
    iter::repeat,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Call, NoSuchWorker, ResizeError, StartError, WorkerPool, call, rebalance};
use crate::{
    executor::{Host, LocalExecutor, sleep, timeout},
    partition::{Partitioner, SlotMove, SlotTable},
    stats::Latency,
    worker::{
        MapSlots,
        control::Control,
        mailbox::Mailbox,
        moving::{Claim, Export, Import, Parcel},
    },
};

/// Map slots that move at a time.
pub const MOVE_LEN: usize = 256;

/// Between two looks whether batchers hold something back.
const LOOK_AGAIN: Duration = Duration::from_micros(50);

/// The map as it is planned, and the right to move.
#[derive(Debug)]
pub(super) struct Moves {
    table: Mutex<Box<SlotTable>>,
    is_busy: AtomicBool,
}

impl Moves {
    pub(super) fn new(table: SlotTable) -> Self {
        Self {
            table: Mutex::new(Box::new(table)),
            is_busy: AtomicBool::new(false),
        }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Box<SlotTable>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Result<Busy<'_>, ResizeError> {
        // BUSY, acquire end: what the last mover did.
        match self.is_busy.swap(true, Ordering::Acquire) {
            true => Err(ResizeError::Busy),
            false => Ok(Busy(self)),
        }
    }
}

/// One moves at a time.
struct Busy<'m>(&'m Moves);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        // BUSY, release end: what this mover did.
        self.0.is_busy.store(false, Ordering::Release);
    }
}

/// Slots that are marked, and end up with an owner whatever comes of the move, also if nobody waits for it any more.
struct Moving<'m, M: Send + 'static> {
    pool: &'m WorkerPool<M>,
    group: &'m [SlotMove],
    slots: Arc<MapSlots>,
    owner: Cell<usize>,
}

impl<M: Send + 'static> Drop for Moving<'_, M> {
    fn drop(&mut self) {
        let owner = self.owner.get();
        let mut table = self.pool.moves.table();
        for one in self.group.iter().filter(|one| one.to == owner) {
            let applied = table.apply(*one);
            debug_assert!(applied.is_ok(), "one moves at a time");
        }
        drop(table);
        self.pool
            .sender
            .shared
            .routes
            .settle(self.slots.slots(), owner);
    }
}

/// The giver exports nothing from now on for the move that this is of, unless it has begun.
struct GivenUp(Arc<Claim>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.is_first();
    }
}

/// What a change of the map has cost.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MoveReport {
    /// Map slots that have another owner now.
    pub moved: usize,
    /// For how long senders had to wait: once for each slot.
    pub pauses: Latency,
}

impl<M: Send + 'static> WorkerPool<M> {
    /// Adds a worker, which gets its equal part of the map slots, and their state. Returns its number: the lowest of a
    /// worker that has ended and owns no map slot any more, or a new one.
    ///
    /// It parks this thread; in a task use [`add_worker_here`](Self::add_worker_here).
    ///
    /// # Errors
    ///
    /// [`ResizeError`]. If a move failed, the worker is there with what it has got: [`rebalance`](Self::rebalance), or
    /// try again to move the rest by [`even_out`](Self::even_out).
    pub fn add_worker(&self) -> Result<usize, ResizeError> {
        LocalExecutor::new().block_on(self.add_worker_here())
    }

    /// As [`add_worker`](Self::add_worker), from a task of an executor.
    ///
    /// # Errors
    ///
    /// As [`add_worker`](Self::add_worker).
    ///
    /// # Cancellation
    ///
    /// Dropped, it ends the move of the slots at hand, and what was moved before stays so. Their state is lost if the giver
    /// gives it away at that moment. A worker that was about to be made may be there, without slots.
    pub async fn add_worker_here(&self) -> Result<usize, ResizeError> {
        let _busy = self.moves.begin()?;
        let worker = self.make_worker().await?;
        let moves: Vec<SlotMove> = {
            let mut table = self.moves.table();
            if worker < table.workers() {
                rebalance::share(&table, worker)
            } else {
                let moves = table
                    .grow_plan(worker + 1)
                    .map_err(ResizeError::Partition)?;
                let moves = moves.collect();
                table
                    .set_workers(worker + 1)
                    .map_err(ResizeError::Partition)?;
                moves
            }
        };
        self.carry_out(moves).await?;
        Ok(worker)
    }

    async fn make_worker(&self) -> Result<usize, ResizeError> {
        let shared = &self.sender.shared;
        if let Some(worker) = self.free_number(Mailbox::is_vacant) {
            return self.occupy(worker).await;
        }
        let worker = shared.workers();
        let workers_max = shared.workers_max();
        if worker >= workers_max {
            // One that was removed may be at its last messages.
            let Some(worker) = self.free_number(|one| one.is_gone() && !one.is_left()) else {
                return Err(ResizeError::PoolFull { workers_max });
            };
            let mailbox = self.mailbox_of(worker)?;
            let ended = timeout(self.plan.config.move_timeout, async {
                while !mailbox.is_empty_place() {
                    sleep(LOOK_AGAIN).await;
                }
            });
            ended.await.map_err(|_| ResizeError::TimedOut { worker })?;
            return self.occupy(worker).await;
        }
        let shard = self.plan.shard_of(worker);
        let (plan, clock) = (Arc::clone(&self.plan), shared.clock);
        let made = self.handle.submit_to(shard, move || {
            (plan.mailbox(worker, clock), Host::here().now_ns())
        });
        let (made, now_ns) = made.await.map_err(|_| ResizeError::Stopping)?;
        let (mailbox, inbox) = made.map_err(ResizeError::Start)?;
        {
            // No broadcast is in the middle of its claims.
            let _order = shared
                .broadcasts
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if shared.add(mailbox) != Some(worker) {
                return Err(ResizeError::Busy);
            }
        }
        let is_open = shared.keeper.add_worker(now_ns);
        let (plan, make) = (Arc::clone(&self.plan), Arc::clone(&self.make));
        let its_shared = Arc::clone(shared);
        let launched = match is_open {
            true => {
                let launch = move || make(its_shared, worker, inbox, &plan);
                self.handle.submit_to(shard, launch).await.ok()
            }
            false => None,
        };
        let error = match launched {
            Some(Ok(())) => return Ok(worker),
            Some(Err(error)) => ResizeError::Start(error),
            None => {
                self.mailbox_of(worker)?.abandon();
                shared.ends.put_none();
                ResizeError::Stopping
            }
        };
        // The keeper knows it already, and may have others wait for its end.
        shared.tell(shared.keeper.gone(worker));
        Err(error)
    }

    /// The lowest number of a worker that owns no map slot and is as `is_free` says.
    fn free_number(&self, is_free: impl Fn(&Mailbox<M>) -> bool) -> Option<usize> {
        let table = self.moves.table();
        let held = table.slot_counts().iter().copied().chain(repeat(0));
        let mailboxes = self.sender.shared.mailboxes().zip(held).enumerate();
        let mut free = mailboxes.filter(|(_, (mailbox, held))| *held == 0 && is_free(mailbox));
        free.next().map(|(worker, _)| worker)
    }

    /// Another worker begins under the number of one that has ended.
    async fn occupy(&self, worker: usize) -> Result<usize, ResizeError> {
        let (reply, begun) = call::pair(self.sender.shared.patience);
        self.mailbox_of(worker)?.tell(Control::Occupy(reply));
        match begun.await {
            Ok(Ok(())) => Ok(worker),
            Ok(Err(text)) => Err(ResizeError::Start(StartError::Init { worker, text })),
            Err(_) => Err(ResizeError::Stopping),
        }
    }

    fn mailbox_of(&self, worker: usize) -> Result<&Mailbox<M>, ResizeError> {
        let mailbox = self.sender.mailbox(worker).ok_or(NoSuchWorker { worker });
        mailbox.map_err(ResizeError::NoSuchWorker)
    }

    /// Moves all map slots of a worker, and their state, to the others, and stops it when it has handled what it took.
    /// Its number is then that of the next worker that is [added](Self::add_worker).
    ///
    /// It parks this thread; in a task use [`remove_worker_here`](Self::remove_worker_here).
    ///
    /// # Errors
    ///
    /// [`ResizeError`]: the worker goes on, with what it has left.
    pub fn remove_worker(&self, worker: usize) -> Result<MoveReport, ResizeError> {
        LocalExecutor::new().block_on(self.remove_worker_here(worker))
    }

    /// As [`remove_worker`](Self::remove_worker), from a task of an executor.
    ///
    /// # Errors
    ///
    /// As [`remove_worker`](Self::remove_worker).
    ///
    /// # Cancellation
    ///
    /// As [`add_worker_here`](Self::add_worker_here).
    pub async fn remove_worker_here(&self, worker: usize) -> Result<MoveReport, ResizeError> {
        let _busy = self.moves.begin()?;
        let mailbox = self.mailbox_of(worker)?;
        let moves: Vec<SlotMove> = {
            let table = self.moves.table();
            let counts = table.slot_counts();
            let others = counts.iter().enumerate();
            if !others
                .clone()
                .any(|(other, held)| other != worker && *held != 0)
            {
                return Err(ResizeError::LastWorker);
            }
            let plan = table.drain_plan(worker).map_err(ResizeError::Partition)?;
            plan.collect()
        };
        let report = self.carry_out(moves).await?;
        mailbox.refuse();
        mailbox.tell(Control::Retire);
        Ok(report)
    }

    /// Moves map slots until all workers that have any have equally many, give or take one.
    ///
    /// # Errors
    ///
    /// [`ResizeError`].
    pub fn even_out(&self) -> Result<MoveReport, ResizeError> {
        LocalExecutor::new().block_on(async {
            let _busy = self.moves.begin()?;
            let moves = rebalance::even(&self.moves.table());
            self.carry_out(moves).await
        })
    }

    /// Moves hot map slots from the busiest workers to the least busy ones, by what was sent since the last time.
    ///
    /// The load of a slot is measured on every 64th message of a mailbox, and on about every 64th of a batcher's lane.
    ///
    /// It parks this thread; in a task use [`rebalance_here`](Self::rebalance_here).
    ///
    /// # Errors
    ///
    /// [`ResizeError`].
    pub fn rebalance(&self) -> Result<MoveReport, ResizeError> {
        LocalExecutor::new().block_on(self.rebalance_here())
    }

    /// As [`rebalance`](Self::rebalance), from a task of an executor.
    ///
    /// # Errors
    ///
    /// As [`rebalance`](Self::rebalance).
    ///
    /// # Cancellation
    ///
    /// As [`add_worker_here`](Self::add_worker_here).
    pub async fn rebalance_here(&self) -> Result<MoveReport, ResizeError> {
        let _busy = self.moves.begin()?;
        let loads = self.sender.shared.routes.take_loads();
        let moves = rebalance::by_load(&self.moves.table(), &loads);
        self.carry_out(moves).await
    }

    /// Moves in groups of one giver and one taker.
    async fn carry_out(&self, mut moves: Vec<SlotMove>) -> Result<MoveReport, ResizeError> {
        moves.sort_by_key(|one| (one.from, one.to, one.map_slot));
        let mut report = MoveReport {
            moved: 0,
            pauses: Latency::new(),
        };
        let clock = self.sender.shared.clock;
        for pair in moves.chunk_by(|one, other| (one.from, one.to) == (other.from, other.to)) {
            for group in pair.chunks(MOVE_LEN) {
                let from_ns = clock.now_ns();
                self.move_group(group).await?;
                let pause_ns = clock.now_ns().saturating_sub(from_ns);
                group.iter().for_each(|_| report.pauses.record_ns(pause_ns));
                report.moved += group.len();
            }
        }
        Ok(report)
    }

    async fn move_group(&self, group: &[SlotMove]) -> Result<(), ResizeError> {
        let shared = &self.sender.shared;
        let SlotMove { from, to, .. } = group[0];
        let slots: Vec<usize> = group.iter().map(|one| one.map_slot).collect();
        let slots = Arc::new(MapSlots::new(&slots));
        let moving = Moving {
            pool: self,
            group,
            slots: Arc::clone(&slots),
            owner: Cell::new(from),
        };
        // 1. MARK.
        shared.routes.mark(slots.slots());
        // 5. MOVED, as `moving` is dropped.
        self.hand_over(from, to, &slots, &moving.owner).await
    }

    async fn hand_over(
        &self,
        from: usize,
        to: usize,
        slots: &Arc<MapSlots>,
        owner: &Cell<usize>,
    ) -> Result<(), ResizeError> {
        let shared = &self.sender.shared;
        let limit = self.plan.config.move_timeout;
        let giver = shared
            .mailbox(from)
            .ok_or(ResizeError::Ended { worker: from })?;
        if giver.is_empty_place() {
            // Its state has ended with it, and what it had is handed back.
            owner.set(to);
            return Ok(());
        }
        // 2. SURVEY.
        let quiet = timeout(limit, async {
            while !giver.are_lanes_quiet() {
                sleep(LOOK_AGAIN).await;
            }
        });
        if quiet.await.is_err() {
            return Err(ResizeError::Unflushed { worker: from });
        }
        // 3. The giver's part.
        let claim = Arc::new(Claim::default());
        let _given_up = GivenUp(Arc::clone(&claim));
        let (reply, mut exported) = call::pair(shared.patience);
        giver.tell(Control::Export(Export {
            slots: Arc::clone(slots),
            positions: giver.positions(),
            claim: Arc::clone(&claim),
            reply,
        }));
        let exported = match timeout(limit, &mut exported).await {
            Ok(exported) => exported,
            Err(_) if claim.is_first() => return Err(ResizeError::TimedOut { worker: from }),
            // It is at it.
            Err(_) => exported.await,
        };
        let exported = exported.map_err(|_| ResizeError::Ended { worker: from })?;
        // 4. The taker's part.
        let parcel = Arc::new(exported);
        // Whoever is told to import has the slots from then on, also if nobody waits for it.
        owner.set(to);
        if self.import(to, slots, &parcel).await {
            return Ok(());
        }
        // It has ended meanwhile: the giver gets its state back.
        owner.set(from);
        self.import(from, slots, &parcel).await;
        Err(ResizeError::Ended { worker: to })
    }

    /// `false`: the worker has ended, and has not taken the parcel.
    async fn import(&self, worker: usize, slots: &Arc<MapSlots>, parcel: &Arc<Parcel>) -> bool {
        let shared = &self.sender.shared;
        let Some(mailbox) = shared.mailbox(worker) else {
            return false;
        };
        let (reply, call): (_, Call<()>) = call::pair(shared.patience);
        mailbox.tell(Control::Import(Import {
            slots: Arc::clone(slots),
            parcel: Arc::clone(parcel),
            reply,
        }));
        call.await.is_ok()
    }
}
