//! The life of one worker, a task of its shard: from its factory to its report.
#![forbid(unsafe_code)]

use core::{fmt::Display, time::Duration};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use shared_nothing_affinity::CpuId;

use super::{
    Batch, Context, Worker,
    batch::{Source, Wait},
    inbox::Inbox,
    mail::{Found, Mail},
    mailbox::Mailbox,
};
use crate::{
    executor::{Host, Listening, spawn_local, yield_now},
    pool::{Outcome, Shared, StartError},
    stats::Latency,
    sys,
};

/// Batches in a row that a worker handles while no other task is ready: then the shard looks around.
const STREAK: u32 = 8;

/// What a shard needs to run a worker.
pub(crate) struct Job<M, F> {
    pub(crate) id: usize,
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) inbox: Inbox<M>,
    pub(crate) make: Arc<F>,
    pub(crate) batch_max: usize,
    pub(crate) tick_interval: Option<Duration>,
}

/// What is left of a worker.
#[derive(Debug)]
pub(crate) struct Done<M> {
    pub(crate) cpu: Option<CpuId>,
    pub(crate) pin_error: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) last_error: Option<String>,
    pub(crate) returned: Vec<M>,
    pub(crate) queue_wait: Latency,
}

impl<M: Send + 'static, F> Job<M, F> {
    /// Makes a worker and its state, on the shard of this thread, and starts its task there.
    pub(crate) fn launch<W>(self) -> Result<(), StartError>
    where
        W: Worker<Message = M> + 'static,
        F: Fn(&Context<M>) -> W + 'static,
    {
        let host = Host::here();
        let mailbox = Arc::clone(&self.shared.mailboxes[self.id]);
        let mail = Rc::new(Mail::new(mailbox, self.inbox));
        let context = Context::new(
            self.id,
            host.clone(),
            Rc::clone(&mail),
            Arc::clone(&self.shared),
        );
        let mut life = Life {
            _listening: host.listen(Rc::clone(&mail) as Rc<_>),
            context,
            mail,
            shared: self.shared,
            made: None,
            batch_max: self.batch_max,
            tick_ns: self
                .tick_interval
                .map(|interval| interval.as_nanos() as u64),
            notes: Notes::new(),
            returned: Vec::new(),
            outcome: Outcome::Cancelled,
        };
        life.begin(&*self.make)?;
        drop(spawn_local(life.run()));
        Ok(())
    }
}

/// A worker that lives. Dropped, whatever way, it ends: senders get their messages back from then on, what is left in
/// the mailbox is handed back, and the pool is told.
struct Life<W: Worker> {
    context: Context<W::Message>,
    mail: Rc<Mail<W::Message>>,
    shared: Arc<Shared<W::Message>>,
    made: Option<(W, W::State)>,
    batch_max: usize,
    tick_ns: Option<u64>,
    notes: Notes,
    returned: Vec<W::Message>,
    outcome: Outcome,
    _listening: Listening,
}

impl<W: Worker> Life<W> {
    /// 1. Made, and 2. init.
    fn begin(&mut self, make: &impl Fn(&Context<W::Message>) -> W) -> Result<(), StartError> {
        let context = &self.context;
        let started = caught(|| {
            let worker = make(context);
            let state = worker.init(context).map_err(|error| error.to_string())?;
            Ok::<_, String>((worker, state))
        });
        let (outcome, reason) = match started {
            Ok(Ok(made)) => {
                self.made = Some(made);
                self.mail.mailbox.set_running();
                return Ok(());
            }
            Ok(Err(text)) => (Outcome::Failed(text.clone()), text),
            Err(text) => (Outcome::Panicked(text.clone()), format!("panicked: {text}")),
        };
        self.outcome = outcome;
        let worker = self.context.id();
        Err(StartError::Init { worker, reason })
    }

    async fn run(mut self) {
        // 3. Running, and 4. draining: until the mailbox is closed and empty.
        let served = self.serve().await;
        let mailbox = Arc::clone(&self.mail.mailbox);
        // Senders learn it before the state is dropped, which may take long or panic, too.
        mailbox.end();
        self.outcome = match (served, self.made.take()) {
            (Err(text), made) => {
                let _second_panic = caught(|| {
                    drop(made);
                    Ok::<(), String>(())
                });
                Outcome::Panicked(text)
            }
            (Ok(()), None) => Outcome::Stopped,
            // 5. Shutdown.
            (Ok(()), Some((worker, state))) => {
                let context = &self.context;
                match caught(|| worker.shutdown(state, context)) {
                    Ok(Ok(())) => Outcome::Stopped,
                    Ok(Err(text)) => Outcome::Failed(text),
                    Err(text) => Outcome::Panicked(text),
                }
            }
        };
        // After the close nothing is added, but a sender may still be filling a place that it claimed before.
        while !self.mail.drain_into(&mut self.returned) {
            yield_now().await;
        }
    }

