//! The memory as both processes see it: a header, and slots of words.
//!
//! | field | written by | read by | when |
//! |---|---|---|---|
//! | `fixed` | the creator | whoever attaches | before READY |
//! | `pos` of an end | that end | both | ever growing; PUBLISH, VACATE |
//! | `owner` of an end | claims, that end | all | LEAVE |
//! | `closed` of an end | that end | the other | CLOSE |
//! | `beats` of an end | that end | all | any time |
//! | words of a slot | producer | consumer | between VACATE and PUBLISH |

use core::{alloc::Layout, marker::PhantomData, mem::MaybeUninit, ptr::NonNull};

use super::{AttachError, CreateError, Plain, header::Header};
use crate::{
    CapacityError,
    pos::slots_for,
    sync::{AtomicU64, Ordering::Relaxed},
};

const WORD: usize = size_of::<u64>();

/// A piece of an item. No access to it is a data race, but by the protocol no write meets another access: a model sees
/// to that.
#[derive(Debug, Default)]
#[repr(C)]
struct Word {
    value: AtomicU64,
    #[cfg(loom)]
    watch: crate::sync::Cell<()>,
}

impl Word {
    #[inline(always)]
    fn load(&self) -> u64 {
        #[cfg(loom)]
        self.watch.with(|_| ());
        // RELAXED: PUBLISH has handed it over.
        self.value.load(Relaxed)
    }

    #[inline(always)]
    fn store(&self, value: u64) {
        #[cfg(loom)]
        self.watch.with_mut(|_| ());
        // RELAXED: PUBLISH hands it over.
        self.value.store(value, Relaxed);
    }
}

/// Words of a slot.
const fn words<T>() -> usize {
    size_of::<T>().div_ceil(WORD)
}

const fn item<T>() -> (u64, u64) {
    (size_of::<T>() as u64, align_of::<T>() as u64)
}

pub(super) fn layout<T>(capacity: usize) -> Result<Layout, CapacityError> {
    let too_large = CapacityError::TooLarge;
    let count = slots_for(capacity)?
        .checked_mul(words::<T>())
        .ok_or(too_large)?;
    let slots = Layout::array::<Word>(count).map_err(|_| too_large)?;
    let (whole, offset) = Layout::new::<Header>()
        .extend(slots)
        .map_err(|_| too_large)?;
    debug_assert_eq!(offset, size_of::<Header>());
    Ok(whole.pad_to_align())
}

/// A ring by pointer. The capacity is this process's own copy: the header is looked at once.
#[derive(Debug)]
pub(super) struct Raw<T> {
    header: NonNull<Header>,
    capacity: usize,
    mask: usize,
    items: PhantomData<*const T>,
}

impl<T> Clone for Raw<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Raw<T> {}

/// The memory as a header, if it may be one.
fn header_at(start: NonNull<u8>, bytes: usize) -> Result<NonNull<Header>, AttachError> {
    let (needed, align) = (size_of::<Header>(), align_of::<Header>());
    if bytes < needed {
        let given = bytes;
        return Err(AttachError::TooSmall { needed, given });
    }
    if start.addr().get() % align != 0 {
        return Err(AttachError::Misaligned { align });
    }
    Ok(start.cast())
}

impl<T: Plain> Raw<T> {
    /// # Safety
    ///
    /// The duties of [`create`](super::create), for as long as a copy of the ring is used.
    pub(super) unsafe fn create(
        start: NonNull<u8>,
        bytes: usize,
        capacity: usize,
        first: u64,
    ) -> Result<Self, CreateError> {
        let needed = layout::<T>(capacity)?.size();
        let given = bytes;
        if needed > given {
            return Err(CreateError::TooSmall { needed, given });
        }
        let header = header_at(start, bytes).map_err(|_| CreateError::Misaligned {
            align: align_of::<Header>(),
        })?;
        // SAFETY: room for it (checked above), atomic words only, and the memory is there (duty 1).
        let words = unsafe { header.as_ref() };
        if !words.begin() {
            return Err(CreateError::InUse);
        }
        words.finish(item::<T>(), capacity as u64, first);
        Ok(Self::new(header, capacity))
    }

