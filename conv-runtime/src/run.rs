//! The loops that all layers share.
//!
//! ```text
//! for each image, for each group of channels, or for all of these, if the kernel loops over them:
//!     for each band of output rows:
//!         copy the rows that the band reads (pad.rs, interleave.rs), or gather its pixels (gather.rs), unless the kernel
//!         reads the image
//!         transform the copy, if the kernel filters minimally
//!         for each block of output channels: one call of the generated kernel
//! ```
//!
//! A band is as high as its copy fits the cache, so that what was written is read back from there.

use core::ops::Range;

use fearless_simd::{Level, Simd};

use crate::by_width::by_width;
use crate::element::sealed::Sealed as _;
use crate::extent::{Extent, Rows, rows_read};
use crate::filtering::Filtering;
use crate::kernel::{Geometry, Job, Kernel, ParametersRef, Prepare, Reads, Scheme};
use crate::pack::{Block, blocks, packed_channels, place, terms};
use crate::tile::LANES;
use crate::{Conv2dConfig, Element, Isa, PaddingMode, gather, interleave, pad};

/// The layer's scheme for this instruction set.
pub(crate) fn scheme<K: Kernel>(isa: Isa) -> &'static Scheme {
    isa.choose(const { &K::SCHEMES }.each_ref())
}

/// Runs the layer over a batch. Shapes have been checked; `memory` gives as many elements as it is asked
/// for. `None` if they cannot be counted.
pub(crate) fn run<'m, K: Kernel>(
    layer: &K,
    sizes: [[usize; 2]; 2],
    x: &[K::Elem],
    y: &mut [K::Elem],
    memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
) -> Option<()> {
    if y.is_empty() {
        return Some(());
    }
    Pass::new(layer, None, 0, sizes)?.run(x, y, memory)
}

/// As [`run`], over groups of channels of which the first is this one, with weights that are made block by block, if they
/// are; and on as many threads as there are, if that is worth while.
#[cfg(feature = "alloc")]
pub(crate) fn run_on_threads<'m, K: Kernel>(
    layer: &K,
    make: Option<&dyn MakeBlock<K::Elem>>,
    group: usize,
    sizes: [[usize; 2]; 2],
    x: &[K::Elem],
    y: &mut [K::Elem],
    memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
) -> Option<()> {
    if y.is_empty() {
        return Some(());
    }
    let pass = Pass::new(layer, make, group, sizes)?;
    #[cfg(feature = "rayon")]
    if let Some(split) = crate::threads::Split::of(&pass, y.len() / pass.to) {
        return split.run(&pass, x, y, memory);
    }
    pass.run(x, y, memory)
}

/// Makes the packed weights of one block of output channels, when that block is computed.
pub(crate) trait MakeBlock<E>: Sync {
    fn make(&self, group: usize, block: Block, to: &mut [E]);
}

/// One call of `forward`.
pub(crate) struct Pass<'a, K: Kernel> {
    parameters: ParametersRef<'a, K::Elem>,
    /// Makes the weights, if they are not among the parameters.
    make: Option<&'a dyn MakeBlock<K::Elem>>,
    /// The first group.
    group: usize,
    pub(crate) scheme: &'a Scheme,
    pub(crate) extent: Extent,
    /// Elements of a group's channels, of the image and of the output.
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// What is computed of a group's output: some channels, some rows. Whole blocks, whole bands.
pub(crate) struct Part {
    pub(crate) channels: Range<usize>,
    pub(crate) rows: Range<usize>,
}

/// The scratch, shared out.
pub(crate) struct Memory<'a, E> {
    /// The weights of one block.
    weights: &'a mut [E],
    gathered: &'a mut [E],
    copy: &'a mut [E],
    /// The copy of so many groups has been made before: what stands left and right of their rows may stay.
    margins: usize,
    prepared: &'a mut [E],
    work: &'a mut [E],
}

