//! [`Axis`]: how many of a row's or a column's taps meet the image, for what they read elsewhere is zero.

#![expect(clippy::cast_precision_loss, reason = "shares of the work are estimates")]

use std::ops::Range;

use super::{Plan, Tile};
use crate::spec::{Hw, PaddingMode, Spec};

/// The most taps along an axis that are asked one by one.
const MOST_COUNTED: usize = 1 << 10;

/// The taps along one axis of an image of `size` pixels, `before` which there is padding.
pub(super) struct Axis {
    taps: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    size: usize,
}

impl Axis {
    /// Rows and columns of a layer's taps over an image.
    pub(super) fn of(spec: &Spec, image: Hw) -> [Self; 2] {
        let Spec { kernel, stride, dilation, padding, .. } = *spec;
        let axis = |taps, stride, dilation, before, size| Self { taps, stride, dilation, before, size };
        [
            axis(kernel.h, stride.h, dilation.h, padding.top, image.h),
            axis(kernel.w, stride.w, dilation.w, padding.left, image.w),
        ]
    }

    /// Products of a group of channels with pixels of the image, if they can be counted.
    pub(super) fn products(spec: &Spec, image: Hw) -> Option<usize> {
        let ([rows, columns], out) = (Self::of(spec, image), spec.output(image)?);
        let met = |axis: &Self, out| {
            (0..axis.taps).map(|tap| axis.places(tap, out).len()).fold(0, usize::saturating_add)
        };
        let channels = spec.in_per_group().checked_mul(spec.out_per_group())?;
        met(&rows, out.h).checked_mul(met(&columns, out.w))?.checked_mul(channels)
    }

    /// The places for which a tap meets the image.
    fn places(&self, tap: usize, out: usize) -> Range<usize> {
        let offset = tap.saturating_mul(self.dilation);
        let place = |pixel: usize| pixel.saturating_sub(offset).div_ceil(self.stride).min(out);
        place(self.before)..place(self.before.saturating_add(self.size))
    }

    /// The parts of `out` places in which the same taps meet the image.
    pub(super) fn parts(&self, out: usize) -> Vec<Range<usize>> {
        let ends =
            (0..self.taps).map(|tap| self.places(tap, out)).flat_map(|places| [places.start, places.end]);
        let mut ends: Vec<_> = ends.chain([0, out]).collect();
        ends.sort_unstable();
        ends.dedup();
        ends.windows(2).map(|ends| ends[0]..ends[1]).collect()
    }

    /// Taps that meet the image in a place.
    pub(super) fn meeting(&self, place: usize) -> f64 {
        (0..self.taps).filter(|tap| self.places(*tap, place + 1).contains(&place)).count() as f64
    }

    /// Taps that meet the image in some of the `each` places of a tile, on the average of the tiles of `out` places.
    pub(super) fn met(&self, out: usize, each: usize) -> f64 {
        let touched = |tap| {
            let Range { start, end } = self.places(tap, out);
            if end > start { (end - 1) / each - start / each + 1 } else { 0 }
        };
        // Of very many taps, some stand for all.
        let apart = self.taps.div_ceil(MOST_COUNTED);
        let tiles: usize = (0..self.taps).step_by(apart).map(touched).sum();
        let share = self.taps as f64 / self.taps.div_ceil(apart) as f64;
        share * tiles as f64 / out.div_ceil(each).max(1) as f64
    }
}

/// Narrower parts of a row are not worth tiles of their own.
const LEAST_PART: usize = 4;

/// Columns of the output that meet the same columns of taps.
pub(crate) struct RowPart {
    pub(crate) columns: Range<usize>,
    /// Rows of a tile: as many as there is room for, if they all meet the same rows of taps.
    pub(crate) rows: usize,
}

impl Plan {
    /// The parts of an output row that have tiles of their own, if it has such parts: in each of them other taps read
    /// padding, and are left out. So no padding is read at all: there is no need of a copy, or of its padding. (256 channels
    /// @28, dilation 12, on a Granite Rapids, AVX-512: planes, in tiles of 12 by 32, and a padded copy with channels last, 4 by
    /// 64, 3640 us; a bare one, 12 by 32, 3130.)
    pub(crate) fn parts(&self, spec: &Spec) -> Option<Vec<RowPart>> {
        let (Tile::Channels { pixels, .. }, Some(image)) = (self.tile, spec.input) else {
            return None;
        };
        let zeros = spec.padding_mode == PaddingMode::Zeros && !spec.skips(self.block).contains(&true);
        let [down, across] = Axis::of(spec, image);
        let out = spec.output(image)?;
        // Each tap is a part's end.
        let parts = if across.taps < out.w { across.parts(out.w) } else { Vec::new() };
        let wide = parts.len() > 1 && parts.iter().all(|part| part.len() >= LEAST_PART);
        let same = |rows: &usize| down.parts(out.h).iter().all(|part| part.len().is_multiple_of(*rows));
        let part = |columns: Range<usize>| {
            let most = pixels / evenly(columns.len(), pixels);
            RowPart { columns, rows: (1..=most).rev().find(same).unwrap_or(1) }
        };
        (zeros && wide).then(|| parts.into_iter().map(part).collect())
    }

    /// Whether the copy with channels last that the kernel reads is of the image without its padding.
    pub(crate) fn copies_bare(&self, spec: &Spec) -> bool {
        self.reads_channels_last() && self.parts(spec).is_some()
    }
}

/// The width of tiles that cover a part of a row, at most `pixels` wide.
pub(crate) fn evenly(part: usize, pixels: usize) -> usize {
    part.div_ceil(part.div_ceil(pixels))
}
