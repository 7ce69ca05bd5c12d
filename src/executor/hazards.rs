//! What cannot be seen from outside: shards made by hand, turned by hand on one thread, with their insides at hand.

use core::{cell::Cell, future::Future, pin::Pin};
use std::{
    rc::Rc,
    sync::{Arc, Mutex, mpsc as std_mpsc},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use shared_nothing_rings::lanes;

use super::{
    CallError, Handle, Idle, context,
    core::{Clock, Core},
    idle::Waiter,
    peer::Shared,
    shard::{Mesh, Pinned, Shard},
    spawn_local, start, submit_async_to, submit_to,
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
    let deadline = Instant::now() + Duration::from_secs(30);
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

/// A task of `shard` that makes `count` calls to shard `to`, one at a time, and counts them.
fn caller(shard: &Shard, to: usize, count: u32) -> Rc<Cell<u32>> {
    let answered = Rc::new(Cell::new(0));
    let count_up = Rc::clone(&answered);
    let calls = async move {
        for _ in 0..count {
            submit_to(to, || ()).await.unwrap();
            count_up.set(count_up.get() + 1);
        }
    };
    drop(shard.core().spawn(calls, core::panic::Location::caller()));
    answered
}

#[test]
fn h18_who_is_answered_in_every_turn_serves_others() {
    let (shared, shards) = shards(2, 4);
    let answered = caller(&shards[0], 1, 100);
    caller(&shards[1], 0, 1);
    for _ in 0..8 {
        shards.iter().for_each(|shard| {
            turn(shard);
        });
    }
    assert!(answered.get() >= 4, "{}", answered.get());
    assert_eq!(shards[0].counts().served, 1, "it hears nobody else");
    stop(&shared, &shards);
}

#[test]
fn a_call_that_is_alone_is_answered_in_its_cell() {
    let (shared, shards) = shards(2, 4);
    // The second is not alone, and goes by the lanes.
    let [first, second] = [(); 2].map(|()| caller(&shards[0], 1, 1));
    turn(&shards[0]);
    assert!(!shards[0].watch().has_answer() && !shards[0].look());
    turn(&shards[1]);
    assert!(
        shards[0].watch().has_answer(),
        "there before anything is sent back"
    );
    assert!(shards[0].look(), "it is found before a park");
    turn(&shards[0]);
    assert_eq!((first.get(), second.get()), (1, 0));
    assert!(!shards[0].watch().has_answer());
    turn(&shards[0]);
    assert_eq!((first.get(), second.get()), (1, 1));
    stop(&shared, &shards);
}

#[test]
fn h01_a_call_that_is_alone_waits_for_room_as_others_do() {
    let (shared, shards) = shards(2, 1);
    // The lane holds one, and another is before it in the outbox.
    for _ in 0..2 {
        let later = async { submit_async_to(1, || async {}).await.unwrap() };
        let place = core::panic::Location::caller();
        drop(shards[0].core().spawn(later, place));
    }
    let answered = caller(&shards[0], 1, 3);
    turn(&shards[0]);
    assert_eq!(shards[1].counts().served, 0);
    while shards.iter().fold(false, |any, shard| turn(shard) | any) {}
    assert_eq!((answered.get(), shards[1].counts().served), (3, 5));
    stop(&shared, &shards);
}

#[test]
fn a_call_that_is_alone_overtakes_none() {
    let (shared, shards) = shards(2, 4);
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |number| {
        let order = Arc::clone(&order);
        move || order.lock().unwrap().push(number)
    };
    let (first, second) = (note(1), note(2));
    let later = async move {
        let code = move || {
            first();
            async {}
        };
        submit_async_to(1, code).await.unwrap();
    };
    let place = core::panic::Location::caller();
    drop(shards[0].core().spawn(later, place));
    // Tasks of one shard begin in the order in which they are spawned there.
    let code = || drop(spawn_local(async move { second() }));
    let at_once = async move { submit_to(1, code).await.unwrap() };
    drop(shards[0].core().spawn(at_once, place));
    while shards.iter().fold(false, |any, shard| turn(shard) | any) {}
    assert_eq!(*order.lock().unwrap(), [1, 2]);
    stop(&shared, &shards);
}

#[test]
fn a_call_that_is_alone_is_left_or_refused() {
    let (shared, shards) = shards(2, 4);
    let sent = |shard: &Rc<Shard>| {
        let _current = context::enter_shard(shard);
        let mut call = submit_to(1, || ());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut call).poll(&mut cx).is_pending());
        call
    };
    drop(sent(&shards[0]));
    turn(&shards[1]);
    assert!(shards[0].watch().has_answer());
    turn(&shards[0]);
    assert_eq!(shards[1].counts().served, 1);
    // Sent, and not served before the stop.
    let mut call = sent(&shards[0]);
    stop(&shared, &shards);
    assert_eq!(shards[1].counts().served, 1, "nothing new begins");
    let mut cx = Context::from_waker(Waker::noop());
    let outcome = Pin::new(&mut call).poll(&mut cx);
    assert!(matches!(outcome, Poll::Ready(Err(CallError::NotRun))));
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
