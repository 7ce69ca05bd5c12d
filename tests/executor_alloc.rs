//! In steady state a call between shards allocates nothing, and neither does a task.
//!
//! The whole process counts its allocations, so this file holds one test.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering},
};

use shared_nothing::executor::{
    Executor, sleep, spawn_local, submit_async_to, submit_to, yield_now,
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

async fn round(count: u64) {
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
        sleep(std::time::Duration::from_nanos(1)).await;
    }
}

#[test]
fn a_call_and_a_task_allocate_nothing_in_steady_state() {
    let executor = Executor::builder()
        .with_shards(2)
        .start()
        .expect("two threads");
    let calls = executor.block_on(0, || async {
        // Makes the blocks that are used again, and what the standard library makes lazily for a thread that parks.
        round(2_000).await;
        let before = CALLS.load(Ordering::SeqCst);
        assert!(before > 0, "the allocator counts");
        round(20_000).await;
        CALLS.load(Ordering::SeqCst) - before
    });
    assert_eq!(calls.expect("no panic"), 0);
}
