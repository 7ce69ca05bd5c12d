//! Messages of a user's own type between all shards: a lane from each shard to each, made where it is read.
//!
//! ```
//! use shared_nothing::executor::{Executor, ExecutorConfig, mesh::Mesh, spawn_local, submit_async_to};
//!
//! let executor = Executor::start(ExecutorConfig::new().with_shards(2))?;
//! let sum = executor.block_on(0, || async {
//!     let mesh = Mesh::<u64>::start(16).await.expect("16 fit");
//!     // A call is made when it is polled: here by a task of its own.
//!     let there = spawn_local(submit_async_to(1, move || async move {
//!         let (tx, mut rx) = mesh.ends().expect("taken once on each shard");
//!         let number = rx.recv().await.expect("shard 0 sends");
//!         tx.send(0, number + 1).await.expect("shard 0 receives");
//!     }));
//!     let (tx, mut rx) = mesh.ends().expect("taken once on each shard");
//!     tx.send(1, 6).await.expect("shard 1 receives");
//!     let number = rx.recv().await;
//!     there.await.expect("nobody aborts it").expect("it does not panic");
//!     number
//! })?;
//! assert_eq!(sum, Ok(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When to use it
//!
//! Streams of messages, when a reply to each is not asked for: a message is a few bytes in a ring, and nothing is
//! allocated. A call has a result, and a place to put it; for that use [`submit_to`](super::submit_to).
//!
//! # How tasks wait
//!
//! ```text
//!   task ─ send ─► lane from 0 to 1 ─► task ─ recv        what a shard's turn looks at (post.rs):
//!             │                          ▲                  inbox   a task waits, and a lane has something
//!             └─ rings 1, a load while   └─ waker, on 1     outlet  a task waits, and its lane has room
//!                1 is awake
//! ```
//!
//! No waker crosses: who sends publishes the message and rings the doorbell of the shard, which is a load while that is
//! awake. The shard looks in each of its turns whether what a task of its own waits for has come, and wakes it by its own
//! queue. A task that finds something costs no waker at all.
//!
//! A shard that parks while a task waits for room says so (`room.rs`), and the reader rings it: in each turn
//! in which it has taken messages, and after every half of a lane.
//!
//! # Why it cannot deadlock by itself
//!
//! Only tasks wait. One that waits for room goes on when the receiver of that lane takes a message, or is gone; one that
//! receives, when something was sent, or nobody is left. Tasks that wait for each other's messages, by the user's own
//! rules, still wait.
//!
//! # Closing
//!
//! All ends exist when [`start`](Mesh::start) returns: on a shard that has not taken its ends, messages wait. An end that
//! is dropped is seen by all others. When the executor stops, tasks and with them ends are dropped; every message is
//! dropped once.
#![forbid(unsafe_code)]

mod error;
mod inbox;
mod outlet;

use core::fmt;
use std::{rc::Rc, sync::Arc};

use shared_nothing_rings::{CapacityError, lanes};

pub use error::{MeshError, SendError, TrySendError};
pub use inbox::{Receiver, Receiving};
pub use outlet::{Sender, Sending};

use self::{
    inbox::Inbox,
    outlet::{LaneEnd, Outlet},
};
use super::{CallError, Sharded, context, post::Post, room::Wanting};

/// Lanes for messages of type `T` from each shard to each. A number: copy it to where its ends are taken.
///
/// Dropping it stops nothing.
pub struct Mesh<T> {
    places: Sharded<Place<T>>,
}

/// What a shard has of a mesh.
enum Place<T> {
    /// Not made, or taken.
    Empty,
    /// Not connected.
    Reader(lanes::Consumer<'static, T>, usize, Arc<Wanting>),
    Ends(Sender<T>, Receiver<T>),
}

impl<T> Clone for Mesh<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Mesh<T> {}

impl<T: Send + 'static> Mesh<T> {
    /// Makes lanes that hold `capacity` messages each, every lane on the shard that reads it, and connects them. Called
    /// on any shard.
    ///
    /// # Errors
    ///
    /// [`MeshError`]: no lanes can have this capacity, or the executor is stopping. Nothing is left then.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    ///
    /// # Cancellation
    ///
    /// What was made is left, unused, until the executor stops.
    pub async fn start(capacity: usize) -> Result<Self, MeshError> {
        let places = Sharded::start(|_| Place::Empty).await?;
        match Self::connect(places, capacity).await {
            Ok(()) => Ok(Self { places }),
            Err(error) => {
                let _stopping = places.stop().await;
                Err(error)
            }
        }
    }

    async fn connect(places: Sharded<Place<T>>, capacity: usize) -> Result<(), MeshError> {
        let make = move |place: &mut Place<T>| place.make(capacity);
        let mut ends = Vec::new();
        for producers in places.invoke_on_all(make).await? {
            ends.push(producers?.into_iter());
        }
        for shard in 0..ends.len() {
            let lanes: Vec<LaneEnd<T>> = ends.iter_mut().filter_map(Iterator::next).collect();
            let connect = move |place: &mut Place<T>| place.connect(lanes);
            places.invoke_on(shard, connect).await?;
        }
        Ok(())
    }

    /// The ends of the shard that runs on this thread, once.
    ///
    /// # Errors
    ///
    /// [`MeshError::Taken`] the second time; [`MeshError::Call`] after [`stop`](Self::stop).
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub fn ends(self) -> Result<(Sender<T>, Receiver<T>), MeshError> {
        let taken = self
            .places
            .with(|place| core::mem::replace(place, Place::Empty))?;
        match taken {
            Place::Ends(sender, receiver) => Ok((sender, receiver)),
            _ => Err(MeshError::Taken),
        }
    }

    /// Drops the ends that were not taken, which those of other shards see. Those that were stay.
    ///
    /// # Errors
    ///
    /// As [`Sharded::stop`].
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn stop(self) -> Result<(), CallError> {
        self.places.stop().await
    }
}

impl<T: Send + 'static> Place<T> {
    /// Makes what this shard reads from. The writing ends are for the others.
    fn make(&mut self, capacity: usize) -> Result<Vec<LaneEnd<T>>, CapacityError> {
        let shards = context::shard().shards();
        let (producers, consumer) = lanes::with_capacity(shards, capacity)?;
        let wanting = Arc::new(Wanting::new(shards));
        let ends = producers.map(|producer| LaneEnd {
            producer,
            wanting: Arc::clone(&wanting),
        });
        let ends = ends.collect();
        *self = Self::Reader(consumer, capacity, wanting);
        Ok(ends)
    }

    /// Makes the ends of this shard.
    fn connect(&mut self, lanes: Vec<LaneEnd<T>>) {
        let Self::Reader(consumer, capacity, wanting) = core::mem::replace(self, Self::Empty)
        else {
            return;
        };
        let shard = context::shard();
        let (shared, core) = (Arc::clone(shard.shared()), Rc::clone(shard.core()));
        let inbox = Inbox::new(
            consumer,
            capacity,
            wanting,
            Arc::clone(&shared),
            Rc::clone(&core),
        );
        let inbox = Rc::new(inbox);
        let outlet = Rc::new(Outlet::new(lanes, shard.id(), shared, core));
        let posts: [Rc<dyn Post>; 2] = [inbox.clone(), outlet.clone()];
        for post in &posts {
            shard.posts().add(Rc::downgrade(post));
        }
        *self = Self::Ends(Sender::new(outlet), Receiver::new(inbox));
    }
}

impl<T> fmt::Debug for Mesh<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh").finish_non_exhaustive()
    }
}
