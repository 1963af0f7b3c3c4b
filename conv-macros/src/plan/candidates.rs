//! Every tile of every algorithm that fits the registers and the code budget.

mod line;

use self::line::Line;
use super::axis::Axis;
use super::{
    BUDGET, Bands, Cost, Geometry, InPlace, Machine, Plan, Slide, Tile, Transform, geometry::flat, images,
    nominal, products,
};
use crate::lower::tiny;
use crate::spec::{Algorithm, Hw, Padding, Spec};

/// Beyond this stride nobody sorts columns: a vector would gather from as many places as it has lanes.
pub(super) const MOST_PHASES: usize = 16;

/// The most columns from the first pixel of a window to its last.
pub(super) const MOST_APART: usize = 1 << 20;
/// Bytes of a copy with channels last that is one band.
const IN_ONE_BAND: usize = 256 << 10;

/// The same of a line of fewer pixels than this.
pub(super) const MOST_IN_ONE_BAND: usize = 448 << 10;
const SHORT: usize = 128;

/// The most bytes of constant weights that are transformed without being asked for: transformed, they take up to four
/// times the place in the program.
const MOST_TRANSFORMED: usize = 1 << 20;
/// The most bytes of weights of which tiles have four outputs along an axis with a stride.
const MOST_STRIDED: usize = 12 << 10;

/// Bytes of the weights of all products that stay in the second-level cache, and of pixels in a band of minimal filtering
/// then; of more weights, how many times as many bytes as such a band they have, and the most bytes of it.
const FEW_WEIGHTS: usize = 1 << 20;
const LEAST_IN_BAND: usize = 64 << 10;
const WEIGHTS_TO_BAND: usize = 5;
const MOST_IN_BAND: usize = 2 << 20;

/// All plans worth comparing: at least one.
///
/// Of many constant weights the program should hold one order, not one for each vector width. They lie in panels of a
/// cache line, from which short vectors take parts and long ones several: 512 to 512 channels @7 are as fast so as with
/// the weights of a block side by side, and 9.4 MB take the compiler half as long.
pub(crate) fn candidates(spec: &Spec, machine: Machine) -> Vec<Plan> {
    let lines = Line::all(spec);
    let plans: Vec<_> = lines.iter().flat_map(|line| all(&Bench::new(spec, machine, *line))).collect();
    let panel = machine.line();
    let shares = spec.pattern.is_constant() && !spec.pattern.is_known() && spec.out_per_group() >= panel;
    let in_panels = |plan: &Plan| {
        let by_channels = matches!(plan.tile, Tile::Channels { .. } | Tile::Winograd { .. });
        let is_whole = plan.block.is_multiple_of(panel) || panel.is_multiple_of(plan.block);
        (shares && by_channels && is_whole).then(|| Plan { panel: Some(panel), ..plan.clone() })
    };
    let shared: Vec<_> = plans.iter().filter_map(in_panels).collect();
    if shared.is_empty() { plans } else { shared }
}

fn all(bench: &Bench<'_>) -> Vec<Plan> {
    let spec = bench.spec;
    if bench.line == Line::Gathered {
        return [bench.channels(), bench.columns()].concat();
    }
    let mut plans = bench.winograd();
    if spec.algorithm == Algorithm::Winograd && !plans.is_empty() {
        return plans;
    }
    plans.extend(bench.channels());
    if spec.stride.w <= MOST_PHASES {
        plans.extend(bench.columns());
        plans.extend(bench.rows());
        plans.extend(bench.in_place());
    }
    plans.extend(bench.whole());
    plans.extend(bench.slide());
    plans
}

/// What the candidates of one layer share.
struct Bench<'a> {
    spec: &'a Spec,
    machine: Machine,
    /// The largest output that is planned for, as tiles see it.
    out: Hw,
    line: Line,
}

impl<'a> Bench<'a> {
    fn new(spec: &'a Spec, machine: Machine, line: Line) -> Self {
        let largest = images(spec).last().and_then(|(image, _)| spec.output(*image));
        let out = largest.unwrap_or(Hw { h: 1, w: 1 });
        Self { spec, machine, line, out: if line == Line::No { out } else { flat(out) } }
    }

