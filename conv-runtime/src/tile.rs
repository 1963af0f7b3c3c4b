//! Writing a tile whose vectors run over output channels into planes whose rows run over columns.
//!
//! A kernel with its lanes over output channels holds one vector a pixel; the output wants one row a
//! channel. The kernel stores the tile to the stack, and the tile is transposed on the way from there: a
//! vector's worth of pixels is zipped with itself until lane and vector have changed places.
//!
//! Squares of half vectors, of which AVX2 shuffles half as much, were slower, by 1 to 8 % of a whole layer: checking the
//! rows' ends takes as long as moving them, and there are twice as many.

use fearless_simd::{Simd, SimdBase, SimdFloatElement};

use crate::Element;

/// The most lanes of a vector.
pub(crate) const LANES: usize = 16;

/// A tile: `pixels` rows of `width` channels each.
#[derive(Clone, Copy)]
pub struct Tile<'a, E> {
    /// The tile's numbers, row after row.
    pub values: &'a [E],
    /// Its rows.
    pub pixels: usize,
    /// Elements from one row to the next.
    pub width: usize,
    /// Channels that exist; the rest only fills the last vector.
    pub channels: usize,
}

/// Writes pixel `p` of channel `c` to `output[c * plane + at + p]`.
///
/// One function for all tiles of a width: inlining it into every kernel would cost more than the call.
#[inline(never)]
pub fn scatter<S: Simd, E: Element>(simd: S, tile: Tile<'_, E>, output: &mut [E], plane: usize, at: usize) {
    simd.vectorize(
        #[inline(always)]
        || {
            let lanes = <E as SimdFloatElement>::Native::<S>::LEN;
            for channel in (0..tile.channels).step_by(lanes) {
                for pixel in (0..tile.pixels).step_by(lanes) {
                    // The last square moves back to end with the tile, for whole vectors are stored at once.
                    let pixel = pixel.min(tile.pixels.saturating_sub(lanes));
                    let corner = Corner { channel, pixel };
                    match lanes {
                        16 => square::<16, S, E>(simd, &tile, corner, output, plane, at),
                        8 => square::<8, S, E>(simd, &tile, corner, output, plane, at),
                        4 => square::<4, S, E>(simd, &tile, corner, output, plane, at),
                        _ => square::<2, S, E>(simd, &tile, corner, output, plane, at),
                    }
                }
            }
        },
    );
}

#[derive(Clone, Copy)]
struct Corner {
    channel: usize,
    pixel: usize,
}

/// Transposes and writes the square of `N` channels by `N` pixels at `corner`.
#[inline(always)]
fn square<const N: usize, S: Simd, E: Element>(
    simd: S,
    tile: &Tile<'_, E>,
    corner: Corner,
    output: &mut [E],
    plane: usize,
    at: usize,
) {
    type Vector<S, E> = <E as SimdFloatElement>::Native<S>;
    let pixels = (tile.pixels - corner.pixel).min(N);
    let channels = (tile.channels - corner.channel).min(N);
    let values = &tile.values[corner.pixel * tile.width + corner.channel..];
    let output = &mut output[corner.channel * plane + at + corner.pixel..];
    if [pixels, channels] == [N, N] {
        let rows: [Vector<S, E>; N] = load_rows(simd, values, N, tile.width);
        return store_all(&transpose(rows), output, plane);
    }
    // Rows past the last pixel repeat it: their lanes are not written.
    let rows: [Vector<S, E>; N] = transpose(load_rows(simd, values, pixels, tile.width));
    let rows = &rows[..channels];
    match pixels {
        8.. => store_rows::<8, S, _>(rows, pixels, output, plane),
        4.. => store_rows::<4, S, _>(rows, pixels, output, plane),
        2.. => store_rows::<2, S, _>(rows, pixels, output, plane),
        _ => store_rows::<1, S, _>(rows, pixels, output, plane),
    }
}

/// Loads `count` vectors, `width` elements apart, and the last again for those that are missing. To cut off what is in
/// front of the next takes fewer instructions than to multiply where it is, and to check that.
#[inline(always)]
pub(crate) fn load_rows<const N: usize, S: Simd, V: SimdBase<S>>(
    simd: S,
    mut values: &[V::Element],
    count: usize,
    width: usize,
) -> [V; N] {
    let mut rows = [V::from_slice(simd, &values[..N]); N];
    for (p, row) in rows.iter_mut().enumerate().skip(1) {
        if p < count {
            values = &values[width..];
        }
        *row = V::from_slice(simd, &values[..N]);
    }
    rows
}

