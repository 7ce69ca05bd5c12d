//! Between two workers of one number: the place is kept, with its rings, until another worker gets the number or the pool
//! ends.
//!
//! A mailbox is not made anew: senders hold on to it without a count, and so it stays as long as the pool does. That a
//! worker has ended is a word in it, which every send reads. A sender that read it before may still put a message in: it
//! is taken out here, and handed back in the report. A batcher may open a lane, and put in what is not published yet.
//!
//! So the place is cleared twice: when a worker has ended, and before another begins. Its map slots have gone to others
//! by then, and RECHECK of `routes` says so to whoever claims a place or marks a lane after that; what was claimed before
//! is waited for, and the lanes are closed. The next worker gets nothing that was sent by a map in which the last one
//! had the slot.
#![forbid(unsafe_code)]

use std::rc::Rc;

use super::{Context, Worker, caught::let_go, control::Control, mail::Found, run::Life};
use crate::executor::yield_now;

impl<W, F> Life<W, F>
where
    W: Worker,
    F: Fn(&Context<W::Message>) -> W,
{
    /// The worker has ended for good. `true`: another has begun under its number. `false`: the pool ends.
    pub(super) async fn vacate(&mut self) -> bool {
        let mail = Rc::clone(&self.mail);
        self.export = None;
        self.postponed.clear();
        let _panic = let_go(self.notes.checkpoint.take());
        self.left.returned.extend(self.poison.give_up());
        self.clear_place().await;
        mail.mailbox.set_vacant();
        let host = self.context.host().clone();
        loop {
            match mail.wait(&host, None).await {
                Found::Control => {
                    if self.is_occupied().await {
                        return true;
                    }
                }
                Found::Closed => return false,
                Found::Own | Found::Inbox | Found::Due => {
                    mail.drain_into(&mut self.left.returned);
                    mail.mailbox.meter.returned(self.left.not_counted());
                }
            }
        }
    }

    /// Takes out what is there, waits for what is still to come, and closes the lanes.
    async fn clear_place(&mut self) {
        let mail = Rc::clone(&self.mail);
        mail.end();
        // A sender may still be filling a place that it claimed before.
        while !mail.drain_into(&mut self.left.returned) {
            yield_now().await;
        }
        mail.mailbox.meter.returned(self.left.not_counted());
        // What batchers put into their lanes from now on is theirs.
        mail.inbox().leave(&mail.mailbox.meter);
        mail.begin_anew();
    }

    /// Whether another worker has begun. All else that is told here is told to nobody.
    async fn is_occupied(&mut self) -> bool {
        while let Some(control) = self.mail.mailbox.control.take() {
            let Control::Occupy(reply) = control else {
                continue;
            };
            self.clear_place().await;
            let begun = self.begin();
            let is_begun = begun.is_ok();
            if is_begun {
                let now_ns = self.context.host().now_ns();
                self.shared.keeper.replace_worker(self.context.id(), now_ns);
                self.mail.mailbox.reopen();
            }
            reply.send(begun);
            if is_begun {
                return true;
            }
        }
        false
    }
}
