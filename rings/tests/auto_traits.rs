//! Which types may move to another thread, which may be used by several at a time, and which may be neither: for every
//! public type. All is checked at compile time, but for that no type is forgotten.
#![cfg(all(
    feature = "async",
    feature = "stats",
    target_has_atomic = "64",
    not(any(loom, shuttle))
))]

#[path = "../../tests/public_types/mod.rs"]
mod public_types;

use std::{cell::Cell, error::Error, rc::Rc};

use shared_nothing_rings::{
    CapacityError, MemoryError, TryPopError, TryPushError, TryReserveError,
    channel::{self, Bells, ParkBells},
    frames, lanes, mpmc, mpsc,
    shared::{self, Owner},
    spsc, stamped,
    stats::{self, Counts, Stats},
    unbounded::{self, MemoryUse, Refused},
    wait::{Barrier, Doorbell, Spin, Yield},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

/// May move to another thread, and not be shared.
type Moves = Cell<u8>;
/// May do neither.
type Stays = Rc<u8>;

/// Of one owner: it moves with values that may, is used by one thread at a time, and there is no second one.
macro_rules! one_owner {
    ($($($path:ident)::+ <$($life:lifetime),*>;)*) => {$(
        assert_impl_all!($($path)::+<$($life,)* Moves>: Send);
        assert_not_impl_any!($($path)::+<$($life,)* Moves>: Sync, Clone, Copy);
        assert_not_impl_any!($($path)::+<$($life,)* Stays>: Send, Sync);
    )*};
}

/// Used by any thread, with values that may move.
macro_rules! for_all {
    ($($($path:ident)::+ <$($life:lifetime),*> $(, $size:tt)*;)*) => {$(
        assert_impl_all!($($path)::+<$($life,)* Moves $(, $size)*>: Send, Sync);
        assert_not_impl_any!($($path)::+<$($life,)* Moves $(, $size)*>: Copy);
        assert_not_impl_any!($($path)::+<$($life,)* Stays $(, $size)*>: Send, Sync);
    )*};
}

one_owner! {
    spsc::Producer<'static>;
    spsc::BatchedProducer<'static>;
    spsc::Consumer<'static>;
    spsc::Drain<'static, 'static>;
    spsc::Grant<'static, 'static>;
    spsc::Peek<'static, 'static>;
    spsc::Reclaim<'static, 'static>;
    stamped::Producer<'static>;
    stamped::Consumer<'static>;
    stamped::Drain<'static, 'static>;
    stamped::Grant<'static, 'static>;
    mpsc::Consumer<'static>;
    mpsc::Drain<'static, 'static>;
    mpmc::Drain<'static, 'static>;
    lanes::Producer<'static>;
    lanes::Producers<'static>;
    lanes::Consumer<'static>;
    lanes::Drain<'static, 'static>;
    lanes::Grant<'static, 'static>;
    unbounded::spsc::Producer<'static>;
    unbounded::spsc::Consumer<'static>;
    unbounded::spsc::Drain<'static, 'static>;
    unbounded::mpsc::Consumer<'static>;
    unbounded::mpsc::Drain<'static, 'static>;
}

for_all! {
    spsc::Ring<>, 2;
    stamped::Ring<>, 2;
    mpsc::Ring<>, 2;
    mpmc::Ring<>, 2;
    lanes::Ring<>, 2, 4;
    unbounded::spsc::Ring<>;
    unbounded::mpsc::Ring<>;
    mpsc::Producer<'static>;
    mpmc::Producer<'static>;
    mpsc::Grant<'static, 'static>;
    unbounded::mpsc::Producer<'static>;
}

// An end of many is cloned; its consumer takes by `&mut`, and each has its own.
assert_impl_all!(mpsc::Producer<'static, u8>: Clone);
assert_impl_all!(mpmc::Producer<'static, u8>: Clone);
assert_impl_all!(unbounded::mpsc::Producer<'static, u8>: Clone);
assert_impl_all!(mpmc::Consumer<'static, Moves>: Send, Clone);
assert_not_impl_any!(mpmc::Consumer<'static, u8>: Sync, Copy);
assert_not_impl_any!(mpmc::Consumer<'static, Stays>: Send, Sync);
assert_not_impl_any!(mpmc::Grant<'static, 'static, u8>: Clone, Copy);
assert_impl_all!(mpsc::Single<'static, Moves>: Send);
assert_not_impl_any!(mpsc::Single<'static, Stays>: Send, Sync);
assert_not_impl_any!(mpsc::Single<'static, u8>: Clone, Copy);

// Bytes may go anywhere.
assert_impl_all!(frames::Ring<64>: Send, Sync);
assert_impl_all!(frames::Producer<'static>: Send);
assert_impl_all!(frames::Consumer<'static>: Send);
assert_impl_all!(frames::FrameGrant<'static, 'static>: Send, Sync);
assert_impl_all!(frames::Frame<'static, 'static>: Send);
assert_not_impl_any!(frames::Producer<'static>: Sync, Clone, Copy);
assert_not_impl_any!(frames::Consumer<'static>: Sync, Clone, Copy);
assert_not_impl_any!(frames::Frame<'static, 'static>: Sync, Clone, Copy);
assert_not_impl_any!(frames::FrameGrant<'static, 'static>: Clone, Copy);

// Plain data is `Send` by its trait.
assert_impl_all!(shared::Ring<'static, u64>: Send, Sync, Copy);
assert_impl_all!(shared::Producer<'static, u64>: Send);
assert_impl_all!(shared::Consumer<'static, u64>: Send);
assert_impl_all!(shared::Drain<'static, 'static, u64>: Send);
assert_impl_all!(Owner: Send, Sync, Copy);
assert_not_impl_any!(shared::Producer<'static, u64>: Sync, Clone, Copy);
assert_not_impl_any!(shared::Consumer<'static, u64>: Sync, Clone, Copy);
assert_not_impl_any!(shared::Drain<'static, 'static, u64>: Sync, Clone, Copy);

// A channel is what its ring is.
type Tx<T> = channel::SpscSender<T>;
type Rx<T> = channel::SpscReceiver<T>;
type Producer<T> = spsc::Producer<'static, T>;
type Consumer<T> = spsc::Consumer<'static, T>;
assert_impl_all!(Tx<Moves>: Send);
assert_impl_all!(Rx<Moves>: Send);
assert_not_impl_any!(Tx<u8>: Sync, Clone);
assert_not_impl_any!(Rx<u8>: Sync, Clone);
assert_not_impl_any!(Tx<Stays>: Send);
assert_not_impl_any!(Rx<Stays>: Send);
assert_impl_all!(channel::MpscSender<Moves>: Send, Sync, Clone);
assert_impl_all!(channel::MpscReceiver<Moves>: Send);
assert_not_impl_any!(channel::MpscReceiver<u8>: Sync, Clone);
assert_impl_all!(channel::Sender<Producer<u8>, ParkBells>: Send);
assert_impl_all!(channel::Receiver<Consumer<u8>, ParkBells>: Send);
assert_impl_all!(channel::Permit<'static, Producer<Moves>, ParkBells>: Send);
assert_impl_all!(channel::Iter<'static, Consumer<Moves>, ParkBells>: Send);
assert_impl_all!(channel::TryIter<'static, Consumer<Moves>, ParkBells>: Send);
// A task that waits may be moved between threads, and is not pinned to a place.
assert_impl_all!(channel::Send<'static, Producer<Moves>, ParkBells>: Send, Unpin);
assert_impl_all!(channel::Reserve<'static, Producer<Moves>, ParkBells>: Send, Unpin);
assert_impl_all!(channel::Recv<'static, Consumer<Moves>, ParkBells>: Send, Unpin);
assert_impl_all!(channel::RecvStream<Consumer<Moves>, ParkBells>: Send, Unpin);
assert_not_impl_any!(channel::Permit<'static, Producer<Stays>, ParkBells>: Send);
assert_not_impl_any!(channel::Recv<'static, Consumer<Stays>, ParkBells>: Send);
assert_impl_all!(Bells<Doorbell>: Send, Sync);

assert_impl_all!(Doorbell: Send, Sync);
assert_impl_all!(Barrier: Send, Sync);
assert_impl_all!(Spin: Send, Sync, Copy);
assert_impl_all!(Yield: Send, Sync, Copy);

// (`Lines`, in a method of the sealed `StatsRef`, cannot be named from outside.)
assert_impl_all!(Stats<2>: Send, Sync);
assert_impl_all!(Counts: Send, Sync, Copy);
assert_impl_all!(MemoryUse: Send, Sync, Copy);
assert_impl_all!(stats::Producer<Producer<Moves>, &'static Stats<2>>: Send);
assert_impl_all!(stats::Consumer<Consumer<Moves>, &'static Stats<2>>: Send);
assert_not_impl_any!(stats::Producer<Producer<u8>, &'static Stats<2>>: Sync, Clone);
assert_not_impl_any!(stats::Consumer<Consumer<u8>, &'static Stats<2>>: Sync, Clone);

// Errors go where `Box<dyn Error + Send + Sync>` asks them to, if what they hand back does; they need no `Debug` of it.
struct Mute;
assert_impl_all!(CapacityError: Error, Send, Sync);
assert_impl_all!(MemoryError: Error, Send, Sync);
assert_impl_all!(TryPopError: Error, Send, Sync);
assert_impl_all!(TryReserveError: Error, Send, Sync);
assert_impl_all!(TryPushError<Mute>: Error, Send, Sync);
assert_impl_all!(channel::RecvError: Error, Send, Sync);
assert_impl_all!(channel::RecvTimeoutError: Error, Send, Sync);
assert_impl_all!(channel::SendError<Mute>: Error, Send, Sync);
assert_impl_all!(channel::SendTimeoutError<Mute>: Error, Send, Sync);
assert_impl_all!(frames::TryReserveError: Error, Send, Sync);
assert_impl_all!(shared::AttachError: Error, Send, Sync);
assert_impl_all!(shared::ClaimError: Error, Send, Sync);
assert_impl_all!(shared::CreateError: Error, Send, Sync);
assert_impl_all!(shared::TryPopError: Error, Send, Sync);
assert_impl_all!(shared::TryPushError<Mute>: Error, Send, Sync);
assert_impl_all!(unbounded::TryPushError<Mute>: Error, Send, Sync);
assert_impl_all!(Refused<Mute>: Error, Send, Sync);
assert_not_impl_any!(TryPushError<Stays>: Send, Sync);

#[test]
fn every_public_type_is_named_here() {
    public_types::all_named_in(include_str!("auto_traits.rs"), &["src"], 51);
}
