//! The small layer whose image is known: no loops at all.
//!
//! 1. The group's planes are copied to the stack with their padding. Everything is a constant, so every
//!    padding mode is a list of copies.
//! 2. With strides, rows and columns are sorted by their remainder, so that the image of one tap is a plane
//!    of neighbours with the output's rows.
//! 3. A vector runs over that plane row by row: `pitch` lanes a row, of which the first `out_w` are output
//!    and the others are computed for nothing. On small maps that wastes less than a vector a row would.
//! 4. The results go to the stack, and from there the output's rows are copied.

use super::{Block, accumulate};
use crate::nest::{Buffer, Index, Reg, Stmt, Vector};
use crate::spec::{Hw, PaddingMode, Place, Spec};

/// The most elements of a group's planes on the stack.
const MOST: usize = 4096;

/// The shape of a layer that is unrolled whole.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    spec: Spec,
    image: Hw,
    out: Hw,
    /// Rows and columns of one phase of one padded plane.
    phase: Hw,
    lanes: usize,
    /// Vectors over one output plane.
    vectors: usize,
}

/// A run of elements that are copied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    from: usize,
    to: usize,
    len: usize,
}

impl Whole {
    /// `None` if the layer is too large to be worth a thought.
    pub(crate) fn new(spec: &Spec, image: Hw, lanes: usize) -> Option<Self> {
        let out = spec.output(image)?;
        let padding = spec.padding;
        let rows = image.h.checked_add(padding.top)?.checked_add(padding.bottom)?;
        let columns = image.w.checked_add(padding.left)?.checked_add(padding.right)?;
        let phase = Hw { h: rows.div_ceil(spec.stride.h), w: columns.div_ceil(spec.stride.w) };
        let span = ((out.h - 1).checked_mul(phase.w)?).checked_add(out.w)?;
        let whole = Self { spec: spec.clone(), image, out, phase, lanes, vectors: span.div_ceil(lanes) };
        let small = whole.padded_len()? <= MOST && whole.tile_len()? <= MOST;
        (small && spec.terms().checked_mul(spec.out_per_group())? <= MOST).then_some(whole)
    }

    /// Multiply-accumulates of one group.
    pub(crate) fn fmas(&self) -> usize {
        self.spec.out_per_group() * self.vectors * self.spec.terms()
    }

    /// Loads and splats of one group.
    pub(crate) fn loads(&self) -> usize {
        self.fmas() + self.vectors * self.spec.terms()
    }

    /// Copies of one group, from the image and to the output.
    pub(crate) fn copies(&self) -> usize {
        self.image_runs().len() + self.output_runs().len()
    }

    /// Elements of all phases of all planes, and what the last vectors read beyond.
    fn padded_len(&self) -> Option<usize> {
        let phases = self.spec.stride.h.checked_mul(self.spec.stride.w)?;
        let plane = self.phase.h.checked_mul(self.phase.w)?.checked_mul(phases)?;
        plane.checked_mul(self.spec.in_per_group())?.checked_add(self.lanes)
    }

    fn tile_len(&self) -> Option<usize> {
        self.vectors.checked_mul(self.lanes)?.checked_mul(self.spec.out_per_group())
    }

    /// Where a row and a column of a channel's padded plane stand.
    fn place(&self, channel: usize, row: usize, column: usize) -> usize {
        let stride = self.spec.stride;
        let phase = (channel * stride.h + row % stride.h) * stride.w + column % stride.w;
        (phase * self.phase.h + row / stride.h) * self.phase.w + column / stride.w
    }

    /// The copies that make the padded planes; zeros are there already.
    fn image_runs(&self) -> Vec<Run> {
        let (spec, image) = (&self.spec, self.image);
        let padding = spec.padding;
        let rows = axis(spec.padding_mode, padding.top, image.h, padding.bottom);
        let columns = axis(spec.padding_mode, padding.left, image.w, padding.right);
        let mut runs = Vec::new();
        for channel in 0..spec.in_per_group() {
            for &(row, y) in &rows {
                for &(column, x) in &columns {
                    let from = (channel * image.h + y) * image.w + x;
                    append(&mut runs, Run { from, to: self.place(channel, row, column), len: 1 });
                }
            }
        }
        runs
    }

    /// The copies from the tile to the output planes.
    fn output_runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        for o in 0..self.spec.out_per_group() {
            for y in 0..self.out.h {
                let from = o * self.vectors * self.lanes + y * self.phase.w;
                append(&mut runs, Run { from, to: (o * self.out.h + y) * self.out.w, len: self.out.w });
            }
        }
        runs
    }
}

/// The padded indices of an axis that hold a pixel, and which.
fn axis(mode: PaddingMode, before: usize, size: usize, after: usize) -> Vec<(usize, usize)> {
    let last = size - 1;
    let source = |at: usize| match (at.checked_sub(before), mode) {
        (Some(i), _) if i < size => Some(i),
        (_, PaddingMode::Zeros) => None,
        (None, PaddingMode::Reflect) => Some(before - at),
        (Some(i), PaddingMode::Reflect) => Some(2 * last - i),
        (None, PaddingMode::Replicate) => Some(0),
        (Some(_), PaddingMode::Replicate) => Some(last),
        (None, PaddingMode::Circular) => Some(size + at - before),
        (Some(i), PaddingMode::Circular) => Some(i - size),
    };
    (0..before + size + after).filter_map(|at| Some((at, source(at)?))).collect()
}

