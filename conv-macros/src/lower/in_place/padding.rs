//! What stands beside a row of the image that is read in place.

use super::row::{Row, Widths, zero};
use crate::nest::{Index, Reg, Vector};
use crate::plan::InPlace;
use crate::spec::PaddingMode;

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
