//! Workers whose handlers wait: for other workers, for time, for calls to shards.
#![forbid(unsafe_code)]

use core::{
    fmt::{Debug, Display},
    future::Future,
};

use super::{Checkpoint, Context, Exported, MapSlots, Worker};

/// A worker with an asynchronous handler. It runs on the worker's shard, whose other tasks run while it waits.
///
/// One message is handled at a time, so the state is the handler's alone also across an `await`. What is sent meanwhile
/// waits, and so does all that the worker is told: keep waits short, or [`spawn_local`](crate::executor::spawn_local)
/// what takes long.
///
/// Give it to a pool as [`Async`]:
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use shared_nothing::{
///     executor::sleep,
///     pool::{PoolConfig, Reply, WorkerPool},
///     worker::{Async, AsyncWorker, Context},
/// };
///
/// struct Late;
///
/// impl AsyncWorker for Late {
///     type State = ();
///     type Message = Reply<&'static str>;
///     type Error = Infallible;
///
///     fn init(&self, _: &Context<Self::Message>) -> Result<(), Infallible> {
///         Ok(())
///     }
///
///     async fn handle_message(
///         &self,
///         _: &mut (),
///         reply: Self::Message,
///         _: &Context<Self::Message>,
///     ) -> Result<(), Infallible> {
///         sleep(Duration::from_micros(10)).await;
///         reply.send("after a while");
///         Ok(())
///     }
/// }
///
/// let pool = WorkerPool::start(PoolConfig::new().with_workers(1), |_| Async(Late))?;
/// let call = pool.sender().call("key", |reply| reply)?;
/// assert_eq!(call.wait_timeout(Duration::from_secs(60))?, "after a while");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait AsyncWorker {
    /// As [`Worker::State`].
    type State;

    /// As [`Worker::Message`].
    type Message: Send + 'static;

    /// As [`Worker::Error`].
    type Error: Display + Debug;

    /// As [`Worker::init`].
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
    ///
    /// # Cancellation
    ///
    /// If the executor stops, it is dropped where it waits, and its message counts as cancelled.
    fn handle_message(
        &self,
        state: &mut Self::State,
        message: Self::Message,
        context: &Context<Self::Message>,
    ) -> impl Future<Output = Result<(), Self::Error>>;

    /// As [`Worker::keep`].
    fn keep(&self, message: &Self::Message) -> Option<Self::Message> {
        let _not_kept = message;
        None
    }

    /// As [`Worker::checkpoint`].
    fn checkpoint(
        &self,
        state: &mut Self::State,
        context: &Context<Self::Message>,
    ) -> Option<Checkpoint> {
        let _not_kept = (state, context);
        None
    }

    /// As [`Worker::restore`].
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

    /// As [`Worker::tick`].
    ///
    /// # Errors
    ///
    /// The worker's own.
    fn tick(
        &self,
        state: &mut Self::State,
        context: &Context<Self::Message>,
    ) -> Result<(), Self::Error> {
        let _nothing_to_do = (state, context);
        Ok(())
    }

    /// As [`Worker::export`].
    fn export(
        &self,
        state: &mut Self::State,
        slots: &MapSlots,
        context: &Context<Self::Message>,
    ) -> Option<Exported> {
        let _nothing_to_give = (state, slots, context);
        None
    }

    /// As [`Worker::import`].
    ///
    /// # Errors
    ///
    /// The worker's own.
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

    /// As [`Worker::shutdown`].
    ///
    /// # Errors
    ///
    /// The worker's own.
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

/// An [`AsyncWorker`] as a [`Worker`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Async<A>(pub A);

impl<A: AsyncWorker> Worker for Async<A> {
    type State = A::State;
    type Message = A::Message;
    type Error = A::Error;

    const IS_ASYNC: bool = true;

    fn init(&self, context: &Context<A::Message>) -> Result<A::State, A::Error> {
        self.0.init(context)
    }

    fn handle_message(
        &self,
        _: &mut A::State,
        _: A::Message,
        _: &Context<A::Message>,
    ) -> Result<(), A::Error> {
        unreachable!("an asynchronous worker gets its messages by `handle_async`")
    }

    fn handle_async(
        &self,
        state: &mut A::State,
        message: A::Message,
        context: &Context<A::Message>,
    ) -> impl Future<Output = Result<(), A::Error>> {
        self.0.handle_message(state, message, context)
    }

    fn keep(&self, message: &A::Message) -> Option<A::Message> {
        self.0.keep(message)
    }

    fn checkpoint(
        &self,
        state: &mut A::State,
        context: &Context<A::Message>,
    ) -> Option<Checkpoint> {
        self.0.checkpoint(state, context)
    }

    fn restore(
        &self,
        checkpoint: Checkpoint,
        context: &Context<A::Message>,
    ) -> Result<A::State, A::Error> {
        self.0.restore(checkpoint, context)
    }

    fn tick(&self, state: &mut A::State, context: &Context<A::Message>) -> Result<(), A::Error> {
        self.0.tick(state, context)
    }

    fn export(
        &self,
        state: &mut A::State,
        slots: &MapSlots,
        context: &Context<A::Message>,
    ) -> Option<Exported> {
        self.0.export(state, slots, context)
    }

    fn import(
        &self,
        state: &mut A::State,
        slots: &MapSlots,
        exported: Exported,
        context: &Context<A::Message>,
    ) -> Result<(), A::Error> {
        self.0.import(state, slots, exported, context)
    }

    fn shutdown(&self, state: A::State, context: &Context<A::Message>) -> Result<(), A::Error> {
        self.0.shutdown(state, context)
    }
}
