//! The measured queues: a marker for each, and the few lines that fit it to the traits.

pub(crate) mod bytes;
pub(crate) mod channels;
pub(crate) mod disrupt;
pub(crate) mod floors;
pub(crate) mod gil;
pub(crate) mod ours;
pub(crate) mod pairs;
pub(crate) mod queues;
pub(crate) mod waiting;

/// Implements [`Push`](super::peer::Push) and [`Pop`](super::peer::Pop) for two types by one expression each.
macro_rules! push_pop {
    ($tx:ty, $rx:ty, $([$bound:path],)? |$push:ident, $item:ident| $do_push:expr, |$pop:ident| $do_pop:expr) => {
        impl<T $(: $bound)?> crate::rings::peer::Push<T> for $tx {
            #[inline(always)]
            fn push_one(&mut self, $item: T) -> bool {
                let $push = self;
                $do_push
            }
        }

        impl<T $(: $bound)?> crate::rings::peer::Pop<T> for $rx {
            #[inline(always)]
            fn pop_one(&mut self) -> Option<T> {
                let $pop = self;
                $do_pop
            }
        }
    };
}
use push_pop;

/// `count` clones of one end; the end itself is the last.
fn clones<E: Clone>(end: E, count: usize) -> Vec<E> {
    vec![end; count]
}
