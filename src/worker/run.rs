//! The life of one worker, a task of its shard: from its factory to its report, and from one life to the next.
#![forbid(unsafe_code)]

use core::time::Duration;
use std::{collections::VecDeque, rc::Rc, sync::Arc};

use shared_nothing_affinity::{CpuId, PinError};

use super::{
    Checkpoint, Context, Worker,
    caught::{caught, let_go},
    control::Control,
    inbox::Inbox,
    mail::{Found, Mail},
    mailbox::Mailbox,
    moving::Export,
    suspect::Suspect,
};
use crate::{
    executor::{Host, Listening, spawn_local},
    pool::{
        Outcome, Shared, StartError,
        keeper::{Tell, Verdict},
        supervise::Ending,
    },
    sys,
};

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
    pub(crate) pin_error: Option<PinError>,
    pub(crate) outcome: Outcome,
    pub(crate) last_error: Option<String>,
    pub(crate) left: Left<M>,
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
            .map_err(|text| StartError::Init { worker, text })?;
        life.mail.hold(self.is_paused);
        drop(spawn_local(life.run()));
        Ok(())
    }
}

/// A worker that lives. Dropped, whatever way, it ends: senders get their messages back from then on, what is left in
/// the mailbox is handed back, and the pool is told.
pub(super) struct Life<W: Worker, F> {
    pub(super) context: Context<W::Message>,
    pub(super) mail: Rc<Mail<W::Message>>,
    pub(super) shared: Arc<Shared<W::Message>>,
    pub(super) make: Arc<F>,
    pub(super) made: Option<(W, W::State)>,
    pub(super) batch_max: usize,
    pub(super) tick_ns: Option<u64>,
    pub(super) poison: Suspect<W::Message>,
    /// State that is to be given away, and how many own messages come before.
    pub(super) export: Option<(Export, u64)>,
    /// What it was told between two lives, and does in the next.
    pub(super) postponed: VecDeque<Control>,
    pub(super) notes: Notes,
    pub(super) left: Left<W::Message>,
    pub(super) outcome: Outcome,
    _listening: Listening,
}

/// Why a life ends.
pub(super) enum End {
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
    pub(super) fn begin(&mut self) -> Result<(), String> {
        let (context, make) = (&self.context, &*self.make);
        let mut checkpoint = self.notes.checkpoint.take();
        let started = caught(|| {
            let worker = make(context);
            let state = match checkpoint.take() {
                None => worker.init(context),
                Some(checkpoint) => worker.restore(checkpoint, context),
            };
            let state = state.map_err(|error| error.to_string())?;
            Ok::<_, String>((worker, state))
        });
        // If the factory panicked, it is still there.
        let _panic = let_go(checkpoint);
        let reason = match started {
            Ok(Ok(made)) => {
                self.made = Some(made);
                // What is cut off from now on is cancelled.
                self.outcome = Outcome::Cancelled;
                self.mail.mailbox.set_running();
                self.mail.mailbox.begun();
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
            let goes_on = match end {
                End::Closed => {
                    self.mail.mailbox.end();
                    self.outcome = self.shut_down();
                    let tell = self.shared.keeper.gone(self.context.id());
                    self.tell(tell);
                    false
                }
                End::Told => {
                    self.mail.mailbox.set_down();
                    self.outcome = self.shut_down();
                    self.next_life(Ending::Stopped).await
                }
                End::Panicked(text) => {
                    // Whoever asks is told at once, before the state is dropped, which may take long or panic, too.
                    self.mail.mailbox.set_down();
                    self.outcome = Outcome::Panicked(text);
                    self.next_life(Ending::Panicked).await
                }
            };
            if !goes_on && !self.vacate().await {
                return;
            }
        }
    }

    /// 5. Shutdown.
    fn shut_down(&mut self) -> Outcome {
        let Some((worker, state)) = self.made.take() else {
            return Outcome::Stopped;
        };
        let context = &self.context;
        let outcome = match caught(|| worker.shutdown(state, context)) {
            Ok(Ok(())) => Outcome::Stopped,
            Ok(Err(text)) => Outcome::Failed(text),
            Err(text) => Outcome::Panicked(text),
        };
        let_go(worker).map_or_else(Outcome::Panicked, |()| outcome)
    }

    pub(super) fn tell(&self, tell: Tell) {
        self.shared.tell(tell);
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
        self.made.take().into_iter().for_each(drop_made);
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
}

impl<W: Worker, F> Drop for Life<W, F> {
    fn drop(&mut self) {
        let mail = &self.mail;
        mail.mailbox.end();
        mail.mailbox.close();
        self.made.take().into_iter().for_each(drop_made);
        let _panic = let_go(self.notes.checkpoint.take());
        // What was to be handled again never will be.
        self.left.returned.extend(self.poison.give_up());
        // Mostly nothing is left to wait for. But a task that is cancelled cannot wait otherwise.
        while !mail.drain_into(&mut self.left.returned) {
            sys::yield_now();
        }
        mail.mailbox.meter.returned(self.left.not_counted());
        // What batchers put into their lanes from now on is theirs.
        mail.inbox().leave(&mail.mailbox.meter);
        mail.mailbox.leave();
        mail.mailbox.control.end();
        let done = Done {
            cpu: self.context.cpu(),
            pin_error: self.context.host().pin_error(),
            outcome: core::mem::replace(&mut self.outcome, Outcome::Cancelled),
            last_error: self.notes.last_error.take(),
            left: core::mem::take(&mut self.left),
        };
        self.shared.ends.put(self.context.id(), done);
    }
}

/// Both are the user's, and a panic of theirs is nobody's any more.
fn drop_made<W, S>((worker, state): (W, S)) {
    let _panics = (let_go(state), let_go(worker));
}

/// Messages that a worker did not handle.
#[derive(Debug)]
pub(crate) struct Left<M> {
    pub(crate) returned: Vec<M>,
    pub(crate) dead_letters: Vec<M>,
    counted: usize,
}

impl<M> Left<M> {
    /// How many came back since this was asked last.
    pub(super) fn not_counted(&mut self) -> u64 {
        let counted = core::mem::replace(&mut self.counted, self.returned.len());
        (self.returned.len() - counted) as u64
    }
}

impl<M> Default for Left<M> {
    fn default() -> Self {
        Self {
            returned: Vec::new(),
            dead_letters: Vec::new(),
            counted: 0,
        }
    }
}

/// What a worker learns about itself as it runs.
pub(super) struct Notes {
    pub(super) last_error: Option<String>,
    pub(super) checkpoint: Option<Checkpoint>,
}

impl Notes {
    fn new() -> Self {
        Self {
            last_error: None,
            checkpoint: None,
        }
    }

    pub(super) fn record<M>(&mut self, mailbox: &Mailbox<M>, result: Result<(), String>) {
        if let Err(error) = result {
            mailbox.counters.failed();
            self.last_error = Some(error);
        }
    }
}
