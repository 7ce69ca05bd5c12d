//! Rings that grow against a `VecDeque`, and their memory against how much is in it.

use std::{collections::VecDeque, rc::Rc};

use shared_nothing_rings::unbounded::{SPARE_BLOCKS, block_capacity, mpsc, spsc};

/// One step. Counts are large enough to cross blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum GrowOp {
    /// Pushes so many, one by one.
    Push(u8),
    /// Pushes so many at once.
    PushIter(u8),
    /// Pops so many, one by one.
    Pop(u8),
    /// Takes `take` values of a drain of `max`.
    Drain { max: u8, take: u8 },
    /// The consumer closes and stays.
    Close,
}

/// Values in a block of those pushed here.
const BLOCK: usize = block_capacity::<(usize, Rc<()>)>();

/// Defines the replay on one flavour.
macro_rules! replay_on {
    ($name:ident, $flavour:ident) => {
        /// Takes all steps on a ring whose positions begin at `start`, drops the ends and counts the values.
        pub(crate) fn $name(start: usize, ops: &[GrowOp]) {
            let token = Rc::new(());
            #[allow(unused_mut, reason = "one flavour pushes through `&self`")]
            let (mut tx, mut rx) = $flavour::on_heap_at(start).expect("memory");
            let (mut queue, mut next, mut closed) = (VecDeque::new(), 0, false);
            for &op in ops {
                match op {
                    GrowOp::Push(count) => {
                        for _ in 0..count {
                            let pushed = tx.try_push((next, Rc::clone(&token))).is_ok();
                            assert_eq!(pushed, !closed);
                            queue.extend(pushed.then_some(next));
                            next += 1;
                        }
                    }
                    GrowOp::PushIter(count) => {
                        let count = usize::from(count);
                        let mut values =
                            (next..next + count).map(|value| (value, Rc::clone(&token)));
                        let got = tx.try_push_iter(&mut values);
                        if closed && count > 0 {
                            let refused = got.expect_err("it is closed");
                            assert_eq!(refused.pushed, 0);
                            assert_eq!(refused.error.into_inner().0, next);
                            assert_eq!(values.len(), count - 1);
                        } else {
                            assert!(got.is_ok_and(|pushed| pushed == count));
                            queue.extend(next..next + count);
                        }
                        next += count;
                    }
                    GrowOp::Pop(count) => {
                        for _ in 0..count {
                            let got = rx.try_pop().map(|(value, _)| value);
                            assert_eq!(got.ok(), queue.pop_front());
                        }
                    }
                    GrowOp::Drain { max, take } => {
                        let mut drain = rx.drain(usize::from(max));
                        for taken in 0..take {
                            let want = (taken < max).then(|| queue.pop_front()).flatten();
                            assert_eq!(drain.next().map(|(value, _)| value), want);
                        }
                    }
                    GrowOp::Close => {
                        rx.close();
                        closed = true;
                    }
                }
                assert_eq!((tx.len(), rx.len()), (queue.len(), queue.len()));
                assert_eq!(tx.is_closed(), closed);
                let memory = tx.memory();
                assert_eq!(memory, rx.memory());
                assert!(memory.blocks <= memory.blocks_max);
                assert!(memory.blocks <= queue.len() / BLOCK + 2 + SPARE_BLOCKS);
            }
            drop((tx, rx));
            assert_eq!(Rc::strong_count(&token), 1, "dropped too seldom, or twice");
        }
    };
}

replay_on!(replay_on_spsc, spsc);
replay_on!(replay_on_mpsc, mpsc);