    /// Lanes over output channels: vectors of weights, splat pixels.
    fn channels(&self) -> Vec<Plan> {
        let widest = self.spec.out_per_group().div_ceil(self.machine.lanes).min(4);
        let tiles = (1..=widest).flat_map(|vectors| {
            let most = self.machine.accumulators_each(vectors);
            (1..=most.min(self.out.w)).map(move |pixels| (pixels, vectors))
        });
        // What a tile reads of a row is a window, whose type has to have a size.
        let tiles = tiles.filter(|(pixels, _)| (pixels - 1).saturating_mul(self.spec.stride.w) <= MOST_APART);
        let tiles = tiles.flat_map(|(pixels, vectors)| {
            let planes = Tile::Channels { pixels, vectors, last: false };
            [
                Some(planes),
                self.suits_channels_last().then_some(Tile::Channels { pixels, vectors, last: true }),
            ]
        });
        tiles.flatten().map(|tile| self.plan(tile)).collect()
    }

    /// Whether a copy with channels last is thought of: not where registers are so many that tiles use most of a line of the
    /// cache, but for images with AVX-512. (3x3 stride 2, 128 channels @56, gains 13 % by it on a Granite Rapids; it once
    /// lost 6 % on another machine.) Pixels of a line are worth transposing
    /// only if they are one band: in several, 1x1, 576 to 96 channels @14, took 266 us for 235, 512 to 128 @28 1226 for
    /// 1067. A short line may take most of the second-level cache: 2048 to 512 channels @7 took 1846 us and take 1206,
    /// 1024 to 256 @9 494 and 475, but 400 to 256 @16 566 and 583. Kernels for any image, which otherwise learn while they
    /// run how far apart channels are, gain most: 512 to 2048 channels @7 took 1615 us and take 1144.
    fn suits_channels_last(&self) -> bool {
        let line = self.spec.output(nominal(self.spec)).map_or(0, |out| flat(out).w);
        let bytes = self.depth().saturating_mul(line).saturating_mul(self.machine.bytes);
        let suits =
            self.line == Line::No || bytes <= if line < SHORT { MOST_IN_ONE_BAND } else { IN_ONE_BAND };
        let is_wide = self.machine.bits == 512 && self.line == Line::No;
        (self.machine.registers <= 16 || is_wide) && self.depth() >= 16 && suits
    }

    /// Lanes over output columns, tap by tap: vectors of pixels, splat weights.
    fn columns(&self) -> Vec<Plan> {
        let channels = self.spec.out_per_group();
        let widest = self.out.w.div_ceil(self.machine.lanes).min(self.machine.widest_row());
        let tiles = (1..=widest).flat_map(|vectors| {
            let most = self.machine.accumulators_each(vectors);
            (1..=most.min(channels)).map(move |channels| Tile::Columns { channels, vectors })
        });
        tiles.map(|tile| self.plan(tile)).collect()
    }

    /// Lanes over output columns, taps unrolled: accumulators, a vector of pixels for each, one splat weight.
    fn rows(&self) -> Vec<Plan> {
        let channels = self.spec.out_per_group();
        let widest = self.out.w.div_ceil(self.machine.lanes).min(2);
        let mut plans = Vec::new();
        for vectors in 1..=widest {
            let room = self.machine.accumulators_each(vectors);
            for rows in 1..=8.min(self.out.h) {
                for channels in 1..=channels.min(room) {
                    let least = self.spec.kernel.h.saturating_mul(channels * rows * vectors);
                    if channels * rows <= room && least <= BUDGET {
                        plans.push(self.plan(Tile::Rows { channels, rows, vectors }));
                    }
                }
            }
        }
        plans.retain(|plan| self.rows_text(plan) <= BUDGET && self.can_share_loads(plan));
        plans
    }

