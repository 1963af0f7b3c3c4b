//! Sums across the lanes of vectors.

use fearless_simd::{Simd, SimdBase, SimdFloat, SimdFloatElement};

use crate::Element;
use crate::tile::LANES;

/// The sum of a slice, in eight running vectors.
#[inline(always)]
pub(crate) fn sum<S: Simd, E: Element>(simd: S, values: &[E]) -> E {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let lanes = Vector::<S, E>::LEN;
    let mut sums = [Vector::<S, E>::splat(simd, E::ZERO); 8];
    let mut chunks = values.chunks_exact(8 * lanes);
    for chunk in &mut chunks {
        for (sum, vector) in sums.iter_mut().zip(chunk.chunks_exact(lanes)) {
            *sum += Vector::<S, E>::from_slice(simd, vector);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let rest = chunks.remainder().iter().fold(E::ZERO, |sum, value| sum + *value);
    lanes_sum(((a + b) + (c + d)) + ((e + f) + (g + h))) + rest
}

/// The sum of a vector's lanes, in halves.
#[inline(always)]
pub(crate) fn lanes_sum<S: Simd, V: SimdBase<S, Element: Element>>(vector: V) -> V::Element {
    let mut lanes = [V::Element::ZERO; LANES];
    lanes[..V::LEN].copy_from_slice(vector.as_slice());
    let mut half = V::LEN / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Adds the sum of each vector's lanes to the element at its place.
///
/// As many vectors as one has lanes are summed together: two of them are zipped and added, which halves their number
/// and the lanes that belong to one of them, until one vector holds a sum in every lane.
#[inline(always)]
pub fn add_lanes<const N: usize, S: Simd, V: SimdFloat<S, Element: Element>>(
    simd: S,
    to: &mut [V::Element],
    sums: &[(V, usize); N],
) {
    match V::LEN {
        16 => add::<16, S, V>(simd, to, sums),
        8 => add::<8, S, V>(simd, to, sums),
        4 => add::<4, S, V>(simd, to, sums),
        _ => add::<2, S, V>(simd, to, sums),
    }
}

/// The same for vectors of `L` lanes.
#[inline(always)]
fn add<const L: usize, S: Simd, V: SimdFloat<S, Element: Element>>(
    simd: S,
    to: &mut [V::Element],
    sums: &[(V, usize)],
) {
    let (whole, rest) = sums.as_chunks::<L>();
    for vectors in whole {
        let total = together(vectors.map(|(vector, _)| vector));
        for ((_, at), sum) in vectors.iter().zip(total.as_slice()) {
            to[*at] += *sum;
        }
    }
    // For one or two, that would take longer than one after the other.
    if rest.len() > 2 {
        let mut vectors = [V::splat(simd, V::Element::ZERO); L];
        vectors.iter_mut().zip(rest).for_each(|(to, (vector, _))| *to = *vector);
        for ((_, at), sum) in rest.iter().zip(together(vectors).as_slice()) {
            to[*at] += *sum;
        }
    } else {
        for (vector, at) in rest {
            to[*at] += lanes_sum(*vector);
        }
    }
}

/// A vector with the sum of each of `L` vectors' `L` lanes.
#[inline(always)]
fn together<const L: usize, S: Simd, V: SimdFloat<S>>(mut vectors: [V; L]) -> V {
    let mut half = L / 2;
    while half > 0 {
        for i in 0..half {
            let (a, b) = (vectors[i], vectors[i + half]);
            vectors[i] = a.zip_low(b) + a.zip_high(b);
        }
        half /= 2;
    }
    vectors[0]
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::Isa;
    use fearless_simd::dispatch;

    #[inline(always)]
    fn check<const N: usize, S: Simd, E: Element>(simd: S) {
        type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
        let lanes = Vector::<S, E>::LEN;
        let mut elements = [E::ZERO; LANES];
        let vectors: [_; N] = core::array::from_fn(|v| {
            let values = (0..lanes).map(|lane| E::from_f64((v * v + 3 * lane) as f64));
            elements.iter_mut().zip(values).for_each(|(to, value)| *to = value);
            (Vector::<S, E>::from_slice(simd, &elements[..lanes]), N - 1 - v)
        });
        let mut sums = [E::from_f64(0.5); N];
        add_lanes(simd, &mut sums, &vectors);
        for (v, sum) in sums.iter().rev().enumerate() {
            let expected = 0.5 + (v * v * lanes + 3 * lanes * (lanes - 1) / 2) as f64;
            assert_eq!(*sum, E::from_f64(expected), "vector {v} of {N}, {lanes} lanes");
        }
    }

    #[test]
    fn every_vector_s_lanes_are_added_where_they_belong() {
        for isa in Isa::available() {
            dispatch!(isa.level(), simd => check::<1, _, f32>(simd));
            dispatch!(isa.level(), simd => check::<3, _, f64>(simd));
            dispatch!(isa.level(), simd => check::<9, _, f32>(simd));
            dispatch!(isa.level(), simd => check::<12, _, f64>(simd));
            dispatch!(isa.level(), simd => check::<25, _, f32>(simd));
        }
    }
}
