//! What a tile loads of a row of the image that is read in place.

use std::collections::BTreeSet;

use crate::nest::{Index, Reg, Stmt, Var, Vector};
use crate::plan::InPlace;
use crate::spec::Spec;

/// Where a tile is in its row.
#[derive(Clone)]
pub(in crate::lower) enum Place {
    /// It begins with the padding.
    First,
    /// So many tiles are between it and the first.
    Middle(Index),
    /// It ends with the padding, of which no tap reads the last column, or columns, if there are any `over`.
    Last { over: usize },
    /// It is all of the row.
    Only,
    /// It is all of a row of a padded copy.
    Copy,
}

/// Columns of image and output, and of a vector.
pub(in crate::lower) struct Widths {
    pub(in crate::lower) image: Index,
    pub(in crate::lower) out: Index,
    pub(in crate::lower) lanes: usize,
}

/// The first body where the output is wide enough for several tiles in a row, else the second.
pub(in crate::lower) fn by_width(
    columns: &InPlace,
    out: Index,
    wide: impl FnOnce() -> Vec<Stmt>,
    narrow: impl FnOnce() -> Vec<Stmt>,
) -> Vec<Stmt> {
    let at_least = columns.least_width();
    match out.constant() {
        Some(known) if known >= at_least => wide(),
        Some(_) => narrow(),
        None => vec![Stmt::Choose { value: out, at_least, then: wide(), otherwise: narrow() }],
    }
}

/// All tiles of a row that has several.
pub(in crate::lower) fn across(
    spec: &Spec,
    columns: &InPlace,
    widths: &Widths,
    tile: &dyn Fn(Place) -> Vec<Stmt>,
) -> Vec<Stmt> {
    let mut body = tile(Place::First);
    let between = widths.out.clone().tiles_of(widths.lanes).less(Index::Const(2));
    if between.constant() != Some(0) {
        let var = Var("x");
        let (from, middle) = (Index::Const(0), tile(Place::Middle(Index::Var(var))));
        body.push(Stmt::For { var, from, to: between, body: middle });
    }
    // Whether some tap of a strided layer reads the last column, the image's width tells.
    let padded = widths.image.clone() + (columns.left + columns.right);
    let over = padded.less(Index::Const(spec.effective_kernel().w)).modulo(columns.stride);
    if let Some(over) = over.constant() {
        body.extend(tile(Place::Last { over }));
    } else {
        let [then, otherwise] = [1, 0].map(|over| tile(Place::Last { over }));
        body.push(Stmt::Choose { value: over, at_least: 1, then, otherwise });
    }
    body
}

/// A vector of outputs in each of some rows.
pub(in crate::lower) struct Tile<'a> {
    pub(in crate::lower) spec: &'a Spec,
    pub(in crate::lower) columns: &'a InPlace,
    pub(in crate::lower) widths: &'a Widths,
    pub(in crate::lower) place: Place,
    /// Lanes are not in order: the second and the third quarter of each vector are exchanged.
    pub(in crate::lower) crossed: bool,
}

/// The register that is zero.
pub(in crate::lower) fn zero() -> Reg {
    Reg::new("zero", &[])
}

/// What a tile loads of one row of the image.
pub(in crate::lower) struct Row<'a> {
    pub(super) tile: &'a Tile<'a>,
    pub(super) r: usize,
    made: BTreeSet<Reg>,
    pub(in crate::lower) body: Vec<Stmt>,
}

impl<'a> Row<'a> {
    /// Row `r` of those that the tile reads, which is named so.
    pub(in crate::lower) fn new(tile: &'a Tile<'a>, r: usize) -> Self {
        let mut row = Self { tile, r, made: BTreeSet::new(), body: Vec::new() };
        row.window();
        row
    }

    /// Sets a register, unless it is set already.
    pub(super) fn set(&mut self, reg: &Reg, value: impl FnOnce(&mut Self) -> Vector) {
        if self.made.insert(reg.clone()) {
            let value = value(self);
            self.body.push(Stmt::Set { reg: reg.clone(), value });
        }
    }

