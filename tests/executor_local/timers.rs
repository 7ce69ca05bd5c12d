//! Timers, by the caller's clock and by the machine's.

use std::{
    cell::RefCell,
    future::pending,
    rc::Rc,
    time::{Duration, Instant},
};

use shared_nothing::executor::{LocalExecutor, interval, sleep, timeout};

use super::{local, settle};

#[test]
fn timers_follow_the_callers_clock() {
    let local = LocalExecutor::new();
    let spawner = local.spawner();
    let order = Rc::new(RefCell::new(Vec::new()));
    for deadline in [30_u64, 10, 20] {
        let (order, sleep) = (Rc::clone(&order), spawner.sleep_until(deadline));
        drop(local.spawn_local(async move {
            sleep.await;
            order.borrow_mut().push(deadline);
        }));
    }
    assert_eq!(local.turn(0).next_deadline_ns, Some(10));
    local.turn(20);
    assert_eq!(*order.borrow(), [10, 20]);
    // A clock that goes back is not followed.
    local.turn(3);
    assert_eq!(spawner.now_ns(), 20);
    assert_eq!(local.turn(30).next_deadline_ns, None);
    assert_eq!(order.borrow().len(), 3);
}

#[test]
fn thousands_of_dropped_timers_leave_nothing() {
    let local = local();
    let spawner = local.spawner();
    for _ in 0..5_000 {
        let sleep = spawner.sleep_until(1 << 40);
        let task = local.spawn_local(sleep);
        drop(task.abort_on_drop());
    }
    settle(&local);
    let turn = local.turn(1);
    assert_eq!((turn.next_deadline_ns, local.tasks()), (None, 0));
}

#[test]
fn a_timeout_ends_what_takes_too_long() {
    let local = local();
    local.block_on(async {
        let late = timeout(Duration::from_millis(1), pending::<()>()).await;
        assert!(late.is_err());
        let early = timeout(Duration::from_secs(1_000), async { 4 }).await;
        assert_eq!(early, Ok(4));
        assert_eq!(timeout(Duration::MAX, async { 5 }).await, Ok(5));
    });
}

#[test]
fn an_interval_keeps_its_rhythm() {
    let local = local();
    let from = Instant::now();
    let rounds = local.block_on(async {
        let mut ticks = interval(Duration::from_millis(1));
        let mut rounds = 0;
        while rounds < 5 {
            rounds += 1 + ticks.tick().await;
        }
        rounds
    });
    assert!(from.elapsed() >= Duration::from_millis(5));
    assert!(rounds >= 5);
    local.block_on(async { sleep(Duration::ZERO).await });
}
