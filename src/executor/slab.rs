//! Values by number; the number of one that is gone is given out again.
#![forbid(unsafe_code)]

use alloc::vec::Vec;

#[derive(Debug)]
enum Entry<T> {
    Full(T),
    /// The next empty one; itself if it is the last.
    Empty(usize),
}

/// A growing table. Taking, putting and looking cost a few instructions.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Option<usize>,
    len: usize,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: None,
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The number that the next value will get.
    pub(crate) fn next_key(&self) -> usize {
        self.free.unwrap_or(self.entries.len())
    }

    pub(crate) fn insert(&mut self, value: T) -> usize {
        self.len += 1;
        let Some(key) = self.free else {
            self.entries.push(Entry::Full(value));
            return self.entries.len() - 1;
        };
        if let Entry::Empty(next) = core::mem::replace(&mut self.entries[key], Entry::Full(value)) {
            self.free = (next != key).then_some(next);
        }
        key
    }

    pub(crate) fn get(&self, key: usize) -> Option<&T> {
        match self.entries.get(key) {
            Some(Entry::Full(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut T> {
        match self.entries.get_mut(key) {
            Some(Entry::Full(value)) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, key: usize) -> Option<T> {
        self.get(key)?;
        let empty = Entry::Empty(self.free.unwrap_or(key));
        let Entry::Full(value) = core::mem::replace(&mut self.entries[key], empty) else {
            return None;
        };
        self.free = Some(key);
        self.len -= 1;
        Some(value)
    }

    /// All numbers are less than this.
    pub(crate) fn end(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_out_again() {
        let mut slab = Slab::new();
        let keys = ["a", "b", "c"].map(|value| slab.insert(value));
        assert_eq!(keys, [0, 1, 2]);
        assert_eq!((slab.remove(1), slab.remove(1)), (Some("b"), None));
        assert_eq!((slab.remove(0), slab.len()), (Some("a"), 1));
        assert_eq!(
            [slab.insert("d"), slab.insert("e"), slab.insert("f")],
            [0, 1, 3]
        );
        assert_eq!(slab.get(1), Some(&"e"));
        assert_eq!(slab.get(7), None);
        assert_eq!(slab.end(), 4);
    }
}
