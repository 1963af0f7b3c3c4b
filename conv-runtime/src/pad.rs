//! The padded copy of an image, for kernels that read one.
//!
//! Every padding mode is a rule for which pixel stands at an index outside the image. A kernel that reads a
//! padded copy knows nothing of padding: border and interior run the same code. The copy is made group by
//! group, so for depthwise layers it is one channel, and stays in the first-level cache.
//!
//! For a kernel with stride `s` that loads `s` columns apart, the copy also sorts each row: first the
//! columns `0, s, 2s, ..`, then `1, s + 1, ..`, so that what one vector holds lies side by side.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::{Conv2dConfig, Element, PaddingMode};

/// Elements from one row of the copy to the next, or `None` if they cannot be counted.
pub(crate) fn pitch(config: &Conv2dConfig, phases: usize, width: usize) -> Option<usize> {
    let [left, right] = config.padding[1];
    let columns = width.checked_add(left)?.checked_add(right)?;
    columns.div_ceil(phases).checked_mul(phases)
}

/// Which part of an image to copy, and where to.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub(crate) config: &'a Conv2dConfig,
    /// Columns are sorted by their remainder modulo this.
    pub(crate) phases: usize,
    /// Height and width.
    pub(crate) image: [usize; 2],
    /// The first row of the padded image.
    pub(crate) first: usize,
    /// Rows.
    pub(crate) rows: usize,
    /// From one row of the copy to the next.
    pub(crate) pitch: usize,
    /// From one channel of the copy to the next.
    pub(crate) plane: usize,
}

/// Copies some rows of all planes of `image` (`[channels, h, w]`) to `planes`.
#[inline(always)]
pub(crate) fn copy<S: Simd, E: Element>(simd: S, job: Job<'_>, image: &[E], planes: &mut [E]) {
    let Job { config, image: [h, w], first, rows, pitch, .. } = job;
    let [top, _] = config.padding[0];
    let columns = Columns { config, phases: job.phases, width: w };
    for (image, plane) in image.chunks_exact(h * w).zip(planes.chunks_exact_mut(job.plane)) {
        for (y, row) in (first..first + rows).zip(plane.chunks_exact_mut(pitch)) {
            match source(config.padding_mode, y, top, h) {
                Some(y) => columns.copy(simd, &image[y * w..][..w], row),
                None => row.fill(E::ZERO),
            }
        }
    }
}

/// The pixel that stands at padded index `at`, on an axis of `size` pixels with `before` in front of it.
/// None is a zero. The limits of reflect and circular padding have been checked.
#[inline(always)]
pub(crate) fn source(mode: PaddingMode, at: usize, before: usize, size: usize) -> Option<usize> {
    if (before..before + size).contains(&at) {
        return Some(at - before);
    }
    let last = size.checked_sub(1)?;
    let past = at.saturating_sub(before + last);
    match mode {
        PaddingMode::Zeros => None,
        PaddingMode::Reflect if at < before => Some(before - at),
        PaddingMode::Reflect => Some(last - past),
        PaddingMode::Replicate if at < before => Some(0),
        PaddingMode::Replicate => Some(last),
        PaddingMode::Circular if at < before => Some(size + at - before),
        PaddingMode::Circular => Some(past - 1),
    }
}

/// How one row of the image becomes one row of the copy.
struct Columns<'a> {
    config: &'a Conv2dConfig,
    phases: usize,
    width: usize,
}

