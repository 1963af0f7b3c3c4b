//! The weight's gradient: for each output channel, input channel and tap, the sum over all images and
//! places of the output's gradient times the pixel that the tap read there.
//!
//! ```text
//! for each image, for each group of channels, for each band of output rows:
//!     copy image and gradient to where and how the kernel wants them (copies.rs)
//!     the kernel adds the band to the sums
//! ```

use fearless_simd::Simd;

use super::copies;
use super::layout::{Layout, Rows, Sizes};
use super::{Copies, Differentiable, Sums, SumsJob};
use crate::by_width::by_width;
use crate::element::sealed::Sealed as _;
use crate::kernel::Geometry;
use crate::scratch::{Scratch, Work};
use crate::tile::{LANES, Tile};
use crate::{Element, Isa};

/// Runs over a batch; `None` if the scratch cannot be counted.
pub(super) fn run<K: Differentiable>(
    isa: Isa,
    sizes: [[usize; 2]; 2],
    data: [&[K::Elem]; 2],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let copies = match isa.choose(const { K::SUMS }) {
        Sums::Copies(copies) => copies,
        Sums::InPlace => return in_place::<K>(isa, sizes, data, to, scratch),
    };
    let layout = Layout::new::<K::Elem>(const { &K::CONFIG }, isa, copies, sizes)?;
    let sizes = Sizes::new::<K::Elem>(&layout)?;
    let work = K::Elem::work(scratch);
    // What the copies never write is read, too, and must be zero.
    work.image.take(sizes.image).fill(K::Elem::ZERO);
    work.gradient.take(sizes.gradient).fill(K::Elem::ZERO);
    if matches!(copies, Copies::Pixels { .. }) {
        to.fill(K::Elem::ZERO);
        add::<K>(&layout, &sizes, data, work, to);
    } else {
        let mut sums = core::mem::take(&mut work.sums);
        let buffer = sums.take(sizes.sums);
        buffer.fill(K::Elem::ZERO);
        add::<K>(&layout, &sizes, data, work, buffer);
        unpack(&layout, buffer, to);
        work.sums = sums;
    }
    Some(())
}

/// Runs over a batch, reading images and gradients as they are.
fn in_place<K: Differentiable>(
    isa: Isa,
    [[image_h, image_w], [out_h, out_w]]: [[usize; 2]; 2],
    [x, grad]: [&[K::Elem]; 2],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let config = const { &K::CONFIG };
    // The last vectors of a row may reach so much further.
    let zeros = K::Elem::work(scratch).image.take(image_w.checked_add(2 * LANES)?);
    zeros.fill(K::Elem::ZERO);
    to.fill(K::Elem::ZERO);
    let (plane, out_plane) = (image_h * image_w, out_h * out_w);
    let (pitch, groups, rest) = (image_w, config.groups, Geometry::default());
    let geometry = Geometry { out_h, out_w, out_plane, pitch, plane, image_h, image_w, groups, ..rest };
    let (from, each) = (config.in_channels * plane, config.out_channels * out_plane);
    for (image, gradient) in x.chunks_exact(from).zip(grad.chunks_exact(each)) {
        dispatch::<K>(isa, SumsJob { geometry, image, gradient, output: &mut *to, zeros });
    }
    Some(())
}

/// Adds all images to the sums.
fn add<K: Differentiable>(
    layout: &Layout<'_>,
    sizes: &Sizes,
    [x, grad]: [&[K::Elem]; 2],
    work: &mut Work<K::Elem>,
    sums: &mut [K::Elem],
) {
    let (config, [image_h, image_w], [out_h, out_w]) = (layout.config, layout.image, layout.out);
    let each = sums.len() / config.groups;
    let (from, to) = (config.in_per_group() * image_h * image_w, config.out_per_group() * out_h * out_w);
    let (image, gradient) = (work.image.take(sizes.image), work.gradient.take(sizes.gradient));
    for (at, (x, grad)) in x.chunks_exact(from).zip(grad.chunks_exact(to)).enumerate() {
        let sums = &mut sums[at % config.groups * each..][..each];
        for first in (0..out_h).step_by(sizes.band) {
            let rows = Rows { first, count: sizes.band.min(out_h - first) };
            match layout.copies {
                Copies::Pixels { .. } => {
                    let geometry = copies::pixels(layout, rows, [x, grad], [image, gradient]);
                    dispatch::<K>(
                        layout.isa,
                        SumsJob { geometry, image, gradient, output: sums, zeros: &[] },
                    );
                }
                Copies::Channels { width, depth } => {
                    let block = sizes.band * out_w * width;
                    copies::image(layout, layout.read(rows), depth, x, image);
                    copies::gradient(layout, rows, width, grad, gradient.chunks_exact_mut(block));
                    let (out_h, pitch, rest) = (rows.count, layout.pitch, Geometry::default());
                    let geometry = Geometry { out_h, out_w, pitch, first, image_h, image_w, ..rest };
                    let blocks = gradient.chunks_exact(block);
                    for (gradient, output) in blocks.zip(sums.chunks_exact_mut(layout.block())) {
                        dispatch::<K>(layout.isa, SumsJob { geometry, image, gradient, output, zeros: &[] });
                    }
                }
            }
        }
    }
}

/// The sums to the weight's order.
fn unpack<E: Element>(layout: &Layout<'_>, sums: &[E], to: &mut [E]) {
    let Copies::Channels { width, .. } = layout.copies else { return };
    let outs = layout.config.out_per_group();
    let terms = to.len() / layout.config.out_channels;
    let each = outs.div_ceil(width);
    for (at, values) in sums.chunks_exact(layout.block()).enumerate() {
        let (group, first) = (at / each, at % each * width);
        let tile = Tile { values, pixels: terms, width, channels: width.min(outs - first) };
        E::scatter(layout.isa.level(), tile, &mut to[(group * outs + first) * terms..], terms);
    }
}

/// Calls the kernel of the right width.
fn dispatch<K: Differentiable>(isa: Isa, job: SumsJob<'_, K::Elem>) {
    by_width!(isa.level(), simd => K::sums_128(simd, job), K::sums_256(simd, job), K::sums_512(simd, job));
}
