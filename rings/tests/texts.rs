//! What errors and rings say of themselves: short, lower case, without a full stop, and for values that say nothing.
#![cfg(all(feature = "std", feature = "stats", not(any(loom, shuttle))))]

use std::{error::Error, fmt::Debug};

use shared_nothing_rings::{
    CapacityError, MemoryError, TryPopError, TryPushError, TryReserveError,
    channel::{RecvError, RecvTimeoutError, SendError, SendTimeoutError},
    frames, lanes, mpmc, mpsc,
    shared::{self, AttachError, ClaimError, CreateError},
    spsc, stamped, stats, unbounded,
    wait::Doorbell,
};

/// Not `Debug`, as values need not be.
struct Mute;

#[test]
fn each_error_says_why_in_the_same_manner() {
    let texts: Vec<(Box<dyn Error>, &str)> = vec![
        (Box::new(TryPushError::Full(Mute)), "ring is full"),
        (Box::new(TryPushError::Closed(Mute)), "ring is closed"),
        (Box::new(TryReserveError::Full), "ring is full"),
        (Box::new(TryReserveError::Closed), "ring is closed"),
        (Box::new(TryPopError::Empty), "ring is empty"),
        (Box::new(TryPopError::Closed), "ring is closed and drained"),
        (Box::new(CapacityError::Zero), "capacity is zero"),
        (Box::new(CapacityError::TooSmall), "capacity is too small"),
        (
            Box::new(CapacityError::TooLarge),
            "capacity is too large for the address space",
        ),
        (
            Box::new(CapacityError::OutOfMemory),
            "no memory for the slots",
        ),
        (
            Box::new(MemoryError::TooSmall {
                needed: 9,
                given: 8,
            }),
            "9 bytes are needed and 8 were given",
        ),
        (Box::new(SendError(Mute)), "channel is closed"),
        (
            Box::new(SendTimeoutError::Timeout(Mute)),
            "channel was full until the deadline",
        ),
        (
            Box::new(SendTimeoutError::Closed(Mute)),
            "channel is closed",
        ),
        (Box::new(RecvError), "channel is closed and drained"),
        (
            Box::new(RecvTimeoutError::Timeout),
            "channel was empty until the deadline",
        ),
        (
            Box::new(RecvTimeoutError::Closed),
            "channel is closed and drained",
        ),
        (
            Box::new(unbounded::TryPushError::OutOfMemory(Mute)),
            "no memory for one more block",
        ),
        (
            Box::new(unbounded::TryPushError::Closed(Mute)),
            "ring is closed",
        ),
        (
            Box::new(unbounded::Refused {
                pushed: 3,
                error: unbounded::TryPushError::Closed(Mute),
            }),
            "ring is closed after 3 values",
        ),
        (
            Box::new(CreateError::TooSmall {
                needed: 9,
                given: 8,
            }),
            "9 bytes are needed and 8 were given",
        ),
        (
            Box::new(CreateError::Misaligned { align: 64 }),
            "memory is not aligned to 64 bytes",
        ),
        (Box::new(CreateError::InUse), "memory is in use"),
        (
            Box::new(AttachError::TooSmall {
                needed: 9,
                given: 8,
            }),
            "9 bytes are needed and 8 were given",
        ),
        (
            Box::new(AttachError::Misaligned { align: 64 }),
            "memory is not aligned to 64 bytes",
        ),
        (Box::new(AttachError::NotReady), "ring is not ready yet"),
        (Box::new(AttachError::NotARing), "no ring lies here"),
        (
            Box::new(AttachError::ForeignByteOrder),
            "ring is of another byte order",
        ),
        (
            Box::new(AttachError::Version { found: 3, known: 2 }),
            "ring has layout 3, this program knows 2",
        ),
        (
            Box::new(AttachError::Item { found: (8, 4) }),
            "items have 8 bytes, aligned to 4",
        ),
        (
            Box::new(AttachError::Capacity { found: 3 }),
            "ring of impossible capacity 3",
        ),
        (Box::new(ClaimError::Corrupt), "ring is corrupt"),
        (Box::new(shared::TryPushError::Full(1)), "ring is full"),
        (Box::new(shared::TryPushError::Closed(1)), "ring is closed"),
        (
            Box::new(shared::TryPushError::Corrupt(1)),
            "ring is corrupt",
        ),
        (Box::new(shared::TryPopError::Empty), "ring is empty"),
        (
            Box::new(shared::TryPopError::Closed),
            "ring is closed and drained",
        ),
        (Box::new(shared::TryPopError::Corrupt), "ring is corrupt"),
    ];
    for (error, text) in texts {
        assert_eq!(error.to_string(), text, "{error:?}");
        assert!(error.source().is_none());
    }
}

