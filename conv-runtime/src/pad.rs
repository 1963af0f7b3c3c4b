//! The padded copy of an image, for kernels that read one.
//!
//! Every padding mode is a rule for which pixel stands at an index outside the image. A kernel that reads a
//! padded copy knows nothing of padding: border and interior run the same code. The copy is made group by
//! group, so for depthwise layers it is one channel, and stays in the first-level cache.
//!
//! For a kernel with stride `s` that loads `s` columns apart, the copy also sorts each row: first the
//! columns `0, s, 2s, ..`, then `1, s + 1, ..`, so that what one vector holds lies side by side.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::tile::copy_short;
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
    /// Zeros stand left and right of the image already, from a copy of the same pitch.
    pub(crate) margins: bool,
}

/// Copies some rows of all planes of `image` (`[channels, h, w]`) to `planes`.
#[inline(always)]
pub(crate) fn copy<S: Simd, E: Element>(simd: S, job: Job<'_>, image: &[E], planes: &mut [E]) {
    let [h, w] = job.image;
    for (image, plane) in image.chunks_exact(h * w).zip(planes.chunks_exact_mut(job.plane)) {
        job.rows(simd, image, &mut plane[..job.rows * job.pitch]);
    }
}

impl Job<'_> {
    /// The rows of one plane: those above the image, those in it, and those below.
    #[inline(always)]
    fn rows<S: Simd, E: Element>(&self, simd: S, image: &[E], rows: &mut [E]) {
        let (first, [h, w], [top, _]) = (self.first, self.image, self.config.padding[0]);
        let above = top.saturating_sub(first).min(self.rows);
        let skipped = first.saturating_sub(top).min(h);
        let inside = (h - skipped).min(self.rows - above);
        let (above, rest) = rows.split_at_mut(above * self.pitch);
        let (inside, below) = rest.split_at_mut(inside * self.pitch);
        self.outside(simd, image, first, above);
        self.inside(simd, &image[skipped * w..], inside);
        self.outside(simd, image, first.max(top) + h - skipped, below);
    }

    /// Rows that are not the image's, from padded row `first` on.
    #[inline(always)]
    fn outside<S: Simd, E: Element>(&self, simd: S, image: &[E], first: usize, rows: &mut [E]) {
        let ([h, w], [top, _]) = (self.image, self.config.padding[0]);
        for (y, row) in (first..).zip(rows.chunks_exact_mut(self.pitch)) {
            match source(self.config.padding_mode, y, top, h) {
                Some(y) => self.inside(simd, &image[y * w..][..w], row),
                None => clear_row(simd, row),
            }
        }
    }

    /// Rows of the image, and what stands left and right of them.
    #[inline(always)]
    fn inside<S: Simd, E: Element>(&self, simd: S, pixels: &[E], rows: &mut [E]) {
        let columns =
            Columns { config: self.config, phases: self.phases, width: self.image[1], pitch: self.pitch };
        if self.config.padding_mode == PaddingMode::Zeros && !self.margins {
            columns.clear(simd, rows);
        }
        match self.phases {
            1 => columns.copy(simd, pixels, rows),
            2 => columns.separate(simd, pixels, rows),
            _ => columns.sort(pixels, rows),
        }
        if self.config.padding_mode != PaddingMode::Zeros {
            columns.border(pixels, rows);
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

/// How rows of the image become rows of the copy. Each way is a function of its own: all of them in one are more
/// than the compiler keeps in registers, and take twice as long.
#[derive(Clone, Copy)]
struct Columns<'a> {
    config: &'a Conv2dConfig,
    phases: usize,
    width: usize,
    pitch: usize,
}

impl Columns<'_> {
    /// Zeros left and right of the image, at least.
    #[inline(never)]
    fn clear<S: Simd, E: Element>(self, simd: S, rows: &mut [E]) {
        let [left, _] = self.config.padding[1];
        let end = left + self.width;
        simd.vectorize(
            #[inline(always)]
            || match self.phases {
                phases @ (1 | 2) => {
                    for part in rows.chunks_exact_mut(self.pitch / phases) {
                        clear_ends(simd, part, left, part.len() - end / phases);
                    }
                }
                _ => rows.fill(E::ZERO),
            },
        );
    }

    /// Rows as they are.
    #[inline(never)]
    fn copy<S: Simd, E: Element>(self, simd: S, pixels: &[E], rows: &mut [E]) {
        let [left, _] = self.config.padding[1];
        simd.vectorize(
            #[inline(always)]
            || {
                let pixels = pixels.chunks_exact(self.width);
                for (pixels, row) in pixels.zip(rows.chunks_exact_mut(self.pitch)) {
                    move_row(simd, pixels, &mut row[left..][..self.width]);
                }
            },
        );
    }

    /// Rows of which the even columns come first.
    #[inline(never)]
    fn separate<S: Simd, E: Element>(self, simd: S, pixels: &[E], rows: &mut [E]) {
        let [left, _] = self.config.padding[1];
        simd.vectorize(
            #[inline(always)]
            || {
                let pixels = pixels.chunks_exact(self.width);
                for (pixels, row) in pixels.zip(rows.chunks_exact_mut(self.pitch)) {
                    let (even, odd) = row.split_at_mut(self.pitch / 2);
                    if left.is_multiple_of(2) {
                        separate(simd, pixels, &mut even[left / 2..], &mut odd[left / 2..]);
                    } else {
                        separate(simd, pixels, &mut odd[left / 2..], &mut even[left / 2 + 1..]);
                    }
                }
            },
        );
    }

    /// Rows whose columns are sorted by their remainder modulo more than two.
    fn sort<E: Element>(self, pixels: &[E], rows: &mut [E]) {
        let [left, _] = self.config.padding[1];
        for (pixels, row) in pixels.chunks_exact(self.width).zip(rows.chunks_exact_mut(self.pitch)) {
            for skip in 0..self.phases.min(self.width) {
                let column = &mut row[self.place(left + skip)..];
                for (to, from) in column.iter_mut().zip(pixels[skip..].iter().step_by(self.phases)) {
                    *to = *from;
                }
            }
        }
    }

    /// What stands left and right of the image in the modes other than zeros.
    #[inline(never)]
    fn border<E: Element>(self, pixels: &[E], rows: &mut [E]) {
        for (pixels, row) in pixels.chunks_exact(self.width).zip(rows.chunks_exact_mut(self.pitch)) {
            if self.phases == 1 {
                self.sides(pixels, row);
            } else {
                let left = self.config.padding[1][0];
                self.sorted_sides(pixels, row, 0..left);
                self.sorted_sides(pixels, row, left + self.width..row.len());
            }
        }
    }

    /// What stands left and right of the image, mode by mode: [`source`] for a few columns of each row
    /// would take as long as the row.
    #[inline(always)]
    fn sides<E: Element>(self, pixels: &[E], row: &mut [E]) {
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

    /// The columns outside the image, and those that only fill the row up, where columns are sorted.
    fn sorted_sides<E: Element>(self, pixels: &[E], row: &mut [E], columns: core::ops::Range<usize>) {
        let [left, right] = self.config.padding[1];
        for x in columns {
            let real = x < left + self.width + right;
            let from = real.then(|| source(self.config.padding_mode, x, left, self.width)).flatten();
            row[self.place(x)] = from.map_or(E::ZERO, |from| pixels[from]);
        }
    }

    /// Where column `x` of the padded image stands in a row.
    fn place(self, x: usize) -> usize {
        x % self.phases * (self.pitch / self.phases) + x / self.phases
    }
}

/// Pixels 0, 2, 4, .. to `even` and 1, 3, 5, .. to `odd`, two vectors at a time.
#[inline(always)]
fn separate<S: Simd, E: Element>(simd: S, pixels: &[E], even: &mut [E], odd: &mut [E]) {
    let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
    let (pairs, single) = pixels.as_chunks::<2>();
    if let Some(last) = pairs.len().checked_sub(lanes) {
        let vectors = pixels.chunks_exact(2 * lanes);
        for ((pixels, even), odd) in
            vectors.zip(even.chunks_exact_mut(lanes)).zip(odd.chunks_exact_mut(lanes))
        {
            separate_vectors(simd, pixels, even, odd);
        }
        let pixels = &pixels[2 * last..][..2 * lanes];
        separate_vectors(simd, pixels, &mut even[last..][..lanes], &mut odd[last..][..lanes]);
    } else {
        for ((even, odd), pair) in even.iter_mut().zip(odd.iter_mut()).zip(pairs) {
            [*even, *odd] = *pair;
        }
    }
    if let (Some(even), [single]) = (even.get_mut(pairs.len()), single) {
        *even = *single;
    }
}

/// One vector of pairs.
#[inline(always)]
fn separate_vectors<S: Simd, E: Element>(simd: S, pixels: &[E], even: &mut [E], odd: &mut [E]) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let (low, high) = pixels.split_at(Vector::<S, E>::LEN);
    let [low, high] = [low, high].map(|half| Vector::<S, E>::from_slice(simd, half));
    low.unzip_low(high).store_slice(even);
    low.unzip_high(high).store_slice(odd);
}

