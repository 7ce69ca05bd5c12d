//! Calls between shards: results, order, credits, room.

use std::future::Future;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use shared_nothing::executor::CallError;
use shared_nothing::executor::Sharded;
use shared_nothing::executor::shard_count;
use shared_nothing::executor::shard_id;
use shared_nothing::executor::sleep;
use shared_nothing::executor::spawn_local;
use shared_nothing::executor::submit_async_to;
use shared_nothing::executor::submit_to;
use shared_nothing::executor::timeout;
use shared_nothing::executor::yield_now;

use super::{in_order, shards, start};

#[test]
fn a_call_runs_there_and_its_result_comes_back() {
    let executor = start(2);
    let there = executor.block_on(0, || async {
        let here = shard_id();
        let there = submit_to(1, || (shard_id(), vec![1, 2, 3])).await.unwrap();
        let later = submit_async_to(1, || async {
            let local = Rc::new(shard_id());
            yield_now().await;
            *local
        });
        (here, there, later.await.unwrap())
    });
    assert_eq!(there.unwrap(), (Some(0), (Some(1), vec![1, 2, 3]), Some(1)));
}

#[test]
fn calls_to_one_shard_are_served_in_order() {
    let executor = in_order(2)
        .with_lane_capacity(4)
        .with_credits(1_000)
        .start()
        .unwrap();
    let order = executor.block_on(0, || async {
        let order = Arc::new(Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..500)
            .map(|number| {
                let order = Arc::clone(&order);
                spawn_local(submit_to(1, move || order.lock().unwrap().push(number)))
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        Arc::into_inner(order).unwrap().into_inner().unwrap()
    });
    assert!(order.unwrap().into_iter().eq(0..500));
    let reports = executor.stop();
    assert!(reports[0].calls.outbox_max > 4, "some had to wait for room");
    assert_eq!((reports[0].calls.made, reports[1].calls.served), (500, 500));
}

#[test]
fn a_call_to_nowhere_is_an_error() {
    let executor = start(1);
    let inside = executor.block_on(0, || async { submit_to(1, || ()).await });
    assert!(matches!(inside, Ok(Err(CallError::NoSuchShard))));
    let outside = executor.handle().submit_to(7, || ()).wait();
    assert!(matches!(outside, Err(CallError::NoSuchShard)));
}

/// Makes two calls for each call, to a depth.
fn spread(
    depth: u32,
    seed: usize,
    reached: Arc<AtomicUsize>,
) -> std::pin::Pin<Box<dyn Future<Output = ()>>> {
    Box::pin(async move {
        reached.fetch_add(1, SeqCst);
        if depth == 0 {
            return;
        }
        let next = |step: usize| {
            let reached = Arc::clone(&reached);
            let to = (seed + step) % shard_count().unwrap();
            submit_async_to(to, move || spread(depth - 1, seed * 2 + step, reached))
        };
        let first = spawn_local(next(1));
        next(2).await.unwrap();
        first.await.unwrap().unwrap();
    })
}

#[test]
fn h01_full_lanes_in_a_cycle_do_not_deadlock() {
    const DEPTH: u32 = 12;
    const SHARDS: usize = 4;
    let executor = shards(SHARDS)
        .with_lane_capacity(1)
        .with_credits(1)
        .start()
        .unwrap();
    let reached = Arc::new(AtomicUsize::new(0));
    let roots: Vec<_> = (0..SHARDS)
        .map(|shard| {
            let reached = Arc::clone(&reached);
            let handle = executor.handle();
            thread::spawn(move || {
                handle
                    .submit_async_to(shard, move || spread(DEPTH, shard, reached))
                    .wait()
                    .unwrap();
            })
        })
        .collect();
    roots.into_iter().for_each(|root| root.join().unwrap());
    assert_eq!(reached.load(SeqCst), SHARDS * ((2 << DEPTH) - 1));
    let reports = executor.stop();
    // What waits is bounded by the calls under way, not by what passes through.
    assert!(
        reports
            .iter()
            .all(|report| report.calls.outbox_max <= 2 << DEPTH)
    );
    assert!(
        reports
            .iter()
            .all(|report| report.tasks.spawned == report.tasks.ended)
    );
}

/// Calls the next shard, and so on, `depth` deep.
fn nest(depth: usize) -> std::pin::Pin<Box<dyn Future<Output = usize>>> {
    Box::pin(async move {
        let Some(depth) = depth.checked_sub(1) else {
            return 0;
        };
        let to = (shard_id().unwrap() + 1) % shard_count().unwrap();
        1 + submit_async_to(to, move || nest(depth)).await.unwrap()
    })
}

#[test]
fn h02_nested_calls_round_a_cycle_end_at_capacity_one() {
    let executor = shards(4)
        .with_lane_capacity(1)
        .with_credits(1)
        .start()
        .unwrap();
    let depth = executor.block_on(0, || async {
        let many: Vec<_> = (0..20).map(|_| spawn_local(nest(8))).collect();
        let mut sum = 0;
        for one in many {
            sum += one.await.unwrap();
        }
        sum
    });
    assert_eq!(depth.unwrap(), 160);
}

#[test]
fn h04_a_shard_calls_itself_at_capacity_one() {
    let executor = shards(1)
        .with_lane_capacity(1)
        .with_credits(1)
        .start()
        .unwrap();
    let sum = executor.block_on(0, || async {
        let own = submit_async_to(0, || async {
            let calls: Vec<_> = (1..=3)
                .map(|n| spawn_local(submit_to(0, move || n)))
                .collect();
            let mut sum = 0;
            for call in calls {
                sum += call.await.unwrap().unwrap();
            }
            sum
        });
        own.await.unwrap()
    });
    assert_eq!(sum.unwrap(), 6);
}

#[test]
fn h07_calls_that_give_up_take_nobodys_credit_with_them() {
    let executor = shards(2).with_credits(1).start().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ran);
    let kept = executor.block_on(0, || async move {
        let (open, gate) = mpsc::channel::<()>();
        // Holds the only credit.
        let first = spawn_local(submit_to(1, move || gate.recv().is_ok()));
        yield_now().await;
        let mut waiting: Vec<_> = (0..1_000)
            .map(|_| {
                let count = Arc::clone(&count);
                spawn_local(submit_to(1, move || count.fetch_add(1, SeqCst)))
            })
            .collect();
        yield_now().await;
        let mut seed = 3_usize;
        let mut kept = Vec::new();
        for task in waiting.drain(..) {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            if seed >> 63 == 0 {
                task.abort();
            } else {
                kept.push(task);
            }
        }
        open.send(()).unwrap();
        assert!(first.await.unwrap().unwrap());
        let count = kept.len();
        for task in kept {
            let in_time = timeout(Duration::from_secs(20), task).await;
            in_time.expect("a credit is lost").unwrap().unwrap();
        }
        // The credit is there again.
        submit_to(1, || ()).await.unwrap();
        count
    });
    let kept = kept.unwrap();
    assert!((300..700).contains(&kept), "{kept}");
    assert_eq!(ran.load(SeqCst), kept);
}

#[test]
fn h18_a_shard_that_calls_itself_all_the_time_serves_the_others() {
    // More than it takes in at a time.
    const CALLS: usize = 300;
    let executor = shards(2).with_credits(CALLS).start().unwrap();
    executor
        .block_on(0, || async {
            drop(spawn_local(async {
                loop {
                    let mut calls: Vec<_> =
                        (0..CALLS).map(|_| Box::pin(submit_to(0, || ()))).collect();
                    poll_fn(|cx| {
                        calls.retain_mut(|call| call.as_mut().poll(cx).is_pending());
                        match calls.is_empty() {
                            true => Poll::Ready(()),
                            false => Poll::Pending,
                        }
                    })
                    .await;
                }
            }));
        })
        .unwrap();
    for _ in 0..10 {
        let answer = executor.block_on(1, || async {
            timeout(Duration::from_secs(20), submit_to(0, || 7)).await
        });
        assert_eq!(answer.unwrap().expect("it is kept waiting").unwrap(), 7);
    }
}

/// Makes calls to both shards and a task, wherever it runs, and gives the calls up.
fn make_calls() {
    let mut cx = Context::from_waker(Waker::noop());
    for to in 0..2 {
        let mut call = Box::pin(submit_to(to, || ()));
        let _unwanted = call.as_mut().poll(&mut cx);
    }
    drop(spawn_local(async {}));
}

/// A value, or a waker, whose end makes calls.
struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
        make_calls();
    }
}

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        make_calls();
    }
}

