//! Between the public traits and the generated kernels: what a generated layer tells the runtime, and the
//! loop over images, groups and blocks that all layers share.
//!
//! ```text
//! for each image, for each group of channels:
//!     for each band of output rows:
//!         prepare the planes that the band reads (pad.rs), unless the kernel reads the image itself
//!         for each block of output channels: one call of the generated kernel
//! ```
//!
//! A band is as high as its planes fit the cache, so that what `pad` has written is read back from there.

use fearless_simd::{Level, Simd};

use crate::by_width::by_width;
use crate::element::sealed::Sealed as _;
use crate::pack::{blocks, packed_channels};
use crate::scratch::{Aligned, Scratch};
use crate::{Conv2dConfig, Element, Isa, pad};

/// How the kernels of one vector width want their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Output channels that one call computes.
    pub block: usize,
    /// The width of the last block's weights, if it is narrower; else 0.
    pub tail: usize,
    /// Height and width are one axis: the image is a single row.
    pub flatten: bool,
    /// The kernel reads padded planes, a copy.
    pub copy: bool,
    /// Each row of the copy holds the columns `0, phases, 2 * phases, ..` first, then `1, 1 + phases, ..`
    pub phases: usize,
    /// Below this output width the kernel would read past the image's end, and needs a copy too.
    pub min_width: usize,
    /// Elements after the last plane that the kernel may read (and not use).
    pub slack: usize,
    /// How the output rows are cut into bands, when there is a copy.
    pub bands: Bands,
}

/// How output rows are cut into bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bands {
    /// Bytes that the planes of a band should not exceed.
    pub bytes: usize,
    /// A band has at least so many rows, for it reads some of the rows of its neighbours again.
    pub least: usize,
    /// Bands are a multiple of so many rows, the rows of a tile.
    pub step: usize,
}

impl Bands {
    /// Rows of a band, of `out_h` in all, when one takes `row_bytes` of the planes. All bands are about
    /// equally high.
    fn rows(&self, out_h: usize, row_bytes: usize) -> usize {
        let most = (self.bytes / row_bytes.max(1)).max(self.least);
        let bands = out_h.div_ceil(most);
        out_h.div_ceil(bands).next_multiple_of(self.step).min(out_h)
    }
}

impl Scheme {
    /// A kernel that reads the image as it is.
    pub const IMAGE: Self = Self {
        block: 1,
        tail: 0,
        flatten: false,
        copy: false,
        phases: 1,
        min_width: 0,
        slack: 0,
        bands: Bands { bytes: 0, least: 1, step: 1 },
    };

    fn copies(&self, out_w: usize) -> bool {
        self.copy || out_w < self.min_width
    }
}

/// The sizes that a kernel computes with, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Output rows of the band.
    pub out_h: usize,
    /// Output columns.
    pub out_w: usize,
    /// From one output channel to the next.
    pub out_plane: usize,
    /// From one input row to the next.
    pub pitch: usize,
    /// From one input channel to the next.
    pub plane: usize,
}

/// Image and output sizes of one call of `forward`, as the kernel sees them.
#[derive(Clone, Copy, Debug)]
struct Extent {
    image: [usize; 2],
    out: [usize; 2],
    copies: bool,
    /// Output rows of a band.
    band: usize,
    pitch: usize,
    plane: usize,
}

impl Extent {
    /// `None` if a size overflows.
    fn new<E>(scheme: &Scheme, config: &Conv2dConfig, image: [usize; 2], out: [usize; 2]) -> Option<Self> {
        let (image, out) = if scheme.flatten { (flat(image)?, flat(out)?) } else { (image, out) };
        if !scheme.copies(out[1]) {
            let plane = image[0].checked_mul(image[1])?;
            return Some(Self { image, out, copies: false, band: out[0], pitch: image[1], plane });
        }
        let pitch = pad::pitch(config, scheme.phases, image[1])?;
        let step = config.stride[0].checked_mul(config.in_per_group())?.checked_mul(pitch)?;
        let band = scheme.bands.rows(out[0], step.checked_mul(size_of::<E>())?);
        let rows = (band - 1).checked_mul(config.stride[0])?.checked_add(config.effective_kernel()[0])?;
        Some(Self { image, out, copies: true, band, pitch, plane: rows.checked_mul(pitch)? })
    }

