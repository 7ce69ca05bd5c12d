//! What a pool tells its workers: pause, go on, are you there. None of it waits behind messages.
#![forbid(unsafe_code)]

use super::{Call, NoSuchWorker, WorkerPool, call};
use crate::worker::control::Control;

impl<M: Send + 'static> WorkerPool<M> {
    /// Has a worker handle no message until [`resume`](Self::resume). It finishes the batch at hand; what is sent
    /// meanwhile queues. A stop ends the pause.
    ///
    /// # Errors
    ///
    /// There is no such worker.
    pub fn pause(&self, worker: usize) -> Result<(), NoSuchWorker> {
        self.tell(worker, Control::Pause)
    }

    /// Ends a pause.
    ///
    /// # Errors
    ///
    /// There is no such worker.
    pub fn resume(&self, worker: usize) -> Result<(), NoSuchWorker> {
        self.tell(worker, Control::Resume)
    }

    /// Asks a worker whether it is there: also a paused one answers, after the batch at hand. One that has ended does
    /// not: the call is cancelled.
    ///
    /// # Errors
    ///
    /// There is no such worker.
    pub fn ping(&self, worker: usize) -> Result<Call<()>, NoSuchWorker> {
        let (reply, call) = call::pair(self.sender.shared().patience);
        self.tell(worker, Control::Ping(reply))?;
        Ok(call)
    }

    fn tell(&self, worker: usize, control: Control) -> Result<(), NoSuchWorker> {
        let mailbox = self.sender.mailbox(worker).ok_or(NoSuchWorker { worker })?;
        mailbox.tell(control);
        Ok(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{pool::call::Patience, worker::control::ControlLane};

    #[test]
    fn h11_who_tells_one_that_listens_no_more_is_told_so() {
        let ping = || {
            let (reply, call) = call::pair(Patience::new(false, 0));
            (Control::Ping(reply), call)
        };
        let lane = ControlLane::default();
        let (before, unheard) = ping();
        lane.put(Control::Pause);
        lane.put(before);
        assert!(matches!(lane.take(), Some(Control::Pause)));
        lane.end();
        assert!(unheard.wait().is_err());
        let (behind, unheard) = ping();
        lane.put(behind);
        assert!(unheard.wait().is_err());
        assert!(lane.take().is_none());
    }
}
