//! Where columns of constant kernels can slide over the image (`lower/slide.rs`), and what that costs.
//!
//! Written by hand for a plane of 1080x1920 in `f32` with AVX-512, in us, where copying the plane takes 123 and
//! reading and writing it a vector at a time 126:
//!
//! | | Sobel | 5x5 Gaussian |
//! |---|---|---|
//! | a column pass to rows in the cache, one, two or four at a time, then a row pass | 261, 245, 272 | 452, 399, 381 |
//! | sliding, one row at a time | 206 | 300 |
//! | sliding, two rows | 162 | 252 |
//! | sliding, four rows | 168 | 210 |
//! | sliding, eight rows | 160 | 186 |
//!
//! What was generated, on the way:
//!
//! | | Sobel | 5x5 Gaussian |
//! |---|---|---|
//! | unrolled taps over a padded copy (`direct_rows`) | 325 | 820 |
//! | sliding, every window checked by itself | 200 | 330 |
//! | rows of one length checked together | 205 | 222 |
//! | the vector before not carried along | 195 | 215 |
//! | all loads of a step before its stores | 183 | 211 |
//!
//! With eight rows, Sobel's kernel waits for memory: 92 instructions a step, no register spilled. The Gaussian's has
//! 174, of which 32 shift sums and as many copy a register because of that. To shift them as integers, which takes
//! neither the copies nor the units of multiply-accumulates (`valignd` for `vpermt2ps`; the compiler undoes it unless
//! something that it can't see through stands between), is no faster on a Zen 4, 10.7 cycles a vector both; nor is it to
//! compute a row's last sums when the row gets there (11.3), nor the sums and the outputs row by row (10.7). Three shifts
//! for four, by `a + b z + c z^2 + b z^3 + a z^4 = (1 + z^2) (a + b z + a z^2) + (c - 2 a) z^2`, keep three vectors a row
//! for one: a plane of 64x1920 in the second-level cache of a Granite Rapids took 28 us in tiles of 3 to 6 rows, for 22.
//! There a plane of 1080x1920 waits for memory: copied in 590 to 610 us, Sobel's filter 623, the Gaussian 687. Where the
//! output does not start at a cache line, each row's stores straddle two: in tiles of eight rows 790 us and 703, row by
//! row 606 and 775.

#![expect(clippy::cast_precision_loss, reason = "cycles are estimates")]

use super::{BUDGET, Machine, Tile};
use crate::spec::{Columns, Padding, Spec};

/// Instructions that a step of a row takes beside the arithmetic: the address, the loop.
const STEP: f64 = 2.0;
/// What a row's two ends cost for each column.
const ENDS: f64 = 30.0;

/// The columns of a layer, and how far they reach.
#[derive(Clone, Debug)]
pub(crate) struct Slide {
    pub(crate) columns: Columns,
    /// Pixels from the first tap of a row to the last.
    pub(crate) span: usize,
    /// Columns that the output has less than the image.
    narrower: usize,
    lanes: usize,
}

impl Slide {
    /// `None` if the layer's taps are not constants, or reach further than a vector.
    pub(crate) fn of(spec: &Spec, lanes: usize) -> Option<Self> {
        let Padding { left, right, .. } = spec.padding;
        let span = spec.effective_kernel().w - 1;
        let narrower = span.checked_sub(left)?.checked_sub(right)?;
        if spec.stride.w != 1 || span > lanes || left.max(right) == lanes {
            return None;
        }
        Some(Self { columns: spec.columns()?, span, narrower, lanes })
    }

    /// Output widths below this are those of images narrower than a vector.
    pub(crate) fn least_width(&self) -> usize {
        self.lanes - self.narrower
    }

    /// Operations on one row of outputs.
    fn operations(&self) -> usize {
        self.columns.taps() + self.columns.terms()
    }

    /// Whether tiles of so many rows keep to the code budget, and, unless it is one row, to the registers: these
    /// hold the sums of all rows and the next ones, the pixels that a row reads, and three more.
    fn fits(&self, spec: &Spec, rows: usize, machine: Machine) -> bool {
        let columns = self.columns.different.len();
        let text = self.operations() * (3 * (rows + usize::from(rows > 1)) + 2);
        let pixels = spec.in_per_group() * spec.kernel.h;
        text <= BUDGET && (rows == 1 || 2 * columns * rows + pixels + 3 <= machine.registers)
    }

    /// Tiles worth comparing.
    pub(super) fn tiles(&self, spec: &Spec, out_h: usize, machine: Machine) -> impl Iterator<Item = Tile> {
        let rows = (1..=8.min(out_h)).filter(move |&rows| self.fits(spec, rows, machine));
        rows.map(|rows| Tile::Slide { rows })
    }

    /// Cycles of one row of a tile's steps, and of its ends.
    pub(super) fn cycles(&self, spec: &Spec, machine: Machine, rows: usize) -> [f64; 2] {
        let read = ((rows - 1) * spec.stride.h).saturating_add(spec.effective_kernel().h);
        let read = read.min(rows * spec.kernel.h) * spec.in_per_group();
        let loads = read as f64 * machine.unaligned_load() / 2.0;
        let shuffles = (self.columns.places() * rows) as f64;
        let arithmetic = (self.operations() * rows) as f64 / 2.0;
        let stores = (self.columns.outputs.len() * rows) as f64;
        let columns = (self.columns.different.len() * rows) as f64;
        [loads.max(arithmetic + shuffles / 2.0) + stores + STEP, ENDS * columns]
    }
}
