//! Lanes over output channels: a tile of `pixels` neighbours in a row by some vectors of channels.
//!
//! ```text
//! for y, x:  acc[p] = bias;  for tap, c:  acc[p] += weights[tap][c] * splat(image[c][y, x + p, tap])
//! ```
//!
//! 1. The planes are read where they are, row-major: the pixels of a tile are `stride` apart. With no padding there is
//!    no copy. But of each line of the cache that a channel's pixels are in, a tile with 16 registers uses a third, and
//!    where the first-level cache can't hold all these lines for the next tile, a copy with channels last is worth its
//!    time.
//! 2. Taps are counted loops outside the loop over channels. Unrolled side by side, tap `j` of pixel `p` is
//!    tap `j - 1` of pixel `p + 1`; the compiler sees that, keeps the splats of all of them alive, and
//!    spills accumulators: measured at 77 % of peak where the loops reach 98 %.
//! 3. The last tile of a row moves back to end with the row, and computes some pixels twice, with the same
//!    result. The other way, a body for each remainder, costs code. Where the width is not known, a tile of about half
//!    the size, which is there for narrow images, or the next smaller one takes what it covers.
//! 4. Taps that meet nothing but zeros around the image are left out, row by row and tile by tile: half of
//!    them, where a dilated kernel is nearly as large as the image. There the parts of a row that other taps meet have
//!    tiles of their own: with 256 channels @28 and dilation 12, twelve, four and twelve columns. Tiles of four columns
//!    wait for weights from the second-level cache, so they are of several rows, if these meet the same taps.
//! 5. The tile has pixels down and channels across, the output has them the other way round:
//!    `conv_runtime`'s `scatter` transposes on the way out, once a tile, or several tiles at once, if what they compute
//!    lies side by side: squares of lanes by lanes are then full.

use std::iter;
use std::ops::Range;

use super::outer::Outer;
use super::{Block, counted, gathered, needed, ranged, shared_ladder, tiles};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Vector};
use crate::plan::{RowPart, evenly, pixel_steps};

pub(super) fn lower(block: &Block<'_>, pixels: usize) -> Vec<Stmt> {
    if let Some(parts) = block.plan.parts(block.spec) {
        return in_parts(block, pixels, &parts);
    }
    let is_one_row = block.plan.flatten && block.spec.input.is_some();
    if is_one_row { one_row(block, pixels) } else { rows(block, pixels) }
}

/// Several rows are transposed together, where a tile is as wide as the output, so that one follows the other.
fn rows(block: &Block<'_>, pixels: usize) -> Vec<Stmt> {
    let height = block.size(Size::OutH);
    let whole = block.size(Size::OutW).constant() == Some(pixels);
    let together = if whole { block.plan.together(pixels, height.constant()) } else { 1 };
    let mut body = vec![buffer(block, together * pixels)];
    body.extend(gathered("y", &height, &[1], together, &|y, rows, _| {
        shared_ladder("x", &block.size(Size::OutW), &pixel_steps(pixels), &|x, pixels| {
            let outer = outer(block, pixels);
            let mut body =
                counted("row", rows, |row| tile(&outer, &(y.clone() + row.clone()), &x, &(row * pixels)));
            body.push(scatter(block, 0, rows * pixels, &y, &x));
            body
        })
    }));
    body
}

/// A row in parts whose tiles meet the same taps, and several rows of those that are narrow.
fn in_parts(block: &Block<'_>, pixels: usize, parts: &[RowPart]) -> Vec<Stmt> {
    let ends = |range: &Range<usize>| [range.start, range.end].map(Index::Const);
    let height = block.size(Size::OutH);
    let part = |part: &RowPart| {
        let ([start, end], step) = (ends(&part.columns), evenly(part.columns.len(), pixels));
        tiles("y", [&Index::Const(0), &height], part.rows, &|y, rows| {
            tiles("x", [&start, &end], step, &|x, across| {
                let plain = outer(block, rows * across);
                let outer = Outer { rows: (rows, row_apart(block)), ..plain };
                let mut body = tile(&outer, &y, &x, &Index::Const(0));
                body.extend(
                    (0..rows).map(|row| scatter(block, row * across, across, &(y.clone() + row), &x)),
                );
                body
            })
        })
    };
    iter::once(buffer(block, pixels)).chain(parts.iter().flat_map(part)).collect()
}

