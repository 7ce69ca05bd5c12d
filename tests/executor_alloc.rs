//! In steady state a call between shards allocates nothing, and neither does a task or a message.
//!
//! The whole process counts its allocations, so this file holds one test.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering},
};

use shared_nothing::executor::{
    Executor,
    mesh::{Mesh, Receiver, Sender},
    sleep, spawn_local, submit_async_to, submit_to, yield_now,
};

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        CALLS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's duties are the same.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

async fn round(ends: &mut (Sender<u64>, Receiver<u64>), count: u64) {
    for number in 0..count {
        let data = [number; 8];
        let back = submit_to(1, move || data).await.expect("shards run");
        assert_eq!(back, data);
        let later = submit_async_to(1, move || async move {
            yield_now().await;
            data[0]
        });
        assert_eq!(later.await.expect("shards run"), number);
        let task = spawn_local(async move { number });
        assert_eq!(task.await.expect("it runs"), number);
        ends.0.send(1, number).await.expect("shard 1 receives");
        assert_eq!(ends.1.recv().await, Ok(number));
        sleep(std::time::Duration::from_nanos(1)).await;
    }
}

#[test]
fn calls_tasks_and_messages_allocate_nothing_in_steady_state() {
    let executor = Executor::builder()
        .with_shards(2)
        .start()
        .expect("two threads");
    let calls = executor.block_on(0, || async {
        let mesh = Mesh::start(1).await.expect("there is room for 1");
        let echo = submit_async_to(1, move || async move {
            let (tx, mut rx) = mesh.ends().expect("taken once");
            drop(spawn_local(async move {
                while let Ok(number) = rx.recv().await {
                    tx.send(0, number).await.expect("shard 0 receives");
                }
            }));
        });
        echo.await.expect("shards run");
        let mut ends = mesh.ends().expect("taken once");
        // Makes the blocks that are used again, and what the standard library makes lazily for a thread that parks.
        round(&mut ends, 2_000).await;
        let before = CALLS.load(Ordering::SeqCst);
        assert!(before > 0, "the allocator counts");
        round(&mut ends, 20_000).await;
        CALLS.load(Ordering::SeqCst) - before
    });
    assert_eq!(calls.expect("no panic"), 0);
}
