//! Weight's gradients that are summed from image and gradient as they are, of layers of one tap: which tiles, how much is
//! passed over at a time, and what it costs.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::{ACROSS, SumsTile, pixels_a_turn, step};
use crate::plan::{Machine, nominal};
use crate::spec::{Hw, Spec};

/// Bytes of the input channels that are passed over again and again where nothing is copied, and pixels of each that
/// are enough for what a tile takes beside them.
const BLOCK: usize = 192 << 10;
const LINE: usize = 1024;
/// The end of a line that does not fill a vector, for each channel.
const END: f64 = 15.0;
/// Cycles for each element that comes from the third level of the cache, and bytes that the second holds.
const FAR: f64 = 0.2;
const NEAR: usize = 448 << 10;

/// Accumulators, the vectors of one side, and one of the other. Small tiles read their vectors too often.
pub(super) fn tiles(spec: &Spec, machine: Machine) -> Vec<SumsTile> {
    if !spec.is_dense_tap() {
        return Vec::new();
    }
    let sides = |channels: usize| 1..=channels.min(6);
    let pairs = sides(spec.out_per_group())
        .flat_map(|outs| sides(spec.in_per_group()).map(move |depth| [outs, depth]));
    let fits = |[outs, depth]: &[usize; 2]| outs * depth + outs.min(depth) < machine.registers;
    pairs.filter(fits).map(|[outs, depth]| SumsTile::Planes { outs, depth }).collect()
}

/// How much of image and gradient is passed over at a time where they are read as they are.
pub(crate) struct PlanesBlock {
    /// Pixels of each channel.
    pub(crate) pixels: usize,
    /// Tiles of input channels.
    pub(crate) tiles: usize,
    /// How many blocks there are.
    count: usize,
}

impl PlanesBlock {
    pub(crate) fn new(spec: &Spec, machine: Machine, depth: usize) -> Self {
        let tiles = (spec.in_per_group() / depth).max(1);
        let most = (BLOCK / machine.bytes / LINE / depth).max(1);
        let pixels = BLOCK / machine.bytes / (tiles.min(most) * depth);
        let (pixels, Hw { h, w }) = (pixels.clamp(LINE, 4 * LINE), nominal(spec));
        let all = h.saturating_mul(w);
        let pixels = all.div_ceil(all.div_ceil(pixels)).next_multiple_of(4 * machine.lanes);
        let count = tiles.div_ceil(most);
        Self { pixels, tiles: tiles.div_ceil(count), count }
    }
}

/// Cycles of one group of an image, whose output has this size.
pub(super) fn cycles(spec: &Spec, machine: Machine, out: Hw, [outs, depth]: [usize; 2]) -> f64 {
    let tiles = spec.out_per_group().div_ceil(outs) as f64 * spec.in_per_group().div_ceil(depth) as f64;
    let loads = (outs + depth) as f64 * machine.unaligned_load();
    let turn = pixels_a_turn(spec, outs * depth, 1);
    let step = step(outs * depth, loads, 1.0 / turn as f64);
    let block = PlanesBlock::new(spec, machine, depth);
    let line = out.h.saturating_mul(out.w);
    let across = line.div_ceil(block.pixels) as f64 * ACROSS * (outs * depth) as f64;
    let end = if line.is_multiple_of(machine.lanes) { 0.0 } else { END * (outs + depth) as f64 };
    tiles * (line as f64 / machine.lanes as f64 * step + across + end)
        + FAR * far(spec, machine, line, &block)
}

/// Elements that come from far: each once, and the gradients again for each block of input channels, unless a band of them
/// is near.
fn far(spec: &Spec, machine: Machine, line: usize, block: &PlanesBlock) -> f64 {
    let (outs, depth) = (spec.out_per_group() as f64, spec.in_per_group() as f64);
    let is_near = outs * (block.pixels * machine.bytes) as f64 <= NEAR as f64;
    (depth + if is_near { outs } else { outs * block.count as f64 }) * line as f64
}
