//! What stands beside a row of the image that is read in place.

use super::row::{Place, Row, Tile, Widths, zero};
use crate::nest::{Index, Reg, Vector};
use crate::plan::InPlace;
use crate::spec::PaddingMode;

/// Bytes of AVX-512's vectors.
const BYTES_512: usize = 64;

/// A column outside the row: so far before its first, or after its last.
#[derive(Clone, Copy)]
enum Outside {
    Before(usize),
    After(usize),
}

impl Row<'_> {
    fn pads_zeros(&self) -> bool {
        self.tile.spec.padding_mode == PaddingMode::Zeros
    }

    /// The lanes that a tap of a row's only tile meets, of a row that is known, and no wider than a vector: then what stands
    /// beside it is in that vector, too.
    pub(super) fn picks(&self, j: usize) -> Option<Vec<u8>> {
        let Tile { spec, columns, widths, ref place, .. } = *self.tile;
        let (image, out) = (widths.image.constant()?, widths.out.constant()?);
        if !matches!(place, Place::Only) || !self.gains_by_picks(image) {
            return None;
        }
        let lane = |x: usize| {
            let at = x.min(out - 1) * columns.stride + j * spec.dilation.w;
            let from = spec.padding_mode.source(at, columns.left, image);
            u8::try_from(from.unwrap_or(image)).ok()
        };
        (0..widths.lanes).map(lane).collect()
    }

    /// Whether a shuffle for each tap is faster than what else it takes: with zeros that is little, and AVX-512 alone shuffles in
    /// one instruction, of which five to a row are as slow; and after a row that is narrower there is a zero. (Depthwise, us,
    /// without and with: 3x3 576@14, zeros 28 and 23, reflected 32 and 22; 5x5 672@14, reflected 240 and 104, with stride 2 125
    /// and 65; 512@14, zeros 83 and 94, @15 with stride 2 84 and 61. AVX2, 3x3 960@7, zeros 17 and 18, reflected 48 and 27.)
    fn gains_by_picks(&self, image: usize) -> bool {
        let Tile { spec, columns, widths, .. } = *self.tile;
        let few = spec.kernel.w <= 3 || columns.stride > 1;
        let is_512 = spec.dtype.bytes() * widths.lanes == BYTES_512;
        if self.pads_zeros() { is_512 && few && image < widths.lanes } else { image <= widths.lanes }
    }

    /// A register whose last lanes are the last so many columns of a sort before the row.
    pub(super) fn before(&mut self, count: usize, phase: usize) -> Reg {
        let InPlace { stride, left, .. } = *self.tile.columns;
        let distances = (1..=count).rev().map(|lane| stride * lane - phase).filter(|k| *k <= left);
        let columns = distances.map(Outside::Before).collect();
        self.shifted("before", [phase, count], columns, |low, high| Vector::Slide { low, high, by: 1 })
    }

    /// A register whose first lanes are so many columns after the row, from the one on that comes after `from` others.
    pub(super) fn after(&mut self, from: usize, count: usize) -> Reg {
        let most = self.tile.columns.right;
        let by = self.tile.widths.lanes - 1;
        let columns = (from + 1..=most.min(from + count)).rev().map(Outside::After).collect();
        self.shifted("after", [from, count], columns, |high, low| Vector::Slide { low, high, by })
    }

    /// Vectors of one column each, put together: `next` shifts one more into those before it.
    fn shifted(
        &mut self,
        role: &str,
        [at, count]: [usize; 2],
        columns: Vec<Outside>,
        next: impl Fn(Reg, Reg) -> Vector,
    ) -> Reg {
        if self.pads_zeros() || columns.is_empty() {
            return zero();
        }
        let mut all = None;
        for (k, outside) in columns.into_iter().enumerate() {
            let column = Reg::new(&format!("{role}_column"), &[self.r, at, count, k]);
            self.set(&column, |row| Vector::SplatOf { row: row.row(), at: row.column(outside) });
            all = Some(match all {
                None => column,
                Some(before) => {
                    let reg = Reg::new(role, &[self.r, at, count, k]);
                    self.set(&reg, |_| next(before, column));
                    reg
                }
            });
        }
        all.unwrap_or_else(zero)
    }

    /// The column of the row that stands for one outside it.
    fn column(&self, outside: Outside) -> Index {
        let width = self.tile.widths.image.clone();
        let from_end = |k: usize| width.clone().less(Index::Const(k));
        match (self.tile.spec.padding_mode, outside) {
            (PaddingMode::Zeros, _) => unreachable!("zeros are no columns"),
            (PaddingMode::Reflect, Outside::Before(k)) => Index::Const(k),
            (PaddingMode::Reflect, Outside::After(k)) => from_end(k + 1),
            (PaddingMode::Replicate, Outside::Before(_)) => Index::Const(0),
            (PaddingMode::Replicate, Outside::After(_)) => from_end(1),
            (PaddingMode::Circular, Outside::Before(k)) => from_end(k),
            (PaddingMode::Circular, Outside::After(k)) => Index::Const(k - 1),
        }
    }

    /// A vector of the row from column `at` on, and what the padding is after it.
    pub(super) fn load_part(&mut self, at: usize) -> Vector {
        let Widths { image, lanes, .. } = self.tile.widths;
        let part = Vector::Part { row: self.row(), at, len: image.clone() };
        let Some(width) = image.constant().filter(|_| !self.pads_zeros()) else { return part };
        let inside = width.saturating_sub(at);
        if inside >= *lanes {
            return part;
        }
        let padding = self.after(at.saturating_sub(width), lanes - inside);
        if inside == 0 {
            return Vector::Same { reg: padding };
        }
        // The last pixels go to the last lanes, and then back, followed by the padding.
        let [pixels, last] = ["part", "last"].map(|role| Reg::new(role, &[self.r, at]));
        self.set(&pixels, |_| part);
        self.set(&last, |_| Vector::Slide { low: zero(), high: pixels, by: inside });
        Vector::Slide { low: last, high: padding, by: lanes - inside }
    }
}
