//! A word as it is counted: 32 bytes, half a cache line, with its hash.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;

use shared_nothing::partition::StableHash;

/// The longest word, in bytes, that is kept in place: 24 bytes, with the length in the last.
pub(crate) const INLINE: usize = 23;

/// Letters and length of a word kept in place.
pub(crate) type Letters = [u8; INLINE + 1];

const SEED: u64 = 0;

/// A lower-cased word and the stable hash of its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Word {
    hash: u64,
    text: Text,
}

const _: () = assert!(size_of::<Word>() == 32, "two words to a cache line");

/// Three integers, little-endian: letters, zeros, and the length in the last byte. A word begins with no zero byte, so the
/// first integer is never zero, which leaves the compiler a value to mark `Long` with.
#[derive(Clone, Debug)]
enum Text {
    Inline(NonZeroU64, u64, u64),
    Long(Box<str>),
}

impl Word {
    /// The word with this text, which must be lower-cased already.
    ///
    /// Allocates where the text is longer than [`INLINE`].
    ///
    /// # Panics
    /// When the text is empty or begins with a zero byte: no word does.
    pub(crate) fn new(text: &str) -> Self {
        if text.len() <= INLINE {
            let mut padded = [0; INLINE + 1];
            padded[..text.len()].copy_from_slice(text.as_bytes());
            padded[INLINE] = text.len() as u8;
            Self::from_parts(load(&padded)).expect("a word has letters")
        } else {
            Self {
                hash: text.stable_hash(SEED),
                text: Text::Long(text.into()),
            }
        }
    }

    /// The word of `len` bytes at `start`, made of ASCII letters and digits; nothing when it is longer than [`INLINE`], not
    /// ASCII, or too near to the end of the text to be loaded at once.
    ///
    /// Without a branch on the length: lengths follow no pattern that a processor could predict.
    #[inline]
    pub(crate) fn from_text(text: &[u8], start: usize, len: usize) -> Option<Self> {
        let masks = MASKS.get(len)?;
        let [a, b, c] = load(text.get(start..)?.first_chunk()?);
        // The bit tells small letters from capitals, and digits have it.
        let lower = |part: u64| part | 0x2020_2020_2020_2020;
        let parts = [
            lower(a) & masks[0],
            lower(b) & masks[1],
            lower(c) & masks[2],
        ];
        if (parts[0] | parts[1] | parts[2]) & 0x8080_8080_8080_8080 != 0 {
            return None;
        }
        Self::from_parts(with_len(parts, len))
    }

    /// The word of these `len` letters, padded in any way; nothing when there is none, or the length is too large.
    #[inline]
    pub(crate) fn from_inline(letters: &Letters, len: usize) -> Option<Self> {
        let masks = MASKS.get(len)?;
        let [a, b, c] = load(letters);
        Self::from_parts(with_len([a & masks[0], b & masks[1], c & masks[2]], len))
    }

    /// The letters, padded, and how many there are, where the word is kept in place.
    #[inline]
    pub(crate) fn inline(&self) -> Option<(Letters, usize)> {
        let Text::Inline(a, b, c) = &self.text else {
            return None;
        };
        Some((store([a.get(), *b, *c]), (c >> 56) as usize))
    }

    #[inline]
    fn from_parts(parts: [u64; 3]) -> Option<Self> {
        Some(Self {
            hash: hash_parts(parts),
            text: Text::Inline(NonZeroU64::new(parts[0])?, parts[1], parts[2]),
        })
    }

    /// The stable hash: the same on every machine and in every run.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The text; allocates where the word is kept in place.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match &self.text {
            Text::Long(text) => Cow::Borrowed(text),
            Text::Inline(a, b, c) => {
                let letters = store([a.get(), *b, *c]);
                let text = std::str::from_utf8(&letters[..usize::from(letters[INLINE])]);
                Cow::Owned(text.expect("made from a str").to_owned())
            }
        }
    }
}

