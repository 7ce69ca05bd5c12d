//! The life of one worker, a task of its shard: from its factory to its report.
#![forbid(unsafe_code)]

use core::{
    fmt::Display,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};
use std::{
    any::Any,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use shared_nothing_affinity::CpuId;

use super::{
    Batch, Checkpoint, Context, Worker,
    batch::{Source, Wait},
    control::Control,
    inbox::Inbox,
    mail::{Found, Mail},
    mailbox::Mailbox,
    moving::{Export, Import},
    suspect::Suspect,
};
use crate::{
    executor::{Host, Listening, spawn_local, yield_now},
    pool::{
        Outcome, Shared, StartError,
        keeper::{Tell, Verdict},
        supervise::Ending,
    },
    stats::{Counters, Latency},
    sys,
};

/// Batches in a row that a worker handles while no other task is ready: then the shard looks around.
const STREAK: u32 = 8;

/// Between two looks whether state can be given away.
const LOOK_AGAIN_NS: u64 = 50_000;

/// What a shard needs to run a worker.
pub(crate) struct Job<M, F> {
    pub(crate) id: usize,
    pub(crate) shared: Arc<Shared<M>>,
    pub(crate) inbox: Inbox<M>,
    pub(crate) make: Arc<F>,
    pub(crate) batch_max: usize,
    pub(crate) tick_interval: Option<Duration>,
    pub(crate) redeliveries: u32,
    pub(crate) is_paused: bool,
}

/// What is left of a worker.
#[derive(Debug)]
pub(crate) struct Done<M> {
    pub(crate) cpu: Option<CpuId>,
    pub(crate) pin_error: Option<String>,
    pub(crate) outcome: Outcome,
    pub(crate) last_error: Option<String>,
    pub(crate) left: Left<M>,
    pub(crate) queue_wait: Latency,
}

impl<M: Send + 'static, F> Job<M, F> {
    /// Makes a worker and its state, on the shard of this thread, and starts its task there.
    pub(crate) fn launch<W>(self) -> Result<(), StartError>
    where
        W: Worker<Message = M> + 'static,
        F: Fn(&Context<M>) -> W + Send + Sync + 'static,
    {
        let host = Host::here();
        let Some(mailbox) = self.shared.mailbox(self.id).map(Arc::clone) else {
            unreachable!("a worker's mailbox is made before it is")
        };
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
            make: self.make,
            made: None,
            batch_max: self.batch_max,
            tick_ns: self
                .tick_interval
                .map(|interval| interval.as_nanos() as u64),
            notes: Notes::new(),
            poison: Suspect::new(self.redeliveries),
            export: None,
            postponed: VecDeque::new(),
            left: Left::default(),
            outcome: Outcome::Cancelled,
        };
        let worker = self.id;
        life.begin()
            .map_err(|reason| StartError::Init { worker, reason })?;
        life.mail.hold(self.is_paused);
        drop(spawn_local(life.run()));
        Ok(())
    }
}

/// A worker that lives. Dropped, whatever way, it ends: senders get their messages back from then on, what is left in
/// the mailbox is handed back, and the pool is told.
struct Life<W: Worker, F> {
    context: Context<W::Message>,
    mail: Rc<Mail<W::Message>>,
    shared: Arc<Shared<W::Message>>,
    make: Arc<F>,
    made: Option<(W, W::State)>,
    batch_max: usize,
    tick_ns: Option<u64>,
    poison: Suspect<W::Message>,
    /// State that is to be given away, and how many own messages come before.
    export: Option<(Export, u64)>,
    /// What it was told between two lives, and does in the next.
    postponed: VecDeque<Control>,
    notes: Notes,
    left: Left<W::Message>,
    outcome: Outcome,
    _listening: Listening,
}

/// Why a life ends.
enum End {
    /// The mailbox is closed and empty.
    Closed,
    /// The worker was told to begin anew.
    Told,
    /// A handler panicked, with this text.
    Panicked(String),
}

