//! [`ProductPlan`]: the input's gradient of layers of which every place meets one tap, straight from the weights as
//! `forward` has them.
//!
//! It is a matrix product: weights by the output's gradient, summed over output channels. The weights are packed with
//! these side by side, so a layer of its own (`backward.rs`) needs them turned, which takes as long as the product itself
//! where pixels are few. Here lanes are pixels, and weights are read one at a time, in the order in which they lie.
//! (Granite Rapids, in us, turned and straight, with AVX-512 and with AVX2: 1x1, 512 to 2048 channels @7, 1540 and 770, 1810
//! and 1300; 320 to 1280 @7, 470 and 270, 615 and 424; 1024 to 256 @14, 820 and 710, 1180 and 1165; 2048 to 1000 @1, 700
//! and 330, 900 and 374; 2x2 stride 2, 384 to 768 @14, 1190 and 950, 2000 and 1500; 16x16 stride 16, 3 to 768 @224, 2900 and
//! 2150, 4080 and 2970.)

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::sums::{ACROSS, FLUSH, step};
use super::{Machine, Plan, Tile, nominal};
use crate::spec::{Hw, Spec};

/// Cycles to turn a weight, and for what turned weights cost the cache.
const TURN: f64 = 4.0;
/// Output channels of a call, or as many more as fill a block: after each, a tile's sums come and go.
const OUTS: usize = 64;
/// The most multiply-accumulates of a turn of several output channels.
const MOST: usize = 48;

/// How the product is computed in vectors of one width.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProductPlan {
    pub(crate) machine: Machine,
    /// Output channels that lie side by side in the packed weights, and those of a narrower block at the group's end.
    pub(crate) block: usize,
    pub(crate) tail: usize,
    /// The register tile: rows of weights, each an input channel at a tap, by vectors of pixels.
    pub(crate) rows: usize,
    pub(crate) vectors: usize,
}

/// The cheapest tile, if that is less than what the layer of its own takes, with its weights turned.
pub(crate) fn plan_product(adjoint: &Spec, forward: &Plan, turned: &Plan) -> Option<ProductPlan> {
    let one_tap = adjoint.kernel == Hw { h: 1, w: 1 };
    let by_channels = matches!(forward.tile, Tile::Channels { .. }) && forward.panel.is_none();
    if !one_tap || !by_channels {
        return None;
    }
    let costs = tiles(adjoint, forward).into_iter().map(|plan| (cycles(adjoint, &plan), plan));
    let (cycles, plan) = costs.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let weights = adjoint.in_channels as f64 * adjoint.out_per_group() as f64;
    (cycles < turned.cost.cycles() + TURN * weights).then_some(plan)
}

/// Every tile that fits the registers: accumulators, vectors of pixels, one for a splat weight, and one to spare.
pub(crate) fn tiles(adjoint: &Spec, forward: &Plan) -> Vec<ProductPlan> {
    let Plan { machine, block, tail, .. } = *forward;
    let of = |vectors| {
        let most = machine.accumulators_each(vectors).min(adjoint.out_per_group());
        (1..=most).map(move |rows| ProductPlan { machine, block, tail, rows, vectors })
    };
    (1..=4).flat_map(of).collect()
}

impl ProductPlan {
    /// Output channels of a turn of the innermost loop over so many multiply-accumulates. They share the check of a window.
    pub(crate) fn turn(fmas: usize) -> usize {
        [4, 2].into_iter().find(|turn| turn * fmas <= MOST).unwrap_or(1)
    }

    /// Blocks of a call.
    pub(crate) fn blocks(&self) -> usize {
        OUTS.div_ceil(self.block)
    }

    /// Output channels of a group, filling lanes included.
    pub(crate) fn packed(&self, channels: usize) -> usize {
        channels / self.block * self.block + self.tail
    }
}

/// Cycles of an image.
fn cycles(adjoint: &Spec, plan: &ProductPlan) -> f64 {
    let ProductPlan { rows, vectors, machine, .. } = *plan;
    let Hw { h, w } = nominal(adjoint);
    let pixels = h.saturating_mul(w);
    let (outs, all) = (adjoint.in_per_group() as f64, adjoint.out_per_group());
    let calls = (outs / (plan.blocks() * plan.block) as f64).ceil();
    let tile = |rows: usize, vectors: usize| {
        let fmas = rows * vectors;
        let loads = vectors as f64 * machine.unaligned_load() + rows as f64;
        let turn = ProductPlan::turn(fmas) as f64;
        let windows = if adjoint.input.is_some() { 2.0 / turn } else { 1.0 + 1.0 / turn };
        outs * step(fmas, loads, windows) + calls * FLUSH * fmas as f64
    };
    let dots = |rows: usize, pixels: usize| {
        let fmas = rows * pixels;
        let one = step(fmas, (rows + pixels) as f64, 1.0 + pixels as f64);
        outs / machine.lanes as f64 * one + calls * ACROSS * fmas as f64
    };
    let [whole, rest] = [pixels / machine.lanes, pixels % machine.lanes];
    let row = |rows: usize| {
        let count = |count: usize| (count / vectors) as f64;
        let last = |count: usize, of: &dyn Fn(usize, usize) -> f64| match count % vectors {
            0 => 0.0,
            last => of(rows, last),
        };
        count(whole) * tile(rows, vectors)
            + last(whole, &tile)
            + count(rest) * dots(rows, vectors)
            + last(rest, &dots)
    };
    ((all / rows) as f64 * row(rows) + (all % rows) as f64 * row(1)) * adjoint.groups as f64
}
