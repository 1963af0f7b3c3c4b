//! Columns of constant kernels that slide over the image: lanes over output columns, several rows at once.
//!
//! ```text
//! for y, for x:  next[t] = sum over i:  column[i] * image[y + t + i][x + lanes ..]        for each column
//!                output[y + t][x ..] = sum over j:  factor[j] * (prev | this | next)[t] shifted to tap j
//!                prev, this = this, next
//! ```
//!
//! 1. A kernel is taken apart into columns, of which there are often fewer than taps in a row (`spec/columns.rs`).
//!    A sum of a column is computed once and serves all taps that are a multiple of it: it stays in a register,
//!    and its neighbours are two registers shifted into one.
//! 2. Each row that is loaded serves all rows of the tile. No pixel is loaded twice from one row.
//! 3. Weights are constants of the text: what is multiplied by equal numbers, but for the sign, is added first,
//!    and what is multiplied by one is only added.
//! 4. The kernel reads the image itself, and pads its rows in registers: the sum of padded pixels is the padded
//!    sum. The few rows at the top and at the bottom that read padding are computed from a copy of what they read.
//!    Only an image that is narrower than a vector is copied as a whole, with its padding.
//! 5. The last vector of a row is stored as far as the row goes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Block, ladder};
use crate::nest::{Buffer, Index, Reg, Sides, Size, Stmt, Var, Vector};
use crate::plan::Slide;

