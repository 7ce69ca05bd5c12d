//! Workers come and go under load: nothing is lost, and each sender's messages of a key keep their order.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use shared_nothing::{
    executor::{LocalExecutor, timeout},
    pool::{Overflow, ResizeError, SendError, Sender, WorkerPool},
    worker::{Context, Exported, MapSlots, Worker},
};

use crate::support::{LONG, assert_conserved, config, gate, pass, run};

/// What a key has seen: the last number of each sender.
type Seen = HashMap<u64, HashMap<u64, u64>>;

/// Key, sender, number: counted from 1 without a gap, by a state that moves with its key.
type Message = (u64, u64, u64);

/// Checks the order of each sender and key.
struct Ordered {
    all: Arc<Mutex<Seen>>,
    wrong: Arc<AtomicU64>,
}

impl Worker for Ordered {
    type State = Seen;
    type Message = Message;
    type Error = String;

    fn init(&self, _: &Context<Message>) -> Result<Seen, String> {
        Ok(Seen::new())
    }

    fn handle_message(
        &self,
        seen: &mut Seen,
        (key, sender, n): Message,
        _: &Context<Message>,
    ) -> Result<(), String> {
        let last = seen.entry(key).or_default().entry(sender).or_default();
        if n != *last + 1 {
            self.wrong.fetch_add(1, Ordering::SeqCst);
            return Err(format!("{n} after {last} of {sender} for {key}"));
        }
        *last = n;
        Ok(())
    }

    fn export(&self, seen: &mut Seen, slots: &MapSlots, _: &Context<Message>) -> Option<Exported> {
        let moved: Seen = seen.extract_keys(slots);
        Some(Box::new(moved))
    }

    fn import(
        &self,
        seen: &mut Seen,
        slots: &MapSlots,
        exported: Exported,
        _: &Context<Message>,
    ) -> Result<(), String> {
        let moved = exported.downcast::<Seen>().map_err(|_| "another's")?;
        for (key, senders) in *moved {
            if !slots.contains_key(&key) || seen.insert(key, senders).is_some() {
                self.wrong.fetch_add(1, Ordering::SeqCst);
            }
        }
        Ok(())
    }

    fn shutdown(&self, seen: Seen, _: &Context<Message>) -> Result<(), String> {
        let mut all = self.all.lock().unwrap();
        for (key, senders) in seen {
            // One worker has each key at the end.
            assert!(all.insert(key, senders).is_none(), "key {key} is at two");
        }
        Ok(())
    }
}

trait ExtractKeys {
    fn extract_keys(&mut self, slots: &MapSlots) -> Self;
}

impl ExtractKeys for Seen {
    fn extract_keys(&mut self, slots: &MapSlots) -> Self {
        let (moved, stays) = self.drain().partition(|(key, _)| slots.contains_key(key));
        *self = stays;
        moved
    }
}

type Ends = (Arc<Mutex<Seen>>, Arc<AtomicU64>);

fn start(workers: usize, capacity: usize) -> (WorkerPool<Message>, Ends) {
    let ends = Ends::default();
    let (all, wrong) = ends.clone();
    let config = config(workers)
        .with_shards(2)
        .with_capacity(capacity)
        .with_urgent(capacity)
        .with_batch_max(8);
    let pool = WorkerPool::start(config, move |_| Ordered {
        all: Arc::clone(&all),
        wrong: Arc::clone(&wrong),
    });
    (pool.unwrap(), ends)
}

struct SetOnDrop<'f>(&'f AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn workers_come_and_go_under_load_and_no_key_notices() {
    const KEYS: u64 = 97;
    for capacity in [1, 64] {
        let (pool, (all, wrong)) = start(2, capacity);
        let is_over = AtomicBool::new(false);
        let (mut sent, mut by_sender) = (0, Vec::new());
        thread::scope(|threads| {
            let is_over = &is_over;
            // Also when an assertion fails here: the senders end, and so does the test.
            let over = SetOnDrop(is_over);
            // One by the mailbox, one urgently, one by lanes.
            let senders: Vec<_> = (0..3)
                .map(|sender| {
                    let tx = pool.sender();
                    threads.spawn(move || {
                        let mut counts = vec![0; KEYS as usize];
                        let mut batcher = (sender == 2).then(|| tx.batcher().unwrap());
                        let mut key = sender;
                        while !is_over.load(Ordering::SeqCst) {
                            key = (key * 31 + 7) % KEYS;
                            counts[key as usize] += 1;
                            let message = (key, sender, counts[key as usize]);
                            match &mut batcher {
                                None if sender == 1 => {
                                    tx.send_urgent_partitioned(&key, message).unwrap();
                                }
                                None => tx.send_partitioned(&key, message).unwrap(),
                                Some(batcher) => {
                                    batcher.send_partitioned(&key, message).unwrap();
                                    if key % 8 == 0 {
                                        batcher.flush().unwrap();
                                    }
                                }
                            }
                        }
                        drop(batcher);
                        counts
                    })
                })
                .collect();
            for round in 0..3 {
                let worker = pool.add_worker().unwrap();
                assert!(worker != round && worker <= 2 + round, "{worker}");
                let report = pool.remove_worker(round).unwrap();
                assert!(
                    report.moved > 1000 && report.pauses.max() > Duration::ZERO,
                    "{report:?}"
                );
                pool.rebalance().unwrap();
                pool.even_out().unwrap();
            }
            drop(over);
            for sender in senders {
                let counts = sender.join().unwrap();
                sent += counts.iter().sum::<u64>();
                by_sender.push(counts);
            }
        });
        let report = pool.stop();
        report.workers.iter().for_each(assert_conserved);
        assert!((3..=5).contains(&report.workers.len()));
        let handled: u64 = report.workers.iter().map(|w| w.counts.handled).sum();
        assert_eq!(handled, sent);
        assert_eq!(wrong.load(Ordering::SeqCst), 0);
        // The state is complete, at whichever worker.
        let all = all.lock().unwrap();
        for (sender, counts) in by_sender.iter().enumerate() {
            for (key, count) in counts.iter().enumerate() {
                let senders = all.get(&(key as u64));
                let last = senders.and_then(|senders| senders.get(&(sender as u64)));
                assert_eq!(last.copied().unwrap_or(0), *count, "{sender} of {key}");
            }
        }
    }
}

