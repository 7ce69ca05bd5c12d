//! In steady state the path of a message allocates nothing.
//!
//! The whole process counts its allocations, so this file holds one test.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use shared_nothing::{
    pool::{PoolConfig, Reply, WorkerPool},
    worker::{Context, Worker},
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

struct Sum {
    handled: Arc<AtomicU64>,
}

enum Message {
    Add([u64; 4]),
    Get(Reply<u64>),
}

impl Worker for Sum {
    type State = u64;
    type Message = Message;
    type Error = Infallible;

    fn init(&self, _: &Context<Message>) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn handle_message(
        &self,
        sum: &mut u64,
        message: Message,
        _: &Context<Message>,
    ) -> Result<(), Infallible> {
        match message {
            Message::Add(words) => {
                *sum += words[0];
                self.handled.fetch_add(1, Ordering::Release);
            }
            Message::Get(reply) => reply.send(*sum),
        }
        Ok(())
    }
}

#[test]
fn a_message_allocates_nothing_in_steady_state_and_nor_does_a_call() {
    let handled = Arc::new(AtomicU64::new(0));
    let for_workers = Arc::clone(&handled);
    let config = PoolConfig::new().with_workers(2).with_capacity(256);
    let pool = WorkerPool::start(config, move |_| Sum {
        handled: Arc::clone(&for_workers),
    });
    let pool = pool.expect("a pool of two starts");
    let mut batcher = pool.sender().batcher().unwrap();
    let mut caller = pool.sender().caller();
    let mut sent = 0_u64;
    let mut round = |count: u64| {
        for key in 0..count {
            pool.send_partitioned(&key, Message::Add([key; 4]))
                .expect("workers run");
            batcher
                .send_partitioned(&key, Message::Add([key; 4]))
                .expect("workers run");
            if key % 64 == 0 {
                let call = caller.call(&key, Message::Get).expect("workers run");
                call.wait().expect("workers answer");
            }
        }
        batcher.flush().expect("workers run");
        sent += 2 * count;
        while handled.load(Ordering::Acquire) < sent {
            std::thread::yield_now();
        }
    };
    // The first messages may set up what the standard library makes lazily for a thread that parks.
    round(2_000);
    let before = CALLS.load(Ordering::SeqCst);
    assert!(before > 0, "the allocator counts");
    round(50_000);
    assert_eq!(CALLS.load(Ordering::SeqCst) - before, 0);
    drop(batcher);
    let report = pool.stop();
    let handled: u64 = report.workers.iter().map(|w| w.counts.handled).sum();
    assert_eq!(
        handled,
        104_000 + 2_000_u64.div_ceil(64) + 50_000_u64.div_ceil(64)
    );
}
