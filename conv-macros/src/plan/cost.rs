//! The cost model: cycles that one image takes, by what the kernel's loops do.
//!
//! It counts for a core that starts two multiply-accumulates and two loads a cycle, with a latency of four,
//! as all present x86 and larger Arm cores do for at least one of the widths. It need not be exact: it has
//! to order the tiles of one layer. What decides in practice is, in this order, lanes and pixels wasted at
//! the edges, the loads per multiply-accumulate, and what happens once a tile.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

mod channels;
mod filtering;

use super::axis::Axis;
use super::in_place::beside;
use super::{Geometry, InPlace, Plan, Slide, Tile, tiles_of_row};
use crate::lower::tiny;
use crate::spec::{Factor, Hw, Padding, PaddingMode, Spec};

const FMAS: f64 = 2.0;
const LOADS: f64 = 2.0;
const LATENCY: f64 = 4.0;
/// A step of the innermost loop: its counter, its bounds checks.
const STEP: f64 = 1.0;
/// Setting up the loop over channels for one tap.
const TAP: f64 = 3.0;
/// Transposing a square of a tile, and what each of its lanes adds.
const SQUARE: f64 = 20.0;
const LANE: f64 = 8.0;
/// A tile's loops and stores, beside those that are counted.
const TILE: f64 = 10.0;
/// How much longer unrolled taps take than their instructions should: measured, not understood.
const UNROLLED: f64 = 1.25;
/// The same of layers without any loop; and of those that read a copy, whose small pieces are on their way still. With
/// vectors of 512 bits most loads straddle lines of the cache, and it does not matter which copies they read.
/// (Measured on a Zen 5; and with AVX2 on a Zen 3: depthwise 7x7 @7 took 101 us in rows for 75 unrolled, 3x3 stride 2 @6
/// 24 unrolled for 14 in place.)
const TINY: [f64; 2] = [0.85, 2.4];
const TINY_512: [f64; 2] = [1.35, 1.6];
/// A call of the kernel.
const CALL: f64 = 30.0;
/// Bytes a cycle that are read and written by a copy.
const COPY: f64 = 32.0;
/// Bytes a cycle from the third-level cache.
const STREAM: f64 = 20.0;
/// The same from the second, and the bytes of the first that are there for pixels.
const NEAR: f64 = 40.0;
const FIRST_LEVEL: f64 = 32e3;
/// Bytes of the second-level cache that are there for one band.
const SECOND_LEVEL: f64 = 768e3;
/// Loads that a splat weight takes the time of, where there are 16 registers: tiles of many channels by one vector have
/// more of them than multiply-accumulates hide. (AVX2, Zen 3: 5x5, 1 to 64 channels of any image, with tiles of 13
/// channels by a vector took 1101 us @128 and 183 @56; of 6 by two 650 and 142.)
const SPLAT: f64 = 1.3;
/// The same of a vector of 512 bits that may straddle two lines of the cache, in tiles of more vectors than channels. (A
/// Granite Rapids, 3x3 stride 2, 3 to 32 channels @224: 3 channels by 7 vectors 235 us, 6 by 4 197; 7x7, 3 to 64: 1520 and
/// 1280.)
const STRADDLES: f64 = 3.0;
/// A row of a copy, and each column of padding in it that is not zero. (5x5, 240 channels @28, us: over a copy zeros 117,
/// reflected 128, in place 122 and 122.)
const ROW: f64 = 6.0;
const BORDER: f64 = 2.0;

/// Cycles that one image is estimated to take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Multiply-accumulates and their loads.
    pub(crate) compute: f64,
    /// Making the padded copy.
    pub(crate) copy: f64,
    /// Writing the results, and everything else once a tile or a call.
    pub(crate) write: f64,
}

impl Cost {
    pub(crate) fn cycles(self) -> f64 {
        self.compute + self.copy + self.write
    }