/// Zeros a row, without a call of `memset`.
#[inline(always)]
fn clear_row<S: Simd, E: Element>(simd: S, row: &mut [E]) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let lanes = Vector::<S, E>::LEN;
    let zeros = Vector::<S, E>::splat(simd, E::ZERO);
    let mut vectors = row.chunks_exact_mut(lanes);
    vectors.by_ref().for_each(|vector| zeros.store_slice(vector));
    vectors.into_remainder().fill(E::ZERO);
}

/// Zeros at least the first and the last columns of a row, with a vector each where that is enough: a call
/// of `memset` for a column or two costs more than the row.
#[inline(always)]
fn clear_ends<S: Simd, E: Element>(simd: S, row: &mut [E], left: usize, right: usize) {
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
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let lanes = Vector::<S, E>::LEN;
    let Some(last) = from.len().checked_sub(lanes) else {
        return copy_short(from, to);
    };
    for (from, to) in from.chunks_exact(lanes).zip(to.chunks_exact_mut(lanes)) {
        Vector::<S, E>::from_slice(simd, from).store_slice(to);
    }
    if from.len() % lanes > 0 {
        Vector::<S, E>::from_slice(simd, &from[last..]).store_slice(&mut to[last..]);
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
        let job =
            Job { config, phases, image: [h, w], first: 0, rows, pitch, plane: rows * pitch, margins: false };
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
        let whole = Job {
            config: &config,
            phases: 1,
            image: [4, 3],
            first: 0,
            rows: 7,
            pitch: 5,
            plane: 35,
            margins: false,
        };
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
