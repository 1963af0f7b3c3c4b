//! The weight's gradient with lanes over output channels.
//!
//! ```text
//! for tile of (c, i, j):  acc[j][c] = sums;  for y, x:  acc[j][c] += grad[y, x][..] * splat(image[c][y, x, tap][..])
//! ```
//!
//! 1. Image and gradient are copied channels-last (the runtime transposes a band of rows at a time, which
//!    stays in the cache), so that a step reads one window of each, however many channels and taps the tile
//!    has.
//! 2. Both copies are cut into blocks as wide as the tile, `[block][pixel][width]` and `[tile][pixel][depth]`, so that
//!    a pass reads each from end to end: pixels of all channels would be as many cache lines apart as a power of two
//!    of them, of which the first level holds few. All taps of a tile of channels come one after the other, while it has
//!    them.
//! 3. The last tile is filled up with channels of zeros, whose sums nobody reads.
//! 4. Of pixels that are zeros of padding nothing is added: a tap passes only over the rows and columns of the output
//!    where it meets the image. That is half of a dilated layer whose padding is as wide as its image.
//! 5. The sums lie `[channel][tap][width]`, which the runtime transposes to the weight's order at once.

use super::counted;
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Var, Vector};
use crate::plan::{Machine, pixels_a_turn};
use crate::spec::{PaddingMode, Spec};

/// A tile of `vectors` by `depth` channels of `columns` taps.
pub(super) struct Tile<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) vectors: usize,
    pub(super) depth: usize,
    pub(super) columns: usize,
}

