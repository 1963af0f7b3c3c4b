//! The weight's gradient with lanes over pixels, from image and gradient themselves: layers of one tap that read every
//! pixel once.
//!
//! ```text
//! for band of pixels, block of input channels, tile of (o, c):
//!     acc = 0;  for x:  acc[o][c] += grad[o][x ..] * image[c][x ..]
//!     sums[o][c] += lanes of acc
//! ```
//!
//! 1. Planes of image and gradient are lines of equally many pixels. Nothing is copied, which takes a third of the time
//!    where channels are few: 1x1, 16 to 96 channels @112.
//! 2. A band of a tile's output channels stays in the first level of the cache while the input channels of a block pass
//!    by, which stay in the second while all output channels do.
//! 3. Each output channel's vectors meet each input channel's. The fewer of them stay in registers; the others come one
//!    after the other.
//! 4. Channels that do not fill a tile have narrower ones.

use std::iter;

use super::{counted, ranged};
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Var, Vector};
use crate::plan::{Machine, PlanesBlock, pixels_a_turn};
use crate::spec::Spec;

/// Tiles of `outs` by `depth` channels.
pub(super) struct Planes<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) outs: usize,
    pub(super) depth: usize,
}

/// Some channels: the first, and how many.
struct Channels {
    first: Index,
    count: usize,
}

impl Planes<'_> {
    pub(super) fn lower(&self) -> Nest {
        let (spec, block) = (self.spec, PlanesBlock::new(self.spec, self.machine, self.depth));
        let all = Index::Size(Size::OutPlane);
        let body = Stmt::For {
            var: Var("band"),
            from: Index::Const(0),
            to: all.clone().tiles_of(block.pixels),
            body: {
                let from = Index::Var(Var("band")) * block.pixels;
                let to = (from.clone() + block.pixels).at_most(all);
                self.band(&block, &Line { from, to })
            },
        };
        let steps = vec![
            (Buffer::Image, Index::Size(Size::Plane) * spec.in_per_group()),
            (Buffer::Gradient, Index::Size(Size::OutPlane) * spec.out_per_group()),
            (Buffer::Output, Index::Const(spec.out_per_group() * spec.in_per_group())),
        ];
        let groups = Stmt::Groups { count: Index::Size(Size::Groups), steps, body: vec![body] };
        Nest { lanes: self.machine.lanes, body: vec![groups] }
    }

    /// All channels of some pixels, block by block.
    fn band(&self, block: &PlanesBlock, line: &Line) -> Vec<Stmt> {
        let depth = self.spec.in_per_group();
        let (tiles, rest) = (depth / self.depth, depth % self.depth);
        let mut body = counted("block", tiles.div_ceil(block.tiles), |at| {
            let first = at * block.tiles;
            let end = (first.clone() + block.tiles).at_most(tiles);
            self.outs(|outs| {
                ranged("c", [first.clone(), end.clone()], |c| {
                    self.tile(line, outs, &Channels { first: c * self.depth, count: self.depth })
                })
            })
        });
        if rest > 0 {
            let channels = Channels { first: Index::Const(depth - rest), count: rest };
            body.extend(self.outs(|outs| self.tile(line, outs, &channels)));
        }
        body
    }

    /// Every output channel.
    fn outs(&self, body: impl Fn(&Channels) -> Vec<Stmt>) -> Vec<Stmt> {
        let outs = self.spec.out_per_group();
        let (tiles, rest) = (outs / self.outs, outs % self.outs);
        let mut all = counted("o", tiles, |o| body(&Channels { first: o * self.outs, count: self.outs }));
        if rest > 0 {
            all.extend(body(&Channels { first: Index::Const(outs - rest), count: rest }));
        }
        all
    }

    fn tile(&self, line: &Line, outs: &Channels, depth: &Channels) -> Vec<Stmt> {
        let (tile, lanes) = (Tile { outs, depth, lanes: self.machine.lanes }, self.machine.lanes);
        let start = |at| Stmt::Start { acc: acc(at), value: Vector::Zero };
        let mut body: Vec<_> = tile.each().map(start).collect();
        let turn = lanes * pixels_a_turn(self.spec, outs.count * depth.count, 1);
        let count = line.to.clone().less(line.from.clone());
        let whole = count.clone().divided_by(turn);
        body.extend(tile.rows(["grad_row", "row"], [&line.from, &count]));
        let loop_over = |var, from: Index, to, len: usize| {
            let at = from + Index::Var(Var(var)) * len;
            Stmt::For { var: Var(var), from: Index::Const(0), to, body: tile.step(&at, len) }
        };
        body.push(loop_over("turn", Index::Const(0), whole.clone(), turn));
        if turn > lanes {
            let rest = count.clone().modulo(turn).divided_by(lanes);
            body.push(loop_over("x", whole * turn, rest, lanes));
        }
        let last = count.modulo(lanes);
        let then = tile.end(&line.to.clone().less(last.clone()), &last);
        body.push(Stmt::Choose { value: last, at_least: 1, then, otherwise: Vec::new() });
        let sums = tile.each().map(|at @ [o, c]| {
            let row = (outs.first.clone() + o) * self.spec.in_per_group();
            (acc(at), row + depth.first.clone() + c)
        });
        body.push(Stmt::AddLanes { sums: sums.collect(), buffer: Buffer::Output });
        body
    }
}

