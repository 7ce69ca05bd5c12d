//! Calls without an allocation.
#![forbid(unsafe_code)]

use core::fmt;

use super::{
    Call, Reply, SendError, Sender, TrySendError,
    call::{self, of_ends},
    cell::Kept,
};
use crate::partition::StableHash;

/// Makes calls by cells that are used again: in steady state a call allocates nothing.
///
/// One for each thread or task that calls often.
pub struct Caller<M, R> {
    sender: Sender<M>,
    cells: Vec<Kept<R>>,
    next: usize,
}

/// Cells that a caller keeps at most: calls that it has under way at a time without an allocation.
const CELLS_MAX: usize = 256;
/// Cells that it has from the start: who answers may still hold one while the next call is made.
const CELLS_AT_FIRST: usize = 4;
/// Cells that it looks at before it makes another.
const LOOKS: usize = 8;

impl<M, R> Caller<M, R> {
    pub(super) fn new(sender: Sender<M>) -> Self {
        let patience = sender.shared().patience;
        Self {
            sender,
            cells: (0..CELLS_AT_FIRST).map(|_| Kept::new(patience)).collect(),
            next: 0,
        }
    }

    /// Both ends of a cell that nobody holds, or of a new one.
    fn ends(&mut self) -> (Reply<R>, Call<R>) {
        for _ in 0..self.cells.len().min(LOOKS) {
            self.next += 1;
            if self.next >= self.cells.len() {
                self.next = 0;
            }
            if let Some(ends) = self.cells[self.next].pair() {
                return of_ends(ends);
            }
        }
        self.more_ends()
    }

    #[cold]
    fn more_ends(&mut self) -> (Reply<R>, Call<R>) {
        let patience = self.sender.shared().patience;
        if self.cells.len() == CELLS_MAX {
            return call::pair(patience);
        }
        let mut cell = Kept::new(patience);
        let Some(ends) = cell.pair() else {
            unreachable!("nobody has the ends of a new cell")
        };
        self.cells.push(cell);
        of_ends(ends)
    }

    /// As [`Sender::call`].
    ///
    /// # Errors
    ///
    /// As [`Sender::call`].
    pub fn call<K>(
        &mut self,
        key: &K,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let (reply, call) = self.ends();
        self.sender.send_partitioned(key, message(reply))?;
        Ok(call)
    }

    /// As [`Sender::try_call`].
    ///
    /// # Errors
    ///
    /// As [`Sender::try_call`].
    pub fn try_call<K>(
        &mut self,
        key: &K,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, TrySendError<M>>
    where
        K: StableHash + ?Sized,
    {
        let (reply, call) = self.ends();
        self.sender.try_send_partitioned(key, message(reply))?;
        Ok(call)
    }

    /// As [`Sender::call_to`].
    ///
    /// # Errors
    ///
    /// As [`Sender::call_to`].
    pub fn call_to(
        &mut self,
        worker: usize,
        message: impl FnOnce(Reply<R>) -> M,
    ) -> Result<Call<R>, SendError<M>> {
        let (reply, call) = self.ends();
        self.sender.send_to(worker, message(reply))?;
        Ok(call)
    }
}

impl<M, R> fmt::Debug for Caller<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}
