//! Plan -> [`Nest`], a file an algorithm. What the algorithms share is here: sizes, loops, ladders of tiles.

mod direct_oc;
mod direct_ow;
mod direct_rows;
mod in_place;
mod loops;
mod outer;
mod product;
mod slide;
mod steps;
mod sums_ic;
mod sums_in_place;
mod sums_oc;
mod sums_planes;
mod sums_px;
pub(crate) mod tiny;
mod winograd;

use std::collections::BTreeMap;

use self::loops::{counted, gathered, ladder, needed, ranged, shared_ladder, shares, tiles};
pub(crate) use self::product::lower_product;
use self::winograd::Winograd;
use crate::nest::{Buffer, Extent, Index, Nest, PaddedRows, Reg, Size, Stmt, Vector};
use crate::plan::{Plan, SumsPlan, SumsTile, Tile, rows_read};
use crate::spec::{Factor, PaddingMode, Place, Spec};

/// The kernel for a full block of output channels, or for the narrower one at the group's end.
pub(crate) fn lower(spec: &Spec, plan: &Plan, tail: bool) -> Nest {
    let spec = &*plan.seen(spec);
    let block = Block { spec, plan, channels: plan.channels(spec, tail), width: plan.width(tail), tail };
    let body = match plan.tile {
        Tile::Channels { pixels, .. } => direct_oc::lower(&block, pixels),
        Tile::Columns { vectors, .. } => direct_ow::lower(&block, vectors),
        Tile::Rows { rows, vectors, .. } => direct_rows::lower(&block, rows, vectors),
        Tile::InPlace { rows, .. } => in_place::lower(&block, rows),
        Tile::Slide { rows } => slide::lower(&block, rows),
        Tile::Whole => tiny::lower(&block),
        Tile::Winograd { pixels, .. } => winograd(&block).map_or_else(Vec::new, |w| w.block(pixels)),
    };
    let body = if plan.loops_over_groups(spec) { vec![block.groups(body)] } else { body };
    Nest { lanes: plan.machine.lanes, body }
}

/// The kernel that runs once a band, before those of the blocks, if the plan has one.
pub(crate) fn lower_prepare(spec: &Spec, plan: &Plan) -> Option<Nest> {
    let block = Block { spec, plan, tail: false, channels: 0, width: 0 };
    Some(Nest { lanes: plan.machine.lanes, body: winograd(&block)?.prepare() })
}

/// The transforms of a Winograd plan.
fn winograd<'a>(block: &'a Block<'a>) -> Option<Winograd<'a>> {
    let [rows, columns] = block.plan.transforms(block.spec)?;
    Some(Winograd { block, rows, columns })
}

/// The kernel of the weight's gradient.
pub(crate) fn lower_sums(spec: &Spec, plan: &SumsPlan) -> Nest {
    let machine = plan.machine;
    match plan.tile {
        SumsTile::InPlace { lines } => sums_in_place::Sums { spec, machine, lines }.lower(),
        SumsTile::Channels { vectors, depth, columns } => {
            sums_oc::Tile { spec, machine, vectors, depth, columns }.lower()
        }
        SumsTile::InChannels { outs, vectors } => sums_ic::Tile { spec, machine, outs, vectors }.lower(),
        SumsTile::Planes { outs, depth } => sums_planes::Planes { spec, machine, outs, depth }.lower(),
        SumsTile::Pixels { outs, depth, rows, columns, lines } => {
            sums_px::Tile { spec, machine, outs, depth, rows, columns, lines }.lower()
        }
    }
}

/// What is lowered: one block of output channels of one group.
struct Block<'a> {
    spec: &'a Spec,
    plan: &'a Plan,
    /// Output channels that exist.
    channels: usize,
    /// Output channels in the packed weights.
    width: usize,
    /// Whether it is the narrower block at the group's end.
    tail: bool,
}

