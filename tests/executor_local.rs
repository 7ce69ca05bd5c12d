//! One thread's executor: tasks, joins, cancellation, panics, timers, wakes from other threads.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    panic::panic_any,
    pin::Pin,
    rc::Rc,
    sync::{Arc, mpsc},
    task::{Context, Poll, Wake, Waker},
    thread,
};

use shared_nothing::executor::{JoinError, LocalExecutor, need_yield, spawn_local, yield_now};

#[path = "executor_local/timers.rs"]
mod timers;
#[path = "executor_local/wakers.rs"]
mod wakers;

/// With `SHUFFLE_SEED=7` in the environment, ready tasks run in the order of that seed.
fn local() -> LocalExecutor {
    match std::env::var("SHUFFLE_SEED") {
        Err(_) => LocalExecutor::new(),
        Ok(seed) => {
            LocalExecutor::new().with_shuffle(seed.parse().expect("SHUFFLE_SEED is a number"))
        }
    }
}

/// Runs turns at one moment until nothing is ready.
fn settle(local: &LocalExecutor) {
    while !local.turn(0).is_idle {}
}

#[derive(Clone, Default)]
struct Drops(Rc<Cell<usize>>);

impl Drops {
    fn guard(&self) -> DropGuard {
        DropGuard(Rc::clone(&self.0))
    }
}

struct DropGuard(Rc<Cell<usize>>);

impl Drop for DropGuard {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

struct PanicOnDrop;

impl Drop for PanicOnDrop {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("in a drop");
        }
    }
}

#[test]
fn a_task_gives_its_output_to_who_joins_it() {
    let local = local();
    let out = local.block_on(async {
        let task = spawn_local(async { Rc::new(7) });
        let again = spawn_local(async { 8 });
        *task.await.unwrap() + again.await.unwrap()
    });
    assert_eq!(out, 15);
    assert_eq!((local.tasks(), local.counts().spawned), (0, 2));
}

#[test]
fn tasks_run_in_the_order_in_which_they_were_woken() {
    let local = LocalExecutor::new();
    let order = Rc::new(RefCell::new(Vec::new()));
    for id in 0..3 {
        let order = Rc::clone(&order);
        drop(local.spawn_local(async move {
            for round in 0..2 {
                order.borrow_mut().push((round, id));
                yield_now().await;
            }
        }));
    }
    settle(&local);
    assert_eq!(
        *order.borrow(),
        [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    );
}

#[test]
fn a_shuffled_order_is_another_and_comes_again_with_its_seed() {
    let order_of = |seed| {
        let local = local().with_shuffle(seed);
        let order = Rc::new(RefCell::new(Vec::new()));
        for id in 0..20 {
            let order = Rc::clone(&order);
            drop(local.spawn_local(async move { order.borrow_mut().push(id) }));
        }
        settle(&local);
        order.take()
    };
    assert_eq!(order_of(1), order_of(1));
    assert_ne!(order_of(1), order_of(2));
    let mut sorted = order_of(3);
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..20));
}

#[test]
fn a_panic_reaches_who_joins_and_nobody_else() {
    let local = local();
    let bad = local.spawn_local(async { panic!("number {}", 5) });
    let odd = local.spawn_local(async { panic_any(5_u32) });
    let good = local.spawn_local(async { 1 });
    let (bad, odd, good) = local.block_on(async { (bad.await, odd.await, good.await) });
    let bad: JoinError = bad.map(|(): ()| ()).unwrap_err();
    assert_eq!(bad.to_string(), "task panicked: number 5");
    match odd.map(|(): ()| ()).unwrap_err() {
        JoinError::Panicked(payload) => assert_eq!(payload.downcast_ref::<u32>(), Some(&5)),
        other => panic!("{other}"),
    }
    assert_eq!(good.unwrap(), 1);
    assert_eq!(local.counts().panics, 2);
}

