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
//! A weight serves as many output rows as the tile has, at times that lie apart. Where the weights do not
//! all fit the registers beside the accumulators, the compiler would still keep them, and spill: it is made
//! to forget them after each input row, and multiplies by the weight in memory. (7x7 on 96@56: 283 us for
//! 348. A 3x3 kernel, whose nine weights fit, would lose as much: 107 for 76.)
//!
//! Rows at the bottom that do not fill a tile are computed again with those above, like the columns at the
//! right (`direct_ow`).

use std::collections::BTreeMap;

use super::direct_ow::{acc, across, start, store};
use super::{Block, accumulate, counted, ladder};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Vector};

pub(super) fn lower(block: &Block<'_>, rows: usize, vectors: usize) -> Vec<Stmt> {
    let steps = if rows == 1 { vec![1] } else { vec![rows, 1] };
    ladder("y", &block.size(Size::OutH), &steps, &|y, rows| {
        across(block, vectors, &|x, vectors| {
            let tile = Tile { block, rows, vectors };
            let mut body = start(block, block.channels, rows, vectors);
            body.extend(counted("c", block.spec.in_per_group(), |c| tile.channel(&y, &x, &c)));
            body.extend(store(block, &y, &x, rows, vectors));
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
    /// All taps of one input channel.
    fn channel(&self, y: &Index, x: &Index, channel: &Index) -> Vec<Stmt> {
        let (block, spec) = (self.block, self.block.spec);
        let weights = Stmt::Window {
            name: Reg::new("weight_row", &[]),
            buffer: Buffer::Weights,
            at: block.weights_at(Index::Const(0), channel.clone()),
            len: self.weight(spec.taps() - 1, block.width - 1) + 1,
        };
        let kept = block.plan.keeps_weights(spec);
        let mut body = Vec::from_iter(kept.then(|| weights.clone()));
        for (r, users) in self.rows_read() {
            if !kept {
                body.extend([Stmt::Forget { buffer: Buffer::Weights }, weights.clone()]);
            }
            let row = y.clone() * spec.stride.h + r;
            let at = channel.clone() * block.size(Size::Plane) + row * block.size(Size::Pitch) + x.clone();
            body.extend(self.row(&at, &users, r));
        }
        body
    }

    /// Each input row that the tile reads, with the output rows that read it and with which tap row.
    fn rows_read(&self) -> BTreeMap<usize, Vec<(usize, usize)>> {
        let spec = self.block.spec;
        let mut rows = BTreeMap::<_, Vec<_>>::new();
        for t in 0..self.rows {
            for i in 0..spec.kernel.h {
                rows.entry(t * spec.stride.h + i * spec.dilation.h).or_default().push((t, i));
            }
        }
        rows
    }

    /// All column taps of one input row. Each of its phases is a window of its own.
    fn row(&self, at: &Index, users: &[(usize, usize)], r: usize) -> Vec<Stmt> {
        let (block, spec) = (self.block, self.block.spec);
        let phases = block.plan.phases;
        let mut body = Vec::new();
        for phase in 0..phases {
            let taps: Vec<_> = (0..spec.kernel.w).filter(|j| j * spec.dilation.w % phases == phase).collect();
            let Some(last) = taps.last() else { continue };
            let start = block.size(Size::Pitch).divided_by(phases) * phase;
            body.push(Stmt::Window {
                name: row_name(r, phase),
                buffer: Buffer::Image,
                at: at.clone() + start,
                len: last * spec.dilation.w / phases + self.vectors * block.lanes(),
            });
            for j in taps {
                body.extend(self.tap(&row_name(r, phase), r, j, users));
            }
        }
        body
    }

    /// One column tap of one input row: a load for each vector, and all that it serves.
    fn tap(&self, window: &Reg, r: usize, j: usize, users: &[(usize, usize)]) -> Vec<Stmt> {
        let (block, spec) = (self.block, self.block.spec);
        let mut body = Vec::new();
        let mut products = Vec::new();
        for &(t, i) in users {
            for o in 0..block.channels {
                let tap = i * spec.kernel.w + j;
                let value = Vector::Splat { window: Reg::new("weight_row", &[]), at: self.weight(tap, o) };
                let pairs = (0..self.vectors).map(|v| (acc(o, t, v), Reg::new("x", &[r, j, v])));
                products.extend(accumulate(
                    block.factor(tap, None, o),
                    (Reg::new("w", &[tap, o]), value),
                    pairs,
                ));
            }
        }
        if products.is_empty() {
            return body;
        }
        for v in 0..self.vectors {
            let at = j * spec.dilation.w / block.plan.phases + v * block.lanes();
            let value = Vector::Load { window: window.clone(), at };
            body.push(Stmt::Set { reg: Reg::new("x", &[r, j, v]), value });
        }
        body.extend(products);
        body
    }

    /// Where a weight stands in the channel's window.
    fn weight(&self, tap: usize, o: usize) -> usize {
        tap * self.block.spec.in_per_group() * self.block.width + o
    }
}

fn row_name(r: usize, phase: usize) -> Reg {
    Reg::new("row", &[r, phase])
}
