//! What tiles with lanes over output channels cost: each step reads pixels, and a row of the block's weights.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::{Cost, LANE, Layer, SQUARE, TAP, TILE, fitting, step};
use crate::plan::axis::Axis;
use crate::plan::{CACHE_LINE, Geometry, RowPart, evenly, pixel_steps, shared_sizes, turns};

/// Bytes of the first-level cache that are there for pixels, and how much of its time a step takes where it need not
/// wait for pixels from the second: with AVX2, 1x1, 512 to 2048 channels @7, went from 2276 to 1490 us, and 3x3 stride 2,
/// 128 channels @56, from 3587 to 2968. With AVX-512 a tile uses more of a line. (On a Granite Rapids, 3x3 of stride 2, planes
/// and channels last: 128 channels @56 1440 and 1257 us, 107 to 124 @51x59 1273 and 1153, 256 @28 1670 and 1490, but 70 to
/// 90 @31x33 187 and 205.)
const FIRST_LEVEL: f64 = 16e3;
const SPARED: f64 = 0.8;
const SPARED_512: f64 = 0.9;
/// How much longer a step of 512 bits takes where its pixels come from the second level and channels are further apart, in
/// bytes, than a prefetcher follows. (Granite Rapids, 1x1, 512 to 128 channels @28: 14 pixels by 2 vectors 740 us, gathered
/// and 13 channels by 2 vectors of columns 690. In assembly, 784 bytes apart, a step took 17.6 cycles, 3136 apart 21.8.)
const UNFOLLOWED: f64 = 1.1;
const FOLLOWED: usize = 2 << 10;
/// Bytes a cycle of weights from the second-level cache.
const WEIGHTS: f64 = 24.0;
/// The same from the third level, and the bytes of a block's weights and a band's copy that the second holds together.
const FAR_WEIGHTS: f64 = 22.0;
const BESIDE: f64 = 512e3;

impl Layer<'_> {
    /// Tiles of so many pixels or fewer by vectors of channels, of which a step takes at least so long.
    pub(super) fn channels(&self, pixels: usize, vectors: usize, least: f64) -> Cost {
        if let Some(parts) = self.plan.parts(self.spec) {
            return self.parts(&parts, pixels, vectors);
        }
        let steps = pixel_steps(pixels);
        let shared =
            shared_sizes(&steps).filter(|[_, small, _]| self.spec.input.is_none() && self.out.w >= *small);
        let Some([large, small, third]) = shared else {
            let pixels = fitting(&steps, self.out.w);
            return self.pixels(pixels, self.out.w.div_ceil(pixels), vectors, least);
        };
        let (whole, rest) = (self.out.w / large, self.out.w % large);
        let whole = if rest > small { whole + whole.min(1) } else { whole };
        let rest = self.out.w.saturating_sub(whole * large);
        let last = if rest <= third { third } else { small };
        self.pixels(large, whole, vectors, least).plus(self.pixels(last, rest.div_ceil(last), vectors, least))
    }

    /// What a step takes at least, for its weights: those of a block pass by once a tile, from the third-level cache if the
    /// second does not hold them beside a band of the copy. (AVX2, Zen 3, 3x3 stride 2, 256 channels @28, tiles of 2
    /// pixels by 4 vectors: 3685 us, of 5 by 2 2855; 512 channels @7, stride 1: 3794 and 2934 with 4 by 2. Not measured
    /// with more registers.)
    pub(super) fn weights_of_a_step(&self, geometry: Geometry, vectors: usize) -> f64 {
        let machine = self.plan.machine;
        let step = (vectors * machine.lanes * machine.bytes) as f64;
        let block = step * self.spec.terms() as f64;
        let copy = geometry.plane as f64 * machine.bytes as f64;
        let is_short = machine.registers <= 16 && self.plan.reads_channels_last() && block + copy > BESIDE;
        if is_short { step / FAR_WEIGHTS } else { 0.0 }
    }

    /// So many tiles of so many pixels in each row.
    fn pixels(&self, pixels: usize, across: usize, vectors: usize, least: f64) -> Cost {
        let tiles = self.out.h as f64 * across as f64;
        let accumulators = pixels * vectors;
        let most = match self.spec.input {
            Some(_) if self.plan.flatten => self.out.w / pixels,
            Some(_) if pixels == self.out.w => self.out.h,
            _ => 1,
        };
        let together = self.plan.together(pixels, Some(most));
        let transpose = self.transposed(together * pixels, vectors) / together as f64;
        let one = step(accumulators, (pixels + vectors) as f64, turns(self.spec, accumulators));
        let one = self.longer(pixels, one).max(least);
        self.tiles(tiles, pixels, one, accumulators as f64 + transpose)
    }

    /// What a step of so many pixels takes with what it waits for them.
    fn longer(&self, pixels: usize, one: f64) -> f64 {
        let is_wide = self.plan.machine.bits == 512;
        match self.reads_from_afar(pixels) {
            true if self.plan.reads_channels_last() => one * if is_wide { SPARED_512 } else { SPARED },
            true if self.is_unfollowed() => one * UNFOLLOWED,
            _ => one,
        }
    }

    /// Whether a tile's pixels, in planes, take more lines of the cache than its first level keeps for the next tile.
    fn reads_from_afar(&self, pixels: usize) -> bool {
        let (spec, machine) = (self.spec, self.plan.machine);
        let stretch = (CACHE_LINE + (pixels - 1) * spec.stride.w * machine.bytes) as f64;
        stretch * (spec.in_per_group() * spec.kernel.h) as f64 > FIRST_LEVEL
    }

    /// Whether a line's channels are too far apart to be prefetched.
    fn is_unfollowed(&self) -> bool {
        let machine = self.plan.machine;
        machine.bits == 512 && self.plan.is_line() && self.out.w * machine.bytes > FOLLOWED
    }

    /// Transposing the squares that so many pixels by vectors of channels are.
    pub(super) fn transposed(&self, pixels: usize, vectors: usize) -> f64 {
        let lanes = self.plan.machine.lanes;
        (vectors * pixels.div_ceil(lanes)) as f64 * (SQUARE + LANE * lanes as f64)
    }

    /// Rows in parts whose tiles meet the same taps.
    fn parts(&self, parts: &[RowPart], pixels: usize, vectors: usize) -> Cost {
        let lanes = self.plan.machine.lanes;
        let [rows, across] = Axis::of(self.spec, self.image);
        let met = rows.met(self.out.h, 1) * self.out.h as f64;
        let mut cost = Cost::default();
        for part in parts {
            let each = evenly(part.columns.len(), pixels);
            let tiles = part.columns.len().div_ceil(each) as f64 / part.rows as f64;
            let pixels = each * part.rows;
            let accumulators = pixels * vectors;
            let one = step(accumulators, (pixels + vectors) as f64, turns(self.spec, accumulators));
            let one = self.longer(pixels, one);
            let weights = (vectors * lanes * self.plan.machine.bytes) as f64 / WEIGHTS;
            let taps = across.meeting(part.columns.start) * met;
            cost.compute += tiles * taps * (self.spec.in_per_group() as f64 * one.max(weights) + TAP);
            let transposed = part.rows as f64 * self.transposed(each, vectors);
            let write = accumulators as f64 + transposed + TILE;
            cost.write += tiles * self.out.h as f64 * write;
        }
        cost
    }
}
