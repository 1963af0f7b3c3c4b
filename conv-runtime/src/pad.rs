//! The padded copy of an image, for kernels that read one.
//!
//! Every padding mode is a rule for which pixel stands at an index outside the image. A kernel that reads a
//! padded copy knows nothing of padding: border and interior run the same code. The copy is made group by
//! group, so for depthwise layers it is one channel, and stays in the first-level cache.
//!
//! For a kernel with stride `s` that loads `s` columns apart, the copy also sorts each row: first the
//! columns `0, s, 2s, ..`, then `1, s + 1, ..`, so that what one vector holds lies side by side.

mod columns;

use fearless_simd::Simd;

use self::columns::{Columns, clear_row};
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
    let columns = Columns::new(job.config, job.phases, w, job.pitch);
    for (image, plane) in image.chunks_exact(h * w).zip(planes.chunks_exact_mut(job.plane)) {
        job.rows(simd, columns, image, &mut plane[..job.rows * job.pitch]);
    }
}

impl Job<'_> {
    /// The rows of one plane: those above the image, those in it, and those below.
    #[inline(always)]
    fn rows<S: Simd, E: Element>(&self, simd: S, columns: Columns<'_>, image: &[E], rows: &mut [E]) {
        let (first, [h, w], [top, _]) = (self.first, self.image, self.config.padding[0]);
        let above = top.saturating_sub(first).min(self.rows);
        let skipped = first.saturating_sub(top).min(h);
        let inside = (h - skipped).min(self.rows - above);
        let pitch = self.pitch;
        self.inside(simd, columns, &image[skipped * w..], &mut rows[above * pitch..][..inside * pitch]);
        for at in (0..above).chain(above + inside..self.rows) {
            let row = at * pitch..(at + 1) * pitch;
            match source(self.config.padding_mode, first + at, top, h) {
                // It is there already, with its borders. (Depthwise 5x5, 240 channels @28, reflected: 131 us before, 120.)
                Some(y) if (skipped..skipped + inside).contains(&y) => {
                    let from = (above + y - skipped) * pitch;
                    rows.copy_within(from..from + pitch, row.start);
                }
                Some(y) => self.inside(simd, columns, &image[y * w..][..w], &mut rows[row]),
                None => clear_row(simd, &mut rows[row]),
            }
        }
    }

    /// Rows of the image, and what stands left and right of them.
    #[inline(always)]
    fn inside<S: Simd, E: Element>(&self, simd: S, columns: Columns<'_>, pixels: &[E], rows: &mut [E]) {
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
