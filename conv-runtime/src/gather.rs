//! Pixels of an image side by side, channel by channel, for kernels of one tap: those that the tap meets, some of them
//! at a time.
//!
//! ```text
//! copy[c][p] = image[c][y * stride, x * stride]   where p counts the pixels of all rows, from some pixel on
//! ```

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::Element;
use crate::extent::Rows;

/// Which pixels to gather.
#[derive(Clone, Copy)]
pub struct Job {
    /// Height and width.
    pub(crate) image: [usize; 2],
    pub(crate) stride: [usize; 2],
    /// Output pixels, counted over all rows.
    pub(crate) pixels: Rows,
    /// Elements from one channel of the copy to the next: at least as many as pixels.
    pub(crate) plane: usize,
}

/// Gathers the same pixels of all planes of `image` (`[channels, h, w]`).
#[inline(always)]
pub(crate) fn copy<S: Simd, E: Element>(simd: S, job: Job, image: &[E], copy: &mut [E]) {
    let ([h, w], count) = (job.image, job.pixels.count);
    for (plane, to) in image.chunks_exact(h * w).zip(copy.chunks_exact_mut(job.plane)) {
        match job.stride {
            // Rows follow one another.
            [1, 1] => to[..count].copy_from_slice(&plane[job.pixels.first..][..count]),
            _ => job.rows(simd, plane, &mut to[..count]),
        }
    }
}

impl Job {
    /// Row by row, the first and the last of which may be parts.
    #[inline(always)]
    fn rows<S: Simd, E: Element>(&self, simd: S, plane: &[E], mut to: &mut [E]) {
        let ([_, w], [down, across]) = (self.image, self.stride);
        let out_w = w.div_ceil(across);
        let (mut y, mut x) = (self.pixels.first / out_w, self.pixels.first % out_w);
        while !to.is_empty() {
            let row = to.split_off_mut(..to.len().min(out_w - x)).unwrap_or_default();
            every(simd, &plane[y * down * w + x * across..], across, row);
            (y, x) = (y + 1, 0);
        }
    }
}

/// Fills `to` with every `step`th element, from the first on.
#[inline(always)]
fn every<S: Simd, E: Element>(simd: S, from: &[E], step: usize, to: &mut [E]) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    let whole = if step == 2 { to.len().min(from.len() / 2) / lanes * lanes } else { 0 };
    let vectors = from.chunks_exact(2 * lanes).zip(to[..whole].chunks_exact_mut(lanes));
    for (from, to) in vectors {
        let [low, high] = [&from[..lanes], &from[lanes..]]
            .map(|half| <E as SimdFloatElement>::Native::<S>::from_slice(simd, half));
        low.unzip_low(high).store_slice(to);
    }
    for (to, from) in to[whole..].iter_mut().zip(from[whole * step..].iter().step_by(step)) {
        *to = *from;
    }
}
