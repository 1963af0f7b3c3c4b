//! [`SumsPlan`]: how the weight's gradient is computed in vectors of one width.
//!
//! It is a matrix product whose long side, the pixels, is summed away: a register tile of output channels
//! by (input channels, taps) stays while the pixels pass.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

mod in_channels;
mod planes;

use std::collections::BTreeMap;

pub(crate) use self::in_channels::outs_a_call;
pub(crate) use self::planes::PlanesBlock;

use super::axis::Axis;
use super::candidates::{MOST_APART, MOST_PHASES};
use super::in_place::beside;
use super::{InPlace, Machine, nominal};
use crate::spec::{Hw, PaddingMode, Spec};

/// The register tile, and with it what lies side by side in a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SumsTile {
    /// Lanes over output channels: `vectors` of them, by `depth` input channels of `columns` taps in a row.
    Channels { vectors: usize, depth: usize, columns: usize },
    /// Lanes over input channels, of layers of one tap: `vectors` of them, by `outs` output channels, whose gradients are
    /// read in place.
    InChannels { outs: usize, vectors: usize },
    /// Lanes over pixels, image and gradient read in place: all taps of a group, for `lines` rows at a time.
    InPlace { lines: usize },
    /// Lanes over pixels of planes that are lines: `outs` output channels by `depth` input channels.
    Planes { outs: usize, depth: usize },
    /// Lanes over pixels: `outs` output channels by `depth` input channels of `rows` x `columns` taps, for
    /// `lines` rows of pixels at a time.
    Pixels { outs: usize, depth: usize, rows: usize, columns: usize, lines: usize },
}

/// How the weight's gradient is computed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SumsPlan {
    pub(crate) machine: Machine,
    pub(crate) tile: SumsTile,
    /// Cycles that one image is estimated to take.
    pub(crate) cycles: f64,
}

/// Cycles for each element of a channels-last copy, and of a padded one.
const TRANSPOSE: f64 = 1.0;
const COPY: f64 = 0.25;
/// The end of a tile: accumulators loaded and stored, or summed across.
pub(super) const FLUSH: f64 = 4.0;
pub(super) const ACROSS: f64 = 5.0;
/// A band's copies and its call, beside what each element takes.
const BAND: f64 = 300.0;
/// From a multiply-accumulate to the next on the same accumulator.
const LATENCY: f64 = 4.0;
/// Instructions that check a window, and instructions a cycle.
const WINDOW: f64 = 6.0;
const WIDTH: f64 = 4.0;
/// How much longer several lines take: their places do not fit the integer registers.
const LINES: f64 = 1.2;
/// The most multiply-accumulates of a turn of several pixels.
const MOST: usize = 48;
/// Bytes of a band channel by channel.
const PIXELS_BAND: usize = 24 << 10;

/// The cheapest plan.
pub(crate) fn plan_sums(spec: &Spec, machine: Machine) -> SumsPlan {
    let plans = sums_candidates(spec, machine).into_iter();
    let cheapest = plans.min_by(|a, b| a.cycles.total_cmp(&b.cycles));
    cheapest.unwrap_or_else(|| unreachable!("a tile of one accumulator suits every layer"))
}

/// Every tile that fits the registers.
pub(crate) fn sums_candidates(spec: &Spec, machine: Machine) -> Vec<SumsPlan> {
    let mut tiles = channels(spec, machine);
    if spec.stride.w <= MOST_PHASES {
        tiles.extend(pixels(spec, machine));
    }
    tiles.extend(in_place(spec, machine));
    tiles.extend(in_channels::tiles(spec, machine));
    tiles.extend(planes::tiles(spec, machine));
    let plan = |tile| SumsPlan { machine, tile, cycles: cycles(spec, machine, tile) };
    tiles.into_iter().map(plan).collect()
}

/// Columns of taps that one window may hold: none but the first, where they are too far apart for its type to have a size.
fn near_columns(spec: &Spec) -> usize {
    if spec.effective_kernel().w <= MOST_APART { spec.kernel.w } else { 1 }
}

/// One tap or a row of them.
fn one_or_all(taps: usize) -> impl Iterator<Item = usize> {
    [1, taps].into_iter().take(taps.min(2))
}

