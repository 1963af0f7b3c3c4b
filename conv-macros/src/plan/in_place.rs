//! Where kernels read the image in place (`lower/in_place.rs`), and what that costs.
//!
//! Written by hand, `f32` with AVX-512, in us, beside unrolled taps over a padded copy:
//!
//! | depthwise 3x3 | copy | in place, rows of a tile: 1 | 2 | 4 | 7 | 14 |
//! |---|---|---|---|---|---|---|
//! | stride 2, 96 channels @112 (53 to read the image) | 167 | 75 | 86 | 88 | 130 | |
//! | 32 channels @112 | 71 | | 62 | 50 | 45 | |
//! | 576 channels @14 | 46 | | 27 | | 20 | 33 |
//!
//! Generated, 5x5 with 240 channels @28: one row 84, two 96, four 74, seven 67 to 78; 67 over a copy, with the columns
//! of taps as a loop. With stride 2, 96 channels @56: 47, 42, 44, 40; 62 over a copy. With AVX2, 3x3: two rows, whose
//! weights are kept, 70, four 100, eight 116; 80 over a copy.
//!
//! Padding modes other than zeros take a splat for each column beside the image, and a shift for each but the first.
//! 3x3, zeros, reflect, and reflect over a copy: 128 channels @56 49, 50, 110. Rows of a vector at most are shuffled instead.
//!
//! With stride 2, to carry the odd columns along and shift them is no faster than to load what is one column
//! before: 86 for 86 with two rows, 136 for 88 with four. Nor do shuffles within blocks of four lanes, which AVX2
//! gains by, make AVX-512 faster: 118 us and 124 on a Zen 4, 96 channels @112.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::machine::Family;
use super::{BUDGET, Machine};
use crate::spec::{Factor, Hw, Padding, PaddingMode, Spec};

/// The most multiply-accumulates in the text of a kernel for images of any size. Of these, more rows than fit here are
/// no faster, and take the compiler twice as long: 1.7 s for 0.8 with 3x3 taps. With vectors of 512 bits seven rows are
/// worth it, where images are as high, or twice as high. (Granite Rapids, 3x3, 576 channels @14: 56 us with 4 rows, 44 with 7;
/// 68 @41x47 30 and 26.)
const FREE_BUDGET: usize = BUDGET * 2 / 5;
const FREE_BUDGET_512: usize = BUDGET * 3 / 5;

/// Rows that a tile reads at once: each has an address, of which the processor keeps some sixteen.
const MOST_ROWS: usize = 10;

/// How much longer a tile takes whose weights are not kept: the compiler keeps some, and then spills. With AVX-512 it
/// reads those of one channel from memory, as it multiplies, unless they are more than there are registers.
const SPILLED: f64 = 1.5;
const FROM_MEMORY: f64 = 1.2;

/// Registers for weights and accumulators that the loop over a row's tiles has with AVX-512: beside 25 weights it keeps those of
/// two rows, of three and four it stores on the stack. (5x5, 3 channels @1080x1920, on a Granite Rapids, in us: over a copy
/// 4400, in place with one row a tile 4450, two 3450, three 4750, four 5200.)
const HELD_512: usize = 27;

/// How the columns of a layer lie in the rows of the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InPlace {
    /// Pixels from one output to the next: 1, or 2.
    pub(crate) stride: usize,
    /// Columns of padding before the image.
    pub(crate) left: usize,
    /// Columns of padding after it that taps can reach.
    pub(crate) right: usize,
    /// Pixels from the first tap of a row to the last.
    span: usize,
    lanes: usize,
}

/// Where the pixels of a tap are. The columns of a group are of `stride` sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The first pixel of its group, counted from that which the tile's first output is at: a multiple of the stride.
    pub(crate) group: isize,
    /// The sort.
    pub(crate) phase: usize,
}

impl InPlace {
    /// `None` if the layer's kernels cannot read the image in place.
    pub(crate) fn of(spec: &Spec, lanes: usize) -> Option<Self> {
        let Padding { left, right, .. } = spec.padding;
        let (stride, span) = (spec.stride.w, spec.effective_kernel().w - 1);
        // Vectors are shifted by less than their lanes.
        let near = span < lanes && left.max(right) <= span && right + stride <= lanes;
        let one = spec.in_per_group() == 1 && stride <= 2;
        let this = Self { stride, left, right, span, lanes };
        (near && one && this.covers(spec)).then_some(this)
    }

