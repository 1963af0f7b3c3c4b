//! Rows of the image as it is, for kernels that pad in registers.

use fearless_simd::{Select, Simd, SimdBase, SimdMask};

use crate::pad::source;
use crate::tile::{LANES, copy_short, store_first};
use crate::{Element, PaddingMode};

/// Rows of a padded image, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct PaddedRows {
    /// The rule for rows outside the image.
    pub mode: PaddingMode,
    /// Where the channel begins.
    pub plane: usize,
    /// The first of the rows, counted from the first row of padding.
    pub first: usize,
    /// Rows of padding above the image.
    pub above: usize,
    /// Rows and columns of the image.
    pub image: [usize; 2],
}

impl PaddedRows {
    /// The image from the first pixel on of the row that comes after so many, which is inside it.
    #[inline(always)]
    #[must_use]
    pub fn inside<'a, E>(&self, image: &'a [E], after: usize) -> &'a [E] {
        &image[self.plane + (self.first + (after - self.above)) * self.image[1]..]
    }

    /// The image from the first pixel on of the row that comes after so many, or the zeros that stand for it.
    ///
    /// A function for all rows, which returned an array, would leave the array in memory: 50 us for 17 on a depthwise
    /// 3x3 layer, 576 channels @14.
    #[inline(always)]
    #[must_use]
    pub fn padded<'a, E>(&self, image: &'a [E], zeros: &'a [E], after: usize) -> &'a [E] {
        let (row, [height, width]) = (self.first + after, self.image);
        // Most rows are inside, which is one comparison.
        let inside = row.wrapping_sub(self.above);
        let row = if inside < height { Some(inside) } else { source(self.mode, row, self.above, height) };
        row.map_or(zeros, |row| &image[self.plane + row * width..])
    }
}

/// A vector of a row from element `at` on, with zeros for what is beyond the row's `len` elements, where `row` may
/// go on with others.
#[inline(always)]
pub fn part<S: Simd, V: SimdBase<S, Element: Element>>(
    simd: S,
    row: &[V::Element],
    at: usize,
    len: usize,
) -> V {
    let count = len.saturating_sub(at).min(V::LEN);
    if let Some(all) = row.get(at..at + V::LEN) {
        return keep(simd, V::from_slice(simd, all), (1 << count) - 1);
    }
    let mut elements = [V::Element::ZERO; LANES];
    if count > 0 {
        copy_short(&row[at..at + count], &mut elements[..count]);
    }
    V::from_slice(simd, &elements[..V::LEN])
}

/// The last `count` elements of a window that is as long as a vector, and zeros before them.
#[inline(always)]
pub fn last<S: Simd, V: SimdBase<S, Element: Element>>(simd: S, window: &[V::Element], count: usize) -> V {
    keep(simd, V::from_slice(simd, window), !0 << (V::LEN - count))
}

/// The lanes whose bits are set, and zeros in the others.
#[inline(always)]
pub fn keep<S: Simd, V: SimdBase<S, Element: Element>>(simd: S, vector: V, lanes: u64) -> V {
    V::Mask::from_bitmask(simd, lanes).select(vector, V::splat(simd, V::Element::ZERO))
}

/// Stores the first `count` lanes of a vector, and perhaps the others: what stands there will be written later.
#[inline(always)]
pub fn store_over<S: Simd, V: SimdBase<S, Element: Element>>(
    simd: S,
    vector: V,
    to: &mut [V::Element],
    at: usize,
    count: usize,
) {
    match to.get_mut(at..at + V::LEN) {
        Some(all) => vector.store_slice(all),
        None => store_first(simd, vector, count, &mut to[at..at + count]),
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::Isa;
    use alloc::vec::Vec;
    use fearless_simd::{SimdFloatElement, dispatch};

    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;

    #[test]
    fn rows_outside_the_image_follow_the_mode() {
        let (image, zeros) = ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0], [0.0; 2]);
        let column = |mode| {
            let rows = PaddedRows { mode, plane: 0, first: 0, above: 2, image: [3, 2] };
            let all: [&[f64]; 7] = core::array::from_fn(|r| rows.padded(&image, &zeros, r));
            for (r, row) in all.iter().enumerate().take(5).skip(2) {
                assert_eq!(*row, rows.inside(&image, r));
            }
            all.map(|row| row[0])
        };
        assert_eq!(column(PaddingMode::Zeros), [0., 0., 1., 2., 3., 0., 0.]);
        assert_eq!(column(PaddingMode::Reflect), [3., 2., 1., 2., 3., 2., 1.]);
        assert_eq!(column(PaddingMode::Replicate), [1., 1., 1., 2., 3., 3., 3.]);
        assert_eq!(column(PaddingMode::Circular), [2., 3., 1., 2., 3., 1., 2.]);
    }

    /// Parts of rows of all lengths, in the midst of a buffer and at its end.
    fn check<S: Simd, E: Element>(simd: S) {
        let lanes = Vector::<S, E>::LEN;
        let all: Vec<E> = (1u8..80).map(|at| E::from_f64(f64::from(at))).collect();
        for (len, at) in (0..40).flat_map(|len| (0..20).map(move |at| (len, at))) {
            for row in [&all[..], &all[..len]] {
                let got: Vector<S, E> = part(simd, row, at, len);
                let want = (at..at + lanes).map(|at| if at < len { all[at] } else { E::ZERO });
                assert!(want.eq(got.as_slice().iter().copied()), "{lanes} lanes from {at}, {len} long");
            }
        }
        for count in 1..=lanes {
            let got: Vector<S, E> = last(simd, &all[..lanes], count);
            let want = (0..lanes).map(|at| if at + count < lanes { E::ZERO } else { all[at] });
            assert!(want.eq(got.as_slice().iter().copied()), "the last {count} of {lanes}");
        }
        for (count, room) in (0..=lanes).flat_map(|count| [(count, count), (count, lanes + 1)]) {
            let mut to = alloc::vec![E::ZERO; room];
            store_over(simd, Vector::<S, E>::from_slice(simd, &all[..lanes]), &mut to, 0, count);
            assert_eq!(to[..count], all[..count]);
            assert!(to.iter().skip(lanes).all(|after| *after == E::ZERO));
        }
    }

    #[test]
    fn parts_of_rows_are_loaded_and_stored() {
        for isa in Isa::available() {
            dispatch!(isa.level(), simd => check::<_, f32>(simd));
            dispatch!(isa.level(), simd => check::<_, f64>(simd));
        }
    }
}