/// Lanes over output channels: vectors of gradients, splat pixels.
fn channels(spec: &Spec, machine: Machine) -> Vec<SumsTile> {
    let widest = spec.out_per_group().div_ceil(machine.lanes).min(4);
    let mut tiles = Vec::new();
    for vectors in 1..=widest {
        let most = machine.accumulators_each(vectors);
        for columns in one_or_all(near_columns(spec)) {
            for depth in 1..=spec.in_per_group().min(most / columns) {
                tiles.push(SumsTile::Channels { vectors, depth, columns });
            }
        }
    }
    tiles
}

/// Accumulators, vectors of gradients for each output channel, one of pixels, one to spare. The tile divides
/// the layer, so that the sums are the gradient itself.
fn pixels(spec: &Spec, machine: Machine) -> Vec<SumsTile> {
    let divisors = |of: usize| (1..=of.min(machine.registers)).filter(move |d| of.is_multiple_of(*d));
    let mut tiles = Vec::new();
    for outs in divisors(spec.out_per_group()) {
        for depth in divisors(spec.in_per_group()) {
            for rows in one_or_all(spec.kernel.h) {
                for columns in one_or_all(near_columns(spec)) {
                    let sides = [outs, depth, rows, columns];
                    let accumulators = sides.into_iter().fold(1, usize::saturating_mul);
                    // Lines share their pixels where they read the same rows.
                    let most = if rows > 1 && spec.stride.h < spec.effective_kernel().h { 4 } else { 1 };
                    for lines in 1..=most {
                        if accumulators + outs * lines + 2 <= machine.registers || accumulators * lines == 1 {
                            tiles.push(SumsTile::Pixels { outs, depth, rows, columns, lines });
                        }
                    }
                }
            }
        }
    }
    tiles
}

/// Accumulators, vectors of gradients, and three for pixels.
fn in_place(spec: &Spec, machine: Machine) -> Vec<SumsTile> {
    let columns = InPlace::of(spec, machine.lanes).filter(|columns| !columns.copies_narrow(spec));
    let Some(columns) = columns else { return Vec::new() };
    let outs = spec.out_per_group();
    let fits = |lines: &usize| {
        let registers = outs.saturating_mul(spec.taps() + lines);
        registers + 3 <= machine.registers && columns.is_short(spec, machine, [outs, *lines])
    };
    (1..=8).filter(fits).map(|lines| SumsTile::InPlace { lines }).collect()
}

fn cycles(spec: &Spec, machine: Machine, tile: SumsTile) -> f64 {
    let image = nominal(spec);
    let out = spec.output(image).unwrap_or(Hw { h: 1, w: 1 });
    let area = |size: Hw| size.h as f64 * size.w as f64;
    let copied = spec.in_per_group() as f64 * area(image) + spec.out_per_group() as f64 * area(out);
    let taps = |rows: usize, columns: usize| (spec.kernel.h / rows) as f64 * (spec.kernel.w / columns) as f64;
    let group = match tile {
        SumsTile::Channels { vectors, depth, columns } => {
            let tiles = spec.out_per_group().div_ceil(vectors * machine.lanes) as f64
                * spec.in_per_group().div_ceil(depth) as f64
                * taps(1, columns);
            let fmas = vectors * depth * columns;
            let turn = pixels_a_turn(spec, vectors * depth, columns);
            let windows = 2.0 / turn as f64;
            let step = step(fmas, (vectors + depth * columns) as f64, windows);
            let sums = (spec.out_per_group() * spec.in_per_group()) as f64 * spec.taps() as f64;
            tiles * (met(spec, image, columns) * step + FLUSH * fmas as f64) + (copied + sums) * TRANSPOSE
        }
        SumsTile::InChannels { outs, vectors } => {
            in_channels::cycles(spec, machine, area(image), [outs, vectors])
        }
        SumsTile::InPlace { lines } => {
            let Some(columns) = InPlace::of(spec, machine.lanes) else {
                unreachable!("only layers that can be read in place are planned so")
            };
            let accumulators = spec.out_per_group() * spec.taps();
            let tile =
                columns.busy(spec, machine, lines, accumulators) + (spec.out_per_group() * lines) as f64;
            // Rows that do not fill a tile take as long as if they did, or so.
            let down = (out.h / lines + out.h % lines) as f64;
            let across = out.w.div_ceil(machine.lanes) as f64;
            down * (across * (tile + 1.0) + beside(spec, lines)) + ACROSS * accumulators as f64
        }
        SumsTile::Planes { outs, depth } => planes::cycles(spec, machine, out, [outs, depth]),
        SumsTile::Pixels { outs, depth, rows, columns, lines } => {
            let tiles = (spec.out_per_group() / outs) as f64
                * (spec.in_per_group() / depth) as f64
                * taps(rows, columns);
            let accumulators = outs * depth * rows * columns;
            let read = rows_read(spec, rows, lines).len();
            let loads = (outs * lines) as f64 + (depth * read * columns) as f64 * machine.unaligned_load();
            let windows = (outs * lines + depth * read * columns.min(spec.stride.w)) as f64;
            let step = step(accumulators * lines, loads, windows).max(LATENCY * lines as f64)
                * if lines > 1 { LINES } else { 1.0 };
            let vectors = if one_row(spec, lines) {
                let pitch = out.w.saturating_add(spec.effective_kernel().w) as f64;
                out.h as f64 * pitch / machine.lanes as f64 + 1.0
            } else {
                out.h.div_ceil(lines) as f64 * out.w.div_ceil(machine.lanes) as f64
            };
            let bands = bands(spec, machine, out);
            let across = bands * ACROSS * accumulators as f64;
            tiles * (vectors * step + across) + copied * COPY + bands * BAND
        }
    };
    group * spec.groups as f64
}

