//! What minimal filtering costs: transforms before and after, and products of many tiles at once.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::{Cost, LANE, Layer, SECOND_LEVEL, SQUARE, STREAM, TILE, step};
use crate::plan::{Geometry, pixel_steps, products, turns};
use crate::spec::Hw;

/// The bytes that the third-level cache is taken to hold, and bytes a cycle of weights from memory. (3x3, 512 channels @7,
/// on a Zen 4: F(2x4, 3x3), with 25 MB, 965 us, F(4, 3), with 38, 1010, F(2, 3), with 17, 1230.)
const CACHE: f64 = 28e6;
const MEMORY: f64 = 7.5;
/// The same with vectors of 512 bits. A core that starts two multiply-accumulates of them a cycle waits for weights long
/// before the third level is full. (On a Granite Rapids: 512 channels @7, F(2x4, 3x3) 2010 us, F(2, 3) 1490; 518 to 338
/// @9, F(4, 3), with 25 MB, 2120, F(2x4, 3x3) 1540, F(2, 3), with 11, 1230. It gains 10 to 15 % by F(4x2, 3x3) even where
/// F(4, 3) has 2 to 9 MB: 128 channels @28, 256 @14; but a Zen 4, which has half the arithmetic, would lose as much.)
const CACHE_512: f64 = 14e6;
const MEMORY_512: f64 = 6.0;
/// Bytes a cycle of a product's weights from the second-level cache, the first time in a band. (AVX-512, a Granite Rapids,
/// 3x3, 64 channels @56: tiles of 4 by 4 vectors 655 us, of 14 by 2 550, though a step of either is as fast.)
const NEAR_WEIGHTS: f64 = 16.0;
/// The most bytes of such weights that the first-level cache keeps for the next tiles. (3x3, 160 channels @28, tiles of 10 by 2
/// vectors, with 20 KB, 751 us, of 7 by 3, with 31, 808.)
const HELD: f64 = 27e3;
/// Bytes a cycle of what does not fit the second-level cache. (At 8, tiles of 2x4 outputs seemed cheaper than 4x4, and
/// direct sums than 5x5 taps. Medians on a Zen 4, in us, then and now: 3x3, 256 channels @56, 12600 and 9600; 89 to 43
/// @107x109, 3700 and 2990, with AVX2 4300 and 3500; 32 @224 4740 and 4120, at 16 still 4780; 5x5, 32 @64, 1800 and 920.)
const OVERFLOW: f64 = 32.0;
/// Bytes a cycle of weights that are more than what is at hand, with vectors of 512 bits and a stride: they are awaited, all of
/// them. (On a Granite Rapids, 3x3 of stride 2, directly and so: 107 to 124 channels @51x59, 1.3 MB, 943 and 980 us; 128 @56,
/// 1.6 MB, 1120 and 1068; 512 @14, 26 MB, 2259 and 2897; 256 to 512 @14 928 and 1235; but 64 to 128 @56 759 and 660.)
const AWAITED: f64 = 8.0;
const AT_HAND: f64 = 1.7e6;
/// One product of one vector, transformed; with a stride, for which half of the products are pixels.
const TRANSFORM: f64 = 3.5;
const TRANSFORM_STRIDED: f64 = 2.1;
/// One kernel, transformed.
const KERNEL: f64 = 60.0;

