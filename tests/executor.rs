//! Shards on threads: life, calls, services, outsiders, stops, panics.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    pin::pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::Poll,
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use shared_nothing::{
    affinity::{CpuId, Demand, Placement},
    executor::{
        Builder, CallError, Executor, Idle, Sharded, StartError, shard_count, shard_id, sleep,
        spawn_local, submit_async_to, submit_to, timeout, yield_now,
    },
};

fn shards(count: usize) -> Builder {
    Executor::builder()
        .with_shards(count)
        .with_placement(Placement::Unpinned)
        .with_idle(Idle::Park)
}

fn start(count: usize) -> Executor {
    shards(count).start().expect("threads can be had")
}

#[test]
fn each_shard_is_a_thread_with_a_name_and_a_number() {
    let executor = shards(3)
        .with_name("mesh")
        .with_stack_size(1 << 20)
        .start()
        .unwrap();
    for shard in 0..3 {
        let (name, id, count) = executor
            .block_on(shard, || async {
                let name = thread::current().name().map(str::to_owned);
                (name, shard_id(), shard_count())
            })
            .unwrap();
        assert_eq!(name, Some(format!("mesh-{shard}")));
        assert_eq!((id, count), (Some(shard), Some(3)));
    }
    assert_eq!((shard_id(), shard_count()), (None, None));
    let reports = executor.stop();
    assert!(reports.iter().map(|report| report.shard).eq(0..3));
}

#[test]
fn a_pinned_shard_runs_where_it_was_put() {
    let cpu = shared_nothing::affinity::usable_cpus()
        .unwrap()
        .first()
        .unwrap();
    let executor = shards(1)
        .with_placement(Placement::List(vec![cpu]))
        .start()
        .unwrap();
    let at = executor
        .block_on(0, || async {
            shared_nothing::affinity::current_cpu().unwrap()
        })
        .unwrap();
    assert_eq!(at, cpu);
    assert_eq!(executor.stop()[0].cpu, Some(cpu));
}

#[test]
fn bad_settings_are_refused_by_name() {
    let refused = |builder: Builder| match builder.start() {
        Err(StartError::Invalid { setting, .. }) => setting,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(shards(0)), "with_shards");
    assert_eq!(refused(shards(449)), "with_shards");
    assert_eq!(
        refused(shards(1).with_lane_capacity(0)),
        "with_lane_capacity"
    );
    assert_eq!(refused(shards(1).with_credits(0)), "with_credits");
    assert_eq!(refused(shards(1).with_name("a\0b")), "with_name");
    assert_eq!(
        refused(shards(1).with_watchdog(Duration::ZERO, |_| ())),
        "with_watchdog"
    );
    let nowhere = Placement::List(vec![CpuId(u32::MAX as _)]);
    let required = shards(1)
        .with_placement(nowhere)
        .with_demand(Demand::Require);
    assert_eq!(refused(required), "with_placement");
    assert!(matches!(
        shards(2).with_lane_capacity(usize::MAX).start(),
        Err(StartError::Lanes { .. })
    ));
    // A stack that no thread can have.
    assert!(matches!(
        shards(2).with_stack_size(1 << 62).start(),
        Err(StartError::Spawn { shard: 0, .. })
    ));
}

