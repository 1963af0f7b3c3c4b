//! A matrix product in registers: one step multiplies some pixels, splat, by one row of weights, vector by
//! vector, and adds the outer product to a tile of accumulators.
//!
//! A multiply-accumulate waits for the one before on the same accumulator. A tile with too few accumulators to
//! hide that gets several sets of them, which take turns from channel to channel and are added at last.

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
    /// Elements from one channel of a pixel to the next.
    pub(super) plane: Index,
}

impl Outer<'_> {
    /// Adds the outer products of all input channels: of the pixels and the weights that `at` gives a
    /// channel.
    pub(super) fn channels(&self, at: impl Fn(Index) -> (Index, Index)) -> Vec<Stmt> {
        let (fmas, len) = (self.pixels * self.block.vectors(), (self.pixels - 1) * self.apart + 1);
        let steps = Steps::new(self.block, self.turns(), fmas, self.plane.clone(), len);
        steps.channels(at, |step| self.step(&steps, step))
    }

    /// Adds the outer product of one channel to one set of accumulators.
    fn step(&self, steps: &Steps<'_>, step: usize) -> Vec<Stmt> {
        let (lanes, turn) = (self.block.lanes(), step % self.turns());
        let mut registers = (0..self.block.vectors()).map(|v| Reg::new("w", &[step, v]));
        let mut body = Vec::new();
        for (window, first, len) in steps.weights(step) {
            for (at, reg) in (0..len).step_by(lanes).zip(&mut registers) {
                let value = Vector::Load { window: window.clone(), at: first + at };
                body.push(Stmt::Set { reg, value });
            }
        }
        let (window, first) = steps.pixels(step);
        for p in 0..self.pixels {
            let pixel = Reg::new("x", &[step, p]);
            let value = Vector::Splat { window: window.clone(), at: first + p * self.apart };
            body.push(Stmt::Set { reg: pixel.clone(), value });
            for v in 0..self.block.vectors() {
                let (acc, a) = (acc(turn, p, v), Reg::new("w", &[step, v]));
                body.push(Stmt::Fma { acc, a, b: pixel.clone() });
            }
        }
        body
    }

    /// Starts the first set of accumulators with what `value` says for a vector, the others with zero.
    pub(super) fn start(&self, value: impl Fn(usize) -> Vector) -> Vec<Stmt> {
        let start = |turn, v| if turn == 0 { value(v) } else { Vector::Zero };
        let each = (0..self.turns()).flat_map(|turn| self.each().map(move |(p, v)| (turn, p, v)));
        each.map(|(turn, p, v)| Stmt::Start { acc: acc(turn, p, v), value: start(turn, v) }).collect()
    }

    /// Adds up the sets, and stores the tile, `[pixel][channel]`, from row `row` of a buffer on.
    pub(super) fn store(&self, buffer: Buffer, row: &Index) -> Vec<Stmt> {
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
            body.push(Stmt::Store { reg, buffer, at: (row.clone() + p) * width + v * lanes });
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
