//! The padded copy on the stack. Everything is a constant, so every padding mode is a list of copies.

use super::{Source, Whole};
use crate::nest::{Buffer, Stmt};
use crate::spec::{Hw, PaddingMode, Spec};

/// A run of elements that are copied together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) len: usize,
}

impl Run {
    pub(super) fn copy(self, from: Buffer, to: Buffer) -> Stmt {
        Stmt::Copy { from: (from, self.from), to: (to, self.to), len: self.len }
    }
}

/// Rows and columns of a sort: of those of the padded image that leave one remainder modulo the stride.
pub(super) fn sort(spec: &Spec, image: Hw) -> Option<Hw> {
    let padding = spec.padding;
    let rows = image.h.checked_add(padding.top)?.checked_add(padding.bottom)?;
    let columns = image.w.checked_add(padding.left)?.checked_add(padding.right)?;
    Some(Hw { h: rows.div_ceil(spec.stride.h), w: columns.div_ceil(spec.stride.w) })
}

/// Elements of all sorts of all planes, and what the last vectors read beyond.
pub(super) fn padded_len(spec: &Spec, sort: Hw, lanes: usize) -> Option<usize> {
    let sorts = spec.stride.h.checked_mul(spec.stride.w)?;
    let plane = sort.h.checked_mul(sort.w)?.checked_mul(sorts)?;
    plane.checked_mul(spec.in_per_group())?.checked_add(lanes)
}

impl Whole {
    /// Where a row and a column of a channel's padded plane stand.
    pub(super) fn place(&self, sort: Hw, channel: usize, row: usize, column: usize) -> usize {
        let stride = self.spec.stride;
        let plane = (channel * stride.h + row % stride.h) * stride.w + column % stride.w;
        (plane * sort.h + row / stride.h) * sort.w + column / stride.w
    }

    /// The copies that make what is read.
    pub(super) fn image_runs(&self) -> Vec<Run> {
        match self.source {
            Source::Image => Vec::new(),
            Source::Copy(sort) => self.sorted_runs(sort),
        }
    }

    /// The copies that make the padded planes; zeros are there already.
    pub(super) fn sorted_runs(&self, sort: Hw) -> Vec<Run> {
        let (spec, image) = (&self.spec, self.image);
        let padding = spec.padding;
        let rows = axis(spec.padding_mode, padding.top, image.h, padding.bottom);
        let columns = axis(spec.padding_mode, padding.left, image.w, padding.right);
        let mut runs = Vec::new();
        for channel in 0..spec.in_per_group() {
            for &(row, y) in &rows {
                for &(column, x) in &columns {
                    let from = (channel * image.h + y) * image.w + x;
                    append(&mut runs, Run { from, to: self.place(sort, channel, row, column), len: 1 });
                }
            }
        }
        runs
    }
}

/// The padded indices of an axis that hold a pixel, and which.
fn axis(mode: PaddingMode, before: usize, size: usize, after: usize) -> Vec<(usize, usize)> {
    let source = |at: usize| mode.source(at, before, size);
    (0..before + size + after).filter_map(|at| Some((at, source(at)?))).collect()
}

/// Adds a run, to the one before if it continues that.
pub(super) fn append(runs: &mut Vec<Run>, run: Run) {
    match runs.last_mut() {
        Some(last) if last.from + last.len == run.from && last.to + last.len == run.to => last.len += run.len,
        _ => runs.push(run),
    }
}
