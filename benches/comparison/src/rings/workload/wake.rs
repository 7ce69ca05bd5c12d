//! A number sent to a consumer that is parked, again and again: how long until it has it, and how long the send takes
//! that must wake it.
//!
//! Before each send the producer waits until the kernel says that the consumer's thread sleeps, and some time more, so
//! that the CPU is idle too. A queue that spins or yields before it parks is so measured parked. A time is the
//! difference of two readings of the clock, so it contains one reading.

use std::{
    fs::{self, File},
    hint::{black_box, spin_loop},
    os::unix::fs::FileExt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Plan, Sample, assert_right, whole_ns};
use crate::rings::{
    crew::{self, Job},
    peer::{Peer, RecvWaiting, SendWaiting},
};

/// A wake takes as long as many items.
const ITEMS_A_WAKE: u64 = 100;
/// How many wakes a run has at most.
const WAKES_MAX: u64 = 200;
/// How many come before those that count.
const WAKES_WARM: usize = 5;
/// How long a CPU without work is left alone before it counts as idle: longer than a guest polls before it halts.
const SETTLE: Duration = Duration::from_micros(300);
/// How long a consumer may take to park, or to wake: then the queue is said to have failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// From before the send until the consumer has the number.
pub(crate) fn handled<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: SendWaiting,
    P::Rx: RecvWaiting,
{
    let times = wakes::<P>(plan, PATIENCE);
    sample(times.iter().map(|wake| wake.handled - wake.before))
}

/// From before the send until it returns.
pub(crate) fn send<P>(plan: Plan<'_>) -> Sample
where
    P: Peer<u64>,
    P::Tx: SendWaiting,
    P::Rx: RecvWaiting,
{
    let times = wakes::<P>(plan, PATIENCE);
    sample(times.iter().map(|wake| wake.sent - wake.before))
}

fn sample(times: impl Iterator<Item = Duration>) -> Sample {
    let mut times: Vec<u32> = times.skip(WAKES_WARM).map(whole_ns).collect();
    Sample::percentiles(&mut times)
}

/// The readings of the clock at one wake.
struct Wake {
    before: Instant,
    sent: Instant,
    handled: Instant,
}

/// # Panics
///
/// If the consumer does not park or wake within `patience`, or has another number than was sent.
fn wakes<P>(plan: Plan<'_>, patience: Duration) -> Vec<Wake>
where
    P: Peer<u64>,
    P::Tx: SendWaiting,
    P::Rx: RecvWaiting,
{
    let (tx, rx) = P::make_pair();
    let count = (plan.items / ITEMS_A_WAKE).clamp(1, WAKES_MAX) + WAKES_WARM as u64;
    let (state, done) = (&OnceLock::new(), &AtomicU64::new(0));
    let consumer: Job<'_, Vec<Instant>> = Box::new(move |gate| {
        let mut rx = black_box(rx);
        state.get_or_init(ThreadState::of_this_thread);
        gate.pass();
        let mut times = Vec::with_capacity(count as usize);
        let mut differs = 0;
        for seq in 1..=count {
            differs |= rx.recv_one() ^ seq;
            times.push(Instant::now());
            done.store(seq, Ordering::Release);
        }
        assert_right(differs);
        times
    });
    let producer: Job<'_, Vec<Instant>> = Box::new(move |gate| {
        let mut tx = black_box(tx);
        gate.pass();
        let consumer = state.get().expect("it was known before the gate");
        let mut times = Vec::with_capacity(2 * count as usize);
        for seq in 1..=count {
            await_or_panic(patience, "park", || consumer.is_asleep());
            settle();
            times.push(Instant::now());
            tx.send_one(seq);
            times.push(Instant::now());
            await_or_panic(patience, "wake", || done.load(Ordering::Acquire) == seq);
        }
        times
    });
    let times = crew::run(plan.cpus, vec![consumer, producer]);
    let wake = |(&handled, sent): (&Instant, &[Instant])| Wake {
        before: sent[0],
        sent: sent[1],
        handled,
    };
    times[0].iter().zip(times[1].chunks(2)).map(wake).collect()
}

