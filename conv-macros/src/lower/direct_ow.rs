//! Lanes over output columns: a tile of some output channels by `vectors` of neighbouring columns.
//!
//! ```text
//! for y, x:  acc[o] = bias[o];  for tap, c:  acc[o] += image[c][y, x.., tap] * splat(weights[tap][c][o])
//! ```
//!
//! 1. Rows of the output are stored as they are computed: nothing is transposed. That wins where there are
//!    few channels, or few products in an output element. A 1x1 kernel reads the image as one long row, so
//!    that small maps fill whole vectors.
//! 2. With a stride, the columns of one tap lie apart; the padded copy has them side by side (`phases`).
//! 3. Taps are counted loops. Unrolled, the compiler hoists the loads of all taps and spills accumulators:
//!    measured at 53 % of peak for 8 channels x 48 columns where the loops reach 96 %.
//! 4. The last tile of a row moves back to end with the row, and is as wide as what the others leave, where that is known.
//!    (AVX-512, Granite Rapids, 7x7 stride 2, 3 to 64 channels @224, whose rows are three and a half tiles of 32 columns:
//!    1580 us and 1330.) A row that is narrower than a tile by less than a vector is computed in one tile, of whose last
//!    vector the first lanes are stored.

use super::steps::Steps;
use super::{Block, ladder, needed, ranged};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Vector};
use crate::plan::tiles_of_row;

pub(super) fn lower(block: &Block<'_>, vectors: usize) -> Vec<Stmt> {
    ladder("y", &block.size(Size::OutH), &[1], &|y, _| {
        let body = |span: Span| {
            let tile = Tile { block, vectors: span.vectors };
            let mut body = start(block, block.channels, 1, span.vectors);
            body.extend(tile.taps(&y, &span.x));
            body.extend(store(block, &y, 1, &span));
            body
        };
        narrower_last(block, vectors, &body).unwrap_or_else(|| across(block, vectors, &body))
    })
}

/// Tiles over a row of which the last is narrower, if there is one.
fn narrower_last(block: &Block<'_>, vectors: usize, body: &dyn Fn(Span) -> Vec<Stmt>) -> Option<Vec<Stmt>> {
    let (lanes, columns) = (block.lanes(), block.size(Size::OutW).constant()?);
    let (whole, rest) = tiles_of_row(columns, vectors, lanes);
    let (step, span) = (vectors * lanes, |x, vectors| Span { x, vectors, beyond: false });
    (rest > 0).then(|| {
        let ends = [&Index::Const(0), &Index::Const(whole * step)];
        let mut all = super::tiles("x", ends, step, &|x, _| body(span(x, vectors)));
        all.extend(body(span(Index::Const(columns - rest * lanes), rest)));
        all
    })
}

/// The columns of a tile.
pub(super) struct Span {
    pub(super) x: Index,
    pub(super) vectors: usize,
    /// The last vector reaches beyond the row, which starts with the tile.
    beyond: bool,
}

/// Tiles of `vectors` vectors over the columns of a row, or of one vector where the row is shorter; and one
/// tile for a row that is shorter by less than a vector, if what the kernel reads goes on beyond the row. (Tiles of two
/// vectors between four and one gained nothing: 5x5, 1 to 6 channels @28 without its size, took 3.0 us either way.)
pub(super) fn across(block: &Block<'_>, vectors: usize, body: &dyn Fn(Span) -> Vec<Stmt>) -> Vec<Stmt> {
    let (lanes, extent) = (block.lanes(), block.size(Size::OutW));
    let whole = |vectors: usize| {
        let body = |x, _| body(Span { x, vectors, beyond: false });
        (vectors * lanes, super::tiles("x", [&Index::Const(0), &extent], vectors * lanes, &body))
    };
    let beyond = |vectors: usize| {
        let least = (vectors - 1) * lanes + 1;
        (least, body(Span { x: Index::Const(0), vectors, beyond: true }))
    };
    let mut choices = vec![whole(vectors)];
    if vectors > 1 {
        choices.extend(block.plan.copy.then(|| beyond(vectors)));
        choices.push(whole(1));
    }
    choices.push(beyond(1));
    let shortest = block.least(Size::OutW);
    first_choice(&extent, needed(choices, |(least, _)| *least <= shortest))
}