impl Tile<'_> {
    pub(super) fn lower(&self) -> Nest {
        let spec = self.spec;
        let body = counted("c", spec.in_per_group().div_ceil(self.depth), |c| {
            counted("i", spec.kernel.h, |i| {
                counted("j", spec.kernel.w / self.columns, |j| self.tile(&i, &(j * self.columns), &c))
            })
        });
        Nest { lanes: self.machine.lanes, body }
    }

    fn width(&self) -> usize {
        self.vectors * self.machine.lanes
    }

    fn tile(&self, i: &Index, j: &Index, c: &Index) -> Vec<Stmt> {
        let mut body = Vec::new();
        for (tap, channel) in self.rows() {
            let row = Reg::new("row", &[tap, channel]);
            let at = self.sums_at(i, j, c, tap, channel);
            let window = Stmt::Window { name: row.clone(), buffer: Buffer::Output, at, len: self.width() };
            body.push(window);
            for v in 0..self.vectors {
                let value = Vector::Load { window: row.clone(), at: v * self.machine.lanes };
                body.push(Stmt::Start { acc: acc(tap, channel, v), value });
            }
        }
        body.extend(self.pixels(i, j, c));
        for (tap, channel) in self.rows() {
            for v in 0..self.vectors {
                let at = self.sums_at(i, j, c, tap, channel) + v * self.machine.lanes;
                body.push(Stmt::Store { reg: acc(tap, channel, v), buffer: Buffer::Output, at });
            }
        }
        body
    }

    /// Taps and channels of the tile.
    fn rows(&self) -> impl Iterator<Item = (usize, usize)> {
        let depth = self.depth;
        (0..self.columns).flat_map(move |tap| (0..depth).map(move |channel| (tap, channel)))
    }

    fn sums_at(&self, i: &Index, j: &Index, c: &Index, tap: usize, channel: usize) -> Index {
        let taps = (c.clone() * self.depth + channel) * self.spec.taps();
        (taps + i.clone() * self.spec.kernel.w + j.clone() + tap) * self.width()
    }

    /// All pixels that the tile's taps meet, row by row; of a layer whose rows follow each other, as one row.
    fn pixels(&self, i: &Index, j: &Index, c: &Index) -> Vec<Stmt> {
        if self.spec.is_dense_tap() {
            let all = Index::Size(Size::OutH) * Index::Size(Size::OutW);
            return self.across([Index::Const(0), all], |x| self.places(x.clone(), x, c));
        }
        let y = Index::Var(Var("y"));
        let row = y.clone() * self.spec.stride.h + i.clone() * self.spec.dilation.h;
        let body = self.across(self.columns_met(j), |x| {
            let column = x.clone() * self.spec.stride.w + j.clone() * self.spec.dilation.w;
            let pixel = row.clone() * Index::Size(Size::Pitch) + column;
            self.places(pixel, y.clone() * Index::Size(Size::OutW) + x, c)
        });
        let [from, to] = self.rows_met(i);
        vec![Stmt::For { var: Var("y"), from, to, body }]
    }

    /// Where the channels of a pixel, and its gradients, are in the copies.
    fn places(&self, pixel: Index, out: Index, c: &Index) -> [Index; 2] {
        [c.clone() * Index::Size(Size::Plane) + pixel * self.depth, out * self.width()]
    }

    /// Some output columns, several of them a turn, and one by one those that are left.
    fn across(&self, [from, to]: [Index; 2], places: impl Fn(Index) -> [Index; 2]) -> Vec<Stmt> {
        let each = pixels_a_turn(self.spec, self.vectors * self.depth, self.columns);
        let turn = |var, from: &Index, to, count: usize| {
            let first = from.clone() + Index::Var(Var(var)) * count;
            Stmt::For { var: Var(var), from: Index::Const(0), to, body: self.steps(places(first), count) }
        };
        if each == 1 {
            return vec![turn("x", &from, to.less(from.clone()), 1)];
        }
        let count = to.less(from.clone());
        let whole = count.clone().divided_by(each);
        let rest = from.clone() + whole.clone() * each;
        vec![turn("turn", &from, whole, each), turn("x", &rest, count.modulo(each), 1)]
    }

    /// Output rows of the band where row tap `i` meets the image.
    fn rows_met(&self, i: &Index) -> [Index; 2] {
        let spec = self.spec;
        let tap = i.clone() * spec.dilation.h;
        let axis = Axis {
            stride: spec.stride.h,
            padding: [spec.padding.top, spec.padding.bottom],
            image: Index::Size(Size::ImageH),
            first: Index::Size(Size::First),
            out: Index::Size(Size::OutH),
        };
        axis.met(spec, [tap.clone(), tap])
    }

    /// Output columns where some column tap of the tile meets the image.
    fn columns_met(&self, j: &Index) -> [Index; 2] {
        let spec = self.spec;
        let [first, last] = [0, self.columns - 1].map(|tap| (j.clone() + tap) * spec.dilation.w);
        let axis = Axis {
            stride: spec.stride.w,
            padding: [spec.padding.left, spec.padding.right],
            image: Index::Size(Size::ImageW),
            first: Index::Const(0),
            out: Index::Size(Size::OutW),
        };
        axis.met(spec, [first, last])
    }

    /// Some pixels: the gradients of each times what the tile's taps read for it.
    fn steps(&self, [image, gradient]: [Index; 2], count: usize) -> Vec<Stmt> {
        let next = self.spec.dilation.w.saturating_mul(self.depth);
        let apart = self.spec.stride.w.saturating_mul(self.depth);
        let (pixels, grads) = (Reg::new("pixels", &[]), Reg::new("grads", &[]));
        let len = (count - 1) * apart + (self.columns - 1) * next + self.depth;
        let window = |name: &Reg, buffer, at, len| Stmt::Window { name: name.clone(), buffer, at, len };
        let mut body = vec![
            window(&pixels, Buffer::Image, image, len),
            window(&grads, Buffer::Gradient, gradient, count * self.width()),
        ];
        for step in 0..count {
            for v in 0..self.vectors {
                let at = step * self.width() + v * self.machine.lanes;
                let value = Vector::Load { window: grads.clone(), at };
                body.push(Stmt::Set { reg: Reg::new("g", &[step, v]), value });
            }
            for (tap, channel) in self.rows() {
                let pixel = Reg::new("x", &[step, tap, channel]);
                let value = Vector::Splat { window: pixels.clone(), at: step * apart + tap * next + channel };
                body.push(Stmt::Set { reg: pixel.clone(), value });
                for v in 0..self.vectors {
                    let a = Reg::new("g", &[step, v]);
                    body.push(Stmt::Fma { acc: acc(tap, channel, v), a, b: pixel.clone() });
                }
            }
        }
        body
    }
}

/// Rows or columns.
struct Axis {
    stride: usize,
    padding: [usize; 2],
    /// Pixels of the image.
    image: Index,
    /// The first output that is summed over, and how many there are.
    first: Index,
    out: Index,
}

impl Axis {
    /// The outputs for which some tap, of which the first and the last are so many pixels from the window's start, meets
    /// the image.
    fn met(&self, spec: &Spec, [first_tap, last_tap]: [Index; 2]) -> [Index; 2] {
        let [before, after] = self.padding;
        if spec.padding_mode != PaddingMode::Zeros || before.max(after) == 0 {
            return [Index::Const(0), self.out.clone()];
        }
        let start = self.first.clone() * self.stride;
        let from = Index::Const(before).less(start.clone() + last_tap).tiles_of(self.stride);
        let end = (self.image.clone() + before).less(start + first_tap).tiles_of(self.stride);
        [from, end.at_most(self.out.clone())]
    }
}

fn acc(tap: usize, channel: usize, vector: usize) -> Reg {
    Reg::new("acc", &[tap, channel, vector])
}
