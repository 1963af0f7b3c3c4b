//! The weight's gradient with lanes over input channels, of layers of one tap that read every pixel once.
//!
//! ```text
//! for tile of (c, o):  acc[o] = sums[o][c ..];  for x:  acc[o] += image[x][c ..] * splat(grad[o][x]);  sums[o][c ..] = acc[o]
//! ```
//!
//! 1. A row of the sums is a row of the weights, so they are summed where they belong: with lanes over output channels
//!    they are zeroed, and transposed, in memory of their own, which takes a quarter of the time where pixels are few
//!    (1x1, 320 to 1280 channels @7).
//! 2. The image is copied channels-last, `[tile][pixel][width]`: a tile stays in the first level of the cache while the
//!    output channels of a call pass by. The gradient is read as it is, one number at a time.
//! 3. Channels that do not fill a tile have narrower ones.

use super::{counted, shares};
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Vector};
use crate::plan::{Machine, pixels_a_turn};
use crate::spec::Spec;

/// Tiles of `outs` output channels by `vectors` of input channels.
pub(super) struct Tile<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) outs: usize,
    pub(super) vectors: usize,
}

impl Tile<'_> {
    pub(super) fn lower(&self) -> Nest {
        let (depth, width) = (self.spec.in_per_group(), self.width());
        let mut body = counted("c", depth / width, |c| self.outs(&Columns { tile: c, count: width }));
        if !depth.is_multiple_of(width) {
            let tile = Index::Const(depth / width);
            body.extend(self.outs(&Columns { tile, count: depth % width }));
        }
        Nest { lanes: self.machine.lanes, body }
    }

    /// Input channels of a tile.
    fn width(&self) -> usize {
        self.vectors * self.machine.lanes
    }

    /// All output channels of the call.
    fn outs(&self, columns: &Columns) -> Vec<Stmt> {
        shares("o", &Index::Size(Size::Outs), self.outs, &|first, count| {
            self.tile(columns, &Outs { first, count })
        })
    }

    fn tile(&self, columns: &Columns, outs: &Outs) -> Vec<Stmt> {
        let mut body: Vec<_> = (0..outs.count).flat_map(|o| self.start(columns, outs, o)).collect();
        body.extend(self.pixels(columns, outs));
        body.extend((0..outs.count).flat_map(|o| self.finish(columns, outs, o)));
        body
    }

    /// The vectors of a tile's columns: where they begin, and how many channels they have.
    fn vectors_of(&self, columns: &Columns) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (count, lanes) = (columns.count, self.machine.lanes);
        (0..count).step_by(lanes).map(move |at| (at, lanes.min(count - at)))
    }

    /// Where the sums of an output channel begin.
    fn row(&self, columns: &Columns, outs: &Outs, o: usize) -> Index {
        (outs.first.clone() + o) * self.spec.in_per_group() + columns.tile.clone() * self.width()
    }

    fn start(&self, columns: &Columns, outs: &Outs, o: usize) -> Vec<Stmt> {
        let (name, lanes) = (Reg::new("sums", &[o]), self.machine.lanes);
        let (at, len) = (self.row(columns, outs, o), columns.count);
        let mut body = vec![Stmt::Window { name: name.clone(), buffer: Buffer::Output, at, len }];
        body.extend(self.vectors_of(columns).map(|(at, count)| {
            let value = if count == lanes {
                Vector::Load { window: name.clone(), at }
            } else {
                Vector::Part { row: name.clone(), at, len: Index::Const(len) }
            };
            Stmt::Start { acc: acc(o, at), value }
        }));
        body
    }

    fn finish(&self, columns: &Columns, outs: &Outs, o: usize) -> Vec<Stmt> {
        let (lanes, buffer) = (self.machine.lanes, Buffer::Output);
        let stores = self.vectors_of(columns).map(|(first, count)| {
            let (reg, at) = (acc(o, first), self.row(columns, outs, o) + first);
            if count == lanes {
                Stmt::Store { reg, buffer, at }
            } else {
                Stmt::StoreFirst { reg, buffer, at, count: Index::Const(count) }
            }
        });
        stores.collect()
    }

    /// All pixels, several of them a turn, and one by one those that are left. All rows of the gradient are equally long, so
    /// one check serves their windows.
    fn pixels(&self, columns: &Columns, outs: &Outs) -> Vec<Stmt> {
        let all = Index::Size(Size::OutH) * Index::Size(Size::OutW);
        let row = |o| Stmt::Row {
            name: Reg::new("row", &[o]),
            buffer: Buffer::Gradient,
            at: (outs.first.clone() + o) * Index::Size(Size::OutPlane),
            len: all.clone(),
        };
        let mut body: Vec<_> = (0..outs.count).map(row).collect();
        let each = pixels_a_turn(self.spec, outs.count * self.vectors, 1);
        body.extend(shares("x", &all, each, &|at, len| self.steps(columns, outs, &at, len)));
        body
    }

    /// Some pixels: the channels of each times the gradients that it met.
    fn steps(&self, columns: &Columns, outs: &Outs, at: &Index, len: usize) -> Vec<Stmt> {
        let (pixels, width) = (Reg::new("pixels", &[]), self.width());
        let window = |o| Stmt::WindowOfRow {
            name: Reg::new("grads", &[o]),
            row: Reg::new("row", &[o]),
            at: at.clone(),
            len,
        };
        let mut body: Vec<_> = (0..outs.count).map(window).collect();
        let tile = columns.tile.clone() * Index::Size(Size::Plane) + at.clone() * width;
        let image = Buffer::Image;
        body.push(Stmt::Window { name: pixels.clone(), buffer: image, at: tile, len: len * width });
        for step in 0..len {
            for (at, _) in self.vectors_of(columns) {
                let value = Vector::Load { window: pixels.clone(), at: step * width + at };
                body.push(Stmt::Set { reg: Reg::new("x", &[step, at]), value });
            }
            for o in 0..outs.count {
                let b = Reg::new("g", &[step, o]);
                let value = Vector::Splat { window: Reg::new("grads", &[o]), at: step };
                body.push(Stmt::Set { reg: b.clone(), value });
                body.extend(self.vectors_of(columns).map(|(at, _)| Stmt::Fma {
                    acc: acc(o, at),
                    a: Reg::new("x", &[step, at]),
                    b: b.clone(),
                }));
            }
        }
        body
    }
}

/// Input channels of one tile.
struct Columns {
    tile: Index,
    count: usize,
}

/// Some output channels.
struct Outs {
    first: Index,
    count: usize,
}

fn acc(o: usize, at: usize) -> Reg {
    Reg::new("acc", &[o, at])
}
