//! The life of one worker's thread, from its factory to its report.
#![forbid(unsafe_code)]

use core::{convert::Infallible, fmt::Display, time::Duration};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use shared_nothing_affinity::{CpuId, pin};

use super::{
    Batch, Context, Worker,
    batch::Wait,
    inbox::{Inbox, Look},
    mailbox::Mailbox,
};
use crate::{
    pool::{Outcome, StartError},
    stats::Latency,
    sys,
};

/// What a thread needs to run a worker.
pub(crate) struct Job<M> {
    pub(crate) context: Context,
    pub(crate) pin_to: Option<CpuId>,
    pub(crate) require_pin: bool,
    pub(crate) mailbox: Arc<Mailbox<M>>,
    pub(crate) inbox: Inbox<M>,
    pub(crate) batch_max: usize,
    pub(crate) tick_interval: Option<Duration>,
}

/// What is left of a worker.
#[derive(Debug)]
pub(crate) struct Done<M> {
    pub(crate) context: Context,
    pub(crate) pin_error: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) last_error: Option<String>,
    pub(crate) returned: Vec<M>,
    pub(crate) queue_wait: Latency,
}

/// Whatever way a worker ends, senders learn it: they get their messages back from then on.
struct EndOnExit<'m, M>(&'m Mailbox<M>);

impl<M> Drop for EndOnExit<'_, M> {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<M: Send + 'static> Job<M> {
    /// Runs a worker from its factory to its end. `ready` hears once whether `init` went well.
    pub(crate) fn run<W: Worker<Message = M>>(
        mut self,
        make: impl FnOnce(&Context) -> W,
        ready: impl FnOnce(Result<(), StartError>),
    ) -> Done<M> {
        let mailbox = Arc::clone(&self.mailbox);
        let mut notes = Notes::new();
        let exit = EndOnExit(&mailbox);
        let outcome = self.live(make, ready, &mut notes);
        drop(exit);

        // What a worker that ended early leaves is handed back. After the close nothing is added, but a sender may
        // still be filling a place that it claimed before.
        let mut returned = Vec::new();
        mailbox.mail.wait(|| {
            self.inbox
                .drain_into(&mut returned, &mailbox.counters)
                .then_some(())
        });
        let Self { context, inbox, .. } = self;
        drop(inbox);
        mailbox.leave();
        Done {
            context,
            pin_error: notes.pin_error,
            outcome,
            last_error: notes.last_error,
            returned,
            queue_wait: notes.queue_wait,
        }
    }

    fn live<W: Worker<Message = M>>(
        &mut self,
        make: impl FnOnce(&Context) -> W,
        ready: impl FnOnce(Result<(), StartError>),
        notes: &mut Notes,
    ) -> Outcome {
        let worker = self.context.id();
        if let Some(cpu) = self.pin_to {
            match pin(cpu) {
                Ok(guard) => self.context.cpu = Some(guard.into_permanent()),
                Err(error) if self.require_pin => {
                    let reason = error.to_string();
                    ready(Err(StartError::Pin {
                        worker,
                        reason: reason.clone(),
                    }));
                    return Outcome::Failed(reason);
                }
                Err(error) => notes.pin_error = Some(error.to_string()),
            }
        }
        // 1. Made, and 2. init.
        let context = &self.context;
        let started = caught(|| {
            let worker = make(context);
            worker
                .init(context)
                .map(|state| (worker, state))
                .map_err(|error| error.to_string())
        });
        let (worker, mut state) = match started {
            Ok(Ok(started)) => started,
            Ok(Err(text)) => {
                ready(Err(StartError::Init {
                    worker,
                    reason: text.clone(),
                }));
                return Outcome::Failed(text);
            }
            Err(text) => {
                ready(Err(StartError::Init {
                    worker,
                    reason: format!("panicked: {text}"),
                }));
                return Outcome::Panicked(text);
            }
        };
        self.mailbox.set_running();
        ready(Ok(()));
        // 3. Running, and 4. draining: until the ring is closed and empty.
        if let Err(text) = self.serve(&worker, &mut state, notes) {
            // Senders learn it before the state is dropped, which may take long or panic, too.
            self.mailbox.end();
            let _second_panic = caught(|| {
                drop((worker, state));
                Ok::<(), Infallible>(())
            });
            return Outcome::Panicked(text);
        }
        // 5. Shutdown.
        let shut_down = caught(|| {
            let result = worker.shutdown(state);
            drop(worker);
            result
        });
        match shut_down {
            Ok(Ok(())) => Outcome::Stopped,
            Ok(Err(text)) => Outcome::Failed(text),
            Err(text) => Outcome::Panicked(text),
        }
    }