    /// The pixels that a tap of the tile's outputs meets.
    pub(in crate::lower) fn tap(&mut self, j: usize) {
        let Tile { spec, columns, widths, ref place, .. } = *self.tile;
        let column = columns.column(j * spec.dilation.w);
        let before = column.group.min(0).unsigned_abs() / columns.stride;
        let begins = matches!(place, Place::First | Place::Only);
        self.set(&Reg::new("x", &[self.r, j, 0]), |row| {
            if let Some(lanes) = row.picks(j) {
                Vector::Pick { reg: row.whole(), lanes }
            } else if before > 0 && begins {
                let (low, high) = (row.before(before, column.phase), row.sort(0, column.phase));
                Vector::Slide { low, high, by: widths.lanes - before }
            } else {
                Vector::Same { reg: row.sort(column.group, column.phase) }
            }
        });
    }

    /// All of a row.
    fn whole(&mut self) -> Reg {
        let reg = Reg::new("whole", &[self.r]);
        self.set(&reg, |row| Vector::Part { row: row.row(), at: 0, len: row.tile.widths.image.clone() });
        reg
    }

    /// A vector of the columns of one sort, from the group on that starts so far from the tile's first output.
    fn sort(&mut self, group: isize, phase: usize) -> Reg {
        if self.tile.columns.stride == 1 {
            return self.pixels(group, 0);
        }
        let reg = Reg::new("sort", &[self.r, self.name_of(group), phase]);
        self.set(&reg, |row| {
            let [low, high] = [0, 1].map(|vector| row.pixels(group, vector));
            Vector::Unzip { low, high, odd: phase == 1, crossed: row.tile.crossed }
        });
        reg
    }

    /// A vector of pixels as they are in the row.
    fn pixels(&mut self, group: isize, vector: usize) -> Reg {
        let reg = Reg::new("pixels", &[self.r, self.name_of(group), vector]);
        let after = vector * self.tile.widths.lanes;
        self.set(&reg, |row| match row.tile.place {
            Place::First => row.load(group.unsigned_abs() + after),
            Place::Middle(_) | Place::Copy => {
                row.load((group - row.tile.columns.first_group()).unsigned_abs() + after)
            }
            Place::Last { over } => row.load_at_end(group, vector, over),
            Place::Only => row.load_part(group.unsigned_abs() + after),
        });
        reg
    }

    pub(super) fn row(&self) -> Reg {
        Reg::new("row", &[self.r])
    }

    fn load(&self, at: usize) -> Vector {
        Vector::Load { window: Reg::new("window", &[self.r]), at }
    }

    /// One of a group's vectors in the last tile: the row's last pixels are shifted down where it reads past them.
    fn load_at_end(&mut self, group: isize, vector: usize, over: usize) -> Vector {
        let (columns, lanes) = (self.tile.columns, self.tile.widths.lanes);
        // The group is `stride` vectors long.
        let follow = (columns.stride - 1 - vector) * lanes;
        let past = columns.excess(group, over).saturating_sub_unsigned(follow);
        let (end, by) = (columns.end(over) - lanes, past.unsigned_abs());
        if past <= 0 {
            return self.load(end - by);
        }
        let low = Reg::new("end", &[self.r]);
        self.set(&low, |row| row.load(end));
        Vector::Slide { low, high: self.after(0, by), by }
    }

    /// The window of the row that the tile's vectors are loaded from.
    fn window(&mut self) {
        let Tile { columns, widths, place, .. } = self.tile;
        let vectors = columns.stride * widths.lanes;
        let groups = [columns.first_group(), columns.last_group()];
        let (at, len) = match place {
            Place::First => (Index::Const(0), groups[1].unsigned_abs() + vectors),
            Place::Middle(x) => {
                let first = vectors - groups[0].unsigned_abs();
                (x.clone() * vectors + first, columns.reach())
            }
            Place::Last { over } => {
                let len = columns.end(*over);
                (widths.image.clone().less(Index::Const(len)), len)
            }
            Place::Copy => (Index::Const(0), columns.reach()),
            Place::Only => return,
        };
        let (name, row) = (Reg::new("window", &[self.r]), self.row());
        self.body.push(Stmt::WindowOfRow { name, row, at, len });
    }

    /// A group's number.
    fn name_of(&self, group: isize) -> usize {
        (group - self.tile.columns.first_group()).unsigned_abs()
    }
}
