//! An owned mapping. Dropping it unmaps.

use core::fmt;
use core::ptr::NonNull;
use core::slice;

use super::residence::where_are_bytes;
use super::{MemoryError, Pages, Policy, Request, Residence};
use crate::error::Error;
use crate::files::{Files, files_under};
use crate::sys::{self, Advice, BindMode};
use crate::topology::parse_meminfo;

/// Zeroed memory that belongs to one owner, placed as a [`Request`] wished or as near as could be.
///
/// It is page-aligned, stays at its address, and holds plain bytes; [`as_ptr`](Self::as_ptr) is for those who build
/// rings and arenas in it.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use shared_nothing_affinity::{Region, Request};
///
/// let mut region = Region::new(&Request::new(10_000))?;
/// assert!(region.len() >= 10_000);
/// region.as_mut_slice()[9_999] = 7;
/// assert_eq!(region.as_slice()[9_998..10_000], [0, 7]);
/// # }
/// # Ok::<(), shared_nothing_affinity::MemoryError>(())
/// ```
pub struct Region {
    /// I1: the mapping `start .. start + bytes` is ours alone, readable, writable and initialised; `bytes` is at most
    /// `isize::MAX`.
    start: NonNull<u8>,
    bytes: usize,
    pages: Pages,
    is_policy_set: bool,
}

// SAFETY: I1: the mapping is tied to no thread, and moving the owner moves the only access to it.
unsafe impl Send for Region {}
// SAFETY: `&Region` gives out `&[u8]` and a pointer whose use is the caller's duty.
unsafe impl Sync for Region {}

impl Region {
    /// Maps memory, sets its policy, and then makes pages present where the request says so.
    ///
    /// With [`Pages::Huge`] and [`Policy::Bind`], pages are made present in any case: a huge page that the node lacks
    /// at first touch would be the process's end.
    ///
    /// Cost: a few system calls and small files; prefaulting writes every page.
    ///
    /// # Errors
    /// The size is 0 or cannot be; a node is not there, has no memory or was not given; too little is free for
    /// [`Policy::Bind`], or for pages made present now; or the operating system refuses.
    ///
    /// Page size and [`Policy::Prefer`] are wishes: where the kernel denies them, the region comes without, and
    /// [`pages`](Self::pages) and [`is_policy_set`](Self::is_policy_set) tell.
    pub fn new(request: &Request) -> Result<Self, MemoryError> {
        let files = files_under("/");
        request.check(&files)?;
        let smaller = [Pages::Huge, Pages::Transparent]
            .into_iter()
            .filter(|&pages| pages <= request.pages);
        for pages in smaller {
            if let Ok(region) = Self::with_pages(request, pages, &files) {
                return Ok(region);
            }
        }
        Self::with_pages(request, Pages::Base, &files)
    }

    /// The request with exactly these pages, or an error.
    fn with_pages(request: &Request, pages: Pages, files: Files<'_>) -> Result<Self, MemoryError> {
        let mut region = match pages {
            Pages::Base => Self::map(request.bytes, sys::page_bytes(), pages)?,
            Pages::Transparent => Self::map_aligned(request.bytes, transparent_bytes(files)?)?,
            Pages::Huge => Self::map(request.bytes, huge_bytes(files)?, pages)?,
        };
        match pages {
            // A kernel without huge pages has no such advice, and nothing to be told.
            Pages::Base => drop(region.advise(Advice::BasePages)),
            Pages::Transparent if is_never(files) => {
                return Err(unsupported("transparent huge pages"));
            }
            Pages::Transparent => region.advise(Advice::HugePages)?,
            Pages::Huge => {}
        }
        region.set_policy(&request.policy)?;
        let is_fragile = pages == Pages::Huge && matches!(request.policy, Policy::Bind(_));
        if request.prefault || is_fragile {
            region.prefault()?;
        }
        if request.lock {
            sys::lock(region.start, region.bytes)?;
        }
        Ok(region)
    }