    /// The cost of a plan for one image.
    pub(super) fn of(spec: &Spec, plan: &Plan, image: Hw) -> Self {
        let geometry = Geometry::new(spec, plan, image);
        let (of, spec) = (spec, &*plan.seen(spec));
        let layer = Layer { of, spec, plan, image, out: geometry.out };
        let blocks = spec.out_per_group() / plan.block;
        let mut cost = layer.block(geometry, false).times(blocks);
        if plan.tail > 0 {
            cost = cost.plus(layer.block(geometry, true));
        }
        match plan.tile {
            Tile::Winograd { outputs, .. } => cost.copy = layer.prepare(geometry, outputs) + layer.weights(),
            _ if plan.is_line() => cost.copy = layer.gathered(geometry),
            _ if plan.reads_channels_last() => cost.copy = layer.interleaved(geometry.pitch),
            _ if plan.copies(geometry.out.w) => cost.copy = layer.copy(geometry),
            _ => {}
        }
        cost.times(spec.groups)
    }

    fn times(self, factor: usize) -> Self {
        let factor = factor as f64;
        Self { compute: self.compute * factor, copy: self.copy * factor, write: self.write * factor }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            compute: self.compute + other.compute,
            copy: self.copy + other.copy,
            write: self.write + other.write,
        }
    }
}

struct Layer<'a> {
    /// The layer, and how the kernel sees it.
    of: &'a Spec,
    spec: &'a Spec,
    plan: &'a Plan,
    image: Hw,
    out: Hw,
}