    /// Handles messages until the mailbox is closed and empty. An error is the text of a panic.
    async fn serve(&mut self) -> Result<(), String> {
        let mail = Rc::clone(&self.mail);
        let host = self.context.host().clone();
        let mut next_tick_ns = self.tick_ns.map(|tick_ns| host.now_ns() + tick_ns);
        let mut space = SpaceBell { popped: 0 };
        let mut streak = 0;
        loop {
            let due_ns = mail.next_due_ns();
            let deadline_ns = due_ns.into_iter().chain(next_tick_ns).min();
            let found = mail.wait(&host, deadline_ns).await;
            match found {
                Found::Own | Found::Inbox => {
                    let taken = self.handle_some(found)?;
                    space.after_batch(&mail, taken);
                }
                Found::Closed => return Ok(()),
                Found::Due => {}
            }
            if deadline_ns.is_some() {
                let now_ns = host.now_ns();
                mail.take_due(now_ns);
                if let (Some(at_ns), Some(tick_ns)) = (next_tick_ns, self.tick_ns) {
                    if now_ns >= at_ns {
                        next_tick_ns = Some(now_ns + tick_ns);
                        self.tick()?;
                    }
                }
            }
            streak += 1;
            if streak == STREAK || host.has_ready() {
                streak = 0;
                yield_now().await;
            }
        }
    }

    fn tick(&mut self) -> Result<(), String> {
        if let Some((worker, state)) = &mut self.made {
            let context = &self.context;
            let result = caught(|| worker.tick(state, context))?;
            self.notes.record(&self.mail.mailbox, result);
        }
        Ok(())
    }

    /// Hands one batch to the worker. Returns how many messages it took.
    fn handle_some(&mut self, found: Found) -> Result<u64, String> {
        let Some((worker, state)) = &mut self.made else {
            return Ok(0);
        };
        let mailbox = &*self.mail.mailbox;
        let mut taken = 0;
        let wait = Wait {
            probe: &mailbox.probe,
            clock: mailbox.clock,
            queue: &mut self.notes.queue_wait,
        };
        let mut inbox;
        let source = if found == Found::Own {
            Source::own(self.mail.own(), self.batch_max)
        } else {
            inbox = self.mail.inbox();
            inbox.source(self.batch_max)
        };
        let by_lane = source.is_lane();
        let mut batch = Batch::new(source, wait, &mut taken);
        let context = &self.context;
        let result = caught(|| worker.handle_batch(state, &mut batch, context));
        drop(batch);
        if by_lane {
            mailbox.counters.by_owner(taken);
        }
        match result {
            Ok(result) => {
                mailbox.counters.batch(taken);
                self.notes.record(mailbox, result);
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

impl<W: Worker> Drop for Life<W> {
    fn drop(&mut self) {
        let mail = &self.mail;
        mail.mailbox.end();
        let made = self.made.take();
        let _panic = caught(|| {
            drop(made);
            Ok::<(), String>(())
        });
        // Mostly nothing is left to wait for. But a task that is cancelled cannot wait otherwise.
        while !mail.drain_into(&mut self.returned) {
            sys::yield_now();
        }
        // What batchers put into their lanes from now on is theirs.
        mail.inbox().leave();
        mail.mailbox.leave();
        let done = Done {
            cpu: self.context.cpu(),
            pin_error: self.context.host().pin_error(),
            outcome: core::mem::replace(&mut self.outcome, Outcome::Cancelled),
            last_error: self.notes.last_error.take(),
            returned: core::mem::take(&mut self.returned),
            queue_wait: self.notes.queue_wait.clone(),
        };
        self.shared.ends.put(self.context.id(), done);
    }
}

/// What a worker learns about itself as it runs.
struct Notes {
    queue_wait: Latency,
    last_error: Option<String>,
}

impl Notes {
    fn new() -> Self {
        Self {
            queue_wait: Latency::new(),
            last_error: None,
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
    fn after_batch<M>(&mut self, mail: &Mail<M>, taken: u64) {
        self.popped += taken;
        let inbox = mail.inbox();
        if inbox.is_half_free() || self.popped >= inbox.capacity() as u64 {
            self.popped = 0;
            mail.mailbox.space.ring();
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