impl Layer<'_> {
    /// Tiles of minimal filtering, and the products and vectors of each.
    fn filtering(&self, outputs: Hw) -> (f64, f64, f64) {
        let tiles = self.tiles_of_rows(self.out.h, outputs);
        let Hw { h, w } = products(self.spec, outputs);
        (tiles, (h * w) as f64, (outputs.h * outputs.w) as f64)
    }

    /// Tiles of minimal filtering of so many output rows.
    fn tiles_of_rows(&self, rows: usize, outputs: Hw) -> f64 {
        let along = |out: usize, m: usize, d: usize| out.div_ceil(d).div_ceil(m) as f64 * d as f64;
        let dilation = self.spec.dilation;
        along(rows, outputs.h, dilation.h) * along(self.out.w, outputs.w, dilation.w)
    }

    /// How often a block's products of so many tiles at a time are computed, band by band, and of how many tiles in most
    /// bands. (Counted for all bands together, 3x3 of dilation 2, 128 channels @28, took 13 of 32 tiles at a time for 8:
    /// 890 us for 750 on a Zen 4; 294 to 293 channels @17x15 5 of 8 for 4: 1510 for 1240.)
    fn passes(&self, geometry: Geometry, outputs: Hw, pixels: usize) -> (f64, usize) {
        let (rows, band) = (geometry.out.h, geometry.band);
        let at_once = |rows: usize| {
            let tiles = self.tiles_of_rows(rows, outputs);
            let step = pixel_steps(pixels).into_iter().find(|step| *step as f64 <= tiles).unwrap_or(1);
            ((tiles / step as f64).ceil(), step)
        };
        let (passes, step) = at_once(band);
        let rest = rows % band;
        let last = if rest > 0 { at_once(rest).0 } else { 0.0 };
        ((rows / band) as f64 * passes + last, step)
    }

    /// One block of output channels: its products, their transform, and the squares to be transposed.
    pub(super) fn winograd(&self, geometry: Geometry, outputs: Hw, pixels: usize, vectors: usize) -> Cost {
        let lanes = self.plan.machine.lanes as f64;
        let (tiles, products, each) = self.filtering(outputs);
        let (passes, pixels) = self.passes(geometry, outputs, pixels);
        let multiply = passes * products;
        let accumulators = pixels * vectors;
        let depth = self.spec.in_per_group() as f64;
        let each_step = step(accumulators, (pixels + vectors) as f64, turns(self.spec, accumulators));
        let one = depth * each_step + accumulators as f64 * 1.5 + TILE;
        // A product's weights come from the second-level cache once a band, and once a pass if the first can't hold them.
        let weights = vectors as f64 * lanes * self.plan.machine.bytes as f64;
        let is_held = depth * weights <= HELD;
        let from_afar = if is_held { passes.min(geometry.bands() as f64) } else { passes };
        let is_wide = self.plan.machine.bits == 512;
        let wait = if is_wide { (weights / NEAR_WEIGHTS - each_step).max(0.0) } else { 0.0 };
        let waits = from_afar * products * depth * wait;
        // The weights of all products come from beyond the second-level cache, if they are many, once a band.
        let bytes = products * depth * vectors as f64 * lanes * self.plan.machine.bytes as f64;
        let all = bytes / vectors as f64 / lanes * self.spec.out_per_group() as f64;
        let (cache, memory) = if is_wide { (CACHE_512, MEMORY_512) } else { (CACHE, MEMORY) };
        let stream = geometry.bands() as f64 * bytes / if all > cache { memory } else { STREAM };
        let awaited = if is_wide && self.is_strided() && all > AT_HAND { bytes / AWAITED } else { 0.0 };
        let waits = waits + geometry.bands() as f64 * awaited;
        let squares = tiles * each * vectors as f64 / lanes;
        let transform = tiles * vectors as f64 * products * self.transform();
        let write = transform + squares * (SQUARE + LANE * lanes) + self.overflow(geometry, outputs, vectors);
        Cost { compute: (multiply * one + waits).max(stream), copy: 0.0, write }
    }

    /// What it costs that the transformed tiles of a band and their products do not fit the second-level
    /// cache together: both come and go once a block.
    fn overflow(&self, geometry: Geometry, outputs: Hw, vectors: usize) -> f64 {
        let machine = self.plan.machine;
        let (tiles, products, _) = self.filtering(outputs);
        let bands = geometry.bands() as f64;
        let [read, made] = [self.plan.depth(self.spec), vectors * machine.lanes]
            .map(|channels| tiles * products * (channels * machine.bytes) as f64);
        if (read + made) / bands > SECOND_LEVEL { (read + 2.0 * made) / OVERFLOW } else { 0.0 }
    }

    /// What minimal filtering does once for all blocks: the copy with channels last, and its transform.
    pub(super) fn prepare(&self, geometry: Geometry, outputs: Hw) -> f64 {
        let (tiles, products, _) = self.filtering(outputs);
        let vectors = self.spec.in_per_group().div_ceil(self.plan.machine.lanes) as f64;
        self.interleaved(geometry.pitch) + tiles * vectors * products * self.transform()
    }

    fn is_strided(&self) -> bool {
        self.spec.stride != Hw { h: 1, w: 1 }
    }

    /// One product of one vector, transformed.
    fn transform(&self) -> f64 {
        if self.is_strided() { TRANSFORM_STRIDED } else { TRANSFORM }
    }

    /// The transform of the weights, where they are not transformed once and for all.
    pub(super) fn weights(&self) -> f64 {
        let kernels = self.spec.in_per_group() as f64 * self.spec.out_per_group() as f64;
        if self.spec.adjoint.is_some() { kernels * KERNEL } else { 0.0 }
    }
}
