//! The rows of a padded copy: how the columns of a row are copied, sorted and padded.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use super::source;
use crate::tile::copy_short;
use crate::{Conv2dConfig, Element, PaddingMode};

/// Columns outside the image, on each side, that are filled together in each row.
const NEAREST: usize = 3;

/// An element of the image's row, and where it stands in the copy's.
#[derive(Clone, Copy, Default)]
struct Move {
    from: usize,
    to: usize,
}

/// How rows of the image become rows of the copy. Each way is a function of its own: all of them in one are more
/// than the compiler keeps in registers, and take twice as long.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    config: &'a Conv2dConfig,
    phases: usize,
    width: usize,
    pitch: usize,
    /// What fills the first columns of each side; if these are fewer, also what stands there already.
    nearest: [Move; 2 * NEAREST],
}

impl<'a> Columns<'a> {
    pub(super) fn new(config: &'a Conv2dConfig, phases: usize, width: usize, pitch: usize) -> Self {
        let mut this = Self { config, phases, width, pitch, nearest: [Move::default(); 2 * NEAREST] };
        let ([left, right], mode) = (config.padding[1], config.padding_mode);
        if mode != PaddingMode::Zeros {
            this.nearest = [Move { from: 0, to: this.place(left) }; 2 * NEAREST];
            for x in 0..NEAREST.min(left) {
                this.nearest[x] = this.outside(x);
            }
            for x in 0..NEAREST.min(right) {
                this.nearest[NEAREST + x] = this.outside(left + width + x);
            }
        }
        this
    }

    /// Zeros left and right of the image, at least.
    #[inline(never)]
    pub(super) fn clear<S: Simd, E: Element>(self, simd: S, rows: &mut [E]) {
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
    pub(super) fn copy<S: Simd, E: Element>(self, simd: S, pixels: &[E], rows: &mut [E]) {
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
    pub(super) fn separate<S: Simd, E: Element>(self, simd: S, pixels: &[E], rows: &mut [E]) {
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
    pub(super) fn sort<E: Element>(self, pixels: &[E], rows: &mut [E]) {
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
    ///
    /// Which column stands where is found out once for all rows and channels, and moved without a loop over columns:
    /// 18 us for 41 on a depthwise 5x5 layer, 240 channels @28, reflected.
    #[inline(never)]
    pub(super) fn border<E: Element>(self, pixels: &[E], rows: &mut [E]) {
        let [left, right] = self.config.padding[1];
        let end = left + self.width;
        let [a, b, c, d, e, f] = self.nearest;
        match left.max(right) {
            0 => {}
            1 => self.each_row(pixels, rows, &[a, d]),
            2 => self.each_row(pixels, rows, &[a, b, d, e]),
            _ => self.each_row(pixels, rows, &[a, b, c, d, e, f]),
        }
        for x in (NEAREST.min(left)..left).chain(end + NEAREST.min(right)..end + right) {
            self.each_row(pixels, rows, &[self.outside(x)]);
        }
        // What only fills the row up, where columns are sorted.
        if end + right == self.pitch {
            return;
        }
        for row in rows.chunks_exact_mut(self.pitch) {
            (end + right..self.pitch).for_each(|x| row[self.place(x)] = E::ZERO);
        }
    }

    /// Moves the same elements of each row.
    #[inline(always)]
    fn each_row<const N: usize, E: Element>(self, pixels: &[E], rows: &mut [E], moves: &[Move; N]) {
        for (pixels, row) in pixels.chunks_exact(self.width).zip(rows.chunks_exact_mut(self.pitch)) {
            for Move { from, to } in *moves {
                row[to] = pixels[from];
            }
        }
    }

    /// The move that fills a column outside the image.
    fn outside(self, x: usize) -> Move {
        let from = source(self.config.padding_mode, x, self.config.padding[1][0], self.width);
        Move { from: from.unwrap_or(0), to: self.place(x) }
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
pub(super) fn clear_row<S: Simd, E: Element>(simd: S, row: &mut [E]) {
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
    if !from.len().is_multiple_of(lanes) {
        Vector::<S, E>::from_slice(simd, &from[last..]).store_slice(&mut to[last..]);
    }
}
