//! Text to words: maximal runs of alphanumeric characters, lower-cased.
//!
//! A word ends where the class of the characters changes. A loop over the bytes mispredicts there, about twice a word,
//! and that costs more than the rest of its work. So 64 bytes at a time are classified without a branch, one bit a byte
//! (the compiler makes vector instructions of it), and words are the runs of ones. Bytes outside ASCII count as part of
//! a run; a run that holds one is looked at again, character by character.

use crate::word::Word;

/// Bytes classified at a time, a bit each.
const BLOCK: usize = 64;

/// Splits texts into words. Keep one for all texts: it owns the place where words are spelled out.
#[derive(Debug, Default)]
pub(crate) struct Tokeniser {
    /// The word at hand where characters must be looked at.
    slow: String,
}

impl Tokeniser {
    /// Calls `sink` with each word of `text`, in order.
    ///
    /// The end of a text ends its last word. Takes time in proportion to the text, also where the text is one word.
    pub(crate) fn split(&mut self, text: &str, mut sink: impl FnMut(Word)) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            let mut bits = bits_in_runs(block);
            // A run that reaches the end of the block may go on: the next block begins with it.
            let open = bits.leading_ones() as usize;
            if open == BLOCK {
                at = self.split_run(text, at, &mut sink);
                continue;
            }
            bits = bits << open >> open;
            while bits != 0 {
                // The lowest run, and all below it: a carry would run through them.
                let filled = bits | (bits - 1);
                let start = at + bits.trailing_zeros() as usize;
                let end = at + filled.trailing_ones() as usize;
                bits &= filled + 1;
                match Word::from_text(bytes, start, end - start) {
                    Some(word) => sink(word),
                    None => self.spell(&text[start..end], &mut sink),
                }
            }
            at += BLOCK - open;
        }
        // Less than a block is left.
        while let Some(next) = bytes[at..].iter().position(|&byte| in_run(byte)) {
            at = self.split_run(text, at + next, &mut sink);
        }
    }

    /// Emits the words of the run that starts at `start`, and returns its end.
    #[cold]
    fn split_run(&mut self, text: &str, start: usize, sink: &mut impl FnMut(Word)) -> usize {
        let rest = &text.as_bytes()[start..];
        let len = rest.iter().position(|&byte| !in_run(byte));
        let end = start + len.unwrap_or(rest.len());
        self.spell(&text[start..end], sink);
        end
    }

    /// Emits the words of one run, character by character.
    #[cold]
    fn spell(&mut self, run: &str, sink: &mut impl FnMut(Word)) {
        let word = &mut self.slow;
        for character in run.chars() {
            if character.is_ascii_alphanumeric() {
                word.push(character.to_ascii_lowercase());
            } else if character.is_alphanumeric() {
                word.extend(character.to_lowercase());
            } else if !word.is_empty() {
                sink(Word::new(word));
                word.clear();
            }
        }
        if !word.is_empty() {
            sink(Word::new(word));
            word.clear();
        }
    }
}

/// A bit for each byte: 1 where it may be part of a word.
#[inline]
fn bits_in_runs(block: &[u8; BLOCK]) -> u64 {
    let in_runs = block.map(|byte| u8::from(in_run(byte)));
    let mut bits = 0;
    for (i, eight) in in_runs.chunks_exact(8).enumerate() {
        let eight = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
        // Eight bytes of 0 or 1 to eight bits: byte i lands in bit 56 + i, and no two terms meet.
        bits |= eight.wrapping_mul(0x0102_0408_1020_4080) >> 56 << (8 * i);
    }
    bits
}

/// Whether a byte is an ASCII letter or digit, or outside ASCII, where the characters decide.
#[inline]
pub(crate) fn in_run(byte: u8) -> bool {
    (byte | 0x20).is_ascii_lowercase() || byte.is_ascii_digit() || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        Tokeniser::default().split(text, |word| words.push(word.to_string()));
        words
    }

    /// The definition, in its plainest form.
    fn plainly(text: &str) -> Vec<String> {
        let runs = text.split(|c: char| !c.is_alphanumeric());
        let lower = |run: &str| run.chars().flat_map(char::to_lowercase).collect();
        runs.filter(|run| !run.is_empty()).map(lower).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        assert_eq!(
            words("Don't use_2 BIG-words: x86_64, naïve; ÄÖ—ß!"),
            [
                "don", "t", "use", "2", "big", "words", "x86", "64", "naïve", "äö", "ß"
            ]
        );
        assert_eq!(words(""), [""; 0]);
        assert_eq!(words(" .-/:@[`{\0\x7f—"), [""; 0]);
    }

    #[test]
    fn every_ascii_byte_is_classified_as_its_character() {
        for byte in 0..128 {
            let text = char::from(byte).to_string().repeat(3) + &" ".repeat(BLOCK);
            assert_eq!(words(&text), plainly(&text), "byte {byte}");
        }
    }

    #[test]
    fn words_do_not_depend_on_where_a_block_ends() {
        let text =
            "the quick, Brown fox; jumps over ΤΟΝ ΟΚΝΗΡΟ σκύλο! a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5 end";
        for before in 0..2 * BLOCK {
            for after in [0, 1, 23, 24, 25, BLOCK] {
                let text = "-".repeat(before) + text + &"-".repeat(after);
                assert_eq!(
                    words(&text),
                    plainly(&text),
                    "{before} before, {after} after"
                );
            }
        }
    }

    #[test]
    fn a_word_of_any_length_stays_one_word() {
        for len in (1..200).chain([4096, 100_000]) {
            for letter in ["X", "é", "İ"] {
                let text = format!("a {} b {0}", letter.repeat(len));
                assert_eq!(words(&text), plainly(&text), "{letter} {len} times");
            }
        }
    }

    #[test]
    fn any_text_splits_as_its_characters_say() {
        let letters: Vec<char> = "aZ09 .,_-éßİΣ漢字\u{301}\u{1f600}\n".chars().collect();
        let mut state = 1_u64;
        for len in 0..600 {
            let mut next = || {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                letters[(state >> 33) as usize % letters.len()]
            };
            let text: String = (0..len).map(|_| next()).collect();
            assert_eq!(words(&text), plainly(&text));
        }
    }
}
