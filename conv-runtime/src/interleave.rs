//! The padded copy of an image with channels last, for kernels whose lanes run over channels.
//!
//! Squares of channels by pixels are transposed on the way. The copy is as high and as wide as the kernel's
//! tiles want it: beyond the padded image it holds zeros, and so do the channels that fill up a vector. What is
//! between them and the next pixel is never read.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::pad::source;
use crate::tile::transpose;
use crate::{Conv2dConfig, Element};

/// Which part of an image to copy.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub(crate) config: &'a Conv2dConfig,
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
pub(crate) fn copy<S: Simd, E: Element>(simd: S, job: Job<'_>, image: &[E], copy: &mut [E]) {
    let [h, w] = job.image;
    let [[top, bottom], [left, right]] = job.config.padding;
    let mode = job.config.padding_mode;
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

/// One row of the image, all channels. `image` starts at the row, in the first channel.
#[inline(always)]
fn squares<const N: usize, S: Simd, E: Element>(simd: S, job: &Job<'_>, image: &[E], pixels: &mut [E]) {
    let [_, w] = job.image;
    for channel in (0..job.config.in_per_group()).step_by(N) {
        for x in (0..w).step_by(N) {
            // The last square moves back to end with the row.
            let x = if x + N > w { w.saturating_sub(N) } else { x };
            // A loop, for `array::from_fn` is not always inlined, and then knows no vectors.
            let mut rows = [<E as SimdFloatElement>::Native::<S>::splat(simd, E::ZERO); N];
            for (channel, row) in (channel..job.config.in_per_group()).zip(&mut rows) {
                *row = load::<N, S, E>(simd, &image[channel * job.plane + x..], w - x);
            }
            let columns = transpose::<N, S, <E as SimdFloatElement>::Native<S>>(rows);
            for (p, column) in columns.iter().enumerate().take(w - x) {
                column.store_slice(&mut pixels[(x + p) * job.depth + channel..][..N]);
            }
        }
    }
}

/// A vector from a row of which `rest` elements are left.
#[inline(always)]
fn load<const N: usize, S: Simd, E: Element>(
    simd: S,
    row: &[E],
    rest: usize,
) -> <E as SimdFloatElement>::Native<S> {
    if rest >= N {
        return <E as SimdFloatElement>::Native::<S>::from_slice(simd, &row[..N]);
    }
    let mut narrow = [E::ZERO; N];
    for (to, from) in narrow.iter_mut().zip(&row[..rest]) {
        *to = *from;
    }
    <E as SimdFloatElement>::Native::<S>::from_slice(simd, &narrow)
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::{Isa, PaddingMode, Tensor};
    use alloc::vec::Vec;
    use fearless_simd::dispatch;

    fn check(isa: Isa, mode: PaddingMode, channels: usize, [h, w]: [usize; 2]) {
        let config = Conv2dConfig::new(channels, 1, [1, 1]).padding([[1, 2], [2, 1]]).padding_mode(mode);
        let image = Tensor::<f32, 3>::from_fn([channels, h, w], |[c, y, x]| (100 * c + 10 * y + x) as f32);
        let (filled, columns) = (channels.next_multiple_of(16), w + 5);
        let depth = filled + 4;
        let mut copied = alloc::vec![f32::NAN; (h + 4) * columns * depth];
        let job = Job { config: &config, image: [h, w], plane: h * w, first: 0, columns, depth };
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
