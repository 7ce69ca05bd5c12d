//! Words on their way to a worker, packed: what a message is.
//!
//! A word is 32 bytes where it is counted, and six letters on average. Between two CPUs the cache line is what costs,
//! so words travel as their letters, some seventy to a message, and the worker spells them out again.

use std::mem::take;

use crate::word::{Letters, Word};

/// Letters and lengths of a full pack, in bytes.
const ROOM: usize = 480;
const SIZE: usize = ROOM + 1 + size_of::<Letters>();

/// A message: words one behind the other, each a length and its letters.
#[derive(Debug)]
pub(crate) struct Pack {
    /// A word too long for the rest; it comes last.
    long: Option<Word>,
    len: usize,
    /// Words are written and read 24 bytes at a time, so the last one may begin at `ROOM`.
    letters: [u8; SIZE],
}

impl Pack {
    pub(crate) const fn new() -> Self {
        Self {
            long: None,
            len: 0,
            letters: [0; SIZE],
        }
    }

    /// Adds a word; `true` if the pack is full now, and must be sent before the next.
    #[inline]
    pub(crate) fn push(&mut self, word: Word) -> bool {
        match word.inline() {
            Some((letters, len)) => {
                let at = self.len;
                // A check that never fails: a full pack is sent. It is written so that the compiler sees it.
                if let Some(place) = self.letters.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                    let place: &mut [u8; 1 + size_of::<Letters>()] = place;
                    place[0] = len as u8;
                    place[1..].copy_from_slice(&letters);
                }
                self.len = at + 1 + len;
                self.len > ROOM
            }
            None => {
                self.long = Some(word);
                true
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0 && self.long.is_none()
    }

    /// Empties the pack for the next words, and gives away what was in it.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            long: self.long.take(),
            len: take(&mut self.len),
            letters: self.letters,
        }
    }

    /// Calls `sink` with each word, in the order in which they were added.
    #[inline]
    pub(crate) fn unpack(self, mut sink: impl FnMut(Word)) {
        let mut at = 0;
        while at < self.len {
            let Some([len, letters @ ..]) = self
                .letters
                .get(at..)
                .and_then(<[u8]>::first_chunk::<{ 1 + size_of::<Letters>() }>)
            else {
                break;
            };
            let len = usize::from(*len);
            if let Some(word) = Word::from_inline(letters, len) {
                sink(word);
            }
            at += 1 + len;
        }
        if let Some(word) = self.long {
            sink(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::INLINE;

    #[test]
    fn words_come_out_as_they_went_in() {
        let words: Vec<Word> = (1..=60)
            .map(|len| Word::new(&"abcdefghij".repeat(6)[..len]))
            .collect();
        let mut pack = Pack::new();
        let mut got = Vec::new();
        for word in &words {
            if pack.push(word.clone()) {
                pack.take().unpack(|word| got.push(word));
                assert!(pack.is_empty());
            }
        }
        pack.take().unpack(|word| got.push(word));
        assert_eq!(got, words);
        assert!(got.iter().zip(&words).all(|(a, b)| a.hash() == b.hash()));
    }

    #[test]
    fn a_pack_says_when_it_is_full() {
        let longest = Word::new(&"x".repeat(INLINE));
        let mut pack = Pack::new();
        let mut count = 1;
        while !pack.push(longest.clone()) {
            count += 1;
        }
        let mut got = 0;
        pack.take().unpack(|word| {
            assert_eq!(word, longest);
            got += 1;
        });
        assert_eq!(got, count);
        assert_eq!(count, ROOM / (1 + INLINE) + 1);
    }
}
