//! [`Plan`]: how one layer is computed in vectors of one width.
//!
//! The only place with heuristics. Every algorithm proposes all its tiles ([`candidates`]), the cost model
//! ([`cost`]) counts cycles for each, tails included, and the cheapest within the code budget is the plan.

mod candidates;
mod cost;
mod geometry;
mod machine;
mod print;
mod sums;

pub(crate) use candidates::candidates;
pub(crate) use cost::Cost;
pub(crate) use geometry::{Bands, Geometry};
pub(crate) use machine::Machine;
pub(crate) use sums::{SumsPlan, SumsTile, one_row, plan_sums, sums_candidates};

use crate::spec::{Hw, Spec};

/// The most multiply-accumulates in the text of one kernel. Beyond, the compiler takes more than its share
/// of time: it is superlinear in the length of straight code.
pub(crate) const BUDGET: usize = 500;

/// The image that layers are planned for when their image is not known.
const NOMINAL: Hw = Hw { h: 56, w: 56 };

/// The register tile, and with it the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// Lanes over output channels: `vectors` of them for each of `pixels` neighbours in a row.
    Channels { pixels: usize, vectors: usize },
    /// Lanes over output columns: `vectors` of them for each of `channels`, tap by tap.
    Columns { channels: usize, vectors: usize },
    /// Lanes over output columns, taps unrolled: each row that is loaded serves all the output rows,
    /// out of `rows`, that it is part of.
    Rows { channels: usize, rows: usize, vectors: usize },
    /// Lanes over the whole output of a small image, everything unrolled.
    Whole,
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
    /// How output rows are cut into bands, when there is a copy.
    pub(crate) bands: Bands,
    /// Output channels of one kernel call.
    pub(crate) block: usize,
    /// Packed width of the last, narrower block; 0 if there is none.
    pub(crate) tail: usize,
    /// The sizes, if the layer's image is known.
    pub(crate) sizes: Option<Geometry>,
    /// What one image is estimated to cost.
    pub(crate) cost: Cost,
    /// How many tiles were compared.
    pub(crate) compared: usize,
}

/// The cheapest plan.
pub(crate) fn plan(spec: &Spec, machine: Machine) -> Plan {
    let all = candidates(spec, machine);
    let compared = all.len();
    let cheapest = all.into_iter().min_by(|a, b| a.cost.cycles().total_cmp(&b.cost.cycles()));
    let plan = cheapest.unwrap_or_else(|| unreachable!("a tile of one vector suits every layer"));
    Plan { compared, ..plan }
}

impl Plan {
    /// Output channels that exist in the full block (`tail == false`) or in the last.
    pub(crate) fn channels(&self, spec: &Spec, tail: bool) -> usize {
        if tail { spec.out_per_group() % self.block } else { self.block.min(spec.out_per_group()) }
    }

    /// Channels in the packed weights of a block, filling lanes included.
    pub(crate) fn width(&self, tail: bool) -> usize {
        if tail { self.tail } else { self.block }
    }

    /// Whether the unrolled taps' weights fit the registers, beside all else: a weight is alive from the
    /// first output row that uses it to the last.
    pub(crate) fn keeps_weights(&self, spec: &Spec) -> bool {
        let Tile::Rows { channels, rows, vectors } = self.tile else { return true };
        let alive = channels * (rows.min(spec.kernel.h) * spec.kernel.w + rows * vectors);
        alive + 2 < self.machine.registers * 5 / 8
    }

    /// Whether a group has a full block at all.
    pub(crate) fn has_full_block(&self, spec: &Spec) -> bool {
        spec.out_per_group() >= self.block
    }
}

/// The image to plan for.
fn nominal(spec: &Spec) -> Hw {
    let extent = spec.effective_kernel();
    spec.input.unwrap_or(Hw { h: NOMINAL.h.max(extent.h), w: NOMINAL.w.max(extent.w) })
}
