//! Panics and drops: the shard lives, the caller learns, and what is a shard's is dropped there.

use std::future::Future;
use std::future::pending;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::task::Poll;
use std::thread;
use std::thread::ThreadId;
use std::time::Duration;

use shared_nothing::executor::CallError;
use shared_nothing::executor::Sharded;
use shared_nothing::executor::sleep;
use shared_nothing::executor::spawn_local;
use shared_nothing::executor::submit_async_to;
use shared_nothing::executor::submit_to;
use shared_nothing::executor::yield_now;

use super::start;

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
            Err(CallError::Panicked(payload)) => *payload.into_inner().downcast::<&str>().unwrap(),
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

/// Panics when it is woken.
struct PanicOnWake;

impl std::task::Wake for PanicOnWake {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

#[test]
fn a_waker_that_panics_stops_neither_its_timer_nor_the_next() {
    let executor = start(1);
    let done = executor.block_on(0, || async {
        let waker = std::task::Waker::from(Arc::new(PanicOnWake));
        let mut first = pin!(sleep(Duration::from_millis(1)));
        let mut cx = std::task::Context::from_waker(&waker);
        assert!(first.as_mut().poll(&mut cx).is_pending());
        // Set later, for a later time.
        sleep(Duration::from_millis(2)).await;
        first.await;
    });
    done.unwrap();
    assert_eq!(executor.stop()[0].tasks.panics, 1, "and it is counted");
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
