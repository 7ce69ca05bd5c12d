//! What cannot be seen from outside: shards made by hand, turned by hand on one thread, with their insides at hand.

use core::cell::Cell;
use std::{
    rc::Rc,
    sync::{Arc, mpsc as std_mpsc},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use shared_nothing_rings::lanes;

use super::{
    Handle, Idle, context,
    core::{Clock, Core},
    idle::Waiter,
    peer::Shared,
    shard::{Mesh, Pinned, Shard},
    start, submit_to,
};

/// Shards that nobody runs.
fn shards(count: usize, lane_capacity: usize) -> (Arc<Shared>, Vec<Rc<Shard>>) {
    let made = (0..count).map(|shard| {
        let lanes = lanes::with_capacity(count, lane_capacity).unwrap();
        start::make(shard, count, lanes).unwrap()
    });
    let (intakes, made): (Vec<_>, Vec<_>) = made.unzip();
    let (shared, senders) = start::join(made);
    let shards = intakes.into_iter().zip(senders).enumerate();
    let shards = shards.map(|(id, (intake, senders))| {
        let mesh = Mesh {
            shared: Arc::clone(&shared),
            senders,
            lane_capacity,
            credits: 2 * lane_capacity,
            pinned: Pinned::default(),
        };
        let core = Core::new(Clock::Given(Cell::new(0)), Box::new(|| {}));
        Shard::new(id, core, intake, mesh)
    });
    let shards = shards.collect();
    (shared, shards)
}

fn turn(shard: &Rc<Shard>) -> bool {
    let _current = context::enter_shard(shard);
    shard.turn()
}

/// Ends what `shards` began, as their threads would.
fn stop(shared: &Shared, shards: &[Rc<Shard>]) {
    shared.drain();
    while shards.iter().any(|shard| !shard.is_finished()) {
        for shard in shards {
            turn(shard);
        }
    }
}

#[test]
fn h17_a_call_from_outside_that_is_half_written_stops_nobody() {
    let (shared, shards) = shards(1, 4);
    let outsider = shared.peers[0].jobs.clone();
    // Stopped between its claim of a place and what it writes there.
    let mut place = outsider.reserve(1).unwrap();
    let handle = Handle::new(Arc::clone(&shared));
    let mut behind = Box::pin(handle.submit_to(0, || 7));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(behind.as_mut().poll(&mut cx).is_pending());
    let ran = Rc::new(Cell::new(0));
    let count = Rc::clone(&ran);
    let task = shards[0].core().spawn(
        async move { count.set(count.get() + 1) },
        core::panic::Location::caller(),
    );
    turn(&shards[0]);
    assert_eq!(ran.get(), 1, "the turn has ended, and did all else");
    assert!(task.is_finished() && behind.as_mut().poll(&mut cx).is_pending());
    assert!(!shards[0].look(), "it may park, and is rung");
    // Goes on: the place is given up, and the next is reached.
    assert_eq!(place.remaining(), 1);
    drop(place.push(super::outside::Job::nothing()));
    drop(place);
    turn(&shards[0]);
    assert!(matches!(behind.as_mut().poll(&mut cx), Poll::Ready(Ok(7))));
    drop((task, behind));
    stop(&shared, &shards);
}

#[test]
fn h24_one_shard_at_a_time_announces_that_it_parks() {
    let (tell, told) = std_mpsc::channel();
    std::thread::spawn(move || {
        let (shared, shards) = shards(2, 4);
        let waiter = Waiter::new(Idle::Park, true, None);
        // The other shard is in the middle of it.
        assert!(shared.try_announce());
        let _current = context::enter_shard(&shards[0]);
        waiter.wait(&shards[0]);
        assert_eq!(waiter.parks(), 0, "it went on polling instead");
        shared.end_announce();
        // Something to do comes before the second look: it gives the right back, and so it does after a park.
        let job = Handle::new(Arc::clone(&shared)).submit_to(0, || ());
        let mut job = Box::pin(job);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(job.as_mut().poll(&mut cx).is_pending());
        waiter.wait(&shards[0]);
        assert_eq!(waiter.parks(), 1);
        assert!(shared.try_announce(), "it was given back");
        shared.end_announce();
        drop(job);
        drop(_current);
        stop(&shared, &shards);
        tell.send(()).unwrap();
    });
    let ended = told.recv_timeout(Duration::from_secs(60));
    ended.expect("who comes second waits for nobody");
}

#[test]
fn h06_a_sender_woken_in_vain_asks_for_room_again() {
    let (tell, told) = std_mpsc::channel();
    let (tell_shared, told_shared) = std_mpsc::channel();
    let sender = std::thread::spawn(move || {
        let (shared, shards) = shards(2, 1);
        let current = context::enter_shard(&shards[0]);
        for _ in 0..2 {
            let call = submit_to(1, || ());
            let task = async { drop(call.await) };
            drop(
                shards[0]
                    .core()
                    .spawn(task, core::panic::Location::caller()),
            );
        }
        while shards[0].turn() {}
        tell_shared.send(Arc::clone(&shared)).unwrap();
        // The lane holds one call, and another waits for room. Only the stop below ends this.
        let waiter = Waiter::new(Idle::Park, true, None);
        while !shared.is_draining() {
            waiter.wait(&shards[0]);
        }
        drop(current);
        stop(&shared, &shards);
        tell.send(waiter.parks()).unwrap();
    });
    let shared = told_shared.recv().unwrap();
    // The receiver has taken parcels of others: it rings whoever wants room, and there is none for this one.
    let deadline = Instant::now() + Duration::from_secs(60);
    for round in 0..100 {
        let mut rung = false;
        while !rung {
            assert!(Instant::now() < deadline, "asks no more in round {round}");
            shared.peers[1].wanting.take(|sender| {
                rung = true;
                shared.peers[sender].bell.ring();
            });
            std::thread::yield_now();
        }
    }
    shared.drain();
    let parks = told.recv_timeout(Duration::from_secs(60));
    assert_eq!(parks, Ok(1), "woken in vain, it slept on");
    sender.join().unwrap();
}

#[test]
fn h26_an_idle_shard_looks_at_no_peers_lane() {
    const PEERS: usize = 70;
    let (shared, shards) = shards(PEERS + 1, 8);
    // Each peer sends more than fits, so that producers take leases, and then falls silent.
    for shard in &shards[1..] {
        let _current = context::enter_shard(shard);
        for _ in 0..100 {
            let call = submit_to(0, || ());
            drop(shard.core().spawn(
                async {
                    call.await.unwrap();
                },
                core::panic::Location::caller(),
            ));
        }
    }
    while shards.iter().fold(false, |any, shard| turn(shard) | any) {}
    assert_eq!(shards[0].counts().served as usize, 100 * PEERS);
    // The peers park. The shard looks, as it does while it spins.
    shards[1..].iter().for_each(|shard| shard.end_bursts());
    for _ in 0..100 {
        assert!(!shards[0].look());
    }
    assert_eq!(
        shards[0].dirty_lanes(),
        0,
        "one word says that nothing came"
    );
    stop(&shared, &shards);
}
