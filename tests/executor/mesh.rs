//! Messages between shards: order, room, ends that go, what is dropped.

use std::future::Future;
use std::future::pending;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;
use std::time::Duration;

use shared_nothing::executor::Executor;
use shared_nothing::executor::mesh::Mesh;
use shared_nothing::executor::mesh::MeshError;
use shared_nothing::executor::mesh::Receiver;
use shared_nothing::executor::mesh::SendError;
use shared_nothing::executor::mesh::Sender;
use shared_nothing::executor::mesh::TrySendError;
use shared_nothing::executor::shard_count;
use shared_nothing::executor::shard_id;
use shared_nothing::executor::sleep;
use shared_nothing::executor::spawn_local;
use shared_nothing::executor::submit_async_to;
use shared_nothing::executor::submit_to;
use shared_nothing::executor::yield_now;
use shared_nothing::rings::TryPopError;

use super::{shards, start};

/// A machine that is busy with other things is slow, and no failure.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs `code` on shard 0, and fails where it would hang.
fn run<F, T>(executor: Executor, code: F) -> T::Output
where
    F: FnOnce() -> T + Send + 'static,
    T: Future + 'static,
    T::Output: Send + 'static,
{
    let (tell, told) = mpsc::channel();
    let handle = executor.handle();
    let runs = std::thread::spawn(move || {
        let outcome = handle.submit_async_to(0, code).wait();
        let _heard = tell.send(outcome);
    });
    let Ok(outcome) = told.recv_timeout(PATIENCE) else {
        // Its end would wait, too.
        std::mem::forget(executor);
        panic!("somebody waits for ever");
    };
    runs.join().unwrap();
    drop(executor.stop());
    outcome.unwrap()
}

/// Every shard sends `count` numbers to every shard, and takes what comes. Checks the order of each pair.
async fn all_to_all(mesh: Mesh<(usize, usize)>, count: usize) {
    let (tx, mut rx) = mesh.ends().unwrap();
    let (own, shards) = (shard_id().unwrap(), shard_count().unwrap());
    for to in 0..shards {
        let tx = tx.clone();
        drop(spawn_local(async move {
            for number in 0..count {
                tx.send(to, (own, number)).await.unwrap();
            }
        }));
    }
    drop(tx);
    let mut expected = vec![0; shards];
    while let Ok((from, number)) = rx.recv().await {
        assert_eq!(number, expected[from], "from {from} to {own}");
        expected[from] += 1;
    }
    assert!(expected.iter().all(|received| *received == count));
}

async fn on_all_shards(count: usize, capacity: usize) {
    let mesh = Mesh::start(capacity).await.unwrap();
    let parts: Vec<_> = (0..shard_count().unwrap())
        .map(|shard| spawn_local(submit_async_to(shard, move || all_to_all(mesh, count))))
        .collect();
    for part in parts {
        part.await.unwrap().unwrap();
    }
}

#[test]
fn h01_all_shards_send_to_all_at_capacity_one_in_order() {
    for capacity in [1, 3, 64] {
        run(start(4), move || on_all_shards(2_000, capacity));
    }
}

#[test]
fn a_mesh_that_cannot_be_made_leaves_nothing_and_ends_are_taken_once() {
    run(start(2), || async {
        for capacity in [0, usize::MAX] {
            let refused = Mesh::<u64>::start(capacity).await;
            assert!(matches!(refused, Err(MeshError::Capacity(_))));
        }
        let mesh = Mesh::<u64>::start(3).await.unwrap();
        let (tx, _rx) = mesh.ends().unwrap();
        assert_eq!((tx.capacity(), tx.shards()), (3, 2));
        assert!(matches!(mesh.ends(), Err(MeshError::Taken)));
        mesh.stop().await.unwrap();
        let stopped = mesh.ends().unwrap_err();
        assert!(stopped.to_string().contains("no such service"));
        // The other shard's ends were dropped with it.
        assert_eq!(tx.send(1, 5).await, Err(SendError::Closed(5)));
    });
}

#[test]
fn what_cannot_be_sent_comes_back() {
    run(start(2), || async {
        let mesh = Mesh::<String>::start(2).await.unwrap();
        let (tx, mut rx) = mesh.ends().unwrap();
        let text = |text: &str| text.to_owned();
        assert_eq!(rx.try_recv(), Err(TryPopError::Empty));
        assert_eq!(tx.try_send(0, text("a")), Ok(()));
        assert_eq!(tx.try_send(0, text("b")), Ok(()));
        let full = tx.try_send(0, text("c"));
        assert_eq!(full, Err(TrySendError::Full(text("c"))));
        assert_eq!(full.unwrap_err().into_inner(), "c");
        let nowhere = tx.try_send(2, text("d"));
        assert_eq!(nowhere, Err(TrySendError::NoSuchShard(text("d"))));
        let nowhere = tx.send(7, text("e")).await.unwrap_err();
        assert_eq!(nowhere, SendError::NoSuchShard(text("e")));
        assert_eq!(nowhere.into_inner(), "e");
        // One that waits, and is given up.
        let mut waits = Box::pin(tx.send(0, text("f")));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert_eq!(rx.try_recv().as_deref(), Ok("a"));
        // There is room, and it is for who has waited.
        let mut late = Box::pin(tx.send(0, text("z")));
        assert!(late.as_mut().poll(&mut cx).is_pending());
        drop(late);
        assert!(matches!(
            tx.try_send(0, text("g")),
            Err(TrySendError::Full(_))
        ));
        let back = std::pin::Pin::into_inner(waits).into_message();
        assert_eq!(back.as_deref(), Some("f"));
        assert_eq!(tx.try_send(0, text("g")), Ok(()));
        assert_eq!(rx.recv().await.as_deref(), Ok("b"));
        assert_eq!(rx.recv().await.as_deref(), Ok("g"));
        drop(rx);
        let closed = tx.try_send(0, text("h"));
        assert_eq!(closed, Err(TrySendError::Closed(text("h"))));
        assert_eq!(
            closed.unwrap_err().to_string(),
            "receiver of this shard is gone"
        );
    });
}

