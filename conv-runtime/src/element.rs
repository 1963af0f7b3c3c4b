//! What a layer may be made of: `f32` or `f64`.
//!
//! [`Element`] is sealed. What a user may rely on is in the trait itself; what only this crate
//! calls is in the private supertrait `sealed::Sealed`.

use core::fmt::{Debug, Display};
use fearless_simd::{Level, SimdFloatElement, dispatch};

#[cfg(feature = "alloc")]
use crate::backward;
#[cfg(feature = "alloc")]
use crate::definition::Problem;
#[cfg(feature = "alloc")]
use crate::filtering::{Filtering, Kernels};
#[cfg(feature = "alloc")]
use crate::memory::Resident;
#[cfg(feature = "alloc")]
use crate::scratch::{Scratch, Work};
#[cfg(feature = "alloc")]
use crate::sum::Exact;
#[cfg(feature = "alloc")]
use crate::tile;
use crate::{gather, interleave, pad};
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

/// A floating-point type that weights, inputs and outputs consist of: [`f32`] or [`f64`].
///
/// The trait is sealed: kernels exist for these two types only.
///
/// ```
/// use conv_runtime::Element;
///
/// fn mean<T: Element>(values: &[T]) -> f64 {
///     values.iter().map(|value| value.to_f64()).sum::<f64>() / values.len() as f64
/// }
/// assert_eq!(mean(&[1.0_f32, 2.0]), 1.5);
/// assert_eq!((f32::NAME, f64::NAME), ("f32", "f64"));
/// ```
pub trait Element:
    sealed::Sealed
    + SimdFloatElement
    + Copy
    + PartialEq
    + PartialOrd
    + Debug
    + Display
    + Default
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
{
    /// Zero, the value of zero padding.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// Largest relative error of one correctly rounded operation: 2⁻²⁴ for `f32`, 2⁻⁵³ for `f64`.
    const UNIT_ROUNDOFF: f64;
    /// Rust's name of the type, which is also the macro's `dtype`: `"f32"` or `"f64"`.
    const NAME: &'static str;

    /// The same number as an `f64`; exact.
    fn to_f64(self) -> f64;

    /// The nearest number of this type, ties to even.
    fn from_f64(value: f64) -> Self;
}

/// What this crate alone may ask of an element.
pub(crate) mod sealed {
    #[cfg(feature = "alloc")]
    use super::{Exact, Filtering, Kernels, Problem, Resident, Scratch, Work, backward, tile};
    use super::{Level, gather, interleave, pad};

    /// Keeps [`Element`](super::Element) to the types of this crate, and its internals private.
    pub trait Sealed: bytemuck::Pod {
        /// Smallest positive number: below it, rounding errors are absolute and not relative.
        const SMALLEST: f64;

        /// Whether the product of two elements always fits an `f64` without rounding.
        const EXACT_PRODUCTS: bool;

        /// One number of the uniform distribution over `[low, high)`, from as many 32-bit draws
        /// and with the roundings that torch uses on a CPU.
        fn uniform(low: f64, high: f64, draw: impl FnMut() -> u32) -> Self;

        /// The part of the scratch that holds elements of this type.
        #[cfg(feature = "alloc")]
        fn buffer(scratch: &mut Scratch) -> &mut Resident<Self>;