impl Columns<'_> {
    #[inline(always)]
    fn copy<S: Simd, E: Element>(&self, simd: S, pixels: &[E], row: &mut [E]) {
        let [left, right] = self.config.padding[1];
        let zeros = self.config.padding_mode == PaddingMode::Zeros;
        match self.phases {
            1 if zeros => {
                clear(simd, row, left, row.len() - left - self.width);
                move_row(simd, pixels, &mut row[left..left + self.width]);
            }
            1 => {
                move_row(simd, pixels, &mut row[left..left + self.width]);
                self.sides(pixels, row);
            }
            2 if zeros => {
                let end = left + self.width;
                for half in row.chunks_exact_mut(row.len() / 2) {
                    clear(simd, half, left, half.len() - end / 2);
                }
                self.sort(simd, pixels, row);
            }
            _ => {
                self.sort(simd, pixels, row);
                self.border(pixels, row, 0..left);
                self.border(pixels, row, left + self.width..row.len());
            }
        }
        debug_assert!(left + self.width + right <= row.len(), "the row holds all columns");
    }

    /// What stands left and right of the image, mode by mode: [`source`] for a few columns of each row
    /// would take as long as the row.
    #[inline(always)]
    fn sides<E: Element>(&self, pixels: &[E], row: &mut [E]) {
        let [left, right] = self.config.padding[1];
        let (before, rest) = row.split_at_mut(left);
        let (after, filler) = rest[self.width..].split_at_mut(right);
        filler.fill(E::ZERO);
        match (self.config.padding_mode, pixels) {
            (PaddingMode::Reflect, [_, others @ ..]) => {
                for (to, from) in before.iter_mut().rev().zip(others) {
                    *to = *from;
                }
                for (to, from) in after.iter_mut().zip(pixels.iter().rev().skip(1)) {
                    *to = *from;
                }
            }
            (PaddingMode::Replicate, [first, ..]) => {
                before.fill(*first);
                after.fill(pixels[self.width - 1]);
            }
            (PaddingMode::Circular, _) => {
                before.copy_from_slice(&pixels[self.width - left..]);
                after.copy_from_slice(&pixels[..right]);
            }
            _ => {
                before.fill(E::ZERO);
                after.fill(E::ZERO);
            }
        }
    }

    /// The columns of the image, sorted by their remainder.
    #[inline(always)]
    fn sort<S: Simd, E: Element>(&self, simd: S, pixels: &[E], row: &mut [E]) {
        let [left, _] = self.config.padding[1];
        let each = row.len() / self.phases;
        if self.phases == 2 {
            let (even, odd) = row.split_at_mut(each);
            let (even, odd) = if left % 2 == 0 {
                (&mut even[left / 2..], &mut odd[left / 2..])
            } else {
                (&mut odd[left / 2..], &mut even[left / 2 + 1..])
            };
            return separate(simd, pixels, even, odd);
        }
        for skip in 0..self.phases.min(self.width) {
            let column = &mut row[self.place(left + skip, each)..];
            for (to, from) in column.iter_mut().zip(pixels[skip..].iter().step_by(self.phases)) {
                *to = *from;
            }
        }
    }

    /// The columns outside the image, and those that only fill the row up.
    #[inline(always)]
    fn border<E: Element>(&self, pixels: &[E], row: &mut [E], columns: core::ops::Range<usize>) {
        let [left, right] = self.config.padding[1];
        let each = row.len() / self.phases;
        for x in columns {
            let real = x < left + self.width + right;
            let from = real.then(|| source(self.config.padding_mode, x, left, self.width)).flatten();
            row[self.place(x, each)] = from.map_or(E::ZERO, |from| pixels[from]);
        }
    }

    /// Where column `x` of the padded image stands in a row with `each` columns per phase.
    #[inline(always)]
    fn place(&self, x: usize, each: usize) -> usize {
        if self.phases == 1 { x } else { x % self.phases * each + x / self.phases }
    }
}

/// Pixels 0, 2, 4, .. to `even` and 1, 3, 5, .. to `odd`, two vectors at a time.
#[inline(always)]
fn separate<S: Simd, E: Element>(simd: S, pixels: &[E], even: &mut [E], odd: &mut [E]) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    let (pairs, last) = pixels.as_chunks::<2>();
    if let Some(most) = pairs.len().checked_sub(lanes) {
        let mut at = 0;
        while at < most {
            separate_vectors(simd, pixels, even, odd, at);
            at += lanes;
        }
        separate_vectors(simd, pixels, even, odd, most);
    } else {
        for ((even, odd), pair) in even.iter_mut().zip(odd.iter_mut()).zip(pairs) {
            [*even, *odd] = *pair;
        }
    }
    if let (Some(even), [last]) = (even.get_mut(pairs.len()), last) {
        *even = *last;
    }
}

/// One vector of pairs, from pair `at` on.
#[inline(always)]
fn separate_vectors<S: Simd, E: Element>(simd: S, pixels: &[E], even: &mut [E], odd: &mut [E], at: usize) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let lanes = Vector::<S, E>::LEN;
    let pixels = &pixels[2 * at..][..2 * lanes];
    let low = Vector::<S, E>::from_slice(simd, &pixels[..lanes]);
    let high = Vector::<S, E>::from_slice(simd, &pixels[lanes..]);
    low.unzip_low(high).store_slice(&mut even[at..at + lanes]);
    low.unzip_high(high).store_slice(&mut odd[at..at + lanes]);
}

/// Zeros at least the first and the last columns of a row, with a vector each where that is enough: a call
/// of `memset` for a column or two costs more than the row.
#[inline(always)]
fn clear<S: Simd, E: Element>(simd: S, row: &mut [E], left: usize, right: usize) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let lanes = Vector::<S, E>::LEN;
    let Some(last) = row.len().checked_sub(lanes).filter(|_| left.max(right) <= lanes) else {
        return row.fill(E::ZERO);
    };
    let zeros = Vector::<S, E>::splat(simd, E::ZERO);
    zeros.store_slice(&mut row[..lanes]);
    zeros.store_slice(&mut row[last..]);
}

/// Copies a row. A call of `memcpy` costs more than the few vectors of a typical row.
#[inline(always)]
fn move_row<S: Simd, E: Element>(simd: S, from: &[E], to: &mut [E]) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    let Some(last) = from.len().checked_sub(lanes) else {
        return short_row(from, to);
    };
    let mut at = 0;
    while at < last {
        move_vector(simd, from, to, at);
        at += lanes;
    }
    move_vector(simd, from, to, last);
}