/// For each length, the bytes of the three integers that belong to the word.
const MASKS: [[u64; 3]; INLINE + 1] = {
    let mut masks = [[0; 3]; INLINE + 1];
    let mut len = 0;
    while len <= INLINE {
        let mut byte = 0;
        while byte < len {
            masks[len][byte / 8] |= 0xff << (8 * (byte % 8));
            byte += 1;
        }
        len += 1;
    }
    masks
};

#[inline]
fn load(bytes: &Letters) -> [u64; 3] {
    let eight = |i: usize| u64::from_le_bytes(bytes[8 * i..8 * i + 8].try_into().expect("eight"));
    [eight(0), eight(1), eight(2)]
}

#[inline]
fn store(parts: [u64; 3]) -> Letters {
    let mut letters = [0; INLINE + 1];
    for (eight, part) in letters.chunks_exact_mut(8).zip(parts) {
        eight.copy_from_slice(&part.to_le_bytes());
    }
    letters
}

#[inline]
fn with_len([a, b, c]: [u64; 3], len: usize) -> [u64; 3] {
    [a, b, c | (len as u64) << 56]
}

impl PartialEq for Word {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash
            && match (&self.text, &other.text) {
                (Text::Inline(a, b, c), Text::Inline(d, e, f)) => (a, b, c) == (d, e, f),
                (Text::Long(one), Text::Long(two)) => one == two,
                _ => false,
            }
    }
}

impl Eq for Word {}

impl Hash for Word {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// By text, as bytes.
impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.text, &other.text) {
            (Text::Inline(a, b, c), Text::Inline(d, e, f)) => {
                let [a, b, c] = [a.get(), *b, *c].map(u64::swap_bytes);
                [a, b, c].cmp(&[d.get(), *e, *f].map(u64::swap_bytes))
            }
            _ => self.text().cmp(&other.text()),
        }
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

/// The stable hash of a word kept in place: of all 24 bytes, zeros included, so that no branch depends on the length.
#[inline]
fn hash_parts(parts: [u64; 3]) -> u64 {
    store(parts).stable_hash(SEED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_found_in_text_equals_the_word_spelled_out() {
        let text = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        for start in 0..30 {
            for len in 1..=INLINE {
                let word = Word::from_text(text.as_bytes(), start, len).unwrap();
                let spelled = text[start..start + len].to_ascii_lowercase();
                assert_eq!(word, Word::new(&spelled));
                assert_eq!(word.hash(), Word::new(&spelled).hash());
                assert_eq!(word.text(), spelled);
            }
        }
    }

    #[test]
    fn what_does_not_fit_in_place_is_refused() {
        let text = [b'a'; 60];
        assert!(Word::from_text(&text, 0, INLINE + 1).is_none());
        assert!(Word::from_text(&text, 36, 1).is_some());
        assert!(
            Word::from_text(&text, 37, 1).is_none(),
            "cannot be loaded at once"
        );
        assert!(Word::from_text(&text, 0, 0).is_none());
        let text = "aé".repeat(30);
        assert!(
            Word::from_text(text.as_bytes(), 0, 3).is_none(),
            "not ASCII"
        );
        assert!(Word::from_text(text.as_bytes(), 0, 1).is_some());
    }

    #[test]
    fn long_words_keep_their_text() {
        for len in [INLINE, INLINE + 1, 1000] {
            let text = "x".repeat(len);
            let word = Word::new(&text);
            assert_eq!(word.text(), text);
            assert_eq!(word, word.clone());
            assert_ne!(word, Word::new(&"x".repeat(len + 1)));
        }
    }

    #[test]
    fn words_are_ordered_as_their_bytes() {
        let mut texts = ["b", "a", "ab", "é", "a234567890123456789012345", "a2", "zz"];
        let mut words = texts.map(Word::new);
        words.sort();
        texts.sort_unstable();
        assert_eq!(words.map(|word| word.to_string()), texts);
    }
}
