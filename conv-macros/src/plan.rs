//! [`Plan`]: how one layer is computed in vectors of one width.
//!
//! The only place with heuristics. Every algorithm proposes all its tiles ([`candidates`]), the cost model
//! ([`cost`]) counts cycles for each, tails included, and the cheapest within the code budget is the plan.

mod axis;
mod candidates;
mod cost;
mod geometry;
mod in_place;
mod line;
mod machine;
mod print;
mod product;
mod slide;
mod sums;
mod winograd;

pub(crate) use axis::{RowPart, evenly};
pub(crate) use candidates::candidates;
pub(crate) use cost::Cost;
pub(crate) use geometry::{Bands, Geometry};
pub(crate) use in_place::InPlace;
pub(crate) use machine::Machine;
#[cfg(test)]
pub(crate) use product::tiles as product_tiles;
pub(crate) use product::{ProductPlan, plan_product};
pub(crate) use slide::Slide;
#[cfg(test)]
pub(crate) use sums::sums_candidates;
pub(crate) use sums::{
    PlanesBlock, SumsPlan, SumsTile, one_row, outs_a_call, pixels_a_turn, plan_sums, rows_read,
};
use winograd::products;
pub(crate) use winograd::{Matrix, Transform};

use std::ops::Range;

use crate::spec::{Factor, Hw, Spec};

/// The most multiply-accumulates in the text of one kernel. Beyond, the compiler takes more than its share
/// of time: it is superlinear in the length of straight code.
pub(crate) const BUDGET: usize = 500;

/// Bytes of tiles that are transposed together: some of the first-level cache, which pixels and weights need, too. The
/// most tiles, and a number that all counts of them divide.
const TOGETHER: usize = 4 << 10;
const MOST_TOGETHER: usize = 8;
const ONE_SQUARE: usize = 840;

/// Bytes of a line of the cache, and by how many pixels are apart that would all begin one.
const CACHE_LINE: usize = 64;
const SKEW: usize = 16;

/// The register tile, and with it the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// Lanes over output channels: `vectors` of them for each of `pixels` neighbours in a row. The image is read as it
    /// is, or from a copy that has its channels last.
    Channels { pixels: usize, vectors: usize, last: bool },
    /// Lanes over output columns: `vectors` of them for each of `channels`, tap by tap.
    Columns { channels: usize, vectors: usize },
    /// Lanes over output columns, taps unrolled: each row that is loaded serves all the output rows,
    /// out of `rows`, that it is part of.
    Rows { channels: usize, rows: usize, vectors: usize },
    /// As `Rows`, a vector wide, where the image is read as it is.
    InPlace { channels: usize, rows: usize },
    /// Lanes over output columns, `rows` at once: columns of constant kernels, whose sums serve several taps.
    Slide { rows: usize },
    /// Lanes over the whole output of a small image, everything unrolled.
    Whole,
    /// Minimal filtering with `outputs` a tile of the image; its products in tiles like `Channels`.
    Winograd { outputs: Hw, pixels: usize, vectors: usize },
}

/// How one layer is computed in vectors of one width.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) machine: Machine,
    pub(crate) tile: Tile,
    /// Height and width are one axis.
    pub(crate) flatten: bool,
    /// The kernel reads a padded copy of the image.
    pub(crate) copy: bool,
    /// Columns of the copy are sorted by their remainder modulo this.
    pub(crate) phases: usize,
    /// Below this output width the kernel needs a copy, for it reads past the last column.
    pub(crate) min_width: usize,
    /// How output rows are cut into bands, when there is a copy or the kernel pads.
    pub(crate) bands: Bands,
    /// Of a band that is columns of one row: these are gathered if a power of two greater than this divides the bytes
    /// from one channel to the next; or always.
    pub(crate) even: Option<usize>,
    /// Output channels of one kernel call.
    pub(crate) block: usize,
    /// Packed width of the last, narrower block; 0 if there is none.
    pub(crate) tail: usize,
    /// Output channels that lie side by side in the packed weights, where that is not a block's width: see
    /// [`candidates`](candidates::candidates).
    pub(crate) panel: Option<usize>,
    /// The sizes, if the layer's image is known.
    pub(crate) sizes: Option<Geometry>,
    /// The image that was planned for.
    pub(crate) image: Hw,
    /// How many times larger than with direct summation a rounding error can be, at worst.
    pub(crate) growth: f64,
    /// What one image is estimated to cost.
    pub(crate) cost: Cost,
    /// How many tiles were compared.
    pub(crate) compared: usize,
}

