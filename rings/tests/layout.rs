//! Sizes, alignments and who may cross threads.
#![cfg(all(feature = "std", not(loom)))]

use std::{cell::Cell, rc::Rc};

use shared_nothing_rings::{
    CapacityError, TryPopError, TryPushError, TryReserveError, mpsc, spsc, stamped, wait::Doorbell,
};
use static_assertions::{
    assert_eq_size, assert_impl_all, assert_not_impl_any, const_assert, const_assert_eq,
};

// An end may move to another thread; the ends of one owner cannot be used from two.
assert_impl_all!(spsc::Producer<'static, u8>: Send);
assert_impl_all!(spsc::Consumer<'static, u8>: Send);
assert_impl_all!(spsc::Drain<'static, 'static, u8>: Send);
assert_not_impl_any!(spsc::Producer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(spsc::Consumer<'static, u8>: Sync, Clone, Copy);
assert_impl_all!(mpsc::Producer<'static, u8>: Send, Sync, Clone);
assert_impl_all!(mpsc::Consumer<'static, u8>: Send);
assert_not_impl_any!(mpsc::Consumer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(mpsc::Producer<'static, u8>: Copy);
assert_impl_all!(stamped::Producer<'static, u8>: Send);
assert_not_impl_any!(stamped::Producer<'static, u8>: Sync, Clone, Copy);
assert_not_impl_any!(mpsc::Grant<'static, 'static, u8>: Clone);

// Values that need not be shared may still be sent.
assert_impl_all!(spsc::Producer<'static, Cell<u8>>: Send);
assert_impl_all!(mpsc::Producer<'static, Cell<u8>>: Send, Sync);
assert_impl_all!(spsc::Ring<Cell<u8>, 2>: Send, Sync);
assert_impl_all!(mpsc::Ring<Cell<u8>, 2>: Send, Sync);
assert_impl_all!(stamped::Producer<'static, Cell<u8>>: Send);
assert_impl_all!(stamped::Ring<Cell<u8>, 2>: Send, Sync);

// Values that must stay on their thread keep the whole ring there.
assert_not_impl_any!(spsc::Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Drain<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(spsc::Ring<Rc<u8>, 2>: Send, Sync);
assert_not_impl_any!(mpsc::Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Consumer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Drain<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Grant<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(mpsc::Ring<Rc<u8>, 2>: Send, Sync);
assert_not_impl_any!(stamped::Producer<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(stamped::Grant<'static, 'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(stamped::Ring<Rc<u8>, 2>: Send, Sync);

assert_impl_all!(Doorbell: Send, Sync);

// An end is a pointer and a word that says how it holds the ring, whatever the values.
assert_eq_size!(spsc::Producer<'static, [u8; 999]>, [usize; 2]);
assert_eq_size!(spsc::Consumer<'static, u8>, [usize; 2]);
assert_eq_size!(mpsc::Consumer<'static, u8>, [usize; 2]);
assert_eq_size!(stamped::Producer<'static, u8>, [usize; 2]);
assert_eq_size!(Option<spsc::Producer<'static, u8>>, [usize; 2]);

// Errors cost what the refused value costs, and a word to say why.
const_assert!(size_of::<TryPushError<u64>>() <= 2 * size_of::<u64>());
assert_eq_size!(TryPushError<Box<u8>>, [usize; 2]);
const_assert_eq!(size_of::<Result<(), TryReserveError>>(), 1);
// A reason and a value of one word are a pair of words, which a call returns in registers.
const_assert_eq!(size_of::<TryPopError>(), size_of::<usize>());
const_assert_eq!(
    size_of::<Result<usize, TryPopError>>(),
    2 * size_of::<usize>()
);
const_assert_eq!(size_of::<CapacityError>(), 1);
const_assert!(size_of::<Result<u64, TryPopError>>() <= 2 * size_of::<u64>());

/// Two cache lines: processors of these kinds fetch lines in pairs.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
const LINE: usize = 128;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn the_lines_of_a_ring_lie_before_its_slots() {
    // One for what all read, one for each side's position, and with one producer one for what each end asks or tells:
    // were two of them together, the ring would be smaller.
    assert_eq!(align_of::<spsc::Ring<u8, 1>>(), LINE);
    assert_eq!(size_of::<spsc::Ring<(), 1>>(), 5 * LINE);
    assert_eq!(size_of::<spsc::Ring<u64, 16>>(), 6 * LINE);
    assert_eq!(size_of::<spsc::Ring<u64, 32>>(), 7 * LINE);
    assert_eq!(align_of::<mpsc::Ring<u8, 1>>(), LINE);
    assert_eq!(size_of::<mpsc::Ring<(), 16>>(), 4 * LINE);
    assert_eq!(size_of::<mpsc::Ring<u64, 16>>(), 5 * LINE);
}

/// One of many remembers where it was, and nobody else's words lie beside that.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn an_end_that_remembers_its_position_has_a_line_of_its_own() {
    assert_eq!(align_of::<mpsc::Producer<'static, u8>>(), LINE);
    assert_eq!(size_of::<mpsc::Producer<'static, [u8; 999]>>(), LINE);
    assert_eq!(
        align_of::<shared_nothing_rings::mpmc::Consumer<'static, u8>>(),
        LINE
    );
    assert_eq!(
        size_of::<shared_nothing_rings::mpmc::Consumer<'static, u8>>(),
        LINE
    );
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn an_idle_doorbell_is_read_on_a_line_of_its_own() {
    assert_eq!(align_of::<Doorbell>(), LINE);
    assert!(size_of::<Doorbell>() > LINE);
}

#[test]
fn a_slot_of_one_producer_costs_what_its_value_costs() {
    let one = size_of::<spsc::Ring<[u8; 1024], 1>>();
    assert_eq!(size_of::<spsc::Ring<[u8; 1024], 8>>() - one, 7 * 1024);
}

#[test]
fn a_slot_of_many_producers_costs_one_word_more() {
    let one = size_of::<mpsc::Ring<[usize; 15], 8>>();
    let many = size_of::<mpsc::Ring<[usize; 15], 64>>();
    assert_eq!(many - one, 56 * 16 * size_of::<usize>());
}
