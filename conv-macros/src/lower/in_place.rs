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
//! 2. The columns left of the image are zeros that are shifted into the first vector of a row, and those right of it
//!    into the last. All vectors between are loaded as they are.
//! 3. With stride 2, two vectors are taken apart into their even and their odd columns.
//! 4. The last tile of a row overlaps the one before. An output that is as narrow as a vector is one tile, whose rows
//!    are stored as whole vectors, top to bottom: what is past a row's end is written over by the next.

use std::collections::BTreeSet;

use super::direct_ow::{acc, start};
use super::direct_rows::products;
use super::{Block, ladder};
use crate::nest::{Buffer, Extent, Index, Reg, Size, Stmt, Var, Vector};
use crate::plan::InPlace;

pub(super) fn lower(block: &Block<'_>, rows: usize) -> Vec<Stmt> {
    let Some(columns) = InPlace::of(block.spec, block.lanes()) else {
        unreachable!("only layers that can be read in place are planned so")
    };
    let (least, width) = (columns.least_width(), block.size(Size::OutW));
    let steps = if rows == 1 { vec![1] } else { vec![rows, 1] };
    let band = |y, rows| Band { block, columns: &columns, y, rows };
    let wide = || ladder("y", &block.size(Size::OutH), &steps, &|y, rows| band(y, rows).wide());
    let narrow = || ladder("y", &block.size(Size::OutH), &steps, &|y, rows| band(y, rows).narrow());
    let (name, len) = (Reg::new("weight_row", &[]), block.spec.taps() * block.width);
    let weights = Stmt::Window { name, buffer: Buffer::Weights, at: Index::Const(0), len };
    let mut body = vec![weights, Stmt::Set { reg: zero(), value: Vector::Zero }];
    match width.constant() {
        Some(known) if known >= least => body.extend(wide()),
        Some(_) => body.extend(narrow()),
        None => {
            body.push(Stmt::Choose { value: width, at_least: least, then: wide(), otherwise: narrow() });
        }
    }
    body
}

fn zero() -> Reg {
    Reg::new("zero", &[])
}

/// Some output rows, from row `y` on.
struct Band<'a> {
    block: &'a Block<'a>,
    columns: &'a InPlace,
    y: Index,
    rows: usize,
}

/// Where a tile is in its row.
#[derive(Clone)]
enum Place {
    /// It begins with the padding.
    First,
    /// So many tiles are between it and the first.
    Middle(Index),
    /// It ends with the padding, of which no tap reads the last column, or columns, if there are any `over`.
    Last { over: usize },
    /// It is all of the row.
    Only,
}

