//! A worker that is a closure.

use std::{
    convert::Infallible,
    marker::PhantomData,
    rc::Rc,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use shared_nothing::{
    pool::{PoolConfig, WorkerReport},
    worker::{Context, Worker},
};

/// More than any wait of a test takes on a loaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Runs a closure for each message; the state is an `Rc`, which no other thread could hold.
pub(crate) struct Run<M, F> {
    handle: F,
    message: PhantomData<fn(M)>,
}

pub(crate) fn run<M, F: Fn(M, &Context<M>)>(handle: F) -> Run<M, F> {
    Run {
        handle,
        message: PhantomData,
    }
}

impl<M: Send + 'static, F: Fn(M, &Context<M>) + 'static> Worker for Run<M, F> {
    type State = Rc<()>;
    type Message = M;
    type Error = Infallible;

    fn init(&self, _: &Context<M>) -> Result<Rc<()>, Infallible> {
        Ok(Rc::new(()))
    }

    fn handle_message(
        &self,
        _: &mut Rc<()>,
        message: M,
        context: &Context<M>,
    ) -> Result<(), Infallible> {
        (self.handle)(message, context);
        Ok(())
    }
}

pub(crate) fn config(workers: usize) -> PoolConfig {
    PoolConfig::new().with_workers(workers)
}

pub(crate) type Gate = Arc<Mutex<mpsc::Receiver<()>>>;

/// A gate that keeps a worker inside a handler until the test opens it.
pub(crate) fn gate() -> (mpsc::Sender<()>, Gate) {
    let (open, closed) = mpsc::channel();
    (open, Arc::new(Mutex::new(closed)))
}

pub(crate) fn pass(gate: &Gate) {
    gate.lock()
        .unwrap()
        .recv_timeout(LONG)
        .expect("the test opens the gate");
}

/// Nothing is lost.
pub(crate) fn assert_conserved<M>(worker: &WorkerReport<M>) {
    let counts = worker.counts;
    let known = counts.handled + counts.panicked + counts.dropped() + worker.returned.len() as u64;
    assert_eq!(counts.sent, known, "{worker:?}");
}
