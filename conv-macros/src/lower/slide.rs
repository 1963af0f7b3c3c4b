//! Columns of constant kernels that slide over the image: lanes over output columns, several rows at once.
//!
//! ```text
//! for y, for x, for each row t of the tile:
//!     next[t] = sum over i:  column[i] * image[y + t + i][x + lanes ..]        for each column
//!     output[y + t][x ..] = sum over j:  factor[j] * (this | next)[t] from lane j on
//!     this[t] = next[t]
//! ```
//!
//! 1. A kernel is taken apart into columns, of which there are often fewer than taps in a row (`spec/columns.rs`).
//!    A sum of a column is computed once and serves all taps that are a multiple of it: it stays in a register,
//!    and its neighbours are two registers shifted into one.
//! 2. Each row that is loaded serves all rows of the tile. No pixel is loaded twice from one row.
//! 3. Weights are constants of the text: what is multiplied by equal numbers, but for the sign, is added first,
//!    and what is multiplied by one is only added.
//! 4. The kernel reads the image itself, and pads its rows in registers: the sum of padded pixels is the padded
//!    sum. Only an image that is narrower than a vector is copied, with its padding.
//! 5. The last vector of a row is stored as far as the row goes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, ladder};
use crate::nest::{Buffer, Extent, Index, Reg, Sides, Size, Stmt, Var, Vector};
use crate::plan::Slide;

pub(super) fn lower(block: &Block<'_>, rows: usize) -> Vec<Stmt> {
    let Some(slide) = Slide::of(block.spec, block.lanes()) else {
        unreachable!("only layers whose columns can slide are planned so")
    };
    let (least, width) = (slide.least_width(), block.size(Size::OutW));
    let steps = block.row_steps(rows);
    let tile = |rows| Tile { block, slide: &slide, rows };
    let wide = || ladder("y", &block.size(Size::OutH), &steps, &|y, rows| tile(rows).wide(&y));
    let narrow = || ladder("y", &block.size(Size::OutH), &[1], &|y, rows| tile(rows).narrow(&y));
    match width.constant() {
        Some(known) if known >= least => wide(),
        Some(_) => narrow(),
        None => vec![Stmt::Choose { value: width, at_least: least, then: wide(), otherwise: narrow() }],
    }
}

struct Tile<'a> {
    block: &'a Block<'a>,
    slide: &'a Slide,
    rows: usize,
}