/// # Panics
///
/// If it is not so within `patience`.
fn await_or_panic(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let from = Instant::now();
    while !is_so() {
        assert!(
            from.elapsed() < patience,
            "the consumer did not {what} within {patience:?}"
        );
        // Both may share a CPU.
        thread::yield_now();
    }
}

fn settle() {
    let from = Instant::now();
    while from.elapsed() < SETTLE {
        spin_loop();
    }
}

/// Tells of a thread, to another one, whether it sleeps.
struct ThreadState(File);

impl ThreadState {
    /// # Panics
    ///
    /// If there is no Linux to ask.
    fn of_this_thread() -> Self {
        let name = fs::read_link("/proc/thread-self").expect("the kernel tells of its threads");
        let file = File::open(format!("/proc/{}/stat", name.display()));
        Self(file.expect("a running thread has a state"))
    }

    fn is_asleep(&self) -> bool {
        let mut text = [0; 512];
        let length = self.0.read_at(&mut text, 0).unwrap_or(0);
        state(&text[..length]) == Some(b'S')
    }
}

/// The letter in [proc_pid_stat(5)](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html): behind the name, which
/// is in brackets and may contain any character.
fn state(text: &[u8]) -> Option<u8> {
    let name_end = text.iter().rposition(|&byte| byte == b')')?;
    text.get(name_end + 2).copied()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::rings::peer::Shape;

    #[test]
    fn state_is_found_behind_any_name() {
        assert_eq!(state(b"17 (a) S (b)) R 1 2"), Some(b'R'));
        assert_eq!(state(b"17 (name"), None);
        assert_eq!(state(b"17 (name)"), None);
    }

    #[test]
    fn a_running_thread_is_not_asleep() {
        assert!(!ThreadState::of_this_thread().is_asleep());
    }

    /// Delivers each number plus `ADDED`; if `IS_MUTE`, none.
    struct Faulty<const ADDED: u64, const IS_MUTE: bool>;
    struct Tx<const ADDED: u64, const IS_MUTE: bool>(SyncSender<u64>);
    struct Rx(Receiver<u64>);

    impl<const ADDED: u64, const IS_MUTE: bool> Peer<u64> for Faulty<ADDED, IS_MUTE> {
        type Tx = Tx<ADDED, IS_MUTE>;
        type Rx = Rx;

        fn make(shape: Shape) -> (Vec<Self::Tx>, Vec<Self::Rx>) {
            let (tx, rx) = sync_channel(shape.capacity);
            (vec![Tx(tx)], vec![Rx(rx)])
        }
    }

    impl<const ADDED: u64, const IS_MUTE: bool> SendWaiting for Tx<ADDED, IS_MUTE> {
        fn send_one(&mut self, item: u64) {
            if !IS_MUTE {
                self.0.send(item + ADDED).expect("the consumer is there");
            }
        }
    }

    impl RecvWaiting for Rx {
        fn recv_one(&mut self) -> u64 {
            self.0.recv().expect("the producer is there")
        }
    }

    fn passes<P>(patience: Duration) -> bool
    where
        P: Peer<u64>,
        P::Tx: SendWaiting,
        P::Rx: RecvWaiting,
    {
        let cpus: Vec<_> = shared_nothing_affinity::usable_cpus()
            .expect("a running thread has a CPU")
            .iter()
            .collect();
        let plan = Plan {
            items: 1000,
            cpus: &cpus,
        };
        std::panic::catch_unwind(|| wakes::<P>(plan, patience)).is_ok()
    }

    #[test]
    fn a_wrong_number_and_a_lost_wake_are_seen() {
        assert!(passes::<Faulty<0, false>>(PATIENCE));
        assert!(!passes::<Faulty<1, false>>(PATIENCE));
        assert!(!passes::<Faulty<0, true>>(Duration::from_millis(100)));
    }
}
