//! What shards, outsiders and watchdogs see of a shard.
#![forbid(unsafe_code)]

use std::sync::Arc;

use shared_nothing_rings::{mpsc, wait::Doorbell};

use super::{
    beat::Beat,
    outside::{Job, Waiting},
    room::Wanting,
};
use crate::sync::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// One shard, seen from outside.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) bell: Doorbell,
    pub(crate) wanting: Wanting,
    pub(crate) beat: Beat,
    /// Calls from threads that are no shards.
    pub(crate) jobs: mpsc::Producer<'static, Job>,
    /// Outsiders that wait for room there.
    pub(crate) outsiders: Waiting,
}

/// What all shards of an executor share. Read at every turn, and written a few times in its life.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) peers: Box<[Arc<Peer>]>,
    is_draining: AtomicUsize,
    /// Shards that may still have calls under way.
    open: AtomicUsize,
    /// Whether a shard is announcing that it parks: one at a time.
    announcing: AtomicUsize,
    pub(crate) services: AtomicUsize,
    /// Threads that have not ended.
    running: AtomicUsize,
    pub(crate) ended: Doorbell,
}

impl Shared {
    pub(crate) fn new(peers: Box<[Arc<Peer>]>) -> Self {
        let shards = peers.len();
        Self {
            peers,
            is_draining: AtomicUsize::new(0),
            open: AtomicUsize::new(shards),
            announcing: AtomicUsize::new(0),
            services: AtomicUsize::new(0),
            running: AtomicUsize::new(shards),
            ended: Doorbell::new(),
        }
    }

    pub(crate) fn ring_all(&self) {
        for peer in &self.peers {
            peer.bell.ring();
        }
    }

    /// From now on nothing new begins. Returns at once.
    pub(crate) fn drain(&self) {
        // RELAXED: a flag; no data comes with it, and the doorbells order it before the shards' last looks.
        self.is_draining.store(1, Relaxed);
        for peer in &self.peers {
            peer.jobs.close();
            peer.outsiders.wake_all();
        }
        self.ring_all();
    }

    pub(crate) fn is_draining(&self) -> bool {
        // RELAXED: as above.
        self.is_draining.load(Relaxed) != 0
    }

    /// A shard that drains has no call under way any more, and makes none.
    pub(crate) fn leave_mesh(&self) {
        // MESH, both ends: all parcels of this shard came home before.
        if self.open.fetch_sub(1, AcqRel) == 1 {
            self.ring_all();
        }
    }

    /// Whether no shard has a call under way: no parcel is in any lane, or will be.
    pub(crate) fn is_mesh_empty(&self) -> bool {
        // MESH, acquire end.
        self.open.load(Acquire) == 0
    }

    /// Takes the right to announce a park.
    pub(crate) fn try_announce(&self) -> bool {
        // RELAXED: no data comes with it; it keeps system calls apart, and nothing depends on it.
        self.announcing.swap(1, Relaxed) == 0
    }

    pub(crate) fn end_announce(&self) {
        // RELAXED: as above.
        self.announcing.store(0, Relaxed);
    }

    /// A thread ends.
    pub(crate) fn leave(&self) {
        // GONE, release end: what the thread did.
        self.running.fetch_sub(1, Release);
        self.ended.ring();
    }

    pub(crate) fn is_over(&self) -> bool {
        // GONE, acquire end.
        self.running.load(Acquire) == 0
    }
}
