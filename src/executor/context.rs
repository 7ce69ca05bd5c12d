//! What the free functions of this module find: the executor on whose thread they run.
#![forbid(unsafe_code)]

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{core::Core, home::Entered, peer::Shared, shard::Shard};

std::thread_local! {
    static CORE: RefCell<Option<Rc<Core>>> = const { RefCell::new(None) };
    static SHARD: RefCell<Option<Rc<Shard>>> = const { RefCell::new(None) };
}

/// The shard that runs on this thread.
///
/// # Panics
///
/// If there is none.
#[track_caller]
pub(crate) fn shard() -> Rc<Shard> {
    match try_shard() {
        Some(shard) => shard,
        None => panic!("no shard runs on this thread"),
    }
}

pub(crate) fn try_shard() -> Option<Rc<Shard>> {
    SHARD
        .try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Whether the shard that runs on this thread is one of `shared`.
pub(super) fn is_within(shared: &Arc<Shared>) -> bool {
    try_shard().is_some_and(|shard| Arc::ptr_eq(shard.shared(), shared))
}

/// Makes `shard` the one that runs on this thread, and its core, until the guard is dropped.
pub(crate) fn enter_shard(shard: &Rc<Shard>) -> ShardGuard {
    let core = enter(shard.core());
    let former = SHARD.with(|current| current.replace(Some(Rc::clone(shard))));
    ShardGuard {
        former,
        _core: core,
    }
}

/// Puts the former shard back.
pub(crate) struct ShardGuard {
    former: Option<Rc<Shard>>,
    _core: Guard,
}

impl Drop for ShardGuard {
    fn drop(&mut self) {
        let former = self.former.take();
        let own = SHARD.with(|current| current.replace(former));
        drop(own);
    }
}

/// The core that runs on this thread.
///
/// # Panics
///
/// If there is none.
#[track_caller]
pub(crate) fn core() -> Rc<Core> {
    match try_core() {
        Some(core) => core,
        None => panic!("no executor runs on this thread"),
    }
}

pub(crate) fn try_core() -> Option<Rc<Core>> {
    CORE.try_with(|current| current.borrow().clone())
        .ok()
        .flatten()
}

/// Looks at the core that runs on this thread, if there is one.
pub(crate) fn with_core<R>(look: impl FnOnce(&Core) -> R) -> Option<R> {
    CORE.try_with(|current| current.borrow().as_deref().map(look))
        .ok()
        .flatten()
}

/// Makes `core` the one that runs on this thread, until the guard is dropped.
pub(crate) fn enter(core: &Rc<Core>) -> Guard {
    let entered = core.enter();
    let former = CORE.with(|current| current.replace(Some(Rc::clone(core))));
    Guard {
        former,
        _entered: entered,
    }
}

/// Puts the former core back.
pub(crate) struct Guard {
    former: Option<Rc<Core>>,
    _entered: Entered,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let former = self.former.take();
        let own = CORE.with(|current| current.replace(former));
        drop(own);
    }
}
