//! Hands messages to a worker, and counts what becomes of them.
#![forbid(unsafe_code)]

use std::rc::Rc;

use super::{
    Batch, Context, Worker,
    batch::{Source, Wait, Way},
    caught::{caught, caught_async},
    mail::{Found, Mail},
    run::{End, Life},
};
use crate::{
    executor::yield_now,
    stats::{Counters, HandleTimer},
};

impl<W, F> Life<W, F>
where
    W: Worker,
    F: Fn(&Context<W::Message>) -> W,
{
    /// Handles the message once more that the last life panicked over, before all others. A worker that does not take it
    /// is asked again.
    pub(super) async fn handle_suspect(&mut self) -> Result<(), End> {
        while let Some(message) = self.poison.again.take() {
            if W::IS_ASYNC {
                let timer = HandleTimer::default();
                self.handle_async(message, timer, true).await?;
                continue;
            }
            self.handle(|_| Source::One(Some(message)))?;
            if self.poison.again.is_some() {
                yield_now().await;
            }
        }
        Ok(())
    }

    pub(super) async fn handle_found(&mut self, found: Found) -> Result<u64, End> {
        match W::IS_ASYNC {
            false => self.handle_some(found),
            true => self.handle_one(found).await,
        }
    }

    /// Hands one message to a worker that may wait.
    async fn handle_one(&mut self, found: Found) -> Result<u64, End> {
        let (Some(message), timer) = take_one(&self.mail, found) else {
            return Ok(0);
        };
        self.handle_async(message, timer, false).await
    }

    async fn handle_async(
        &mut self,
        message: W::Message,
        mut timer: HandleTimer,
        is_again: bool,
    ) -> Result<u64, End> {
        let Some((worker, state)) = &mut self.made else {
            return Ok(0);
        };
        let mailbox = &*self.mail.mailbox;
        let handling = Handling(Some(&mailbox.counters));
        let context = &self.context;
        let (keeps, kept) = (self.poison.keeps(), &mut self.poison.kept);
        // What the handler does before there is a future is in it, too, and so is the copy, which the worker makes.
        let handled = async {
            if keeps {
                *kept = worker.keep(&message);
            }
            worker.handle_async(state, message, context).await
        };
        let result = caught_async(&mailbox.meter, handled).await;
        timer.end(&mailbox.meter, || mailbox.clock.now_ns());
        handling.end();
        match result {
            Ok(result) => {
                mailbox.counters.batch(1);
                self.notes.record(mailbox, result);
                self.poison.done(is_again).map_err(End::Panicked)?;
                Ok(1)
            }
            Err(panic) => {
                if !self.poison.killed(&mut self.left.dead_letters) {
                    mailbox.counters.panicked(1);
                }
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
        let wait = Wait {
            probe: &mailbox.probe,
            clock: mailbox.clock,
            meter: &mailbox.meter,
            timer: HandleTimer::default(),
        };
        let source = source(self.batch_max);
        let way = source.way();
        let is_again = way == Way::Again;
        let keep = |message: &W::Message| worker.keep(message);
        let keeper = self
            .poison
            .keeps()
            .then_some(&keep as &dyn Fn(&W::Message) -> _);
        let mut batch = Batch::new(source, wait, keeper, &mut self.poison.kept);
        let context = &self.context;
        mailbox.meter.beat();
        let result = caught(|| worker.handle_batch(state, &mut batch, context));
        let taken = batch.taken();
        let (not_taken, is_between) = (batch.take_back(), batch.is_between());
        drop(batch);
        let is_again = is_again && not_taken.is_none();
        self.poison.again = not_taken;
        mailbox.meter.beat();
        count_taken(&mailbox.counters, way, taken);
        match result {
            Ok(result) => {
                mailbox.counters.batch(taken);
                self.notes.record(mailbox, result);
                self.poison.done(is_again).map_err(End::Panicked)?;
                Ok(taken)
            }
            Err(panic) => {
                if is_between {
                    // It panicked over the copy of a message, which is handled.
                    mailbox.counters.batch(taken);
                    let _no_copy = self.poison.done(is_again);
                    return Err(End::Panicked(panic));
                }
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

/// Counts messages where no position does.
fn count_taken(counters: &Counters, way: Way, taken: u64) {
    match way {
        Way::Lane => counters.by_lane(taken),
        Way::Own => counters.own_taken(taken),
        Way::Ring | Way::Again => {}
    }
}

/// Takes one message out, and counts it where the shared ring does not.
fn take_one<M>(mail: &Mail<M>, found: Found) -> (Option<M>, HandleTimer) {
    let mailbox = &*mail.mailbox;
    let wait = Wait {
        probe: &mailbox.probe,
        clock: mailbox.clock,
        meter: &mailbox.meter,
        timer: HandleTimer::default(),
    };
    let mut inbox;
    let source = if found == Found::Own {
        Source::own(mail.own(), 1)
    } else {
        inbox = mail.inbox();
        inbox.source(1)
    };
    let way = source.way();
    let one = Batch::new(source, wait, None, &mut None).take_one();
    count_taken(&mailbox.counters, way, u64::from(one.0.is_some()));
    one
}

/// A message is being handled while this lives. Dropped without a word, the handler was cut off.
struct Handling<'c>(Option<&'c Counters>);

impl Handling<'_> {
    fn end(mut self) {
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