pub(super) fn lower(block: &Block<'_>, rows: usize) -> Vec<Stmt> {
    let Some(slide) = Slide::of(block.spec, block.lanes()) else {
        unreachable!("only layers whose columns can slide are planned so")
    };
    let (least, width) = (slide.least_width(), block.size(Size::OutW));
    let steps = if rows == 1 { vec![1] } else { vec![rows, 1] };
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

/// The registers of the vector before, the present one and the next, by their roles.
type Roles = [&'static str; 3];

impl Tile<'_> {
    /// Rows of an image that is at least as wide as a vector.
    fn wide(&self, y: &Index) -> Vec<Stmt> {
        let (lanes, pitch) = (self.block.lanes(), self.block.size(Size::Pitch));
        let whole = pitch.clone().divided_by(lanes);
        let last = whole.clone().less(Index::Const(1));
        let rest = self.block.size(Size::OutW).less(whole.clone() * lanes);
        let mut body = self.biases();
        body.extend(self.rows(y, &pitch));
        body.extend(self.sums("first", &Index::Const(0)));
        body.extend(self.sides(&pitch, rest.constant() != Some(0)));
        body.push(self.across(&last));
        let roles = ["prev", "this", "after_0"];
        body.extend(self.outputs(roles, &(last * lanes), self.slide.narrower > 0));
        body.extend(at_least_one(rest, || {
            self.outputs(["this", "after_0", "after_1"], &(whole * lanes), true)
        }));
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

    /// The rows that the tile reads, of so many pixels, and those that it writes.
    fn rows(&self, y: &Index, len: &Index) -> Vec<Stmt> {
        let (block, width) = (self.block, self.block.size(Size::OutW));
        let read = self.pixels().into_iter().map(|(c, r)| {
            let row = (y.clone() * block.spec.stride.h + r) * block.size(Size::Pitch);
            let at = block.size(Size::Plane) * c + row;
            Stmt::Row { name: Reg::new("row", &[c, r]), buffer: Buffer::Image, at, len: len.clone() }
        });
        let written = Stmt::OutputRows {
            name: "out_row",
            planes: block.channels,
            rows: self.rows,
            plane: block.size(Size::OutPlane),
            at: y.clone() * width.clone(),
            len: width,
        };
        read.chain([written]).collect()
    }

    /// The sums of all columns, for a vector of pixels from column `x` on.
    fn sums(&self, role: &'static str, x: &Index) -> Vec<Stmt> {
        let (block, spec) = (self.block, self.block.spec);
        let mut body = Vec::new();
        for (c, r) in self.pixels() {
            let (window, row) = (Reg::new("pixels", &[c, r]), Reg::new("row", &[c, r]));
            let (name, at) = (window.clone(), x.clone());
            body.push(Stmt::WindowOfRow { name, row, at, len: block.lanes() });
            body.push(Stmt::Set { reg: pixel(c, r), value: Vector::Load { window, at: 0 } });
        }
        for (t, k) in self.each() {
            let weights = self.slide.columns.columns[k].iter().enumerate();
            let terms = weights.map(|(at, &weight)| {
                let (c, i) = (at / spec.kernel.h, at % spec.kernel.h);
                (weight, pixel(c, t * spec.stride.h + i * spec.dilation.h))
            });
            body.extend(weigh(&Reg::new(role, &[t, k]), terms.collect()));
        }
        body
    }

    /// Input channels and rows that some weight meets.
    fn pixels(&self) -> BTreeSet<(usize, usize)> {
        let spec = self.block.spec;
        let weights = self.slide.columns.columns.iter().flat_map(|column| column.iter().enumerate());
        let met: BTreeSet<_> = weights.filter(|(_, weight)| **weight != 0.0).map(|(at, _)| at).collect();
        let row = |t: usize, at: usize| t * spec.stride.h + at % spec.kernel.h * spec.dilation.h;
        let rows = (0..self.rows).flat_map(|t| met.iter().map(move |&at| (t, at)));
        rows.map(|(t, at)| (at / spec.kernel.h, row(t, at))).collect()
    }

    /// Rows and columns.
    fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        let columns = self.slide.columns.columns.len();
        (0..self.rows).flat_map(move |t| (0..columns).map(move |k| (t, k)))
    }

    /// What stands before the first vector of sums, and after the last whole one, as far as it is needed; and
    /// what the loop starts with.
    fn sides(&self, pitch: &Index, ends_with_a_part: bool) -> Vec<Stmt> {
        let (spec, lanes, reads_next) = (self.block.spec, self.block.lanes(), self.slide.on > 0);
        let needed = [self.slide.back > 0, reads_next || ends_with_a_part, reads_next && ends_with_a_part];
        let mut body = Vec::new();
        if needed.contains(&true) {
            body.extend(self.sums("last", &pitch.clone().less(Index::Const(lanes))));
        }
        for (t, k) in self.each() {
            let names = ["before", "after_0", "after_1"].map(|role| Reg::new(role, &[t, k]));
            if needed.contains(&true) {
                body.push(Stmt::Sides(Sides {
                    made: [0, 1, 2].map(|at| needed[at].then(|| names[at].clone())),
                    from: ["first", "last"].map(|role| Reg::new(role, &[t, k])),
                    rest: pitch.clone().modulo(lanes),
                    mode: spec.padding_mode,
                    padding: [spec.padding.left, spec.padding.right],
                }));
            }
            for (to, from) in self.carried("before", "first") {
                let value = Vector::Same { reg: Reg::new(from, &[t, k]) };
                body.push(Stmt::Start { acc: Reg::new(to, &[t, k]), value });
            }
        }
        body
    }

    /// What goes from one vector to the next: the sums before, if they are read at all, and the present ones.
    fn carried(&self, before: &'static str, this: &'static str) -> Vec<(&'static str, &'static str)> {
        let prev = (self.slide.back > 0).then_some(("prev", before));
        prev.into_iter().chain([("this", this)]).collect()
    }

    /// All whole vectors of a row but the last.
    fn across(&self, extent: &Index) -> Stmt {
        let (x, lanes) = (Index::Var(Var("x")), self.block.lanes());
        let mut body = self.sums("next", &((x.clone() + 1) * lanes));
        body.extend(self.outputs(["prev", "this", "next"], &(x * lanes), false));
        for (t, k) in self.each() {
            for (to, from) in self.carried("this", "next") {
                body.push(Stmt::Move { to: Reg::new(to, &[t, k]), from: Reg::new(from, &[t, k]) });
            }
        }
        Stmt::For { var: Var("x"), extent: extent.clone(), body }
    }

    /// A vector of each output from column `x` on, stored as far as the row goes if it may end there.
    fn outputs(&self, [prev, this, next]: Roles, x: &Index, ends: bool) -> Vec<Stmt> {
        let lanes = self.block.lanes();
        self.shifted_outputs(x, ends, &|t, k, tap| {
            let offset = tap * self.block.spec.dilation.w + lanes - self.slide.back;
            let pair = if offset < lanes { [prev, this] } else { [this, next] };
            between(pair.map(|role| Reg::new(role, &[t, k])), offset % lanes, offset == 2 * lanes)
        })
    }

    /// The outputs, from sums that `shifted` brings to the place of a tap.
    fn shifted_outputs(
        &self,
        x: &Index,
        ends: bool,
        shifted: &dyn Fn(usize, usize, usize) -> Vector,
    ) -> Vec<Stmt> {
        let (block, mut body) = (self.block, Vec::new());
        for t in 0..self.rows {
            let mut seen = BTreeSet::new();
            for (o, terms) in self.slide.columns.outputs.iter().enumerate() {
                let bias = block.spec.bias.then(|| (1.0, Reg::new("bias", &[o])));
                let mut sum = Vec::from_iter(bias);
                for term in terms {
                    let reg = Reg::new("slid", &[t, term.column, term.tap]);
                    if seen.insert(reg.clone()) {
                        body.push(Stmt::Set { reg: reg.clone(), value: shifted(t, term.column, term.tap) });
                    }
                    sum.push((term.factor, reg));
                }
                let reg = Reg::new("out", &[t, o]);
                body.extend(weigh(&reg, sum));
                body.push(self.store(reg, [o, t], x, ends));
            }
        }
        body
    }

    fn store(&self, reg: Reg, row: [usize; 2], x: &Index, ends: bool) -> Stmt {
        let width = self.block.size(Size::OutW);
        let count = ends.then(|| width.less(x.clone()).at_most(self.block.lanes()));
        Stmt::StoreToRow { reg, row: Reg::new("out_row", &row), at: x.clone(), count }
    }

    /// A row of an image that is narrower than a vector, from a copy with its padding.
    fn narrow(&self, y: &Index) -> Vec<Stmt> {
        // The taps reach less than two vectors.
        const PARTS: [&str; 3] = ["part_0", "part_1", "part_2"];
        let lanes = self.block.lanes();
        let parts = &PARTS[..self.slide.narrow_vectors()];
        let mut body = self.biases();
        body.extend(self.rows(y, &Index::Const(parts.len() * lanes)));
        for (at, part) in parts.iter().enumerate() {
            body.extend(self.sums(part, &Index::Const(at * lanes)));
        }
        body.extend(self.shifted_outputs(&Index::Const(0), true, &|t, k, tap| {
            let offset = tap * self.block.spec.dilation.w;
            let at = (offset / lanes).min(parts.len().saturating_sub(2));
            let high = parts.get(at + 1).unwrap_or(&parts[at]);
            between(
                [parts[at], high].map(|role| Reg::new(role, &[t, k])),
                offset % lanes,
                offset / lanes > at,
            )
        }));
        body
    }
}

/// A vector that starts `by` lanes after the start of the lower of two neighbours, or is the higher one.
fn between([low, high]: [Reg; 2], by: usize, is_high: bool) -> Vector {
    match by {
        _ if is_high => Vector::Same { reg: high },
        0 => Vector::Same { reg: low },
        _ => Vector::Slide { low, high, by },
    }
}

fn pixel(channel: usize, row: usize) -> Reg {
    Reg::new("x", &[channel, row])
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
    body.push(match sum.is_empty() {
        true => Stmt::Set { reg: reg.clone(), value: Vector::Zero },
        false => Stmt::Combine { reg: reg.clone(), terms: sum },
    });
    body
}
