//! Lanes over output channels: a tile of `pixels` neighbours in a row by some vectors of channels.
//!
//! ```text
//! for y, x:  acc[p] = bias;  for tap, c:  acc[p] += weights[tap][c] * splat(image[c][y, x + p, tap])
//! ```
//!
//! 1. The planes are read where they are, row-major: the pixels of a tile are `stride` apart. There is no
//!    channels-last copy, and with no padding none at all.
//! 2. Taps are counted loops outside the loop over channels. Unrolled side by side, tap `j` of pixel `p` is
//!    tap `j - 1` of pixel `p + 1`; the compiler sees that, keeps the splats of all of them alive, and
//!    spills accumulators: measured at 77 % of peak where the loops reach 98 %.
//! 3. The last tile of a row moves back to end with the row, and computes some pixels twice, with the same
//!    result. The other way, a second body for the rest of the row, costs code for every remainder.
//! 4. Taps that meet nothing but zeros around the image are left out, row by row and tile by tile: half of
//!    them, where a dilated kernel is nearly as large as the image.
//! 5. The tile has pixels down and channels across, the output has them the other way round:
//!    `conv_runtime`'s `scatter` transposes on the way out, once a tile.

use super::outer::Outer;
use super::{Block, ladder, ranged};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Vector};
use crate::plan::pixel_steps;

pub(super) fn lower(block: &Block<'_>, pixels: usize) -> Vec<Stmt> {
    let mut body = vec![Stmt::Local { buffer: Buffer::Tile, len: pixels * block.width }];
    body.extend(ladder("y", &block.size(Size::OutH), &[1], &|y, _| {
        // A narrow image takes smaller tiles.
        let steps = pixel_steps(pixels);
        ladder("x", &block.size(Size::OutW), &steps, &|x, pixels| tile(block, &y, &x, pixels))
    }));
    body
}

/// One tile: every pixel starts with the bias.
fn tile(block: &Block<'_>, y: &Index, x: &Index, pixels: usize) -> Vec<Stmt> {
    let outer = Outer { block, pixels, apart: block.spec.stride.w };
    let bias = Reg::new("bias_row", &[]);
    let (at, len) = (Index::Const(0), block.width);
    let mut body = vec![Stmt::Window { name: bias.clone(), buffer: Buffer::Bias, at, len }];
    body.extend(outer.start(|v| Vector::Load { window: bias.clone(), at: v * block.lanes() }));
    body.extend(taps(block, outer, y, x));
    body.extend(outer.store(Buffer::Tile, &Index::Const(0)));
    body.push(Stmt::Scatter {
        from: (Buffer::Tile, Index::Const(0)),
        pixels: Index::Const(pixels),
        width: block.width,
        channels: block.channels,
        plane: block.size(Size::OutPlane),
        at: y.clone() * block.size(Size::OutW) + x.clone(),
    });
    body
}

fn taps(block: &Block<'_>, outer: Outer<'_>, y: &Index, x: &Index) -> Vec<Stmt> {
    let spec = block.spec;
    ranged("i", block.tap_rows(y), |i| {
        ranged("j", block.tap_columns(x, outer.pixels), |j| {
            let row = y.clone() * spec.stride.h + i.clone() * spec.dilation.h;
            let column = x.clone() * spec.stride.w + j.clone() * spec.dilation.w;
            let pixel = row * block.size(Size::Pitch) + column;
            let tap = i * spec.kernel.w + j;
            outer.channels(|c| {
                let at = pixel.clone() + c.clone() * block.size(Size::Plane);
                (at, block.weights_at(tap.clone(), c))
            })
        })
    })
}
