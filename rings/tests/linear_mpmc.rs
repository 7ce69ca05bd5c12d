//! Histories of real threads, each checked for one order of its calls that explains every answer.
//!
//! The order must keep what threads know of each other's calls to have ended before (linearizability), and the answers must be those of a queue, with the words
//! of the module's docs for `Empty` and `Full`: a pop may be told `Empty` while the push of the front value is going on,
//! and a push may be told `Full` while the pop that empties its slot is.
#![cfg(all(feature = "std", not(loom)))]

use std::{
    collections::HashSet,
    env,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{Acquire, Release, SeqCst},
        },
    },
    thread,
};

use crossbeam_utils::CachePadded;
use shared_nothing_rings::{
    TryPopError, TryPushError,
    mpmc::{self, Consumer, Producer},
};

/// What was called and what it answered. A value is the number of the call that pushed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Pushed(usize),
    Full,
    Popped(usize),
    Empty,
}

#[derive(Debug, Clone)]
struct Call {
    answer: Answer,
    /// How many calls of each thread had ended before this one began, for all that its thread knew.
    before: Arc<[usize]>,
}

impl Call {
    fn came_after(&self, (thread, number): Id) -> bool {
        number < self.before[thread]
    }
}

/// A thread and the number of its call.
type Id = (usize, usize);

/// The calls that took effect so far. A thread's calls do so one after the other.
struct State {
    /// How many of each thread.
    done: Vec<usize>,
    /// Those that pushed and popped a value, in order. What was pushed and not popped is in the queue.
    pushes: Order,
    pops: Order,
}

/// Calls in order, with a hash of each beginning.
struct Order(Vec<(Id, u64)>);

impl Order {
    fn get(&self, place: usize) -> Option<Id> {
        Some(self.0.get(place)?.0)
    }

    fn hash(&self) -> u64 {
        self.0.last().map_or(0, |last| last.1)
    }

    fn add(&mut self, id: Id) {
        let hash = self.hash().rotate_left(5) ^ (id.1 as u64 + 1) << 4 ^ id.0 as u64;
        self.0.push((id, hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    }
}

struct History<'h> {
    /// The calls of each thread, one after the other.
    threads: &'h [Vec<Call>],
    slots: usize,
    capacity: usize,
}

impl History<'_> {
    /// Whether some order of all calls explains them. Tries one after the other, and no state twice.
    fn is_explained(&self) -> bool {
        let mut state = State {
            done: vec![0; self.threads.len()],
            pushes: Order(Vec::new()),
            pops: Order(Vec::new()),
        };
        let total: usize = self.threads.iter().map(Vec::len).sum();
        let mut seen = HashSet::new();
        // The calls that took effect, and for each which threads were tried after it.
        let mut path: Vec<Id> = Vec::new();
        let mut tried = vec![0];
        while path.len() < total {
            let thread = tried[path.len()];
            if thread == self.threads.len() {
                tried.pop();
                let Some(id) = path.pop() else { return false };
                self.undo(&mut state, id);
                continue;
            }
            tried[path.len()] += 1;
            let id = (thread, state.done[thread]);
            if self.may_be_next(&state, id) {
                self.take_effect(&mut state, id);
                if seen.insert((state.done.clone(), state.pushes.hash(), state.pops.hash())) {
                    path.push(id);
                    tried.push(0);
                } else {
                    self.undo(&mut state, id);
                }
            }
        }
        true
    }

    fn call(&self, id: Id) -> Option<&Call> {
        self.threads[id.0].get(id.1)
    }

    fn may_be_next(&self, state: &State, id: Id) -> bool {
        let Some(call) = self.call(id) else {
            return false;
        };
        let is_going_on = |earlier: Id| !call.came_after(earlier);
        let front = state.pushes.get(state.pops.0.len());
        let len = state.pushes.0.len() - state.pops.0.len();
        let is_answer = match call.answer {
            Answer::Pushed(_) => len < self.capacity,
            Answer::Popped(value) => front
                .and_then(|push| self.call(push))
                .is_some_and(|push| push.answer == Answer::Pushed(value)),
            Answer::Empty => front.is_none_or(is_going_on),
            // The slot of the next place was that of the place one lap before.
            Answer::Full => {
                let place = state.pushes.0.len().checked_sub(self.slots);
                let pop = place.and_then(|place| state.pops.get(place));
                len == self.capacity || pop.is_some_and(is_going_on)
            }
        };
        let mut both = call.before.iter().zip(&state.done);
        is_answer && both.all(|(before, done)| before <= done)
    }

