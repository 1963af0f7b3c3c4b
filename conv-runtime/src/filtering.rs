//! Minimal filtering (Winograd's) as the runtime sees it: how much larger everything gets, and the transform
//! of the weights.

use crate::Conv2dConfig;
#[cfg(feature = "alloc")]
use crate::Element;

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

#[cfg(feature = "alloc")]
impl Filtering {
    /// `G g GT` of every kernel, computed in `f64` and rounded once: product `k` of kernel `l` goes to
    /// `to[k * plane + l]`.
    #[inline(always)]
    pub(crate) fn transform<E: Element>(&self, kernels: Kernels<'_, E>, to: &mut [E], plane: usize) {
        let ([kh, kw], [rows, columns]) = (kernels.size, self.products);
        for first in (0..kernels.count).step_by(LANES) {
            let count = LANES.min(kernels.count - first);
            let taps = kernels.taps(first, count);
            let mut half = [Row::default(); MOST];
            for (row, factors) in half.chunks_exact_mut(kw).zip(self.filter[0].chunks_exact(kh)) {
                for (j, sum) in row.iter_mut().enumerate() {
                    *sum = combine(factors, taps[j..].iter().step_by(kw));
                }
            }
            for (p, row) in half.chunks_exact(kw).take(rows).enumerate() {
                for (q, factors) in self.filter[1].chunks_exact(kw).enumerate() {
                    let sum = combine(factors, row.iter());
                    let to = &mut to[(p * columns + q) * plane + first..][..count];
                    to.iter_mut().zip(sum).for_each(|(to, sum)| *to = E::from_f64(sum));
                }
            }
        }
    }
}

/// As many as the taps of a kernel, or products along one axis times taps along the other: 5 x 6.
#[cfg(feature = "alloc")]
const MOST: usize = 30;

#[cfg(feature = "alloc")]
impl<E: Element> Kernels<'_, E> {
    /// Tap by tap, those of some kernels.
    #[inline(always)]
    fn taps(&self, first: usize, count: usize) -> [Row; MOST] {
        let mut rows = [Row::default(); MOST];
        let taps = self.size[0] * self.size[1];
        let kernels = self.values[first * self.apart..].chunks(self.apart).take(count);
        for (lane, kernel) in kernels.enumerate() {
            for (tap, value) in kernel[..taps].iter().enumerate() {
                rows[if self.turned { taps - 1 - tap } else { tap }][lane] = value.to_f64();
            }
        }
        rows
    }
}

/// The sum of rows, each times a constant.
#[cfg(feature = "alloc")]
#[inline(always)]
fn combine<'a>(factors: &[f64], rows: impl Iterator<Item = &'a Row>) -> Row {
    let mut sum = Row::default();
    for (factor, row) in factors.iter().zip(rows) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += factor * value;
        }
    }
    sum
}
