//! Stops: under load, twice, from within, and by dropping.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use shared_nothing::executor::CallError;
use shared_nothing::executor::spawn_local;
use shared_nothing::executor::submit_async_to;
use shared_nothing::executor::yield_now;

use super::{shards, start};

#[test]
fn h08_every_call_ends_when_the_executor_stops_under_load() {
    for round in 0..20 {
        let executor = shards(3)
            .with_lane_capacity(2)
            .with_credits(2)
            .start()
            .unwrap();
        let (served, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let outsiders: Vec<_> = (0..3)
            .map(|outsider| {
                let (handle, served, ended) =
                    (executor.handle(), Arc::clone(&served), Arc::clone(&ended));
                thread::spawn(move || {
                    for number in 0.. {
                        let count = Arc::clone(&served);
                        let call =
                            handle.submit_async_to((outsider + number) % 3, move || async move {
                                count.fetch_add(1, SeqCst);
                                let to = number % 3;
                                let _may_fail = submit_async_to(to, yield_now).await;
                                if number % 7 == 0 {
                                    std::panic::resume_unwind(Box::new("now and then"));
                                }
                            });
                        match call.wait() {
                            Ok(()) | Err(CallError::Panicked(_) | CallError::Cancelled) => {
                                ended.fetch_add(1, SeqCst);
                            }
                            Err(CallError::NotRun) => return,
                            Err(other) => panic!("{other:?}"),
                        }
                    }
                })
            })
            .collect();
        // Inside, too: tasks that call round and round.
        for shard in 0..3 {
            let begin = executor.handle().submit_to(shard, move || {
                for to in 0..3 {
                    drop(spawn_local(async move {
                        while submit_async_to(to, yield_now).await.is_ok() {}
                    }));
                }
            });
            begin.wait().unwrap();
        }
        while served.load(SeqCst) < round {
            thread::yield_now();
        }
        let reports = match executor.stop_timeout(Duration::from_secs(30)) {
            Ok(reports) => reports,
            Err(executor) => {
                std::mem::forget(executor);
                panic!("a shard waits for a call that nobody answers");
            }
        };
        outsiders
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(served.load(SeqCst), ended.load(SeqCst));
        assert!(
            reports
                .iter()
                .all(|report| report.tasks.spawned == report.tasks.ended)
        );
    }
}

#[test]
fn h09_a_stop_waits_for_no_handle_and_late_calls_are_told() {
    let executor = start(2);
    let handle = executor.handle();
    let reports = executor.stop();
    assert_eq!(reports.len(), 2);
    let ran = Arc::new(AtomicBool::new(false));
    let run = Arc::clone(&ran);
    let late = handle.submit_to(0, move || run.store(true, SeqCst)).wait();
    assert!(
        matches!(&late, Err(error) if error.is_not_run()),
        "{late:?}"
    );
    assert_eq!(Arc::strong_count(&ran), 1, "the closure is gone");
    assert!(!ran.load(SeqCst));
}

#[test]
fn h11_who_waits_for_a_draining_shard_gets_an_error() {
    let executor = start(2);
    let handle = executor.handle();
    let (ready, is_ready) = mpsc::channel();
    let waiter = thread::spawn(move || {
        handle
            .submit_async_to(0, move || async move {
                let never = submit_async_to(1, pending::<()>);
                ready.send(()).unwrap();
                never.await
            })
            .wait()
    });
    is_ready.recv().unwrap();
    drop(executor);
    let outcome = waiter.join().unwrap();
    assert!(matches!(outcome, Err(CallError::Cancelled)), "{outcome:?}");
}

#[test]
fn a_stop_that_takes_too_long_can_be_waited_for_again() {
    let executor = start(1);
    let (open, gate) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let handle = executor.handle();
    let held = thread::spawn(move || {
        let hold = handle.submit_to(0, move || {
            ready.send(()).unwrap();
            gate.recv().is_ok()
        });
        hold.wait()
    });
    is_ready.recv().unwrap();
    let executor = executor.stop_timeout(Duration::from_millis(1)).unwrap_err();
    open.send(()).unwrap();
    assert!(held.join().unwrap().unwrap());
    assert_eq!(executor.stop_timeout(Duration::MAX).unwrap().len(), 1);
}

#[test]
fn a_handle_can_stop_the_executor_from_within() {
    let executor = start(2);
    let handle = executor.handle();
    let stopped = executor.block_on(0, move || async move {
        handle.begin_stop();
        pending::<()>().await;
    });
    assert!(matches!(stopped, Err(CallError::Cancelled)));
    assert_eq!(executor.stop().len(), 2);
}

#[test]
fn h22_an_executor_that_is_dropped_at_once_leaves_nothing() {
    let kept = Arc::new(());
    for _ in 0..100 {
        let executor = start(2);
        let held = Arc::clone(&kept);
        let handle = executor.handle();
        let mut call = Box::pin(handle.submit_async_to(1, move || async move {
            let _held = held;
            pending::<()>().await;
        }));
        let waker = std::task::Waker::noop();
        assert!(
            call.as_mut()
                .poll(&mut std::task::Context::from_waker(waker))
                .is_pending()
        );
        drop(executor);
    }
    assert_eq!(Arc::strong_count(&kept), 1);
}

#[test]
fn an_executor_may_be_dropped_on_its_own_shard() {
    let executor = start(2);
    let handle = executor.handle();
    let dropped = handle.submit_to(1, move || executor.stop().len()).wait();
    assert_eq!(dropped.unwrap(), 0);
    // Its end is seen from outside.
    while !matches!(handle.submit_to(0, || ()).wait(), Err(CallError::NotRun)) {}
}