    /// Multiply-accumulates in the text: there are tiles of one row too, for odd rows, and each for wide and for
    /// narrow images, unless these are known.
    fn rows_text(&self, plan: &Plan) -> usize {
        let Tile::Rows { channels, rows, vectors } = plan.tile else { return 0 };
        let taps = if plan.loops_over_columns(self.spec) { self.spec.kernel.h } else { self.spec.taps() };
        let widths = if self.spec.input.is_some() { vectors } else { vectors + 1 };
        (widths * channels * if rows > 1 { rows + 1 } else { 1 }).saturating_mul(taps)
    }

    /// The same where the image can be read in place, and columns of constants cannot slide over it.
    fn in_place(&self) -> Vec<Plan> {
        let Some(columns) = InPlace::of(self.spec, self.machine.lanes) else { return Vec::new() };
        if self.slides() {
            return Vec::new();
        }
        let tiles = (1..=8.min(self.out.h)).flat_map(|rows| {
            let most = self.spec.out_per_group().min(self.machine.accumulators_each(1) / rows);
            (1..=most).map(move |channels| [channels, rows])
        });
        let fitting = tiles.filter(|tile| columns.fits(self.spec, self.machine, *tile));
        fitting.map(|[channels, rows]| self.plan(Tile::InPlace { channels, rows })).collect()
    }

    /// Whether several rows or channels can share what is loaded: at least one column's weights stay in registers.
    /// Otherwise the compiler spills, and one row at a time is faster.
    fn can_share_loads(&self, plan: &Plan) -> bool {
        let Tile::Rows { rows, channels, .. } = plan.tile else { return true };
        rows * channels == 1 || plan.keeps_weights(self.spec) || plan.loops_over_columns(self.spec)
    }

    /// A small layer whose image is known, wholly unrolled. To count what a large one would take takes longer than all
    /// other tiles.
    fn whole(&self) -> Option<Plan> {
        let image = self.spec.input?;
        if Axis::products(self.spec, image)? > BUDGET.saturating_mul(self.machine.lanes) {
            return None;
        }
        let whole = tiny::Whole::new(self.spec, image, self.machine.lanes)?;
        (whole.fmas() <= BUDGET && whole.copies() <= BUDGET).then(|| self.plan(Tile::Whole))
    }

    /// Columns of constant kernels that slide over the image.
    fn slide(&self) -> Vec<Plan> {
        let Some(slide) = Slide::of(self.spec, self.machine.lanes) else { return Vec::new() };
        slide.tiles(self.spec, self.out.h, self.machine).map(|tile| self.plan(tile)).collect()
    }

    /// Whether the image is wide enough for columns of constants to slide, which is faster then, unless all wait for
    /// memory. 3x3 filters of 1080x1920 pixels take, in us, sliding and in place, on a Zen 4: box 221, 365; Laplacian 217,
    /// 283; sharpen 220, 290; emboss 260, 334; on a Granite Rapids, whose memory is slower: box 686, 643; Laplacian 667,
    /// 632; emboss 673, 626.
    fn slides(&self) -> bool {
        let slide = Slide::of(self.spec, self.machine.lanes);
        let is_wide = slide.is_some_and(|slide| self.out.w >= slide.least_width());
        is_wide && !self.slide().is_empty()
    }

    /// Minimal filtering, where there are channels enough to pay for the transforms.
    fn winograd(&self) -> Vec<Plan> {
        let (spec, lanes) = (self.spec, self.machine.lanes);
        let few = spec.in_per_group() < 8 || spec.out_per_group() < lanes;
        let wanted = match spec.algorithm {
            // Sums of integers are exact, but not of what they are transformed to.
            Algorithm::Auto => !few && !spec.pattern.is_integral(),
            Algorithm::Direct => false,
            Algorithm::Winograd => true,
        };
        if !wanted || spec.winograd_obstacle().is_some() {
            return Vec::new();
        }
        let mut plans = Vec::new();
        for outputs in
            filter_outputs(spec, self.machine).into_iter().filter(|outputs| self.can_hold(*outputs))
        {
            for vectors in 1..=spec.out_per_group().div_ceil(lanes).min(4) {
                let most = self.machine.products_each(vectors);
                plans.extend((1..=most).map(|pixels| self.plan(Tile::Winograd { outputs, pixels, vectors })));
            }
        }
        plans
    }