#[test]
fn an_error_within_an_error_is_its_source() {
    let outer: [Box<dyn Error>; 2] = [
        Box::new(MemoryError::from(CapacityError::Zero)),
        Box::new(CreateError::from(CapacityError::Zero)),
    ];
    for outer in outer {
        let inner = outer.source().expect("the capacity");
        assert_eq!(outer.to_string(), inner.to_string());
        assert_eq!(
            inner.downcast_ref::<CapacityError>(),
            Some(&CapacityError::Zero)
        );
    }
}

#[test]
fn what_was_refused_comes_back_whatever_the_reason() {
    assert_eq!(SendTimeoutError::Timeout(7).into_inner(), 7);
    assert_eq!(SendTimeoutError::Closed(7).into_inner(), 7);
    assert_eq!(shared::TryPushError::Corrupt(7).into_inner(), 7);
    for (refused, is_full) in [
        (unbounded::TryPushError::OutOfMemory(7), true),
        (unbounded::TryPushError::Closed(7), false),
    ] {
        assert_eq!(refused.is_out_of_memory(), is_full);
        assert_eq!(refused.is_closed(), !is_full);
        let refused = TryPushError::from(refused);
        assert_eq!(refused.is_full(), is_full);
        assert_eq!(refused.into_inner(), 7);
    }
}

fn says(thing: impl Debug, text: &str) {
    assert_eq!(format!("{thing:?}"), text);
}

#[test]
fn errors_and_rings_are_shown_without_their_values() {
    says(TryPushError::Full(Mute), "Full(..)");
    says(TryPushError::Closed(Mute), "Closed(..)");
    says(SendError(Mute), "SendError(..)");
    says(SendTimeoutError::Timeout(Mute), "Timeout(..)");
    says(SendTimeoutError::Closed(Mute), "Closed(..)");
    says(
        unbounded::Refused {
            pushed: 1,
            error: unbounded::TryPushError::OutOfMemory(Mute),
        },
        "Refused { pushed: 1, error: OutOfMemory(..) }",
    );
    says(unbounded::TryPushError::Closed(Mute), "Closed(..)");

    says(spsc::Ring::<Mute, 4>::default(), "Ring { capacity: 4, .. }");
    says(mpsc::Ring::<Mute, 4>::default(), "Ring { capacity: 4, .. }");
    says(mpmc::Ring::<Mute, 4>::default(), "Ring { capacity: 4, .. }");
    says(
        stamped::Ring::<Mute, 4>::default(),
        "Ring { capacity: 4, .. }",
    );
    says(frames::Ring::<64>::default(), "Ring { capacity: 64, .. }");
    says(
        lanes::Ring::<Mute, 2, 4>::default(),
        "Ring { lanes: 2, capacity: 4, .. }",
    );
    says(unbounded::spsc::Ring::<Mute>::default(), "Ring { .. }");
    says(unbounded::mpsc::Ring::<Mute>::default(), "Ring { .. }");
    says(Doorbell::default(), "Doorbell { .. }");
    let counts = stats::Stats::<1>::default();
    says(&counts, &format!("Stats({:?})", counts.read()));
}

#[test]
fn ends_are_shown_without_their_values() {
    let (tx, rx) = unbounded::mpsc::on_heap::<Mute>().unwrap();
    assert_eq!(tx.try_push(Mute).ok(), Some(()));
    assert!(!tx.is_empty() && !tx.is_full() && !rx.is_empty() && !rx.is_full());
    says(tx, "Producer { len: 1, .. }");
    says(rx, "Consumer { len: 1, .. }");
    let (mut tx, rx) = unbounded::spsc::on_heap::<Mute>().unwrap();
    assert_eq!(tx.try_push(Mute).ok(), Some(()));
    assert!(!tx.is_empty() && !tx.is_full() && !rx.is_empty() && !rx.is_full());
    says(tx, "Producer { len: 1, .. }");
    says(rx, "Consumer { len: 1, .. }");
}