impl Block<'_> {
    fn lanes(&self) -> usize {
        self.plan.machine.lanes
    }

    /// Vectors of packed output channels.
    fn vectors(&self) -> usize {
        self.width / self.lanes()
    }

    /// The least that a size may be: where the image is known, the last band is the shortest.
    fn least(&self, size: Size) -> usize {
        let last = self.plan.sizes.map_or(1, |known| {
            let all = if self.plan.flatten { known.out.w } else { known.out.h };
            all - (all - 1) / known.band * known.band
        });
        self.size(size).constant().unwrap_or(last)
    }

    /// Rows of a tile, and of the one for what is lower, if anything is.
    fn row_steps(&self, rows: usize) -> Vec<usize> {
        let least = self.least(Size::OutH);
        needed(vec![rows, 1], |step| *step <= least)
    }

    /// A size: a number if the image is known, else what the caller says.
    fn size(&self, size: Size) -> Index {
        if size == Size::OutH && self.plan.flatten {
            return Index::Const(1);
        }
        match (self.plan.sizes, size) {
            (None, size) => Index::Size(size),
            // The last band may be lower than the others.
            (Some(known), Size::OutH) if known.band < known.out.h => Index::Size(size),
            (Some(known), Size::OutH) => Index::Const(known.out.h),
            (Some(_), Size::OutW) => self.plan.columns_of_row().map_or(Index::Size(size), Index::Const),
            (Some(known), Size::Pitch) => Index::Const(known.pitch),
            (Some(known), Size::Plane) => Index::Const(known.plane),
            (Some(known), Size::First) if known.band < known.out.h => Index::Size(size),
            (Some(_), Size::First) => Index::Const(0),
            (Some(_), Size::ImageH) => Index::Const(self.plan.image.h),
            (Some(_), Size::ImageW) => Index::Const(self.plan.image.w),
            // A thread may compute some rows alone; blocks may lack some taps.
            (Some(_), Size::OutPlane | Size::FirstRow | Size::FirstColumn | Size::Groups | Size::Outs) => {
                Index::Size(size)
            }
        }
    }

    /// What the weights of a tap do to the pixels: in one input channel, or in all.
    fn factor(&self, tap: usize, channel: Option<usize>, out: usize) -> Factor {
        self.spec.factor(Place { tap, channel, out, block: self.plan.block, tail: self.tail })
    }

    /// The body for one group, for all groups of the call; or for one image, for all images.
    fn groups(&self, body: Vec<Stmt>) -> Stmt {
        let spec = self.spec;
        let mut steps = vec![
            (Buffer::Image, self.size(Size::Plane) * spec.in_per_group()),
            (Buffer::Output, self.size(Size::OutPlane) * self.channels),
        ];
        if spec.groups > 1 {
            steps.push((Buffer::Weights, Index::Const(spec.terms() * self.width)));
            steps.push((Buffer::Bias, Index::Const(self.width)));
        }
        Stmt::Groups { count: self.size(Size::Groups), steps, body }
    }

    /// Where the weights of a tap and an input channel begin.
    fn weights_at(&self, tap: Index, channel: Index) -> Index {
        (tap * self.spec.in_per_group() + channel) * self.row()
    }

    /// Elements from one channel's weights to the next one's.
    fn row(&self) -> usize {
        self.plan.panel.unwrap_or(self.width)
    }

    /// The panels that such weights are in: how far each is from the first, and its output channels.
    fn panels(&self) -> Vec<(usize, usize)> {
        let each = self.row();
        let apart = self.plan.taps(self.spec) * self.spec.in_per_group() * each;
        let firsts = (0..self.width).step_by(each).enumerate();
        firsts.map(|(panel, first)| (panel * apart, each.min(self.width - first))).collect()
    }

    /// The rows of taps that channels of the block have and that meet the image at output row `y`.
    fn tap_rows(&self, y: &Index) -> [Index; 2] {
        let (spec, padding) = (self.spec, self.spec.padding);
        if spec.skips(self.plan.block)[0] {
            return [self.size(Size::FirstRow), Index::Const(spec.kernel.h)];
        }
        let row = (self.size(Size::First) + y.clone()) * spec.stride.h;
        let axis = Axis {
            taps: spec.kernel.h,
            dilation: spec.dilation.h,
            before: padding.top,
            after: padding.bottom,
        };
        self.meeting(&axis, self.size(Size::ImageH), [row.clone(), row])
    }

    /// The columns of taps that channels of the block have and that meet the image in a tile of so many pixels at
    /// output column `x`.
    fn tap_columns(&self, x: &Index, pixels: usize) -> [Index; 2] {
        let (spec, padding) = (self.spec, self.spec.padding);
        if spec.skips(self.plan.block)[1] {
            return [self.size(Size::FirstColumn), Index::Const(spec.kernel.w)];
        }
        let ends = [x.clone(), x.clone() + (pixels - 1)].map(|x| x * spec.stride.w);
        let axis = Axis {
            taps: spec.kernel.w,
            dilation: spec.dilation.w,
            before: padding.left,
            after: padding.right,
        };
        self.meeting(&axis, self.size(Size::ImageW), ends)
    }

    /// From which tap to which some of the places from `first` to `last` meet the image: what the others read is
    /// zero.
    fn meeting(&self, axis: &Axis, size: Index, [first, last]: [Index; 2]) -> [Index; 2] {
        let Axis { taps, dilation, before, after } = *axis;
        let reads_all = !self.plan.copy && self.plan.parts(self.spec).is_none();
        let zeros = !reads_all && self.spec.padding_mode == PaddingMode::Zeros;
        if !zeros || before.max(after) == 0 {
            return [Index::Const(0), Index::Const(taps)];
        }
        let from = Index::Const(before).less(last).tiles_of(dilation);
        let to = (size + before).less(first).tiles_of(dilation).at_most(taps);
        [from, to]
    }

    /// Each input row that a tile of so many rows reads, with the output rows that read it and with which tap row.
    fn rows_read(&self, rows: usize) -> BTreeMap<usize, Vec<(usize, usize)>> {
        rows_read(self.spec, self.spec.kernel.h, rows)
    }

    /// Rows of a channel's padded image: those that the output rows from `y` on read.
    fn padded_rows(&self, channel: usize, y: &Index, read: &BTreeMap<usize, Reg>, extent: Extent) -> Stmt {
        let plane = self.size(Size::Plane) * channel;
        let image = [Size::ImageH, Size::Pitch].map(|size| self.size(size));
        padded_rows(self.spec, plane, image, &(self.size(Size::First) + y.clone()), read, extent)
    }

    /// Where column tap `j` stands in a row, relative to tap 0.
    fn column_of_tap(&self, j: Index) -> Index {
        let phases = self.plan.phases;
        let offset = j * self.spec.dilation.w;
        let phase = self.size(Size::Pitch).divided_by(phases);
        offset.clone().modulo(phases) * phase + offset.divided_by(phases)
    }
}

