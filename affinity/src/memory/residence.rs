//! Asks the kernel where pages lie.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use crate::error::Error;
use crate::id::NodeId;
use crate::sys;

/// On which nodes pages lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Residence {
    /// How many base pages on each node. A huge page counts as the base pages that it spans.
    pub pages: BTreeMap<NodeId, usize>,
    /// How many base pages are not in memory: never written to, or swapped out.
    pub pages_absent: usize,
}

impl Residence {
    /// Whether every page is in memory, and on `node`. True of no pages at all.
    #[must_use]
    pub fn is_all_on(&self, node: NodeId) -> bool {
        self.pages_absent == 0 && self.pages.keys().all(|&home| home == node)
    }
}

/// Where the pages lie that hold `items`: a ring's slots, an arena, a table.
///
/// Pages are whole, so the first and the last may hold something else as well. Anonymous memory that was read and
/// never written counts as absent: it has no page yet.
///
/// Where automatic NUMA balancing is on, some kernels (6.1 among them) also count a page as absent while they wait to
/// see who touches it next. It is there again once somebody does. Pages with a [`Policy`](crate::Policy) other than
/// first touch are not watched.
///
/// Cost: one system call for each 1024 pages, which looks up every page.
///
/// # Errors
/// The kernel refuses, as in containers without the right to ask, or has no such call.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::where_is;
///
/// let table = vec![1_u64; 10_000];
/// if let Ok(residence) = where_is(&table) {
///     assert_eq!(residence.pages_absent, 0, "it was just written");
/// }
/// # }
/// ```
pub fn where_is<T>(items: &[T]) -> Result<Residence, Error> {
    where_are_bytes(items.as_ptr().cast(), size_of_val(items))
}

/// The same by address, which is looked up and not followed: of memory that others are writing to as well.
pub(super) fn where_are_bytes(start: *const u8, bytes: usize) -> Result<Residence, Error> {
    let mut residence = Residence::default();
    if bytes == 0 {
        return Ok(residence);
    }
    let page_bytes = sys::page_bytes();
    let within_page = start.addr() % page_bytes;
    let first = start.wrapping_sub(within_page);
    let count = (within_page + bytes).div_ceil(page_bytes);
    for batch in (0..count).step_by(1024) {
        let batch = batch..count.min(batch + 1024);
        let pages: Vec<_> = batch
            .map(|page| first.wrapping_add(page * page_bytes).cast())
            .collect();
        for home in sys::page_homes(&pages)? {
            match u32::try_from(home) {
                Ok(node) => *residence.pages.entry(NodeId(node)).or_default() += 1,
                Err(_) => residence.pages_absent += 1,
            }
        }
    }
    Ok(residence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_lies_everywhere() {
        for residence in [where_is::<u8>(&[]), where_is(&[(), ()])] {
            assert!(residence.unwrap().is_all_on(NodeId(7)));
        }
    }

    #[test]
    fn all_on_a_node_leaves_no_page_elsewhere_or_absent() {
        let mut residence = Residence {
            pages: BTreeMap::from([(NodeId(1), 3)]),
            pages_absent: 0,
        };
        assert!(residence.is_all_on(NodeId(1)) && !residence.is_all_on(NodeId(0)));
        residence.pages_absent = 1;
        assert!(!residence.is_all_on(NodeId(1)));
    }
}