/// The cheapest plan. If the image is not known, it is the one that costs least over images of several sizes,
/// beside the cheapest for each.
pub(crate) fn plan(spec: &Spec, machine: Machine) -> Plan {
    let all = candidates(spec, machine);
    let compared = all.len();
    let mut strains = vec![0.0; compared];
    for (image, weight) in images(spec) {
        let costs: Vec<_> = all.iter().map(|plan| Cost::of(spec, plan, image).cycles()).collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        strains.iter_mut().zip(costs).for_each(|(strain, cost)| *strain += weight * cost / least);
    }
    let cheapest = all.into_iter().zip(strains).min_by(|(_, a), (_, b)| a.total_cmp(b));
    let (plan, _) = cheapest.unwrap_or_else(|| unreachable!("a tile of one vector suits every layer"));
    Plan { compared, ..plan }
}

/// The plans of one layer, for every machine that its program may run on.
pub(crate) struct Plans {
    /// For vectors of 128, 256 and 512 bits.
    pub(crate) widths: [Plan; 3],
    /// For the values of `target_arch` whose registers make another plan than the first of those.
    pub(crate) others: Vec<(&'static str, Plan)>,
}

impl Plans {
    pub(crate) fn new(spec: &Spec) -> Self {
        let widths = Machine::WIDTHS.map(|bits| plan(spec, Machine::new(bits, spec.dtype)));
        let others = Machine::OTHERS.map(|(arch, machine)| (arch, plan(spec, machine(spec.dtype))));
        let others = others.into_iter().filter(|(_, plan)| !plan.computes_like(&widths[0])).collect();
        Self { widths, others }
    }

    /// All that differ.
    pub(crate) fn all(&self) -> Vec<Plan> {
        self.widths.iter().chain(self.others.iter().map(|(_, plan)| plan)).cloned().collect()
    }
}

impl Plan {
    /// Whether the other makes the same kernels: registers may be many without being of use.
    fn computes_like(&self, other: &Self) -> bool {
        let Self { machine, cost, compared, .. } = *other;
        Self { machine, cost, compared, ..self.clone() } == *other
    }

    /// Output channels that exist in the full block (`tail == false`) or in the last.
    pub(crate) fn channels(&self, spec: &Spec, tail: bool) -> usize {
        if tail { spec.out_per_group() % self.block } else { self.block.min(spec.out_per_group()) }
    }

    /// Channels in the packed weights of a block, filling lanes included.
    pub(crate) fn width(&self, tail: bool) -> usize {
        if tail { self.tail } else { self.block }
    }

    /// The strips of output channels that the packed weights of a group consist of, each with its packed width.
    pub(crate) fn strips(&self, spec: &Spec) -> Vec<(Range<usize>, usize)> {
        let (channels, each) = (spec.out_per_group(), self.panel.unwrap_or(self.block));
        let last = self.panel.unwrap_or(self.tail);
        let strip = |first| match channels - first {
            rest if rest >= each => (first..first + each, each),
            _ => (first..channels, last),
        };
        (0..channels).step_by(each).map(strip).collect()
    }

    /// Taps of a kernel in the packed weights, or the products that they were transformed to.
    pub(crate) fn taps(&self, spec: &Spec) -> usize {
        let Tile::Winograd { outputs, .. } = self.tile else { return spec.taps() };
        let Hw { h, w } = products(spec, outputs);
        h * w
    }

