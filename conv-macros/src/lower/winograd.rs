//! Winograd's minimal filtering: fewer multiplications, for additions before and after.
//!
//! The image, padded, with channels last, is cut into tiles of `m x m` outputs, which read `n x n` pixels.
//!
//! ```text
//! prepare:  for each tile, for each vector of channels:   V[product][tile][channel] = BT d B
//! block:    for each product:                             M[product][tile][out] = V[product] * U[product]
//!           for each tile, for each vector of outputs:    y = AT M A + bias
//! ```
//!
//! 1. `U = G g GT` was made when the weights were packed: a product is what a tap is elsewhere.
//! 2. Lanes run over channels in the transforms and over output channels in the products, which are a matrix
//!    product of `tiles` neighbouring tiles by some vectors, the tile of `direct_oc`.
//! 3. All tiles of a band go through each step together, so that `V` and `M` are read from the cache, and
//!    the weights, four times as many as the layer's, are read once a band.
//! 4. Transforms run along columns, then along rows, in straight code. Points come in pairs that differ in
//!    sign, whose rows differ in the sign of every other constant: they share both halves of their sums.
//! 5. A dilated kernel is `d x d` plain ones, each on the rows and columns of one remainder modulo `d`: tiles
//!    read pixels that lie apart, and their outputs are put in order on the way out.
//! 6. A kernel of stride 2 is two along each axis, of every other tap and pixel; it reads its tiles in their order.
//! 7. Places that are used together, a transform's 36 products say, are one window where their distances are known. With
//!    a check for each, in loops of three levels, the compiler took three times as long, and the layer 5 % longer.
//!    (As rows with names of their own, which share a check even where the distances are not known: their addresses do not fit
//!    the registers, and a layer for any image took 6 % longer.)
//! 8. What lies beyond the image in the last tiles is zero. It must be: a tile's outputs are sums of all its
//!    pixels, in which those that do not belong cancel. So would they not if they were infinite; then the
//!    whole tile is NaN, not the pixels next to it alone.

mod apply;
mod places;

use self::apply::apply;
use self::places::Places;
use super::outer::Outer;
use super::{Block, counted, ladder, needed};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Var, Vector};
use crate::plan::{Transform, pixel_steps};

/// Sizes that kernels for any image compute once: tiles in a row, and from one product of all tiles to the next.
const ACROSS: Var = Var("across");
const APART: Var = Var("apart");
const MADE_APART: Var = Var("made_apart");

/// The transforms along both axes, and how they lie in memory.
pub(super) struct Winograd<'a> {
    pub(super) block: &'a Block<'a>,
    pub(super) rows: Transform,
    pub(super) columns: Transform,
}

