//! The weight's gradient with lanes over pixels.
//!
//! ```text
//! for tile of (o, c, i, j):  acc = 0;  for y, x:  acc[o][c][i][j] += grad[o][y, x ..] * image[c][y, x .., tap]
//!                            sums[o][c][i][j] += lanes of acc
//! ```
//!
//! 1. Where a group has few output channels, they would not fill a vector; pixels do, and nothing needs to
//!    be transposed. The lanes are added up once a tile and band.
//! 2. With stride 1 the gradient's copy has rows as long as the image's, zeros at their ends: then all rows
//!    are one, and no vector is cut at the end of each. Otherwise rows are filled up to whole vectors.
//! 3. The image's copy has its columns sorted by their remainder, as in `direct_ow`.

use super::counted;
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Var, Vector};
use crate::plan::Machine;
use crate::spec::Spec;

/// A tile of `outs` by `depth` channels of `rows` x `columns` taps.
pub(super) struct Tile<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) outs: usize,
    pub(super) depth: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// Where a tile starts.
struct Corner {
    o: Index,
    c: Index,
    i: Index,
    j: Index,
}

impl Tile<'_> {
    pub(super) fn lower(&self) -> Nest {
        let (spec, kernel) = (self.spec, self.spec.kernel);
        let body = counted("o", spec.out_per_group() / self.outs, |o| {
            counted("c", spec.in_per_group() / self.depth, |c| {
                counted("i", kernel.h / self.rows, |i| {
                    counted("j", kernel.w / self.columns, |j| {
                        let (o, c) = (o.clone() * self.outs, c.clone() * self.depth);
                        self.tile(&Corner { o, c, i: i.clone() * self.rows, j: j * self.columns })
                    })
                })
            })
        });
        Nest { lanes: self.machine.lanes, body }
    }

    fn tile(&self, corner: &Corner) -> Vec<Stmt> {
        let mut body: Vec<_> =
            self.accumulators().map(|at| Stmt::Start { acc: acc(at), value: Vector::Zero }).collect();
        let across = Index::Size(Size::OutW).divided_by(self.machine.lanes);
        body.push(Stmt::For {
            var: Var("y"),
            from: Index::Const(0),
            to: Index::Size(Size::OutH),
            body: vec![Stmt::For {
                var: Var("x"),
                from: Index::Const(0),
                to: across,
                body: self.step(corner),
            }],
        });
        for at @ [o, c, i, j] in self.accumulators() {
            let channel = (corner.o.clone() + o) * self.spec.in_per_group() + corner.c.clone() + c;
            let row = channel * self.spec.kernel.h + corner.i.clone() + i;
            let at_sums = row * self.spec.kernel.w + corner.j.clone() + j;
            body.push(Stmt::AddLanes { reg: acc(at), buffer: Buffer::Output, at: at_sums });
        }
        body
    }

    fn accumulators(&self) -> impl Iterator<Item = [usize; 4]> {
        let (depth, rows, columns) = (self.depth, self.rows, self.columns);
        (0..self.outs * depth * rows * columns).map(move |at| {
            let (at, j) = (at / columns, at % columns);
            let (at, i) = (at / rows, at % rows);
            [at / depth, at % depth, i, j]
        })
    }

    /// One vector of pixels.
    fn step(&self, corner: &Corner) -> Vec<Stmt> {
        let lanes = self.machine.lanes;
        let mut body = Vec::new();
        for o in 0..self.outs {
            let window = Reg::new("grads", &[o]);
            let row = Index::Var(Var("y")) * Index::Size(Size::OutW) + Index::Var(Var("x")) * lanes;
            let at = (corner.o.clone() + o) * Index::Size(Size::OutPlane) + row;
            body.extend([
                Stmt::Window { name: window.clone(), buffer: Buffer::Gradient, at, len: lanes },
                Stmt::Set { reg: Reg::new("g", &[o]), value: Vector::Load { window, at: 0 } },
            ]);
        }
        for c in 0..self.depth {
            for i in 0..self.rows {
                body.extend(self.row(corner, c, i));
            }
        }
        body
    }

    /// The taps of one row in one channel.
    fn row(&self, corner: &Corner, c: usize, i: usize) -> Vec<Stmt> {
        let (spec, phases) = (self.spec, self.spec.stride.w);
        let y = Index::Var(Var("y")) * spec.stride.h + (corner.i.clone() + i) * spec.dilation.h;
        let start = (corner.c.clone() + c) * Index::Size(Size::Plane)
            + y * Index::Size(Size::Pitch)
            + Index::Var(Var("x")) * self.machine.lanes;
        let mut body = Vec::new();
        for j in 0..self.columns {
            let offset = (corner.j.clone() + j) * spec.dilation.w;
            let phase = Index::Size(Size::Pitch).divided_by(phases);
            let at = start.clone() + offset.clone().modulo(phases) * phase + offset.divided_by(phases);
            let (window, x) = (Reg::new("pixels", &[c, i, j]), Reg::new("x", &[c, i, j]));
            body.extend([
                Stmt::Window { name: window.clone(), buffer: Buffer::Image, at, len: self.machine.lanes },
                Stmt::Set { reg: x.clone(), value: Vector::Load { window, at: 0 } },
            ]);
            for o in 0..self.outs {
                body.push(Stmt::Fma { acc: acc([o, c, i, j]), a: Reg::new("g", &[o]), b: x.clone() });
            }
        }
        body
    }
}

fn acc(at: [usize; 4]) -> Reg {
    Reg::new("acc", &at)
}