#[test]
fn h23_a_thousand_executors_start_and_stop_in_one_process() {
    let mut handles = Vec::new();
    for round in 0..1_000 {
        let executor = start(2);
        if round % 10 == 0 {
            let sum = executor.block_on(0, || async { submit_to(1, || 2).await.unwrap() + 1 });
            assert_eq!(sum.unwrap(), 3);
        }
        handles.push(executor.handle());
        assert_eq!(executor.stop().len(), 2);
    }
    assert!(matches!(
        handles[999].submit_to(0, || ()).wait(),
        Err(CallError::NotRun)
    ));
}

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
    let executor = shards(2)
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
fn h12_a_call_that_panics_says_so_and_its_shard_lives() {
    let executor = start(2);
    let errors = executor.block_on(0, || async {
        let now = submit_to(1, || panic!("now")).await.map(|(): ()| ());
        let made = submit_async_to(1, || -> std::future::Ready<()> { panic!("made") }).await;
        let later = submit_async_to(1, || async {
            yield_now().await;
            panic!("later")
        });
        let later = later.await.map(|(): ()| ());
        [now, made, later].map(|result| match result {
            Err(CallError::Panicked(payload)) => *payload.downcast::<&str>().unwrap(),
            other => panic!("{other:?}"),
        })
    });
    assert_eq!(errors.unwrap(), ["now", "made", "later"]);
    let outside = executor.handle().submit_to(1, || panic!("outside")).wait();
    assert!(matches!(
        outside.map(|(): ()| ()),
        Err(CallError::Panicked(_))
    ));
    assert_eq!(executor.handle().submit_to(1, || 5).wait().unwrap(), 5);
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
fn panics_in_drops_everywhere_leave_the_shards_alive() {
    let executor = start(2);
    let done = executor.block_on(0, || async {
        // What a closure holds.
        let held = PanicOnDrop;
        let call = submit_to(1, move || drop(held)).await;
        assert!(matches!(call, Err(CallError::Panicked(_))));
        // What a task holds when it ends.
        let held = PanicOnDrop;
        let call = submit_async_to(1, move || async move {
            let _held = held;
        });
        assert!(matches!(call.await, Err(CallError::Panicked(_))));
        // A result that nobody takes.
        let mut call = pin!(submit_to(1, || PanicOnDrop));
        poll_fn(|cx| {
            assert!(call.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(spawn_local(async { PanicOnDrop }));
        // A service that does not go quietly.
        let service = Sharded::start(|_| PanicOnDrop).await.unwrap();
        assert!(matches!(service.stop().await, Err(CallError::Panicked(_))));
        let _left_to_the_stop = Sharded::start(|_| PanicOnDrop).await.unwrap();
        submit_to(1, || 1).await.unwrap()
    });
    assert_eq!(done.unwrap(), 1);
    let reports = executor.stop();
    assert!(
        reports
            .iter()
            .map(|report| report.tasks.panics)
            .sum::<u64>()
            >= 3
    );
}

#[test]
fn a_panic_in_a_timers_waker_or_task_leaves_the_timers_alive() {
    let executor = start(1);
    let done = executor.block_on(0, || async {
        let bad = spawn_local(async {
            sleep(Duration::from_millis(1)).await;
            panic!("at its time");
        });
        let good = spawn_local(async { sleep(Duration::from_millis(2)).await });
        assert!(bad.await.map(|(): ()| ()).is_err());
        good.await.is_ok()
    });
    assert!(done.unwrap());
}

#[derive(Clone)]
struct Where(Arc<Mutex<Vec<ThreadId>>>);

impl Drop for Where {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
    }
}

#[test]
fn h19_what_belongs_to_a_shard_is_dropped_on_it() {
    let executor = start(2);
    let id_of = |shard| {
        let id = executor
            .handle()
            .submit_to(shard, || thread::current().id());
        id.wait().unwrap()
    };
    let (home, away) = (id_of(0), id_of(1));
    let of_result = Arc::new(Mutex::new(Vec::new()));
    let of_task = Arc::new(Mutex::new(Vec::new()));
    let (result, task) = (Where(Arc::clone(&of_result)), Where(Arc::clone(&of_task)));
    executor
        .block_on(0, move || async move {
            // Left in the middle: its result is dropped where the call was made.
            let abandoned = spawn_local(submit_to(1, move || result));
            yield_now().await;
            drop(abandoned.abort_on_drop());
            // A future never leaves the shard where it was made.
            let stays = spawn_local(submit_async_to(1, move || async move {
                let _task = task;
                pending::<()>().await;
            }));
            yield_now().await;
            drop(stays);
            submit_to(1, || ()).await.unwrap();
        })
        .unwrap();
    drop(executor.stop());
    assert_eq!(*of_result.lock().unwrap(), [home]);
    assert_eq!(*of_task.lock().unwrap(), [away]);
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
        let reports = match executor.stop_within(Duration::from_secs(30)) {
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
    let executor = executor.stop_within(Duration::from_millis(1)).unwrap_err();
    open.send(()).unwrap();
    assert!(held.join().unwrap().unwrap());
    assert_eq!(executor.stop_within(Duration::MAX).unwrap().len(), 1);
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
fn outsiders_wait_for_room_on_threads_and_in_tasks() {
    let executor = start(1);
    let (open, gate) = mpsc::channel::<()>();
    let (ready, is_ready) = mpsc::channel();
    let handle = executor.handle();
    let mut hold = Box::pin(handle.submit_to(0, move || {
        ready.send(()).unwrap();
        gate.recv().is_ok()
    }));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(hold.as_mut().poll(&mut cx).is_pending());
    is_ready.recv().unwrap();
    // More than the shard keeps.
    let served = Arc::new(AtomicUsize::new(0));
    let mut calls: Vec<_> = (0..1_100)
        .map(|_| {
            let served = Arc::clone(&served);
            Box::pin(handle.submit_to(0, move || served.fetch_add(1, SeqCst)))
        })
        .collect();
    assert!(
        calls
            .iter_mut()
            .all(|call| call.as_mut().poll(&mut cx).is_pending())
    );
    let local = shared_nothing::executor::LocalExecutor::new();
    open.send(()).unwrap();
    let first = local.block_on(calls.pop().unwrap()).unwrap();
    assert!(first <= 1_100);
    for call in calls {
        let _number: usize = wait(*std::pin::Pin::into_inner(call));
    }
    assert_eq!(served.load(SeqCst), 1_100);
    assert!(wait(*std::pin::Pin::into_inner(hold)));
}

fn wait<R>(call: shared_nothing::executor::OutsideCall<R>) -> R {
    call.wait().unwrap()
}

#[test]
fn a_service_has_an_instance_on_every_shard() {
    let executor = start(3);
    let outcome = executor.block_on(0, || async {
        // Not `Send`, and never leaves its shard.
        let service = Sharded::start(|shard| Rc::new(RefCell::new(vec![shard])))
            .await
            .unwrap();
        service
            .invoke_on(2, |list| list.borrow_mut().push(20))
            .await
            .unwrap();
        let all = service
            .invoke_on_all(|list| list.borrow().clone())
            .await
            .unwrap();
        let nested = service.invoke_on(1, move |_| service.with(|_| ()).unwrap_err().to_string());
        let nested = nested.await.unwrap();
        let sum = service.map_reduce(|list| list.borrow().iter().sum(), 0, |a, b: usize| a + b);
        let sum = sum.await.unwrap();
        // A panic leaves the instance where it was.
        let panics = service
            .invoke_on(1, |_| panic!("in a service"))
            .await
            .map(|(): ()| ());
        assert!(matches!(panics, Err(CallError::Panicked(_))));
        assert_eq!(service.with(|list| list.borrow().len()).unwrap(), 1);
        service.stop().await.unwrap();
        let gone = service.invoke_on(1, |_| ()).await;
        (all, nested, sum, gone.unwrap_err().to_string())
    });
    let (all, nested, sum, gone) = outcome.unwrap();
    assert_eq!(all, [vec![0], vec![1], vec![2, 20]]);
    assert_eq!(nested, "service is in use on this shard");
    assert_eq!((sum, gone.as_str()), (23, "shard has no such service"));
}

#[test]
fn a_service_that_cannot_be_made_everywhere_is_made_nowhere() {
    let executor = start(3);
    let alive = Arc::new(());
    let given = Arc::clone(&alive);
    let failed = executor.block_on(0, || async move {
        let make = move |shard| {
            assert_ne!(shard, 1, "not on this one");
            Arc::clone(&given)
        };
        Sharded::start(make).await.map(|_| ())
    });
    assert!(matches!(failed, Ok(Err(CallError::Panicked(_)))));
    drop(executor.stop());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn h25_an_idle_shard_stays_parked() {
    let executor = start(4);
    executor
        .block_on(0, || async { sleep(Duration::from_millis(300)).await })
        .unwrap();
    let reports = executor.stop();
    for report in reports {
        assert!(
            report.parks <= 20,
            "shard {}: {} parks",
            report.shard,
            report.parks
        );
    }
}

#[test]
fn a_stall_is_reported_while_it_lasts() {
    let (tell, told) = mpsc::channel();
    let executor = shards(2)
        .with_watchdog(Duration::from_millis(20), move |stall| {
            let _heard = tell.send(*stall);
        })
        .start()
        .unwrap();
    let from = Instant::now();
    let line = line!() + 3;
    let stall = executor
        .handle()
        .submit_to(1, move || told.recv().unwrap())
        .wait()
        .unwrap();
    assert_eq!((stall.shard, stall.place.line()), (1, line));
    assert!(stall.held >= Duration::from_millis(20) && stall.held <= from.elapsed());
    assert!(stall.to_string().contains("executor.rs"));
}

#[test]
fn every_way_to_idle_serves() {
    for idle in [Idle::DEFAULT, Idle::LOW_LATENCY, Idle::Park, Idle::BusyPoll] {
        let executor = shards(2).with_idle(idle).with_shuffle(7).start().unwrap();
        let sum = executor.block_on(0, || async {
            let mut sum = 0;
            for number in 0..200 {
                sum += submit_to(1, move || number).await.unwrap();
            }
            sleep(Duration::from_micros(100)).await;
            sum
        });
        assert_eq!(sum.unwrap(), 199 * 100, "{idle:?}");
    }
}

#[test]
fn h06_parks_and_wakes_lose_nothing() {
    let rounds = 20_000;
    let executor = start(2);
    let done = executor.block_on(0, move || async move {
        let count = Rc::new(Cell::new(0));
        for _ in 0..rounds {
            submit_to(1, || ()).await.unwrap();
            count.set(count.get() + 1);
        }
        count.get()
    });
    assert_eq!(done.unwrap(), rounds);
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

#[test]
fn an_executor_may_be_dropped_on_its_own_shard() {
    let executor = start(2);
    let handle = executor.handle();
    let dropped = handle.submit_to(1, move || executor.stop().len()).wait();
    assert_eq!(dropped.unwrap(), 0);
    // Its end is seen from outside.
    while !matches!(handle.submit_to(0, || ()).wait(), Err(CallError::NotRun)) {}
}

/// Each call finds one or both shards parked. A minute or more.
#[test]
#[ignore = "takes minutes"]
fn h06_some_ten_million_parks_and_wakes_lose_nothing() {
    let executor = start(2);
    let done = executor.block_on(0, || async {
        for _ in 0..9_000_000 {
            submit_to(1, || ()).await.unwrap();
        }
    });
    assert!(done.is_ok());
    let parks: u64 = executor.stop().iter().map(|report| report.parks).sum();
    assert!(parks > 5_000_000, "{parks} parks");
}
