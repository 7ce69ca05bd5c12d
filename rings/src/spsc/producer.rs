//! The writing end.

use core::{fmt, marker::PhantomData};

use super::{
    BatchedProducer, Reclaim,
    grant::Grant,
    raw::{ProducerLine, Raw},
};
use crate::{
    TryPushError, TryReserveError,
    pos::{advance, distance},
    share::Home,
    sync::Ordering::{Acquire, Relaxed, Release},
};

/// The writing end of a ring.
///
/// It may move to another thread, but only one thread at a time can use it: it is `Send` and not `Sync`, its methods
/// take `&mut self`, and it cannot be cloned. Dropping it closes the ring; what was pushed stays for the consumer.
///
/// It is a pointer: where it lies, and what lies beside it, costs nothing (no *false sharing*).
pub struct Producer<'a, T> {
    raw: Raw<T>,
    home: Home,
    ring: PhantomData<&'a ()>,
}

// SAFETY: values move to the other end's thread, hence `T: Send`. The positions are atomics, or belong to this end and
// move with it.
unsafe impl<T: Send> Send for Producer<'_, T> {}

impl<'a, T> Producer<'a, T> {
    /// # Safety
    ///
    /// 1. The ring lives for `'a`, or by `home` until its last end is gone.
    /// 2. This is the only producer.
    pub(crate) const unsafe fn new(raw: Raw<T>, home: Home) -> Self {
        Self {
            raw,
            home,
            ring: PhantomData,
        }
    }

    /// Puts `value` at the end of the ring, or hands it back at once.
    ///
    /// Wait-free: a handful of instructions, one release store; the consumer's line is read only when the ring looks
    /// full.
    ///
    /// # Errors
    ///
    /// - [`Full`](TryPushError::Full): `capacity` values are in the ring.
    /// - [`Closed`](TryPushError::Closed): the consumer is gone, or an end has closed.
    ///
    /// A push that runs while the consumer closes may still succeed; that value goes where all leftovers go.
    ///
    /// ```
    /// use shared_nothing_rings::{TryPushError, spsc};
    ///
    /// let mut ring = spsc::Ring::<u32, 2>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert!(tx.try_push(1).is_ok() && tx.try_push(2).is_ok());
    /// assert_eq!(tx.try_push(3), Err(TryPushError::Full(3)));
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert!(tx.try_push(3).is_ok());
    /// ```
    #[inline]
    pub fn try_push(&mut self, value: T) -> Result<(), TryPushError<T>> {
        let pos = self.own_pos();
        let index = match self.raw.index_if_open(pos, self.free_slots(pos)) {
            Some(index) => index,
            None => match self.index_after_a_look(pos) {
                Ok(index) => index,
                Err(reason) => return Err(reason.with(value)),
            },
        };
        // SAFETY: 1: ours and empty by I1: `pos` is before the limit, and `&mut self` is the one producer. 2: `index` is
        // its masked position.
        unsafe { self.raw.write_at(index, value) };
        self.publish(advance(pos, 1));
        Ok(())
    }

    /// The ring is closed, or seems full: looks at the consumer's position. Says where the value of `pos` goes.
    ///
    /// A call of its own, which leaves the value where it is.
    #[cold]
    #[inline(never)]
    pub(super) fn index_after_a_look(&mut self, pos: usize) -> Result<usize, TryReserveError> {
        if self.is_closed() {
            return Err(TryReserveError::Closed);
        }
        if self.refresh_free_slots(pos) == 0 {
            return Err(TryReserveError::Full);
        }
        Ok(pos & (self.raw.slots() - 1))
    }

    /// Pushes values from `values` until it ends or the ring is full; one publication for all of them.
    ///
    /// Returns how many were pushed. What did not fit is still in the iterator: nothing is taken from it that has no
    /// place. If it panics, the values that it gave before are published.
    ///
    /// Wait-free but for what `values` does.
    ///
    /// # Errors
    ///
    /// There are values and none was taken because the ring is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<u32, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut values = 0..6;
    /// assert_eq!(tx.try_push_iter(&mut values), Ok(4));
    /// assert_eq!(values, 4..6);
    /// assert!(rx.drain(usize::MAX).eq(0..4));
    /// ```
    pub fn try_push_iter<I>(&mut self, values: &mut I) -> Result<usize, TryReserveError>
    where
        I: Iterator<Item = T>,
    {
        if values.size_hint() == (0, Some(0)) {
            return Ok(0);
        }
        if self.is_closed() {
            return Err(TryReserveError::Closed);
        }
        // A batch asks for as much as there is: a stale limit would cut it short, unless all is said to fit before it.
        let start = self.own_pos();
        let known = self.free_slots(start);
        let most = values.size_hint().1.unwrap_or(usize::MAX);
        let mut has_looked = known == 0 || known < most;
        let mut free = known;
        if has_looked {
            free = self.refresh_free_slots(start);
        }
        if free == 0 {
            return Err(TryReserveError::Full);
        }
        let mut batch = Batch {
            end: start,
            producer: self,
        };
        loop {
            for _ in distance(batch.end, start)..free {
                let Some(value) = values.next() else {
                    return Ok(distance(batch.end, start));
                };
                // SAFETY: ours and empty by I1: at most `free` values are written from `own_pos` on.
                unsafe { batch.producer.raw.write(batch.end, value) };
                batch.end = advance(batch.end, 1);
            }
            // An iterator that has more than it said.
            if has_looked {
                break;
            }
            has_looked = true;
            free = batch.producer.refresh_free_slots(start);
        }
        Ok(distance(batch.end, start))
    }