    fn take_effect(&self, state: &mut State, id: Id) {
        state.done[id.0] += 1;
        match self.threads[id.0][id.1].answer {
            Answer::Pushed(_) => state.pushes.add(id),
            Answer::Popped(_) => state.pops.add(id),
            Answer::Empty | Answer::Full => {}
        }
    }

    fn undo(&self, state: &mut State, id: Id) {
        state.done[id.0] -= 1;
        let order = match self.threads[id.0][id.1].answer {
            Answer::Pushed(_) => &mut state.pushes,
            Answer::Popped(_) => &mut state.pops,
            Answer::Empty | Answer::Full => return,
        };
        order.0.pop();
    }
}

/// Waits until `threads` have come, without a sleep, so that all go on at once.
fn meet(came: &AtomicUsize, threads: usize) {
    came.fetch_add(1, SeqCst);
    while came.load(SeqCst) < threads {
        thread::yield_now();
    }
}

/// How many calls of each thread have ended. Each stores its own count after a call, and looks at those of the others
/// before every `period`-th: seldom, so that threads meet at the ring and not here.
struct Clock {
    ended: Vec<CachePadded<AtomicUsize>>,
    period: usize,
}

impl Clock {
    /// Makes calls as `thread`.
    fn record(
        &self,
        thread: usize,
        calls: usize,
        mut answer: impl FnMut(usize) -> Answer,
    ) -> Vec<Call> {
        let mut before: Arc<[usize]> = Arc::new([]);
        let call = |number: usize| {
            if number % self.period == 0 {
                before = self.ended.iter().map(|ended| ended.load(Acquire)).collect();
            }
            let answer = answer(number);
            self.ended[thread].store(number + 1, Release);
            let before = before.clone();
            Call { answer, before }
        };
        (0..calls).map(call).collect()
    }
}

fn push(tx: &Producer<'_, usize>, value: usize) -> Answer {
    match tx.try_push(value) {
        Ok(()) => Answer::Pushed(value),
        Err(TryPushError::Full(refused)) => {
            assert_eq!(refused, value);
            Answer::Full
        }
        Err(closed) => panic!("{closed}"),
    }
}

fn pop(rx: &mut Consumer<'_, usize>) -> Answer {
    match rx.try_pop() {
        Ok(value) => Answer::Popped(value),
        Err(TryPopError::Empty) => Answer::Empty,
        Err(closed) => panic!("{closed}"),
    }
}

/// Each of `ends` producers and as many consumers makes `each` calls at once on a ring that has values in it already.
fn record(
    capacity: usize,
    before: usize,
    ends: usize,
    each: usize,
    period: usize,
) -> Vec<Vec<Call>> {
    let (tx, mut rx) = mpmc::with_capacity_at(capacity, usize::MAX).expect("a small ring");
    let clock = &Clock {
        ended: (0..2 * ends + 2).map(|_| CachePadded::default()).collect(),
        period,
    };
    let came = &AtomicUsize::new(0);
    // This thread comes before and after the others.
    let begin = clock.record(2 * ends, before + 1, |value| push(&tx, value));
    let mut calls = thread::scope(|threads| {
        let mut all = Vec::new();
        for me in 0..ends {
            let (tx, mut rx) = (tx.clone(), rx.clone());
            all.push(threads.spawn(move || {
                meet(came, 2 * ends);
                clock.record(2 * me, each, |number| push(&tx, (me + 1) << 20 | number))
            }));
            all.push(threads.spawn(move || {
                meet(came, 2 * ends);
                clock.record(2 * me + 1, each, |_| pop(&mut rx))
            }));
        }
        let calls = all.into_iter().map(|thread| thread.join());
        calls
            .map(|calls| calls.expect("no assertion failed there"))
            .collect::<Vec<_>>()
    });
    // What is left shows that nothing was lost.
    let end = clock.record(2 * ends + 1, capacity + 1, |_| pop(&mut rx));
    calls.extend([begin, end]);
    calls
}

