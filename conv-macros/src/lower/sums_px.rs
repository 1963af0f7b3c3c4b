//! The weight's gradient with lanes over pixels.
//!
//! ```text
//! for tile of (o, c, i, j):  acc = 0;  for y, x:  acc[o][c][i][j] += grad[o][y, x ..] * image[c][y, x .., tap]
//!                            sums[o][c][i][j] += lanes of acc
//! ```
//!
//! 1. Where a group has few output channels, they would not fill a vector; pixels do, and nothing needs to
//!    be transposed. The lanes are added up once a tile and band.
//! 2. Several lines of gradients share the pixels that they all read, each with another row of taps, as the
//!    output rows of `direct_rows` do. The gradient's copy is filled up with zeros to a multiple of them, and
//!    its rows to whole vectors.
//! 3. With one line and stride 1 the gradient's copy has rows as long as the image's, zeros at their ends:
//!    then all rows are one, and no vector is cut at the end of each.
//! 4. The image's copy has its columns sorted by their remainder, as in `direct_ow`.

use super::counted;
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Var, Vector};
use crate::plan::{Machine, rows_read};
use crate::spec::Spec;

/// A tile of `outs` by `depth` channels of `rows` x `columns` taps, for `lines` rows of pixels.
pub(super) struct Tile<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) outs: usize,
    pub(super) depth: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) lines: usize,
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
            to: Index::Size(Size::OutH).divided_by(self.lines),
            body: vec![Stmt::For {
                var: Var("x"),
                from: Index::Const(0),
                to: across,
                body: self.step(corner),
            }],
        });
        let sums = self.accumulators().map(|at @ [o, c, i, j]| {
            let channel = (corner.o.clone() + o) * self.spec.in_per_group() + corner.c.clone() + c;
            let row = channel * self.spec.kernel.h + corner.i.clone() + i;
            (acc(at), row * self.spec.kernel.w + corner.j.clone() + j)
        });
        body.push(Stmt::AddLanes { sums: sums.collect(), buffer: Buffer::Output });
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

    /// One vector of pixels in each line.
    fn step(&self, corner: &Corner) -> Vec<Stmt> {
        let lanes = self.machine.lanes;
        let mut body = Vec::new();
        for o in 0..self.outs {
            for line in 0..self.lines {
                let window = Reg::new("grads", &[o, line]);
                let row = self.line() + line;
                let at = row * Index::Size(Size::OutW) + Index::Var(Var("x")) * lanes;
                let at = (corner.o.clone() + o) * Index::Size(Size::OutPlane) + at;
                body.extend([
                    Stmt::Window { name: window.clone(), buffer: Buffer::Gradient, at, len: lanes },
                    Stmt::Set { reg: Reg::new("g", &[o, line]), value: Vector::Load { window, at: 0 } },
                ]);
            }
        }
        for c in 0..self.depth {
            for (row, users) in rows_read(self.spec, self.rows, self.lines) {
                body.extend(self.row(corner, c, row, &users));
            }
        }
        body
    }

    /// The first of the lines.
    fn line(&self) -> Index {
        Index::Var(Var("y")) * self.lines
    }

    /// One row of pixels in one channel: a window for each of its phases, or for its only tap.
    fn row(&self, corner: &Corner, c: usize, row: usize, users: &[(usize, usize)]) -> Vec<Stmt> {
        let (spec, phases) = (self.spec, self.spec.stride.w);
        let y = self.line() * spec.stride.h + corner.i.clone() * spec.dilation.h + row;
        let start = (corner.c.clone() + c) * Index::Size(Size::Plane)
            + y * Index::Size(Size::Pitch)
            + Index::Var(Var("x")) * self.machine.lanes;
        let phase = Index::Size(Size::Pitch).divided_by(phases);
        if self.columns == 1 {
            let offset = corner.j.clone() * spec.dilation.w;
            let at = start + offset.clone().modulo(phases) * phase + offset.divided_by(phases);
            return self.taps(at, [c, row, 0], &[(0, 0)], users);
        }
        let taps_of = |phase: usize| -> Vec<_> {
            let taps = (0..self.columns).map(|j| (j, j * spec.dilation.w));
            taps.filter(|(_, at)| at % phases == phase).map(|(j, at)| (j, at / phases)).collect()
        };
        (0..phases)
            .flat_map(|p| self.taps(start.clone() + phase.clone() * p, [c, row, p], &taps_of(p), users))
            .collect()
    }

    /// Some taps of a row of pixels, each with where it stands in a window.
    fn taps(
        &self,
        at: Index,
        name @ [c, row, _]: [usize; 3],
        taps: &[(usize, usize)],
        users: &[(usize, usize)],
    ) -> Vec<Stmt> {
        let (window, lanes) = (Reg::new("pixels", &name), self.machine.lanes);
        let Some((_, last)) = taps.last() else { return Vec::new() };
        let buffer = Buffer::Image;
        let mut body = vec![Stmt::Window { name: window.clone(), buffer, at, len: last + lanes }];
        for &(j, at) in taps {
            let x = Reg::new("x", &[c, row, j]);
            let value = Vector::Load { window: window.clone(), at };
            body.push(Stmt::Set { reg: x.clone(), value });
            for &(line, i) in users {
                for o in 0..self.outs {
                    let g = Reg::new("g", &[o, line]);
                    body.push(Stmt::Fma { acc: acc([o, c, i, j]), a: g, b: x.clone() });
                }
            }
        }
        body
    }
}

fn acc(at: [usize; 4]) -> Reg {
    Reg::new("acc", &at)
}
