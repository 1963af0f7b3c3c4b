//! The input's gradient of layers of which every place meets one tap: weights as `forward` has them, times the output's
//! gradient, for some blocks of output channels.
//!
//! ```text
//! for tile of (row, p):  acc[row] = sums[row][p ..];  for o:  acc[row] += grad[o][p ..] * splat(weights[row][o])
//! ```
//!
//! 1. A row of a block's weights is an input channel at a tap, its output channels side by side. The rows are read in the
//!    order in which they lie, each once for all pixels of a tile, so that those of a layer of many channels come from far
//!    in one stream.
//! 2. The gradient is read as it is, in whole vectors of pixels. Those that fill none have their channels last, and meet
//!    the weights lane by lane: 49 pixels would be four vectors of 16 for a little more than three.
//! 3. All tiles add to what the blocks before have left, so none may overlap another.

use super::{counted, shares};
use crate::nest::{Buffer, Index, Nest, Reg, Size, Stmt, Vector};
use crate::plan::ProductPlan;
use crate::spec::Spec;

/// The kernel for a full block of output channels, or for the narrower one.
pub(crate) fn lower_product(adjoint: &Spec, plan: &ProductPlan, tail: bool) -> Nest {
    let channels = adjoint.in_per_group();
    let (width, outs) = if tail { (plan.tail, channels % plan.block) } else { (plan.block, plan.block) };
    let known = adjoint.input.map(|out| Index::Const(out.h.saturating_mul(out.w)));
    let pixels = known.unwrap_or(Index::Size(Size::OutW));
    let (is_one, all) = (tail || plan.blocks() == 1, adjoint.out_per_group());
    let product = Product { plan, width, outs, is_one, all, pitch: plan.packed(channels), pixels };
    Nest { lanes: plan.machine.lanes, body: product.rows() }
}

struct Product<'a> {
    plan: &'a ProductPlan,
    /// Output channels of the block in the packed weights, and those that exist.
    width: usize,
    outs: usize,
    /// Whether there is one block a call.
    is_one: bool,
    /// All rows of a block.
    all: usize,
    /// From one pixel with channels last to the next.
    pitch: usize,
    pixels: Index,
}

/// Output channels from one on, in a block of the call.
struct Channels {
    block: Index,
    first: Index,
}

/// Some rows of weights.
struct Rows {
    first: Index,
    count: usize,
}

