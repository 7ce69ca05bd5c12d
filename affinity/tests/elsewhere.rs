//! What this crate does where there is no Linux, tried on Linux: with `--cfg affinity_elsewhere` it asks `core_affinity`
//! and nothing else.
//!
//! ```sh
//! RUSTFLAGS="--cfg affinity_elsewhere" CARGO_TARGET_DIR=target/elsewhere \
//!     cargo test -p shared-nothing-affinity --test elsewhere
//! ```
#![cfg(affinity_elsewhere)]

use std::thread;

use shared_nothing_affinity::{
    CpuId, CpuSet, Error, Machine, MemoryError, PinError, Region, Request, current_cpu, pin,
    set_mask, set_nice, set_ordinary, set_realtime, set_thread_name, usable_cpus,
};

fn on_own_thread(test: impl FnOnce() + Send) {
    thread::scope(|scope| scope.spawn(test).join().expect("no panic"));
}

#[test]
fn each_usable_cpu_can_be_pinned() {
    let usable = usable_cpus().unwrap();
    assert!(!usable.is_empty());
    for cpu in usable.iter() {
        on_own_thread(move || {
            let guard = pin(cpu).unwrap();
            assert_eq!(guard.cpu(), cpu);
            assert_eq!(guard.is_held(), Ok(true));
            guard.into_permanent();
        });
    }
}

#[test]
fn a_number_beyond_the_masks_of_core_affinity_is_refused_before_it_aborts() {
    on_own_thread(|| {
        for cpu in [1024, 5000, u32::MAX].map(CpuId) {
            let refused = pin(cpu).unwrap_err();
            assert!(
                matches!(refused, PinError::NotInMask { .. }),
                "{cpu}: {refused}"
            );
            let error = set_mask(&CpuSet::from(cpu)).unwrap_err();
            assert!(matches!(error, Error::Unsupported { .. }), "{cpu}: {error}");
        }
    });
}

#[test]
fn what_cannot_be_done_is_said_and_not_pretended() {
    let unsupported = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert_eq!(error.errno(), None);
    };
    on_own_thread(move || {
        unsupported(current_cpu().map(drop));
        unsupported(set_thread_name("name"));
        unsupported(set_nice(1).map(drop));
        unsupported(set_realtime(1));
        unsupported(set_ordinary());
        unsupported(set_mask(&CpuSet::new()).map(drop));
        let error = Region::new(&Request::new(1 << 16)).unwrap_err();
        assert!(matches!(error, MemoryError::Os(_)), "{error}");
    });
}

#[test]
fn the_machine_and_its_budget_come_from_the_mask() {
    let usable = usable_cpus().unwrap();
    let machine = Machine::read().unwrap();
    assert_eq!(machine.budget.cpus, usable);
    assert!(machine.describe().contains("budget: "), "{machine}");
}