    /// Handles messages until the ring is closed and empty. An error is the text of a panic.
    fn serve<W: Worker<Message = M>>(
        &mut self,
        worker: &W,
        state: &mut W::State,
        notes: &mut Notes,
    ) -> Result<(), String> {
        let mut next_tick = self.tick_interval.map(|interval| sys::now() + interval);
        let mut space = SpaceBell { popped: 0 };
        loop {
            match self.wait_for_mail(next_tick) {
                Some(Look::Mail) => {
                    let taken = self.handle_some(worker, state, notes)?;
                    space.after_batch(&self.mailbox, &self.inbox, taken);
                }
                Some(Look::Closed) => return Ok(()),
                None => {}
            }
            if let (Some(at), Some(interval)) = (next_tick, self.tick_interval) {
                let now = sys::now();
                if now >= at {
                    next_tick = Some(now + interval);
                    notes.record(&self.mailbox, caught(|| worker.tick(state))?);
                }
            }
        }
    }

    /// Parks until a message is there, or the mailbox is closed and empty; `None` when a tick is due.
    fn wait_for_mail(&mut self, next_tick: Option<Instant>) -> Option<Look> {
        let inbox = &mut self.inbox;
        match next_tick {
            None => Some(self.mailbox.mail.wait(|| inbox.look())),
            Some(at) => self.mailbox.mail.wait_until(at, || inbox.look()),
        }
    }

    /// Hands one batch to the worker. Returns how many messages it took.
    fn handle_some<W: Worker<Message = M>>(
        &mut self,
        worker: &W,
        state: &mut W::State,
        notes: &mut Notes,
    ) -> Result<u64, String> {
        let mailbox = &*self.mailbox;
        let mut taken = 0;
        let wait = Wait {
            probe: &mailbox.probe,
            clock: mailbox.clock,
            queue: &mut notes.queue_wait,
        };
        let source = self.inbox.source(self.batch_max);
        let by_lane = source.is_lane();
        let mut batch = Batch::new(source, wait, &mut taken);
        let result = caught(|| worker.handle_batch(state, &mut batch));
        drop(batch);
        if by_lane {
            mailbox.counters.by_lanes(taken);
        }
        match result {
            Ok(result) => {
                mailbox.counters.batch(taken);
                notes.record(mailbox, result);
                Ok(taken)
            }
            Err(panic) => {
                // It panicked over the last message that it took.
                mailbox.counters.batch(taken.saturating_sub(1));
                mailbox.counters.panicked(taken.min(1));
                Err(panic)
            }
        }
    }
}

/// What a worker learns about itself as it runs.
struct Notes {
    queue_wait: Latency,
    last_error: Option<String>,
    pin_error: Option<String>,
}

impl Notes {
    fn new() -> Self {
        Self {
            queue_wait: Latency::new(),
            last_error: None,
            pin_error: None,
        }
    }

    fn record<M>(&mut self, mailbox: &Mailbox<M>, result: Result<(), String>) {
        if let Err(error) = result {
            mailbox.counters.failed();
            self.last_error = Some(error);
        }
    }
}

/// Decides when senders that wait for space are woken.
///
/// Not after every batch: a sender would fill those few slots, be put to sleep again, and pay two system calls for a
/// batch. It is woken when half of the ring is free. If other senders keep the ring fuller than that, a whole lap
/// without a ring is enough, so that no waiter starves.
struct SpaceBell {
    popped: u64,
}

impl SpaceBell {
    fn after_batch<M>(&mut self, mailbox: &Mailbox<M>, inbox: &Inbox<M>, taken: u64) {
        self.popped += taken;
        if inbox.is_half_free() || self.popped >= inbox.capacity() as u64 {
            self.popped = 0;
            mailbox.space.ring();
        }
    }
}

/// Runs a worker's code. Its error becomes text inside, since that is the worker's code, too; and so does a panic,
/// outside.
fn caught<R, E: Display>(code: impl FnOnce() -> Result<R, E>) -> Result<Result<R, String>, String> {
    let code = || code().map_err(|error| error.to_string());
    catch_unwind(AssertUnwindSafe(code)).map_err(|payload| panic_text(&*payload))
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
