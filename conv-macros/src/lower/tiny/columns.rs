//! What the taps meet in an image that is read as it is: a plane, row after row, is one line of pixels.

use super::{Source, Whole, load, set};
use crate::lower::in_place::zero;
use crate::nest::{Reg, Stmt, Vector};

/// The columns of taps, as they meet the pixels of one vector of outputs.
pub(super) struct Columns<'a> {
    pub(super) whole: &'a Whole,
    /// The place of its first output.
    pub(super) start: usize,
}

impl Columns<'_> {
    /// The columns of taps that meet the row for some of the outputs only.
    pub(super) fn partial(&self) -> impl Iterator<Item = usize> {
        (0..self.whole.spec.kernel.w).filter(|&j| self.kept(j).is_some())
    }

    /// The lanes of which this column of taps meets the row; `None` if it does for all that are outputs, and
    /// no lanes if it does for none.
    pub(super) fn kept(&self, j: usize) -> Option<u64> {
        let Whole { image, out, lanes, source: Source::Image, .. } = *self.whole else { return None };
        let (mut kept, mut all) = (0, true);
        for lane in 0..lanes {
            let column = (self.start + lane) % image.w;
            let meets = column.checked_add_signed(self.offset(j)).is_some_and(|at| at < image.w);
            kept |= u64::from(meets) << lane;
            all &= meets || column >= out.w;
        }
        (!all).then_some(kept)
    }

    /// Columns from an output's to the one that a column of taps reads.
    fn offset(&self, j: usize) -> isize {
        let spec = &self.whole.spec;
        (j * spec.dilation.w).cast_signed() - spec.padding.left.cast_signed()
    }

    /// Loads what a tap meets, `row` rows after the first of the padded image, with zeros for what is above the plane
    /// and below it; `None` if it is all outside.
    pub(super) fn load(&self, reg: Reg, channel: usize, row: usize, j: usize) -> Option<Vec<Stmt>> {
        let Whole { image, lanes, .. } = *self.whole;
        if self.kept(j) == Some(0) {
            return None;
        }
        let plane = image.h * image.w;
        let row = row.cast_signed() - self.whole.spec.padding.top.cast_signed();
        let at = self.start.cast_signed() + row * image.w.cast_signed() + self.offset(j);
        let (first, last) = (channel * plane, (channel + 1) * plane - lanes);
        let past = (at + lanes.cast_signed() - plane.cast_signed()).max(0).cast_unsigned();
        let before = (-at).max(0).cast_unsigned();
        if past.max(before) >= lanes {
            return None;
        }
        let end = Reg(format!("{reg}_end"));
        Some(match (before, past) {
            (0, 0) => vec![set(reg, load(first + at.cast_unsigned()))],
            (0, by) => {
                let value = Vector::Slide { low: end.clone(), high: zero(), by };
                vec![set(end, load(last)), set(reg, value)]
            }
            (before, _) => {
                let value = Vector::Slide { low: zero(), high: end.clone(), by: lanes - before };
                vec![set(end, load(first)), set(reg, value)]
            }
        })
    }
}
