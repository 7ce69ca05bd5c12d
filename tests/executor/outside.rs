//! Callers outside the shards, and services with an instance on each.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;

use shared_nothing::executor::CallError;
use shared_nothing::executor::Sharded;

use super::start;

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
