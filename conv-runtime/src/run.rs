//! The loops that all layers share.
//!
//! ```text
//! for each image, for each group of channels:
//!     for each band of output rows:
//!         copy the rows that the band reads (pad.rs, interleave.rs), unless the kernel reads the image: then
//!             at most those that the first and the last output rows read, if they read padding
//!         transform the copy, if the kernel filters minimally
//!         for each block of output channels: one call of the generated kernel
//! ```
//!
//! A band is as high as its copy fits the cache, so that what was written is read back from there.

use fearless_simd::{Level, Simd};

use crate::by_width::by_width;
use crate::element::sealed::Sealed as _;
use crate::extent::Extent;
use crate::filtering::Filtering;
use crate::kernel::{Geometry, Job, Kernel, ParametersRef, Prepare, Scheme};
use crate::pack::{blocks, packed_channels, terms};
use crate::{Conv2dConfig, Isa, interleave, pad};

/// The layer's scheme for this instruction set.
pub(crate) fn scheme<K: Kernel>(isa: Isa) -> &'static Scheme {
    isa.choose(const { &K::SCHEMES }.each_ref())
}

/// Runs the layer over a batch. Shapes have been checked; `memory` gives as many elements as it is asked
/// for. `None` if they cannot be counted.
pub(crate) fn run<'m, K: Kernel>(
    layer: &K,
    [input, output]: [[usize; 2]; 2],
    x: &[K::Elem],
    y: &mut [K::Elem],
    memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
) -> Option<()> {
    let config = const { &K::CONFIG };
    let parameters = layer.parameters();
    let scheme = scheme::<K>(parameters.isa);
    if y.is_empty() {
        return Some(());
    }
    let extent = Extent::new::<K::Elem>(scheme, config, input, output)?;
    let (copy, rest) = memory(extent.shares.total()?)?.split_at_mut(extent.shares.copy);
    let (prepared, work) = rest.split_at_mut(extent.shares.prepared);
    let mut memory = Memory { copy, margins: false, prepared, work };
    let pass = Pass::<K> { parameters, scheme, extent };
    let from = input[0] * input[1] * config.in_per_group();
    let to = output[0] * output[1] * config.out_per_group();
    // Batch and groups are one loop: the channels of one image follow those of the one before.
    for (at, (image, out)) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)).enumerate() {
        pass.group(at % config.groups, image, out, &mut memory);
    }
    Some(())
}

/// One call of `forward`.
struct Pass<'a, K: Kernel> {
    parameters: ParametersRef<'a, K::Elem>,
    scheme: &'a Scheme,
    extent: Extent,
}

/// The scratch, shared out.
struct Memory<'a, E> {
    copy: &'a mut [E],
    /// The copy has been made before: what stands left and right of its rows may stay.
    margins: bool,
    prepared: &'a mut [E],
    work: &'a mut [E],
}

/// A band of output rows of one group.
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

impl<K: Kernel> Pass<'_, K> {
    /// One group of one image, band by band.
    fn group(
        &self,
        group: usize,
        image: &[K::Elem],
        output: &mut [K::Elem],
        memory: &mut Memory<'_, K::Elem>,
    ) {
        let [_, out_w] = self.extent.out;
        for rows in self.extent.bands() {
            let band = Band { group, first: rows.first, geometry: self.extent.geometry(rows) };
            let output = &mut output[rows.first * out_w..];
            let source = if let Some(filtering) = &self.scheme.filtering {
                self.prepare(band, filtering, image, memory);
                &*memory.prepared
            } else if rows.is_edge {
                self.copy(band, [const { K::CONFIG.padding[0] }, [0; 2]], image, memory);
                &*memory.copy
            } else if self.extent.copies {
                self.copy(band, const { K::CONFIG.padding }, image, memory);
                &*memory.copy
            } else {
                // Rows above the image, if it is the kernel that pads, are no part of it.
                let config = const { &K::CONFIG };
                let row = (rows.first * config.stride[0]).saturating_sub(config.padding[0][0]);
                &image[row * self.extent.pitch..]
            };
            self.blocks(band, source, output, memory.work);
        }
    }

    /// The copy that a band reads, with so much padding.
    fn copy(
        &self,
        band: Band,
        padding: [[usize; 2]; 2],
        image: &[K::Elem],
        memory: &mut Memory<'_, K::Elem>,
    ) {
        let (config, extent) = (&Conv2dConfig { padding, ..K::CONFIG }, &self.extent);
        let job = pad::Job {
            config,
            phases: self.scheme.phases,
            image: extent.image,
            first: band.first * config.stride[0],
            rows: (band.geometry.out_h - 1) * config.stride[0] + config.effective_kernel()[0],
            pitch: extent.pitch,
            plane: band.geometry.plane,
            margins: memory.margins,
        };
        // Every copy of a call has the same margins.
        memory.margins = true;
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
        let (config, extent, level) = (const { &K::CONFIG }, &self.extent, self.parameters.isa.level());
        // The whole band's rows could be counted; the last band has no more.
        let rows = filtering.reads(0, band.geometry.out_h, config).unwrap_or(0);
        let job = interleave::Job {
            config,
            image: extent.image,
            first: band.first,
            columns: extent.pitch / self.scheme.depth,
            depth: self.scheme.depth,
        };
        let copy = &mut memory.copy[..rows * extent.pitch];
        K::Elem::interleave(level, job, image, copy);
        let job = Prepare { geometry: band.geometry, image: copy, output: memory.prepared };
        dispatch::<K>(level, Step::Prepare(job));
    }

    /// All output channels of one band, block by block.
    fn blocks(&self, band: Band, image: &[K::Elem], output: &mut [K::Elem], work: &mut [K::Elem]) {
        let config = const { &K::CONFIG };
        let terms = terms(config, self.scheme);
        let width = packed_channels(self.scheme, config.out_per_group());
        let weights = &self.parameters.weights[band.group * width * terms..][..width * terms];
        let bias = &self.parameters.bias[band.group * width..][..width];
        for block in blocks(self.scheme, config.out_per_group()) {
            let job = Job {
                tail: block.tail,
                geometry: band.geometry,
                image,
                weights: &weights[block.first * terms..][..block.width * terms],
                bias: &bias[block.first..][..block.width],
                output: &mut output[block.first * band.geometry.out_plane..],
                work: &mut *work,
            };
            dispatch::<K>(self.parameters.isa.level(), Step::Block(job));
        }
    }
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
