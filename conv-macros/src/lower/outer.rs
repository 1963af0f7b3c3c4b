//! A matrix product in registers: one step multiplies some pixels, splat, by one row of weights, vector by
//! vector, and adds the outer product to a tile of accumulators.

use super::Block;
use crate::nest::{Buffer, Index, Reg, Stmt, Vector};

/// A tile of `pixels` by the vectors of a block.
#[derive(Clone, Copy)]
pub(super) struct Outer<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) pixels: usize,
    /// Elements from one pixel to the next.
    pub(super) apart: usize,
}

impl Outer<'_> {
    /// Adds the outer product of the pixels from `at` on and the weights from `weights` on.
    pub(super) fn step(self, at: Index, weights: Index) -> Vec<Stmt> {
        let (block, vectors) = (self.block, self.block.vectors());
        let (x, w) = (Reg::new("pixels", &[]), Reg::new("weight_row", &[]));
        let len = (self.pixels - 1) * self.apart + 1;
        let mut body = vec![
            Stmt::Window { name: x.clone(), buffer: Buffer::Image, at, len },
            Stmt::Window { name: w.clone(), buffer: Buffer::Weights, at: weights, len: block.width },
        ];
        for v in 0..vectors {
            let value = Vector::Load { window: w.clone(), at: v * block.lanes() };
            body.push(Stmt::Set { reg: Reg::new("w", &[v]), value });
        }
        for p in 0..self.pixels {
            let pixel = Reg::new("x", &[p]);
            let value = Vector::Splat { window: x.clone(), at: p * self.apart };
            body.push(Stmt::Set { reg: pixel.clone(), value });
            for v in 0..vectors {
                body.push(Stmt::Fma { acc: acc(p, v), a: Reg::new("w", &[v]), b: pixel.clone() });
            }
        }
        body
    }

    /// Starts every accumulator with what `value` says for its vector.
    pub(super) fn start(self, value: impl Fn(usize) -> Vector) -> Vec<Stmt> {
        self.each().map(|(p, v)| Stmt::Start { acc: acc(p, v), value: value(v) }).collect()
    }

    /// Stores the tile, `[pixel][channel]`, from row `row` of a buffer on.
    pub(super) fn store(self, buffer: Buffer, row: &Index) -> Vec<Stmt> {
        let (width, lanes) = (self.block.width, self.block.lanes());
        let at = |p, v| (row.clone() + p) * width + v * lanes;
        self.each().map(|(p, v)| Stmt::Store { reg: acc(p, v), buffer, at: at(p, v) }).collect()
    }

    /// Pixels and vectors.
    fn each(self) -> impl Iterator<Item = (usize, usize)> {
        let vectors = self.block.vectors();
        (0..self.pixels).flat_map(move |p| (0..vectors).map(move |v| (p, v)))
    }
}

fn acc(pixel: usize, vector: usize) -> Reg {
    Reg::new("acc", &[pixel, vector])
}
