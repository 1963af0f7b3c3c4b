//! The weight's gradient with lanes over pixels, from image and gradient themselves: depthwise layers with few taps.
//!
//! ```text
//! acc = 0
//! for y, x:  g[t] = grad[y + t][x ..]
//!     for each row r that rows y.. y + t need, each column tap j:
//!         x = row[r][x * stride + j - padding ..]
//!         acc[i][j] += g[t] * x  for all t, i with  t * stride + i * dilation = r
//! sums += lanes of acc
//! ```
//!
//! Like `sums_px`; but rows are read as `in_place` reads them. The last tile of a row overlaps the one before: there
//! the gradients are zeros. Rows that do not fill a tile come one by one.

use super::in_place::{Place, Row, Tile, Widths, across, by_width, zero};
use super::{padded_rows, sizes};
use crate::nest::{Buffer, Extent, Index, Nest, PaddedRows, Reg, Size, Stmt, Var, Vector};
use crate::plan::{InPlace, Machine, rows_read};
use crate::spec::{PaddingMode, Spec};

/// All taps of a group, for `lines` rows of outputs at a time.
pub(super) struct Sums<'a> {
    pub(super) spec: &'a Spec,
    pub(super) machine: Machine,
    pub(super) lines: usize,
}

impl Sums<'_> {
    pub(super) fn lower(&self) -> Nest {
        let (spec, lanes) = (self.spec, self.machine.lanes);
        let Some(columns) = InPlace::of(spec, lanes) else {
            unreachable!("only layers that can be read in place are planned so")
        };
        let [image, out] = [Size::Pitch, Size::OutW].map(|size| self.size(size));
        let widths = Widths { image, out: out.clone(), lanes };
        let band = |y, lines| Band { sums: self, columns: &columns, widths: &widths, y, lines };
        let mut body = vec![Stmt::Set { reg: zero(), value: Vector::Zero }];
        body.extend(self.accumulators().map(|at| Stmt::Start { acc: acc(at), value: Vector::Zero }));
        body.extend(by_width(
            &columns,
            out,
            || self.down(&|y, lines| band(y, lines).wide()),
            || self.down(&|y, lines| band(y, lines).narrow()),
        ));
        let sums = self
            .accumulators()
            .map(|at @ [o, i, j]| (acc(at), Index::Const(o * spec.taps() + i * spec.kernel.w + j)));
        body.push(Stmt::AddLanes { sums: sums.collect(), buffer: Buffer::Output });
        let steps = vec![
            (Buffer::Image, self.size(Size::Plane)),
            (Buffer::Gradient, self.size(Size::OutPlane) * spec.out_per_group()),
            (Buffer::Output, Index::Const(spec.out_per_group() * spec.taps())),
        ];
        let groups = Stmt::Groups { count: Index::Size(Size::Groups), steps, body };
        Nest { lanes, body: vec![groups] }
    }

    fn size(&self, size: Size) -> Index {
        sizes(self.spec, size)
    }

    /// Output channels, rows of taps, columns of taps.
    fn accumulators(&self) -> impl Iterator<Item = [usize; 3]> {
        let kernel = self.spec.kernel;
        let taps = move |o| (0..kernel.h * kernel.w).map(move |tap| [o, tap / kernel.w, tap % kernel.w]);
        (0..self.spec.out_per_group()).flat_map(taps)
    }

    /// Tiles of `lines` rows from the top on, and single rows for the rest.
    fn down(&self, band: &dyn Fn(Index, usize) -> Vec<Stmt>) -> Vec<Stmt> {
        let (lines, height) = (self.lines, self.size(Size::OutH));
        let tiles = height.clone().divided_by(lines);
        let y = Index::Var(Var("y"));
        let rows = |from, to, body| Stmt::For { var: Var("y"), from, to, body };
        let mut body = Vec::new();
        if tiles.constant() != Some(0) {
            body.push(rows(Index::Const(0), tiles.clone(), band(y.clone() * lines, lines)));
        }
        let done = tiles * lines;
        if lines > 1 && (done.constant().is_none() || done != height) {
            body.push(rows(done, height, band(y, 1)));
        }
        body
    }
}