/// The first body whose least extent is reached; the last one's always is.
fn first_choice(extent: &Index, choices: Vec<(usize, Vec<Stmt>)>) -> Vec<Stmt> {
    if let Some(known) = extent.constant() {
        let chosen = choices.into_iter().find(|(least, _)| known >= *least);
        return chosen.map_or_else(Vec::new, |(_, body)| body);
    }
    let chain = choices.into_iter().rev().reduce(|(_, otherwise), (at_least, then)| {
        (at_least, vec![Stmt::Choose { value: extent.clone(), at_least, then, otherwise }])
    });
    chain.map_or_else(Vec::new, |(_, body)| body)
}

/// Every accumulator starts with its channel's bias.
pub(super) fn start(block: &Block<'_>, channels: usize, rows: usize, vectors: usize) -> Vec<Stmt> {
    let bias = Reg::new("bias_row", &[]);
    let window =
        Stmt::Window { name: bias.clone(), buffer: Buffer::Bias, at: Index::Const(0), len: block.width };
    let mut body = vec![window];
    for o in 0..channels {
        for t in 0..rows {
            for v in 0..vectors {
                let value = Vector::Splat { window: bias.clone(), at: o };
                body.push(Stmt::Start { acc: acc(o, t, v), value });
            }
        }
    }
    body
}

/// Stores the tile's rows.
pub(super) fn store(block: &Block<'_>, y: &Index, rows: usize, span: &Span) -> Vec<Stmt> {
    let width = block.size(Size::OutW);
    let mut body = Vec::new();
    for o in 0..block.channels {
        for t in 0..rows {
            let row = block.size(Size::OutPlane) * o + (y.clone() + t) * width.clone() + span.x.clone();
            for v in 0..span.vectors {
                let column = v * block.lanes();
                let (reg, buffer, at) = (acc(o, t, v), Buffer::Output, row.clone() + column);
                body.push(if span.beyond && v + 1 == span.vectors {
                    let count = width.clone().less(Index::Const(column));
                    Stmt::StoreFirst { reg, buffer, at, count }
                } else {
                    Stmt::Store { reg, buffer, at }
                });
            }
        }
    }
    body
}

pub(super) fn acc(channel: usize, row: usize, vector: usize) -> Reg {
    Reg::new("acc", &[channel, row, vector])
}

struct Tile<'a> {
    block: &'a Block<'a>,
    vectors: usize,
}

impl Tile<'_> {
    fn taps(&self, y: &Index, x: &Index) -> Vec<Stmt> {
        let block = self.block;
        let spec = block.spec;
        ranged("i", block.tap_rows(y), |i| {
            ranged("j", block.tap_columns(x, self.vectors * block.lanes()), |j| {
                let row = y.clone() * spec.stride.h + i.clone() * spec.dilation.h;
                let pixel = row * block.size(Size::Pitch) + block.column_of_tap(j.clone()) + x.clone();
                let tap = i * spec.kernel.w + j;
                let at = |c: Index| {
                    (pixel.clone() + c.clone() * block.size(Size::Plane), block.weights_at(tap.clone(), c))
                };
                let len = self.vectors * block.lanes();
                let fmas = block.channels * self.vectors;
                let steps = Steps::new(block, 1, fmas, block.size(Size::Plane), len);
                steps.channels(at, |step| self.step(&steps, step))
            })
        })
    }

    /// One tap of one channel: the tile's columns times a row of weights.
    fn step(&self, steps: &Steps<'_>, step: usize) -> Vec<Stmt> {
        let mut body = Vec::new();
        let (window, first) = steps.pixels(step);
        for v in 0..self.vectors {
            let value = Vector::Load { window: window.clone(), at: first + v * self.block.lanes() };
            body.push(Stmt::Set { reg: Reg::new("x", &[step, v]), value });
        }
        let weights = steps.weights(step).flat_map(|(window, first, len)| {
            (0..len).map(move |at| Vector::Splat { window: window.clone(), at: first + at })
        });
        for (o, value) in weights.take(self.block.channels).enumerate() {
            let weight = Reg::new("w", &[step, o]);
            body.push(Stmt::Set { reg: weight.clone(), value });
            for v in 0..self.vectors {
                body.push(Stmt::Fma { acc: acc(o, 0, v), a: Reg::new("x", &[step, v]), b: weight.clone() });
            }
        }
        body
    }
}
