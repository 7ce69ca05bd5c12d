//! What the benches share: two pinned threads, the second at work for as long as the first measures.

use std::{
    hint,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use shared_nothing_affinity::{CpuId, Demand, Machine, Placement, pin};

/// Two cores near to each other.
///
/// # Panics
///
/// If the machine does not give two.
#[must_use]
pub fn neighbours() -> [CpuId; 2] {
    let machine = Machine::read().expect("the machine says what may be used");
    let placed = Placement::Packed
        .place(&machine.topology, &machine.budget.cpus, 2, Demand::Require)
        .expect("two cores are usable");
    [0, 1].map(|index| placed.cpus[index].expect("a required placement is complete"))
}

/// Runs `measure` on one core while `partner` runs again and again on the other, until `measure` returns.
///
/// `partner` does a bounded piece of work, so that the end is seen.
///
/// # Panics
///
/// If a thread panics or cannot be pinned.
pub fn beside<R: Send>(partner: impl FnMut() + Send, measure: impl FnOnce() -> R + Send) -> R {
    beside_all(vec![partner], measure)
}

/// The same with several partners, the first on the other core, the next beside `measure`, and so on.
///
/// # Panics
///
/// As [`beside`].
pub fn beside_all<P: FnMut() + Send, R: Send>(
    partners: Vec<P>,
    measure: impl FnOnce() -> R + Send,
) -> R {
    let cpus = neighbours();
    let (done, cpus) = (&AtomicBool::new(false), &cpus);
    thread::scope(|threads| {
        for (index, mut partner) in partners.into_iter().enumerate() {
            threads.spawn(move || {
                let _pinned = pin(cpus[(index + 1) % 2]).expect("the CPU is usable");
                while !done.load(Ordering::Relaxed) {
                    partner();
                }
            });
        }
        let measuring = threads.spawn(move || {
            let _pinned = pin(cpus[0]).expect("the CPU is usable");
            // Also when it panics, so that the partners end.
            let _done = Done(done);
            measure()
        });
        measuring
            .join()
            .unwrap_or_else(|cause| std::panic::resume_unwind(cause))
    })
}

struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Tries again until there is something.
#[inline(always)]
pub fn until<R>(mut attempt: impl FnMut() -> Option<R>) -> R {
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        hint::spin_loop();
    }
}