#[test]
fn whatever_runs_while_a_shard_takes_in_what_came_may_make_calls() {
    const CALLS: usize = 100;
    let executor = start(2);
    let dropped = Arc::new(AtomicUsize::new(0));
    let its_dropped = Arc::clone(&dropped);
    let done = executor.block_on(0, || async move {
        let mut waited = Vec::new();
        for number in 0..CALLS {
            let busy = || Busy(Arc::clone(&its_dropped));
            let (work, outcome) = (busy(), busy());
            let mut call = Box::pin(submit_to(1, move || {
                make_calls();
                drop(work);
                outcome
            }));
            let waker = Waker::from(Arc::new(busy()));
            let mut cx = Context::from_waker(&waker);
            assert!(call.as_mut().poll(&mut cx).is_pending());
            // Of the others the outcome is dropped as it comes home.
            if number % 2 == 0 {
                waited.push(call);
            }
        }
        for call in waited {
            call.await.unwrap();
        }
        while its_dropped.load(SeqCst) != 3 * CALLS {
            yield_now().await;
        }
    });
    done.unwrap();
    for report in executor.stop() {
        assert_eq!(report.tasks.panics, 0);
    }
    assert_eq!(dropped.load(SeqCst), 3 * CALLS);
}

#[test]
fn h05_foreign_wakes_of_a_frozen_shard_return() {
    const TASKS: usize = 1_000;
    let executor = start(1);
    let (send, wakers) = mpsc::channel();
    let polls = Arc::new(AtomicUsize::new(0));
    for _ in 0..TASKS {
        let (send, polls) = (send.clone(), Arc::clone(&polls));
        let spawn = executor.handle().submit_to(0, move || {
            drop(spawn_local(poll_fn(move |cx| {
                polls.fetch_add(1, SeqCst);
                send.send(cx.waker().clone()).unwrap();
                Poll::<()>::Pending
            })));
        });
        spawn.wait().unwrap();
    }
    let taken: Vec<_> = wakers.iter().take(TASKS).collect();
    let (open, gate) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let handle = executor.handle();
    let frozen = thread::spawn(move || {
        let hold = handle.submit_to(0, move || {
            ready.send(()).unwrap();
            gate.recv().is_ok()
        });
        hold.wait()
    });
    is_ready.recv().unwrap();
    // Two threads at a time, 10^5 wakes in all.
    let (tell, told) = mpsc::channel();
    let wakers: Vec<_> = (0..2)
        .map(|_| {
            let (taken, tell) = (taken.clone(), tell.clone());
            thread::spawn(move || {
                for _ in 0..50 {
                    taken.iter().for_each(std::task::Waker::wake_by_ref);
                }
                tell.send(()).unwrap();
            })
        })
        .collect();
    for _ in 0..2 {
        let returned = told.recv_timeout(Duration::from_secs(60));
        returned.expect("a wake waits for the shard");
    }
    assert_eq!(
        polls.load(SeqCst),
        TASKS,
        "the shard was frozen all the time"
    );
    open.send(()).unwrap();
    assert!(frozen.join().unwrap().unwrap());
    wakers.into_iter().for_each(|thread| thread.join().unwrap());
    // The polls come, one for each task.
    let settle = executor.block_on(0, || async { sleep(Duration::from_millis(1)).await });
    settle.unwrap();
    while polls.load(SeqCst) < 2 * TASKS {
        thread::yield_now();
    }
    drop(executor);
    assert_eq!(polls.load(SeqCst), 2 * TASKS);
}

