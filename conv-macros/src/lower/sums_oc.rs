//! The weight's gradient with lanes over output channels.
//!
//! ```text
//! for tile of (i, j, c):  acc[j][c] = sums;  for y, x:  acc[j][c] += grad[y, x][..] * splat(image[y, x, tap][c])
//! ```
//!
//! 1. Image and gradient are copied channels-last (the runtime transposes a band of rows at a time, which
//!    stays in the cache), so that a step reads one window of each, however many channels and taps the tile
//!    has.
//! 2. The gradient's copy is cut into blocks as wide as the tile: `[block][pixel][width]`.
//! 3. The image's copy has as many channels as fill whole tiles, the last of them zeros, whose sums nobody
//!    reads.
//! 4. Of pixels that are zeros of padding nothing is added: a tap passes only over the rows and columns of the output
//!    where it meets the image. That is half of a dilated layer whose padding is as wide as its image.
//! 5. The sums lie `[channel][tap][width]`, which the runtime transposes to the weight's order at once.

use super::counted;
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Var, Vector};
use crate::plan::Machine;
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
        let body = counted("i", spec.kernel.h, |i| {
            counted("j", spec.kernel.w / self.columns, |j| {
                counted("c", spec.in_per_group().div_ceil(self.depth), |c| {
                    self.tile(&i, &(j * self.columns), &(c * self.depth))
                })
            })
        });
        Nest { lanes: self.machine.lanes, body }
    }

    /// Channels of the image's copy.
    fn channels(&self) -> usize {
        self.spec.in_per_group().next_multiple_of(self.depth)
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
        body.push(self.pixels(i, j, c));
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
        let taps = (c.clone() + channel) * self.spec.taps();
        (taps + i.clone() * self.spec.kernel.w + j.clone() + tap) * self.width()
    }

    fn pixels(&self, i: &Index, j: &Index, c: &Index) -> Stmt {
        let (spec, x, y) = (self.spec, Index::Var(Var("x")), Index::Var(Var("y")));
        let row = y.clone() * spec.stride.h + i.clone() * spec.dilation.h;
        let column = x.clone() * spec.stride.w + j.clone() * spec.dilation.w;
        let at = (row * Index::Size(Size::Pitch) + column) * self.channels() + c.clone();
        let across = self.step(at, (y * Index::Size(Size::OutW) + x) * self.width());
        let [from_y, to_y] = self.rows_met(i);
        let [from_x, to_x] = self.columns_met(j);
        Stmt::For {
            var: Var("y"),
            from: from_y,
            to: to_y,
            body: vec![Stmt::For { var: Var("x"), from: from_x, to: to_x, body: across }],
        }
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

    /// One pixel: its gradients times what the tile's taps read for it.
    fn step(&self, image: Index, gradient: Index) -> Vec<Stmt> {
        let (lanes, next) = (self.machine.lanes, self.spec.dilation.w.saturating_mul(self.channels()));
        let (pixels, grads) = (Reg::new("pixels", &[]), Reg::new("grads", &[]));
        let len = (self.columns - 1) * next + self.depth;
        let mut body = vec![
            Stmt::Window { name: pixels.clone(), buffer: Buffer::Image, at: image, len },
            Stmt::Window { name: grads.clone(), buffer: Buffer::Gradient, at: gradient, len: self.width() },
        ];
        for v in 0..self.vectors {
            let value = Vector::Load { window: grads.clone(), at: v * lanes };
            body.push(Stmt::Set { reg: Reg::new("g", &[v]), value });
        }
        for (tap, channel) in self.rows() {
            let pixel = Reg::new("x", &[tap, channel]);
            let value = Vector::Splat { window: pixels.clone(), at: tap * next + channel };
            body.push(Stmt::Set { reg: pixel.clone(), value });
            for v in 0..self.vectors {
                let a = Reg::new("g", &[v]);
                body.push(Stmt::Fma { acc: acc(tap, channel, v), a, b: pixel.clone() });
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
