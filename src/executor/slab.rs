//! Values by number; the number of one that is gone is given out again.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

/// No number.
const NONE: usize = usize::MAX;

#[derive(Debug)]
enum Entry<T> {
    Full(T),
    /// The next empty one, or [`NONE`].
    Empty(usize),
}

/// A growing table. Taking, putting and looking cost a few instructions.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// The first empty one, or [`NONE`].
    free: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: NONE,
        }
    }

    /// Puts a value there, made with its number.
    #[inline]
    pub(crate) fn insert(&mut self, make: impl FnOnce(usize) -> T) -> usize {
        let key = self.free;
        match self.entries.get_mut(key) {
            Some(entry @ Entry::Empty(_)) => {
                if let Entry::Empty(next) = entry {
                    self.free = *next;
                }
                *entry = Entry::Full(make(key));
                key
            }
            _ => {
                let key = self.entries.len();
                self.entries.push(Entry::Full(make(key)));
                key
            }
        }
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        match self.entries.get_mut(key) {
            Some(Entry::Full(value)) => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn remove(&mut self, key: usize) -> Option<T> {
        let entry = self.entries.get_mut(key)?;
        if let Entry::Empty(_) = entry {
            return None;
        }
        let Entry::Full(value) = core::mem::replace(entry, Entry::Empty(self.free)) else {
            return None;
        };
        self.free = key;
        Some(value)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_out_again() {
        let mut slab = Slab::new();
        let keys = ["a", "b", "c"].map(|value| slab.insert(|_| value));
        assert_eq!(keys, [0, 1, 2]);
        assert_eq!((slab.remove(1), slab.remove(1)), (Some("b"), None));
        assert_eq!(slab.remove(0), Some("a"));
        assert_eq!(
            ["d", "e", "f"].map(|value| slab.insert(|_| value)),
            [0, 1, 3]
        );
        assert_eq!(slab.get_mut(1), Some(&mut "e"));
        assert_eq!(slab.get_mut(7), None);
    }
}