/// Two tasks send to shard `to` by one sender, `sends` messages each.
fn two_senders(tx: &Rc<Sender<usize>>, to: usize, sends: usize) {
    for task in 0..2 {
        let tx = Rc::clone(tx);
        drop(spawn_local(async move {
            for number in 0..sends {
                tx.send(to, 2 * number + task).await.unwrap();
            }
        }));
    }
}

/// Takes what two senders send, each in its own order, until they are gone.
async fn receive_two(mut rx: Receiver<usize>, sends: usize) {
    let mut counts = [0, 0];
    while let Ok(number) = rx.recv().await {
        assert_eq!(number / 2, counts[number % 2]);
        counts[number % 2] += 1;
    }
    assert_eq!(counts, [sends; 2]);
}

#[test]
fn h20_two_tasks_share_a_sender_at_capacity_one() {
    // To one's own shard.
    run(start(1), || async {
        let mesh = Mesh::start(1).await.unwrap();
        let (tx, rx) = mesh.ends().unwrap();
        two_senders(&Rc::new(tx), 0, 500_000);
        receive_two(rx, 500_000).await;
    });
    // To another.
    run(start(2), || async {
        let mesh = Mesh::start(1).await.unwrap();
        let receives = spawn_local(submit_async_to(1, move || {
            let (_tx, rx) = mesh.ends().unwrap();
            receive_two(rx, 5_000)
        }));
        let (tx, _rx) = mesh.ends().unwrap();
        two_senders(&Rc::new(tx), 1, 5_000);
        receives.await.unwrap().unwrap();
    });
}

/// Longer than a shard needs to park.
const SOON: Duration = Duration::from_millis(200);

/// Begins a task on shard `to`, and returns: when it ends, nobody is told.
async fn begin<F: Future<Output = ()> + 'static>(
    to: usize,
    task: impl FnOnce() -> F + Send + 'static,
) {
    let begun = submit_to(to, move || drop(spawn_local(task())));
    begun.await.unwrap();
}

#[test]
fn h21_an_end_that_goes_is_seen_by_who_waits_for_it() {
    run(start(3), || async {
        // The receiver goes when this shard is parked long since, and nothing else is sent here then.
        let mesh = Mesh::<u32>::start(1).await.unwrap();
        let (tx, _rx) = mesh.ends().unwrap();
        // Nobody has taken the ends over there, and yet they exist.
        tx.send(1, 1).await.unwrap();
        let goes = move || async move {
            let (_tx, rx) = mesh.ends().unwrap();
            sleep(SOON).await;
            drop(rx);
            pending::<()>().await;
        };
        begin(1, goes).await;
        assert_eq!(tx.send(1, 2).await, Err(SendError::Closed(2)));
        // So do the last senders.
        let mesh = Mesh::<u32>::start(1).await.unwrap();
        let (tx, mut rx) = mesh.ends().unwrap();
        drop(tx);
        submit_to(1, move || drop(mesh.ends())).await.unwrap();
        let goes = move || async move {
            let (tx, _rx) = mesh.ends().unwrap();
            tx.send(0, 3).await.unwrap();
            sleep(SOON).await;
            drop(tx);
            pending::<()>().await;
        };
        begin(2, goes).await;
        assert_eq!(rx.recv().await, Ok(3));
        assert!(rx.recv().await.is_err());
        assert_eq!(rx.try_recv(), Err(TryPopError::Closed));
    });
}

#[test]
fn h06_room_for_one_wakes_a_shard_that_is_parked() {
    for (capacity, taken) in [(1, 1), (8, 1), (8, 5)] {
        run(start(2), move || async move {
            let mesh = Mesh::<usize>::start(capacity).await.unwrap();
            let (tx, _rx) = mesh.ends().unwrap();
            let takes = move || async move {
                let (_tx, mut rx) = mesh.ends().unwrap();
                sleep(SOON).await;
                for number in 0..taken {
                    assert_eq!(rx.recv().await, Ok(number));
                }
                pending::<()>().await;
            };
            begin(1, takes).await;
            for number in 0..capacity + taken {
                tx.send(1, number).await.unwrap();
            }
            assert_eq!(tx.try_send(1, 0), Err(TrySendError::Full(0)));
        });
    }
}