/// Some output rows, from row `y` on.
struct Band<'a> {
    sums: &'a Sums<'a>,
    columns: &'a InPlace,
    widths: &'a Widths,
    y: Index,
    lines: usize,
}

impl Band<'_> {
    /// Rows of several tiles.
    fn wide(&self) -> Vec<Stmt> {
        let mut body = self.rows(Extent::Row);
        body.extend(across(self.sums.spec, self.columns, self.widths, &|place| self.tile(place)));
        body
    }

    /// Rows of one tile.
    fn narrow(&self) -> Vec<Stmt> {
        let mut body = self.rows(Extent::Rest);
        body.extend(self.tile(Place::Only));
        body
    }

    /// Output channels and lines.
    fn gradients(&self) -> impl Iterator<Item = (usize, usize)> {
        let lines = self.lines;
        (0..self.sums.spec.out_per_group()).flat_map(move |o| (0..lines).map(move |t| (o, t)))
    }

    /// The rows of the image that the lines read, and those of the gradient.
    fn rows(&self, extent: Extent) -> Vec<Stmt> {
        let (spec, size) = (self.sums.spec, |size| self.sums.size(size));
        let read = rows_read(spec, spec.kernel.h, self.lines).into_keys();
        let read = read.map(|r| (r, Reg::new("row", &[r]))).collect();
        let sides = [size(Size::ImageH), size(Size::Pitch)];
        let image = padded_rows(spec, Index::Const(0), sides, &self.y, &read, extent);
        let gradient = |o| PaddedRows {
            buffer: Buffer::Gradient,
            names: (0..self.lines).map(|t| Some(Reg::new("grad_row", &[o, t]))).collect(),
            extent,
            mode: PaddingMode::Zeros,
            plane: size(Size::OutPlane) * o,
            first: self.y.clone(),
            padding: [0; 2],
            image: [size(Size::OutH), size(Size::OutW)],
        };
        let gradients = (0..spec.out_per_group()).map(|o| Stmt::PaddedRows(gradient(o)));
        [image].into_iter().chain(gradients).collect()
    }

    fn tile(&self, place: Place) -> Vec<Stmt> {
        let spec = self.sums.spec;
        let mut body: Vec<_> = self.gradients().flat_map(|at| self.gradient(&place, at)).collect();
        let tile = Tile { spec, columns: self.columns, widths: self.widths, place, crossed: false };
        for (r, users) in rows_read(spec, spec.kernel.h, self.lines) {
            let mut row = Row::new(&tile, r);
            for j in 0..spec.kernel.w {
                row.tap(j);
                let users =
                    users.iter().flat_map(|&(t, i)| (0..spec.out_per_group()).map(move |o| (o, t, i)));
                row.body.extend(users.map(|(o, t, i)| Stmt::Fma {
                    acc: acc([o, i, j]),
                    a: Reg::new("g", &[o, t]),
                    b: Reg::new("x", &[r, j, 0]),
                }));
            }
            body.extend(row.body);
        }
        body
    }

    /// A vector of gradients.
    fn gradient(&self, place: &Place, (o, t): (usize, usize)) -> Vec<Stmt> {
        let Widths { out, lanes, .. } = self.widths;
        let (lanes, row) = (*lanes, Reg::new("grad_row", &[o, t]));
        let (window, reg) = (Reg::new("grads", &[o, t]), Reg::new("g", &[o, t]));
        let whole = Vector::Load { window: window.clone(), at: 0 };
        let (at, value) = match place {
            Place::First => (Index::Const(0), whole),
            Place::Middle(x) => ((x.clone() + 1) * lanes, whole),
            Place::Last { .. } => {
                let at = out.clone().less(Index::Const(lanes));
                let before = out.clone().tiles_of(lanes).less(Index::Const(1)) * lanes;
                (at, Vector::Last { window: window.clone(), count: out.clone().less(before) })
            }
            Place::Only | Place::Copy => {
                let value = Vector::Part { row, at: 0, len: out.clone() };
                return vec![Stmt::Set { reg, value }];
            }
        };
        let window = Stmt::WindowOfRow { name: window, row, at, len: lanes };
        vec![window, Stmt::Set { reg, value }]
    }
}

fn acc(at: [usize; 3]) -> Reg {
    Reg::new("acc", &at)
}