/// Stores vectors, `plane` elements apart.
#[inline(always)]
pub(crate) fn store_all<const N: usize, S: Simd, V: SimdBase<S>>(
    rows: &[V; N],
    mut output: &mut [V::Element],
    plane: usize,
) {
    for (lane, row) in rows.iter().enumerate() {
        if lane > 0 {
            output = &mut output[plane..];
        }
        row.store_slice(&mut output[..N]);
    }
}

/// Makes lane `i` of vector `j` lane `j` of vector `i`: zips the vectors until lane and vector have changed
/// places. `N` is the number of lanes.
#[inline(always)]
pub(crate) fn transpose<const N: usize, S: Simd, V: SimdBase<S>>(mut rows: [V; N]) -> [V; N] {
    let mut step = 1;
    while step < N {
        let before = rows;
        for i in 0..N / 2 {
            let (low, high) = (before[i], before[i + N / 2]);
            rows[2 * i] = low.zip_low(high);
            rows[2 * i + 1] = low.zip_high(high);
        }
        step *= 2;
    }
    rows
}

/// Stores the first `count` lanes of each vector, `plane` elements apart.
#[inline(always)]
fn store_rows<const H: usize, S: Simd, V: SimdBase<S, Element: Element>>(
    rows: &[V],
    count: usize,
    output: &mut [V::Element],
    plane: usize,
) {
    for (lane, row) in rows.iter().enumerate() {
        halves::<H, _>(row.as_slice(), count, &mut output[lane * plane..]);
    }
}

/// Stores the first `count` lanes of a vector, at most all of them.
#[inline(always)]
pub(crate) fn store_first<S: Simd, V: SimdBase<S, Element: Element>>(
    _simd: S,
    vector: V,
    count: usize,
    to: &mut [V::Element],
) {
    if count == V::LEN { vector.store_slice(to) } else { copy_short(&vector.as_slice()[..count], to) }
}

/// Copies a row of less than one vector.
#[inline(always)]
pub(crate) fn copy_short<E: Element>(from: &[E], to: &mut [E]) {
    match from.len() {
        8.. => halves::<8, _>(from, from.len(), to),
        4.. => halves::<4, _>(from, from.len(), to),
        2.. => halves::<2, _>(from, from.len(), to),
        1 => halves::<1, _>(from, 1, to),
        0 => {}
    }
}

/// Copies `count` elements, `H` to `2 * H`, as their first and their last `H`, which may overlap: a loop
/// or `memcpy` over so few elements costs several times as much.
#[inline(always)]
fn halves<const H: usize, E: Element>(from: &[E], count: usize, to: &mut [E]) {
    for at in [0, count - H] {
        if let (Some(from), Some(to)) = (from[at..].first_chunk::<H>(), to[at..].first_chunk_mut::<H>()) {
            *to = *from;
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small integers are exact")]
mod tests {
    use super::*;
    use crate::Isa;
    use alloc::vec::Vec;
    use fearless_simd::dispatch;

    fn check<E: Element>(isa: Isa, channels: usize, pixels: usize) {
        let width = channels.next_multiple_of(16);
        let values: Vec<E> = (0..pixels * width).map(|i| E::from_f64(i as f64)).collect();
        let plane = pixels + 3;
        let mut output = alloc::vec![E::from_f64(-1.0); channels * plane];
        let tile = Tile { values: &values, pixels, width, channels };
        dispatch!(isa.level(), simd => scatter(simd, tile, &mut output, plane, 2));
        for (i, &got) in output.iter().enumerate() {
            let (c, p) = (i / plane, i % plane);
            let inside = (2..pixels + 2).contains(&p);
            let want = if inside { ((p - 2) * width + c) as f64 } else { -1.0 };
            assert_eq!(got, E::from_f64(want), "{isa}, {channels} channels, {pixels} pixels: [{c}, {p}]");
        }
    }

    #[test]
    fn every_size_is_transposed_and_nothing_else_is_touched() {
        for isa in Isa::available() {
            for channels in [1, 2, 7, 8, 15, 16, 17, 33] {
                for pixels in 1..=29 {
                    check::<f32>(isa, channels, pixels);
                    check::<f64>(isa, channels, pixels);
                }
            }
        }
    }
}