#[inline(always)]
fn move_vector<S: Simd, E: Element>(simd: S, from: &[E], to: &mut [E], at: usize) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    <E as SimdFloatElement>::Native::<S>::from_slice(simd, &from[at..at + lanes])
        .store_slice(&mut to[at..at + lanes]);
}

/// A row of less than one vector.
#[inline(always)]
fn short_row<E: Element>(from: &[E], to: &mut [E]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::Isa;
    use alloc::vec::Vec;
    use fearless_simd::dispatch;

    fn padded(config: &Conv2dConfig, phases: usize, [h, w]: [usize; 2]) -> Vec<f32> {
        let image: Vec<f32> = (1u16..).take(h * w).map(f32::from).collect();
        let [top, bottom] = config.padding[0];
        let (rows, pitch) = (top + h + bottom, pitch(config, phases, w).expect("small"));
        let mut planes = alloc::vec![f32::NAN; rows * pitch];
        let job = Job { config, phases, image: [h, w], first: 0, rows, pitch, plane: rows * pitch };
        dispatch!(Isa::best().level(), simd => copy(simd, job, &image, &mut planes));
        planes
    }

    fn row(mode: PaddingMode, left: usize, right: usize, phases: usize) -> Vec<f32> {
        let config = Conv2dConfig::new(1, 1, [1, 1]).padding([[0, 0], [left, right]]).padding_mode(mode);
        padded(&config, phases, [1, 4])
    }

    #[test]
    fn every_mode_reads_the_right_pixel() {
        assert_eq!(row(PaddingMode::Zeros, 1, 2, 1), [0., 1., 2., 3., 4., 0., 0.]);
        assert_eq!(row(PaddingMode::Reflect, 3, 2, 1), [4., 3., 2., 1., 2., 3., 4., 3., 2.]);
        assert_eq!(row(PaddingMode::Replicate, 2, 1, 1), [1., 1., 1., 2., 3., 4., 4.]);
        assert_eq!(row(PaddingMode::Circular, 1, 4, 1), [4., 1., 2., 3., 4., 1., 2., 3., 4.]);
    }

    #[test]
    fn phases_sort_the_columns() {
        // padded row: 0 1 2 3 4 0, then a filler for three phases
        assert_eq!(row(PaddingMode::Zeros, 1, 1, 2), [0., 2., 4., 1., 3., 0.]);
        assert_eq!(row(PaddingMode::Circular, 1, 0, 2), [4., 2., 4., 1., 3., 0.]);
        assert_eq!(row(PaddingMode::Replicate, 1, 0, 3), [1., 3., 1., 4., 2., 0.]);
        assert_eq!(row(PaddingMode::Zeros, 0, 0, 4), [1., 2., 3., 4.]);
    }

    #[test]
    fn two_phases_of_long_rows() {
        for (left, width) in (0..4).flat_map(|left| (1..80).map(move |width| (left, width))) {
            let config = Conv2dConfig::new(1, 1, [1, 1]).padding([[0, 0], [left, 3]]);
            let (plain, sorted) = (padded(&config, 1, [1, width]), padded(&config, 2, [1, width]));
            let each = sorted.len() / 2;
            for (x, pixel) in plain.iter().enumerate() {
                assert_eq!(sorted[x % 2 * each + x / 2], *pixel, "left {left}, width {width}, column {x}");
            }
        }
    }

    #[test]
    fn a_band_is_a_part_of_the_whole() {
        let config =
            Conv2dConfig::new(2, 1, [1, 1]).padding([[2, 1], [1, 1]]).padding_mode(PaddingMode::Circular);
        let image: Vec<f32> = (0u16..24).map(f32::from).collect();
        let whole = Job { config: &config, phases: 1, image: [4, 3], first: 0, rows: 7, pitch: 5, plane: 35 };
        let band = Job { first: 3, rows: 2, plane: 10, ..whole };
        let (mut all, mut some) = (alloc::vec![0.0; 70], alloc::vec![0.0; 20]);
        dispatch!(Isa::best().level(), simd => copy(simd, whole, &image, &mut all));
        dispatch!(Isa::best().level(), simd => copy(simd, band, &image, &mut some));
        assert_eq!(some[..10], all[15..25]);
        assert_eq!(some[10..], all[50..60]);
    }

    #[test]
    fn rows_are_padded_too_and_every_element_is_written() {
        let config =
            Conv2dConfig::new(1, 1, [1, 1]).padding([[1, 1], [0, 1]]).padding_mode(PaddingMode::Reflect);
        assert_eq!(padded(&config, 1, [2, 2]), [3., 4., 3., 1., 2., 1., 3., 4., 3., 1., 2., 1.]);
        for width in 1..40 {
            assert!(
                padded(&config.padding_mode(PaddingMode::Zeros), 1, [3, width]).iter().all(|x| !x.is_nan())
            );
        }
    }
}
