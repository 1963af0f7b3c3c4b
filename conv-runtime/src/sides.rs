//! What stands beside a row of sums, for kernels that pad their rows in registers.
//!
//! A sum over some pixels of a column, padded, is the sum over the padded pixels: so a kernel may read rows as
//! they are, and pad what it makes of them.

use fearless_simd::{Simd, SimdBase};

use crate::tile::LANES;
use crate::{Element, PaddingMode};

/// How a row ends, and what stands left and right of it.
#[derive(Clone, Copy, Debug)]
pub struct Sides {
    /// The rule for elements outside the row.
    pub mode: PaddingMode,
    /// Elements left and right of the row, fewer than a vector has lanes.
    pub padding: [usize; 2],
    /// Elements of the row after the last vector that ends in it, when the padding begins the first vector.
    pub rest: usize,
}

/// The first vector of a padded row, and the two after the last that ends in the row, of which the first begins
/// with what is left of it. `first` and `last` are the row's beginning and its end: it is at least one vector long.
///
/// Past the padding all is zero.
#[inline(always)]
pub fn sides<S: Simd, V: SimdBase<S, Element: Element>>(
    simd: S,
    sides: Sides,
    [first, last]: [V; 2],
) -> [V; 3] {
    let lanes = V::LEN;
    let Sides { mode, padding: [left, right], rest } = sides;
    // before | first | last | after | after
    let mut row = [V::Element::ZERO; 5 * LANES];
    let (start, end) = (lanes, 3 * lanes);
    first.store_slice(&mut row[start..2 * lanes]);
    last.store_slice(&mut row[2 * lanes..end]);
    for k in 0..left {
        row[start - 1 - k] = match mode {
            PaddingMode::Zeros => V::Element::ZERO,
            PaddingMode::Reflect => row[start + 1 + k],
            PaddingMode::Replicate => row[start],
            PaddingMode::Circular => row[end - 1 - k],
        };
    }
    for k in 0..right {
        row[end + k] = match mode {
            PaddingMode::Zeros => V::Element::ZERO,
            PaddingMode::Reflect => row[end - 2 - k],
            PaddingMode::Replicate => row[end - 1],
            PaddingMode::Circular => row[start + k],
        };
    }
    [start - left, end - rest, end + lanes - rest].map(|at| V::from_slice(simd, &row[at..at + lanes]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Isa;
    use crate::pad::source;
    use alloc::vec::Vec;
    use fearless_simd::{SimdFloatElement, dispatch};

    /// Compares with the rule that padded copies are made by, for rows of all lengths.
    fn check<S: Simd, E: Element>(simd: S) {
        type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
        let lanes = Vector::<S, E>::LEN;
        let modes = [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular];
        for (mode, width) in modes.into_iter().flat_map(|mode| (lanes..=3 * lanes).map(move |w| (mode, w))) {
            let row: Vec<E> = (1u8..).take(width).map(|at| E::from_f64(f64::from(at))).collect();
            for (left, right) in [(0, 0), (1, lanes - 1), (lanes - 1, 1)] {
                let job = Sides { mode, padding: [left, right], rest: (width + left) % lanes };
                let from = [&row[..lanes], &row[width - lanes..]];
                let made = sides(simd, job, from.map(|part| Vector::<S, E>::from_slice(simd, part)));
                let made = made.map(|vector| vector.as_slice().to_vec());
                let want = |at: usize| {
                    let inside = at < left + width + right;
                    let from = inside.then(|| source(mode, at, left, width)).flatten();
                    from.map_or(E::ZERO, |from| row[from])
                };
                let whole = (left + width) / lanes * lanes;
                for (start, made) in [0, whole, whole + lanes].into_iter().zip(made) {
                    let want: Vec<_> = (start..start + lanes).map(want).collect();
                    assert_eq!(made, want, "{mode}, {width} wide, {left} and {right}, from {start}");
                }
            }
        }
    }

    #[test]
    fn rows_of_all_lengths_are_padded_as_copies_are() {
        for isa in Isa::available() {
            dispatch!(isa.level(), simd => check::<_, f32>(simd));
            dispatch!(isa.level(), simd => check::<_, f64>(simd));
        }
    }
}