    /// Whether each output that a call can ask for is as wide as a vector at most, or as wide as tiles need.
    fn covers(&self, spec: &Spec) -> bool {
        match spec.input.map(|image| spec.output(image)) {
            Some(Some(Hw { w, .. })) => {
                // The tile before the last reads as far as the image goes.
                let ends = w.saturating_sub(1) % self.lanes + 1 >= self.after();
                w <= self.lanes || w >= self.least_width() && ends
            }
            Some(None) => false,
            None => self.least_width() <= self.lanes + 1,
        }
    }

    /// Whether images whose output is narrower than [`InPlace::least_width`] are copied: where a row ends in a vector
    /// is known only while the kernel runs, and what stands there are other pixels.
    pub(crate) fn copies_narrow(&self, spec: &Spec) -> bool {
        spec.input.is_none() && spec.padding_mode != PaddingMode::Zeros && self.left.max(self.right) > 0
    }

    /// The columns of a padded copy.
    pub(crate) fn of_copy(self) -> Self {
        Self { left: 0, right: 0, ..self }
    }

    /// Below this output width the first tile could read past the row's end, or the last before its start.
    pub(crate) fn least_width(&self) -> usize {
        self.lanes + self.left.div_ceil(self.stride).max(self.after()).max(1)
    }

    /// So many of a row's last outputs are for its last tile alone: the groups of others do not reach past its end.
    fn after(&self) -> usize {
        (self.right + self.stride - 1).div_ceil(self.stride)
    }

    /// The column of a tap, `at` pixels after the first.
    #[expect(clippy::cast_possible_wrap, reason = "smaller than a vector")]
    pub(crate) fn column(&self, at: usize) -> Column {
        let column = at as isize - self.left as isize;
        let phase = column.rem_euclid(self.stride as isize);
        Column { group: column - phase, phase: phase.unsigned_abs() }
    }

    /// Pixels that a group of the last tile, which starts at this column, reads past the row's end, where the
    /// output leaves `over` columns unread: the others of its vectors are the last of the row.
    #[expect(clippy::cast_possible_wrap, reason = "smaller than a vector")]
    pub(crate) fn excess(&self, group: isize, over: usize) -> isize {
        let last = self.span as isize - self.left as isize;
        self.stride as isize - 1 - over as isize + self.right as isize - last + group
    }

    /// The group of a row's first tap.
    pub(crate) fn first_group(&self) -> isize {
        self.column(0).group
    }

    /// The group of its last tap.
    pub(crate) fn last_group(&self) -> isize {
        self.column(self.span).group
    }

    /// Pixels from the first that a tile reads to the last.
    pub(crate) fn reach(&self) -> usize {
        self.last_group().abs_diff(self.first_group()) + self.stride * self.lanes
    }

    /// How many of a row's last pixels are all that its last tile reads.
    pub(crate) fn end(&self, over: usize) -> usize {
        let vectors = self.stride * self.lanes;
        vectors.saturating_add_signed(-self.excess(self.first_group(), over))
    }

    /// Groups of vectors that a row is loaded in.
    fn groups(&self, spec: &Spec) -> usize {
        let mut groups: Vec<_> = (0..spec.kernel.w).map(|j| self.column(j * spec.dilation.w).group).collect();
        groups.dedup();
        groups.len()
    }

    /// Tiles in the text of a row: there is one for each place in it, and one for narrow images.
    fn tiles(&self, spec: &Spec) -> usize {
        match spec.input.and_then(|image| spec.output(image)) {
            Some(Hw { w, .. }) => w.div_ceil(self.lanes).min(3),
            None => 3 + self.stride,
        }
    }

    /// Whether tiles of so many channels and rows keep to the code budget, and to addresses that the processor keeps.
    pub(super) fn is_short(&self, spec: &Spec, machine: Machine, [channels, rows]: [usize; 2]) -> bool {
        let text = self.tiles(spec) * channels * if rows > 1 { rows + 1 } else { 1 };
        let most = match (spec.input, machine.bits) {
            (Some(_), _) => BUDGET,
            (None, 512) => FREE_BUDGET_512,
            (None, _) => FREE_BUDGET,
        };
        text.saturating_mul(spec.taps()) <= most && (rows == 1 || rows_read(spec, rows) <= MOST_ROWS)
    }

