//! What every ring of stamped slots has around its ends: the ring as a value, and the functions that make one.

/// Defines `Ring`, `with_capacity`, `in_memory` and `layout` for the ends `Producer` and `Consumer`, which must be in
/// scope. `$name` is the module's name, `$tx` the pattern that binds a producer in an example, `$one_producer` whether
/// there is one only.
macro_rules! front {
    ($name:literal, $tx:literal, one_producer: $one_producer:literal) => {
        /// A ring of `N` slots as a value: for the stack, a field or a `static`, without an allocator.
        ///
        /// `N` is a power of two, checked when the program is compiled, and all `N` slots can be used.
        pub struct Ring<T, const N: usize> {
            inline: crate::storage::inline::Inline<
                crate::stamped::header::Header,
                crate::stamped::header::Cell<T>,
                N,
            >,
        }

        // SAFETY: a shared ring gives out its first ends once; each value moves through to one thread, hence `T: Send`.
        unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

        impl<T, const N: usize> Ring<T, N> {
            crate::sync::const_constructor! {
                /// An empty ring.
                #[must_use]
                pub fn new() -> Self {
                    let slots = const { crate::pos::assert_slots(N) };
                    Self {
                        inline: crate::storage::inline::Inline::new(
                            crate::stamped::header::Header::new(N, slots, 0, $one_producer),
                            crate::stamped::header::empty_cells(),
                        ),
                    }
                }
            }

            /// The first ends, for as long as the ring is borrowed. Values left by former ends are still there.
            ///
            /// ```
            #[doc = concat!("use shared_nothing_rings::", $name, ";")]
            ///
            #[doc = concat!("let mut ring = ", $name, "::Ring::<String, 8>::new();")]
            #[doc = concat!("let (", $tx, ", mut rx) = ring.split();")]
            /// std::thread::scope(|threads| {
            ///     threads.spawn(move || tx.try_push("hello".to_owned()));
            /// });
            /// assert_eq!(rx.try_pop().as_deref(), Ok("hello"));
            /// ```
            pub fn split(&mut self) -> (Producer<'_, T>, Consumer<'_, T>) {
                self.ends(crate::share::Home::Borrowed)
            }

            /// The first ends of a ring in a `static`; `None` while ends made before are alive.
            ///
            /// Values left by former ends are still there.
            #[must_use]
            pub fn split_static(
                &'static self,
            ) -> Option<(Producer<'static, T>, Consumer<'static, T>)> {
                let ends = &self.inline.header.fixed.ends;
                ends.claim(2)
                    .then(|| self.ends(crate::share::Home::Static))
            }

            /// The caller makes sure that no other end is alive: by `&mut`, or by the count.
            fn ends(&self, home: crate::share::Home) -> (Producer<'_, T>, Consumer<'_, T>) {
                let raw = crate::stamped::raw::Raw::new(self.inline.block());
                // SAFETY: no end is alive.
                unsafe { raw.header().reopen() };
                // SAFETY: 1: the ends carry the borrow of `self`. 2: no other end is alive, and both are counted.
                unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) }
            }
        }

        impl<T, const N: usize> Default for Ring<T, N> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<T, const N: usize> Drop for Ring<T, N> {
            fn drop(&mut self) {
                let raw = crate::stamped::raw::Raw::new(self.inline.block());
                // SAFETY: a ring that can be dropped has no ends: they borrow it.
                unsafe { raw.drop_leftovers() };
            }
        }

        impl<T, const N: usize> core::fmt::Debug for Ring<T, N> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct("Ring")
                    .field("capacity", &N)
                    .finish_non_exhaustive()
            }
        }

        /// A ring on the heap that holds exactly `capacity` values; its last end frees it.
        ///
        /// The slots are rounded up to a power of two.
        ///
        /// # Errors
        ///
        /// [`CapacityError`](crate::CapacityError): `capacity` is 0, or there is no room for its slots.
        #[cfg(feature = "alloc")]
        pub fn with_capacity<T>(
            capacity: usize,
        ) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::CapacityError> {
            with_capacity_at(capacity, 0)
        }

        /// [`with_capacity`] whose positions begin at `start`, for tests at the wrap of `usize`.
        ///
        /// # Errors
        ///
        /// As [`with_capacity`].
        #[doc(hidden)]
        #[cfg(feature = "alloc")]
        pub fn with_capacity_at<T>(
            capacity: usize,
            start: usize,
        ) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::CapacityError> {
            let raw = crate::stamped::raw::Raw::allocate(capacity, start, $one_producer)?;
            raw.claim_first_ends();
            let home = crate::share::Home::Heap;
            // SAFETY: 1: the count keeps the ring until the last end leaves. 2: just allocated, and counted.
            Ok(unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) })
        }

        /// A ring in memory that the caller found: a region of a NUMA node, a huge page, a section of firmware.
        ///
        /// The ring lies at the first place of `memory` that is aligned for it; [`layout`] says how much it takes. It
        /// holds exactly `capacity` values. What is in it when its last end goes is dropped then, and the memory is not
        /// looked at afterwards.
        ///
        /// # Errors
        ///
        /// [`MemoryError`](crate::MemoryError): no ring can have this capacity, or the memory is too small, and then by
        /// how much.
        ///
        /// ```
        /// use core::mem::MaybeUninit;
        #[doc = concat!("use shared_nothing_rings::", $name, ";")]
        ///
        /// let mut memory = [const { MaybeUninit::uninit() }; 1024];
        #[doc = concat!("let (", $tx, ", mut rx) = ", $name, "::in_memory::<u64>(&mut memory, 16)?;")]
        /// assert_eq!(tx.try_push(1), Ok(()));
        /// assert_eq!(rx.try_pop(), Ok(1));
        /// # Ok::<(), shared_nothing_rings::MemoryError>(())
        /// ```
        ///
        /// The memory stays borrowed as long as an end lives:
        ///
        /// ```compile_fail,E0505
        /// use core::mem::MaybeUninit;
        #[doc = concat!("use shared_nothing_rings::", $name, ";")]
        ///
        /// let mut memory = vec![MaybeUninit::uninit(); 1024];
        #[doc = concat!("let (tx, rx) = ", $name, "::in_memory::<u64>(&mut memory, 16).unwrap();")]
        /// drop(memory);
        /// drop(tx);
        /// ```
        pub fn in_memory<T>(
            memory: &mut [core::mem::MaybeUninit<u8>],
            capacity: usize,
        ) -> Result<(Producer<'_, T>, Consumer<'_, T>), crate::MemoryError> {
            in_memory_at(memory, capacity, 0)
        }

        /// [`in_memory`] whose positions begin at `start`, for tests at the wrap of `usize`.
        ///
        /// # Errors
        ///
        /// As [`in_memory`].
        #[doc(hidden)]
        pub fn in_memory_at<T>(
            memory: &mut [core::mem::MaybeUninit<u8>],
            capacity: usize,
            start: usize,
        ) -> Result<(Producer<'_, T>, Consumer<'_, T>), crate::MemoryError> {
            let raw = crate::stamped::raw::Raw::place(memory, capacity, start, $one_producer)?;
            raw.claim_first_ends();
            let home = crate::share::Home::Mapped;
            // SAFETY: 1: the ends borrow the memory, and the count keeps the ring until the last leaves. 2: just
            // placed, and counted.
            Ok(unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) })
        }

        /// As [`with_capacity`], in `memory`, at the first place there that is aligned for it; [`layout`] says how much it
        /// takes. The last end drops what is left in the ring, and then the memory.
        ///
        /// # Errors
        ///
        /// As [`in_memory`]. The memory is dropped.
        #[cfg(feature = "alloc")]
        pub fn with_memory<T>(
            memory: impl crate::Memory,
            capacity: usize,
        ) -> Result<(Producer<'static, T>, Consumer<'static, T>), crate::MemoryError> {
            let raw = crate::stamped::raw::Raw::place_in(memory, capacity, $one_producer)?;
            raw.claim_first_ends();
            let home = crate::share::Home::Mapped;
            // SAFETY: 1: the count keeps the ring, and that its memory, until the last end leaves. 2: just placed, and
            // counted.
            Ok(unsafe { (Producer::new(raw, home), Consumer::new(raw, home)) })
        }

        /// Size and alignment of a ring that holds `capacity` values, for [`in_memory`].
        ///
        /// Memory with that alignment needs that size; any other needs up to `align() - 1` bytes more.
        ///
        /// # Errors
        ///
        /// [`CapacityError`](crate::CapacityError): `capacity` is 0, or too large for any memory.
        ///
        /// ```
        #[doc = concat!("use shared_nothing_rings::", $name, ";")]
        ///
        #[doc = concat!("let layout = ", $name, "::layout::<u64>(1000)?;")]
        /// assert!(layout.size() > 16 * 1000);
        /// # Ok::<(), shared_nothing_rings::CapacityError>(())
        /// ```
        pub fn layout<T>(capacity: usize) -> Result<core::alloc::Layout, crate::CapacityError> {
            crate::stamped::raw::Raw::<T>::layout(capacity)
        }
    };
}
pub(crate) use front;