impl Band<'_> {
    /// Rows of several tiles.
    fn wide(&self) -> Vec<Stmt> {
        let (block, lanes, width) = (self.block, self.block.lanes(), self.block.size(Size::OutW));
        let between = width.clone().tiles_of(lanes).less(Index::Const(2));
        let written = Stmt::OutputRows {
            name: "out_row",
            planes: block.channels,
            rows: self.rows,
            plane: block.size(Size::OutPlane),
            at: self.y.clone() * width.clone(),
            len: width,
        };
        let mut body = vec![self.rows_of_image(Extent::Row), written];
        body.extend(self.tile(&Place::First));
        if between.constant() != Some(0) {
            let var = Var("x");
            let middle = self.tile(&Place::Middle(Index::Var(var)));
            body.push(Stmt::For { var, from: Index::Const(0), to: between, body: middle });
        }
        body.extend(self.last());
        body
    }

    /// The last tile. Whether some tap of a strided layer reads the last column, the image's width tells.
    fn last(&self) -> Vec<Stmt> {
        let padded = self.block.size(Size::Pitch) + (self.columns.left + self.columns.right);
        let reach = Index::Const(self.block.spec.effective_kernel().w);
        let over = padded.less(reach).modulo(self.columns.stride);
        let tile = |over| self.tile(&Place::Last { over });
        match over.constant() {
            Some(over) => tile(over),
            None => vec![Stmt::Choose { value: over, at_least: 1, then: tile(1), otherwise: tile(0) }],
        }
    }

    /// Rows of one tile.
    fn narrow(&self) -> Vec<Stmt> {
        let mut body = vec![self.rows_of_image(Extent::Rest)];
        body.extend(self.tile(&Place::Only));
        body
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
        for (r, users) in block.rows_read(self.rows) {
            let mut row = Row { band: self, place, r, made: BTreeSet::new(), body: Vec::new() };
            row.window();
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

    fn stores(&self, place: &Place) -> Vec<Stmt> {
        let (block, width) = (self.block, self.block.size(Size::OutW));
        let lanes = block.lanes();
        let mut body = Vec::new();
        for (o, t) in (0..block.channels).flat_map(|o| (0..self.rows).map(move |t| (o, t))) {
            let (reg, row) = (acc(o, t, 0), Reg::new("out_row", &[o, t]));
            let at = match place {
                Place::First => Index::Const(0),
                Place::Middle(x) => (x.clone() + 1) * lanes,
                Place::Last { .. } => width.clone().less(Index::Const(lanes)),
                Place::Only => {
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

/// What a tile loads of one row of the image.
struct Row<'a> {
    band: &'a Band<'a>,
    place: &'a Place,
    r: usize,
    made: BTreeSet<Reg>,
    body: Vec<Stmt>,
}

impl Row<'_> {
    /// Sets a register, unless it is set already.
    fn set(&mut self, reg: &Reg, value: impl FnOnce(&mut Self) -> Vector) {
        if self.made.insert(reg.clone()) {
            let value = value(self);
            self.body.push(Stmt::Set { reg: reg.clone(), value });
        }
    }

    /// The pixels that a tap of the tile's outputs meets.
    fn tap(&mut self, j: usize) {
        let (band, lanes) = (self.band, self.band.block.lanes());
        let column = band.columns.column(j * band.block.spec.dilation.w);
        let before = column.group.min(0).unsigned_abs() / band.columns.stride;
        let begins = matches!(self.place, Place::First | Place::Only);
        self.set(&Reg::new("x", &[self.r, j, 0]), |row| {
            if before > 0 && begins {
                Vector::Slide { low: zero(), high: row.sort(0, column.phase), by: lanes - before }
            } else {
                Vector::Same { reg: row.sort(column.group, column.phase) }
            }
        });
    }

    /// A vector of the columns of one sort, from the group on that starts so far from the tile's first output.
    fn sort(&mut self, group: isize, phase: usize) -> Reg {
        if self.band.columns.stride == 1 {
            return self.pixels(group, 0);
        }
        let reg = Reg::new("sort", &[self.r, self.name_of(group), phase]);
        self.set(&reg, |row| {
            let [low, high] = [0, 1].map(|vector| row.pixels(group, vector));
            Vector::Unzip { low, high, odd: phase == 1 }
        });
        reg
    }

    /// A vector of pixels as they are in the row.
    fn pixels(&mut self, group: isize, vector: usize) -> Reg {
        let reg = Reg::new("pixels", &[self.r, self.name_of(group), vector]);
        let after = vector * self.band.block.lanes();
        self.set(&reg, |row| match *row.place {
            Place::First => row.load(group.unsigned_abs() + after),
            Place::Middle(_) => row.load((group - row.band.columns.first_group()).unsigned_abs() + after),
            Place::Last { over } => row.load_at_end(group, vector, over),
            Place::Only => Vector::Part {
                row: Reg::new("row", &[row.r]),
                at: group.unsigned_abs() + after,
                len: row.band.block.size(Size::Pitch),
            },
        });
        reg
    }

    fn load(&self, at: usize) -> Vector {
        Vector::Load { window: Reg::new("window", &[self.r]), at }
    }

    /// One of a group's vectors in the last tile: the row's last pixels are shifted down where it reads past them.
    fn load_at_end(&mut self, group: isize, vector: usize, over: usize) -> Vector {
        let (columns, lanes) = (self.band.columns, self.band.block.lanes());
        // The group is `stride` vectors long.
        let follow = (columns.stride - 1 - vector) * lanes;
        let past = columns.excess(group, over).saturating_sub_unsigned(follow);
        let (end, by) = (columns.end(over) - lanes, past.unsigned_abs());
        if past <= 0 {
            return self.load(end - by);
        }
        let low = Reg::new("end", &[self.r]);
        self.set(&low, |row| row.load(end));
        Vector::Slide { low, high: zero(), by }
    }

    /// The window of the row that the tile's vectors are loaded from.
    fn window(&mut self) {
        let (block, columns) = (self.band.block, self.band.columns);
        let vectors = columns.stride * block.lanes();
        let groups = [columns.first_group(), columns.last_group()];
        let (at, len) = match self.place {
            Place::First => (Index::Const(0), groups[1].unsigned_abs() + vectors),
            Place::Middle(x) => {
                let first = vectors - groups[0].unsigned_abs();
                (x.clone() * vectors + first, groups[1].abs_diff(groups[0]) + vectors)
            }
            Place::Last { over } => {
                let len = columns.end(*over);
                (block.size(Size::Pitch).less(Index::Const(len)), len)
            }
            Place::Only => return,
        };
        let (name, row) = (Reg::new("window", &[self.r]), Reg::new("row", &[self.r]));
        self.body.push(Stmt::WindowOfRow { name, row, at, len });
    }

    /// A group's number.
    fn name_of(&self, group: isize) -> usize {
        (group - self.band.columns.first_group()).unsigned_abs()
    }
}