impl<W, F> Life<W, F>
where
    W: Worker,
    F: Fn(&Context<W::Message>) -> W,
{
    /// 1. Made, and 2. init.
    fn begin(&mut self) -> Result<(), String> {
        let (context, make) = (&self.context, &*self.make);
        let checkpoint = self.notes.checkpoint.take();
        let started = caught(|| {
            let worker = make(context);
            let state = match checkpoint {
                None => worker.init(context),
                Some(checkpoint) => worker.restore(checkpoint, context),
            };
            let state = state.map_err(|error| error.to_string())?;
            Ok::<_, String>((worker, state))
        });
        let reason = match started {
            Ok(Ok(made)) => {
                self.made = Some(made);
                // What is cut off from now on is cancelled.
                self.outcome = Outcome::Cancelled;
                self.mail.mailbox.set_running();
                return Ok(());
            }
            Ok(Err(text)) => {
                self.outcome = Outcome::Failed(text.clone());
                text
            }
            Err(text) => {
                self.outcome = Outcome::Panicked(text.clone());
                format!("panicked: {text}")
            }
        };
        Err(reason)
    }

    async fn run(mut self) {
        loop {
            // 3. Running, and 4. draining: until the mailbox is closed and empty.
            let end = self.serve().await;
            match end {
                End::Closed => {
                    self.mail.mailbox.end();
                    self.outcome = self.shut_down();
                    let tell = self.shared.keeper.gone(self.context.id());
                    self.tell(tell);
                    break;
                }
                End::Told => {
                    self.mail.mailbox.set_down();
                    self.outcome = self.shut_down();
                    if !self.next_life(Ending::Stopped).await {
                        break;
                    }
                }
                End::Panicked(text) => {
                    // Whoever asks is told at once, before the state is dropped, which may take long or panic, too.
                    self.mail.mailbox.set_down();
                    self.outcome = Outcome::Panicked(text);
                    if !self.next_life(Ending::Panicked).await {
                        break;
                    }
                }
            }
        }
        self.mail.mailbox.end();
        // After the close nothing is added, but a sender may still be filling a place that it claimed before.
        while !self.mail.drain_into(&mut self.left.returned) {
            yield_now().await;
        }
    }

    /// 5. Shutdown.
    fn shut_down(&mut self) -> Outcome {
        let Some((worker, state)) = self.made.take() else {
            return Outcome::Stopped;
        };
        let context = &self.context;
        match caught(|| worker.shutdown(state, context)) {
            Ok(Ok(())) => Outcome::Stopped,
            Ok(Err(text)) => Outcome::Failed(text),
            Err(text) => Outcome::Panicked(text),
        }
    }

    fn tell(&self, tell: Tell) {
        for (worker, control) in tell {
            if let Some(mailbox) = self.shared.mailbox(worker) {
                mailbox.tell(control);
            }
        }
    }

    /// Asks what comes now, and does it. `true`: another life has begun.
    async fn next_life(&mut self, mut ending: Ending) -> bool {
        let id = self.context.id();
        let host = self.context.host().clone();
        loop {
            let (verdict, tell) = self.shared.keeper.on_end(id, ending, host.now_ns());
            if matches!(verdict, Verdict::GiveUp | Verdict::StopPool) {
                self.mail.mailbox.end();
            }
            self.drop_state();
            self.tell(tell);
            let begin_ns = match verdict {
                Verdict::GiveUp => return false,
                Verdict::StopPool => {
                    self.shared.close();
                    return false;
                }
                Verdict::BeginAt(begin_ns) => begin_ns,
                Verdict::Wait => match self.wait_to_begin().await {
                    Some(begin_ns) => begin_ns,
                    None => return false,
                },
            };
            if begin_ns > host.now_ns() && !self.wait_until(begin_ns).await {
                return false;
            }
            match self.begin() {
                Ok(()) => {
                    self.mail.mailbox.counters.restarted();
                    let tell = self.shared.keeper.on_start(id, host.now_ns());
                    self.tell(tell);
                    return true;
                }
                Err(_) => ending = Ending::Failed,
            }
        }
    }

    fn drop_state(&mut self) {
        let made = self.made.take();
        let _panic = caught(|| {
            drop(made);
            Ok::<(), String>(())
        });
    }

    /// Between two lives: waits until it is told to begin, and when. `None`: it is closed before.
    async fn wait_to_begin(&mut self) -> Option<u64> {
        let was_held = self.mail.is_held();
        self.mail.hold(true);
        let mail = Rc::clone(&self.mail);
        let mut begin_ns = None;
        while begin_ns.is_none() {
            match mail.wait(self.context.host(), None).await {
                Found::Control => begin_ns = self.take_controls(),
                Found::Closed => return None,
                _ => {}
            }
        }
        self.mail.hold(was_held);
        begin_ns
    }

    /// `false`: it is closed before.
    async fn wait_until(&mut self, begin_ns: u64) -> bool {
        let was_held = self.mail.is_held();
        self.mail.hold(true);
        let mail = Rc::clone(&self.mail);
        let found = loop {
            match mail.wait(self.context.host(), Some(begin_ns)).await {
                Found::Control => drop(self.take_controls()),
                found => break found,
            }
        };
        self.mail.hold(was_held);
        found != Found::Closed
    }

    /// Does what it was told between two lives. Some: it may begin, not before this time.
    fn take_controls(&mut self) -> Option<u64> {
        while let Some(control) = self.mail.mailbox.control.take() {
            match control {
                Control::Ping(reply) => reply.send(()),
                Control::Begin(begin_ns) => return Some(begin_ns),
                // It has ended already.
                Control::Restart => {}
                control => self.postponed.push_back(control),
            }
        }
        None
    }

    /// Handles messages until the mailbox is closed and empty.
    async fn serve(&mut self) -> End {
        let mail = Rc::clone(&self.mail);
        let host = self.context.host().clone();
        let mut next_tick_ns = self.tick_ns.map(|tick_ns| host.now_ns() + tick_ns);
        let mut space = SpaceBell { popped: 0 };
        let mut streak = 0;
        if let Err(end) = self.handle_suspect() {
            return end;
        }
        if let Some(end) = self.obey() {
            return end;
        }
        loop {
            let due_ns = mail.next_due_ns();
            let deadline_ns = due_ns.into_iter().chain(next_tick_ns).min();
            // Places that are given up tell nobody that the way to an export is free.
            let look_ns = self.export.as_ref().map(|_| host.now_ns() + LOOK_AGAIN_NS);
            let deadline_ns = deadline_ns.into_iter().chain(look_ns).min();
            let deadline_ns = deadline_ns.filter(|_| !mail.is_held());
            let found = mail.wait(&host, deadline_ns).await;
            match found {
                Found::Own | Found::Inbox => match self.handle_found(found).await {
                    Ok(taken) => {
                        space.after_batch(&mail, taken);
                    }
                    Err(end) => return end,
                },
                Found::Control => {
                    if let Some(end) = self.obey() {
                        return end;
                    }
                    continue;
                }
                // A close ends a pause.
                Found::Closed if mail.is_held() => mail.hold(false),
                Found::Closed => return End::Closed,
                Found::Due => {}
            }
            if let Err(end) = self.try_export() {
                return end;
            }
            if deadline_ns.is_some() {
                let now_ns = host.now_ns();
                mail.take_due(now_ns);
                if let (Some(at_ns), Some(tick_ns)) = (next_tick_ns, self.tick_ns) {
                    if now_ns >= at_ns {
                        next_tick_ns = Some(now_ns + tick_ns);
                        if let Err(end) = self.tick() {
                            return end;
                        }
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

    /// Does what it was told.
    fn obey(&mut self) -> Option<End> {
        while let Some(control) = self.next_control() {
            let done = match control {
                Control::Pause => {
                    self.mail.hold(true);
                    Ok(())
                }
                Control::Resume => {
                    self.mail.hold(false);
                    self.try_export()
                }
                Control::Ping(reply) => {
                    reply.send(());
                    Ok(())
                }
                Control::Restart => Err(End::Told),
                // It runs already.
                Control::Begin(_) => Ok(()),
                Control::Export(export) => {
                    self.export = Some((export, self.mail.survey()));
                    self.try_export()
                }
                Control::Import(import) => self.import(import),
            };
            if let Err(end) = done {
                return Some(end);
            }
        }
        None
    }

    fn next_control(&mut self) -> Option<Control> {
        let postponed = self.postponed.pop_front();
        postponed.or_else(|| self.mail.mailbox.control.take())
    }

    /// Gives state away if all is handled that came before.
    fn try_export(&mut self) -> Result<(), End> {
        let mail = &self.mail;
        let is_due = |(export, own): &mut (Export, u64)| {
            !mail.is_held() && mail.has_taken(*own, export.position)
        };
        let Some((export, _)) = self.export.take_if(is_due) else {
            return Ok(());
        };
        let Some((worker, state)) = &mut self.made else {
            return Ok(());
        };
        if export.claim.is_first() {
            let context = &self.context;
            let code = || Ok::<_, String>(worker.export(state, &export.slots, context));
            // A panic drops the reply, and so the mover is told.
            let exported = caught(code).map_err(End::Panicked)?;
            export.reply.send(exported.ok().flatten());
        }
        Ok(())
    }

    /// Takes state.
    fn import(&mut self, import: Import) -> Result<(), End> {
        let Some((worker, state)) = &mut self.made else {
            return Ok(());
        };
        let context = &self.context;
        let exported = import.parcel.take();
        if let Some(exported) = exported {
            let code = || worker.import(state, &import.slots, exported, context);
            let result = caught(code);
            // It is this worker's, whatever becomes of it.
            import.reply.send(());
            self.notes
                .record(&self.mail.mailbox, result.map_err(End::Panicked)?);
        } else {
            import.reply.send(());
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), End> {
        if let Some((worker, state)) = &mut self.made {
            let context = &self.context;
            let result = caught(|| worker.tick(state, context)).map_err(End::Panicked)?;
            self.notes.record(&self.mail.mailbox, result);
            let checkpoint = caught(|| Ok::<_, String>(worker.checkpoint(state, context)));
            if let Some(checkpoint) = checkpoint.map_err(End::Panicked)?.ok().flatten() {
                self.notes.checkpoint = Some(checkpoint);
            }
        }
        Ok(())
    }

    /// Handles the message once more that the last life panicked over, before all others.
    fn handle_suspect(&mut self) -> Result<(), End> {
        let Some(message) = self.poison.again.take() else {
            return Ok(());
        };
        self.handle(|_| Source::One(Some(message))).map(drop)
    }

    async fn handle_found(&mut self, found: Found) -> Result<u64, End> {
        match W::IS_ASYNC {
            false => self.handle_some(found),
            true => self.handle_one(found).await,
        }
    }

    /// Hands one message to a worker that may wait.
    async fn handle_one(&mut self, found: Found) -> Result<u64, End> {
        let Some((worker, state)) = &mut self.made else {
            return Ok(0);
        };
        let mailbox = &*self.mail.mailbox;
        let Some(message) = take_one(&self.mail, found, &mut self.notes.queue_wait) else {
            return Ok(0);
        };
        let handling = Handling(Some(&mailbox.counters));
        let handled = worker.handle_async(state, message, &self.context);
        let result = caught_async(handled).await;
        handling.is_over();
        match result {
            Ok(result) => {
                mailbox.counters.batch(1);
                self.notes.record(mailbox, result);
                Ok(1)
            }
            Err(panic) => {
                mailbox.counters.panicked(1);
                Err(End::Panicked(panic))
            }
        }
    }

    /// Hands one batch to the worker. Returns how many messages it took.
    fn handle_some(&mut self, found: Found) -> Result<u64, End> {
        let mail = Rc::clone(&self.mail);
        if found == Found::Own {
            return self.handle(|max| Source::own(mail.own(), max));
        }
        let mut inbox = mail.inbox();
        self.handle(|max| inbox.source(max))
    }

    fn handle<'s>(
        &mut self,
        source: impl FnOnce(usize) -> Source<'s, W::Message>,
    ) -> Result<u64, End>
    where
        W::Message: 's,
    {
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
        let source = source(self.batch_max);
        let (by_lane, is_again) = (source.is_lane(), matches!(source, Source::One(_)));
        let keep = |message: &W::Message| worker.keep(message);
        let keeper = self
            .poison
            .keeps()
            .then_some(&keep as &dyn Fn(&W::Message) -> _);
        let mut batch = Batch::new(source, wait, &mut taken, keeper, &mut self.poison.kept);
        let context = &self.context;
        let result = caught(|| worker.handle_batch(state, &mut batch, context));
        drop(batch);
        if by_lane {
            mailbox.counters.by_owner(taken);
        }
        match result {
            Ok(result) => {
                mailbox.counters.batch(taken);
                self.poison.done(is_again);
                self.notes.record(mailbox, result);
                Ok(taken)
            }
            Err(panic) => {
                // It panicked over the last message that it took.
                mailbox.counters.batch(taken.saturating_sub(1));
                if taken != 0 && !self.poison.killed(&mut self.left.dead_letters) {
                    mailbox.counters.panicked(1);
                }
                Err(End::Panicked(panic))
            }
        }
    }
}

impl<W: Worker, F> Drop for Life<W, F> {
    fn drop(&mut self) {
        let mail = &self.mail;
        mail.mailbox.end();
        let made = self.made.take();
        let _panic = caught(|| {
            drop(made);
            Ok::<(), String>(())
        });
        // What was to be handled again never will be.
        self.left.returned.extend(self.poison.again.take());
        // Mostly nothing is left to wait for. But a task that is cancelled cannot wait otherwise.
        while !mail.drain_into(&mut self.left.returned) {
            sys::yield_now();
        }
        // What batchers put into their lanes from now on is theirs.
        mail.inbox().leave();
        mail.mailbox.leave();
        while mail.mailbox.control.take().is_some() {}
        let done = Done {
            cpu: self.context.cpu(),
            pin_error: self.context.host().pin_error(),
            outcome: core::mem::replace(&mut self.outcome, Outcome::Cancelled),
            last_error: self.notes.last_error.take(),
            left: core::mem::take(&mut self.left),
            queue_wait: self.notes.queue_wait.clone(),
        };
        self.shared.ends.put(self.context.id(), done);
    }
}

/// Messages that a worker did not handle.
#[derive(Debug)]
pub(crate) struct Left<M> {
    pub(crate) returned: Vec<M>,
    pub(crate) dead_letters: Vec<M>,
}

impl<M> Default for Left<M> {
    fn default() -> Self {
        Self {
            returned: Vec::new(),
            dead_letters: Vec::new(),
        }
    }
}

/// Takes one message out, and counts it where the shared ring does not.
fn take_one<M>(mail: &Mail<M>, found: Found, queue: &mut Latency) -> Option<M> {
    let mailbox = &*mail.mailbox;
    let (mut taken, mut kept) = (0, None);
    let wait = Wait {
        probe: &mailbox.probe,
        clock: mailbox.clock,
        queue,
    };
    let mut inbox;
    let source = if found == Found::Own {
        Source::own(mail.own(), 1)
    } else {
        inbox = mail.inbox();
        inbox.source(1)
    };
    let by_lane = source.is_lane();
    let message = Batch::new(source, wait, &mut taken, None, &mut kept).next();
    if by_lane {
        mailbox.counters.by_owner(taken);
    }
    message
}

/// A message is being handled while this lives. Dropped without a word, the handler was cut off.
struct Handling<'c>(Option<&'c Counters>);

impl Handling<'_> {
    fn is_over(mut self) {
        self.0 = None;
    }
}

impl Drop for Handling<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.cancelled();
        }
    }
}

/// What a worker learns about itself as it runs.
struct Notes {
    queue_wait: Latency,
    last_error: Option<String>,
    checkpoint: Option<Checkpoint>,
}

impl Notes {
    fn new() -> Self {
        Self {
            queue_wait: Latency::new(),
            last_error: None,
            checkpoint: None,
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

/// As [`caught`], for code that waits.
async fn caught_async<R, E: Display>(
    code: impl Future<Output = Result<R, E>>,
) -> Result<Result<R, String>, String> {
    let mut code = pin!(code);
    poll_fn(|cx| {
        let poll = || code.as_mut().poll(cx);
        match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result.map_err(|error| error.to_string()))),
            Err(payload) => Poll::Ready(Err(panic_text(&*payload))),
        }
    })
    .await
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a text").to_owned()
}