    /// Copies values from the front of `values`, as many as fit; one publication for all of them.
    ///
    /// Returns how many were pushed.
    ///
    /// Wait-free; two block copies at most.
    ///
    /// # Errors
    ///
    /// There are values and none was taken because the ring is [`Full`](TryReserveError::Full) or
    /// [`Closed`](TryReserveError::Closed).
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<u8, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.try_push_slice(b"hello"), Ok(4));
    /// let mut got = [0; 8];
    /// assert_eq!(rx.try_pop_slice(&mut got), Ok(4));
    /// assert_eq!(&got[..4], b"hell");
    /// ```
    #[inline]
    pub fn try_push_slice(&mut self, values: &[T]) -> Result<usize, TryReserveError>
    where
        T: Copy,
    {
        if values.is_empty() {
            return Ok(0);
        }
        let mut grant = self.reserve(values.len())?;
        let count = grant.len();
        let (first, second) = grant.as_uninit();
        let (head, tail) = values[..count].split_at(first.len());
        // SAFETY: the piece is as long as what is copied into it, and is nobody else's.
        unsafe {
            first
                .as_mut_ptr()
                .cast::<T>()
                .copy_from_nonoverlapping(head.as_ptr(), head.len());
        }
        // Rare, and a call to copy nothing costs as much as some items.
        if !tail.is_empty() {
            // SAFETY: as above.
            unsafe {
                second
                    .as_mut_ptr()
                    .cast::<T>()
                    .copy_from_nonoverlapping(tail.as_ptr(), tail.len());
            }
        }
        // SAFETY: the lines above wrote all of them.
        unsafe { grant.commit(count) };
        Ok(count)
    }

    /// Claims up to `want` empty slots, at least one, to be written in place.
    ///
    /// Wait-free.
    ///
    /// # Errors
    ///
    /// The ring is [`Full`](TryReserveError::Full) or [`Closed`](TryReserveError::Closed).
    ///
    /// # Panics
    ///
    /// If `want` is 0.
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<u64, 8>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// let mut grant = tx.reserve(3)?;
    /// let (slots, _wrapped) = grant.as_uninit();
    /// slots[0].write(10);
    /// slots[1].write(20);
    /// // SAFETY: two slots are written.
    /// unsafe { grant.commit(2) };
    /// assert_eq!(rx.peek(8).as_slices().0, [10, 20]);
    /// # Ok::<(), shared_nothing_rings::TryReserveError>(())
    /// ```
    #[inline]
    pub fn reserve(&mut self, want: usize) -> Result<Grant<'_, 'a, T>, TryReserveError> {
        assert!(want != 0, "a grant has at least one slot");
        if self.is_closed() {
            return Err(TryReserveError::Closed);
        }
        let pos = self.own_pos();
        let mut free = self.free_slots(pos);
        if free < want {
            free = self.refresh_free_slots(pos);
        }
        if free == 0 {
            return Err(TryReserveError::Full);
        }
        // SAFETY: by I1 the slots up to the limit are the producer's.
        Ok(unsafe { Grant::new(self, free.min(want)) })
    }

    /// How many values the ring holds at most. Exactly what was asked for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.raw.header().fixed.capacity
    }

    /// How many values are in the ring: an upper bound, since the consumer may take some at any moment.
    #[must_use]
    pub fn len(&self) -> usize {
        // RELAXED: a count; nothing is read by it.
        distance(
            self.own_pos(),
            self.raw.header().consumer.read_pos.load(Relaxed),
        )
    }

    /// Whether the ring is empty. `false` may be outdated at once; `true` stays true until this end pushes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the ring is full. `true` may be outdated at once; `false` stays false until this end pushes.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// Whether an end has closed, or the consumer is gone. Once `true`, it stays so.
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.raw.header().fixed.is_refusing()
    }

    /// Says that nothing more will come, as dropping does: this end's later pushes hand the value back.
    pub fn close(&mut self) {
        self.raw.header().fixed.refuse();
        // CLOSE, release end: whoever sees the flag also sees the last position published.
        self.raw.header().fixed.finished.store(1, Release);
    }

    pub(super) const fn raw(&self) -> Raw<T> {
        self.raw
    }

    /// Takes back what was pushed and will never be popped: all that is in the ring when the consumer is gone.
    ///
    /// Yields nothing while the consumer is there, closed or not. Oldest first; what is not taken stays in the ring and
    /// is dropped with it.
    ///
    /// ```
    /// use shared_nothing_rings::spsc;
    ///
    /// let mut ring = spsc::Ring::<u32, 4>::new();
    /// let (mut tx, mut rx) = ring.split();
    /// assert_eq!(tx.try_push_slice(&[1, 2, 3]), Ok(3));
    /// assert_eq!(rx.try_pop(), Ok(1));
    /// assert_eq!(tx.reclaim().next(), None);
    /// drop(rx);
    /// assert!(tx.reclaim().eq([2, 3]));
    /// ```
    pub fn reclaim(&mut self) -> Reclaim<'_, 'a, T> {
        Reclaim::new(self)
    }

    /// An end that publishes when it is told, or when the ring is full.
    #[must_use]
    pub fn batched(self) -> BatchedProducer<'a, T> {
        BatchedProducer::new(self)
    }

    pub(super) fn line(&self) -> &ProducerLine {
        &self.raw.header().producer
    }

    #[inline(always)]
    pub(crate) fn own_pos(&self) -> usize {
        // SAFETY: the producer's own position, and this is the producer.
        unsafe { self.line().write_pos.own() }
    }

    /// Free slots from `pos`, the producer's own position, by the last look.
    #[inline(always)]
    pub(super) fn free_slots(&self, pos: usize) -> usize {
        // SAFETY: the producer's own number, and this is the producer.
        distance(unsafe { self.line().limit.get() }, pos)
    }

    pub(super) fn refresh_free_slots(&mut self, pos: usize) -> usize {
        // VACATE, acquire end: the consumer has finished with every slot before this position.
        let read_pos = self.raw.header().consumer.read_pos.load(Acquire);
        let limit = advance(read_pos, self.capacity());
        // SAFETY: the producer's own number, and this is the producer.
        unsafe { self.line().limit.set(limit) };
        distance(limit, pos)
    }

    #[inline(always)]
    pub(super) fn publish(&mut self, pos: usize) {
        // PUBLISH, release end: whoever loads this position also sees every value written before it.
        // SAFETY: the producer's own position, and this is the producer.
        unsafe { self.line().write_pos.store(pos, Release) };
        // RELAXED: a question and no data. A producer that sees it late answers late, or is looked at.
        let asked = self.raw.header().asked.load(Relaxed);
        // SAFETY: the producer's own number, and this is the producer.
        if asked != unsafe { self.line().told_for.get() } {
            self.tell(pos, asked);
        }
    }

    /// Answers a consumer that asked: the position `pos` again, on a line that is not written at every value.
    #[inline(always)]
    fn tell(&mut self, pos: usize, asked: usize) {
        // SAFETY: the producer's own number, and this is the producer.
        unsafe { self.line().told_for.set(asked) };
        // PUBLISH, release end: as for the position itself, which is stored before.
        self.raw.header().told.store(pos, Release);
    }
}

// SAFETY: there is no other producer, so a slot that is free stays free until this end fills it.
unsafe impl<T> crate::ends::ReserveEnd for Producer<'_, T> {
    type Claim = ();

    fn try_claim(&mut self) -> Result<(), TryReserveError> {
        self.reserve(1).map(drop)
    }

    unsafe fn fill(&mut self, (): (), value: T) {
        let pos = self.own_pos();
        // SAFETY: by the duty a slot was free from here on, and nothing was pushed since.
        unsafe { self.raw.write(pos, value) };
        self.publish(advance(pos, 1));
    }

    unsafe fn give_up(&mut self, (): ()) {}
}

impl<T> Drop for Producer<'_, T> {
    fn drop(&mut self) {
        self.close();
        // SAFETY: this end is never used again.
        unsafe { super::leave(self.raw, self.home) };
    }
}

impl<T> fmt::Debug for Producer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("capacity", &self.capacity())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Publishes what was written so far, once, also when the source of the values panics.
struct Batch<'p, 'a, T> {
    producer: &'p mut Producer<'a, T>,
    end: usize,
}

impl<T> Drop for Batch<'_, '_, T> {
    fn drop(&mut self) {
        self.producer.publish(self.end);
    }
}
