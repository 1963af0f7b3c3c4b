//! The weight's gradient: for each output channel, input channel and tap, the sum over all images and
//! places of the output's gradient times the pixel that the tap read there.
//!
//! ```text
//! for each image, for each group of channels, for each band of output rows:
//!     copy image and gradient to where and how the kernel wants them (copies.rs)
//!     the kernel adds the band to the sums
//! ```

use fearless_simd::Simd;

use super::by_rows::{self, Tiles};
use super::copies;
use super::layout::{Layout, Sizes};
use super::{Copies, Differentiable, Sums, SumsJob};
use crate::by_width::by_width;
use crate::element::sealed::Sealed as _;
use crate::extent::Rows;
use crate::kernel::Geometry;
use crate::memory::Resident;
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
        Sums::Rows { width, outs } => {
            let [_, [h, w]] = sizes;
            return by_rows::run::<K>(isa, Tiles { width, outs }, h * w, data, to, scratch);
        }
    };
    let layout = Layout::new::<K::Elem>(const { &K::CONFIG }, isa, copies, sizes)?;
    let sizes = Sizes::new::<K::Elem>(&layout)?;
    let work = K::Elem::work(scratch);
    // What the copies never write is read, too, and must be zero.
    work.image.take(sizes.image)?.fill(K::Elem::ZERO);
    work.gradient.take(sizes.gradient)?.fill(K::Elem::ZERO);
    match copies {
        Copies::Pixels { .. } => {
            to.fill(K::Elem::ZERO);
            pixels::<K>(&layout, &sizes, data, work, to)?;
        }
        Copies::Channels { width, depth } => {
            let mut sums = core::mem::take(&mut work.sums);
            let tile = Channels { layout: &layout, sizes: &sizes, width, depth };
            let done = tile.run::<K>(data, work, &mut sums, to);
            work.sums = sums;
            done?;
        }
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
    let zeros = K::Elem::work(scratch).image.take(image_w.checked_add(2 * LANES)?)?;
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

/// A band of rows of a group's channels in one image.
struct Band<'a, E> {
    group: usize,
    rows: Rows,
    /// The group's channels of the image, and of the gradient.
    data: [&'a [E]; 2],
    /// Whether it is the first of the batch that adds to the group's sums, and the last.
    is_first: bool,
    is_last: bool,
}

/// All bands of a batch.
fn bands<'a, E: Element>(
    layout: &'a Layout<'_>,
    sizes: &'a Sizes,
    [x, grad]: [&'a [E]; 2],
) -> impl Iterator<Item = Band<'a, E>> {
    let (groups, [image_h, image_w], [out_h, out_w]) = (layout.config.groups, layout.image, layout.out);
    let from = layout.config.in_per_group() * image_h * image_w;
    let to = layout.config.out_per_group() * out_h * out_w;
    let last = x.len() / from - groups;
    x.chunks_exact(from).zip(grad.chunks_exact(to)).enumerate().flat_map(move |(at, (x, grad))| {
        (0..out_h).step_by(sizes.band).map(move |first| {
            let rows = Rows { first, count: sizes.band.min(out_h - first) };
            let is_first = at < groups && first == 0;
            let is_last = at >= last && first + rows.count == out_h;
            Band { group: at % groups, rows, data: [x, grad], is_first, is_last }
        })
    })
}

/// Adds up all bands, copied channel by channel; `None` if there is no memory.
fn pixels<K: Differentiable>(
    layout: &Layout<'_>,
    sizes: &Sizes,
    data: [&[K::Elem]; 2],
    work: &mut Work<K::Elem>,
    to: &mut [K::Elem],
) -> Option<()> {
    let each = to.len() / layout.config.groups;
    let (image, gradient) = (work.image.take(sizes.image)?, work.gradient.take(sizes.gradient)?);
    for Band { group, rows, data, .. } in bands(layout, sizes, data) {
        let geometry = copies::pixels(layout, rows, data, [image, gradient]);
        let output = &mut to[group * each..][..each];
        dispatch::<K>(layout.isa, SumsJob { geometry, image, gradient, output, zeros: &[] });
    }
    Some(())
}

/// Copies with channels last, for a kernel of `width` output channels that adds up `depth` input channels at a time.
struct Channels<'a> {
    layout: &'a Layout<'a>,
    sizes: &'a Sizes,
    width: usize,
    depth: usize,
}

impl Channels<'_> {
    /// Runs over a batch; `None` if the sums cannot be counted. What the last band has added to is put where it belongs
    /// while the cache has it. Where every group's only band is the last, the sums of one block are all that is kept: those
    /// of all blocks of a layer of many channels are larger than the cache.
    fn run<K: Differentiable>(
        &self,
        data: [&[K::Elem]; 2],
        work: &mut Work<K::Elem>,
        buffer: &mut Resident<K::Elem>,
        to: &mut [K::Elem],
    ) -> Option<()> {
        let (image, gradient) =
            (work.image.take(self.sizes.image)?, work.gradient.take(self.sizes.gradient)?);
        let (layout, each) = (self.layout, self.layout.block());
        let blocks = layout.config.out_per_group().div_ceil(self.width);
        let is_done = bands(layout, self.sizes, data).all(|band| band.is_first && band.is_last);
        let kept = if is_done { 1 } else { blocks * layout.config.groups };
        let sums = buffer.take(each.checked_mul(kept)?)?;
        for Band { group, rows, data, is_first, is_last } in bands(layout, self.sizes, data) {
            self.copy(rows, data, [image, gradient]);
            let geometry = self.geometry(rows);
            for (number, gradient) in gradient.chunks_exact(self.sizes.block).take(blocks).enumerate() {
                let output = &mut sums[(group * blocks + number) % kept * each..][..each];
                if is_first {
                    output.fill(K::Elem::ZERO);
                }
                dispatch::<K>(layout.isa, SumsJob { geometry, image, gradient, output, zeros: &[] });
                if is_last {
                    self.unpack([group, number], output, to);
                }
            }
        }
        Some(())
    }

    fn copy<E: Element>(&self, rows: Rows, [x, grad]: [&[E]; 2], [image, gradient]: [&mut [E]; 2]) {
        let (layout, sizes) = (self.layout, self.sizes);
        copies::image(layout, layout.read(rows), self.depth, x, image.chunks_exact_mut(sizes.plane));
        copies::gradient(layout, rows, self.width, grad, gradient.chunks_exact_mut(sizes.block));
    }

    fn geometry(&self, rows: Rows) -> Geometry {
        let ([image_h, image_w], [_, out_w]) = (self.layout.image, self.layout.out);
        let (out_h, first, pitch, plane) = (rows.count, rows.first, self.layout.pitch, self.sizes.plane);
        Geometry { out_h, out_w, pitch, plane, first, image_h, image_w, ..Geometry::default() }
    }

    /// The sums of one block to the weight's order.
    fn unpack<E: Element>(&self, [group, number]: [usize; 2], values: &[E], to: &mut [E]) {
        let (config, width, first) = (self.layout.config, self.width, number * self.width);
        let (outs, terms) = (config.out_per_group(), to.len() / config.out_channels);
        let tile = Tile { values, pixels: terms, width, channels: width.min(outs - first) };
        E::scatter(self.layout.isa.level(), tile, &mut to[(group * outs + first) * terms..], terms);
    }
}

/// Calls the kernel of the right width.
pub(super) fn dispatch<K: Differentiable>(isa: Isa, job: SumsJob<'_, K::Elem>) {
    by_width!(isa.level(), simd => K::sums_128(simd, job), K::sums_256(simd, job), K::sums_512(simd, job));
}
