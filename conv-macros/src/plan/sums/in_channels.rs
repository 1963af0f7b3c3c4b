//! Weight's gradients with lanes over input channels, of layers of one tap: which tiles, and what they cost.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::{FLUSH, SumsTile, pixels_a_turn, step};
use crate::plan::Machine;
use crate::spec::Spec;

/// Output channels of a call: their sums stay in the second level of the cache.
const OUTS: usize = 48;
/// Cycles for each element of the image's copy.
const COPY: f64 = 0.5;

/// Accumulators, vectors of pixels, one for a splat gradient, and one to spare.
pub(super) fn tiles(spec: &Spec, machine: Machine) -> Vec<SumsTile> {
    if !spec.is_dense_tap() {
        return Vec::new();
    }
    let widest = spec.in_per_group().div_ceil(machine.lanes).min(4);
    let each = |vectors| {
        let most = spec.out_per_group().min(machine.accumulators_each(vectors));
        (1..=most).map(move |outs| SumsTile::InChannels { outs, vectors })
    };
    (1..=widest).flat_map(each).collect()
}

/// Output channels of a call, whole tiles of so many.
pub(crate) fn outs_a_call(outs: usize) -> usize {
    (OUTS / outs).max(1) * outs
}

/// Cycles of one group of an image of so many pixels.
pub(super) fn cycles(spec: &Spec, machine: Machine, pixels: f64, [outs, vectors]: [usize; 2]) -> f64 {
    let tile = |outs: usize, vectors: usize| {
        let windows = 2.0 / pixels_a_turn(spec, outs * vectors, 1) as f64;
        let step = step(outs * vectors, (outs + vectors) as f64, windows);
        pixels * step + FLUSH * (outs * vectors) as f64
    };
    // Output channels that do not fill a tile come one by one.
    let [whole, rest] = [spec.out_per_group() / outs, spec.out_per_group() % outs].map(|n| n as f64);
    let column = |vectors| whole * tile(outs, vectors) + rest * tile(1, vectors);
    let all = spec.in_per_group().div_ceil(machine.lanes);
    let last = all % vectors;
    let last = if last > 0 { column(last) } else { 0.0 };
    (all / vectors) as f64 * column(vectors) + last + spec.in_per_group() as f64 * pixels * COPY
}
