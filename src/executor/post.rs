//! What a shard asks, in each turn and before it parks, for news that no waker brings.
//!
//! Whoever sends to a shard publishes, and rings the shard's doorbell: a load, while the shard is awake. That a task
//! waits for it is known on the shard alone, and so is its waker. So the shard looks, for those that wait.
#![forbid(unsafe_code)]

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    task::Waker,
};

use super::{
    core::Core,
    task::{guarded, is_fine},
};

/// Something on whose other end are other threads, and for which tasks of this shard wait.
pub(crate) trait Post {
    /// Whether a task that waits could go on. Runs no code of users.
    fn has_news(&self) -> bool;

    /// One whom to wake, until there is none. Called in every turn.
    fn next_waker(&self) -> Option<Waker>;

    /// The shard is about to park: nothing more is sent for now.
    fn end_bursts(&self) {}

    /// The shard looks once more and then sleeps: peers from whom a task wants room are asked to ring.
    fn want_room(&self) {}
}

/// All of a shard. Those that are gone are forgotten in the next turn.
#[derive(Default)]
pub(crate) struct Posts(RefCell<Vec<Weak<dyn Post>>>);

impl Posts {
    pub(crate) fn add(&self, post: Weak<dyn Post>) {
        self.0.borrow_mut().push(post);
    }

    /// Wakes whoever has waited for what has come. Returns whether anybody was woken.
    #[inline(always)]
    pub(crate) fn wake(&self, core: &Core) -> bool {
        // A shard without a mesh pays for no more than this.
        !self.0.borrow().is_empty() && self.wake_all(core)
    }

    #[inline(never)]
    fn wake_all(&self, core: &Core) -> bool {
        let (mut at, mut woken) = (0, false);
        loop {
            // No borrow is kept: wakers are foreign code.
            let post = self.0.borrow().get(at).map(Weak::upgrade);
            match post {
                None => return woken,
                Some(None) => drop(self.0.borrow_mut().swap_remove(at)),
                Some(Some(post)) => {
                    while let Some(waker) = post.next_waker() {
                        core.wake(waker);
                        woken = true;
                    }
                    let fine = is_fine(guarded(|| drop(post)));
                    core.count_panic(fine);
                    at += 1;
                }
            }
        }
    }

    pub(crate) fn has_news(&self) -> bool {
        self.living().any(|post| post.has_news())
    }

    pub(crate) fn end_bursts(&self) {
        self.living().for_each(|post| post.end_bursts());
    }

    pub(crate) fn want_room(&self) {
        self.living().for_each(|post| post.want_room());
    }

    fn living(&self) -> impl Iterator<Item = Rc<dyn Post>> {
        let mut at = 0;
        std::iter::from_fn(move || {
            loop {
                let post = self.0.borrow().get(at).map(Weak::upgrade)?;
                at += 1;
                if post.is_some() {
                    return post;
                }
            }
        })
    }
}