impl Layer<'_> {
    /// One block of output channels.
    fn block(&self, geometry: Geometry, tail: bool) -> Cost {
        let width = self.plan.width(tail);
        let cost = match self.plan.tile {
            Tile::Channels { pixels, .. } => {
                let vectors = width / self.plan.machine.lanes;
                self.channels(pixels, vectors, self.weights_of_a_step(geometry, vectors))
            }
            Tile::Columns { vectors, .. } => self.columns(width, vectors),
            Tile::Rows { rows, vectors, .. } => self.rows(tail, rows, vectors),
            Tile::InPlace { rows, .. } => self.in_place(tail, rows),
            Tile::Slide { rows } => self.slide(rows),
            Tile::Whole => self.whole(),
            Tile::Winograd { outputs, pixels, .. } => {
                self.winograd(geometry, outputs, pixels, width / self.plan.machine.lanes)
            }
        };
        let compute = cost.compute.max(self.reads(geometry));
        let groups = if self.plan.loops_over_groups(self.spec) { self.spec.groups } else { 1 };
        Cost { compute, write: cost.write + STEP + CALL / groups as f64, ..cost }
    }

    /// What it takes a block to read the image, where it does not fit the second-level cache. Bands of a line do.
    fn reads(&self, Geometry { band, .. }: Geometry) -> f64 {
        let elements = self.image.h as f64 * self.image.w as f64 * self.spec.in_per_group() as f64;
        let bytes = elements * self.plan.machine.bytes as f64;
        let in_bands = self.plan.copies(self.out.w) || self.plan.is_line() && band < self.out.w;
        if !in_bands && bytes > SECOND_LEVEL { bytes / STREAM } else { 0.0 }
    }

    fn columns(&self, channels: usize, vectors: usize) -> Cost {
        let (vectors, across) = self.across(vectors);
        let Some(columns) = self.plan.columns_of_row() else {
            return self.columns_of(channels, vectors, across);
        };
        let (whole, rest) = tiles_of_row(columns, vectors, self.plan.machine.lanes);
        let all = self.columns_of(channels, vectors, whole as f64);
        if rest > 0 { all.plus(self.columns_of(channels, rest, 1.0)) } else { all }
    }

    /// So many tiles in each row.
    fn columns_of(&self, channels: usize, vectors: usize, across: f64) -> Cost {
        let tiles = self.out.h as f64 * across;
        let accumulators = channels * vectors;
        let machine = self.plan.machine;
        let splat = if machine.registers <= 16 { SPLAT } else { 1.0 };
        let is_wide = machine.bits == 512 && vectors > channels;
        let load = if is_wide { STRADDLES } else { machine.unaligned_load() };
        let loads = vectors as f64 * load + channels as f64 * splat;
        let columns = vectors * machine.lanes;
        let one = step(accumulators, loads, 1).max(self.pixels_of_a_step(columns));
        self.tiles(tiles, columns, one, self.stores(accumulators))
    }

    /// What a step takes at least for so many columns of a channel of one tap, where the first-level cache does not hold
    /// those of all channels from one tile to the next. (AVX-512, Granite Rapids, 1x1, 512 to 128 channels @28: 7 vectors
    /// by 3 channels 740 us, 2 by 13 650.)
    fn pixels_of_a_step(&self, columns: usize) -> f64 {
        let row = (columns * self.plan.machine.bytes) as f64;
        let is_far = self.plan.is_line() && row * self.spec.in_per_group() as f64 > FIRST_LEVEL;
        if is_far { row / NEAR } else { 0.0 }
    }

    /// Tiles of so many columns that run all taps of all channels step by step.
    fn tiles(&self, tiles: f64, columns: usize, step: f64, write: f64) -> Cost {
        let depth = self.spec.in_per_group();
        // Of one channel, there is no loop to set up.
        let taps = self.taps(columns) * (depth as f64 * step + if depth > 1 { TAP } else { 1.0 });
        Cost { compute: tiles * taps, copy: 0.0, write: tiles * (write + TILE) }
    }

    /// Taps that channels have and that meet the image, on the average of all tiles.
    fn taps(&self, columns: usize) -> f64 {
        let skips = self.spec.skips(self.plan.block).contains(&true);
        let has_zeros = self.spec.padding_mode == PaddingMode::Zeros && self.spec.padding != Padding::NONE;
        if skips || !has_zeros || !self.plan.copy {
            return self.spec.taps_in_blocks(self.plan.block);
        }
        let [rows, across] = Axis::of(self.spec, self.image);
        rows.met(self.out.h, 1) * across.met(self.out.w, columns)
    }

    fn rows(&self, tail: bool, rows: usize, vectors: usize) -> Cost {
        let channels = self.plan.width(tail);
        let spec = self.spec;
        let rows = fitting(&[rows, 1], self.out.h);
        let (vectors, across) = self.across(vectors);
        let tiles = self.out.h.div_ceil(rows) as f64 * across;
        let accumulators = channels * rows * vectors;
        let products = spec.taps_with((self.plan.block, tail), channels, |factor| factor != Factor::Zero);
        let fmas = rows * vectors * products;
        // Input rows that some tap of some output row reads.
        let each = rows * spec.kernel.h;
        let read = match spec.dilation.h {
            1 => (rows - 1).saturating_mul(spec.stride.h).saturating_add(spec.kernel.h).min(each),
            _ => each,
        };
        let pixels = (read * spec.kernel.w * vectors) as f64;
        let weights = channels * spec.taps();
        let loads = pixels * self.plan.machine.unaligned_load() + weights as f64;
        // The chains of a tile overlap with those of its neighbours.
        let chain = LATENCY * spec.taps() as f64 / 3.0;
        let busy = (fmas as f64 / FMAS).max(loads / LOADS).max(chain);
        let work = if self.plan.loops_over_columns(spec) {
            busy + spec.kernel.w as f64 * (TAP + read as f64)
        } else {
            UNROLLED * busy + STEP + read as f64 / 2.0
        };
        Cost {
            compute: tiles * spec.in_per_group() as f64 * work,
            copy: 0.0,
            write: tiles * (self.stores(accumulators) + TILE),
        }
    }

    fn in_place(&self, tail: bool, rows: usize) -> Cost {
        let (spec, machine) = (self.spec, self.plan.machine);
        let Some(columns) = InPlace::of(spec, machine.lanes) else {
            unreachable!("only layers that can be read in place are planned so")
        };
        let channels = self.plan.width(tail);
        let rows = fitting(&[rows, 1], self.out.h);
        let products = spec.taps_with((self.plan.block, tail), channels, |factor| factor != Factor::Zero);
        let across = columns.row(spec, machine, [channels, rows], products, self.out.w);
        let row = beside(spec, rows);
        let down = self.out.h.div_ceil(rows) as f64;
        let tiles = down * self.out.w.div_ceil(machine.lanes) as f64;
        let stores = (channels * rows) as f64 * 1.5;
        let write = tiles * stores + down * (row + 0.75 * TILE);
        Cost { compute: down * across + tiles * STEP, copy: 0.0, write }
    }

    fn slide(&self, rows: usize) -> Cost {
        let machine = self.plan.machine;
        let Some(slide) = Slide::of(self.spec, machine.lanes) else {
            unreachable!("only layers whose columns can slide are planned so")
        };
        let tiles = self.out.h.div_ceil(rows) as f64;
        let [step, ends] = slide.cycles(self.spec, machine, rows);
        let steps = self.out.w.div_ceil(machine.lanes) as f64;
        Cost { compute: tiles * steps * step, copy: 0.0, write: tiles * (ends + TILE) }
    }

    fn whole(&self) -> Cost {
        let whole =
            self.spec.input.and_then(|image| tiny::Whole::new(self.spec, image, self.plan.machine.lanes));
        let Some(whole) = whole else { unreachable!("only layers that can be unrolled are planned so") };
        let (products, fmas, splats) =
            (whole.loads() as f64, whole.fmas() as f64, whole.splats(self.plan.machine) as f64);
        // To add some lanes is one instruction with AVX-512, and two without.
        let ([image, copy], kept) = if self.plan.machine.bits == 512 { (TINY_512, 1.0) } else { (TINY, 2.0) };
        let longer = if whole.copies_image() { copy } else { image };
        let loads = products * self.plan.machine.unaligned_load() + splats;
        let compute = longer * (fmas / FMAS).max(loads / LOADS) + kept * whole.kept() as f64;
        Cost { compute, copy: whole.copies() as f64, write: 0.0 }
    }

    /// Vectors of a tile's row, as far as the image is wide enough, and tiles over the output columns.
    fn across(&self, vectors: usize) -> (usize, f64) {
        let (lanes, width) = (self.plan.machine.lanes, self.out.w);
        let least = if self.plan.copy { (vectors - 1) * lanes + 1 } else { vectors * lanes };
        let vectors = if width >= least { vectors } else { 1 };
        (vectors, width.div_ceil(vectors * lanes) as f64)
    }

    /// Vectors stored to rows: whole ones, or the pieces of a narrow image.
    fn stores(&self, accumulators: usize) -> f64 {
        let narrow = self.out.w < self.plan.machine.lanes;
        accumulators as f64 * if narrow { 8.0 } else { 1.5 }
    }

    /// A copy with channels last of rows of so many elements, transposed in squares.
    fn interleaved(&self, row: usize) -> f64 {
        let (lanes, rows) = (self.plan.machine.lanes as f64, (self.out.h * self.spec.stride.h) as f64);
        row as f64 / lanes * rows / lanes * (SQUARE + LANE * lanes)
    }

    /// The pixels of a line that are gathered, and those that have their channels last.
    fn gathered(&self, Geometry { out, band, .. }: Geometry) -> f64 {
        let depth = if self.plan.reads_channels_last() { self.plan.depth(self.spec) } else { 0 };
        let last = self.interleaved(out.w * depth);
        if !self.plan.gathers(out.w, band) {
            return last;
        }
        let row = (out.w * self.plan.machine.bytes * 2) as f64 / COPY;
        let slower = match self.of.stride.w {
            1 => 1.0,
            2 => 2.0,
            4 => 3.0,
            _ => 10.0,
        };
        let rows = out.w.div_ceil(band) as f64 * ROW;
        last + self.spec.in_per_group() as f64 * (row * slower + rows)
    }

    /// The padded copy of one group. Bands copy the rows that they share with their neighbours again.
    fn copy(&self, geometry: Geometry) -> f64 {
        let spec = self.spec;
        let bands = geometry.bands() as f64;
        let rows =
            (geometry.out.h as f64 - bands) * spec.stride.h as f64 + bands * spec.effective_kernel().h as f64;
        let row = (geometry.pitch as f64 * self.plan.machine.bytes as f64 * 2.0) / COPY;
        let slower = match self.plan.phases {
            1 => 1.0,
            2 => 2.0,
            _ => 6.0,
        };
        let Padding { left, right, .. } = spec.padding;
        let border =
            if spec.padding_mode == PaddingMode::Zeros { 0.0 } else { (left + right) as f64 * BORDER };
        spec.in_per_group() as f64 * rows * ((row + ROW) * slower + border)
    }
}

/// The first of the steps that fits, the last of which is 1.
fn fitting(steps: &[usize], extent: usize) -> usize {
    steps.iter().copied().find(|step| *step <= extent).unwrap_or(1)
}

/// One step of the innermost loop, of which some take turns on sets of accumulators.
fn step(fmas: usize, loads: f64, turns: usize) -> f64 {
    (fmas as f64 / FMAS).max(loads / LOADS).max(LATENCY / turns as f64) + STEP
}