/// A band of output rows, of one group, or of several from this one on.
#[derive(Clone, Copy)]
struct Band {
    group: usize,
    first: usize,
    geometry: Geometry,
}

/// One call of a generated function.
enum Step<'a, E> {
    Prepare(Prepare<'a, E>),
    Block(Job<'a, E>),
}

impl<'a, K: Kernel> Pass<'a, K> {
    /// `None` if a size cannot be counted.
    #[inline(always)]
    pub(crate) fn new(
        layer: &'a K,
        make: Option<&'a dyn MakeBlock<K::Elem>>,
        group: usize,
        [input, output]: [[usize; 2]; 2],
    ) -> Option<Self> {
        let config = const { &K::CONFIG };
        let parameters = layer.parameters();
        let scheme = scheme::<K>(parameters.isa);
        let mut extent = Extent::new::<K::Elem>(scheme, config, input, output)?;
        if make.is_some() {
            extent.shares.weights = longest_block(config, scheme)?;
        }
        let from = input[0] * input[1] * config.in_per_group();
        let to = output[0] * output[1] * config.out_per_group();
        Some(Self { parameters, make, group, scheme, extent, from, to })
    }

    /// All of it on one thread.
    fn run<'m>(
        &self,
        x: &[K::Elem],
        y: &mut [K::Elem],
        memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
    ) -> Option<()>
    where
        K::Elem: 'm,
    {
        self.images(0, x, y, memory(self.extent.shares.total()?)?);
        Some(())
    }

    /// All of a group's output.
    pub(crate) fn whole(&self) -> Part {
        Part { channels: 0..const { &K::CONFIG }.out_per_group(), rows: 0..self.extent.out[0] }
    }

    /// Some groups of some images, one after the other; `first` of them came before. Batch and groups are one loop:
    /// the channels of one image follow those of the one before.
    pub(crate) fn images(&self, first: usize, x: &[K::Elem], y: &mut [K::Elem], memory: &mut [K::Elem]) {
        let (whole, mut memory) = (self.whole(), self.share(memory));
        let count = y.len() / self.to;
        let mut at = 0;
        while at < count {
            let groups = self.groups(first + at, count - at);
            let (image, out) = (&x[at * self.from..], &mut y[at * self.to..]);
            let (image, out) = (&image[..groups.len() * self.from], &mut out[..groups.len() * self.to]);
            at += groups.len();
            self.part(groups, &whole, image, out, &mut memory);
        }
    }

    /// The groups that one call computes after so many, of `most`; images count as groups where there is one group.
    fn groups(&self, at: usize, most: usize) -> Range<usize> {
        let group = self.group(at);
        let left = match const { &K::CONFIG }.groups {
            1 => most,
            groups => most.min(groups - group),
        };
        group..group + left.min(self.extent.together)
    }

    /// The group of channels that comes after so many.
    pub(crate) fn group(&self, at: usize) -> usize {
        (self.group + at) % const { &K::CONFIG }.groups
    }

    /// Shares out the scratch.
    pub(crate) fn share<'m>(&self, memory: &'m mut [K::Elem]) -> Memory<'m, K::Elem> {
        let (weights, rest) = memory.split_at_mut(self.extent.shares.weights);
        let (gathered, rest) = rest.split_at_mut(self.extent.shares.gathered);
        let (copy, rest) = rest.split_at_mut(self.extent.shares.copy);
        let (prepared, work) = rest.split_at_mut(self.extent.shares.prepared);
        if self.scheme.reads == Reads::Pads {
            work.fill(K::Elem::ZERO);
        }
        Memory { weights, gathered, copy, margins: 0, prepared, work }
    }

    /// A part of one group of one image, or of several, if the kernel loops over them, band by band. The output holds
    /// that part alone.
    pub(crate) fn part(
        &self,
        groups: Range<usize>,
        part: &Part,
        image: &[K::Elem],
        output: &mut [K::Elem],
        memory: &mut Memory<'_, K::Elem>,
    ) {
        let out_w = self.extent.out[1];
        for rows in self.extent.bands().filter(|rows| part.rows.contains(&rows.first)) {
            let (out_plane, sizes) = (part.rows.len() * out_w, self.extent.geometry(rows));
            let geometry = Geometry { out_plane, groups: groups.len(), ..sizes };
            let band = Band { group: groups.start, first: rows.first, geometry };
            let output = &mut output[(rows.first - part.rows.start) * out_w..];
            let source = if let Some(filtering) = &self.scheme.filtering {
                self.prepare(band, filtering, image, memory);
                &*memory.prepared
            } else if self.extent.is_line {
                self.line(rows, image, [&mut *memory.gathered, &mut *memory.copy])
            } else if self.extent.copies && self.scheme.reads == Reads::ChannelsLast {
                let first = band.first * const { &K::CONFIG }.stride[0];
                self.interleave(first, rows_of_copy::<K>(band), image, memory.copy)
            } else if self.extent.copies && self.scheme.reads == Reads::BareChannelsLast {
                self.interleave(0, self.extent.image[0], image, memory.copy)
            } else if self.extent.copies {
                self.copy(band, image, memory);
                &*memory.copy
            } else {
                // It is one band, or the kernel knows which rows it computes.
                image
            };
            let memory = [&mut *memory.weights, &mut *memory.work];
            self.blocks(band, &part.channels, source, output, memory);
        }
    }

    /// The copy that a band reads.
    fn copy(&self, band: Band, image: &[K::Elem], memory: &mut Memory<'_, K::Elem>) {
        let (config, extent) = (const { &K::CONFIG }, &self.extent);
        let job = pad::Job {
            config,
            phases: self.scheme.phases,
            image: extent.image,
            first: band.first * config.stride[0],
            rows: rows_of_copy::<K>(band),
            pitch: extent.pitch,
            plane: band.geometry.plane,
            margins: band.geometry.groups <= memory.margins,
        };
        // Every copy of a call has the same margins, but the first may be of fewer groups than the next.
        memory.margins = memory.margins.max(band.geometry.groups);
        K::Elem::pad(self.parameters.isa.level(), job, image, memory.copy);
    }

    /// The transformed tiles that a band reads.
    fn prepare(
        &self,
        band: Band,
        filtering: &Filtering,
        image: &[K::Elem],
        memory: &mut Memory<'_, K::Elem>,
    ) {
        // The whole band's rows could be counted; the last band has no more.
        let rows = filtering.reads(0, band.geometry.out_h, const { &K::CONFIG }).unwrap_or(0);
        let first = band.first * const { &K::CONFIG }.stride[0];
        let copy = self.interleave(first, rows, image, memory.copy);
        let job = Prepare { geometry: band.geometry, image: copy, output: memory.prepared };
        dispatch::<K>(self.parameters.isa.level(), Step::Prepare(job));
    }

    /// Rows of the padded image from `first` on, channels last; or of the image.
    fn interleave<'c>(
        &self,
        first: usize,
        rows: usize,
        image: &[K::Elem],
        copy: &'c mut [K::Elem],
    ) -> &'c [K::Elem] {
        let (extent, depth) = (&self.extent, self.scheme.depth);
        let ([h, w], copy) = (extent.image, &mut copy[..rows * extent.pitch]);
        let is_bare = self.scheme.reads == Reads::BareChannelsLast;
        let job = interleave::Job {
            channels: const { K::CONFIG.in_per_group() },
            padding: if is_bare { [[0; 2]; 2] } else { const { K::CONFIG.padding } },
            mode: const { K::CONFIG.padding_mode },
            image: [h, w],
            plane: h * w,
            first,
            columns: extent.pitch / depth,
            depth,
        };
        K::Elem::interleave(self.parameters.isa.level(), job, image, copy);
        copy
    }

    /// Some pixels of a line: the image itself, or gathered channel by channel, or with channels last.
    fn line<'c>(
        &self,
        pixels: Rows,
        image: &'c [K::Elem],
        [gathered, copy]: [&'c mut [K::Elem]; 2],
    ) -> &'c [K::Elem] {
        let (config, extent, level) = (const { &K::CONFIG }, &self.extent, self.parameters.isa.level());
        let Rows { first, count } = pixels;
        let plane = extent.plane;
        let planes = if extent.shares.gathered > 0 {
            let job = gather::Job { config, image: extent.image, pixels, plane };
            K::Elem::gather(level, job, image, gathered);
            gathered
        } else {
            &image[first..]
        };
        if self.scheme.reads != Reads::ChannelsLast {
            return planes;
        }
        let depth = self.scheme.depth;
        let job = interleave::Job {
            // Each tap's pixels are channels of their own.
            channels: terms(config, self.scheme),
            padding: [[0; 2]; 2],
            mode: PaddingMode::Zeros,
            image: [1, count],
            plane,
            first: 0,
            columns: count,
            depth,
        };
        let copy = &mut copy[..count * depth];
        K::Elem::interleave(level, job, planes, copy);
        copy
    }

    /// Some output channels of one band, block by block.
    fn blocks(
        &self,
        band: Band,
        channels: &Range<usize>,
        image: &[K::Elem],
        output: &mut [K::Elem],
        [made, work]: [&mut [K::Elem]; 2],
    ) {
        let config = const { &K::CONFIG };
        let terms = terms(config, self.scheme);
        let width = packed_channels(self.scheme, config.out_per_group());
        // Images share their weights.
        let groups = band.geometry.groups.min(config.groups);
        let bias = &self.parameters.bias[band.group * width..][..groups * width];
        let blocks = blocks(self.scheme, config.out_per_group());
        for block in blocks.filter(|block| channels.contains(&block.first)) {
            let Range { start, end } = place(block, self.scheme, terms);
            let weights = if let Some(make) = self.make {
                let weights = &mut made[..end - start];
                make.make(band.group, block, weights);
                &*weights
            } else {
                &self.parameters.weights[band.group * width * terms + start..][..groups * (end - start)]
            };
            let last = block.first + block.channels - 1;
            let [first_row, first_column] = K::RESIDUES.first_tap(block.first, last, config.out_per_group());
            let job = Job {
                tail: block.tail,
                geometry: Geometry { first_row, first_column, ..band.geometry },
                image,
                weights,
                bias: &bias[block.first..][..groups * block.width],
                output: &mut output[(block.first - channels.start) * band.geometry.out_plane..],
                work: &mut *work,
            };
            dispatch::<K>(self.parameters.isa.level(), Step::Block(job));
        }
    }
}

/// Elements of the longest block's weights, whole lines of the cache.
fn longest_block(config: &Conv2dConfig, scheme: &Scheme) -> Option<usize> {
    let width = scheme.block.min(packed_channels(scheme, config.out_per_group()));
    width.checked_mul(terms(config, scheme))?.checked_next_multiple_of(LANES)
}

/// Rows of the copy that a band reads. The highest band's could be counted.
fn rows_of_copy<K: Kernel>(band: Band) -> usize {
    rows_read(const { &K::CONFIG }, band.geometry.out_h).unwrap_or(0)
}

/// Calls the kernel of the right width inside a function that has the instruction set's features.
fn dispatch<K: Kernel>(level: Level, step: Step<'_, K::Elem>) {
    match step {
        Step::Prepare(job) => {
            by_width!(level, simd => K::prepare_128(simd, job), K::prepare_256(simd, job), K::prepare_512(simd, job));
        }
        Step::Block(job) => {
            by_width!(level, simd => K::block_128(simd, job), K::block_256(simd, job), K::block_512(simd, job));
        }
    }
}
