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
//! 6. What lies beyond the image in the last tiles is zero. It must be: a tile's outputs are sums of all its
//!    pixels, in which those that do not belong cancel. So would they not if they were infinite; then the
//!    whole tile is NaN, not the pixels next to it alone.

#![expect(clippy::float_cmp, reason = "constants are exact, and compared as such")]

use super::outer::Outer;
use super::{Block, counted, ladder};
use crate::nest::{Buffer, Index, Reg, Size, Stmt, Var, Vector};
use crate::plan::{Matrix, Transform, pixel_steps};

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
        let d = self.block.spec.dilation.h;
        self.block.size(Size::OutH).tiles_of(d).tiles_of(self.rows.outputs()) * d
    }

    /// Tiles over the columns, likewise.
    fn tile_columns(&self) -> Index {
        let d = self.block.spec.dilation.w;
        self.block.size(Size::OutW).tiles_of(d).tiles_of(self.columns.outputs()) * d
    }

    /// The first output row of a row of tiles, and the first input row.
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

    /// From one product of all tiles to the next, if it has so many elements in each. All products of a tile are read
    /// together, and written: they should not share places of the cache.
    fn apart(&self, width: usize) -> Index {
        spread(self.tiles() * width, self.block.plan.machine.line())
    }

    /// Elements from one pixel to the next.
    fn depth(&self) -> usize {
        self.block.plan.depth(self.block.spec)
    }

    /// From padded planes, channels last, to `V`.
    pub(super) fn prepare(&self) -> Vec<Stmt> {
        let (lanes, depth) = (self.block.lanes(), self.depth());
        let vectors = self.block.spec.in_per_group().div_ceil(lanes);
        looped("ty", self.tile_rows(), |ty| {
            looped("tx", self.tile_columns(), |tx| {
                counted("c", vectors, |c| {
                    let channel = c * lanes;
                    let row = self.first_row(&ty) * self.block.size(Size::Pitch);
                    let pixel = row + self.first_column(&tx) * depth + channel.clone();
                    let tile = ty.clone() * self.tile_columns() + tx.clone();
                    self.input_tile(&pixel, &(tile * depth + channel))
                })
            })
        })
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
        for j in 0..columns {
            body.extend(apply(&self.rows.input, |i| Reg::new("d", &[i, j]), |i| Reg::new("e", &[i, j])));
        }
        for i in 0..rows {
            body.extend(apply(&self.columns.input, |j| Reg::new("e", &[i, j]), |j| Reg::new("v", &[i, j])));
            for j in 0..columns {
                let at = self.apart(self.depth()) * (i * columns + j) + to.clone();
                body.push(Stmt::Store { reg: Reg::new("v", &[i, j]), buffer: Buffer::Output, at });
            }
        }
        body
    }

    /// One block of output channels, from `V` to the output.
    pub(super) fn block(&self, pixels: usize) -> Vec<Stmt> {
        let steps = pixel_steps(pixels);
        let mut body = looped("k", Index::Const(self.products()), |product| {
            ladder("t", &self.tiles(), &steps, &|tile, pixels| self.multiply(&product, &tile, pixels))
        });
        body.extend(looped("ty", self.tile_rows(), |ty| self.output_row(&ty)));
        body
    }

    /// One product of some tiles: `M` from `V` and `U`.
    fn multiply(&self, product: &Index, tile: &Index, pixels: usize) -> Vec<Stmt> {
        let block = self.block;
        let outer = Outer { block, pixels, apart: self.depth(), plane: Index::Const(1) };
        let row = |width: usize| self.apart(width) * product.clone() + tile.clone() * width;
        let mut body = outer.start(|_| Vector::Zero);
        body.extend(
            outer.channels(|c| (row(self.depth()) + c.clone(), block.weights_at(product.clone(), c))),
        );
        body.extend(outer.store(Buffer::Work, &row(block.width)));
        body
    }

    /// The outputs of one row of tiles: transformed to the work space, and from there row by row to the
    /// output, which may end within the tiles.
    fn output_row(&self, ty: &Index) -> Vec<Stmt> {
        let (block, d) = (self.block, self.block.spec.dilation.h);
        let line = self.tile_columns() * (self.columns.outputs() * block.width);
        let rows_at = self.apart(block.width) * self.products();
        let mut body = looped("tx", self.tile_columns(), |tx| {
            counted("v", block.vectors(), |v| {
                let start = v * block.lanes();
                let tile = ty.clone() * self.tile_columns() + tx.clone();
                let to = rows_at.clone() + self.first_column(&tx) * block.width + start.clone();
                self.output_tile(&(tile * block.width + start.clone()), &to, &line, &start)
            })
        });
        let first = self.first_row(ty);
        let rows = block.size(Size::OutH).less(first.clone()).tiles_of(d).at_most(self.rows.outputs());
        body.extend(looped("a", rows, |a| {
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
        for j in 0..columns {
            for i in 0..rows {
                let name = Reg::new("product", &[i, j]);
                let at = self.apart(block.width) * (i * columns + j) + from.clone();
                body.push(Stmt::Window { name: name.clone(), buffer: Buffer::Work, at, len: lanes });
                body.push(Stmt::Set {
                    reg: Reg::new("m", &[i, j]),
                    value: Vector::Load { window: name, at: 0 },
                });
            }
            body.extend(apply(&self.rows.output, |i| Reg::new("m", &[i, j]), |a| Reg::new("n", &[a, j])));
        }
        for a in 0..self.rows.outputs() {
            body.extend(apply(&self.columns.output, |j| Reg::new("n", &[a, j]), |b| Reg::new("s", &[a, b])));
            for b in 0..self.columns.outputs() {
                let (sum, reg) = (Reg::new("s", &[a, b]), Reg::new("y", &[a, b]));
                let terms = vec![(1.0, sum), (1.0, Reg::new("bias", &[]))];
                body.push(Stmt::Combine { reg: reg.clone(), terms });
                let at = to.clone() + line.clone() * a + b * block.spec.dilation.w * block.width;
                body.push(Stmt::Store { reg, buffer: Buffer::Work, at });
            }
        }
        body
    }
}

/// A matrix times a vector of registers. What belongs to two points that differ in sign alone is computed
/// together: rows of `BT` are the sum and the difference of the same two halves, and rows of `AT` use
/// either the sum or the difference of two columns.
fn apply(matrix: &Matrix, input: impl Fn(usize) -> Reg, output: impl Fn(usize) -> Reg) -> Vec<Stmt> {
    let mut body = Vec::new();
    let columns = paired_columns(matrix);
    let [sum, difference] =
        ["sum", "difference"].map(|name| move |k: usize, of: &Reg| Reg(format!("{}_{name}_{k}", of.0)));
    for &k in &columns {
        let both = |sign| vec![(1.0, input(k)), (sign, input(k + 1))];
        body.push(Stmt::Combine { reg: sum(k, &output(0)), terms: both(1.0) });
        body.push(Stmt::Combine { reg: difference(k, &output(0)), terms: both(-1.0) });
    }
    let terms = |r: usize, keep: &dyn Fn(usize) -> bool| -> Vec<(f64, Reg)> {
        let row = matrix[r].iter().enumerate().filter(|(k, value)| **value != 0.0 && keep(*k));
        row.filter_map(|(k, value)| match k {
            k if columns.contains(&k) && r.is_multiple_of(2) => Some((*value, sum(k, &output(0)))),
            k if columns.contains(&k) => Some((*value, difference(k, &output(0)))),
            k if k > 0 && columns.contains(&(k - 1)) => None,
            k => Some((*value, input(k))),
        })
        .collect()
    };
    let mut r = 0;
    while r < matrix.len() {
        let (even, odd) = (terms(r, &|k| k % 2 == 0), terms(r, &|k| k % 2 == 1));
        let mirrored = matrix.get(r + 1).is_some_and(|next| are_mirrored(&matrix[r], next));
        if columns.is_empty() && mirrored && !even.is_empty() && !odd.is_empty() {
            let [even_reg, odd_reg] = ["even", "odd"].map(|name| Reg(format!("{}_{name}", output(r).0)));
            body.push(Stmt::Combine { reg: even_reg.clone(), terms: even });
            body.push(Stmt::Combine { reg: odd_reg.clone(), terms: odd });
            let both = |sign| vec![(1.0, even_reg.clone()), (sign, odd_reg.clone())];
            body.push(Stmt::Combine { reg: output(r), terms: both(1.0) });
            body.push(Stmt::Combine { reg: output(r + 1), terms: both(-1.0) });
            r += 2;
        } else {
            body.push(Stmt::Combine { reg: output(r), terms: terms(r, &|_| true) });
            r += 1;
        }
    }
    body
}

/// The first of each two columns whose constants are equal in even rows and differ in sign in odd ones.
fn paired_columns(matrix: &Matrix) -> Vec<usize> {
    let paired = |k: usize| {
        let signs = matrix
            .iter()
            .enumerate()
            .map(|(r, row)| (row[k], if r % 2 == 0 { row[k + 1] } else { -row[k + 1] }));
        signs.clone().all(|(a, b)| a == b) && signs.filter(|(a, _)| *a != 0.0).count() > 1
    };
    let mut pairs: Vec<usize> = Vec::new();
    for k in 0..matrix[0].len().saturating_sub(1) {
        if pairs.last().is_none_or(|last| last + 1 < k) && paired(k) {
            pairs.push(k);
        }
    }
    pairs
}

/// The first output of a tile, along an axis. A dilated kernel reads, and a tile makes, outputs of one
/// remainder modulo the dilation `d` alone.
fn first(tile: &Index, d: usize, outputs: usize) -> Index {
    tile.clone().modulo(d) + tile.clone().divided_by(d) * (d * outputs)
}

/// Whether two rows differ in the sign of their odd constants alone.
fn are_mirrored(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).enumerate().all(|(k, (a, b))| if k % 2 == 0 { a == b } else { *a == -b })
}

/// So many elements, up to an odd number of cache lines: see [`Machine::spread`](crate::plan::Machine::spread).
fn spread(elements: Index, line: usize) -> Index {
    elements.tiles_of(2 * line) * (2 * line) + line
}

/// A loop over an extent that may be known only at run time.
fn looped(name: &'static str, extent: Index, body: impl FnOnce(Index) -> Vec<Stmt>) -> Vec<Stmt> {
    match extent.constant() {
        Some(extent) => counted(name, extent, body),
        None => vec![Stmt::For {
            var: Var(name),
            from: Index::Const(0),
            to: extent,
            body: body(Index::Var(Var(name))),
        }],
    }
}
