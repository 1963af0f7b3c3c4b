//! [`Axis`]: how many of a row's or a column's taps meet the image, for what they read elsewhere is zero.

#![expect(clippy::cast_precision_loss, reason = "shares of the work are estimates")]

use crate::spec::{Hw, Spec};

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

    /// Taps that meet the image in some of the `each` places of a tile, on the average of the tiles of `out` places.
    pub(super) fn met(&self, out: usize, each: usize) -> f64 {
        let touched = (0..self.taps).map(|tap| {
            let offset = tap.saturating_mul(self.dilation);
            let place = |pixel: usize| pixel.saturating_sub(offset).div_ceil(self.stride).min(out);
            let (first, end) = (place(self.before), place(self.before.saturating_add(self.size)));
            if end > first { (end - 1) / each - first / each + 1 } else { 0 }
        });
        touched.map(|tiles| tiles as f64).sum::<f64>() / out.div_ceil(each).max(1) as f64
    }
}
