//! The padded copy of an image with channels last, for kernels whose lanes run over channels.
//!
//! Squares of channels by pixels are transposed on the way. The copy is as high and as wide as the kernel's
//! tiles want it: beyond the padded image it holds zeros, and so do the channels that fill up a vector. What is
//! between them and the next pixel is never read.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::pad::source;
use crate::tile::{load_rows, store_all, transpose};
use crate::{Element, PaddingMode};

/// Which part of an image to copy.
#[derive(Clone, Copy)]
pub struct Job {
    /// Channels of the image.
    pub(crate) channels: usize,
    /// Rows above and below it, columns left and right of it, and what stands there.
    pub(crate) padding: [[usize; 2]; 2],
    pub(crate) mode: PaddingMode,
    /// Height and width.
    pub(crate) image: [usize; 2],
    /// Elements from one channel of the image to the next.
    pub(crate) plane: usize,
    /// The first row of the padded image.
    pub(crate) first: usize,
    /// Columns of the copy.
    pub(crate) columns: usize,
    /// Elements from one pixel to the next: at least the channels, filled up to whole vectors.
    pub(crate) depth: usize,
}

/// Copies rows of `image` (`[channels, h, w]`) to `copy` (`[rows, columns, depth]`), as many as there are.
#[inline(always)]
pub(crate) fn copy<S: Simd, E: Element>(simd: S, job: Job, image: &[E], copy: &mut [E]) {
    let [h, w] = job.image;
    let ([[top, bottom], [left, right]], mode) = (job.padding, job.mode);
    for (y, row) in (job.first..).zip(copy.chunks_exact_mut(job.columns * job.depth)) {
        let inside = y < top + h + bottom;
        let Some(y) = inside.then(|| source(mode, y, top, h)).flatten() else {
            row.fill(E::ZERO);
            continue;
        };
        let pixels = &mut row[left * job.depth..][..w * job.depth];
        match <E as SimdFloatElement>::Native::<S>::LEN {
            16 => squares::<16, S, E>(simd, &job, &image[y * w..], pixels),
            8 => squares::<8, S, E>(simd, &job, &image[y * w..], pixels),
            4 => squares::<4, S, E>(simd, &job, &image[y * w..], pixels),
            _ => squares::<2, S, E>(simd, &job, &image[y * w..], pixels),
        }
        for x in (0..left).chain(left + w..job.columns) {
            let inside = x < left + w + right;
            match inside.then(|| source(mode, x, left, w)).flatten() {
                Some(from) => {
                    let from = (left + from) * job.depth;
                    row.copy_within(from..from + job.depth, x * job.depth);
                }
                None => row[x * job.depth..][..job.depth].fill(E::ZERO),
            }
        }
    }
}

/// One row of the image, all channels. `image` starts at the row, in the first channel. (All rows of some channels, and then
/// of the next, so that fewer pages are read in turn, took layers 0 to 5 % longer.)
#[inline(always)]
fn squares<const N: usize, S: Simd, E: Element>(simd: S, job: &Job, image: &[E], pixels: &mut [E]) {
    let ([_, w], channels) = (job.image, job.channels);
    for channel in (0..channels).step_by(N) {
        for x in (0..w).step_by(N) {
            // The last square moves back to end with the row.
            let x = if x + N > w { w.saturating_sub(N) } else { x };
            let (image, pixels) = (&image[channel * job.plane + x..], &mut pixels[x * job.depth + channel..]);
            // Unrolled, each channel has a load of its own, which a prefetcher can follow from square to square: 3x3, 64
            // channels @56, on a Granite Rapids, spent 14 % of its time waiting here, and then 8.
            if channel + N <= channels && N <= w {
                let rows: [<E as SimdFloatElement>::Native<S>; N] = load_rows(simd, image, N, job.plane);
                store_all(&transpose(rows), pixels, job.depth);
            } else {
                let columns = part::<N, S, E>(simd, job, image, N.min(channels - channel));
                for (p, column) in columns.iter().enumerate().take(w - x) {
                    column.store_slice(&mut pixels[p * job.depth..][..N]);
                }
            }
        }
    }
}

/// The columns of a square of fewer channels, or of a row that is narrower than it: then those past its end are of the next.
#[inline(always)]
fn part<const N: usize, S: Simd, E: Element>(
    simd: S,
    job: &Job,
    image: &[E],
    channels: usize,
) -> [<E as SimdFloatElement>::Native<S>; N] {
    if channels == N && (N - 1) * job.plane + N <= image.len() {
        return transpose(load_rows(simd, image, N, job.plane));
    }
    // A loop, for `array::from_fn` is not always inlined, and then knows no vectors.
    let mut rows = [<E as SimdFloatElement>::Native::<S>::splat(simd, E::ZERO); N];
    for (c, row) in rows.iter_mut().enumerate().take(channels) {
        *row = load::<N, S, E>(simd, &image[c * job.plane..]);
    }
    transpose::<N, S, <E as SimdFloatElement>::Native<S>>(rows)
}

/// A vector from here on, or as much of it as there is.
#[inline(always)]
fn load<const N: usize, S: Simd, E: Element>(simd: S, row: &[E]) -> <E as SimdFloatElement>::Native<S> {
    if row.len() >= N {
        return <E as SimdFloatElement>::Native::<S>::from_slice(simd, &row[..N]);
    }
    let mut narrow = [E::ZERO; N];
    for (to, from) in narrow.iter_mut().zip(row) {
        *to = *from;
    }
    <E as SimdFloatElement>::Native::<S>::from_slice(simd, &narrow)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::{Isa, Tensor};
    use alloc::vec::Vec;
    use fearless_simd::dispatch;

    fn check(isa: Isa, mode: PaddingMode, channels: usize, [h, w]: [usize; 2]) {
        let image = Tensor::<f32, 3>::from_fn([channels, h, w], |[c, y, x]| (100 * c + 10 * y + x) as f32);
        let (filled, columns) = (channels.next_multiple_of(16), w + 5);
        let depth = filled + 4;
        let mut copied = alloc::vec![f32::NAN; (h + 4) * columns * depth];
        let padding = [[1, 2], [2, 1]];
        let job = Job { channels, padding, mode, image: [h, w], plane: h * w, first: 0, columns, depth };
        dispatch!(isa.level(), simd => copy(simd, job, image.as_slice(), &mut copied));
        for (at, got) in copied.iter().enumerate() {
            let (y, x, c) = (at / depth / columns, at / depth % columns, at % depth);
            if c >= channels.next_multiple_of(isa.bits() / 32) {
                continue;
            }
            let inside = y < h + 3 && x < w + 3 && c < channels;
            let pixel = inside.then(|| source(mode, y, 1, h).zip(source(mode, x, 2, w))).flatten();
            let want = pixel.map_or(0.0, |(y, x)| image[[c, y, x]]);
            assert_eq!(got.to_bits(), want.to_bits(), "{isa}, {mode}, {channels} channels: [{y}, {x}, {c}]");
        }
    }

    #[test]
    fn every_pixel_lands_where_it_belongs() {
        let modes: Vec<_> =
            [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular].into();
        for isa in Isa::available() {
            for mode in &modes {
                for channels in [1, 8, 17] {
                    for width in [3, 7, 16, 21] {
                        check(isa, *mode, channels, [3, width]);
                    }
                }
            }
        }
    }
}