fn rounds(short: usize) -> usize {
    let factor = env::var("RINGS_STRESS").map_or(1, |factor| factor.parse().expect("a number"));
    short * factor
}

fn assert_explained(ends: usize, each: usize) {
    for round in 0..rounds(40) {
        // Small ones: which of two pushes came first is known soon, and the search stays short.
        let capacity = [1, 2, 3, 4][round % 4];
        let before = round / 4 % 3 * capacity / 2;
        let calls = record(capacity, before, ends, each, 1 << (round % 7));
        let history = History {
            threads: &calls,
            slots: capacity.next_power_of_two(),
            capacity,
        };
        if !history.is_explained() {
            let shown = calls.iter().map(|calls| &calls[..calls.len().min(40)]);
            let shown: Vec<_> = shown.collect();
            panic!("capacity {capacity}: no order explains {shown:?}");
        }
    }
}

#[test]
fn two_by_two_ends_are_linearizable() {
    assert_explained(2, 2_000);
}

#[test]
fn three_by_three_ends_are_linearizable() {
    assert_explained(3, 1_000);
}

/// An answer, and when its call began and ended.
type Timed = (Answer, usize, usize);

fn call(answer: Answer, begin: usize, end: usize) -> Timed {
    (answer, begin, end)
}

#[track_caller]
fn explained(capacity: usize, calls: &[Timed]) -> bool {
    // Each by a thread of its own.
    let in_thread = |&(answer, begin, _): &Timed| {
        let before = calls.iter().map(|&(_, _, end)| usize::from(end < begin));
        let before = before.collect();
        vec![Call { answer, before }]
    };
    let threads: Vec<_> = calls.iter().map(in_thread).collect();
    let slots = capacity.next_power_of_two();
    History {
        threads: &threads,
        slots,
        capacity,
    }
    .is_explained()
}

#[test]
fn the_checker_refuses_what_no_queue_answers() {
    use Answer::{Empty, Full, Popped, Pushed};
    // One value twice.
    let twice = [
        call(Pushed(0), 0, 1),
        call(Popped(0), 2, 5),
        call(Popped(0), 3, 4),
    ];
    assert!(!explained(2, &twice));
    // Out of order.
    let swapped = [
        call(Pushed(0), 0, 1),
        call(Pushed(1), 2, 3),
        call(Popped(1), 4, 5),
        call(Popped(0), 6, 7),
    ];
    assert!(!explained(2, &swapped));
    // Empty behind a push that had returned; full behind a pop that had.
    assert!(!explained(2, &[call(Pushed(0), 0, 1), call(Empty, 2, 3)]));
    let full = [
        call(Pushed(0), 0, 1),
        call(Popped(0), 2, 3),
        call(Full, 4, 5),
    ];
    assert!(!explained(1, &full));
    // A value lost, or from nowhere, or too many.
    let lost = [
        call(Pushed(0), 0, 1),
        call(Pushed(1), 2, 3),
        call(Popped(1), 4, 5),
    ];
    assert!(!explained(2, &lost));
    assert!(!explained(2, &[call(Popped(0), 0, 1)]));
    assert!(!explained(
        1,
        &[call(Pushed(0), 0, 1), call(Pushed(1), 2, 3)]
    ));
}

#[test]
fn the_checker_accepts_what_the_docs_allow() {
    use Answer::{Empty, Full, Popped, Pushed};
    // The same thread's push has returned, but an earlier one is going on.
    let behind = [
        call(Pushed(0), 0, 9),
        call(Pushed(1), 1, 2),
        call(Empty, 3, 4),
    ];
    assert!(explained(2, &behind));
    // Two slots, nothing in them, and the first is still a consumer's.
    let stopped = [
        call(Pushed(0), 0, 1),
        call(Pushed(1), 2, 3),
        call(Popped(0), 4, 20),
        call(Popped(1), 5, 6),
        call(Full, 7, 8),
    ];
    assert!(explained(2, &stopped));
    let either = [
        call(Pushed(0), 0, 3),
        call(Pushed(1), 1, 2),
        call(Popped(0), 4, 5),
    ];
    assert!(explained(2, &either));
}