impl Product<'_> {
    fn rows(&self) -> Vec<Stmt> {
        let (lanes, vectors) = (self.plan.machine.lanes, self.plan.vectors);
        let [whole, rest] = [self.pixels.clone().divided_by(lanes), self.pixels.clone().modulo(lanes)];
        shares("row", &Index::Size(Size::Outs), self.plan.rows, &|first, count| {
            let rows = Rows { first, count };
            let mut body =
                shares("x", &whole, vectors, &|x, vectors| self.tile(&rows, &(x * lanes), vectors));
            body.extend(shares("p", &rest, vectors, &|p, pixels| self.dots(&rows, &p, pixels)));
            body
        })
    }

    /// Where a row of sums has a pixel.
    fn place(&self, rows: &Rows, k: usize, pixel: Index) -> Index {
        (rows.first.clone() + k) * self.pixels.clone() + pixel
    }

    /// Some vectors of pixels.
    fn tile(&self, rows: &Rows, x: &Index, vectors: usize) -> Vec<Stmt> {
        let lanes = self.plan.machine.lanes;
        let mut body = Vec::new();
        for k in 0..rows.count {
            let (name, at) = (Reg::new("sums", &[k]), self.place(rows, k, x.clone()));
            body.push(Stmt::Window { name: name.clone(), buffer: Buffer::Output, at, len: vectors * lanes });
            body.extend((0..vectors).map(|v| {
                let value = Vector::Load { window: name.clone(), at: v * lanes };
                Stmt::Start { acc: acc(k, v), value }
            }));
        }
        let turn = ProductPlan::turn(rows.count * vectors);
        body.extend(self.blocks(|block| {
            shares("o", &Index::Const(self.outs), turn, &|o, turn| {
                self.steps(rows, x, vectors, &Channels { block: block.clone(), first: o }, turn)
            })
        }));
        for k in 0..rows.count {
            body.extend((0..vectors).map(|v| {
                let at = self.place(rows, k, x.clone()) + v * lanes;
                Stmt::Store { reg: acc(k, v), buffer: Buffer::Output, at }
            }));
        }
        body
    }

    /// Some output channels: the pixels of each times the weights that they met.
    fn steps(&self, rows: &Rows, x: &Index, vectors: usize, from: &Channels, count: usize) -> Vec<Stmt> {
        let (lanes, apart) = (self.plan.machine.lanes, self.pixels.constant());
        let mut body = vec![self.weights(rows, from, count)];
        let window = |step, count: usize| {
            let at = (from.block.clone() * self.width + from.first.clone() + step) * self.pixels.clone()
                + x.clone();
            let len = (count - 1) * apart.unwrap_or(0) + vectors * lanes;
            Stmt::Window { name: Reg::new("grads", &[step]), buffer: Buffer::Gradient, at, len }
        };
        // One check for all, where it is known how far apart they are.
        match apart {
            Some(_) => body.push(window(0, count)),
            None => body.extend((0..count).map(|step| window(step, 1))),
        }
        for step in 0..count {
            let (window, first) = apart.map_or((step, 0), |apart| (0, step * apart));
            body.extend((0..vectors).map(|v| {
                let value = Vector::Load { window: Reg::new("grads", &[window]), at: first + v * lanes };
                Stmt::Set { reg: Reg::new("g", &[step, v]), value }
            }));
            for k in 0..rows.count {
                let b = Reg::new("weight", &[step, k]);
                let value = Vector::Splat { window: Reg::new("weight_rows", &[]), at: k * self.width + step };
                body.push(Stmt::Set { reg: b.clone(), value });
                let fma = |v| Stmt::Fma { acc: acc(k, v), a: Reg::new("g", &[step, v]), b: b.clone() };
                body.extend((0..vectors).map(fma));
            }
        }
        body
    }

    /// The body for each block of the call.
    fn blocks(&self, body: impl FnOnce(Index) -> Vec<Stmt>) -> Vec<Stmt> {
        if self.is_one { body(Index::Const(0)) } else { counted("block", Index::Size(Size::Groups), body) }
    }

    /// Some pixels that fill no vector: lanes are output channels.
    fn dots(&self, rows: &Rows, p: &Index, pixels: usize) -> Vec<Stmt> {
        let lanes = self.plan.machine.lanes;
        let pairs = || (0..rows.count).flat_map(|k| (0..pixels).map(move |p| (k, p)));
        let start = |(k, p)| Stmt::Start { acc: acc(k, p), value: Vector::Zero };
        let mut body: Vec<_> = pairs().map(start).collect();
        let vectors = |block: Index| {
            counted("o", self.width / lanes, |o| {
                let from = Channels { block: block.clone(), first: o * lanes };
                let mut body = vec![self.weights(rows, &from, lanes)];
                for pixel in 0..pixels {
                    let (name, buffer) = (Reg::new("grads", &[pixel]), Buffer::Image);
                    let channel = from.block.clone() * self.width + from.first.clone();
                    let at = (p.clone() + pixel) * self.pitch + channel;
                    body.push(Stmt::Window { name: name.clone(), buffer, at, len: lanes });
                    let value = Vector::Load { window: name, at: 0 };
                    body.push(Stmt::Set { reg: Reg::new("g", &[pixel]), value });
                }
                for k in 0..rows.count {
                    let b = Reg::new("weight", &[k]);
                    let value = Vector::Load { window: Reg::new("weight_rows", &[]), at: k * self.width };
                    body.push(Stmt::Set { reg: b.clone(), value });
                    let fma = |p| Stmt::Fma { acc: acc(k, p), a: Reg::new("g", &[p]), b: b.clone() };
                    body.extend((0..pixels).map(fma));
                }
                body
            })
        };
        body.extend(self.blocks(vectors));
        let first = self.pixels.clone().divided_by(lanes) * lanes + p.clone();
        let sums = pairs().map(|(k, p)| (acc(k, p), self.place(rows, k, first.clone() + p)));
        body.push(Stmt::AddLanes { sums: sums.collect(), buffer: Buffer::Output });
        body
    }

    /// The weights of so many output channels in all rows.
    fn weights(&self, rows: &Rows, from: &Channels, count: usize) -> Stmt {
        let block = from.block.clone() * (self.all * self.width);
        let at = block + rows.first.clone() * self.width + from.first.clone();
        let len = (rows.count - 1) * self.width + count;
        Stmt::Window { name: Reg::new("weight_rows", &[]), buffer: Buffer::Weights, at, len }
    }
}

fn acc(row: usize, at: usize) -> Reg {
    Reg::new("acc", &[row, at])
}