    /// Whether the program can hold the weights that are transformed for so many outputs a tile, if it must.
    fn can_hold(&self, outputs: Hw) -> bool {
        let (spec, machine) = (self.spec, self.machine);
        let Hw { h, w } = products(spec, outputs);
        let kernels = spec.out_channels.saturating_mul(spec.in_per_group());
        let bytes = kernels.saturating_mul(h * w * machine.bytes);
        let is_asked_for = spec.algorithm == Algorithm::Winograd;
        !spec.pattern.is_constant() || is_asked_for || bytes <= MOST_TRANSFORMED && machine.has_room()
    }

    fn plan(&self, tile: Tile) -> Plan {
        let (spec, lanes) = (self.spec, self.machine.lanes);
        let channels = spec.out_per_group();
        let padded = spec.padding != Padding::NONE;
        let flatten = self.flattens(tile);
        let reads = Reads::of(tile, spec, lanes, padded, flatten);
        let block = match tile {
            Tile::Channels { vectors, .. } | Tile::Winograd { vectors, .. } => vectors * lanes,
            Tile::Columns { channels, .. } | Tile::Rows { channels, .. } | Tile::InPlace { channels, .. } => {
                channels
            }
            Tile::Whole | Tile::Slide { .. } => channels,
        };
        let tail = match tile {
            Tile::Channels { .. } | Tile::Winograd { .. } => (channels % block).next_multiple_of(lanes),
            _ => channels % block,
        };
        let mut plan = Plan {
            machine: self.machine,
            tile,
            flatten,
            copy: reads.copy,
            phases: reads.phases,
            min_width: reads.min_width,
            bands: if flatten { self.columns_together(tile, block) } else { bands(tile, spec, self.machine) },
            even: self.even(tile),
            block,
            tail,
            panel: None,
            sizes: None,
            image: nominal(spec),
            growth: 1.0,
            cost: Cost::default(),
            compared: 0,
        };
        plan.copy &= plan.reads_channels_last() || plan.parts(spec).is_none();
        if let Some(transforms) = plan.transforms(spec) {
            plan.growth = transforms.iter().map(Transform::growth).product();
        }
        plan.sizes = spec.input.map(|image| Geometry::new(spec, &plan, image));
        plan.cost = Cost::of(spec, &plan, plan.image);
        plan
    }
}

/// What a kernel needs of the planes it reads.
struct Reads {
    copy: bool,
    phases: usize,
    min_width: usize,
}

impl Reads {
    fn of(tile: Tile, spec: &Spec, lanes: usize, padded: bool, flatten: bool) -> Self {
        match tile {
            Tile::Channels { last, .. } => Self { copy: padded || last, phases: 1, min_width: 0 },
            Tile::Columns { .. } | Tile::Rows { .. } if flatten => {
                Self { copy: false, phases: 1, min_width: lanes }
            }
            // One tap reads columns `stride` apart: sorted by their remainder, they are neighbours.
            Tile::Columns { .. } | Tile::Rows { .. } => {
                let phases = spec.stride.w;
                Self { copy: padded || phases > 1, phases, min_width: lanes }
            }
            Tile::Slide { .. } => {
                let min_width = Slide::of(spec, lanes).map_or(0, |slide| slide.least_width());
                Self { copy: false, phases: 1, min_width }
            }
            Tile::InPlace { .. } => {
                let columns = InPlace::of(spec, lanes).filter(|columns| columns.copies_narrow(spec));
                let min_width = columns.map_or(0, |columns| columns.least_width());
                Self { copy: false, phases: 1, min_width }
            }
            Tile::Whole => Self { copy: false, phases: 1, min_width: 0 },
            Tile::Winograd { .. } => Self { copy: true, phases: 1, min_width: 0 },
        }
    }
}