/// Pixels of a band.
struct Line {
    from: Index,
    to: Index,
}

/// Some output channels by some input channels.
struct Tile<'a> {
    outs: &'a Channels,
    depth: &'a Channels,
    lanes: usize,
}

impl Tile<'_> {
    fn each(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let (outs, depth) = (self.outs.count, self.depth.count);
        (0..outs).flat_map(move |o| (0..depth).map(move |c| [o, c]))
    }

    /// Names what each channel's gradient and pixels have from a place on.
    fn rows(&self, names: [&str; 2], [at, len]: [&Index; 2]) -> Vec<Stmt> {
        let sides = [(Buffer::Gradient, Size::OutPlane, self.outs), (Buffer::Image, Size::Plane, self.depth)];
        let rows = names.into_iter().zip(sides).flat_map(|(name, (buffer, plane, channels))| {
            (0..channels.count).map(move |c| {
                let at = (channels.first.clone() + c) * Index::Size(plane) + at.clone();
                Stmt::Row { name: Reg::new(name, &[c]), buffer, at, len: len.clone() }
            })
        });
        rows.collect()
    }

    /// `len` pixels, whole vectors of them, from `at` on. All rows are equally long, so one check serves their windows.
    fn step(&self, at: &Index, len: usize) -> Vec<Stmt> {
        let window = |name, row, c| Stmt::WindowOfRow {
            name: Reg::new(name, &[c]),
            row: Reg::new(row, &[c]),
            at: at.clone(),
            len,
        };
        let grads = (0..self.outs.count).map(|o| window("grads", "grad_row", o));
        let pixels = (0..self.depth.count).map(|c| window("pixels", "row", c));
        let vectors = (0..len).step_by(self.lanes);
        let products = vectors.flat_map(|at| self.products(|window| Vector::Load { window, at }));
        grads.chain(pixels).chain(products).collect()
    }

    /// The last pixels, fewer than fill a vector.
    fn end(&self, at: &Index, len: &Index) -> Vec<Stmt> {
        let mut body = self.rows(["grads", "pixels"], [at, len]);
        body.extend(self.products(|row| Vector::Part { row, at: 0, len: len.clone() }));
        body
    }

    /// One vector of each channel, and all their products.
    fn products(&self, value: impl Fn(Reg) -> Vector) -> Vec<Stmt> {
        let (outs, depth) = (self.outs.count, self.depth.count);
        let load = |reg, row, at| {
            let value = value(Reg::new(row, &[at]));
            Stmt::Set { reg: Reg::new(reg, &[at]), value }
        };
        let (grad, pixel) = (|o| load("g", "grads", o), |c| load("x", "pixels", c));
        let product = |o, c| Stmt::Fma { acc: acc([o, c]), a: Reg::new("g", &[o]), b: Reg::new("x", &[c]) };
        if outs < depth {
            let each = |c| iter::once(pixel(c)).chain((0..outs).map(move |o| product(o, c)));
            (0..outs).map(grad).chain((0..depth).flat_map(each)).collect()
        } else {
            let each = |o| iter::once(grad(o)).chain((0..depth).map(move |c| product(o, c)));
            (0..depth).map(pixel).chain((0..outs).flat_map(each)).collect()
        }
    }
}

fn acc(at: [usize; 2]) -> Reg {
    Reg::new("acc", &at)
}
