//! Lanes over output columns with the taps unrolled, from the image itself: depthwise layers with few taps.
//!
//! ```text
//! for y:  rows of the image, or zeros for those above and below it
//!     for x:  acc[t] = bias
//!         for each row r that rows y.. y + t need, each column tap j:
//!             x = row[r][x * stride + j - padding ..]
//!             acc[t] += x * splat(weight[i][j])  for all t, i with  t * stride + i * dilation = r
//! ```
//!
//! Like `direct_rows`, each row that is loaded serves all the output rows that it is part of. But where a pixel is read
//! a few times only, to copy it first takes as long as all else. So:
//!
//! 1. Rows of padding are one row of zeros, which the caller keeps.
//! 2. The columns left of the image are shifted into the first vector of a row, and those right of it into the last:
//!    zeros, or what the padding mode says, a vector of each pixel put together by shifts. All vectors between are
//!    loaded as they are.
//! 3. With stride 2, two vectors are taken apart into their even and their odd columns. AVX2 does that in each half of
//!    a vector, and takes another, slower instruction to put the quarters in order: once a vector of outputs instead of
//!    once a tap, where all taps of a tile agree.
//! 4. The last tile of a row overlaps the one before. An output that is as narrow as a vector is one tile, whose rows
//!    are stored as whole vectors, top to bottom: what is past a row's end is written over by the next. If the image is
//!    known, and no wider than a vector either, one shuffle of its row is what a tap meets, padding and all. Where it is
//!    not known how narrow it is, and padding is not zeros, its rows are those of a padded copy.

mod padding;
mod row;

pub(super) use self::row::{Place, Row, Tile, Widths, across, by_width, zero};
use super::direct_ow::{acc, start};
use super::direct_rows::products;
use super::{Block, ladder};
use crate::nest::{Buffer, Extent, Index, Reg, Size, Stmt, Vector};
use crate::plan::InPlace;

pub(super) fn lower(block: &Block<'_>, rows: usize) -> Vec<Stmt> {
    let Some(columns) = InPlace::of(block.spec, block.lanes()) else {
        unreachable!("only layers that can be read in place are planned so")
    };
    let steps = block.row_steps(rows);
    let band = |y, rows| Band { block, columns: &columns, y, rows };
    let all = |of: &dyn Fn(Index, usize) -> Vec<Stmt>| ladder("y", &block.size(Size::OutH), &steps, of);
    let wide = || all(&|y, rows| band(y, rows).wide());
    let narrow = || all(&|y, rows| band(y, rows).narrow());
    let (name, len) = (Reg::new("weight_row", &[]), block.spec.taps() * block.width);
    let weights = Stmt::Window { name, buffer: Buffer::Weights, at: Index::Const(0), len };
    let mut body = vec![weights, Stmt::Set { reg: zero(), value: Vector::Zero }];
    body.extend(by_width(&columns, block.size(Size::OutW), wide, narrow));
    body
}

/// Some output rows, from row `y` on.
struct Band<'a> {
    block: &'a Block<'a>,
    columns: &'a InPlace,
    y: Index,
    rows: usize,
}