#[test]
fn panics_in_every_drop_are_counted_and_the_executor_lives() {
    let local = local();
    // The future's own.
    let held = local.spawn_local(async {
        let _held = PanicOnDrop;
        3
    });
    // A cancelled one's.
    let aborted = local.spawn_local(async {
        let _held = PanicOnDrop;
        pending::<()>().await;
    });
    settle(&local);
    aborted.abort();
    // An output that nobody wants.
    drop(local.spawn_local(async { PanicOnDrop }));
    // The payload of a panic that nobody hears of.
    drop(local.spawn_local(async { panic_any(PanicOnDrop) }));
    settle(&local);
    // The local is dropped within the poll, so its panic is the poll's.
    assert!(matches!(local.block_on(held), Err(JoinError::Panicked(_))));
    assert!(local.block_on(aborted).unwrap_err().is_cancelled());
    assert_eq!(local.counts().panics, 4);
    // One that is still there at the end.
    drop(local.spawn_local(async {
        let _held = PanicOnDrop;
        pending::<()>().await;
    }));
    settle(&local);
    drop(local);
}

#[test]
fn a_waker_that_panics_harms_nobody() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("in a waker");
        }
    }
    let local = local();
    let mut task = local.spawn_local(yield_now());
    let bad = Waker::from(Arc::new(Bad));
    assert!(
        Pin::new(&mut task)
            .poll(&mut Context::from_waker(&bad))
            .is_pending()
    );
    settle(&local);
    assert!(task.is_finished());
    assert_eq!(local.counts().panics, 1);
}

