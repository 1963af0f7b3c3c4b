//! The weight's gradient of layers of one tap that read every pixel once, row by row of the weights: the image is
//! copied with channels last, the output's gradient is read as it is.

use super::copies::Matrix;
use super::weight::dispatch;
use super::{Differentiable, SumsJob};
use crate::element::sealed::Sealed as _;
use crate::kernel::Geometry;
use crate::scratch::Scratch;
use crate::{Element, Isa};

/// Bytes of a tile of channels: it is read again and again, from the second level of the cache at most.
const TILE: usize = 128 << 10;

/// Input channels of a tile of the image's copy, and output channels of a call.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub(super) width: usize,
    pub(super) outs: usize,
}

/// Runs over a batch of images of so many pixels; `None` if the scratch cannot be counted.
pub(super) fn run<K: Differentiable>(
    isa: Isa,
    Tiles { width, outs }: Tiles,
    pixels: usize,
    [x, grad]: [&[K::Elem]; 2],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let config = const { &K::CONFIG };
    let (depth, groups) = (config.in_per_group(), config.groups);
    let band = pixels.min(TILE / size_of::<K::Elem>() / width);
    let plane = band.checked_mul(width)?;
    let image = K::Elem::work(scratch).image.take(plane.checked_mul(depth.div_ceil(width))?)?;
    // Channels that fill up the last tile are read, too.
    image[depth / width * plane..].fill(K::Elem::ZERO);
    let images = x.chunks_exact(depth * pixels).zip(grad.chunks_exact(config.out_per_group() * pixels));
    let each = to.len() / groups;
    for (at, (x, grad)) in images.enumerate() {
        let sums = &mut to[at % groups * each..][..each];
        for first in (0..pixels).step_by(band) {
            let count = band.min(pixels - first);
            for (x, tile) in x.chunks(width * pixels).zip(image.chunks_exact_mut(plane)) {
                let channels = Matrix { values: x, rows: x.len() / pixels, columns: pixels, stride: pixels };
                channels.part(first, count).transpose(isa, tile, width);
            }
            let sizes = Geometry { out_h: 1, out_w: count, out_plane: pixels, plane, ..Geometry::default() };
            for (grad, output) in grad.chunks(outs * pixels).zip(sums.chunks_mut(outs * depth)) {
                if at < groups && first == 0 {
                    output.fill(K::Elem::ZERO);
                }
                let geometry = Geometry { outs: grad.len() / pixels, ..sizes };
                dispatch::<K>(isa, SumsJob { geometry, image, gradient: &grad[first..], output, zeros: &[] });
            }
        }
    }
    Some(())
}
