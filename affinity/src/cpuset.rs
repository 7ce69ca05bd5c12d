//! Sets of CPUs, in the two notations that the kernel reads and writes.

#![forbid(unsafe_code)]

use core::fmt;
use core::ops::{BitAnd, BitOr, Sub};
use core::str::FromStr;
use std::collections::BTreeSet;

use crate::error::{ParseCpuSetError, ParseReason};
use crate::id::CpuId;

/// A set of CPUs, ordered by number and free to grow.
///
/// It prints and parses as the kernel's list format, `0-3,8,10-11`; [`mask`](Self::mask) and
/// [`parse_mask`](Self::parse_mask) do the hexadecimal format, `00000001,0000000f`. `&a & &b`, `&a | &b` and `&a - &b`
/// are intersection, union and difference.
///
/// Any [`CpuId`] can be a member. The parsers alone have a limit, [`PARSE_LIMIT`](Self::PARSE_LIMIT), so that a few
/// bytes of hostile text cannot ask for gigabytes.
///
/// ```
/// use shared_nothing_affinity::{CpuId, CpuSet};
///
/// let given: CpuSet = "2,4,8-10".parse()?;
/// let online: CpuSet = "0-8".parse()?;
/// assert_eq!((&given & &online).to_string(), "2,4,8");
/// assert_eq!(given.first(), Some(CpuId(2)));
/// assert_eq!(given.mask().to_string(), "00000714");
/// # Ok::<(), shared_nothing_affinity::ParseCpuSetError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuSet {
    cpus: BTreeSet<CpuId>,
}

impl CpuSet {
    /// Parsers refuse this number and all above it. Linux can be built for 8,192 CPUs at most.
    pub const PARSE_LIMIT: u32 = 65_536;

    /// The empty set. Allocates nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            cpus: BTreeSet::new(),
        }
    }

    /// Adds `cpu`; false if it was there already.
    pub fn insert(&mut self, cpu: CpuId) -> bool {
        self.cpus.insert(cpu)
    }

    /// Takes `cpu` out; false if it was not there.
    pub fn remove(&mut self, cpu: CpuId) -> bool {
        self.cpus.remove(&cpu)
    }

    /// Whether `cpu` is a member.
    #[must_use]
    pub fn contains(&self, cpu: CpuId) -> bool {
        self.cpus.contains(&cpu)
    }

    /// How many CPUs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cpus.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cpus.is_empty()
    }

    /// The lowest number.
    #[must_use]
    pub fn first(&self) -> Option<CpuId> {
        self.cpus.first().copied()
    }

    /// The highest number.
    #[must_use]
    pub fn last(&self) -> Option<CpuId> {
        self.cpus.last().copied()
    }

    /// Whether every member of this set is in `other` too.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.cpus.is_subset(&other.cpus)
    }

    /// Whether no CPU is in both.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        self.cpus.is_disjoint(&other.cpus)
    }

    /// The members, lowest number first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = CpuId> + ExactSizeIterator + '_ {
        self.cpus.iter().copied()
    }

    /// Reads the list format: numbers and ranges parted by commas. Blank text is the empty set.
    ///
    /// # Errors
    /// The first item that is not a number or a range, counts backward, or reaches [`PARSE_LIMIT`](Self::PARSE_LIMIT).
    pub fn parse_list(text: &str) -> Result<Self, ParseCpuSetError> {
        let mut set = Self::new();
        if text.trim().is_empty() {
            return Ok(set);
        }
        for item in text.split(',').map(str::trim) {
            let (first, last) = item.split_once('-').unwrap_or((item, item));
            let first = parse_number(first, 10, item)?;
            let last = parse_number(last, 10, item)?;
            if last >= Self::PARSE_LIMIT {
                return Err(ParseCpuSetError::new(item, ParseReason::TooLarge));
            }
            if first > last {
                return Err(ParseCpuSetError::new(item, ParseReason::Backward));
            }
            set.cpus.extend((first..=last).map(CpuId));
        }
        Ok(set)
    }

    /// Reads the mask format: groups of up to eight hexadecimal digits parted by commas, the highest CPUs first.
    ///
    /// # Errors
    /// The first group that is not such a number, or a CPU that reaches [`PARSE_LIMIT`](Self::PARSE_LIMIT). Blank text
    /// is an error: the kernel writes at least one digit.
    pub fn parse_mask(text: &str) -> Result<Self, ParseCpuSetError> {
        let mut set = Self::new();
        let mut base = 0;
        for item in text.trim().rsplit(',') {
            if item.len() > 8 {
                return Err(ParseCpuSetError::new(item, ParseReason::NotANumber));
            }
            let group = parse_number(item, 16, item)?;
            if group != 0 && base >= Self::PARSE_LIMIT {
                return Err(ParseCpuSetError::new(item, ParseReason::TooLarge));
            }
            let bits = (0..32).filter(|bit| group >> bit & 1 == 1);
            set.cpus.extend(bits.map(|bit| CpuId(base + bit)));
            base = base.saturating_add(32);
        }
        Ok(set)
    }

    /// Prints the set in the mask format.
    #[must_use]
    pub fn mask(&self) -> impl fmt::Display + '_ {
        Mask(self)
    }
}