#[test]
fn an_aborted_task_is_dropped_in_its_turn() {
    let local = local();
    let drops = Drops::default();
    let guard = drops.guard();
    let task = local.spawn_local(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    settle(&local);
    assert_eq!(drops.0.get(), 0);
    let task = task.abort_on_drop();
    drop(task);
    assert_eq!(drops.0.get(), 0, "not within the caller");
    settle(&local);
    assert_eq!((drops.0.get(), local.tasks()), (1, 0));
}

#[test]
fn a_task_may_abort_itself() {
    let local = local();
    let own = Rc::new(RefCell::new(None));
    let slot = Rc::clone(&own);
    let task = local.spawn_local(async move {
        let me: shared_nothing::executor::JoinHandle<()> = slot.take().expect("given below");
        me.abort();
        pending::<()>().await;
    });
    *own.borrow_mut() = Some(task);
    settle(&local);
    assert_eq!(local.tasks(), 0);
}

#[test]
fn a_detached_output_is_dropped_at_once() {
    let local = local();
    let drops = Drops::default();
    let guard = drops.guard();
    drop(local.spawn_local(async move { guard }));
    let guard = drops.guard();
    let kept = local.spawn_local(async move { guard });
    settle(&local);
    assert_eq!(drops.0.get(), 1);
    drop(kept);
    assert_eq!(drops.0.get(), 2);
}

#[test]
fn the_end_of_an_executor_cancels_its_tasks_and_what_they_spawn() {
    struct SpawnOnDrop(shared_nothing::executor::Spawner, Drops);
    impl Drop for SpawnOnDrop {
        fn drop(&mut self) {
            let guard = self.1.guard();
            drop(self.0.spawn_local(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
        }
    }
    let local = local();
    let drops = Drops::default();
    for _ in 0..10 {
        let spawner = SpawnOnDrop(local.spawner(), drops.clone());
        drop(local.spawn_local(async move {
            let _spawner = spawner;
            pending::<()>().await;
        }));
    }
    let joined = local.spawn_local(pending::<()>());
    settle(&local);
    let spawner = local.spawner();
    drop(local);
    assert_eq!(drops.0.get(), 10);
    assert!(joined.is_finished());
    assert!(
        spawner.spawn_local(async {}).is_finished(),
        "cancelled at once"
    );
}

#[test]
fn h06_a_wake_from_another_thread_ends_the_park() {
    let local = local();
    let (send, wakers) = mpsc::channel::<Waker>();
    let rounds = 2_000;
    let waker_thread = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
    local.block_on(async {
        for _ in 0..rounds {
            let mut sent = false;
            poll_fn(|cx| {
                if std::mem::replace(&mut sent, true) {
                    return Poll::Ready(());
                }
                send.send(cx.waker().clone()).expect("it listens");
                Poll::Pending
            })
            .await;
        }
    });
    drop(send);
    waker_thread.join().unwrap();
}

#[test]
fn h05_foreign_wakes_of_a_frozen_executor_return() {
    let local = local();
    let tasks = 1_000;
    let wakers = Rc::new(RefCell::new(Vec::new()));
    let polls = Rc::new(Cell::new(0));
    for _ in 0..tasks {
        let (wakers, polls) = (Rc::clone(&wakers), Rc::clone(&polls));
        drop(local.spawn_local(poll_fn(move |cx| {
            polls.set(polls.get() + 1);
            wakers.borrow_mut().push(cx.waker().clone());
            Poll::<()>::Pending
        })));
    }
    settle(&local);
    let taken = wakers.take();
    // Nobody runs the executor meanwhile.
    let other = thread::spawn(move || {
        for _ in 0..100 {
            taken.iter().for_each(Waker::wake_by_ref);
        }
        taken
    });
    let taken = other.join().unwrap();
    assert_eq!(polls.get(), tasks);
    settle(&local);
    assert_eq!(polls.get(), 2 * tasks, "each was woken once");
    drop(local);
    // A wake of what is gone goes nowhere.
    taken.into_iter().for_each(Waker::wake);
}

#[test]
fn h18_a_task_that_wakes_itself_starves_neither_timers_nor_other_threads() {
    let local = local();
    drop(local.spawn_local(async {
        loop {
            yield_now().await;
        }
    }));
    let spawner = local.spawner();
    let timed = local.spawn_local(async move { spawner.sleep_until(5).await });
    let (send, receive) = mpsc::channel();
    let mut sent = false;
    let foreign = local.spawn_local(poll_fn(move |cx| {
        if std::mem::replace(&mut sent, true) {
            return Poll::Ready(());
        }
        send.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }));
    local.turn(0);
    let waker = receive.recv().unwrap();
    thread::spawn(move || waker.wake()).join().unwrap();
    let turn = local.turn(5);
    assert!(timed.is_finished() && foreign.is_finished());
    assert!(!turn.is_idle);
}

#[test]
fn a_turn_is_bounded() {
    let local = local();
    (0..1_000).for_each(|_| drop(local.spawn_local(async {})));
    let mut turns = 0;
    while !local.turn(0).is_idle {
        turns += 1;
    }
    assert_eq!(turns, 1_000 / 64);
}

#[test]
fn the_budget_of_a_poll_ends_and_comes_again() {
    let local = local();
    let counts = local.block_on(async {
        spawn_local(async {
            let mut counts = Vec::new();
            for _ in 0..2 {
                let mut units = 1;
                while !need_yield() {
                    units += 1;
                }
                assert!(need_yield());
                counts.push(units);
                yield_now().await;
            }
            counts
        })
        .await
    });
    assert_eq!(counts.unwrap(), [128, 128]);
    assert!(!need_yield(), "outside of an executor");
}

#[test]
#[should_panic(expected = "no executor runs on this thread")]
fn spawning_nowhere_is_a_mistake() {
    drop(spawn_local(async {}));
}

#[test]
#[should_panic(expected = "a turn is not run within a turn")]
fn a_turn_within_a_turn_is_a_mistake() {
    let local = Rc::new(local());
    let again = Rc::clone(&local);
    let task = local.spawn_local(async move {
        again.turn(0);
    });
    let error = local.block_on(task).unwrap_err();
    panic!("{error}");
}

/// Says that it may be sent, and is wrong.
struct Smuggled<T>(T);

// SAFETY: none: this is the mistake that the test below is about. What is sent is used there for one call, while its own
// thread waits.
unsafe impl<T> Send for Smuggled<T> {}

#[test]
#[cfg(debug_assertions)]
fn h19_debug_builds_notice_state_on_another_thread_than_its_own() {
    let local = local();
    let spawner = Smuggled(local.spawner());
    let spawner = thread::spawn(move || {
        let spawner = spawner;
        let used = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(spawner.0.spawn_local(async {}));
        }));
        let text = used.unwrap_err().downcast::<String>().unwrap();
        assert!(text.contains("is used on another"), "{text}");
        spawner
    });
    drop(spawner.join().unwrap());
    assert_eq!(local.counts().spawned, 0);
    assert!(local.turn(0).is_idle);
}