/// Where few channels are read, and each only a few times, a band should stay in the first-level cache on
/// its way from the copy to the kernel; elsewhere the second level is near enough, and the weights, which
/// are read once a band, want to be read seldom.
fn bands(tile: Tile, spec: &Spec, machine: Machine) -> Bands {
    let bands = match tile {
        Tile::Winograd { outputs, .. } => return winograd_bands(spec, outputs, machine),
        // Nothing is copied: of a large image, threads share out the bands.
        Tile::InPlace { rows, .. } | Tile::Slide { rows } => {
            return Bands { bytes: 512 << 10, least: 16, step: rows };
        }
        Tile::Rows { rows, .. } => Bands { bytes: 24 << 10, least: 16, step: rows },
        _ => Bands { bytes: 384 << 10, least: 8, step: 1 },
    };
    // A band copies what it shares with the next again: that should stay a fraction.
    let shared = spec.effective_kernel().h.saturating_sub(spec.stride.h);
    Bands { least: bands.least.max(shared.saturating_mul(4)), ..bands }
}

/// The outputs that a tile of minimal filtering may have, by the kernel. With a stride, tiles of four outputs have nine times
/// the kernel's weights, which come from afar if they are many. (3x3 of stride 2 on a Granite Rapids, AVX-512 and AVX2, in
/// us, directly, 2x2 and 4x4 outputs: 64 to 128 channels @56 759, 660, 796 and 1167, 981, 980; 68 to 79 @35x31 181, 156, 318
/// and 304, 219, 290; 256 @28 1640, 1494, 2223 and 2392, 2036, 3017; but 32 to 64 @112 865, 840, 733.)
fn filter_outputs(spec: &Spec, machine: Machine) -> Vec<Hw> {
    let kernels = spec.in_per_group().saturating_mul(spec.out_per_group());
    // Of 128 bits, the 81 products of such a tile would be more code than they are worth.
    let is_light = machine.bits > 128 && kernels.saturating_mul(machine.bytes) <= MOST_STRIDED;
    let along = |taps: usize, stride: usize| match (taps, stride) {
        (1, _) => vec![1],
        (3, 1) => vec![4, 2],
        (3, _) if is_light => vec![4, 2],
        _ => vec![2],
    };
    let Spec { kernel, stride, .. } = spec;
    let columns = along(kernel.w, stride.w);
    let rows = along(kernel.h, stride.h).into_iter();
    rows.flat_map(|h| columns.iter().map(move |&w| Hw { h, w })).collect()
}

/// A band's tiles are read once for each block of channels; the weights of all products once for each band, from beyond the
/// second-level cache if they are many. Then bands grow with the weights, though their tiles may not fit that cache either.
/// (In bands of at most 64 KiB below 128 channels, 256 KiB below 256 and 512 KiB above, and so; in us, a Granite Rapids,
/// AVX-512 and AVX2: 3x3, 128 channels @28 536 and 467, 874 and 660; 256 @28 2199 and 1757, 3520 and 2600; 256 @56 8150 and
/// 7030, 11400 and 10000; 512 @28 9790 and 6850, 14200 and 10100; but 128 @56 1750 and 1890, 2900 and 2740.)
fn winograd_bands(spec: &Spec, outputs: Hw, machine: Machine) -> Bands {
    let Hw { h, w } = products(spec, outputs);
    let kernels = spec.in_per_group().saturating_mul(spec.out_per_group());
    let weights = kernels.saturating_mul(h * w * machine.bytes);
    let bytes =
        if weights > FEW_WEIGHTS { (weights / WEIGHTS_TO_BAND).min(MOST_IN_BAND) } else { LEAST_IN_BAND };
    let step = outputs.h.saturating_mul(spec.dilation.h);
    // Two rows of tiles at least, and with a stride, where an output has more weights, eight rows: 3x3, 64 to 128 channels
    // @56, 660 us for 770.
    let least = if spec.stride.h > 1 { step.saturating_mul(2).max(8) } else { step.saturating_mul(2) };
    Bands { bytes, least, step }
}
