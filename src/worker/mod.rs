//! A worker: code with a state that no other thread can reach.
//!
//! # Life
//!
//! 1. *Made.* A worker is a task of one shard of an executor: its thread, and mostly its core, are the shard's. The
//!    pool's factory makes the [`Worker`] there, after the thread was pinned.
//! 2. *Init.* [`init`](Worker::init) makes the state, on the same thread: it may hold an `Rc`, and its memory is first
//!    touched where it is used.
//! 3. *Running.* [`handle_batch`](Worker::handle_batch) gets what is in the mailbox, a bounded number at a time; it
//!    calls [`handle_message`](Worker::handle_message) for each unless it is overridden. [`tick`](Worker::tick) is
//!    called in between. Other tasks of the shard have their turns in between, too. When none has anything to do, the
//!    thread parks.
//! 4. *Draining.* After a stop the mailbox takes no more. What it took before is handled.
//! 5. *Shutdown.* [`shutdown`](Worker::shutdown) gets the state by value.
//!
//! A panic in 3 ends the worker at once: its mailbox refuses from then on, and what was in it is handed back in the
//! report of the stop. If the pool is [supervised](crate::pool::PoolConfig::with_supervision), 1 to 3 come again instead,
//! on the same shard, and the mailbox keeps what is in it; so it is when the supervisor restarts the worker with others,
//! after a shutdown.
//!
//! What is the worker's may panic when it is dropped, too: a checkpoint that is replaced, the copy of a message, a state,
//! the worker itself, what a panic carries. In 3 that is a panic of the worker; where a life ends, it is nobody's. Only a
//! second panic, in a drop while the first unwinds the same handler, ends the program: that is the language's rule.
//!
//! # What a worker gets in which order
//!
//! What it is told (pause, ping, restart, moves of map slots) comes before each batch. Then its own messages and the
//! mailbox take turns, and in the mailbox the shared ring and the lanes of batchers.
//!
//! # Why a message needs no waker
//!
//! A sender publishes into the mailbox and rings the bell of the worker's shard: one load while the shard is awake. The
//! shard asks the mailboxes of its workers once a turn, and before it parks.
#![forbid(unsafe_code)]

mod asynchronous;
mod batch;
pub(crate) mod caught;
mod context;
pub(crate) mod control;
mod handle;
pub(crate) mod inbox;
pub(crate) mod lane;
pub(crate) mod mail;
pub(crate) mod mailbox;
mod map_slots;
pub(crate) mod memory;
pub(crate) mod moving;
pub(crate) mod places;
pub(crate) mod run;
mod serve;
mod suspect;
mod vacancy;

use core::{
    fmt::{Debug, Display},
    future::Future,
};

pub use asynchronous::{Async, AsyncWorker};
pub use batch::Batch;
pub use context::Context;
pub use map_slots::MapSlots;

/// State of map slots on its way from one worker to another.
pub type Exported = Box<dyn core::any::Any + Send>;

/// What a worker keeps of its state for its next life.
pub type Checkpoint = Box<dyn core::any::Any>;

/// What a pool runs on each of its threads.
///
/// Handlers are synchronous and get the state by `&mut`: there is nothing to lock and no borrow across an `await`. Those
/// that wait are an [`AsyncWorker`]'s.
///
/// ```
/// use std::{collections::HashMap, convert::Infallible};
/// use shared_nothing::worker::{Context, Worker};
///
/// struct Count;
///
/// impl Worker for Count {
///     type State = HashMap<u64, u64>;
///     type Message = u64;
///     type Error = Infallible;
///
///     fn init(&self, _: &Context<u64>) -> Result<Self::State, Infallible> {
///         Ok(HashMap::new())
///     }
///
///     fn handle_message(
///         &self,
///         state: &mut Self::State,
///         key: u64,
///         _: &Context<u64>,
///     ) -> Result<(), Infallible> {
///         *state.entry(key).or_default() += 1;
///         Ok(())
///     }
/// }
/// ```
pub trait Worker {
    /// What the worker owns. It never leaves its thread, and need not be `Send`.
    type State;

    /// What it is sent.
    type Message: Send + 'static;