    /// A mapping of whole pages of `page_bytes`.
    fn map(bytes: usize, page_bytes: usize, pages: Pages) -> Result<Self, MemoryError> {
        let too_large = MemoryError::TooLarge { bytes };
        let fits = |bytes: &usize| isize::try_from(*bytes).is_ok();
        let Some(bytes) = bytes.checked_next_multiple_of(page_bytes).filter(fits) else {
            return Err(too_large);
        };
        match sys::map(bytes, pages == Pages::Huge) {
            Ok(start) => Ok(Self {
                start,
                bytes,
                pages,
                is_policy_set: false,
            }),
            Err(error) if error.errno() == Some(ENOMEM) => Err(too_large),
            Err(error) => Err(error.into()),
        }
    }

    /// A mapping of base pages that begins and ends where huge ones would.
    fn map_aligned(bytes: usize, huge_bytes: usize) -> Result<Self, MemoryError> {
        let too_large = MemoryError::TooLarge { bytes };
        let rounded = bytes
            .checked_next_multiple_of(huge_bytes)
            .ok_or(too_large.clone())?;
        let room = rounded.checked_add(huge_bytes).ok_or(too_large)?;
        let mut region = Self::map(room, sys::page_bytes(), Pages::Transparent)?;
        let head = region.start.as_ptr().align_offset(huge_bytes);
        debug_assert!(head < huge_bytes);
        let tail = region.bytes - rounded - head;
        // SAFETY: head + rounded + tail is the whole mapping.
        let (start, end) = unsafe { (region.start.add(head), region.start.add(head + rounded)) };
        let whole = region.start;
        (region.start, region.bytes) = (start, rounded);
        for (cut, bytes) in [(whole, head), (end, tail)]
            .into_iter()
            .filter(|&(_, bytes)| bytes > 0)
        {
            // SAFETY: 1: whole pages, as both sizes and both ends are multiples, of our own mapping (I1), which no
            // longer counts them in. 2: nobody has seen the region yet.
            unsafe { sys::unmap(cut, bytes) };
        }
        Ok(region)
    }

    fn advise(&self, advice: Advice) -> Result<(), Error> {
        sys::advise(self.start, self.bytes, advice)
    }

