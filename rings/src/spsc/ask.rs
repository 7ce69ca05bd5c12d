//! How a consumer that has been too fast asks for the next values instead of looking for them.
//!
//! A look at `write_pos` takes that line from a producer that writes it at every push. A consumer that keeps up with its
//! producer would do so at every value, and both would wait for the line most of the time. So it asks, on a line that
//! the producer only reads, and the producer answers at its next push, on a line that it writes only then: what gathers
//! between question and answer comes at once. The answer may not come, because the producer has nothing more to push or
//! saw the question too late; then `write_pos` is looked at after all, and a ring is called empty by that alone.
//!
//! Both words only save looks. `asked` carries nothing, and `told` is a position that was published before.

use super::Consumer;
use crate::{
    pos::{advance, distance},
    sync::{
        Ordering::{Acquire, Relaxed},
        spin_loop,
    },
};

/// How often a consumer that has asked looks for the answer: for about a tenth of a microsecond.
const SPINS: usize = if cfg!(any(loom, shuttle)) { 1 } else { 8 };

impl<T> Consumer<'_, T> {
    /// Full slots from `pos`, where nothing is left of the last look, by a look with patience.
    pub(super) fn ask(&mut self, pos: usize) -> usize {
        let raw = self.raw();
        let (header, patience) = (raw.header(), &raw.header().consumer.patience);
        let mut ready = 0;
        // SAFETY: the consumer's own, and this is the consumer.
        if unsafe { patience.is_eager() } {
            // RELAXED: only compared.
            let before = header.told.load(Relaxed);
            if distance(before, pos).wrapping_sub(1) < self.capacity() {
                // It seems to be ahead of us already: no need to wait, and no need to be right.
                // SAFETY: as above.
                unsafe { patience.calm_down() };
            } else {
                self.put_question(pos);
                ready = self.wait_for_answer(pos, before);
            }
        }
        if ready == 0 {
            ready = self.refresh_full_slots(pos);
        }
        if ready == 1 {
            // Who gets one value at a time does something else before the next: the question can be there before it.
            self.put_question(advance(pos, 1));
        }
        if ready != 0 {
            // SAFETY: as above.
            unsafe { patience.found() };
        }
        ready
    }

    /// Full slots from `pos` by an answer that comes now; 0 if there is none in time. `before` was told already.
    ///
    /// That an answer is new is not seen by its distance, which says little of a word that may be a round of `usize`
    /// old, but by its coming now. The position `pos` was loaded by PUBLISH, and what was told before the producer
    /// stored it came before that: it is `before` or older. What comes now was told later: `pos` itself, or beyond.
    fn wait_for_answer(&mut self, pos: usize, before: usize) -> usize {
        for _ in 0..SPINS {
            // PUBLISH, acquire end: every value before this position is written.
            let told = self.raw().header().told.load(Acquire);
            if told != before && told != pos {
                debug_assert!(distance(told, pos) <= self.capacity());
                // SAFETY: the consumer's own number, and this is the consumer.
                unsafe { self.line().limit.set(told) };
                return distance(told, pos);
            }
            spin_loop();
        }
        0
    }

    /// Asks for what comes behind `pos`.
    fn put_question(&mut self, pos: usize) {
        let raw = self.raw();
        let asked = &raw.header().asked;
        // SAFETY: the consumer's own word, and this is the consumer.
        unsafe {
            if asked.own() != pos {
                // RELAXED: a question, no data.
                asked.store(pos, Relaxed);
            }
        }
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests {
    use super::*;
    use crate::{
        TryPopError,
        spsc::{Producer, Ring},
    };

    /// The ends of a ring whose consumer was too fast once, so that it asks when it has used up the two values that are
    /// in the ring.
    fn eager<'a>(ring: &'a mut Ring<u32, 8>) -> (Producer<'a, u32>, Consumer<'a, u32>) {
        let (mut tx, mut rx) = ring.split();
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!(tx.try_push_slice(&[1, 2]), Ok(2));
        assert_eq!((rx.try_pop(), rx.try_pop()), (Ok(1), Ok(2)));
        (tx, rx)
    }

    fn told(rx: &Consumer<'_, u32>) -> usize {
        // RELAXED: one thread.
        rx.raw().header().told.load(Relaxed)
    }

    #[test]
    fn a_producer_that_is_asked_tells_its_position_once() {
        let mut ring = Ring::new();
        let (mut tx, mut rx) = eager(&mut ring);
        assert_eq!(tx.try_push(3), Ok(()));
        assert_eq!(told(&rx), 0);
        rx.put_question(2);
        assert_eq!(tx.try_push(4), Ok(()));
        assert_eq!(told(&rx), 4);
        assert_eq!(tx.try_push_slice(&[5, 6]), Ok(2));
        assert_eq!(told(&rx), 4);
        rx.put_question(6);
        assert_eq!(tx.try_push_slice(&[7, 8]), Ok(2));
        assert_eq!(told(&rx), 8);
        assert!(rx.drain(8).eq(3..=8));
    }

    #[test]
    fn a_question_that_nobody_answers_ends_with_a_look() {
        let mut ring = Ring::new();
        let (mut tx, mut rx) = eager(&mut ring);
        // Nobody has asked yet: it is published, and not told.
        assert_eq!(tx.try_push(3), Ok(()));
        assert_eq!(rx.try_pop(), Ok(3));
        assert_eq!(told(&rx), 0);
    }

    #[test]
    fn a_slice_asks_too() {
        let mut ring = Ring::new();
        let (mut tx, mut rx) = eager(&mut ring);
        let mut got = [0; 4];
        assert_eq!(rx.try_pop_slice(&mut got), Err(TryPopError::Empty));
        assert_eq!(tx.try_push_slice(&[3, 4]), Ok(2));
        assert_eq!(told(&rx), 4);
        assert_eq!(rx.try_pop_slice(&mut got), Ok(2));
        assert_eq!(got, [3, 4, 0, 0]);
    }

    #[test]
    fn an_answer_of_an_earlier_round_is_not_believed() {
        for told in [1, 3, 9, usize::MAX] {
            let mut ring = Ring::new();
            let (_tx, mut rx) = eager(&mut ring);
            // RELAXED: one thread. As if `usize` had gone round since.
            rx.raw().header().told.store(told, Relaxed);
            assert_eq!(rx.try_pop(), Err(TryPopError::Empty), "{told}");
        }
    }

    #[test]
    fn who_gets_one_value_at_a_time_asks_before_it_waits() {
        let mut ring = Ring::<u32, 8>::new();
        let (mut tx, mut rx) = ring.split();
        assert_eq!(rx.try_pop(), Err(TryPopError::Empty));
        assert_eq!((tx.try_push(1), rx.try_pop()), (Ok(()), Ok(1)));
        assert_eq!(tx.try_push(2), Ok(()));
        assert_eq!(told(&rx), 2);
        assert_eq!(rx.try_pop(), Ok(2));
    }
}
