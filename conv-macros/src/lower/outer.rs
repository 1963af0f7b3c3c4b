//! A matrix product in registers: one step multiplies some pixels, splat, by one row of weights, vector by
//! vector, and adds the outer product to a tile of accumulators.
//!
//! A multiply-accumulate waits for the one before on the same accumulator. A tile with too few accumulators to
//! hide that gets several sets of them, which take turns from channel to channel and are added at last.

use std::iter;

use super::Block;
use super::steps::Steps;
use crate::nest::{Buffer, Index, Reg, Stmt, Vector};
use crate::plan::turns;

/// A tile of `pixels` by the vectors of a block.
#[derive(Clone)]
pub(super) struct Outer<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) pixels: usize,
    /// Elements from one pixel to the next.
    pub(super) apart: usize,
    /// The rows that the pixels are in, as many in each, and elements from one row to the next.
    pub(super) rows: (usize, usize),
    /// Elements from one channel of a pixel to the next.
    pub(super) plane: Index,
}

impl Outer<'_> {
    /// Adds the outer products of all input channels: of the pixels and the weights that `at` gives a
    /// channel.
    pub(super) fn channels(&self, at: impl Fn(Index) -> (Index, Index)) -> Vec<Stmt> {
        let (fmas, len) = (self.pixels * self.block.vectors(), self.place(self.pixels - 1) + 1);
        let steps = Steps::new(self.block, self.turns(), fmas, self.plane.clone(), len);
        steps.channels(at, |step| self.step(&steps, step))
    }

    /// Pixels of a row.
    pub(super) fn across(&self) -> usize {
        self.pixels / self.rows.0
    }

    /// Elements from the first pixel to this one.
    fn place(&self, pixel: usize) -> usize {
        let (row, column) = (pixel / self.across(), pixel % self.across());
        row * self.rows.1 + column * self.apart
    }

    /// Adds the outer product of one channel to one set of accumulators. The fewer of its factors, vectors of weights
    /// or splat pixels, stay in registers; the others come one after the other.
    fn step(&self, steps: &Steps<'_>, step: usize) -> Vec<Stmt> {
        let turn = step % self.turns();
        let (weights, pixels) = (self.weights(steps, step), self.splats(steps, step));
        let set = |(reg, value): &(Reg, Vector)| Stmt::Set { reg: reg.clone(), value: value.clone() };
        let fma = |p: usize, v: usize| {
            let (a, b) = (weights[v].0.clone(), pixels[p].0.clone());
            Stmt::Fma { acc: acc(turn, p, v), a, b }
        };
        if pixels.len() < weights.len() {
            let each = |v| iter::once(set(&weights[v])).chain((0..pixels.len()).map(move |p| fma(p, v)));
            pixels.iter().map(set).chain((0..weights.len()).flat_map(each)).collect()
        } else {
            let each = |p| iter::once(set(&pixels[p])).chain((0..weights.len()).map(move |v| fma(p, v)));
            weights.iter().map(set).chain((0..pixels.len()).flat_map(each)).collect()
        }
    }

    /// One channel's weights.
    fn weights(&self, steps: &Steps<'_>, step: usize) -> Vec<(Reg, Vector)> {
        let loads = steps.weights(step).flat_map(|(window, first, len)| {
            let at = (0..len).step_by(self.block.lanes());
            at.map(move |at| Vector::Load { window: window.clone(), at: first + at })
        });
        let loads = loads.take(self.block.vectors()).enumerate();
        loads.map(|(v, load)| (Reg::new("w", &[step, v]), load)).collect()
    }

    /// The pixels of one channel.
    fn splats(&self, steps: &Steps<'_>, step: usize) -> Vec<(Reg, Vector)> {
        let (window, first) = steps.pixels(step);
        let splat = |p| Vector::Splat { window: window.clone(), at: first + self.place(p) };
        (0..self.pixels).map(|p| (Reg::new("x", &[step, p]), splat(p))).collect()
    }

    /// Starts the first set of accumulators with what `value` says for a vector, the others with zero.
    pub(super) fn start(&self, value: impl Fn(usize) -> Vector) -> Vec<Stmt> {
        let start = |turn, v| if turn == 0 { value(v) } else { Vector::Zero };
        let each = (0..self.turns()).flat_map(|turn| self.each().map(move |(p, v)| (turn, p, v)));
        each.map(|(turn, p, v)| Stmt::Start { acc: acc(turn, p, v), value: start(turn, v) }).collect()
    }

    /// Adds up the sets, and stores the tile, `[pixel][channel]`, from `at` on.
    pub(super) fn store(&self, buffer: Buffer, at: &Index) -> Vec<Stmt> {
        let (width, lanes) = (self.block.width, self.block.lanes());
        let mut body = Vec::new();
        for (p, v) in self.each() {
            let terms: Vec<_> = (0..self.turns()).map(|turn| (1.0, acc(turn, p, v))).collect();
            let reg = match terms.as_slice() {
                [(_, only)] => only.clone(),
                _ => Reg::new("sum", &[p, v]),
            };
            if terms.len() > 1 {
                body.push(Stmt::Combine { reg: reg.clone(), terms });
            }
            body.push(Stmt::Store { reg, buffer, at: at.clone() + (p * width + v * lanes) });
        }
        body
    }

    /// Sets of accumulators.
    fn turns(&self) -> usize {
        turns(self.block.spec, self.pixels * self.block.vectors())
    }

    /// Pixels and vectors.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (pixels, vectors) = (self.pixels, self.block.vectors());
        (0..pixels).flat_map(move |p| (0..vectors).map(move |v| (p, v)))
    }
}

fn acc(turn: usize, pixel: usize, vector: usize) -> Reg {
    Reg::new("acc", &[turn, pixel, vector])
}
