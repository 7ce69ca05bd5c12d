//! A service that has an instance of its own on every shard.
#![forbid(unsafe_code)]

use core::{any::Any, fmt, future::Future, marker::PhantomData};
use std::rc::Rc;

use super::{
    CallError, context,
    shard::Shard,
    spawn_local, submit_to,
    task::{guarded, is_fine},
};
use crate::sync::Ordering::Relaxed;

/// One `S` on each shard, made there, used there, and dropped there. `S` need not be `Send`.
///
/// Code that is sent to an instance has it to itself: `&mut S`, and no `RefCell`. It is synchronous, so no borrow lives
/// across an `await`.
///
/// It is a number: copy it into any task. Dropping it stops nothing; [`stop`](Self::stop) does, and so does the stop of
/// the executor.
///
/// ```
/// use shared_nothing::executor::{Executor, ExecutorConfig, Sharded};
///
/// let executor = Executor::start(ExecutorConfig::new().with_shards(2))?;
/// let sum = executor.block_on(0, || async {
///     let counters = Sharded::start(|shard| shard as u64).await?;
///     counters.invoke_on(1, |count| *count += 10).await?;
///     let sum = counters.map_reduce(|count| *count, 0, |sum, count| sum + count).await?;
///     counters.stop().await?;
///     Ok::<_, shared_nothing::executor::CallError>(sum)
/// })??;
/// assert_eq!(sum, 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sharded<S> {
    id: usize,
    service: PhantomData<fn(S)>,
}

impl<S> Clone for Sharded<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Sharded<S> {}

impl<S: 'static> Sharded<S> {
    /// Makes an instance on every shard, by `make` with the shard's number.
    ///
    /// # Errors
    ///
    /// `make` panicked, or the executor is stopping. Instances that were made are dropped.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn start<F>(make: F) -> Result<Self, CallError>
    where
        F: Fn(usize) -> S + Clone + Send + 'static,
    {
        let shard = context::shard();
        let id = next_id(&shard);
        let this = Self {
            id,
            service: PhantomData,
        };
        let made = on_all(&shard, move |shard: &Shard| {
            let service: Box<dyn Any> = Box::new(make(shard.id()));
            shard.services().borrow_mut().insert(id, Some(service));
        });
        match made.await {
            Ok(_) => Ok(this),
            Err(error) => {
                let _error_of_the_first = this.stop().await;
                Err(error)
            }
        }
    }

    /// Runs `code` with the instance of shard `to`.
    ///
    /// # Errors
    ///
    /// [`CallError`]: also when the service was stopped, or is in use further up on the stack of that shard.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    ///
    /// # Cancellation
    ///
    /// As [`submit_to`].
    pub async fn invoke_on<R, F>(self, to: usize, code: F) -> Result<R, CallError>
    where
        F: FnOnce(&mut S) -> R + Send + 'static,
        R: Send + 'static,
    {
        submit_to(to, move || self.with(code)).await?
    }

    /// Runs `code` with every instance, on all shards at once. The results are in the order of shards.
    ///
    /// # Errors
    ///
    /// The first by the number of its shard; all calls are over then.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn invoke_on_all<R, F>(self, code: F) -> Result<Vec<R>, CallError>
    where
        F: FnOnce(&mut S) -> R + Clone + Send + 'static,
        R: Send + 'static,
    {
        let all = on_all(&context::shard(), move |_: &Shard| self.with(code));
        all.await?.into_iter().collect()
    }

    /// Runs `map` with every instance, and folds the results in the order of shards.
    ///
    /// # Errors
    ///
    /// As [`invoke_on_all`](Self::invoke_on_all).
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn map_reduce<T, R, F, G>(self, map: F, first: R, reduce: G) -> Result<R, CallError>
    where
        F: FnOnce(&mut S) -> T + Clone + Send + 'static,
        T: Send + 'static,
        G: FnMut(R, T) -> R,
    {
        Ok(self
            .invoke_on_all(map)
            .await?
            .into_iter()
            .fold(first, reduce))
    }

    /// Runs `code` with this shard's own instance, at once.
    ///
    /// # Errors
    ///
    /// The service was stopped, or is in use further up on the stack.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread, or `code` panics.
    pub fn with<R>(self, code: impl FnOnce(&mut S) -> R) -> Result<R, CallError> {
        /// Puts the instance back, also when `code` panics.
        struct Taken {
            shard: Rc<Shard>,
            id: usize,
            service: Option<Box<dyn Any>>,
        }
        impl Drop for Taken {
            fn drop(&mut self) {
                let service = self.service.take();
                if let Some(place) = self.shard.services().borrow_mut().get_mut(&self.id) {
                    *place = service;
                    return;
                }
                // Stopped meanwhile.
                let fine = is_fine(guarded(|| drop(service)));
                let core = self.shard.core();
                core.count_panic(fine);
            }
        }
        let shard = context::shard();
        let taken = match shard.services().borrow_mut().get_mut(&self.id) {
            None => return Err(CallError::NoService),
            Some(place) => place.take(),
        };
        let mut taken = Taken {
            shard,
            id: self.id,
            service: Some(taken.ok_or(CallError::ServiceBusy)?),
        };
        let service = taken.service.as_mut().and_then(|any| any.downcast_mut());
        Ok(code(service.ok_or(CallError::NoService)?))
    }

    /// Drops every instance on its shard. Whoever uses the service after that is told.
    ///
    /// # Errors
    ///
    /// The drop of an instance panicked, or the executor is stopping, which drops them, too.
    ///
    /// # Panics
    ///
    /// If no shard runs on this thread.
    pub async fn stop(self) -> Result<(), CallError> {
        let id = self.id;
        let all = on_all(&context::shard(), move |shard: &Shard| {
            let service = shard.services().borrow_mut().remove(&id);
            drop(service);
        });
        all.await.map(drop)
    }
}

impl<S> fmt::Debug for Sharded<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("id", &self.id).finish()
    }
}

fn next_id(shard: &Shard) -> usize {
    // RELAXED: a number that nobody else gets; no data comes with it.
    shard.shared().services.fetch_add(1, Relaxed)
}

/// Runs `code` on all shards at once. The results are in the order of shards, the error is the first in that order.
fn on_all<F, R>(
    shard: &Rc<Shard>,
    code: F,
) -> impl Future<Output = Result<Vec<R>, CallError>> + use<F, R>
where
    F: FnOnce(&Shard) -> R + Clone + Send + 'static,
    R: Send + 'static,
{
    let calls: Vec<_> = (0..shard.shards())
        .map(|to| {
            let code = code.clone();
            spawn_local(submit_to(to, move || code(&context::shard())))
        })
        .collect();
    async move {
        let mut results = Vec::with_capacity(calls.len());
        let mut error = None;
        for call in calls {
            match call.await {
                Ok(Ok(result)) => results.push(result),
                Ok(Err(why)) => error = error.or(Some(why)),
                Err(_) => error = error.or(Some(CallError::Cancelled)),
            }
        }
        error.map_or(Ok(results), Err)
    }
}