    /// Whether the unrolled taps' weights fit the registers, beside all else: a weight is alive from the
    /// first output row that uses it to the last. Constants that are 0, 1 or -1 take none.
    pub(crate) fn keeps_weights(&self, spec: &Spec) -> bool {
        let Tile::Rows { channels, rows, vectors } = self.tile else { return true };
        let weights = spec.taps_with((self.block, false), channels, |factor| factor == Factor::Other);
        let alive = weights.min(channels * rows.min(spec.kernel.h) * spec.kernel.w);
        alive + channels * rows * vectors + 2 < self.machine.kept()
    }

    /// Whether the columns of taps are a counted loop, with one column's weights in registers. A single row has
    /// no use for a weight that is kept.
    pub(crate) fn loops_over_columns(&self, spec: &Spec) -> bool {
        let Tile::Rows { channels, rows, vectors } = self.tile else { return false };
        let tails = [false, true].into_iter().take(if self.tail > 0 { 2 } else { 1 });
        let special =
            |tail| spec.taps_with((self.block, tail), self.channels(spec, tail), |of| of != Factor::Other);
        let fits = channels * (spec.kernel.h + rows * vectors) + vectors < self.machine.registers;
        let single = channels * rows == 1;
        !single && fits && tails.map(special).sum::<usize>() == 0 && !self.keeps_weights(spec)
    }

    /// Whether one call computes several groups, one after the other, or, of a layer with one group that makes no copy,
    /// several images: a call for each would cost small ones as much again.
    pub(crate) fn loops_over_groups(&self, spec: &Spec) -> bool {
        let small = match self.tile {
            Tile::InPlace { .. } | Tile::Whole => true,
            Tile::Rows { .. } | Tile::Columns { .. } => spec.groups > 1,
            _ => false,
        };
        small && self.block == spec.out_per_group()
    }

    /// Tiles of so many pixels that are transposed together, of those that follow one another in the output: as many,
    /// of at most `most`, as fill the squares best.
    pub(crate) fn together(&self, pixels: usize, most: Option<usize>) -> usize {
        let squares = |tiles: usize| (tiles * pixels).div_ceil(self.machine.lanes);
        let room = TOGETHER / (pixels * self.block * self.machine.bytes);
        let counts = 1..=most.unwrap_or(MOST_TOGETHER).min(MOST_TOGETHER).min(room);
        let best = counts.min_by_key(|tiles| squares(*tiles) * ONE_SQUARE / tiles);
        best.unwrap_or(1)
    }

    /// The transforms of a Winograd plan, along rows and along columns.
    pub(crate) fn transforms(&self, spec: &Spec) -> Option<[Transform; 2]> {
        let Tile::Winograd { outputs, .. } = self.tile else { return None };
        let Spec { kernel, stride, .. } = spec;
        let rows = Transform::new(outputs.h, kernel.h, stride.h)?;
        Some([rows, Transform::new(outputs.w, kernel.w, stride.w)?])
    }

    /// Elements from one pixel to the next in what is read channels last: whole vectors of input channels. If these
    /// fill whole lines of the cache, 16 bytes more: of pixels that all begin a line, the first-level cache reads one
    /// channel at a time. (With AVX2 on a Zen 3, in us, before and after: 3x3, 64 channels @56, 978 and 955; 128 @28,
    /// 905 and 870; 256 @14, 1024 and 971; stride 2, 128 @56, 3124 and 3025.)
    pub(crate) fn depth(&self, spec: &Spec) -> usize {
        let depth = spec.in_per_group().next_multiple_of(self.machine.lanes);
        let conflicts =
            self.machine.registers <= 16 && (depth * self.machine.bytes).is_multiple_of(CACHE_LINE);
        depth + if conflicts { SKEW / self.machine.bytes } else { 0 }
    }

    /// Whether the kernel reads a copy that has its channels last, where each pixel's are a stretch of memory.
    pub(crate) fn reads_channels_last(&self) -> bool {
        matches!(self.tile, Tile::Channels { last: true, .. })
    }

    /// The columns of an output row, or of a line, if every call of the kernel has as many and they are known.
    pub(crate) fn columns_of_row(&self) -> Option<usize> {
        let known = self.sizes?;
        let in_bands = self.flatten && known.band < known.out.w;
        (!in_bands).then_some(known.out.w)
    }