/// Rows of a padded plane: those that the output rows from `y` on read, with their names.
fn padded_rows(
    spec: &Spec,
    plane: Index,
    image: [Index; 2],
    y: &Index,
    read: &BTreeMap<usize, Reg>,
    extent: Extent,
) -> Stmt {
    let count = read.last_key_value().map_or(0, |(last, _)| last + 1);
    Stmt::PaddedRows(PaddedRows {
        buffer: Buffer::Image,
        names: (0..count).map(|r| read.get(&r).cloned()).collect(),
        extent,
        mode: spec.padding_mode,
        plane,
        first: y.clone() * spec.stride.h,
        padding: [spec.padding.top, spec.padding.bottom],
        image,
    })
}

/// A size that a kernel learns from its caller, unless the layer's image is known.
fn sizes(spec: &Spec, size: Size) -> Index {
    let known = spec.input.and_then(|image| Some((image, spec.output(image)?)));
    let Some((image, out)) = known else { return Index::Size(size) };
    match size {
        Size::OutH => Index::Const(out.h),
        Size::OutW => Index::Const(out.w),
        Size::OutPlane => Index::Const(out.h * out.w),
        Size::Pitch | Size::ImageW => Index::Const(image.w),
        Size::Plane => Index::Const(image.h * image.w),
        Size::ImageH => Index::Const(image.h),
        Size::First | Size::FirstRow | Size::FirstColumn | Size::Groups | Size::Outs => Index::Size(size),
    }
}

/// The taps along one axis, and the padding before and after the image.
struct Axis {
    taps: usize,
    dilation: usize,
    before: usize,
    after: usize,
}

/// `acc += x * weight` for each pair of `acc` and `x`, as the factor allows: `weight` is set only if it is
/// needed.
fn accumulate(factor: Factor, weight: (Reg, Vector), pairs: impl Iterator<Item = (Reg, Reg)>) -> Vec<Stmt> {
    let (b, value) = weight;
    match factor {
        Factor::Zero => Vec::new(),
        Factor::One => pairs.map(|(acc, a)| Stmt::Add { acc, a }).collect(),
        Factor::MinusOne => pairs.map(|(acc, a)| Stmt::Subtract { acc, a }).collect(),
        Factor::Other => {
            let set = Stmt::Set { reg: b.clone(), value };
            [set].into_iter().chain(pairs.map(|(acc, a)| Stmt::Fma { acc, a, b: b.clone() })).collect()
        }
    }
}