    /// What its functions fail with.
    type Error: Display + Debug;

    /// Whether messages are handled by [`handle_async`](Self::handle_async): see [`AsyncWorker`].
    #[doc(hidden)]
    const IS_ASYNC: bool = false;

    /// Makes the state. A failure here makes the start of the pool fail.
    ///
    /// # Errors
    ///
    /// The worker's own.
    fn init(&self, context: &Context<Self::Message>) -> Result<Self::State, Self::Error>;

    /// Handles one message.
    ///
    /// # Errors
    ///
    /// The worker's own. It is counted, the last one is kept for the report, and the worker goes on.
    fn handle_message(
        &self,
        state: &mut Self::State,
        message: Self::Message,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error>;

    /// Handles what is in the mailbox now, a bounded number of messages.
    ///
    /// Messages not taken from `batch` stay in the mailbox and come again. Their slots are given back to the senders
    /// together, when the batch ends.
    ///
    /// # Errors
    ///
    /// The worker's own, as in [`handle_message`](Self::handle_message).
    fn handle_batch(
        &self,
        state: &mut Self::State,
        batch: &mut Batch<'_, Self::Message>,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error> {
        for message in batch {
            self.handle_message(state, message, context)?;
        }
        Ok(())
    }

    /// Handles one message, and may wait: what [`Async`] is made of.
    #[doc(hidden)]
    fn handle_async(
        &self,
        state: &mut Self::State,
        message: Self::Message,
        context: &Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Self::Error>> {
        async move { self.handle_message(state, message, context) }
    }

    /// Called between batches, at least as often as the pool's tick interval says; never if it has none.
    ///
    /// # Errors
    ///
    /// The worker's own, as in [`handle_message`](Self::handle_message).
    fn tick(
        &self,
        state: &mut Self::State,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error> {
        let _nothing_to_do = (state, context);
        Ok(())
    }

    /// A copy of `message`, kept while it is handled: so that it can be handled again by the next life, if this one
    /// panics over it. Asked only if the pool [redelivers](crate::pool::PoolConfig::with_redeliveries).
    fn keep(&self, message: &Self::Message) -> Option<Self::Message> {
        let _not_kept = message;
        None
    }

    /// What the next life may begin with, if this one panics. Called after each [`tick`](Self::tick); the last that was
    /// not `None` counts. It stays on this thread.
    fn checkpoint(
        &self,
        state: &mut Self::State,
        context: &Context<Self::Message>,
    ) -> Option<Checkpoint> {
        let _not_kept = (state, context);
        None
    }

    /// Makes the state of another life from a checkpoint of the last; without one [`init`](Self::init) is called, and by
    /// default always. A checkpoint is used once: a life that panics before it makes its own has none to leave.
    ///
    /// # Errors
    ///
    /// As [`init`](Self::init).
    fn restore(
        &self,
        checkpoint: Checkpoint,
        context: &Context<Self::Message>,
    ) -> Result<Self::State, Self::Error> {
        drop(checkpoint);
        self.init(context)
    }

    /// Takes the state of `slots` out of this worker's, for the worker that they go to. Every message of theirs was handled
    /// before. The default gives nothing.
    fn export(
        &self,
        state: &mut Self::State,
        slots: &MapSlots,
        context: &Context<Self::Message>,
    ) -> Option<Exported> {
        let _nothing_to_give = (state, slots, context);
        None
    }

    /// Puts the state of `slots`, which another worker of this pool has exported, into this worker's. No message of theirs
    /// was handled here before. The default drops it.
    ///
    /// # Errors
    ///
    /// The worker's own. It is counted, and the slots are this worker's all the same.
    fn import(
        &self,
        state: &mut Self::State,
        slots: &MapSlots,
        exported: Exported,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error> {
        let _not_taken = (state, slots, context);
        drop(exported);
        Ok(())
    }

    /// Ends the worker. Everything that its mailbox took was handled before.
    ///
    /// # Errors
    ///
    /// The worker's own. It is told in the report of the stop.
    fn shutdown(
        &self,
        state: Self::State,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error> {
        let _nothing_to_send = context;
        drop(state);
        Ok(())
    }
}