impl Band<'_> {
    /// Rows of several tiles.
    fn wide(&self) -> Vec<Stmt> {
        let (block, width) = (self.block, self.block.size(Size::OutW));
        let written = Stmt::OutputRows {
            name: "out_row",
            planes: block.channels,
            rows: self.rows,
            plane: block.size(Size::OutPlane),
            at: self.y.clone() * width.clone(),
            len: width,
        };
        let mut body = vec![self.rows_of_image(Extent::Row), written];
        body.extend(across(block.spec, self.columns, &self.widths(), &|place| self.tile(&place)));
        body
    }

    /// Columns of the image and of the output.
    fn widths(&self) -> Widths {
        let [image, out] = [Size::Pitch, Size::OutW].map(|size| self.block.size(size));
        Widths { image, out, lanes: self.block.lanes() }
    }

    /// Rows of one tile.
    fn narrow(&self) -> Vec<Stmt> {
        if self.columns.copies_narrow(self.block.spec) {
            let columns = self.columns.of_copy();
            return Band { columns: &columns, y: self.y.clone(), ..*self }.copied();
        }
        let mut body = vec![self.rows_of_image(Extent::Rest)];
        body.extend(self.tile(&Place::Only));
        body
    }

    /// Rows of one tile, from a padded copy.
    fn copied(&self) -> Vec<Stmt> {
        let mut body = self.rows_of_copy();
        body.extend(self.tile(&Place::Copy));
        body
    }

    /// The rows of a padded copy that the output rows read, as far as the taps do.
    fn rows_of_copy(&self) -> Vec<Stmt> {
        let block = self.block;
        let first = self.y.clone() * block.spec.stride.h;
        let len = Index::Const(self.columns.reach());
        let row = |r: usize| Stmt::Row {
            name: Reg::new("row", &[r]),
            buffer: Buffer::Image,
            at: (first.clone() + r) * block.size(Size::Pitch),
            len: len.clone(),
        };
        block.rows_read(self.rows).into_keys().map(row).collect()
    }

    /// The rows of the image that the output rows read.
    fn rows_of_image(&self, extent: Extent) -> Stmt {
        let rows = self.block.rows_read(self.rows).into_keys();
        let read = rows.map(|r| (r, Reg::new("row", &[r]))).collect();
        self.block.padded_rows(0, &self.y, &read, extent)
    }

    fn tile(&self, place: &Place) -> Vec<Stmt> {
        let block = self.block;
        let mut body = start(block, block.channels, self.rows, 1);
        let (spec, columns, widths) = (block.spec, self.columns, &self.widths());
        let tile = Tile { spec, columns, widths, place: place.clone(), crossed: self.crosses(place) };
        for (r, users) in block.rows_read(self.rows) {
            let mut row = Row::new(&tile, r);
            for j in 0..block.spec.kernel.w {
                let products = products(block, (r, j), &users, 1);
                if !products.is_empty() {
                    row.tap(j);
                    row.body.extend(products);
                }
            }
            body.extend(row.body);
        }
        body.extend(self.stores(place));
        body
    }

    /// Whether a tile's lanes are out of order until it is stored: where vectors are two halves and the tile pads
    /// nothing, which goes by lanes.
    fn crosses(&self, place: &Place) -> bool {
        let halves = self.block.plan.machine.unzips_in_halves();
        halves && self.columns.stride > 1 && matches!(place, Place::Middle(_))
    }

    fn stores(&self, place: &Place) -> Vec<Stmt> {
        let (block, width) = (self.block, self.block.size(Size::OutW));
        let lanes = block.lanes();
        let mut body = Vec::new();
        for (o, t) in (0..block.channels).flat_map(|o| (0..self.rows).map(move |t| (o, t))) {
            let (mut reg, row) = (acc(o, t, 0), Reg::new("out_row", &[o, t]));
            if self.crosses(place) {
                let sorted = Reg::new("sorted", &[o, t]);
                body.push(Stmt::Set { reg: sorted.clone(), value: Vector::Cross { reg } });
                reg = sorted;
            }
            let at = match place {
                Place::First => Index::Const(0),
                Place::Middle(x) => (x.clone() + 1) * lanes,
                Place::Last { .. } => width.clone().less(Index::Const(lanes)),
                Place::Only | Place::Copy => {
                    body.push(self.store_narrow(reg, o, t));
                    continue;
                }
            };
            body.push(Stmt::StoreToRow { reg, row, at, count: None });
        }
        body
    }

    /// Stores a row that is as wide as a vector at most, over what the row below will be; of several channels, not
    /// over what the next channel's first row is already.
    fn store_narrow(&self, reg: Reg, channel: usize, row: usize) -> Stmt {
        let (block, count) = (self.block, self.block.size(Size::OutW));
        let at = block.size(Size::OutPlane) * channel + (self.y.clone() + row) * count.clone();
        let buffer = Buffer::Output;
        if block.channels == 1 {
            Stmt::StoreOver { reg, buffer, at, count }
        } else {
            Stmt::StoreFirst { reg, buffer, at, count }
        }
    }
}
