//! Calls about memory. All but [`unmap`] are harmless to whoever uses the memory: at worst they answer an error.

use core::ffi::{c_int, c_long, c_ulong, c_void};
use core::ptr::{self, NonNull};

use super::{done_or_error, last_error};
use crate::error::Error;
use crate::id::NodeId;
use crate::sys::{Advice, BindMode};

/// sysconf(3)
pub(crate) fn page_bytes() -> usize {
    // SAFETY: it takes a number and touches no memory of ours.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).unwrap_or(4096)
}

/// mmap(2): private, zeroed, readable and writable. `huge` draws on the pool of huge pages and reserves them, so that
/// touching them later does not raise SIGBUS.
pub(crate) fn map(bytes: usize, huge: bool) -> Result<NonNull<u8>, Error> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let kind = if huge { libc::MAP_HUGETLB } else { 0 };
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | kind;
    // SAFETY: without an address and MAP_FIXED, it replaces no mapping.
    let address = unsafe { libc::mmap(ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        return Err(last_error("mmap"));
    }
    NonNull::new(address.cast()).ok_or(Error::Os {
        operation: "mmap",
        errno: libc::ENOMEM,
    })
}

/// munmap(2)
///
/// # Safety
/// 1. The range is whole pages of a mapping that [`map`] made and that the caller owns.
/// 2. Nobody uses it any more.
pub(crate) unsafe fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: 1 and 2 are the caller's duties. It can only fail for a range that is not whole pages.
    let status = unsafe { libc::munmap(start.as_ptr().cast(), bytes) };
    debug_assert_eq!(status, 0, "munmap of {bytes} bytes at {start:p}");
}

/// mbind(2), for pages that are not there yet.
pub(crate) fn bind(
    start: NonNull<u8>,
    bytes: usize,
    mode: BindMode,
    nodes: &[NodeId],
) -> Result<(), Error> {
    let mode = match mode {
        BindMode::Prefer => libc::MPOL_PREFERRED,
        BindMode::Bind => libc::MPOL_BIND,
        BindMode::Interleave => libc::MPOL_INTERLEAVE,
    };
    let word_bits = c_ulong::BITS as usize;
    let bits = nodes
        .iter()
        .map(|node| node.0 as usize + 1)
        .max()
        .unwrap_or(0);
    let mut words = vec![0 as c_ulong; bits.div_ceil(word_bits)];
    for node in nodes.iter().map(|node| node.0 as usize) {
        words[node / word_bits] |= 1 << (node % word_bits);
    }
    // The kernel takes one bit less than it is told.
    let bits = words.len() * word_bits + 1;
    // SAFETY: the mask is a live slice of so many bits, which is only read; a policy does not change what memory holds.
    let status = unsafe {
        libc::syscall(
            libc::SYS_mbind,
            start.as_ptr(),
            bytes,
            c_long::from(mode),
            words.as_ptr(),
            bits,
            0,
        )
    };
    done_or_error("mbind", status as c_int)
}

/// madvise(2)
pub(crate) fn advise(start: NonNull<u8>, bytes: usize, advice: Advice) -> Result<(), Error> {
    let advice = match advice {
        Advice::HugePages => libc::MADV_HUGEPAGE,
        Advice::BasePages => libc::MADV_NOHUGEPAGE,
        Advice::PopulateWrite => libc::MADV_POPULATE_WRITE,
    };
    // SAFETY: each `Advice` leaves alone what the memory holds.
    let status = unsafe { libc::madvise(start.as_ptr().cast(), bytes, advice) };
    done_or_error("madvise", status)
}

/// mlock(2). Unmapping unlocks.
pub(crate) fn lock(start: NonNull<u8>, bytes: usize) -> Result<(), Error> {
    // SAFETY: it makes pages present and leaves alone what they hold.
    let status = unsafe { libc::mlock(start.as_ptr().cast(), bytes) };
    done_or_error("mlock", status)
}

/// move_pages(2), which without target nodes only asks: for each page its node, or a negative error number.
pub(crate) fn page_homes(pages: &[*const c_void]) -> Result<Vec<c_int>, Error> {
    let mut homes = vec![-libc::ENOENT; pages.len()];
    // SAFETY: both slices are live and of the length that is told; the addresses are looked up, not followed.
    let status = unsafe {
        libc::syscall(
            libc::SYS_move_pages,
            0,
            pages.len(),
            pages.as_ptr(),
            ptr::null::<c_int>(),
            homes.as_mut_ptr(),
            0,
        )
    };
    done_or_error("move_pages", status as c_int).map(|()| homes)
}