/// Outputs for which a tap meets the image, in so many columns of taps at once, on the average of the taps.
fn met(spec: &Spec, image: Hw, columns: usize) -> f64 {
    let out = spec.output(image).unwrap_or(Hw { h: 1, w: 1 });
    if spec.padding_mode != PaddingMode::Zeros {
        return out.h as f64 * out.w as f64;
    }
    let [rows, across] = Axis::of(spec, image);
    let share = if columns > 1 { 1.0 } else { across.met(out.w, 1) / spec.kernel.w as f64 };
    out.h as f64 * rows.met(out.h, 1) / spec.kernel.h as f64 * out.w as f64 * share
}

/// One step of the innermost loop, with so many windows to check: it starts so many instructions a cycle.
pub(super) fn step(fmas: usize, loads: f64, windows: f64) -> f64 {
    let instructions = fmas as f64 + loads + WINDOW * windows;
    (fmas as f64 / 2.0).max(loads / 2.0).max(LATENCY).max(instructions / WIDTH) + 1.0
}

/// Bands of output rows of a copy channel by channel, as the runtime cuts them.
fn bands(spec: &Spec, machine: Machine, out: Hw) -> f64 {
    let pitch = (out.w - 1).saturating_mul(spec.stride.w).saturating_add(spec.effective_kernel().w);
    let read = [spec.in_per_group(), spec.stride.h, pitch].into_iter().fold(1, usize::saturating_mul);
    let row = read.saturating_add(spec.out_per_group().saturating_mul(out.w));
    let least = spec.effective_kernel().h.saturating_sub(spec.stride.h).saturating_mul(3).max(4);
    out.h.div_ceil((PIXELS_BAND / machine.bytes / row.max(1)).max(least)) as f64
}

/// Pixels of a turn of the innermost loop, of so many multiply-accumulates for each column of taps. They share the checks
/// of windows. Where one column of taps reads what another read a pixel before, the compiler keeps it, in registers that
/// it has not: 3x3, 128 channels @28, took 5510 us for 2532. Where pixels are far from each other, one window of several
/// is no longer a small one.
pub(crate) fn pixels_a_turn(spec: &Spec, each: usize, columns: usize) -> usize {
    let reach = (columns - 1).saturating_mul(spec.dilation.w);
    if (reach + 1..=MOST_PHASES).contains(&spec.stride.w) { (MOST / (each * columns)).clamp(1, 4) } else { 1 }
}

/// Each row of pixels that some rows of taps read for some lines, with the lines and the rows of taps that
/// meet there.
pub(crate) fn rows_read(spec: &Spec, rows: usize, lines: usize) -> BTreeMap<usize, Vec<(usize, usize)>> {
    let mut read = BTreeMap::<_, Vec<_>>::new();
    for line in 0..lines {
        for i in 0..rows {
            read.entry(line * spec.stride.h + i * spec.dilation.h).or_default().push((line, i));
        }
    }
    read
}

/// Whether the rows of image and gradient, equally long, pass as one.
pub(crate) fn one_row(spec: &Spec, lines: usize) -> bool {
    spec.stride == Hw { h: 1, w: 1 } && lines == 1
}