        /// Makes a padded copy: [`pad::copy`], compiled once for each type.
        fn pad(level: Level, job: pad::Job<'_>, image: &[Self], planes: &mut [Self]);

        /// Gathers pixels: [`gather::copy`].
        fn gather(level: Level, job: gather::Job<'_>, image: &[Self], copy: &mut [Self]);

        /// Makes a padded copy with channels last: [`interleave::copy`].
        fn interleave(level: Level, job: interleave::Job, image: &[Self], copy: &mut [Self]);

        /// The part of the scratch for gradients of this type.
        #[cfg(feature = "alloc")]
        fn work(scratch: &mut Scratch) -> &mut Work<Self>;

        /// Transposes a tile: [`tile::scatter`], compiled once for each type.
        #[cfg(feature = "alloc")]
        fn scatter(level: Level, tile: tile::Tile<'_, Self>, output: &mut [Self], plane: usize);

        /// Transforms kernels: [`Filtering::transform`], compiled once for each type.
        #[cfg(feature = "alloc")]
        fn transform(
            level: Level,
            filtering: &Filtering,
            kernels: Kernels<'_, Self>,
            to: &mut [Self],
            plane: usize,
        );

        /// Puts residues together: [`backward::fold`], compiled once for each type.
        #[cfg(feature = "alloc")]
        fn fold(level: Level, job: backward::FoldJob<'_>, planes: &[Self], image: &mut [Self]);

        /// The sum of a slice.
        #[cfg(feature = "alloc")]
        fn total(level: Level, values: &[Self]) -> Self;

        /// The definition, plane by plane, summed as a layer would: [`Problem::run`], compiled once for each type.
        #[cfg(feature = "alloc")]
        fn sums(problem: &Problem<'_, Self>, store: &mut dyn FnMut(usize, &[Self]));

        /// The same, summed more exactly.
        #[cfg(feature = "alloc")]
        fn exact_sums(problem: &Problem<'_, Self>, store: &mut dyn FnMut(usize, &[Exact]));
    }
}

/// `draw % 2^bits / 2^bits`, exactly; `bits` is at most 53.
#[expect(clippy::cast_precision_loss, reason = "at most 53 bits are left, which an f64 holds")]
pub(crate) fn unit_interval(draw: u64, bits: u32) -> f64 {
    let one = 1_u64 << bits;
    (draw % one) as f64 / one as f64
}

/// Two 32-bit draws as one of 64 bits, the first draw on top.
pub(crate) fn wide_draw(mut draw: impl FnMut() -> u32) -> u64 {
    let high = u64::from(draw());
    high << 32 | u64::from(draw())
}

/// The methods that choose an instruction set. As defaults in the trait they would be generic, and compiled again in
/// every crate with a layer; written out for each type they are compiled here, once.
macro_rules! compiled_here {
    () => {
        fn pad(level: Level, job: pad::Job<'_>, image: &[Self], planes: &mut [Self]) {
            dispatch!(level, simd => pad::copy(simd, job, image, planes));
        }

        fn gather(level: Level, job: gather::Job<'_>, image: &[Self], copy: &mut [Self]) {
            dispatch!(level, simd => gather::copy(simd, job, image, copy));
        }

        fn interleave(level: Level, job: interleave::Job, image: &[Self], copy: &mut [Self]) {
            dispatch!(level, simd => interleave::copy(simd, job, image, copy));
        }

        #[cfg(feature = "alloc")]
        fn scatter(level: Level, tile: tile::Tile<'_, Self>, output: &mut [Self], plane: usize) {
            dispatch!(level, simd => tile::scatter(simd, tile, output, plane, 0));
        }

        #[cfg(feature = "alloc")]
        fn transform(
            level: Level,
            filtering: &Filtering,
            kernels: Kernels<'_, Self>,
            to: &mut [Self],
            plane: usize,
        ) {
            dispatch!(level, simd => filtering.transform(simd, kernels, to, plane));
        }

        #[cfg(feature = "alloc")]
        fn fold(level: Level, job: backward::FoldJob<'_>, planes: &[Self], image: &mut [Self]) {
            dispatch!(level, simd => backward::fold(simd, job, planes, image));
        }

        #[cfg(feature = "alloc")]
        fn total(level: Level, values: &[Self]) -> Self {
            dispatch!(level, simd => backward::sum(simd, values))
        }

        #[cfg(feature = "alloc")]
        fn sums(problem: &Problem<'_, Self>, store: &mut dyn FnMut(usize, &[Self])) {
            problem.run(store);
        }

        #[cfg(feature = "alloc")]
        fn exact_sums(problem: &Problem<'_, Self>, store: &mut dyn FnMut(usize, &[Exact])) {
            problem.run(store);
        }
    };
}

impl Element for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const UNIT_ROUNDOFF: f64 = f32::EPSILON as f64 / 2.0;
    const NAME: &'static str = "f32";

    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[expect(clippy::cast_possible_truncation, reason = "rounding is what this function is for")]
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl sealed::Sealed for f32 {
    #[cfg(feature = "alloc")]
    fn buffer(scratch: &mut Scratch) -> &mut Resident<Self> {
        &mut scratch.f32
    }

    #[cfg(feature = "alloc")]
    fn work(scratch: &mut Scratch) -> &mut Work<Self> {
        &mut scratch.work_f32
    }

    compiled_here!();

    const SMALLEST: f64 = f32::from_bits(1) as f64;
    const EXACT_PRODUCTS: bool = true;

    fn uniform(low: f64, high: f64, mut draw: impl FnMut() -> u32) -> Self {
        let (low, high) = (Self::from_f64(low), Self::from_f64(high));
        let unit = Self::from_f64(unit_interval(u64::from(draw()), 24));
        libm::fmaf(unit, high - low, low)
    }
}

impl Element for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const UNIT_ROUNDOFF: f64 = f64::EPSILON / 2.0;
    const NAME: &'static str = "f64";

    fn to_f64(self) -> f64 {
        self
    }

    fn from_f64(value: f64) -> Self {
        value
    }
}

impl sealed::Sealed for f64 {
    #[cfg(feature = "alloc")]
    fn buffer(scratch: &mut Scratch) -> &mut Resident<Self> {
        &mut scratch.f64
    }

    #[cfg(feature = "alloc")]
    fn work(scratch: &mut Scratch) -> &mut Work<Self> {
        &mut scratch.work_f64
    }

    compiled_here!();

    const SMALLEST: f64 = f64::from_bits(1);
    const EXACT_PRODUCTS: bool = false;

    fn uniform(low: f64, high: f64, draw: impl FnMut() -> u32) -> Self {
        libm::fma(unit_interval(wide_draw(draw), 53), high - low, low)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::sealed::Sealed;
    use super::*;

    #[test]
    fn roundoff_is_half_a_step_at_one() {
        fn check<T: Element>() {
            let step = T::from_f64(2.0 * T::UNIT_ROUNDOFF);
            let half = T::from_f64(T::UNIT_ROUNDOFF);
            assert!(T::ONE + step > T::ONE);
            assert!(T::ONE + half == T::ONE);
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn smallest_is_smallest() {
        fn check<T: Element>() {
            assert!(T::from_f64(T::SMALLEST) > T::ZERO);
            assert!(T::from_f64(T::SMALLEST / 2.0) == T::ZERO);
        }
        check::<f32>();
        check::<f64>();
    }

    #[test]
    fn uniform_covers_the_interval_and_excludes_its_end() {
        assert!(f32::uniform(-2.0, 2.0, || 0) == -2.0);
        assert!(f64::uniform(-2.0, 2.0, || 0) == -2.0);
        assert!(f32::uniform(-2.0, 2.0, || u32::MAX) < 2.0);
        assert!(f64::uniform(-2.0, 2.0, || u32::MAX) < 2.0);
        assert!(f32::uniform(0.0, 1.0, || 1 << 24) == 0.0); // torch takes the low 24 bits
    }

    #[test]
    fn the_first_of_two_draws_is_on_top() {
        let mut draws = [0x1234_5678, 0x9abc_def0].into_iter();
        assert_eq!(wide_draw(|| draws.next().unwrap()), 0x1234_5678_9abc_def0);
    }
}