#[test]
fn h18_a_self_waking_task_keeps_nobody_from_being_served() {
    let executor = start(2);
    let handle = executor.handle();
    for shard in 0..2 {
        let spin = handle.submit_to(shard, || {
            drop(spawn_local(async {
                loop {
                    yield_now().await;
                }
            }));
        });
        spin.wait().unwrap();
    }
    let done = executor.block_on(0, || async {
        sleep(Duration::from_millis(1)).await;
        submit_to(1, || 4).await.unwrap()
    });
    assert_eq!(done.unwrap(), 4);
}

#[test]
fn replies_that_found_no_room_arrive_when_there_is_some() {
    const CALLS: usize = 20;
    let executor = shards(2).with_lane_capacity(1).start().unwrap();
    let handle = executor.handle();
    let rounds = || async move {
        for _ in 0..50 {
            // They wait on the other shard until somebody opens.
            let gate = Sharded::start(|_| Vec::<std::task::Waker>::new())
                .await
                .unwrap();
            let calls: Vec<_> = (0..CALLS)
                .map(|_| {
                    spawn_local(submit_async_to(1, move || {
                        let mut is_first = true;
                        poll_fn(move |cx| {
                            if std::mem::replace(&mut is_first, false) {
                                let waker = cx.waker().clone();
                                gate.with(|gate| gate.push(waker)).unwrap();
                                return Poll::Pending;
                            }
                            Poll::Ready(())
                        })
                    }))
                })
                .collect();
            while gate.invoke_on(1, |gate| gate.len()).await.unwrap() < CALLS {}
            // All are answered while this shard takes nothing in.
            let handle = handle.clone();
            let opener = thread::spawn(move || {
                let open =
                    move || gate.with(|gate| gate.drain(..).for_each(std::task::Waker::wake));
                handle.submit_to(1, open).wait().unwrap().unwrap();
                (0..50).for_each(|_| thread::yield_now());
            });
            opener.join().unwrap();
            for call in calls {
                call.await.unwrap().unwrap();
            }
            gate.stop().await.unwrap();
        }
    };
    let in_time = executor.block_on(0, || timeout(Duration::from_secs(20), rounds()));
    if in_time.unwrap().is_err() {
        // Its end would wait for the reply.
        std::mem::forget(executor);
        panic!("a reply stays where it is");
    }
}
