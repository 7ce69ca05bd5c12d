//! Models of a map slot that moves while somebody sends to it: by a mailbox, and by a lane.
//!
//! Two threads, one slot that moves and one message for it, at most 3 preemptions; in a run, one more of a slot that
//! stays. The map, the barrier, the mailbox's ring, the lane and its mark are those of the pool. What an import leaves
//! behind is a relaxed word here, so that MOVED alone carries it.
//!
//! `tests/planted` has the bugs that they notice. What they cannot show: `membarrier`, whose part the heavy barrier's fence
//! plays in a model.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use loom::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
};
use shared_nothing_rings::{mpsc, spsc};

use super::Routes;
use crate::{
    stats::Probe,
    sys::Clock,
    worker::lane::{LaneEnd, LaneMark},
};

/// The owners of the one slot.
const GIVER: u16 = 0;
const TAKER: u16 = 1;

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The giver handles it, before the export.
    Before,
    /// The move was seen at the first look.
    SeenAtOnce,
    /// A place was claimed, and given up: RECHECK has seen the move.
    GivenUp,
    /// The move was over at the first look.
    After,
}

fn outcomes(model: impl Fn() -> Way + Send + Sync + 'static) -> BTreeSet<Way> {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let all = Arc::clone(&reached);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(move || {
        let way = model();
        all.lock().unwrap().insert(way);
    });
    let outcomes = core::mem::take(&mut *reached.lock().unwrap());
    outcomes
}

const MESSAGE: u32 = 7;
/// Of a slot that does not move.
const OTHER: u32 = 8;

/// The sender of `Sender::claim`: looks, claims, looks again, and fills its place or gives it up.
fn send_by_mailbox(routes: &Routes<1>, mailbox: &mpsc::Producer<'static, u32>) -> Way {
    let route = routes.route(0);
    if route.is_moving() {
        return Way::SeenAtOnce;
    }
    if route.worker() == usize::from(TAKER) {
        return Way::After;
    }
    let Ok(mut place) = mailbox.reserve(1) else {
        unreachable!("the ring has room, and is open")
    };
    if !routes.holds(0, route) {
        return Way::GivenUp;
    }
    assert_eq!(place.push(MESSAGE), Ok(()));
    Way::Before
}

/// The sender of `Sender::try_send_run`: two messages, the first of a slot that stays.
fn send_run_by_mailbox(routes: &Routes<2>, mailbox: &mpsc::Producer<'static, u32>) -> Way {
    let (stays, moves) = (routes.route(0), routes.route(1));
    if moves.worker() == usize::from(TAKER) {
        return Way::After;
    }
    let Ok(mut places) = mailbox.reserve(2) else {
        unreachable!("the ring has room, and is open")
    };
    // It is not asked before the claim whether any but the first moves.
    if !(routes.holds(0, stays) && routes.still_holds(1, moves)) {
        return match moves.is_moving() {
            true => Way::SeenAtOnce,
            false => Way::GivenUp,
        };
    }
    assert_eq!(places.push_all(&mut [OTHER, MESSAGE].into_iter()), 2);
    Way::Before
}

