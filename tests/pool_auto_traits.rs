//! Which types of pools, workers, statistics and partitions may move to another thread, which may be used by several at
//! a time, and which may be neither: for every public one. All is checked at compile time, but for that no type is
//! forgotten.

mod public_types;

use std::{cell::Cell, error::Error as StdError, future::Future, rc::Rc};

use shared_nothing::{
    partition::{
        BoundedLoad, Custom, HashRing, Jump, LoadPlan, Maglev, MultiplyShift, PartitionError,
        PartitionMap, RangeMap, Rendezvous, RoundRobin, SlotMove, SlotTable, TwoChoices,
        WeightedRendezvous, WeightedRoundRobin, slot_plan::SlotPlan,
    },
    pool::{
        BatchError, Batcher, Call, CallError, Caller, CarefulCallError, CarefulSender, Error,
        MoveReport, NoSuchWorker, NotSent, NotSentReason, Outcome, Overflow, PoolConfig,
        PoolReport, RealPace, Reply, ResizeError, SendError, Sender, StartError, TrySendError,
        WhileDown, WorkerConfig, WorkerPool, WorkerReport,
        supervise::{
            Backoff, Breaker, BreakerOpen, BreakerPolicy, BreakerState, BreakerWindow, DeadLetter,
            DeadLetters, Decision, Ending, Escalated, Escalation, Failover, GiveUpReason,
            Intensity, Jitter, NextStart, Permit, Poison, PoisonVerdict, PolicyError, Pulse,
            Restart, RestartPlan, Retry, RetryEnd, RetryVerdict, Strategy, StuckPolicy, StuckWatch,
            Supervision, Supervisor, Window,
        },
    },
    stats::{
        ChannelKind, ChannelStats, DropReason, Dropped, Latency, PoolStats, ShardStats,
        WorkerCounts, WorkerStats,
    },
    worker::{Async, Batch, Context, MapSlots},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// May move to another thread, and not be shared.
type Moves = Cell<u8>;
/// May do neither.
type Stays = Rc<u8>;

/// Values: what is wished, known and decided.
macro_rules! values {
    ($($name:ident)*) => {$( assert_impl_all!($name: Send, Sync, Clone); )*};
}

/// What went wrong. It hands the message back, needs no `Debug` of it, and goes where the message may.
macro_rules! errors {
    ($($name:ident)*) => {$(
        assert_impl_all!($name<Moves>: StdError, Send);
        assert_not_impl_any!($name<Stays>: Send, Sync);
    )*};
}

values! {
    Backoff Breaker BreakerPolicy BreakerState BreakerWindow ChannelKind ChannelStats DropReason Dropped Ending Escalated Escalation Failover GiveUpReason
    HashRing Intensity Jitter Jump Latency Maglev MultiplyShift NextStart NotSentReason Outcome Overflow PartitionMap
    Poison PoisonVerdict PoolConfig PoolStats Pulse RealPace Rendezvous Restart Retry RetryEnd RetryVerdict RoundRobin ShardStats SlotMove SlotTable
    Strategy StuckPolicy StuckWatch Supervision Supervisor TwoChoices WeightedRendezvous WeightedRoundRobin WhileDown WorkerConfig WorkerCounts
    WorkerStats
}
assert_impl_all!(RangeMap<u8>: Send, Sync, Clone);
assert_impl_all!(BoundedLoad<Jump>: Send, Sync, Clone);
assert_impl_all!(Custom<fn(u64) -> usize>: Send, Sync);
assert_impl_all!(SlotPlan<'static>: Send, Sync, Iterator);
assert_impl_all!(LoadPlan<'static>: Send, Sync, Iterator);
assert_impl_all!(Decision: Send, Sync);
assert_impl_all!(RestartPlan: Send, Sync);
assert_impl_all!(MoveReport: Send, Sync);

assert_impl_all!(Permit: Send, Sync);
assert_not_impl_any!(Permit: Clone);
assert_impl_all!(Window: Send);
assert_impl_all!(DeadLetter<Moves>: Send);
assert_impl_all!(DeadLetters<Moves>: Send);
assert_not_impl_any!(DeadLetters<Stays>: Send, Sync);

// A pool and its senders are reached from every thread, whatever the messages are, if only these may move.
assert_impl_all!(WorkerPool<Moves>: Send, Sync);
assert_impl_all!(Sender<Moves>: Send, Sync, Clone);
assert_not_impl_any!(WorkerPool<Moves>: Clone);
assert_not_impl_any!(Sender<Stays>: Send, Sync);

// These have a lane, a cell or a memory of their own.
assert_impl_all!(Batcher<Moves>: Send);
assert_impl_all!(Caller<Moves, Moves>: Send);
assert_impl_all!(CarefulSender<Moves>: Send);
assert_not_impl_any!(Batcher<Moves>: Clone);
assert_not_impl_any!(Batcher<Stays>: Send, Sync);
assert_not_impl_any!(CarefulSender<Stays>: Send, Sync);

// An answer is owed once, and comes once.
assert_impl_all!(Call<Moves>: Send, Future);
assert_impl_all!(Reply<Moves>: Send);
assert_not_impl_any!(Call<Moves>: Clone);
assert_not_impl_any!(Reply<Moves>: Clone);
assert_not_impl_any!(Call<Stays>: Send);
assert_not_impl_any!(Reply<Stays>: Send);

// What is left goes where its messages may.
assert_impl_all!(PoolReport<Moves>: Send);
assert_impl_all!(WorkerReport<Moves>: Send);
assert_not_impl_any!(PoolReport<Stays>: Send, Sync);

// What a handler is given stays on its worker's thread.
assert_not_impl_any!(Context<u8>: Send, Sync, Clone);
assert_not_impl_any!(Batch<'static, u8>: Send, Sync, Clone);
assert_impl_all!(MapSlots: Send, Sync);
assert_impl_all!(Async<u8>: Send, Sync);

errors! { BatchError CarefulCallError NotSent SendError TrySendError }
assert_impl_all!(BreakerOpen: StdError, Send, Sync);
assert_impl_all!(CallError: StdError, Send, Sync);
assert_impl_all!(Error: StdError, Send, Sync);
assert_impl_all!(NoSuchWorker: StdError, Send, Sync);
assert_impl_all!(PartitionError: StdError, Send, Sync, Clone, PartialEq);
assert_impl_all!(PolicyError: StdError, Send, Sync, Clone, PartialEq);
assert_impl_all!(ResizeError: StdError, Send, Sync);
assert_impl_all!(StartError: StdError, Send, Sync);

#[test]
fn every_public_type_is_named_here() {
    public_types::all_named_in(
        include_str!("pool_auto_traits.rs"),
        &["src/partition", "src/pool", "src/stats", "src/worker"],
        71,
    );
}
