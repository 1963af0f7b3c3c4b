//! Lanes over output columns with the taps unrolled: several output rows at once.
//!
//! ```text
//! for y, x:  acc[t] = bias
//!     for c, each input row r that rows y.. y + t need, each column tap j:
//!         x = image[c][r, x + j ..]
//!         acc[t] += x * splat(weight[i][j])  for all t, i with  t * stride + i * dilation = r
//! ```
//!
//! For depthwise layers and image filters a multiply-accumulate has nobody to share its load with but the
//! output rows below: input row `r` is tap 0 of output row `r`, tap 1 of row `r - 1`, and so on. With four
//! rows of a 3x3 kernel, 18 loads serve 36 multiply-accumulates; row by row it would be 36.
//!
//! A weight serves as many output rows as the tile has, at times that lie apart. Where all weights do not fit the
//! registers beside the accumulators, the compiler would still keep them, and spill. There the columns of taps are
//! a counted loop, with the weights of one column in registers:
//!
//! ```text
//!     for j:  for each input row r:  x = image[c][r, x + j ..]
//!         acc[t] += x * splat(weight[i][j])  for all t, i with  t * stride + i * dilation = r
//! ```
//!
//! With 7x7 taps and eight rows, 14 loads and 7 weights serve 56 multiply-accumulates. The compiler must not know
//! how often the loop runs: unrolled, it would move all loads to the front and spill (7x7 on 96@56: 600 us; 224 us
//! when rows took turns instead, with weights multiplied from memory).
//!
//! Rows at the bottom that do not fill a tile are computed again with those above, like the columns at the
//! right (`direct_ow`).

use super::direct_ow::{acc, across, start, store};
use super::{Block, accumulate, counted, ladder};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Var, Vector};

pub(super) fn lower(block: &Block<'_>, rows: usize, vectors: usize) -> Vec<Stmt> {
    ladder("y", &block.size(Size::OutH), &block.row_steps(rows), &|y, rows| {
        across(block, vectors, &|span| {
            let tile = Tile { block, rows, vectors: span.vectors };
            let mut body = start(block, block.channels, rows, span.vectors);
            body.extend(counted("c", block.spec.in_per_group(), |c| tile.channel(&y, &span.x, &c)));
            body.extend(store(block, &y, rows, &span));
            body
        })
    })
}

struct Tile<'a> {
    block: &'a Block<'a>,
    rows: usize,
    vectors: usize,
}

impl Tile<'_> {
    /// All taps of one input channel: all at once, or column by column if that is as much as the registers hold.
    fn channel(&self, y: &Index, x: &Index, channel: &Index) -> Vec<Stmt> {
        if self.block.plan.loops_over_columns(self.block.spec) {
            self.looped(y, x, channel)
        } else {
            self.unrolled(y, x, channel)
        }
    }

    fn unrolled(&self, y: &Index, x: &Index, channel: &Index) -> Vec<Stmt> {
        let (block, spec) = (self.block, self.block.spec);
        let mut body = vec![self.weights(Index::Const(0), spec.kernel.w, channel)];
        for (r, users) in block.rows_read(self.rows) {
            for phase in 0..block.plan.phases {
                let of_phase = |j: &usize| j * spec.dilation.w % block.plan.phases == phase;
                let taps: Vec<_> = (0..spec.kernel.w).filter(of_phase).collect();
                let Some(last) = taps.last() else { continue };
                let start = block.size(Size::Pitch).divided_by(block.plan.phases) * phase;
                let reach = last * spec.dilation.w / block.plan.phases;
                body.push(self.window(row_name(r, phase), self.row(y, x, channel, r) + start, reach));
                for j in taps {
                    let at = j * spec.dilation.w / block.plan.phases;
                    body.extend(self.tap((row_name(r, phase), at), r, j, &users));
                }
            }
        }
        body
    }

    fn looped(&self, y: &Index, x: &Index, channel: &Index) -> Vec<Stmt> {
        let (block, columns) = (self.block, self.block.spec.kernel.w);
        let j = Var("j");
        let mut body = vec![self.weights(Index::Var(j), 1, channel)];
        for (r, users) in block.rows_read(self.rows) {
            let at = self.row(y, x, channel, r) + block.column_of_tap(Index::Var(j));
            body.push(self.window(row_name(r, 0), at, 0));
            body.extend(self.tap((row_name(r, 0), 0), r, 0, &users));
        }
        vec![Stmt::For { var: j, from: Index::Const(0), to: Index::Opaque(columns), body }]
    }

    /// The window of the weights of `columns` columns of taps, from column `j` on.
    fn weights(&self, j: Index, columns: usize, channel: &Index) -> Stmt {
        let (block, spec) = (self.block, self.block.spec);
        let last = (spec.kernel.h - 1) * spec.kernel.w + columns - 1;
        let (buffer, at) = (Buffer::Weights, block.weights_at(j, channel.clone()));
        Stmt::Window {
            name: Reg::new("weight_row", &[]),
            buffer,
            at,
            len: weight(block, last, block.width - 1) + 1,
        }
    }

    /// Where the tile starts in input row `r`.
    fn row(&self, y: &Index, x: &Index, channel: &Index, r: usize) -> Index {
        let block = self.block;
        let row = y.clone() * block.spec.stride.h + r;
        channel.clone() * block.size(Size::Plane) + row * block.size(Size::Pitch) + x.clone()
    }

    /// The tile's columns of an input row, and so many more.
    fn window(&self, name: Reg, at: Index, reach: usize) -> Stmt {
        Stmt::Window { name, buffer: Buffer::Image, at, len: reach + self.vectors * self.block.lanes() }
    }

    /// One column tap of one input row, found in a window: a load for each vector, and all that it serves.
    fn tap(&self, (window, at): (Reg, usize), r: usize, j: usize, users: &[(usize, usize)]) -> Vec<Stmt> {
        let block = self.block;
        let mut body = Vec::new();
        let products = products(block, (r, j), users, self.vectors);
        if products.is_empty() {
            return body;
        }
        for v in 0..self.vectors {
            let value = Vector::Load { window: window.clone(), at: at + v * block.lanes() };
            body.push(Stmt::Set { reg: Reg::new("x", &[r, j, v]), value });
        }
        body.extend(products);
        body
    }
}

/// What one column tap of one input row adds to all outputs of a tile that it serves. The row's pixels are in registers.
pub(super) fn products(
    block: &Block<'_>,
    (r, j): (usize, usize),
    users: &[(usize, usize)],
    vectors: usize,
) -> Vec<Stmt> {
    let mut products = Vec::new();
    for &(t, i) in users {
        for o in 0..block.channels {
            let tap = i * block.spec.kernel.w + j;
            let value = Vector::Splat { window: Reg::new("weight_row", &[]), at: weight(block, tap, o) };
            let pairs = (0..vectors).map(|v| (acc(o, t, v), Reg::new("x", &[r, j, v])));
            let weight = (Reg::new("w", &[tap, o]), value);
            products.extend(accumulate(block.factor(tap, None, o), weight, pairs));
        }
    }
    products
}

/// Where a weight stands in the channel's window.
fn weight(block: &Block<'_>, tap: usize, o: usize) -> usize {
    tap * block.spec.in_per_group() * block.width + o
}

fn row_name(r: usize, phase: usize) -> Reg {
    Reg::new("row", &[r, phase])
}