    fn set_policy(&mut self, policy: &Policy) -> Result<(), MemoryError> {
        let mode = match policy {
            Policy::FirstTouch => return Ok(()),
            Policy::Prefer(_) => BindMode::Prefer,
            Policy::Bind(_) => BindMode::Bind,
            Policy::Interleave(_) => BindMode::Interleave,
        };
        match sys::bind(self.start, self.bytes, mode, policy.nodes()) {
            Ok(()) => self.is_policy_set = true,
            // Containers often deny the call, and some kernels lack it.
            Err(_) if mode == BindMode::Prefer => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn prefault(&mut self) -> Result<(), MemoryError> {
        match self.advise(Advice::PopulateWrite) {
            // Kernels before 5.14 do not know the advice. Pages out of the pool must not be touched in hope.
            Err(error) if error.errno() == Some(EINVAL) && self.pages != Pages::Huge => {
                self.touch_every_page();
                Ok(())
            }
            Err(error) if error.errno() == Some(ENOMEM) => {
                Err(MemoryError::TooLarge { bytes: self.bytes })
            }
            done => Ok(done?),
        }
    }

    fn touch_every_page(&mut self) {
        for byte in self.as_mut_slice().iter_mut().step_by(sys::page_bytes()) {
            // SAFETY: the pointer comes from a reference. Volatile, because writing 0 over 0 looks like nothing.
            unsafe { (&raw mut *byte).write_volatile(0) };
        }
    }

    /// How many bytes: what was asked for, rounded up to whole pages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Never true: a region has one page at least.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The bytes. Those never written are zero.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: I1; the borrow of the owner keeps writers away.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// The bytes, to write to.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: I1; the exclusive borrow of the owner keeps everybody else away.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }

    /// The first byte, at the start of a page. Valid for reads and writes of [`len`](Self::len) bytes while the region
    /// lives, for as long as no slice of it is in use.
    #[must_use]
    pub fn as_ptr(&self) -> NonNull<u8> {
        self.start
    }

    /// The page size that was had. [`Pages::Transparent`] means that the kernel was asked; it may still use base pages.
    #[must_use]
    pub fn pages(&self) -> Pages {
        self.pages
    }

    /// Whether the kernel took the policy. False for [`Policy::FirstTouch`], which is none, and where a
    /// [`Policy::Prefer`] was denied.
    #[must_use]
    pub fn is_policy_set(&self) -> bool {
        self.is_policy_set
    }

    /// Where its pages lie now. See [`where_is`](crate::where_is).
    ///
    /// # Errors
    /// The operating system does not tell.
    pub fn residence(&self) -> Result<Residence, Error> {
        where_are_bytes(self.start.as_ptr(), self.bytes)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: 1: I1. 2: every borrow of the owner has ended.
        unsafe { sys::unmap(self.start, self.bytes) };
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            pages,
            is_policy_set,
            ..
        } = self;
        write!(
            f,
            "Region {{ bytes: {bytes}, pages: {pages:?}, is_policy_set: {is_policy_set} }}"
        )
    }
}

/// The numbers that these have on every kernel.
const ENOMEM: i32 = 12;
const EINVAL: i32 = 22;

fn unsupported(operation: &'static str) -> MemoryError {
    MemoryError::Os(Error::Unsupported { operation })
}

/// The size of the pool's pages.
fn huge_bytes(files: Files<'_>) -> Result<usize, MemoryError> {
    let bytes = files("/proc/meminfo").and_then(|text| parse_meminfo(&text, "Hugepagesize:"));
    page_size(bytes).ok_or(unsupported("huge pages"))
}

/// The size of transparent huge pages, which may be another.
fn transparent_bytes(files: Files<'_>) -> Result<usize, MemoryError> {
    let text = files("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size").unwrap_or_default();
    page_size(text.trim().parse().ok()).ok_or(unsupported("transparent huge pages"))
}

fn page_size(bytes: Option<u64>) -> Option<usize> {
    let bytes = usize::try_from(bytes?).ok()?;
    (bytes.is_power_of_two() && bytes >= sys::page_bytes()).then_some(bytes)
}

/// The administrator switched them off: the kernel then takes the advice and does nothing.
fn is_never(files: Files<'_>) -> bool {
    files("/sys/kernel/mm/transparent_hugepage/enabled").is_none_or(|text| text.contains("[never]"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    static_assertions::assert_impl_all!(Region: Send, Sync);
    static_assertions::assert_not_impl_any!(Region: Clone);

    #[test]
    fn touching_makes_every_page_present_as_the_advice_would() {
        let mut region = Region::new(&Request::new(20 * sys::page_bytes())).unwrap();
        assert_eq!(region.residence().unwrap().pages_absent, 20);
        region.touch_every_page();
        assert_eq!(region.residence().unwrap().pages_absent, 0);
    }

    #[test]
    fn the_sizes_of_huge_pages_must_make_sense() {
        let pool = |text: &str| huge_bytes(&|_| Some(text.to_owned())).ok();
        assert_eq!(pool("Hugepagesize:    1048576 kB\n"), Some(1 << 30));
        for text in [
            "",
            "Hugepagesize: 0 kB",
            "Hugepagesize: 3000 kB",
            "Hugepagesize: 1 kB",
        ] {
            assert_eq!(pool(text), None, "{text:?}");
        }
        let transparent = |text: &str| transparent_bytes(&|_| Some(text.to_owned())).ok();
        assert_eq!(transparent("2097152\n"), Some(2 << 20));
        for text in ["", "0", "3000000", "2M", "1024"] {
            assert_eq!(transparent(text), None, "{text:?}");
        }
    }

    #[test]
    fn transparent_pages_that_are_switched_off_are_not_claimed() {
        let is_never = |text: &str| is_never(&|_| Some(text.to_owned()));
        assert!(is_never("always madvise [never]\n"));
        assert!(!is_never("always [madvise] never\n") && !is_never("[always] madvise never\n"));
    }
}