/// The present vector of sums and the next, by their roles.
type Roles = [&'static str; 2];

impl Tile<'_> {
    /// Rows of an image that is at least as wide as a vector.
    fn wide(&self, y: &Index) -> Vec<Stmt> {
        let (lanes, pitch) = (self.block.lanes(), self.block.size(Size::Pitch));
        let left = self.block.spec.padding.left;
        // Vectors that begin with padding or in the image, and end in it.
        let whole = (pitch.clone() + left).divided_by(lanes);
        let last = whole.clone().less(Index::Const(1));
        let rest = self.block.size(Size::OutW).less(whole.clone() * lanes);
        let mut body = self.biases();
        body.extend(self.rows_of_image(y));
        body.push(self.rows_written(y));
        body.extend(self.all_sums("first", &Index::Const(0)));
        body.extend(self.all_sums("last", &pitch.clone().less(Index::Const(lanes))));
        body.extend(self.sides(&pitch, rest.constant() != Some(0)));
        body.push(self.across(&last));
        body.extend(self.all_outputs(["this", "after_0"], &(last * lanes)));
        body.extend(at_least_one(rest, || self.all_outputs(["after_0", "after_1"], &(whole * lanes))));
        body
    }

    /// The biases, if there are any.
    fn biases(&self) -> Vec<Stmt> {
        let (block, window) = (self.block, Reg::new("bias_row", &[]));
        if !block.spec.bias {
            return Vec::new();
        }
        let at = Index::Const(0);
        let mut body =
            vec![Stmt::Window { name: window.clone(), buffer: Buffer::Bias, at, len: block.channels }];
        body.extend((0..block.channels).map(|o| Stmt::Set {
            reg: Reg::new("bias", &[o]),
            value: Vector::Splat { window: window.clone(), at: o },
        }));
        body
    }

    /// The rows that the tile reads: input channels and rows.
    fn read(&self) -> BTreeSet<(usize, usize)> {
        (0..self.rows).flat_map(|t| self.pixels(t)).collect()
    }

    /// The rows of the image that the tile reads, or of what stands above and below it.
    fn rows_of_image(&self, y: &Index) -> Vec<Stmt> {
        let mut channels = BTreeMap::<_, BTreeMap<_, _>>::new();
        for (c, r) in self.read() {
            channels.entry(c).or_default().insert(r, Reg::new("row", &[c, r]));
        }
        let rows = channels.iter().map(|(c, rows)| self.block.padded_rows(*c, y, rows, Extent::Row));
        rows.collect()
    }

    /// A row of a copy, as far as two vectors, or one, go.
    fn row_of_copy(&self, y: &Index, (c, r): (usize, usize)) -> Stmt {
        let block = self.block;
        let row = (y.clone() * block.spec.stride.h + r) * block.size(Size::Pitch);
        let at = block.size(Size::Plane) * c + row;
        let len = Index::Const(self.vectors() * block.lanes());
        Stmt::Row { name: Reg::new("row", &[c, r]), buffer: Buffer::Image, at, len }
    }

    /// The rows that the tile writes.
    fn rows_written(&self, y: &Index) -> Stmt {
        let (block, width) = (self.block, self.block.size(Size::OutW));
        Stmt::OutputRows {
            name: "out_row",
            planes: block.channels,
            rows: self.rows,
            plane: block.size(Size::OutPlane),
            at: y.clone() * width.clone(),
            len: width,
        }
    }

    /// Input channels and rows that some weight of a row of the tile meets.
    fn pixels(&self, t: usize) -> BTreeSet<(usize, usize)> {
        let columns = self.slide.columns.different.iter();
        let weights = columns.flat_map(|column| column.iter().enumerate());
        weights.filter(|(_, weight)| **weight != 0.0).map(|(at, _)| self.pixel(t, at)).collect()
    }

    /// The input channel and row that a weight of a column meets.
    fn pixel(&self, t: usize, at: usize) -> (usize, usize) {
        let spec = self.block.spec;
        (at / spec.kernel.h, t * spec.stride.h + at % spec.kernel.h * spec.dilation.h)
    }

    /// The sums of all rows, for a vector of pixels from column `x` on.
    fn all_sums(&self, role: &'static str, x: &Index) -> Vec<Stmt> {
        let mut loaded = BTreeSet::new();
        (0..self.rows).flat_map(|t| self.sums(role, t, x, &mut loaded)).collect()
    }

    /// The sums of one row, from pixels of which some are loaded already.
    fn sums(
        &self,
        role: &'static str,
        t: usize,
        x: &Index,
        loaded: &mut BTreeSet<(usize, usize)>,
    ) -> Vec<Stmt> {
        let mut body = Vec::new();
        for (c, r) in self.pixels(t) {
            if loaded.insert((c, r)) {
                let (window, row) = (Reg::new("pixels", &[c, r]), Reg::new("row", &[c, r]));
                let (name, at) = (window.clone(), x.clone());
                body.push(Stmt::WindowOfRow { name, row, at, len: self.block.lanes() });
                body.push(Stmt::Set { reg: Reg::new("x", &[c, r]), value: Vector::Load { window, at: 0 } });
            }
        }
        for (k, column) in self.slide.columns.different.iter().enumerate() {
            let terms = column.iter().enumerate().map(|(at, &weight)| {
                let (c, r) = self.pixel(t, at);
                (weight, Reg::new("x", &[c, r]))
            });
            body.extend(weigh(&Reg::new(role, &[t, k]), terms.collect()));
        }
        body
    }

    /// The sums of a row, padded: its first vector, and what comes after the last that is whole, as far as that
    /// is needed.
    fn sides(&self, pitch: &Index, ends_with_a_part: bool) -> Vec<Stmt> {
        let (spec, slides) = (self.block.spec, self.slide.span > 0);
        let needed = [true, slides || ends_with_a_part, slides && ends_with_a_part];
        let each = (0..self.rows).flat_map(|t| (0..self.slide.columns.different.len()).map(move |k| [t, k]));
        let mut body = Vec::new();
        for at in each {
            let names = ["before", "after_0", "after_1"].map(|role| Reg::new(role, &at));
            let [before, _, _] = names.clone();
            body.push(Stmt::Sides(Sides {
                made: [0, 1, 2].map(|part| needed[part].then(|| names[part].clone())),
                from: ["first", "last"].map(|role| Reg::new(role, &at)),
                rest: (pitch.clone() + spec.padding.left).modulo(self.block.lanes()),
                mode: spec.padding_mode,
                padding: [spec.padding.left, spec.padding.right],
            }));
            body.push(Stmt::Start { acc: Reg::new("this", &at), value: Vector::Same { reg: before } });
        }
        body
    }

    /// All whole vectors of a row but the last.
    fn across(&self, extent: &Index) -> Stmt {
        let (x, lanes) = (Index::Var(Var("x")), self.block.lanes());
        let next = ((x.clone() + 1) * lanes).less(Index::Const(self.block.spec.padding.left));
        // All loads come before all stores: those of other rows may be at the same place in other pages, for which a
        // load that comes after would wait.
        let mut body = self.all_sums("next", &next);
        for t in 0..self.rows {
            body.extend(self.outputs(["this", "next"], t, &(x.clone() * lanes), false));
            for k in 0..self.slide.columns.different.len() {
                body.push(Stmt::Move { to: Reg::new("this", &[t, k]), from: Reg::new("next", &[t, k]) });
            }
        }
        Stmt::For { var: Var("x"), from: Index::Const(0), to: extent.clone(), body }
    }

    /// A vector of each output of all rows from column `x` on, stored as far as the row goes.
    fn all_outputs(&self, roles: Roles, x: &Index) -> Vec<Stmt> {
        (0..self.rows).flat_map(|t| self.outputs(roles, t, x, true)).collect()
    }

    /// A vector of each output of one row from column `x` on, where the row may end within it or not.
    fn outputs(&self, roles: Roles, t: usize, x: &Index, ends: bool) -> Vec<Stmt> {
        let (mut body, mut seen) = (Vec::new(), BTreeSet::new());
        for (o, terms) in self.slide.columns.outputs.iter().enumerate() {
            let mut sum = Vec::from_iter(self.block.spec.bias.then(|| (1.0, Reg::new("bias", &[o]))));
            for term in terms {
                let reg = Reg::new("slid", &[t, term.column, term.tap]);
                if seen.insert(reg.clone()) {
                    let pair = roles.map(|role| Reg::new(role, &[t, term.column]));
                    let by = term.tap * self.block.spec.dilation.w;
                    body.push(Stmt::Set { reg: reg.clone(), value: between(pair, by, self.block.lanes()) });
                }
                sum.push((term.factor, reg));
            }
            let reg = Reg::new("out", &[t, o]);
            body.extend(weigh(&reg, sum));
            body.push(self.store(reg, [o, t], x, ends));
        }
        body
    }

    fn store(&self, reg: Reg, row: [usize; 2], x: &Index, ends: bool) -> Stmt {
        let width = self.block.size(Size::OutW);
        let count = ends.then(|| width.less(x.clone()).at_most(self.block.lanes()));
        Stmt::StoreToRow { reg, row: Reg::new("out_row", &row), at: x.clone(), count }
    }

    /// Vectors of a row of an image that is narrower than one.
    fn vectors(&self) -> usize {
        if self.slide.span > 0 { 2 } else { 1 }
    }

    /// A row of an image that is narrower than a vector, from a copy with its padding.
    fn narrow(&self, y: &Index) -> Vec<Stmt> {
        let mut body = self.biases();
        body.extend(self.read().into_iter().map(|at| self.row_of_copy(y, at)));
        body.push(self.rows_written(y));
        body.extend(self.all_sums("this", &Index::Const(0)));
        if self.vectors() > 1 {
            body.extend(self.all_sums("next", &Index::Const(self.block.lanes())));
        }
        body.extend(self.all_outputs(["this", "next"], &Index::Const(0)));
        body
    }
}

