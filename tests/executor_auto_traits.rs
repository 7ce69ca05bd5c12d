//! Which types of the executor may move to another thread, which may be used by several at a time, and which may be
//! neither: for every public one. All is checked at compile time, but for that no type is forgotten.

mod public_types;

use std::{cell::Cell, error::Error, future::Future, rc::Rc};

use shared_nothing::executor::{
    AbortOnDrop, CallCounts, CallError, Elapsed, Executor, ExecutorConfig, Handle, Idle, Interval,
    JoinError, JoinHandle, LocalExecutor, Memory, MemoryShortfall, OutsideCall, PanicPayload,
    ShardReport, Sharded, Sleep, Spawner, Stall, StartError, TaskCounts, Turn, YieldNow,
    mesh::{Mesh, MeshError, Receiver, Receiving, SendError, Sender, Sending, TrySendError},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

// What reaches the shards from outside.
assert_impl_all!(Executor: Send, Sync);
assert_impl_all!(Handle: Send, Sync, Clone);
assert_impl_all!(OutsideCall<Cell<u8>>: Send, Future);
assert_impl_all!(ExecutorConfig: Send, Sync, Clone);
assert_not_impl_any!(Executor: Clone);
assert_not_impl_any!(OutsideCall<u8>: Clone);

// What belongs to a shard, and stays there.
assert_not_impl_any!(JoinHandle<u8>: Send, Sync, Clone);
assert_not_impl_any!(AbortOnDrop<u8>: Send, Sync, Clone);
assert_not_impl_any!(LocalExecutor: Send, Sync, Clone);
assert_not_impl_any!(Spawner: Send, Sync);
assert_not_impl_any!(Sleep: Send, Sync, Clone);
assert_not_impl_any!(Interval: Send, Sync, Clone);
assert_impl_all!(Spawner: Clone);
assert_impl_all!(YieldNow: Send, Sync, Future);

// A service is a number, whatever its instances are.
assert_impl_all!(Sharded<Rc<u8>>: Send, Sync, Copy);

assert_impl_all!(Mesh<Rc<u8>>: Send, Sync, Copy);

// Its ends stay where they are.
assert_not_impl_any!(Sender<u8>: Send, Sync);
assert_not_impl_any!(Receiver<u8>: Send, Sync, Clone);
assert_not_impl_any!(Sending<'static, u8>: Send, Sync, Clone);
assert_not_impl_any!(Receiving<'static, u8>: Send, Sync, Clone);
assert_impl_all!(Sender<u8>: Clone);

// Values.
assert_impl_all!(Memory: Send, Sync, Copy, PartialEq);
assert_impl_all!(CallCounts: Send, Sync, Copy, PartialEq);
assert_impl_all!(TaskCounts: Send, Sync, Copy, PartialEq);
assert_impl_all!(ShardReport: Send, Sync, Clone, PartialEq);
assert_impl_all!(Stall: Send, Sync, Copy, PartialEq);
assert_impl_all!(Turn: Send, Sync, Copy, PartialEq);
assert_impl_all!(Idle: Send, Sync, Copy, PartialEq);

// A panic's payload shows to those who share it only what may be shared; so do the errors that carry it.
assert_impl_all!(PanicPayload: Send, Sync);
assert_not_impl_any!(PanicPayload: Clone);
assert_impl_all!(CallError: Error, Send, Sync);
assert_impl_all!(JoinError: Error, Send, Sync);
assert_impl_all!(StartError: Error, Send, Sync);
assert_impl_all!(MeshError: Error, Send, Sync);
assert_impl_all!(MemoryShortfall: Error, Send, Sync, Clone, PartialEq);
assert_impl_all!(SendError<u8>: Error, Send, Sync);
assert_impl_all!(TrySendError<u8>: Error, Send, Sync);
assert_impl_all!(Elapsed: Error, Send, Sync, Copy);

#[cfg(feature = "sim")]
mod sim {
    use shared_nothing::executor::{Sim, SimError, SimRun};
    use static_assertions::assert_impl_all;

    assert_impl_all!(Sim: Send, Sync, Clone);
    assert_impl_all!(SimRun<u8>: Send, Sync, Clone, PartialEq);
    assert_impl_all!(SimError: std::error::Error, Send, Sync);
}

#[test]
fn every_public_type_is_named_here() {
    public_types::all_named_in(
        include_str!("executor_auto_traits.rs"),
        &["src/executor"],
        21,
    );
}
