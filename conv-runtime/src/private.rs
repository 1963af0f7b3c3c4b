//! The complete list of what generated code may name. Nothing here is for users, and all of it may change
//! with any version: `conv-macros` and `conv-runtime` of the same version belong together.

use fearless_simd::{Bytes, SimdBase, SimdCombine, SimdFloat, SimdSplit};
pub use fearless_simd::{Simd, f32x4, f32x8, f32x16, f64x2, f64x4, f64x8};

use crate::Element;
#[cfg(feature = "alloc")]
pub use crate::backward::{Copies, Differentiable, Product, ProductJob, Sums, SumsJob, add_lanes};
#[cfg(feature = "alloc")]
pub use crate::blueprint::Blueprint;
pub use crate::config::{Conv2dConfig, PaddingMode};
pub use crate::constant::{Line, f32s, f64s};
pub use crate::filtering::Filtering;
pub use crate::fixed::{Fixed, scratch};
pub use crate::kernel::{Bands, Geometry, Job, Kernel, ParametersRef, Prepare, Reads, Scheme};
#[cfg(feature = "alloc")]
pub use crate::kernel::{Parameters, Trainable};
pub use crate::residues::Residues;
pub use crate::rows::{PaddedRows, keep, last, part, store_over};
pub use crate::sides::{Sides, sides};
pub use crate::tile::{Tile, scatter};

/// `N` elements from `at` on.
///
/// Kernels take a window once an iteration and then index it with constants, which needs no more checks.
#[inline(always)]
#[must_use]
pub fn window<const N: usize, E>(buffer: &[E], at: usize) -> &[E; N] {
    match buffer[at..].first_chunk() {
        Some(window) => window,
        None => past_the_end(),
    }
}

/// As [`window`], to write to.
#[inline(always)]
#[must_use]
pub fn window_mut<const N: usize, E>(buffer: &mut [E], at: usize) -> &mut [E; N] {
    match buffer[at..].first_chunk_mut() {
        Some(window) => window,
        None => past_the_end(),
    }
}

/// `len` elements from `at` on.
#[inline(always)]
#[must_use]
pub fn row<E>(buffer: &[E], at: usize, len: usize) -> &[E] {
    &buffer[at..][..len]
}

/// `R` rows of `len` elements, one after the other, in each of `O` planes: the first at `at`.
#[inline(always)]
#[must_use]
pub fn rows_mut<const O: usize, const R: usize, E>(
    output: &mut [E],
    plane: usize,
    at: usize,
    len: usize,
) -> [[&mut [E]; R]; O] {
    let mut planes = output;
    core::array::from_fn(|_| {
        // The last plane may end with the last band's rows.
        let most = plane.min(planes.len());
        let rest = planes.split_off_mut(..most).and_then(|plane| plane.get_mut(at..));
        let mut rows = rest.unwrap_or_default();
        core::array::from_fn(|_| match rows.split_off_mut(..len) {
            Some(row) => row,
            None => past_the_end(),
        })
    })
}

/// Out of the way of the loops that never come here.
#[cold]
#[inline(never)]
fn past_the_end() -> ! {
    unreachable!("a generated kernel stays within its planes")
}

/// A vector of consecutive elements.
#[inline(always)]
pub fn load<S: Simd, V: SimdBase<S>>(simd: S, window: &[V::Element], at: usize) -> V {
    V::from_slice(simd, &window[at..at + V::LEN])
}

/// A vector of equal elements.
#[inline(always)]
pub fn splat<S: Simd, V: SimdBase<S>>(simd: S, value: V::Element) -> V {
    V::splat(simd, value)
}

/// The lanes of `low` from `BY` on, and then as many of `high` as are missing.
#[inline(always)]
pub fn slide<const BY: usize, S: Simd, V: SimdBase<S>>(_simd: S, low: V, high: V) -> V {
    low.slide::<BY>(high)
}

/// Bytes of a vector, each by its place in it: lanes in any order, which [`bytes`] finds the places of.
#[inline(always)]
pub fn pick<S: Simd, V: SimdBase<S>>(simd: S, vector: V, bytes: &[u8]) -> V {
    vector.swizzle_dyn(V::ByteVector::from_slice(simd, bytes))
}

/// The places of the `BYTES` bytes of these lanes.
#[expect(clippy::cast_possible_truncation, reason = "a vector has 64 bytes at most")]
#[must_use]
pub const fn bytes<const LANES: usize, const BYTES: usize>(lanes: [u8; LANES]) -> [u8; BYTES] {
    let (each, mut all, mut at) = (BYTES / LANES, [0; BYTES], 0);
    while at < BYTES {
        all[at] = lanes[at / each] * each as u8 + (at % each) as u8;
        at += 1;
    }
    all
}

/// Every second lane of two vectors, from the first on.
#[inline(always)]
pub fn unzip_even<S: Simd, V: SimdBase<S>>(_simd: S, low: V, high: V) -> V {
    low.unzip_low(high)
}

/// Every second lane of two vectors, from the second on.
#[inline(always)]
pub fn unzip_odd<S: Simd, V: SimdBase<S>>(_simd: S, low: V, high: V) -> V {
    low.unzip_high(high)
}

/// As [`unzip_even`], with the second and the third quarter exchanged: each half is made of the operands' same halves.
#[inline(always)]
pub fn unzip_even_crossed<S: Simd, V: SimdSplit<S>>(_simd: S, low: V, high: V) -> V {
    let ([a, b], [c, d]) = (<[_; 2]>::from(low.split()), <[_; 2]>::from(high.split()));
    a.unzip_low(c).combine(b.unzip_low(d))
}

/// As [`unzip_odd`], with the second and the third quarter exchanged.
#[inline(always)]
pub fn unzip_odd_crossed<S: Simd, V: SimdSplit<S>>(_simd: S, low: V, high: V) -> V {
    let ([a, b], [c, d]) = (<[_; 2]>::from(low.split()), <[_; 2]>::from(high.split()));
    a.unzip_high(c).combine(b.unzip_high(d))
}

/// A vector with its second and its third quarter exchanged.
#[inline(always)]
pub fn cross<S: Simd>(_simd: S, vector: f32x8<S>) -> f32x8<S> {
    let quarters: f64x4<S> = vector.bitcast();
    let (even, _) = quarters.unzip_low(quarters).split();
    let (odd, _) = quarters.unzip_high(quarters).split();
    even.combine(odd).bitcast()
}

/// `a * b + acc`, in one rounding where the machine has it.
#[inline(always)]
pub fn fma<S: Simd, V: SimdFloat<S>>(_simd: S, a: V, b: V, acc: V) -> V {
    a.mul_add(b, acc)
}

/// Stores a whole vector.
#[inline(always)]
pub fn store<S: Simd, V: SimdBase<S>>(_simd: S, vector: V, to: &mut [V::Element], at: usize) {
    vector.store_slice(&mut to[at..at + V::LEN]);
}

/// Stores the first `count` lanes of a vector, at most all of them.
#[inline(always)]
pub fn store_first<S: Simd, V: SimdBase<S, Element: Element>>(
    simd: S,
    vector: V,
    to: &mut [V::Element],
    at: usize,
    count: usize,
) {
    crate::tile::store_first(simd, vector, count, &mut to[at..at + count]);
}