/// On a loaded machine a worker may not get there within a short limit.
fn remove_in_the_end<M: Send>(pool: &WorkerPool<M>, worker: usize) {
    while let Err(error) = pool.remove_worker(worker) {
        assert!(matches!(error, ResizeError::TimedOut { .. }), "{error:?}");
    }
}

#[test]
fn a_move_that_a_batcher_holds_up_is_given_up_and_nothing_has_changed() {
    let (all, wrong) = Ends::default();
    let config = config(2).with_move_timeout(Duration::from_millis(20));
    let pool = WorkerPool::start(config, move |_| Ordered {
        all: Arc::clone(&all),
        wrong: Arc::clone(&wrong),
    })
    .unwrap();
    let mut batcher = pool.sender().batcher().unwrap();
    let of_first = (0..)
        .find(|key: &u64| pool.sender().worker_of(key) == 0)
        .unwrap();
    batcher
        .send_partitioned(&of_first, (of_first, 0, 1))
        .unwrap();
    match pool.remove_worker(0) {
        Err(ResizeError::Unflushed { worker: 0 }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.sender().worker_of(&of_first), 0);
    pool.send_partitioned(&5_u64, (5, 1, 1)).unwrap();
    batcher.flush().unwrap();
    remove_in_the_end(&pool, 0);
    assert_eq!(pool.sender().worker_of(&of_first), 1);
    // The batcher goes on, to the new owner.
    batcher
        .send_partitioned(&of_first, (of_first, 0, 2))
        .unwrap();
    batcher.flush().unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(
        report.workers[1].counts.failed, 0,
        "{:?}",
        report.workers[1].last_error
    );
}

#[test]
fn a_move_that_the_giver_holds_up_is_given_up_and_its_senders_go_on() {
    let (open, closed) = gate();
    let config = config(2).with_move_timeout(Duration::from_millis(20));
    let pool = WorkerPool::start(config, move |_| {
        let closed = Arc::clone(&closed);
        run(move |is_first: bool, context: &Context<bool>| {
            if is_first && context.id() == 0 {
                pass(&closed);
            }
        })
    })
    .unwrap();
    pool.send_to(0, true).unwrap();
    match pool.remove_worker(0) {
        Err(ResizeError::TimedOut { worker: 0 }) => {}
        other => panic!("{other:?}"),
    }
    for key in 0..100_u64 {
        pool.send_partitioned(&key, false).unwrap();
    }
    open.send(()).unwrap();
    remove_in_the_end(&pool, 0);
    assert!((0..1000_u64).all(|key| pool.sender().worker_of(&key) == 1));
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    let handled: u64 = report.workers.iter().map(|w| w.counts.handled).sum();
    assert_eq!(handled, 101);
}

#[test]
fn h07_a_move_that_is_dropped_leaves_no_sender_waiting() {
    let (open, closed) = gate();
    let exports = Arc::new(AtomicU64::new(0));
    let (its_closed, its_exports) = (closed, Arc::clone(&exports));
    let pool = WorkerPool::start(config(2), move |_| Exports {
        gate: Arc::clone(&its_closed),
        exports: Arc::clone(&its_exports),
    })
    .unwrap();
    // The giver is held, so that the move waits for it; and then nobody waits for the move.
    pool.send_to(0, true).unwrap();
    LocalExecutor::new().block_on(async {
        let removed = pool.remove_worker_here(0);
        let gave_up = timeout(Duration::from_millis(50), removed).await;
        assert!(gave_up.is_err(), "{gave_up:?}");
    });
    let sender = pool.sender();
    for key in 0..1500_u64 {
        let sent = sender.send_partitioned_timeout(&key, false, LONG / 8);
        assert_eq!(sent, Ok(()));
    }
    open.send(()).unwrap();
    pool.ping(0).unwrap().wait().unwrap();
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert!(report.workers.iter().all(|w| w.counts.handled > 500));
    assert_eq!(
        exports.load(Ordering::SeqCst),
        0,
        "its state stays where it is"
    );
}

/// Waits at the gate when it is told to; counts what it gave away.
struct Exports {
    gate: crate::support::Gate,
    exports: Arc<AtomicU64>,
}

impl Worker for Exports {
    type State = ();
    type Message = bool;
    type Error = String;

    fn init(&self, _: &Context<bool>) -> Result<(), String> {
        Ok(())
    }

    fn handle_message(&self, (): &mut (), waits: bool, _: &Context<bool>) -> Result<(), String> {
        if waits {
            pass(&self.gate);
        }
        Ok(())
    }

    fn export(&self, (): &mut (), _: &MapSlots, _: &Context<bool>) -> Option<Exported> {
        self.exports.fetch_add(1, Ordering::SeqCst);
        None
    }
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let config = config(2)
        .with_workers_max(3)
        .with_overflow(Overflow::DropOldest);
    let pool = WorkerPool::start(config, |_| run(|(): (), _| {})).unwrap();
    assert_eq!(pool.add_worker().unwrap(), 2);
    match pool.add_worker() {
        Err(ResizeError::PoolFull { workers_max: 3 }) => {}
        other => panic!("{other:?}"),
    }
    match pool.remove_worker(7) {
        Err(ResizeError::NoSuchWorker(_)) => {}
        other => panic!("{other:?}"),
    }
    pool.remove_worker(0).unwrap();
    pool.remove_worker(2).unwrap();
    match pool.remove_worker(1) {
        Err(ResizeError::LastWorker) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.send_to(2, ()), Err(SendError::Closed(())));
    for key in 0..50_u64 {
        pool.send_partitioned(&key, ()).unwrap();
    }
    pool.stop().workers.iter().for_each(assert_conserved);
}

#[test]
fn the_keys_of_a_worker_that_ended_go_to_the_others() {
    let pool = WorkerPool::start(config(2), |_| {
        run(|bad: bool, _: &Context<bool>| assert!(!bad, "bad"))
    })
    .unwrap();
    pool.send_to(0, true).unwrap();
    while pool.send_to(0, false).is_ok() {
        thread::yield_now();
    }
    while let Err(error) = pool.remove_worker(0) {
        // It is about to end.
        assert!(
            matches!(error, ResizeError::Ended { worker: 0 }),
            "{error:?}"
        );
        thread::yield_now();
    }
    for key in 0..50_u64 {
        pool.send_partitioned(&key, false).unwrap();
    }
    let report = pool.stop();
    report.workers.iter().for_each(assert_conserved);
    assert_eq!(report.workers[1].counts.handled, 50);
}

/// Two hot keys of two map slots, both of the first worker: `send` sends so many messages of them, and gives what is kept
/// meanwhile. One slot moves.
fn two_hot_keys_part<K>(send: impl FnOnce(&Sender<()>, [u64; 2], usize) -> K) {
    let pool = WorkerPool::start(config(2), |_| run(|(): (), _| {})).unwrap();
    let tx = pool.sender();
    let mut keys = (0_u64..).filter(|key| tx.worker_of(key) == 0);
    let hot = [keys.next().unwrap(), keys.next().unwrap()];
    let _kept = send(&tx, hot, 20_000);
    let report = pool.rebalance().unwrap();
    assert!(report.moved >= 1, "{report:?}");
    let owners = hot.map(|key| tx.worker_of(&key));
    assert!(owners.contains(&0) && owners.contains(&1), "{owners:?}");
    assert_eq!(pool.rebalance().unwrap().moved, 0, "loads begin anew");
    pool.stop().workers.iter().for_each(assert_conserved);
}

#[test]
fn hot_map_slots_are_seen_and_move_to_who_has_less_to_do() {
    two_hot_keys_part(|tx, hot, count| {
        for n in 0..count {
            tx.send_partitioned(&hot[n / 7 % 2], ()).unwrap();
        }
    });
}

#[test]
fn hot_map_slots_of_batchers_are_seen_also_where_keys_come_in_turns() {
    // A batch is of 64: every 64th message would be of the same key each time.
    for turn in [1, 7, 32, 64] {
        two_hot_keys_part(|tx, hot, count| {
            let mut batcher = tx.batcher().unwrap();
            for n in 0..count {
                batcher.send_partitioned(&hot[n / turn % 2], ()).unwrap();
            }
            batcher.flush().unwrap();
            batcher
        });
    }
}