/// Digits only: the standard parser would also take a sign.
fn parse_number(digits: &str, radix: u32, item: &str) -> Result<u32, ParseCpuSetError> {
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err(ParseCpuSetError::new(item, ParseReason::NotANumber));
    }
    u32::from_str_radix(digits, radix)
        .map_err(|_| ParseCpuSetError::new(item, ParseReason::TooLarge))
}

struct Mask<'a>(&'a CpuSet);

impl fmt::Display for Mask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.0.iter().rev().peekable();
        let highest = self.0.last().map_or(0, |cpu| cpu.0 / 32);
        for group in (0..=highest).rev() {
            let mut bits = 0_u32;
            while let Some(cpu) = cpus.next_if(|cpu| cpu.0 / 32 == group) {
                bits |= 1 << (cpu.0 % 32);
            }
            let comma = if group == highest { "" } else { "," };
            write!(f, "{comma}{bits:08x}")?;
        }
        Ok(())
    }
}

/// The list format.
impl fmt::Display for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cpus = self.iter().map(|cpu| cpu.0).peekable();
        let mut comma = "";
        while let Some(first) = cpus.next() {
            let mut last = first;
            while cpus
                .next_if(|&next| last.checked_add(1) == Some(next))
                .is_some()
            {
                last += 1;
            }
            write!(f, "{comma}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for CpuSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CpuSet({self})")
    }
}

/// Reads the list format, as [`CpuSet::parse_list`] does.
impl FromStr for CpuSet {
    type Err = ParseCpuSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_list(text)
    }
}

impl From<CpuId> for CpuSet {
    fn from(cpu: CpuId) -> Self {
        Self::from_iter([cpu])
    }
}

impl FromIterator<CpuId> for CpuSet {
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        Self {
            cpus: cpus.into_iter().collect(),
        }
    }
}

impl Extend<CpuId> for CpuSet {
    fn extend<I: IntoIterator<Item = CpuId>>(&mut self, cpus: I) {
        self.cpus.extend(cpus);
    }
}

impl BitAnd for &CpuSet {
    type Output = CpuSet;

    fn bitand(self, other: Self) -> CpuSet {
        CpuSet {
            cpus: &self.cpus & &other.cpus,
        }
    }
}

impl BitOr for &CpuSet {
    type Output = CpuSet;

    fn bitor(self, other: Self) -> CpuSet {
        CpuSet {
            cpus: &self.cpus | &other.cpus,
        }
    }
}

impl Sub for &CpuSet {
    type Output = CpuSet;