/// Elements from a row of outputs' pixels to the next row's, of an image that is known.
fn row_apart(block: &Block<'_>) -> usize {
    let pitch = block.size(Size::Pitch).constant();
    block.spec.stride.h * pitch.unwrap_or_else(|| unreachable!("only known images have parts"))
}

/// An image that is one row: several of its tiles are transposed together.
fn one_row(block: &Block<'_>, pixels: usize) -> Vec<Stmt> {
    let (y, width) = (Index::Const(0), block.size(Size::OutW));
    let together = block.plan.together(pixels, width.constant().map(|width| width / pixels));
    let mut body = vec![buffer(block, together * pixels)];
    let least = block.least(Size::OutW);
    let steps = needed(pixel_steps(pixels), |step| *step <= least);
    body.extend(gathered("x", &width, &steps, together, &|x, tiles, pixels| {
        let outer = outer(block, pixels);
        let mut body = counted("t", tiles, |t| {
            let first = t * pixels;
            tile(&outer, &y, &(x.clone() + first.clone()), &first)
        });
        body.push(scatter(block, 0, tiles * pixels, &y, &x));
        body
    }));
    body
}

/// Room for so many pixels, `[pixel][channel]`.
fn buffer(block: &Block<'_>, pixels: usize) -> Stmt {
    Stmt::Local { buffer: Buffer::Tile, len: pixels * block.width }
}

/// Transposes so many pixels, from the first of these on, to their place in the output.
fn scatter(block: &Block<'_>, first: usize, pixels: usize, y: &Index, x: &Index) -> Stmt {
    Stmt::Scatter {
        from: (Buffer::Tile, Index::Const(first * block.width)),
        pixels: Index::Const(pixels),
        width: block.width,
        channels: block.channels,
        plane: block.size(Size::OutPlane),
        at: y.clone() * block.size(Size::OutW) + x.clone(),
    }
}

/// What a tile of so many pixels multiplies.
fn outer<'a>(block: &'a Block<'a>, pixels: usize) -> Outer<'a> {
    let (column, plane) = steps(block);
    Outer { block, pixels, apart: block.spec.stride.w * column, rows: (1, 0), plane }
}

/// One tile, stored from `to` on: every pixel starts with the bias.
fn tile(outer: &Outer<'_>, y: &Index, x: &Index, to: &Index) -> Vec<Stmt> {
    let block = outer.block;
    let bias = Reg::new("bias_row", &[]);
    let (at, len) = (Index::Const(0), block.width);
    let mut body = vec![Stmt::Window { name: bias.clone(), buffer: Buffer::Bias, at, len }];
    body.extend(outer.start(|v| Vector::Load { window: bias.clone(), at: v * block.lanes() }));
    body.extend(taps(block, outer, y, x));
    body.extend(outer.store(Buffer::Tile, &(to.clone() * block.width)));
    body
}

/// Elements from one column to the next, and from one channel to the next.
fn steps(block: &Block<'_>) -> (usize, Index) {
    if block.plan.reads_channels_last() {
        (block.plan.depth(block.spec), Index::Const(1))
    } else {
        (1, block.size(Size::Plane))
    }
}

fn taps(block: &Block<'_>, outer: &Outer<'_>, y: &Index, x: &Index) -> Vec<Stmt> {
    let spec = block.spec;
    ranged("i", block.tap_rows(y), |i| {
        ranged("j", block.tap_columns(x, outer.across()), |j| {
            // Without a padded copy, no tap reads padding.
            let is_padded = block.plan.copy && !block.plan.copies_bare(spec);
            let [above, left] = if is_padded { [0; 2] } else { [spec.padding.top, spec.padding.left] };
            let row = y.clone() * spec.stride.h + i.clone() * spec.dilation.h;
            let column = x.clone() * spec.stride.w + j.clone() * spec.dilation.w;
            let (row, column) = (row.less(Index::Const(above)), column.less(Index::Const(left)));
            let (apart, plane) = steps(block);
            let pixel = row * block.size(Size::Pitch) + column * apart;
            let tap = i * spec.kernel.w + j;
            outer.channels(|c| {
                let at = pixel.clone() + c.clone() * plane.clone();
                (at, block.weights_at(tap.clone(), c))
            })
        })
    })
}