/// A vector that starts `by` lanes after the start of the lower of two neighbours.
fn between([low, high]: [Reg; 2], by: usize, lanes: usize) -> Vector {
    match by {
        0 => Vector::Same { reg: low },
        _ if by == lanes => Vector::Same { reg: high },
        _ => Vector::Slide { low, high, by },
    }
}

/// The body if the extent is at least one.
fn at_least_one(extent: Index, body: impl FnOnce() -> Vec<Stmt>) -> Vec<Stmt> {
    match extent.constant() {
        Some(0) => Vec::new(),
        Some(_) => body(),
        None => vec![Stmt::Choose { value: extent, at_least: 1, then: body(), otherwise: Vec::new() }],
    }
}

/// `reg` = the sum of constants times registers. What has the same constant, but for the sign, is added before
/// it is multiplied, and zeros are left out.
fn weigh(reg: &Reg, mut terms: Vec<(f64, Reg)>) -> Vec<Stmt> {
    terms.retain(|(factor, _)| *factor != 0.0);
    // Additions come first: a sum that started with a subtraction would start with a change of sign.
    terms.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut by_size = BTreeMap::<u64, Vec<(f64, Reg)>>::new();
    for (factor, term) in terms {
        by_size.entry(factor.abs().to_bits()).or_default().push((factor.signum(), term));
    }
    let mut body = Vec::new();
    let mut sum = by_size.remove(&1f64.to_bits()).unwrap_or_default();
    for (at, (size, alike)) in by_size.into_iter().enumerate() {
        let size = f64::from_bits(size);
        if let [(sign, only)] = alike.as_slice() {
            sum.push((sign * size, only.clone()));
            continue;
        }
        let together = Reg(format!("{reg}_sum_{at}"));
        body.push(Stmt::Combine { reg: together.clone(), terms: alike });
        sum.push((size, together));
    }
    body.push(if sum.is_empty() {
        Stmt::Set { reg: reg.clone(), value: Vector::Zero }
    } else {
        Stmt::Combine { reg: reg.clone(), terms: sum }
    });
    body
}