    /// Whether a group has a full block at all.
    pub(crate) fn has_full_block(&self, spec: &Spec) -> bool {
        spec.out_per_group() >= self.block
    }
}

/// Sets of accumulators that take turns, so that one multiply-accumulate need not wait for the one before:
/// as many as keep eight of them under way, if the channels can be shared out among them.
pub(crate) fn turns(spec: &Spec, accumulators: usize) -> usize {
    let depth = spec.in_per_group();
    [4, 2].into_iter().find(|turns| accumulators * turns <= 8 && depth.is_multiple_of(*turns)).unwrap_or(1)
}

/// The pixels of a tile with lanes over channels, and of the smaller ones for what is narrower. (A quarter of 26 between 13
/// and 4, for rows of ten pixels: 5x5, 6 to 16 channels @14 without its size, 7.2 us and 6.5; known, it takes 3.2.)
pub(crate) fn pixel_steps(pixels: usize) -> Vec<usize> {
    let half = if pixels >= 12 { pixels.div_ceil(2) } else { 1 };
    let mut steps = vec![pixels, half, 4, 1];
    steps.retain(|step| *step <= pixels);
    steps.sort_unstable_by(|a, b| b.cmp(a));
    steps.dedup();
    steps
}

/// The sizes of tiles that share a row, if the second is at least half the first, and not the last: then it covers what
/// the first leaves, or the third does. A tile of one pixel takes as long as one of several: there it is the second.
pub(crate) fn shared_sizes(steps: &[usize]) -> Option<[usize; 3]> {
    match *steps {
        [large, small, third, ..] if 2 * small >= large => {
            Some([large, small, if third > 1 { third } else { small }])
        }
        _ => None,
    }
}

/// Of a row of so many columns, the tiles of so many vectors, and the vectors of a narrower one that ends with the row, if
/// that covers what these leave.
pub(crate) fn tiles_of_row(columns: usize, vectors: usize, lanes: usize) -> (usize, usize) {
    let tile = vectors * lanes;
    match (columns % tile).div_ceil(lanes) {
        rest if columns > tile && rest > 0 && rest < vectors => (columns / tile, rest),
        _ => (columns.div_ceil(tile), 0),
    }
}

/// The image that a plan's costs are told for. Where it is not known it is taken to be of the side that such a
/// layer has in most networks: the more channels, the smaller the image.
fn nominal(spec: &Spec) -> Hw {
    spec.input.unwrap_or_else(|| square(spec, nominal_side(spec)))
}

/// The images to plan for, each with its weight: where it is not known, from a quarter to four times the side that
/// is usual.
fn images(spec: &Spec) -> Vec<(Hw, f64)> {
    if let Some(image) = spec.input {
        return vec![(image, 1.0)];
    }
    let side = nominal_side(spec);
    let sides = [(side / 4, 1.0), (side / 2, 1.0), (side, 4.0), (2 * side, 1.0), (4 * side, 1.0)];
    let large = sides.into_iter().filter(|(side, _)| *side >= 7);
    large.map(|(side, weight)| (square(spec, side), weight)).collect()
}

/// A strided layer of few channels is a network's first.
fn nominal_side(spec: &Spec) -> usize {
    let first = spec.in_channels <= 4 && spec.stride.h.max(spec.stride.w) > 1;
    let channels = spec.in_channels.saturating_mul(spec.out_channels).isqrt();
    // Constant kernels of a few channels filter photographs, and so do those that make as many as they read.
    let filters = channels <= 4 && (spec.pattern.is_known() || spec.in_channels == spec.out_channels);
    match channels {
        512.. => 7,
        192.. => 14,
        96.. => 28,
        _ if filters => 512,
        _ if first => 224,
        _ => 56,
    }
}

/// A square image, unless the kernel does not fit it.
fn square(spec: &Spec, side: usize) -> Hw {
    let extent = spec.effective_kernel();
    Hw { h: extent.h.max(side), w: extent.w.max(side) }
}
