//! Rings between real processes, of which one is killed.
#![cfg(all(
    feature = "std",
    target_os = "linux",
    target_has_atomic = "64",
    not(loom)
))]

use std::{
    env, io,
    io::{BufRead, BufReader, Read},
    mem::MaybeUninit,
    process::{Child, Command, Stdio},
    ptr::NonNull,
    thread,
};

use shared_nothing_rings::shared::{self, AttachError, ClaimError, Owner, Ring, TryPopError};

/// Three cache lines: a record that can be torn.
type Record = [u64; 24];

/// The record of a number: every word of it says which.
fn record(number: u64) -> Record {
    std::array::from_fn(|at| number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ at as u64)
}

const BYTES: usize = 1 << 20;

/// A file in memory, mapped as shared.
struct Mapping {
    file: i32,
    start: NonNull<u8>,
}

impl Mapping {
    fn new() -> Self {
        // SAFETY: a name that ends. The file is inherited by children.
        let file = unsafe { libc::memfd_create(c"rings".as_ptr(), 0) };
        assert!(file >= 0, "{}", io::Error::last_os_error());
        // SAFETY: a file of ours.
        let sized = unsafe { libc::ftruncate(file, BYTES as libc::off_t) };
        assert_eq!(sized, 0, "{}", io::Error::last_os_error());
        Self::of(file).expect("a mapping")
    }

    /// Allocates nothing, so that a forked child may call it.
    fn of(file: i32) -> Option<Self> {
        let (read_write, shared) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED);
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), BYTES, read_write, shared, file, 0) };
        let start = (start != libc::MAP_FAILED).then_some(start)?;
        let start = NonNull::new(start.cast())?;
        Some(Self { file, start })
    }

    fn create<T: shared::Plain>(&self, capacity: usize) -> Ring<'static, T> {
        // SAFETY: mappings stay until the process ends, and are used by rings alone.
        unsafe { shared::create(self.start, BYTES, capacity) }.expect("room")
    }

    fn attach<T: shared::Plain>(&self) -> Result<Ring<'static, T>, AttachError> {
        // SAFETY: as above.
        unsafe { shared::attach(self.start, BYTES) }
    }
}

/// A xorshift generator: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a forked child does until it is killed: pushes records from `number` on. It neither allocates nor locks, since
/// it has the memory of a process with other threads.
fn push_for_ever(file: i32, me: Owner, mut number: u64) -> Option<()> {
    let ring: Ring<Record> = Mapping::of(file)?.attach().ok()?;
    // The parent has seen the former owner die.
    let mut tx = ring.take_over_producer(me, |_| true).ok()?;
    loop {
        if tx.try_push(record(number)).is_ok() {
            number += 1;
        } else if tx.is_closed() || tx.is_replaced() {
            return None;
        }
    }
}

/// A child of a fork.
struct Forked(libc::pid_t);

impl Forked {
    fn pushing(file: i32, me: Owner, number: u64) -> Self {
        // SAFETY: the child calls nothing that allocates or locks.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "{}", io::Error::last_os_error());
        if pid == 0 {
            push_for_ever(file, me, number);
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(1) };
        }
        Self(pid)
    }

    fn assert_running(&self) {
        let mut status = 0;
        // SAFETY: a child of ours, not yet waited for.
        let ended = unsafe { libc::waitpid(self.0, &raw mut status, libc::WNOHANG) };
        assert_eq!(ended, 0, "ended by itself: {status}");
    }

    fn kill(self) {
        // SAFETY: a child of ours, not yet waited for.
        assert_eq!(unsafe { libc::kill(self.0, libc::SIGKILL) }, 0);
        let mut status = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        assert!(libc::WIFSIGNALED(status), "{status}");
    }
}

#[test]
fn a_producer_killed_at_any_moment_loses_nothing_published_and_tears_nothing() {
    let mapping = Mapping::new();
    let ring = mapping.create::<Record>(4096);
    let mut rx = ring
        .consumer(Owner::new(1, 1).expect("an id"))
        .expect("free");
    let (mut dice, mut number, mut in_mid_push) = (Dice(5), 0, 0);
    for round in 0..200 {
        let me = Owner::new(2, round).expect("an id");
        let child = Forked::pushing(mapping.file, me, number);
        // Empty the ring once while it is filled, so that the child has room when it is killed.
        let first = number;
        while number == first || !rx.is_empty() {
            match rx.try_pop() {
                Ok(got) => {
                    assert!(got == record(number), "torn or lost: {number} is {got:x?}");
                    number += 1;
                }
                Err(why) => {
                    assert_eq!(why, TryPopError::Empty);
                    child.assert_running();
                    thread::yield_now();
                }
            }
            if number - first > 20_000 {
                break;
            }
        }
        let (mut left, target) = (0, dice.roll(2000) as usize);
        while left < target {
            child.assert_running();
            left = rx.len();
        }
        child.kill();
        in_mid_push += usize::from(!rx.is_full());
        // What it had published is there, and nothing else.
        loop {
            match rx.try_pop() {
                Ok(got) => {
                    assert!(got == record(number), "torn or lost: {number} is {got:x?}");
                    number += 1;
                }
                Err(why) => break assert_eq!(why, TryPopError::Empty),
            }
        }
        assert_eq!(rx.peer(), Some(me));
        assert_eq!(
            ring.producer(Owner::new(9, 9).expect("an id")).err(),
            Some(ClaimError::Taken(me))
        );
    }
    println!("{in_mid_push} of 200 were killed while they pushed, {number} records");
    assert!(in_mid_push > 0);
    // The dead one's end goes on here.
    let mut tx = ring
        .take_over_producer(Owner::new(3, 1).expect("an id"), |_| true)
        .expect("dead");
    assert!(tx.try_push(record(number)).is_ok());
    assert!(rx.try_pop() == Ok(record(number)));
}