    /// Elements of scratch for one band of one group.
    fn scratch(&self, scheme: &Scheme, channels: usize) -> Option<usize> {
        if !self.copies {
            return Some(0);
        }
        self.plane.checked_mul(channels)?.checked_add(scheme.slack)
    }

    /// The geometry of a band of `rows`.
    fn geometry(&self, rows: usize) -> Geometry {
        let [out_h, out_w] = self.out;
        Geometry { out_h: rows, out_w, out_plane: out_h * out_w, pitch: self.pitch, plane: self.plane }
    }
}

fn flat([h, w]: [usize; 2]) -> Option<[usize; 2]> {
    Some([1, h.checked_mul(w)?])
}

/// What one call of a generated kernel works on: a block of output channels of one image.
pub struct Job<'a, E> {
    /// Whether it is the narrower block at the group's end.
    pub tail: bool,
    /// The sizes, where they are not constants of the kernel.
    pub geometry: Geometry,
    /// The group's input planes.
    pub image: &'a [E],
    /// The block's weights, packed.
    pub weights: &'a [E],
    /// The block's biases, filled up to its width.
    pub bias: &'a [E],
    /// The block's output planes, from the band's first row on.
    pub output: &'a mut [E],
}

/// A generated layer.
///
/// `conv2d!` implements it; users see what is built on it, [`Layer`](crate::Layer) and
/// [`Conv2d`](crate::Conv2d).
pub trait Kernel {
    /// The type of its numbers.
    type Elem: Element;
    /// The layer.
    const CONFIG: Conv2dConfig;
    /// What the generator chose, for a person to read.
    const PLAN: &'static str;
    /// The sizes of the image and the output, if it is made for one size.
    const SIZES: Option<[[usize; 2]; 2]>;
    /// For vectors of 128, 256 and 512 bits.
    const SCHEMES: [Scheme; 3];