/// Adds a run, to the one before if it continues that.
fn append(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.from + last.len == run.from && last.to + last.len == run.to => last.len += run.len,
        _ => runs.push(run),
    }
}

pub(super) fn lower(block: &Block<'_>) -> Vec<Stmt> {
    let whole = block.spec.input.and_then(|image| Whole::new(block.spec, image, block.lanes()));
    let Some(whole) = whole else { unreachable!("only layers that can be unrolled are planned so") };
    let (Some(padded), Some(tile)) = (whole.padded_len(), whole.tile_len()) else {
        unreachable!("both were counted when the layer was planned")
    };
    let mut body = vec![Stmt::Local { buffer: Buffer::Padded, len: padded }];
    body.extend(whole.image_runs().iter().map(|run| copy(Buffer::Image, Buffer::Padded, *run)));
    body.extend(windows(block, &whole, padded));
    body.push(Stmt::Local { buffer: Buffer::Tile, len: tile });
    // As many accumulators at a time as there are registers.
    let all: Vec<_> = (0..block.channels).flat_map(|o| (0..whole.vectors).map(move |v| (o, v))).collect();
    for part in all.chunks(block.plan.machine.accumulators_each(1)) {
        body.extend(whole.accumulate(part));
    }
    body.extend(whole.output_runs().iter().map(|run| copy(Buffer::Tile, Buffer::Output, *run)));
    body
}

fn copy(from: Buffer, to: Buffer, run: Run) -> Stmt {
    Stmt::Copy { from: (from, run.from), to: (to, run.to), len: run.len }
}

fn windows(block: &Block<'_>, whole: &Whole, padded: usize) -> Vec<Stmt> {
    let window = |name: &str, buffer, len| Stmt::Window {
        name: Reg::new(name, &[]),
        buffer,
        at: Index::Const(0),
        len,
    };
    vec![
        window("pixels", Buffer::Padded, padded),
        window("weight_row", Buffer::Weights, whole.spec.terms() * block.width),
        window("bias_row", Buffer::Bias, block.width),
    ]
}

impl Whole {
    /// Some accumulators, each an output channel and a vector of its plane, from bias to tile.
    fn accumulate(&self, part: &[(usize, usize)]) -> Vec<Stmt> {
        let mut body: Vec<_> = part
            .iter()
            .map(|&(o, v)| {
                let value = Vector::Splat { window: Reg::new("bias_row", &[]), at: o };
                Stmt::Start { acc: acc(o, v), value }
            })
            .collect();
        for tap in 0..self.spec.taps() {
            for channel in 0..self.spec.in_per_group() {
                body.extend(self.step(part, tap, channel));
            }
        }
        body.extend(part.iter().map(|&(o, v)| Stmt::Store {
            reg: acc(o, v),
            buffer: Buffer::Tile,
            at: Index::Const((o * self.vectors + v) * self.lanes),
        }));
        body
    }

    /// A weight. All channels are one block, and groups differ.
    fn place_of(&self, tap: usize, channel: usize, out: usize) -> Place {
        Place { tap, channel: Some(channel), out, block: self.spec.out_per_group(), tail: false }
    }

    /// One tap of one channel.
    fn step(&self, part: &[(usize, usize)], tap: usize, channel: usize) -> Vec<Stmt> {
        let spec = &self.spec;
        let (i, j) = (tap / spec.kernel.w, tap % spec.kernel.w);
        let start = self.place(channel, i * spec.dilation.h, j * spec.dilation.w);
        let mut body = Vec::new();
        let mut vectors: Vec<_> = part.iter().map(|&(_, v)| v).collect();
        vectors.sort_unstable();
        vectors.dedup();
        for v in vectors {
            let value = Vector::Load { window: Reg::new("pixels", &[]), at: start + v * self.lanes };
            body.push(set(pixel(tap, channel, v), value));
        }
        let mut products = Vec::new();
        for &(o, v) in part {
            let at = (tap * spec.in_per_group() + channel) * spec.out_per_group() + o;
            let weight = (
                Reg::new("w", &[tap, channel, o]),
                Vector::Splat { window: Reg::new("weight_row", &[]), at },
            );
            let pair = [(acc(o, v), pixel(tap, channel, v))].into_iter();
            products.extend(accumulate(spec.factor(self.place_of(tap, channel, o)), weight, pair));
        }
        if products.is_empty() { products } else { [body, products].concat() }
    }
}

fn set(reg: Reg, value: Vector) -> Stmt {
    Stmt::Set { reg, value }
}

fn acc(channel: usize, vector: usize) -> Reg {
    Reg::new("acc", &[channel, vector])
}

fn pixel(tap: usize, channel: usize, vector: usize) -> Reg {
    Reg::new("x", &[tap, channel, vector])
}
