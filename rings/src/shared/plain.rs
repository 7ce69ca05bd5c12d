//! What may lie in memory that other processes write.

/// Data that is nothing but its bytes: any bytes are a value, and a value is all of its bytes.
///
/// # Safety
///
/// 1. Every bit pattern of the type's size is a valid value. `bool`, `char`, enums, references and `NonZero` types are
///    not like that.
/// 2. The type has no padding: its fields, in declaration order under `repr(C)` or `repr(transparent)`, fill it.
/// 3. It has no pointer, index or handle that means something in one process only, and no interior mutability.
/// 4. All programs that share a ring of it lay it out alike. Size and alignment are checked, the meaning of the fields
///    is not.
///
/// ```
/// use shared_nothing_rings::shared::Plain;
///
/// #[derive(Clone, Copy)]
/// #[repr(C)]
/// struct Quote {
///     price: f64,
///     amount: u32,
///     venue: [u8; 4],
/// }
/// // SAFETY: 1: floats, integers and an array of them. 2: 8 + 4 + 4 bytes fill 16. 3: plain numbers. 4: `repr(C)`.
/// unsafe impl Plain for Quote {}
/// ```
///
/// ```compile_fail,E0277
/// fn needs_plain<T: shared_nothing_rings::shared::Plain>() {}
/// needs_plain::<bool>();
/// ```
///
/// ```compile_fail,E0277
/// fn needs_plain<T: shared_nothing_rings::shared::Plain>() {}
/// needs_plain::<&'static u8>();
/// ```
pub unsafe trait Plain: Copy + Send + 'static {}

macro_rules! plain {
    ($($number:ty)*) => {$(
        // SAFETY: 1 to 4: a number is its bits.
        unsafe impl Plain for $number {}
    )*};
}

plain!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);

// SAFETY: 1 to 4: nothing is plain.
unsafe impl Plain for () {}
// SAFETY: 1 to 4: an array is its items, one behind the other, without padding between them.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