/// Runs this program again, as the test below that does `part`.
fn other_process(part: &str, mapping: &Mapping) -> Child {
    let program = env::current_exe().expect("a path");
    Command::new(program)
        .args(["the_other_process", "--exact", "--nocapture"])
        .env("RINGS_SHARED_PART", part)
        .env("RINGS_SHARED_FILE", mapping.file.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("one more process")
}

/// No test but for the processes that the others start.
#[test]
fn the_other_process() {
    let Ok(part) = env::var("RINGS_SHARED_PART") else {
        return;
    };
    let file = env::var("RINGS_SHARED_FILE").expect("given by the parent");
    let mapping = Mapping::of(file.parse().expect("a number")).expect("inherited");
    let me = Owner::this_process().expect("a /proc");
    match part.as_str() {
        "produce" => {
            let mut tx = mapping.attach().expect("ready").producer(me).expect("free");
            for item in 1..=3u32 {
                assert_eq!(tx.try_push(item), Ok(()));
            }
            // Until it is killed, or the parent is gone.
            let _end = io::stdin().read(&mut [0]);
        }
        "consume" => {
            let mut rx = mapping
                .attach::<u32>()
                .expect("ready")
                .consumer(me)
                .expect("free");
            let (mut sum, mut next) = (0, 0);
            loop {
                match rx.try_pop() {
                    Ok(item) => {
                        assert_eq!(item, next);
                        next += 1;
                        sum += u64::from(item);
                    }
                    Err(TryPopError::Empty) => thread::yield_now(),
                    Err(why) => break assert_eq!(why, TryPopError::Closed),
                }
            }
            println!("\nsum {sum}");
        }
        "attach another type" => {
            let found = (4, 4);
            let why = mapping.attach::<u64>().err();
            assert_eq!(why, Some(AttachError::Item { found }));
        }
        part => panic!("no such part: {part}"),
    }
}

#[test]
fn a_killed_process_is_seen_to_be_dead_and_its_end_taken_over() {
    let mapping = Mapping::new();
    let ring = mapping.create::<u32>(4);
    let me = Owner::this_process().expect("a /proc");
    let mut rx = ring.consumer(me).expect("free");
    let mut child = other_process("produce", &mapping);
    for item in 1..=3 {
        while rx.is_empty() {
            assert!(
                child.try_wait().expect("a child").is_none(),
                "ended by itself"
            );
            thread::yield_now();
        }
        assert_eq!(rx.try_pop(), Ok(item));
    }
    let owner = rx.peer().expect("claimed by the child");
    assert_eq!(owner.pid(), child.id());
    let is_dead = |owner: Owner| !owner.is_alive().expect("a /proc");
    assert!(!is_dead(owner));
    let refused = ring.take_over_producer(me, is_dead);
    assert_eq!(refused.err(), Some(ClaimError::Taken(owner)));
    child.kill().expect("a child");
    // It has ended, and stays a zombie: dead before anybody has taken its status.
    let mut info = MaybeUninit::uninit();
    let options = libc::WEXITED | libc::WNOWAIT;
    // SAFETY: a child of ours, not yet waited for.
    let ended = unsafe { libc::waitid(libc::P_PID, child.id(), info.as_mut_ptr(), options) };
    assert_eq!(ended, 0, "{}", io::Error::last_os_error());
    assert!(is_dead(owner));
    let mut tx = ring.take_over_producer(me, is_dead).expect("dead");
    child.wait().expect("a child");
    assert!(is_dead(owner));
    assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
    assert_eq!((tx.try_push(4), rx.try_pop()), (Ok(()), Ok(4)));
}

#[test]
fn a_hundred_thousand_items_reach_the_other_process_in_order() {
    const ITEMS: u32 = 100_000;
    let mapping = Mapping::new();
    let ring = mapping.create::<u32>(1000);
    let me = Owner::this_process().expect("a /proc");
    let mut tx = ring.producer(me).expect("free");
    let mut child = other_process("consume", &mapping);
    for item in 0..ITEMS {
        while tx.try_push(item).is_err() {
            assert!(
                child.try_wait().expect("a child").is_none(),
                "ended by itself"
            );
            thread::yield_now();
        }
    }
    // It claims its end before it looks for the close.
    while tx.peer().is_none() {
        thread::yield_now();
    }
    drop(tx);
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let lines: Vec<String> = lines.map(|line| line.expect("text")).collect();
    let sum = u64::from(ITEMS) * u64::from(ITEMS - 1) / 2;
    assert!(lines.contains(&format!("sum {sum}")), "{lines:?}");
    assert!(child.wait().expect("a child").success());
}

#[test]
fn another_build_with_other_items_is_told() {
    let mapping = Mapping::new();
    let _ring = mapping.create::<u32>(4);
    let output = other_process("attach another type", &mapping).wait_with_output();
    assert!(output.expect("a child").status.success());
}
