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
//! 4. The tile has pixels down and channels across, the output has them the other way round:
//!    `conv_runtime`'s `scatter` transposes on the way out, once a tile.

use super::{Block, counted, ladder};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Vector};

pub(super) fn lower(block: &Block<'_>, pixels: usize) -> Vec<Stmt> {
    let kernel = Kernel { block, vectors: block.width / block.lanes() };
    let mut body = vec![Stmt::Local { buffer: Buffer::Tile, len: pixels * block.width }];
    body.extend(ladder("y", &block.size(Size::OutH), &[1], &|y, _| {
        // A narrow image takes smaller tiles: four pixels, then one.
        let steps: Vec<_> = [pixels, 4, 1].into_iter().filter(|step| *step <= pixels).collect();
        ladder("x", &block.size(Size::OutW), &steps, &|x, pixels| kernel.tile(&y, &x, pixels))
    }));
    body
}

struct Kernel<'a> {
    block: &'a Block<'a>,
    vectors: usize,
}

impl Kernel<'_> {
    fn tile(&self, y: &Index, x: &Index, pixels: usize) -> Vec<Stmt> {
        let mut body = self.start(pixels);
        body.extend(self.taps(y, x, pixels));
        body.extend(self.finish(y, x, pixels));
        body
    }

    /// Every pixel starts with the bias.
    fn start(&self, pixels: usize) -> Vec<Stmt> {
        let bias = Reg::new("bias_row", &[]);
        let len = self.block.width;
        let mut body =
            vec![Stmt::Window { name: bias.clone(), buffer: Buffer::Bias, at: Index::Const(0), len }];
        for (p, v) in self.accumulators(pixels) {
            let value = Vector::Load { window: bias.clone(), at: v * self.block.lanes() };
            body.push(Stmt::Start { acc: acc(p, v), value });
        }
        body
    }

    fn taps(&self, y: &Index, x: &Index, pixels: usize) -> Vec<Stmt> {
        let block = self.block;
        let spec = block.spec;
        counted("i", spec.kernel.h, |i| {
            counted("j", spec.kernel.w, |j| {
                let row = y.clone() * spec.stride.h + i.clone() * spec.dilation.h;
                let column = x.clone() * spec.stride.w + j.clone() * spec.dilation.w;
                let pixel = row * block.size(Size::Pitch) + column;
                let tap = i * spec.kernel.w + j;
                counted("c", spec.in_per_group(), |c| self.step(&pixel, tap, &c, pixels))
            })
        })
    }

    /// One tap of one channel: a row of weights times the tile's pixels.
    fn step(&self, pixel: &Index, tap: Index, channel: &Index, pixels: usize) -> Vec<Stmt> {
        let (block, stride) = (self.block, self.block.spec.stride.w);
        let at = pixel.clone() + channel.clone() * block.size(Size::Plane);
        let (x, w) = (Reg::new("pixels", &[]), Reg::new("weight_row", &[]));
        let mut body = vec![
            Stmt::Window { name: x.clone(), buffer: Buffer::Image, at, len: (pixels - 1) * stride + 1 },
            Stmt::Window {
                name: w.clone(),
                buffer: Buffer::Weights,
                at: block.weights_at(tap, channel.clone()),
                len: block.width,
            },
        ];
        for v in 0..self.vectors {
            let value = Vector::Load { window: w.clone(), at: v * block.lanes() };
            body.push(Stmt::Set { reg: Reg::new("w", &[v]), value });
        }
        for p in 0..pixels {
            let pixel = Reg::new("x", &[p]);
            let value = Vector::Splat { window: x.clone(), at: p * stride };
            body.push(Stmt::Set { reg: pixel.clone(), value });
            for v in 0..self.vectors {
                body.push(Stmt::Fma { acc: acc(p, v), a: Reg::new("w", &[v]), b: pixel.clone() });
            }
        }
        body
    }

    /// To the output, by way of the stack.
    fn finish(&self, y: &Index, x: &Index, pixels: usize) -> Vec<Stmt> {
        let block = self.block;
        let mut body: Vec<_> = self
            .accumulators(pixels)
            .map(|(p, v)| {
                let at = Index::Const(p * block.width + v * block.lanes());
                Stmt::Store { reg: acc(p, v), buffer: Buffer::Tile, at }
            })
            .collect();
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

    fn accumulators(&self, pixels: usize) -> impl Iterator<Item = (usize, usize)> {
        let vectors = self.vectors;
        (0..pixels).flat_map(move |p| (0..vectors).map(move |v| (p, v)))
    }
}

fn acc(pixel: usize, vector: usize) -> Reg {
    Reg::new("acc", &[pixel, vector])
}
