//! What a worker does while it lives: waits, handles, obeys, ticks, gives state away and takes it.
#![forbid(unsafe_code)]

use std::rc::Rc;

use super::{
    Context, Worker,
    caught::{caught, let_go},
    control::Control,
    mail::{Found, Mail},
    moving::{Export, Import, Parcel},
    run::{End, Life},
};
use crate::{executor::yield_now, stats::Way};

/// Batches in a row that a worker handles while no other task is ready: then the shard looks around.
const STREAK: u32 = 8;

/// Between two looks whether state can be given away.
const LOOK_AGAIN_NS: u64 = 50_000;

impl<W, F> Life<W, F>
where
    W: Worker,
    F: Fn(&Context<W::Message>) -> W,
{
    /// Handles messages until the mailbox is closed and empty.
    pub(super) async fn serve(&mut self) -> End {
        let mail = Rc::clone(&self.mail);
        let host = self.context.host().clone();
        let mut next_tick_ns = self.tick_ns.map(|tick_ns| host.now_ns() + tick_ns);
        let mut space = SpaceBell { popped: 0 };
        let mut streak = 0;
        if let Err(end) = self.handle_suspect().await {
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
                        space.after_batch(&mail, found == Found::Own, taken);
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
                Control::Restart if self.shared.keeper.is_to_end(self.context.id()) => {
                    Err(End::Told)
                }
                // It has ended since then, and begun again.
                Control::Restart => Ok(()),
                // It runs already.
                Control::Begin(_) => Ok(()),
                Control::Retire => {
                    self.mail.end();
                    Ok(())
                }
                // The number is not free: who asked is told, as the answer is dropped.
                Control::Occupy(_) => Ok(()),
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
            !mail.is_held() && mail.has_taken(*own, export.positions)
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
            export.reply.send(Parcel::new(exported.ok().flatten()));
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
                let_go(self.notes.checkpoint.replace(checkpoint)).map_err(End::Panicked)?;
            }
        }
        Ok(())
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
    fn after_batch<M>(&mut self, mail: &Mail<M>, is_own: bool, taken: u64) {
        self.popped += taken;
        let mut inbox = mail.inbox();
        let lens = inbox.lens(if is_own { 0 } else { taken });
        let meter = &mail.mailbox.meter;
        meter.depth(lens.all as u64 + taken);
        meter.depth_of(Way::Mailbox, lens.mailbox);
        meter.depth_of(Way::Urgent, lens.urgent);
        if lens.is_half_free || self.popped >= inbox.capacity() as u64 {
            self.popped = 0;
            mail.mailbox.space.ring();
        }
    }
}
