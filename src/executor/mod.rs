//! One executor on each core, calls between them, and an idle that costs nothing.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use shared_nothing::executor::{CallError, Executor, ExecutorConfig, submit_to};
//!
//! let executor = Executor::start(ExecutorConfig::new().with_shards(2))?;
//! let answer = executor.block_on(0, || async {
//!     // Runs on the other shard; this one does something else meanwhile.
//!     let sum = submit_to(1, || (1..=10).sum::<u32>()).await?;
//!     let nowhere = submit_to(2, || ()).await;
//!     assert!(matches!(nowhere, Err(CallError::NoSuchShard)));
//!     Ok::<_, CallError>(sum)
//! })??;
//! assert_eq!(answer, 55);
//! let reports = executor.stop();
//! assert_eq!(reports[1].calls.served, 1);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When to use it
//!
//! State that is cut into shards, each used by one thread alone, with tasks that wait: for each other, for other
//! shards, for time. Calls have results; for streams of messages between shards there is `mesh::Mesh`. For messages to
//! workers without tasks, a `pool` is simpler. A task that computes for long holds its shard; there is no stealing.
//! [`LocalExecutor`] is one shard's core by itself, `no_std`, for a loop of one's own.
//!
//! # Picture
//!
//! ```text
//!        shard 0, its thread and core                            shard 1
//!   ┌───────────────────────────────────┐            ┌───────────────────────────────────┐
//!   │ run queue   tasks   timers        │            │ run queue   tasks   timers        │
//!   │   ▲                               │            │                                   │
//!   │   │ wakes   inbox: lanes ◄── 1 ◄──┼── lane ────┼── outbox to 0 ◄─ replies          │
//!   │   └─────────────────  ◄── … ◄──   │            │                                   │
//!   │ calls ─► outbox to 1 ─────────────┼── lane ────┼─► inbox: lanes ─► served          │
//!   │ doorbell ◄────────────────────────┼── rung for each batch ── by who has sent       │
//!   └────▲─────────────────▲────────────┘            └───────────────────────────────────┘
//!        │ foreign stack   │ ring of jobs
//!     wakers on any thread └─ a Handle on any thread
//! ```
//!
//! # Life
//!
//! 1. *Made.* Each thread pins itself and makes the lanes that it will read: their memory is first written where it is
//!    used. When all have, they are connected; no shard runs before.
//! 2. *Running.* A shard does turns: takes in calls and replies, fires timers, polls what is ready, sends. Each step is
//!    bounded, and none waits for another shard.
//! 3. *Idle.* It looks again for a while, if that has paid lately, and then parks in its doorbell.
//! 4. *Draining*, after `Executor::stop`. Tasks are cancelled, services dropped, calls refused. A shard whose calls
//!    have all come home says so, and goes on answering until all have said so.
//! 5. *Over.* No call is under way anywhere, so nothing is in any lane. The threads end.
//!
//! # Why the mesh cannot deadlock
//!
//! A call is one cell. Its closure and its result lie in it, its place in every queue is a link in it, and it comes back
//! to the shard that made it. What can a shard wait for?
//!
//! - *Room in a lane?* Nobody waits for it: a cell that finds none stays in its shard's outbox, a list that goes through
//!   the cells, and so is as long as there are cells. A turn tries again, and does all else.
//! - *Room for a reply?* It is the room of the request, and was there before the request was sent.
//! - *A credit?* Of those from one shard to another there are as many as the settings say, and one is held from the
//!   sending of a call until its reply is back. Only a task waits for one, and only if no shard waits for that task: who
//!   serves a call of a shard, and what it spawns, takes no credit. So the holder of a credit waits for code that waits
//!   for no credit, and by induction over calls within calls, every credit comes back once the users' code ends.
//!
//! Hence no cycle of waits contains anything of the executor's. A cycle that users build by themselves remains one: two
//! tasks that wait for each other wait, and so does a call's code that waits, by means of its own, for a task that
//! others must be served for. What a call waits for, let it call or spawn.
//!
//! # Bounded memory
//!
//! Lanes are as long as they were made. Calls that take a credit are at most `credits` for each pair of shards. Those made
//! while serving are as many as the served code makes: calls that each make two, 12 deep, may be 8190 for each that
//! began it. Calls from outside are at most 1024 for each shard, and further outsiders wait.
//!
//! # Edges
//!
//! Beside those of the rings (PUBLISH carries a cell, VACATE its slot), and of the doorbell:
//!
//! | edge | release end | acquire end | carries |
//! |---|---|---|---|
//! | WAKE | a waker on another thread turns a task's bit on | its shard turns it off | what the waker's thread did before |
//! | HAND | a waker pushes to the foreign stack | its shard takes the stack | the links of what is in it |
//! | LEAVE | a waker, or a reference, is given up | the last one is | the cell, or the home, is nobody's |
//! | ROOM | a reader takes the bits of those who want room | a writer sets its bit | the slots that were vacated |
//! | SPACE | a shard takes the flag of waiting outsiders | an outsider sets it | the jobs that were taken |
//! | ROOT | a waker sets the flag of `block_on` | its thread takes it | what the waker's thread did before |
//! | BEAT | a shard counts up | the watchdog loads the count | the place of what runs |
//! | ANSWER | who served a call stores its phase | the caller's shard, which watches it, loads it | the outcome; the cell is at home |
//! | MESH | a shard says that its calls are home | the others see that all are | no cell is in any lane |
//! | GONE | a thread ends | whoever waits for the end | what the thread did |
//!
//! # Progress and cost
//!
//! | operation | cost |
//! |---|---|
//! | spawn | a block that a former task left; no read-modify-write in a task's life, unless its wakers leave the shard |
//! | wake on the shard | a push to a queue, no read-modify-write |
//! | wake from elsewhere | two, lock-free, no allocation; a system call if the shard is parked |
//! | call | a block that a former call left; one publication and one look at the doorbell for all of a slice of a turn |
//! | call, alone | one publication there, and back none: its answer comes with the line that says so |
//! | message of a mesh | one publication and one look at the doorbell; nothing is allocated |
//! | timer | steps of log₄ of their number; the clock is read in turns that have timers |
//! | idle | nothing once parked; a look touches the lanes' dirty word, whatever the number of shards |
//!
//! A task that is ready is polled after all that were ready before it. `need_yield` tells a task that has done its share.
//!
//! # Panics
//!
//! A panic of a task, of a closure, of any drop and of any waker ends where it began: the shard lives, whoever awaits is
//! told, and what nobody awaits is counted in the [`TaskCounts`].
//!
//! # Verification
//!
//! loom models of a task's cell against wakes, its end and the executor's end (`task/models.rs`), of ROOM and of ANSWER; the
//! doorbell and the lanes have their own. Tests named by what they rule out in `tests/executor.rs` and
//! `tests/executor_local.rs`; calls and tasks allocate nothing in steady state (`tests/executor_alloc.rs`).
//!
//! # Not here
//!
//! Files and sockets. Deadlines on calls: use
//! `timeout`, which leaves the call running.