    /// # Safety
    ///
    /// The duties of [`attach`](super::attach), for as long as a copy of the ring is used.
    pub(super) unsafe fn attach(start: NonNull<u8>, bytes: usize) -> Result<Self, AttachError> {
        let header = header_at(start, bytes)?;
        // SAFETY: room for it, atomic words only, and the memory is there (duty 1).
        let found = unsafe { header.as_ref() }.check(item::<T>())?;
        let impossible = AttachError::Capacity { found };
        let capacity = usize::try_from(found).map_err(|_| impossible)?;
        let needed = layout::<T>(capacity).map_err(|_| impossible)?.size();
        if needed > bytes {
            let given = bytes;
            return Err(AttachError::TooSmall { needed, given });
        }
        Ok(Self::new(header, capacity))
    }

    /// Makes the atomics of a model, which are no plain words, where a program finds zeros.
    ///
    /// # Safety
    ///
    /// 1. The memory is aligned, has room for the ring, and is nobody else's.
    #[cfg(loom)]
    pub(super) unsafe fn zero(start: NonNull<u8>, capacity: usize) {
        // SAFETY: duty 1.
        unsafe {
            let header = start.cast::<Header>();
            header.write(Header::default());
            let slots = header.add(1).cast::<Word>();
            let count = capacity.next_power_of_two() * words::<T>();
            (0..count).for_each(|word| slots.add(word).write(Word::default()));
        }
    }

    /// The caller has checked that the memory has room for that capacity.
    fn new(header: NonNull<Header>, capacity: usize) -> Self {
        Self {
            header,
            capacity,
            mask: capacity.next_power_of_two() - 1,
            items: PhantomData,
        }
    }

    #[inline(always)]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: there for as long as the ring is used (duties of `create` and `attach`), and all atomic.
        unsafe { self.header.as_ref() }
    }

    #[inline(always)]
    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    /// The words of the slot of a position.
    #[inline(always)]
    fn slot(&self, pos: u64) -> &[Word] {
        // The mask is less than 2^60, and so is the index.
        let index = pos as usize & self.mask;
        // SAFETY: a masked position is less than the number of slots, for which there is room; all atomic.
        unsafe {
            let slots = self.header.add(1).cast::<Word>();
            NonNull::slice_from_raw_parts(slots.add(index * words::<T>()), words::<T>()).as_ref()
        }
    }

    /// Copies an item in. Nobody looks at it before PUBLISH.
    #[inline(always)]
    pub(super) fn write(&self, pos: u64, item: T) {
        let bytes = (&raw const item).cast::<u8>();
        for (at, slot) in self.slot(pos).iter().enumerate() {
            let mut word = [0; WORD];
            let count = WORD.min(size_of::<T>() - at * WORD);
            // SAFETY: inside the item, all of whose bytes are initialised (`Plain`, duty 2).
            unsafe {
                word.as_mut_ptr()
                    .copy_from_nonoverlapping(bytes.add(at * WORD), count)
            };
            slot.store(u64::from_ne_bytes(word));
        }
    }

    /// Copies an item out: what PUBLISH handed over, or any bytes at all if the producer lies.
    #[inline(always)]
    pub(super) fn read(&self, pos: u64) -> T {
        let mut item = MaybeUninit::<T>::uninit();
        let bytes = item.as_mut_ptr().cast::<u8>();
        for (at, slot) in self.slot(pos).iter().enumerate() {
            let word = slot.load().to_ne_bytes();
            let count = WORD.min(size_of::<T>() - at * WORD);
            // SAFETY: inside the item.
            unsafe {
                bytes
                    .add(at * WORD)
                    .copy_from_nonoverlapping(word.as_ptr(), count)
            };
        }
        // SAFETY: all bytes are written, and any are a value (`Plain`, duty 1).
        unsafe { item.assume_init() }
    }
}
