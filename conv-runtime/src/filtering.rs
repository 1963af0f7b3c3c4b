//! Minimal filtering (Winograd's) as the runtime sees it: how much larger everything gets, and the transform
//! of the weights.

#[cfg(feature = "alloc")]
use core::array;

use crate::Conv2dConfig;
#[cfg(feature = "alloc")]
use crate::Element;
#[cfg(feature = "alloc")]
use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFloatElement};

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
        let outputs = self.tiles(axis, out, config)?.checked_mul(self.outputs[axis])?;
        let strides = outputs.checked_sub(1)?.checked_mul(config.stride[axis])?;
        strides.checked_add(config.effective_kernel()[axis])
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

/// Kernels that are transformed at a time: their products of one kind fill a line of the cache, which is written at once.
/// The next of a kind are as far apart as planes, often a power of two, and the cache has forgotten the first when they
/// come.
#[cfg(feature = "alloc")]
const LANES: usize = 16;

/// One number of each of them.
#[cfg(feature = "alloc")]
type Row = [f64; LANES];

/// The most taps, 5 x 5, of a kernel.
#[cfg(feature = "alloc")]
pub(crate) const MOST_TAPS: usize = 25;

/// The most products in a row: those of four outputs of 3 taps with stride 2.
#[cfg(feature = "alloc")]
const MOST_IN_ROW: usize = 9;

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
        let mut taps = [Row::default(); MOST_TAPS];
        for first in (0..kernels.count).step_by(LANES) {
            let count = LANES.min(kernels.count - first);
            kernels.taps(first, count, &mut taps);
            let put = |k: usize, product: &Row| store(product, &mut to[k * plane + first..][..count]);
            match kernels.size[1] {
                1 => self.products::<1, S>(simd, &taps, put),
                3 => self.products::<3, S>(simd, &taps, put),
                _ => self.products::<5, S>(simd, &taps, put),
            }
        }
    }

    /// All products of some kernels of `KW` columns, as many kernels at a time as a vector has lanes.
    #[inline(always)]
    fn products<const KW: usize, S: Simd>(&self, simd: S, taps: &[Row], mut put: impl FnMut(usize, &Row)) {
        type Vector<S> = <f64 as SimdFloatElement>::Native<S>;
        let ([rows, columns], lanes) = (self.products, Vector::<S>::LEN);
        let height = self.filter[0].len() / rows;
        let mut row = [Row::default(); MOST_IN_ROW];
        for (i, factors) in self.filter[0].chunks_exact(height).enumerate() {
            for first in (0..LANES).step_by(lanes) {
                let load = |row: &Row| Vector::<S>::from_slice(simd, &row[first..first + lanes]);
                let mut half = [Vector::<S>::splat(simd, 0.0); KW];
                for (factor, taps) in factors.iter().zip(taps.as_chunks::<KW>().0) {
                    let factor = Vector::<S>::splat(simd, *factor);
                    for j in 0..KW {
                        half[j] = load(&taps[j]).mul_add(factor, half[j]);
                    }
                }
                for (factors, product) in self.filter[1].as_chunks::<KW>().0.iter().zip(&mut row) {
                    let mut sum = half[0] * Vector::<S>::splat(simd, factors[0]);
                    for j in 1..KW {
                        sum = half[j].mul_add(Vector::<S>::splat(simd, factors[j]), sum);
                    }
                    sum.store_slice(&mut product[first..first + lanes]);
                }
            }
            row.iter().take(columns).enumerate().for_each(|(j, product)| put(i * columns + j, product));
        }
    }
}

#[cfg(feature = "alloc")]
impl<E: Element> Kernels<'_, E> {
    /// Some kernels, tap by tap.
    #[inline(always)]
    fn taps(&self, first: usize, count: usize, rows: &mut [Row]) {
        let taps = self.size[0] * self.size[1];
        // Those that are missing are the last again, and nobody stores their products.
        let place = |lane: usize| (first + lane.min(count - 1)) * self.apart;
        let kernels: [_; LANES] = array::from_fn(|lane| &self.values[place(lane)..][..taps]);
        for tap in 0..taps {
            let row = &mut rows[if self.turned { taps - 1 - tap } else { tap }];
            for (to, kernel) in row.iter_mut().zip(&kernels) {
                *to = kernel[tap].to_f64();
            }
        }
    }
}

/// Rounds as many numbers as there is place for.
#[cfg(feature = "alloc")]
#[inline(always)]
fn store<E: Element>(row: &Row, to: &mut [E]) {
    match to.first_chunk_mut::<LANES>() {
        Some(all) => *all = row.map(E::from_f64),
        None => to.iter_mut().zip(row).for_each(|(to, value)| *to = E::from_f64(*value)),
    }
}