    fn sub(self, other: Self) -> CpuSet {
        CpuSet {
            cpus: &self.cpus - &other.cpus,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> CpuSet {
        text.parse().unwrap()
    }

    fn reason(result: Result<CpuSet, ParseCpuSetError>) -> ParseReason {
        result.unwrap_err().reason()
    }

    #[test]
    fn list_format_reads_what_the_kernel_writes() {
        assert_eq!(list("0-3,8,10-11\n").len(), 7);
        assert_eq!(list("\n"), CpuSet::new(), "a node without CPUs");
        assert_eq!(list("65535").last(), Some(CpuId(65_535)));
        assert_eq!(
            list("5,0-2,1-5").to_string(),
            "0-5",
            "order and overlap do not matter"
        );
    }

    #[test]
    fn list_format_refuses_garbage_by_reason() {
        for text in [
            "x", "1,", ",", "1-", "-1", "1--2", "1-2-3", "+1", "0x3", "(null)", "0-7:2/4", "\0",
            "٣",
        ] {
            assert_eq!(
                reason(CpuSet::parse_list(text)),
                ParseReason::NotANumber,
                "{text:?}"
            );
        }
        assert_eq!(reason(CpuSet::parse_list("3-1")), ParseReason::Backward);
        for text in ["65536", "0-65536", "0-4294967295", "99999999999999999999"] {
            assert_eq!(
                reason(CpuSet::parse_list(text)),
                ParseReason::TooLarge,
                "{text:?}"
            );
        }
    }

    #[test]
    fn mask_format_reads_what_the_kernel_writes() {
        let mask = |text| CpuSet::parse_mask(text).unwrap().to_string();
        assert_eq!(mask("3\n"), "0-1");
        assert_eq!(mask("00000001,00000000,80000001"), "0,31,64");
        assert_eq!(mask("0"), "");
        let wide = "00000000,".repeat(5_000) + "10";
        assert_eq!(mask(&wide), "4", "empty groups have no limit");
    }

    #[test]
    fn mask_format_refuses_garbage_by_reason() {
        for text in ["", "g", "1,,1", "000000001", "0x1", "-1", "+1"] {
            assert_eq!(
                reason(CpuSet::parse_mask(text)),
                ParseReason::NotANumber,
                "{text:?}"
            );
        }
        let far = format!("1{}", ",00000000".repeat(2_048));
        assert_eq!(reason(CpuSet::parse_mask(&far)), ParseReason::TooLarge);
    }

    #[test]
    fn the_highest_number_of_all_is_an_ordinary_member() {
        let mut set = CpuSet::from(CpuId(u32::MAX));
        assert!(set.insert(CpuId(u32::MAX - 1)));
        assert_eq!(set.to_string(), "4294967294-4294967295");
        assert!(set.remove(CpuId(u32::MAX)) && !set.remove(CpuId(u32::MAX)));
        assert_eq!(format!("{set:?}"), "CpuSet(4294967294)");
    }

    proptest! {
        #[test]
        fn both_formats_come_back_as_they_went(cpus in proptest::collection::vec(0_u32..300, 0..60)) {
            let set: CpuSet = cpus.into_iter().map(CpuId).collect();
            prop_assert_eq!(&CpuSet::parse_list(&set.to_string()).unwrap(), &set);
            prop_assert_eq!(&CpuSet::parse_mask(&set.mask().to_string()).unwrap(), &set);
        }

        #[test]
        fn algebra_agrees_with_membership(
            a in proptest::collection::vec(0_u32..99, 0..40),
            b in proptest::collection::vec(0_u32..99, 0..40),
        ) {
            let a: CpuSet = a.into_iter().map(CpuId).collect();
            let b: CpuSet = b.into_iter().map(CpuId).collect();
            for cpu in (0..99).map(CpuId) {
                let (in_a, in_b) = (a.contains(cpu), b.contains(cpu));
                prop_assert_eq!((&a & &b).contains(cpu), in_a && in_b);
                prop_assert_eq!((&a | &b).contains(cpu), in_a || in_b);
                prop_assert_eq!((&a - &b).contains(cpu), in_a && !in_b);
            }
            prop_assert!((&a & &b).is_subset(&a) && (&a - &b).is_disjoint(&b));
        }

        #[test]
        fn parsers_answer_any_text(text in "\\PC{0,40}|[0-9a-f,\\- \n]{0,40}") {
            // Refused, or the same when printed and read again.
            if let Ok(set) = CpuSet::parse_list(&text) {
                prop_assert_eq!(CpuSet::parse_list(&set.to_string()), Ok(set));
            }
            if let Ok(set) = CpuSet::parse_mask(&text) {
                prop_assert_eq!(CpuSet::parse_mask(&set.mask().to_string()), Ok(set));
            }
        }
    }
}