    /// Whether tiles of so many channels and rows are short, and, unless it is one row, keep to the registers.
    pub(super) fn fits(&self, spec: &Spec, machine: Machine, tile @ [channels, rows]: [usize; 2]) -> bool {
        // AVX-512 multiplies by a weight in memory.
        let held = machine.bits == 512 || keeps_weights(spec, machine, tile);
        (channels * rows == 1 || held) && self.is_short(spec, machine, tile)
    }

    /// Cycles of all tiles of a row of so many columns, each of so many channels and rows.
    pub(super) fn row(
        &self,
        spec: &Spec,
        machine: Machine,
        tile: [usize; 2],
        products: usize,
        columns: usize,
    ) -> f64 {
        let tiles = columns.div_ceil(machine.lanes);
        let ends = tiles.min(2);
        let [end, between] = [keeps_weights, loop_keeps_weights].map(|keeps| {
            let keeps = keeps(spec, machine, tile);
            self.cycles(spec, machine, tile, products, keeps)
        });
        ends as f64 * end + (tiles - ends) as f64 * between
    }

    /// Cycles of one tile, whose weights are kept in registers, or not.
    fn cycles(
        &self,
        spec: &Spec,
        machine: Machine,
        [channels, rows]: [usize; 2],
        products: usize,
        keeps: bool,
    ) -> f64 {
        let busy = self.busy(spec, machine, rows, products);
        let crowds = machine.registers <= 16 && self.stride > 1;
        let crowd = if crowds { 1.0 + spec.taps() as f64 / CROWD } else { 1.0 };
        if keeps {
            return crowd * busy;
        }
        let few = machine.bits == 512 && channels == 1 && products <= machine.registers;
        let longer = if few { FROM_MEMORY } else { SPILLED };
        crowd * longer * (self.loads(spec, machine, rows) / 2.0 + (rows * products) as f64 / 2.0).max(busy)
    }

    /// Cycles of so many products for each of some rows, and of their pixels.
    pub(super) fn busy(&self, spec: &Spec, machine: Machine, rows: usize, products: usize) -> f64 {
        let (read, fmas) = (rows_read(spec, rows) as f64, (rows * products) as f64);
        let shuffles = if self.stride > 1 { read * spec.kernel.w as f64 } else { 0.0 };
        (self.loads(spec, machine, rows) / 2.0).max(fmas / 2.0).max((fmas + shuffles) / 2.5)
    }

    /// What it takes to load the pixels of a tile.
    fn loads(&self, spec: &Spec, machine: Machine, rows: usize) -> f64 {
        (rows_read(spec, rows) * self.groups(spec) * self.stride) as f64 * machine.unaligned_load()
    }
}

/// With how many taps a tile of stride 2 takes twice as long as its instructions should, where what it takes apart and its
/// weights crowd 16 registers. (AVX2, Zen 3, measured and estimated without: 3x3, 192 channels @28 106 and 86 thousand
/// cycles; 5x5, 672 @14 604 and 342, where unrolled layers take 360; 7x7, 96 @56 1804 and 1157.)
const CROWD: f64 = 50.0;

/// Cycles of a row of tiles, of so many rows, beside those of the tiles.
pub(super) fn beside(spec: &Spec, rows: usize) -> f64 {
    2.0 * rows_read(spec, rows) as f64
}

/// Rows of the image that so many output rows read.
fn rows_read(spec: &Spec, rows: usize) -> usize {
    let span = ((rows - 1) * spec.stride.h).saturating_add(spec.effective_kernel().h);
    span.min(rows * spec.kernel.h)
}

/// Whether all weights stay in registers, beside the accumulators.
fn keeps_weights(spec: &Spec, machine: Machine, tile: [usize; 2]) -> bool {
    // NEON needs a register for each vector of pixels, too, and shifts more of them than x86 does.
    let most = if machine.family == Family::Neon { machine.kept() - 3 } else { machine.kept() + 1 };
    held(spec, tile) <= most
}

/// The same in the loop over the tiles of a row that are not at its ends.
fn loop_keeps_weights(spec: &Spec, machine: Machine, tile: [usize; 2]) -> bool {
    keeps_weights(spec, machine, tile) || machine.bits == 512 && held(spec, tile) <= HELD_512
}

/// Registers for weights and accumulators.
fn held(spec: &Spec, [channels, rows]: [usize; 2]) -> usize {
    spec.taps_with((channels, false), channels, |factor| factor == Factor::Other) + channels * rows
}
