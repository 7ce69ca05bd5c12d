//! Wakers that outlive their task, or its executor, and where the last of them goes.

use std::{
    cell::RefCell,
    future::poll_fn,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
};

use shared_nothing::executor::LocalExecutor;

use super::local;

#[test]
fn wakers_outlive_their_executor_on_other_threads() {
    static WOKEN: AtomicUsize = AtomicUsize::new(0);
    let (send, wakers) = mpsc::channel::<Waker>();
    let other = thread::spawn(move || {
        for waker in wakers {
            let again = waker.clone();
            again.wake();
            WOKEN.fetch_add(1, Ordering::Relaxed);
            drop(waker);
        }
    });
    for _ in 0..1_000 {
        let local = local();
        let send = send.clone();
        drop(local.spawn_local(poll_fn(move |cx| {
            send.send(cx.waker().clone()).unwrap();
            Poll::<()>::Pending
        })));
        local.turn(0);
    }
    drop(send);
    other.join().unwrap();
    assert_eq!(WOKEN.load(Ordering::Relaxed), 1_000);
}

/// Where the last waker of a task goes: at home, or on another thread, in a turn or between turns, after its task.
#[test]
fn wakers_that_outlive_their_task_keep_no_memory() {
    for (in_a_turn, elsewhere, cloned_there) in [
        (true, false, false),
        (false, false, false),
        (false, true, false),
        (true, true, true),
        (false, true, true),
    ] {
        // The executor's home keeps the signal, and every cell keeps the home.
        let kept = Arc::new(());
        let signal = Arc::clone(&kept);
        let local = LocalExecutor::with_signal(move || {
            let _kept = &signal;
        });
        let given = Rc::new(RefCell::new(Vec::new()));
        let give = Rc::clone(&given);
        let task = local.spawn_local(poll_fn(move |cx| {
            give.borrow_mut().push(cx.waker().clone());
            Poll::Ready(())
        }));
        drop(task);
        local.turn(0);
        if elsewhere {
            let wakers = given.take();
            let there = thread::spawn(move || {
                let clones = wakers.iter().map(Waker::clone).collect::<Vec<_>>();
                wakers.into_iter().for_each(Waker::wake);
                if cloned_there { clones } else { Vec::new() }
            });
            given.borrow_mut().extend(there.join().unwrap());
        }
        if in_a_turn {
            let given = Rc::clone(&given);
            drop(local.spawn_local(async move { drop(given.take()) }));
            local.turn(0);
        }
        drop((given, local));
        assert_eq!(
            Arc::strong_count(&kept),
            1,
            "in a turn: {in_a_turn}, elsewhere: {elsewhere}, cloned there: {cloned_there}"
        );
    }
}

/// Woken in its last poll, a task is done and queued; woken by a waker that it left, it is done and must not be.
#[test]
fn a_task_that_is_woken_at_its_end_is_freed_once() {
    let local = local();
    let wakers = Rc::new(RefCell::new(Vec::new()));
    for round in 0..50_u64 {
        let left = Rc::clone(&wakers);
        drop(local.spawn_local(poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            if round % 2 == 0 {
                left.borrow_mut().push(cx.waker().clone());
            }
            Poll::Ready(())
        })));
        local.turn(0);
        let left = Rc::clone(&wakers);
        drop(local.spawn_local(async move { left.take().into_iter().for_each(Waker::wake) }));
        local.turn(0);
        local.turn(0);
        // A block that was freed twice is given out twice.
        let tasks = (0..4).map(|task| local.spawn_local(async move { 10 * round + task }));
        let mut tasks = tasks.collect::<Vec<_>>();
        local.turn(0);
        let outputs = tasks.drain(..).map(|task| local.block_on(task).unwrap());
        assert_eq!(
            outputs.collect::<Vec<_>>(),
            (0..4).map(|task| 10 * round + task).collect::<Vec<_>>()
        );
    }
    assert_eq!(local.tasks(), 0);
}
