//! The table of one worker: a `HashMap` that takes the hash the word carries.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::word::Word;

/// Hands on the hash that a word stored, so that nothing is hashed twice.
///
/// The partitioner chose the worker by the hash, so the words of one worker agree in those bits. `HashMap` takes its
/// place from the low bits and its tag from the top seven; the rotation puts other bits there.
#[derive(Debug, Default)]
pub(crate) struct StoredHash(u64);

impl Hasher for StoredHash {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a word writes its stored hash, one u64");
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.rotate_left(32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// How often each word was seen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    table: HashMap<Word, u64, BuildHasherDefault<StoredHash>>,
    total: u64,
}

impl Counts {
    /// Counts one more of `word`. Allocates only where the word is new and the table full.
    #[inline]
    pub(crate) fn add(&mut self, word: Word) {
        self.total += 1;
        // Nearly every word was seen before: look first, and move the word only where it was not.
        match self.table.get_mut(&word) {
            Some(count) => *count += 1,
            None => self.insert(word),
        }
    }

    #[cold]
    fn insert(&mut self, word: Word) {
        self.table.insert(word, 1);
    }

    /// Words counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// Different words counted.
    pub(crate) fn distinct(&self) -> usize {
        self.table.len()
    }

    /// Whether `tables` hold together what this one holds, and no word twice.
    pub(crate) fn is_union_of(&self, tables: &[Self]) -> bool {
        let distinct: usize = tables.iter().map(Self::distinct).sum();
        distinct == self.distinct()
            && tables
                .iter()
                .flat_map(Self::iter)
                .all(|(word, count)| self.table.get(word) == Some(&count))
    }

    /// Every word and its count, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Word, u64)> {
        self.table.iter().map(|(word, &count)| (word, count))
    }
}

/// The `n` most frequent words of tables that share no word, most frequent first, equals by text.
///
/// Linear in the words, and `n log n` in `n`.
pub(crate) fn top(tables: &[Counts], n: usize) -> Vec<(&Word, u64)> {
    let mut words: Vec<_> = tables.iter().flat_map(Counts::iter).collect();
    let by_rank = |a: &(&Word, u64), b: &(&Word, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0));
    if n < words.len() {
        words.select_nth_unstable_by(n, by_rank);
        words.truncate(n);
    }
    words.sort_unstable_by(by_rank);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        let mut counts = Counts::default();
        for word in text.split(' ') {
            counts.add(Word::new(word));
        }
        counts
    }

    #[test]
    fn top_is_by_count_and_then_by_text() {
        let tables = [counts("b b c c c"), counts("a a d")];
        let top = |n| {
            let words = top(&tables, n).into_iter();
            words
                .map(|(word, count)| format!("{word}{count}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(top(3), ["c3", "a2", "b2"]);
        assert_eq!(top(9), ["c3", "a2", "b2", "d1"]);
        assert_eq!(top(0), [""; 0]);
    }

    #[test]
    fn a_union_has_every_word_once_with_its_count() {
        let whole = counts("a b b c");
        assert!(whole.is_union_of(&[counts("a"), counts("b b c")]));
        assert!(
            !whole.is_union_of(&[counts("a"), counts("b b")]),
            "one is missing"
        );
        assert!(
            !whole.is_union_of(&[counts("a"), counts("b c c")]),
            "counts differ"
        );
        assert!(
            !whole.is_union_of(&[counts("a b"), counts("b c")]),
            "one is in two tables"
        );
        assert!(
            !whole.is_union_of(&[counts("a d"), counts("b b")]),
            "one is another"
        );
        assert!(
            !whole.is_union_of(&[counts("a d"), counts("b b c")]),
            "one too many"
        );
    }
}