/// The last slot moves, and messages of it come before the export or are not in the giver's mailbox.
fn by_a_mailbox<const SLOTS: usize>(
    send: fn(&Routes<SLOTS>, &mpsc::Producer<'static, u32>) -> Way,
) {
    let reached = outcomes(move || {
        let (mailbox, mut inbox) = mpsc::with_capacity::<u32>(2).expect("a small ring");
        let routes = Arc::new(Routes::<SLOTS>::of(&[GIVER; SLOTS]));
        let its_routes = Arc::clone(&routes);
        let its_mailbox = mailbox.clone();
        let sender = thread::spawn(move || send(&its_routes, &its_mailbox));
        // The mover: MARK, and SURVEY.
        let moving = [SLOTS - 1];
        routes.mark(&moving);
        let position = mailbox.position();
        // The giver handles all below it, as `Inbox::has_taken` says, and exports.
        let mut handled = 0;
        loop {
            handled += inbox.drain(2).filter(|n| *n == MESSAGE).count();
            let claimed = mailbox.position();
            if claimed.saturating_sub(inbox.len()) >= position {
                break;
            }
            thread::yield_now();
        }
        routes.settle(&moving, usize::from(TAKER));
        let way = sender.join().unwrap();
        // Whatever was put in later is there now, and nobody handles it in its turn.
        assert!(
            inbox.drain(2).all(|n| n != MESSAGE),
            "it came behind the export"
        );
        assert_eq!(handled, usize::from(way == Way::Before));
        way
    });
    let all = [Way::Before, Way::SeenAtOnce, Way::GivenUp, Way::After];
    assert_eq!(reached, BTreeSet::from(all));
}

#[test]
fn a_message_by_a_mailbox_comes_before_the_export_or_goes_to_the_taker() {
    by_a_mailbox(send_by_mailbox);
}

#[test]
fn a_message_in_a_run_comes_before_the_export_or_goes_to_the_taker() {
    by_a_mailbox(send_run_by_mailbox);
}

/// The sender of `Batcher::send_slot`, for the first of a batch.
fn send_by_lane(routes: &Routes<1>, lane: &mut LaneEnd<u32>) -> Way {
    let route = routes.route(0);
    if route.is_moving() {
        return Way::SeenAtOnce;
    }
    if route.worker() == usize::from(TAKER) {
        return Way::After;
    }
    assert!(lane.mark(), "it is the first");
    if !routes.holds(0, route) {
        return Way::GivenUp;
    }
    assert!(lane.try_put(MESSAGE, Clock::start()).is_ok());
    Way::Before
}

#[test]
fn a_message_by_a_lane_comes_before_the_export_or_goes_to_the_taker() {
    let reached = outcomes(|| {
        let (lane, mut inbox) = spsc::with_capacity::<u32>(2).expect("a small ring");
        let (routes, mark) = (
            Arc::new(Routes::<1>::of(&[GIVER])),
            Arc::new(LaneMark::default()),
        );
        let (its_routes, its_mark) = (Arc::clone(&routes), Arc::clone(&mark));
        let sender = thread::spawn(move || {
            let mut lane = LaneEnd::new(lane.batched(), Arc::new(Probe::new(2)), its_mark);
            let way = send_by_lane(&its_routes, &mut lane);
            lane.publish();
            (way, lane)
        });
        routes.mark(&[0]);
        while !mark.is_quiet() {
            thread::yield_now();
        }
        // SURVEY of the lane: what is in it now comes before.
        let handled = inbox.drain(2).count();
        routes.settle(&[0], usize::from(TAKER));
        let (way, lane) = sender.join().unwrap();
        assert_eq!(inbox.drain(2).count(), 0, "it came behind the export");
        assert_eq!(handled, usize::from(way == Way::Before));
        drop(lane);
        way
    });
    let all = [Way::Before, Way::SeenAtOnce, Way::GivenUp, Way::After];
    assert_eq!(reached, BTreeSet::from(all));
}

/// Whoever is led to the taker finds the state there, after a wait or at once.
#[test]
fn who_waits_for_a_slot_finds_what_was_imported() {
    let reached = outcomes(|| {
        let (routes, state) = (
            Arc::new(Routes::<1>::of(&[GIVER])),
            Arc::new(AtomicUsize::new(0)),
        );
        let (its_routes, its_state) = (Arc::clone(&routes), Arc::clone(&state));
        routes.mark(&[0]);
        let sender = thread::spawn(move || {
            let is_over = !its_routes.route(0).is_moving();
            let route = its_routes.wait(0);
            let imported = its_state.load(Relaxed);
            assert_eq!((route.worker(), imported), (usize::from(TAKER), 1));
            match is_over {
                true => Way::After,
                false => Way::SeenAtOnce,
            }
        });
        // The import, and then MOVED.
        state.store(1, Relaxed);
        routes.settle(&[0], usize::from(TAKER));
        sender.join().unwrap()
    });
    assert_eq!(reached, BTreeSet::from([Way::SeenAtOnce, Way::After]));
}
