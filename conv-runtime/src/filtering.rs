//! Minimal filtering (Winograd's) as the runtime sees it: how much larger everything gets, and the transform
//! of the weights.

use crate::Conv2dConfig;
#[cfg(feature = "alloc")]
use crate::Element;
#[cfg(feature = "alloc")]
use fearless_simd::{Simd, SimdBase, SimdFloat, f64x8};

/// The tiles of a kernel that filters minimally: each reads `products` pixels and makes `outputs`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filtering {
    /// Output rows and columns of a tile.
    pub outputs: [usize; 2],
    /// Products along rows and along columns.
    pub products: [usize; 2],
    /// The transforms of the weights along rows and columns: `products` rows of `kernel` constants.
    pub filter: [&'static [f64]; 2],
}

impl Filtering {
    /// Products of one tile.
    pub(crate) fn all_products(&self) -> usize {
        self.products[0] * self.products[1]
    }

    /// Tiles that cover so many output rows (`axis` 0) or columns (1): those of each remainder modulo the
    /// dilation by themselves. `None` if they cannot be counted.
    pub(crate) fn tiles(&self, axis: usize, out: usize, config: &Conv2dConfig) -> Option<usize> {
        let dilation = config.dilation[axis];
        out.div_ceil(dilation).div_ceil(self.outputs[axis]).checked_mul(dilation)
    }

    /// Rows or columns that these tiles read.
    pub(crate) fn reads(&self, axis: usize, out: usize, config: &Conv2dConfig) -> Option<usize> {
        let inputs = self.tiles(axis, out, config)?.checked_mul(self.outputs[axis])?;
        inputs.checked_add((config.kernel_size[axis] - 1).checked_mul(config.dilation[axis])?)
    }
}

/// Kernels to be transformed side by side.
#[cfg(feature = "alloc")]
#[derive(Clone, Copy)]
pub struct Kernels<'a, E> {
    /// The taps of the first, and of all others.
    pub(crate) values: &'a [E],
    /// From one kernel to the next.
    pub(crate) apart: usize,
    /// How many.
    pub(crate) count: usize,
    /// Rows and columns.
    pub(crate) size: [usize; 2],
    /// Whether the last tap stands for the first.
    pub(crate) turned: bool,
}

/// Kernels that are transformed at a time.
#[cfg(feature = "alloc")]
const LANES: usize = 16;

/// One number of each of them.
#[cfg(feature = "alloc")]
type Row = [f64; LANES];

/// As many as the taps of a kernel, or products along one axis times taps along the other: 5 x 6.
#[cfg(feature = "alloc")]
const MOST: usize = 30;

#[cfg(feature = "alloc")]
impl Filtering {
    /// `G g GT` of every kernel, computed in `f64` and rounded once: product `k` of kernel `l` goes to
    /// `to[k * plane + l]`.
    #[inline(always)]
    pub(crate) fn transform<S: Simd, E: Element>(
        &self,
        simd: S,
        kernels: Kernels<'_, E>,
        to: &mut [E],
        plane: usize,
    ) {
        let ([kh, kw], [rows, columns]) = (kernels.size, self.products);
        let (mut taps, mut half) = ([Row::default(); MOST], [Row::default(); MOST]);
        for first in (0..kernels.count).step_by(LANES) {
            let count = LANES.min(kernels.count - first);
            kernels.taps(first, count, &mut taps);
            for (row, factors) in half.chunks_exact_mut(kw).zip(self.filter[0].chunks_exact(kh)) {
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum = combine(simd, factors, &taps[j..], kw);
                }
            }
            for (p, row) in half.chunks_exact(kw).take(rows).enumerate() {
                for (q, factors) in self.filter[1].chunks_exact(kw).enumerate() {
                    let sum = combine(simd, factors, row, 1);
                    let to = &mut to[(p * columns + q) * plane + first..];
                    store(&sum, &mut to[..count]);
                }
            }
        }
    }
}

#[cfg(feature = "alloc")]
impl<E: Element> Kernels<'_, E> {
    /// Some kernels, tap by tap.
    #[inline(always)]
    fn taps(&self, first: usize, count: usize, rows: &mut [Row; MOST]) {
        let taps = self.size[0] * self.size[1];
        let kernels = self.values[first * self.apart..].chunks(self.apart).take(count);
        for (lane, kernel) in kernels.enumerate() {
            for (tap, value) in kernel[..taps].iter().enumerate() {
                rows[if self.turned { taps - 1 - tap } else { tap }][lane] = value.to_f64();
            }
        }
    }
}

/// The sum of rows, `step` apart, each times a constant.
#[cfg(feature = "alloc")]
#[inline(always)]
fn combine<S: Simd>(simd: S, factors: &[f64], rows: &[Row], step: usize) -> Row {
    let mut row = Row::default();
    for (at, sum) in row.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let times = |factor: f64, row: &Row, sum: f64x8<S>| {
            f64x8::from_slice(simd, &row[8 * at..][..8]).mul_add(f64x8::splat(simd, factor), sum)
        };
        let zero = f64x8::splat(simd, 0.0);
        let total = match *factors {
            // The usual kernel, in straight code.
            [a, b, c] => times(c, &rows[2 * step], times(b, &rows[step], times(a, &rows[0], zero))),
            _ => {
                factors.iter().zip(rows.iter().step_by(step)).fold(zero, |sum, (f, row)| times(*f, row, sum))
            }
        };
        total.store_slice(sum);
    }
    row
}

/// Rounds as many numbers as there is place for.
#[cfg(feature = "alloc")]
#[inline(always)]
fn store<E: Element>(row: &Row, to: &mut [E]) {
    match to.first_chunk_mut::<LANES>() {
        Some(all) => all.iter_mut().zip(row).for_each(|(to, value)| *to = E::from_f64(*value)),
        None => to.iter_mut().zip(row).for_each(|(to, value)| *to = E::from_f64(*value)),
    }
}
