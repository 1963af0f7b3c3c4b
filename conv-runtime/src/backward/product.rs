//! The input's gradient as a product of the layer's weights, as `forward` has them, and the output's gradient.
//!
//! ```text
//! for some blocks of output channels at a time:
//!     the kernel adds their weights, row by row, times their channels of the gradient to all pixels
//! ```
//!
//! A row of a block's weights is an input channel at a tap; so is a row of the sums, in the same order.

use fearless_simd::Simd;

use super::copies::Matrix;
use super::{Differentiable, Product, ProductJob};
use crate::by_width::by_width;
use crate::kernel::{Geometry, ParametersRef, Scheme};
use crate::memory::Resident;
use crate::pack::{blocks, packed_channels, terms};
use crate::{Conv2dConfig, Element, Isa, run};

/// What all groups and images share.
pub(super) struct Pass<'a, K: Differentiable> {
    isa: Isa,
    scheme: &'a Scheme,
    weights: &'a [K::Elem],
    /// Pixels of a channel.
    pixels: usize,
    by: Product,
    /// Room for the pixels that fill no vector.
    last: &'a mut [K::Elem],
}

impl<'a, K: Differentiable> Pass<'a, K> {
    const CONFIG: &'static Conv2dConfig = &K::CONFIG;

    /// `None` if there is no memory for the pixels that fill no vector.
    pub(super) fn new(
        layer: &'a K,
        by: Product,
        pixels: usize,
        memory: &'a mut Resident<K::Elem>,
    ) -> Option<Self> {
        let ParametersRef { isa, weights, .. } = layer.parameters();
        let (scheme, lanes) = (run::scheme::<K>(isa), isa.bits() / 8 / size_of::<K::Elem>());
        let pitch = packed_channels(scheme, Self::CONFIG.out_per_group());
        let last = memory.take((pixels % lanes).checked_mul(pitch)?)?;
        // Lanes beyond the last channel meet weights of zero, and must be numbers.
        last.fill(K::Elem::ZERO);
        Some(Self { isa, scheme, weights, pixels, by, last })
    }

    /// One group of an image.
    pub(super) fn run(&mut self, group: usize, grad: &[K::Elem], to: &mut [K::Elem]) {
        let (outs, pixels) = (Self::CONFIG.out_per_group(), self.pixels);
        let pitch = packed_channels(self.scheme, outs);
        let columns = self.last.len() / pitch;
        if columns > 0 {
            let values = &grad[pixels - columns..];
            Matrix { values, rows: outs, columns, stride: pixels }.transpose(self.isa, self.last, pitch);
        }
        let each = pitch * terms(Self::CONFIG, self.scheme);
        let weights = &self.weights[group * each..][..each];
        let this = &*self;
        on_threads(to, pixels, this.by.rows, outs, |first, to| this.rows(first, weights, grad, to));
    }

    /// Some rows, from the first of these on.
    fn rows(&self, first: usize, weights: &[K::Elem], grad: &[K::Elem], to: &mut [K::Elem]) {
        to.fill(K::Elem::ZERO);
        let (outs, channels) = (to.len() / self.pixels, Self::CONFIG.out_per_group());
        let (terms, whole) = (terms(Self::CONFIG, self.scheme), channels / self.scheme.block);
        for (at, block) in blocks(self.scheme, channels).enumerate() {
            if !block.tail && !at.is_multiple_of(self.by.blocks) {
                continue;
            }
            let groups = if block.tail { 1 } else { self.by.blocks.min(whole - at) };
            let geometry = Geometry { outs, groups, out_w: self.pixels, ..Geometry::default() };
            let job = ProductJob {
                tail: block.tail,
                geometry,
                weights: &weights[block.first * terms + first * block.width..],
                gradient: &grad[block.first * self.pixels..],
                last: self.last.get(block.first..).unwrap_or_default(),
                output: &mut *to,
            };
            by_width!(
                self.isa.level(),
                simd => K::product_128(simd, job), K::product_256(simd, job), K::product_512(simd, job)
            );
        }
    }
}

/// All rows of so many pixels, each a sum of so many products: whole tiles of them for each thread, if there are several.
#[cfg(feature = "rayon")]
fn on_threads<E: Element>(
    to: &mut [E],
    pixels: usize,
    tile: usize,
    terms: usize,
    rows: impl Fn(usize, &mut [E]) + Sync,
) {
    use rayon::prelude::*;

    let tiles = (to.len() / pixels).div_ceil(tile);
    let each = crate::threads::share(tiles, to.len().saturating_mul(terms)) * tile;
    let parts = to.par_chunks_mut(each * pixels).enumerate();
    parts.for_each(|(part, to)| rows(part * each, to));
}

/// All rows on the only thread.
#[cfg(not(feature = "rayon"))]
fn on_threads<E: Element>(
    to: &mut [E],
    _pixels: usize,
    _tile: usize,
    _terms: usize,
    rows: impl Fn(usize, &mut [E]),
) {
    rows(0, to);
}