#[test]
fn h07_sends_that_give_up_take_nobodys_room_with_them() {
    run(start(2), || async {
        let mesh = Mesh::<usize>::start(1).await.unwrap();
        let (tx, _rx) = mesh.ends().unwrap();
        tx.send(1, usize::MAX).await.unwrap();
        let waiting: Vec<_> = (0..1_000)
            .map(|number| {
                let tx = tx.clone();
                spawn_local(async move { tx.send(1, number).await.unwrap() })
            })
            .collect();
        yield_now().await;
        let mut seed = 5_usize;
        let mut gives_up = || {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            seed >> 63 == 0
        };
        let (left, kept): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|_| gives_up());
        let kept_count = kept.len();
        let receives = spawn_local(submit_async_to(1, move || async move {
            let (own, mut rx) = mesh.ends().unwrap();
            drop(own);
            let mut received = 0;
            while rx.recv().await.is_ok() {
                received += 1;
            }
            received
        }));
        // Some of those that give up were woken before.
        for task in left {
            task.abort();
            yield_now().await;
        }
        for task in kept {
            task.await.unwrap();
        }
        drop(tx);
        let received = receives.await.unwrap().unwrap();
        assert!((kept_count + 1..=1_001).contains(&received), "{received}");
    });
}

#[test]
fn h18_who_sends_and_receives_for_ever_holds_up_nobody() {
    run(start(1), || async {
        let mesh = Mesh::<u8>::start(4).await.unwrap();
        let (tx, mut rx) = mesh.ends().unwrap();
        drop(spawn_local(async move {
            loop {
                tx.send(0, 1).await.unwrap();
                rx.recv().await.unwrap();
            }
        }));
        sleep(Duration::from_millis(1)).await;
    });
}

/// Counts its clones by its references.
struct Counted;

impl Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_message_that_is_there_costs_no_waker() {
    run(start(1), || async {
        let mesh = Mesh::<usize>::start(8).await.unwrap();
        let (tx, mut rx) = mesh.ends().unwrap();
        let counted = Arc::new(Counted);
        let waker = Waker::from(Arc::clone(&counted));
        let mut cx = Context::from_waker(&waker);
        for number in 0..8 {
            let sent = pin!(tx.send(0, number)).poll(&mut cx);
            assert_eq!(sent, Poll::Ready(Ok(())));
        }
        for number in 0..8 {
            let received = pin!(rx.recv()).poll(&mut cx);
            assert_eq!(received, Poll::Ready(Ok(number)));
        }
        assert_eq!(Arc::strong_count(&counted), 2, "no clone is left");
        let mut waits = pin!(rx.recv());
        assert!(waits.as_mut().poll(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&counted), 3, "now one is");
    });
}

/// Counts its drops.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn h08_every_message_is_dropped_once_when_the_executor_stops_under_load() {
    for round in 0..20 {
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let executor = shards(3).with_shuffle(round).start().unwrap();
        let counts = (Arc::clone(&made), Arc::clone(&dropped));
        let begun = executor.block_on(0, move || async move {
            let mesh = Mesh::<Dropped>::start(2).await.unwrap();
            // The ends of the last shard are taken by nobody.
            for shard in 0..2 {
                let (made, dropped) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                let work = submit_to(shard, move || {
                    let (tx, mut rx) = mesh.ends().unwrap();
                    for to in 0..3 {
                        let (tx, made, dropped) =
                            (tx.clone(), Arc::clone(&made), Arc::clone(&dropped));
                        drop(spawn_local(async move {
                            loop {
                                made.fetch_add(1, SeqCst);
                                let message = Dropped(Arc::clone(&dropped));
                                if tx.send(to, message).await.is_err() {
                                    pending::<()>().await;
                                }
                            }
                        }));
                    }
                    drop(spawn_local(async move { while rx.recv().await.is_ok() {} }));
                });
                work.await.unwrap();
            }
        });
        begun.unwrap();
        while made.load(SeqCst) < 20 * round as usize {
            std::thread::yield_now();
        }
        let reports = executor.stop_timeout(Duration::from_secs(60));
        reports.map_err(std::mem::forget).expect("it ends");
        assert_eq!(made.load(SeqCst), dropped.load(SeqCst), "round {round}");
    }
}

#[test]
fn a_message_that_panics_when_it_is_dropped_leaves_the_shards_alive() {
    struct Loud;
    impl Drop for Loud {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("in a message");
            }
        }
    }
    run(start(2), || async {
        let mesh = Mesh::<Loud>::start(2).await.unwrap();
        let (tx, rx) = mesh.ends().unwrap();
        tx.send(1, Loud).await.map_err(drop).unwrap();
        tx.send(0, Loud).await.map_err(drop).unwrap();
        let ends = spawn_local(async move {
            let _ends = (tx, rx);
            poll_fn(|_| Poll::Ready(())).await;
        });
        let _panicked = ends.await;
        let _panicked = mesh.stop().await;
        submit_to(1, || ()).await.unwrap();
    });
}