    /// Its weights, packed.
    fn parameters(&self) -> &Parameters<Self::Elem>;
    /// One block, in vectors of 128 bits.
    fn block_128<S: Simd>(simd: S, job: Job<'_, Self::Elem>);
    /// One block, in vectors of 256 bits.
    fn block_256<S: Simd>(simd: S, job: Job<'_, Self::Elem>);
    /// One block, in vectors of 512 bits.
    fn block_512<S: Simd>(simd: S, job: Job<'_, Self::Elem>);
}

/// A generated layer whose weights are set while the program runs.
pub trait Trainable: Kernel + Sized {
    /// The layer around its packed weights.
    fn from_parameters(parameters: Parameters<Self::Elem>) -> Self;
    /// Its packed weights.
    fn into_parameters(self) -> Parameters<Self::Elem>;
}

/// The weights of a layer, packed for one instruction set.
#[derive(Clone, Debug)]
pub struct Parameters<E: Element> {
    pub(crate) isa: Isa,
    pub(crate) weights: Aligned<E>,
    pub(crate) bias: Aligned<E>,
}

/// Equal weights: the same numbers, packed for the same instruction set.
impl<E: Element> PartialEq for Parameters<E> {
    fn eq(&self, other: &Self) -> bool {
        self.isa == other.isa
            && self.weights.as_slice() == other.weights.as_slice()
            && self.bias.as_slice() == other.bias.as_slice()
    }
}

/// The layer's scheme for this instruction set.
pub(crate) fn scheme<K: Kernel>(isa: Isa) -> &'static Scheme {
    let [narrow, medium, wide] = const { &K::SCHEMES };
    match isa.bits() {
        512 => wide,
        256 => medium,
        _ => narrow,
    }
}

/// Runs the layer over a batch. Shapes have been checked; `None` if the scratch cannot be counted.
pub(crate) fn run<K: Kernel>(
    layer: &K,
    [input, output]: [[usize; 2]; 2],
    x: &[K::Elem],
    y: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let config = const { &K::CONFIG };
    let parameters = layer.parameters();
    let scheme = scheme::<K>(parameters.isa);
    if y.is_empty() {
        return Some(());
    }
    let extent = Extent::new::<K::Elem>(scheme, config, input, output)?;
    let planes = K::Elem::buffer(scratch).take(extent.scratch(scheme, config.in_per_group())?);
    let pass = Pass::<K> { parameters, scheme, extent };
    let from = input[0] * input[1] * config.in_per_group();
    let to = output[0] * output[1] * config.out_per_group();
    // Batch and groups are one loop: the channels of one image follow those of the one before.
    for (at, (image, out)) in x.chunks_exact(from).zip(y.chunks_exact_mut(to)).enumerate() {
        pass.group(at % config.groups, image, out, planes);
    }
    Some(())
}

/// Runs a layer that is made for one image size on one image of that size.
pub fn run_fixed<K: Kernel>(layer: &K, x: &[K::Elem], y: &mut [K::Elem], scratch: &mut Scratch) {
    let done = K::SIZES.and_then(|sizes| run(layer, sizes, x, y, scratch));
    debug_assert!(done.is_some(), "the macro has counted the elements of every size it fixes");
}

/// One call of `forward`.
struct Pass<'a, K: Kernel> {
    parameters: &'a Parameters<K::Elem>,
    scheme: &'a Scheme,
    extent: Extent,
}

impl<K: Kernel> Pass<'_, K> {
    /// One group of one image, band by band.
    fn group(&self, group: usize, image: &[K::Elem], output: &mut [K::Elem], planes: &mut [K::Elem]) {
        let (config, extent) = (const { &K::CONFIG }, &self.extent);
        let [out_h, out_w] = extent.out;
        for first in (0..out_h).step_by(extent.band) {
            let rows = extent.band.min(out_h - first);
            let (geometry, output) = (extent.geometry(rows), &mut output[first * out_w..]);
            if !extent.copies {
                self.band(group, geometry, image, output);
                continue;
            }
            let job = pad::Job {
                config,
                phases: self.scheme.phases,
                image: extent.image,
                first: first * config.stride[0],
                rows: (rows - 1) * config.stride[0] + config.effective_kernel()[0],
                pitch: extent.pitch,
                plane: extent.plane,
            };
            K::Elem::pad(self.parameters.isa.level(), job, image, planes);
            self.band(group, geometry, planes, output);
        }
    }

    /// One band, block by block.
    fn band(&self, group: usize, geometry: Geometry, image: &[K::Elem], output: &mut [K::Elem]) {
        let config = const { &K::CONFIG };
        let terms = config.in_per_group() * config.kernel_size[0] * config.kernel_size[1];
        let width = packed_channels(self.scheme, config.out_per_group());
        let weights = &self.parameters.weights.as_slice()[group * width * terms..][..width * terms];
        let bias = &self.parameters.bias.as_slice()[group * width..][..width];
        for block in blocks(self.scheme, config.out_per_group()) {
            let job = Job {
                tail: block.tail,
                geometry,
                image,
                weights: &weights[block.first * terms..][..block.width * terms],
                bias: &bias[block.first..][..block.width],
                output: &mut output[block.first * geometry.out_plane..],
            };
            dispatch::<K>(self.parameters.isa.level(), job);
        }
    }
}

/// Calls the kernel of the right width inside a function that has the instruction set's features.
fn dispatch<K: Kernel>(level: Level, job: Job<'_, K::Elem>) {
    by_width!(level, simd => K::block_128(simd, job), K::block_256(simd, job), K::block_512(simd, job));
}
