//! Minimal filtering (Winograd's) as the runtime sees it: how much larger everything gets, and the transform
//! of the weights.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

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

    #[cfg(feature = "alloc")]
    /// `G g GT` of every kernel, computed in `f64` and rounded once: a kernel of `products` taps.
    pub(crate) fn transform<E: Element>(&self, weight: &[E], config: &Conv2dConfig) -> Vec<E> {
        let [kh, kw] = config.kernel_size;
        let rows = || self.filter[0].chunks_exact(kh);
        let columns = || self.filter[1].chunks_exact(kw);
        let mut transformed = Vec::with_capacity(weight.len() / (kh * kw) * self.all_products());
        for kernel in weight.chunks_exact(kh * kw) {
            for row in rows() {
                for column in columns() {
                    let sum: f64 =
                        (0..kh * kw).map(|tap| row[tap / kw] * column[tap % kw] * kernel[tap].to_f64()).sum();
                    transformed.push(E::from_f64(sum));
                }
            }
        }
        transformed
    }
}