mod coop;
mod core;
mod home;
mod local;
mod random;
mod slab;
mod storage;
mod task;
mod time;
mod timer;

#[cfg(feature = "std")]
mod beat;
#[cfg(feature = "std")]
mod block;
#[cfg(feature = "std")]
mod call;
#[cfg(feature = "std")]
mod config;
#[cfg(feature = "std")]
mod context;
#[cfg(feature = "std")]
mod credit;
#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
pub(crate) mod ground;
#[cfg(all(test, feature = "std", not(loom)))]
mod hazards;
#[cfg(feature = "pool")]
mod host;
#[cfg(feature = "std")]
mod idle;
#[cfg(feature = "std")]
pub mod mesh;
#[cfg(feature = "std")]
mod outside;
#[cfg(feature = "std")]
mod peer;
#[cfg(feature = "std")]
mod post;
#[cfg(feature = "std")]
mod room;
#[cfg(feature = "std")]
mod running;
#[cfg(feature = "std")]
mod shard;
#[cfg(feature = "std")]
mod sharded;
#[cfg(feature = "sim")]
mod sim;
#[cfg(feature = "std")]
mod start;
#[cfg(feature = "std")]
mod submit;
#[cfg(feature = "std")]
mod watchdog;

pub use self::core::TaskCounts;
pub use coop::{YieldNow, yield_now};
pub use local::{LocalExecutor, Spawner, Turn};
pub use task::{AbortOnDrop, JoinError, JoinHandle, PanicPayload};
pub use time::{Elapsed, Sleep};

#[cfg(feature = "pool")]
pub(crate) use {
    host::{Bell, Host, Listening},
    post::Post,
    start::SHARDS_REFUSED,
};

#[cfg(feature = "sim")]
pub use sim::{Sim, SimError, SimRun};
#[cfg(feature = "std")]
pub use {
    config::{ExecutorConfig, Stall},
    coop::{need_yield, spawn_local},
    error::{CallError, StartError},
    ground::{Memory, MemoryShortfall},
    idle::Idle,
    outside::{Handle, OutsideCall},
    running::{Executor, ShardReport},
    shard::CallCounts,
    sharded::Sharded,
    submit::{shard_count, shard_id, submit_async_to, submit_to},
    time::{Interval, interval, sleep, timeout},
};