impl Winograd<'_> {
    /// Products of one tile.
    fn products(&self) -> usize {
        self.rows.products() * self.columns.products()
    }

    /// Tiles over the rows of the band: for each remainder modulo the dilation, those of its rows.
    fn tile_rows(&self) -> Index {
        self.tile_rows_of(self.block.size(Size::OutH))
    }

    fn tile_rows_of(&self, out_h: Index) -> Index {
        let d = self.block.spec.dilation.h;
        out_h.tiles_of(d).tiles_of(self.rows.outputs()) * d
    }

    /// Tiles over the columns, likewise.
    fn tile_columns(&self) -> Index {
        named(ACROSS, self.across())
    }

    fn across(&self) -> Index {
        let d = self.block.spec.dilation.w;
        self.block.size(Size::OutW).tiles_of(d).tiles_of(self.columns.outputs()) * d
    }

    /// The first output row of a row of tiles; the first input row is as many strides down.
    fn first_row(&self, tile: &Index) -> Index {
        first(tile, self.block.spec.dilation.h, self.rows.outputs())
    }

    fn first_column(&self, tile: &Index) -> Index {
        first(tile, self.block.spec.dilation.w, self.columns.outputs())
    }

    /// Tiles of the band.
    fn tiles(&self) -> Index {
        self.tile_rows() * self.tile_columns()
    }

    /// From one product of all tiles to the next, of the image.
    fn apart(&self) -> Index {
        named(APART, self.apart_of(self.depth()))
    }

    /// The same, of the outputs.
    fn made_apart(&self) -> Index {
        named(MADE_APART, self.apart_of(self.block.width))
    }

    /// The same, of so many elements in each tile. All products of a tile are read together, and written: they should
    /// not share places of the cache. The last band may be lower than the others; of an image that is known, its products
    /// are as far apart as theirs.
    fn apart_of(&self, width: usize) -> Index {
        let rows = match self.block.plan.sizes {
            Some(known) => self.tile_rows_of(Index::Const(known.band)),
            None => self.tile_rows(),
        };
        spread(rows * self.tile_columns() * width, self.block.plan.machine.line())
    }

    /// Elements from one pixel to the next.
    fn depth(&self) -> usize {
        self.block.plan.depth(self.block.spec)
    }

    /// From padded planes, channels last, to `V`.
    pub(super) fn prepare(&self) -> Vec<Stmt> {
        let (lanes, depth) = (self.block.lanes(), self.depth());
        let vectors = self.block.spec.in_per_group().div_ceil(lanes);
        let names = [(ACROSS, self.across()), (APART, self.apart_of(depth))];
        let mut body: Vec<_> = names.into_iter().filter_map(name).collect();
        body.extend(counted("ty", self.tile_rows(), |ty| {
            counted("tx", self.tile_columns(), |tx| {
                counted("c", vectors, |c| {
                    let channel = c * lanes;
                    let stride = self.block.spec.stride;
                    let row = self.first_row(&ty) * stride.h * self.block.size(Size::Pitch);
                    let pixel = row + self.first_column(&tx) * (stride.w * depth) + channel.clone();
                    let tile = ty.clone() * self.tile_columns() + tx.clone();
                    self.input_tile(&pixel, &(tile * depth + channel))
                })
            })
        }));
        body
    }

    /// One tile, one vector of channels.
    fn input_tile(&self, pixel: &Index, to: &Index) -> Vec<Stmt> {
        let (rows, columns) = (self.rows.products(), self.columns.products());
        let apart = self.block.spec.dilation.w * self.depth();
        let mut body = Vec::new();
        for i in 0..rows {
            let (window, len) = (Reg::new("row", &[i]), (columns - 1) * apart + self.block.lanes());
            let at = pixel.clone() + self.block.size(Size::Pitch) * (i * self.block.spec.dilation.h);
            body.push(Stmt::Window { name: window.clone(), buffer: Buffer::Image, at, len });
            for j in 0..columns {
                let value = Vector::Load { window: window.clone(), at: j * apart };
                body.push(Stmt::Set { reg: Reg::new("d", &[i, j]), value });
            }
        }
        let apart = self.apart();
        let last = apart.clone() * (rows * columns - 1);
        let products = Places { name: "products", buffer: Buffer::Output, first: to.clone(), last };
        body.extend(products.open(self.block.lanes(), true));
        for j in 0..columns {
            let read = |i: usize| Reg::new("d", &[self.rows.order[i], j]);
            body.extend(apply(&self.rows.input, read, |i| Reg::new("e", &[i, j])));
        }
        for i in 0..rows {
            let half = |j: usize| Reg::new("e", &[i, self.columns.order[j]]);
            body.extend(apply(&self.columns.input, half, |j| Reg::new("v", &[i, j])));
            for j in 0..columns {
                let at = apart.clone() * (i * columns + j);
                body.push(products.store(Reg::new("v", &[i, j]), at));
            }
        }
        body
    }

    /// One block of output channels, from `V` to the output.
    pub(super) fn block(&self, pixels: usize) -> Vec<Stmt> {
        let rows = self.tile_rows_of(Index::Const(self.block.least(Size::OutH)));
        let least = (rows * self.across()).constant().unwrap_or(1);
        let steps = needed(pixel_steps(pixels), |step| *step <= least);
        let [apart, made_apart] = [self.depth(), self.block.width].map(|width| self.apart_of(width));
        let names = [(ACROSS, self.across()), (APART, apart), (MADE_APART, made_apart)];
        let mut body: Vec<_> = names.into_iter().filter_map(name).collect();
        body.extend(counted("k", self.products(), |product| {
            ladder("t", &self.tiles(), &steps, &|tile, pixels| self.multiply(&product, &tile, pixels))
        }));
        body.extend(counted("ty", self.tile_rows(), |ty| self.output_row(&ty)));
        body
    }

    /// One product of some tiles: `M` from `V` and `U`.
    fn multiply(&self, product: &Index, tile: &Index, pixels: usize) -> Vec<Stmt> {
        let block = self.block;
        let outer = Outer { block, pixels, apart: self.depth(), rows: (1, 0), plane: Index::Const(1) };
        let row = |apart: Index, width: usize| apart * product.clone() + tile.clone() * width;
        let [image, made] = [row(self.apart(), self.depth()), row(self.made_apart(), block.width)];
        let mut body = outer.start(|_| Vector::Zero);
        body.extend(outer.channels(|c| (image.clone() + c.clone(), block.weights_at(product.clone(), c))));
        body.extend(outer.store(Buffer::Work, &made));
        body
    }

    /// The outputs of one row of tiles: transformed to the work space, and from there row by row to the
    /// output, which may end within the tiles.
    fn output_row(&self, ty: &Index) -> Vec<Stmt> {
        let (block, d) = (self.block, self.block.spec.dilation.h);
        let line = self.tile_columns() * (self.columns.outputs() * block.width);
        let rows_at = self.made_apart() * self.products();
        let mut body = counted("tx", self.tile_columns(), |tx| {
            counted("v", block.vectors(), |v| {
                let start = v * block.lanes();
                let tile = ty.clone() * self.tile_columns() + tx.clone();
                let to = rows_at.clone() + self.first_column(&tx) * block.width + start.clone();
                self.output_tile(&(tile * block.width + start.clone()), &to, &line, &start)
            })
        });
        let first = self.first_row(ty);
        let rows = block.size(Size::OutH).less(first.clone()).tiles_of(d).at_most(self.rows.outputs());
        body.extend(counted("a", rows, |a| {
            vec![Stmt::Scatter {
                from: (Buffer::Work, rows_at.clone() + a.clone() * line.clone()),
                pixels: block.size(Size::OutW),
                width: block.width,
                channels: block.channels,
                plane: block.size(Size::OutPlane),
                at: (first.clone() + a * d) * block.size(Size::OutW),
            }]
        }));
        body
    }

    /// One tile, one vector of output channels.
    fn output_tile(&self, from: &Index, to: &Index, line: &Index, start: &Index) -> Vec<Stmt> {
        let (block, lanes) = (self.block, self.block.lanes());
        let (rows, columns) = (self.rows.products(), self.columns.products());
        let bias = Reg::new("bias_row", &[]);
        let mut body = vec![
            Stmt::Window { name: bias.clone(), buffer: Buffer::Bias, at: start.clone(), len: lanes },
            Stmt::Set { reg: Reg::new("bias", &[]), value: Vector::Load { window: bias, at: 0 } },
        ];
        let apart = self.made_apart();
        let last = apart.clone() * (rows * columns - 1);
        let products = Places { name: "products", buffer: Buffer::Work, first: from.clone(), last };
        body.extend(products.open(lanes, false));
        for j in 0..columns {
            for i in 0..rows {
                let at = apart.clone() * (i * columns + j);
                body.extend(products.load(Reg::new("m", &[i, j]), at, lanes));
            }
            body.extend(apply(&self.rows.output, |i| Reg::new("m", &[i, j]), |a| Reg::new("n", &[a, j])));
        }
        let [last_a, last_b] = [&self.rows, &self.columns].map(|axis| axis.outputs() - 1);
        let next = block.spec.dilation.w * block.width;
        let last = line.clone() * last_a + last_b * next;
        let outputs = Places { name: "outputs", buffer: Buffer::Work, first: to.clone(), last };
        body.extend(outputs.open(lanes, true));
        for a in 0..self.rows.outputs() {
            body.extend(apply(&self.columns.output, |j| Reg::new("n", &[a, j]), |b| Reg::new("s", &[a, b])));
            for b in 0..self.columns.outputs() {
                let (sum, reg) = (Reg::new("s", &[a, b]), Reg::new("y", &[a, b]));
                let terms = vec![(1.0, sum), (1.0, Reg::new("bias", &[]))];
                body.push(Stmt::Combine { reg: reg.clone(), terms });
                body.push(outputs.store(reg, line.clone() * a + b * next));
            }
        }
        body
    }
}

/// A size by its name, unless it is known.
fn named(name: Var, value: Index) -> Index {
    if value.constant().is_some() { value } else { Index::Var(name) }
}

/// Computes a size that is not known.
fn name((var, value): (Var, Index)) -> Option<Stmt> {
    value.constant().is_none().then_some(Stmt::Let { var, value })
}

/// The first output of a tile, along an axis. A dilated kernel reads, and a tile makes, outputs of one
/// remainder modulo the dilation `d` alone.
fn first(tile: &Index, d: usize, outputs: usize) -> Index {
    tile.clone().modulo(d) + tile.clone().divided_by(d) * (d * outputs)
}

/// So many elements, up to an odd number of cache lines: see [`Machine::spread`](crate::plan::Machine::spread).
fn spread(elements: Index, line: usize) -> Index {
    elements.tiles_of(2 * line) * (2 * line) + line
}
