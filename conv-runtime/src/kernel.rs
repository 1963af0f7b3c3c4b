//! Between the public traits and the generated kernels: what a generated layer tells the runtime, and what
//! the runtime hands its kernels. The loops are in `run.rs`.

use fearless_simd::Simd;

use crate::filtering::Filtering;
#[cfg(feature = "alloc")]
use crate::memory::Resident;
use crate::residues::Residues;
use crate::{Conv2dConfig, Element, Isa};

/// How the kernels of one vector width want their data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scheme {
    /// Output channels that one call computes.
    pub block: usize,
    /// The width of the last block's weights, if it is narrower; else 0.
    pub tail: usize,
    /// Output channels that lie side by side in the packed weights; 0 if these are the block's.
    pub panel: usize,
    /// Height and width are one axis: the image is a single row.
    pub flatten: bool,
    /// What the kernel reads.
    pub reads: Reads,
    /// One call computes several groups, one after the other, or, of a layer with one group, several images. A group is
    /// one block.
    pub together: bool,
    /// Each row of the copy holds the columns `0, phases, 2 * phases, ..` first, then `1, 1 + phases, ..`
    pub phases: usize,
    /// Below this output width the kernel would read past the image's end, and needs a copy too.
    pub min_width: usize,
    /// Elements after the last plane, or after the row of zeros, that the kernel may read (and not use).
    pub slack: usize,
    /// How the output is cut into bands, when there is a copy, the kernel pads, or height and width are one axis.
    pub bands: Bands,
    /// Of a band that is columns of one row: these are gathered if a power of two greater than this divides the bytes
    /// from one channel to the next; or always.
    pub even: Option<usize>,
    /// Channels in that copy: whole vectors.
    pub depth: usize,
    /// The tiles of minimal filtering: then the kernel reads what `prepare` made of a copy with channels
    /// last.
    pub filtering: Option<Filtering>,
}

/// What a kernel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// The image as it is: there is no padding.
    Image,
    /// The image as it is, which the kernel pads in registers. Rows of padding are read from working memory, which is
    /// a row of zeros.
    Pads,
    /// Padded planes, a copy.
    Copy,
    /// The padded image with channels last, a copy.
    ChannelsLast,
    /// The image with channels last, a copy, of which no tap reads padding.
    BareChannelsLast,
}

/// How output rows are cut into bands; or columns, where height and width are one axis.
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
    pub(crate) fn rows(&self, out_h: usize, row_bytes: usize) -> usize {
        let most = (self.bytes / row_bytes.max(1)).max(self.least);
        let bands = out_h.div_ceil(most);
        out_h.div_ceil(bands).next_multiple_of(self.step).min(out_h)
    }

    /// Columns of a band, of `out_w` in all, when one takes `column_bytes`. The last has enough for a tile.
    pub(crate) fn columns(&self, out_w: usize, column_bytes: usize) -> usize {
        let suits = |band: &usize| !(1..self.step).contains(&(out_w % band));
        (self.rows(out_w, column_bytes)..out_w).step_by(self.step).find(suits).unwrap_or(out_w)
    }
}

impl Scheme {
    /// A kernel that reads the image as it is.
    pub const IMAGE: Self = Self {
        block: 1,
        tail: 0,
        panel: 0,
        flatten: false,
        reads: Reads::Image,
        together: false,
        phases: 1,
        min_width: 0,
        slack: 0,
        bands: Bands { bytes: 0, least: 1, step: 1 },
        even: Some(0),
        depth: 0,
        filtering: None,
    };

    pub(crate) fn copies(&self, out_w: usize) -> bool {
        matches!(self.reads, Reads::Copy | Reads::ChannelsLast | Reads::BareChannelsLast)
            || out_w < self.min_width
    }
}

/// The sizes that a kernel computes with, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// The first output row of the band.
    pub first: usize,
    /// Rows of the image.
    pub image_h: usize,
    /// Columns of the image.
    pub image_w: usize,
    /// The first row of taps that a channel of the block has.
    pub first_row: usize,
    /// The first column of taps.
    pub first_column: usize,
    /// Groups of channels, or images of one group, if the kernel computes several in a call.
    pub groups: usize,
    /// Output channels, if the kernel sums for so many in a call as it is told.
    pub outs: usize,
}

/// What one call of a generated kernel works on: a block of output channels of one image.
pub struct Job<'a, E> {
    /// Whether it is the narrower block at the group's end.
    pub tail: bool,
    /// The sizes, where they are not constants of the kernel.
    pub geometry: Geometry,
    /// The group's input planes, and those of the groups, or images, that come after it.
    pub image: &'a [E],
    /// The block's weights, packed; and those of as many groups.
    pub weights: &'a [E],
    /// The block's biases, filled up to its width; and those of as many groups.
    pub bias: &'a [E],
    /// The block's output planes, from the band's first row on.
    pub output: &'a mut [E],
    /// Working memory.
    pub work: &'a mut [E],
}

/// What a kernel works on that runs once a band, before the blocks.
pub struct Prepare<'a, E> {
    /// The sizes, where they are not constants of the kernel.
    pub geometry: Geometry,
    /// The copy with channels last.
    pub image: &'a [E],
    /// What the blocks read.
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
    /// Which taps some of its output channels lack.
    const RESIDUES: Residues = Residues::ONE;

    /// Its weights, packed.
    fn parameters(&self) -> ParametersRef<'_, Self::Elem>;
    /// Its weights as they came, if they are constants that were transformed.
    fn original(&self) -> Option<&[Self::Elem]> {
        None
    }
    /// One block, in vectors of 128 bits.
    fn block_128<S: Simd>(simd: S, job: Job<'_, Self::Elem>);
    /// One block, in vectors of 256 bits.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    fn block_256<S: Simd>(simd: S, job: Job<'_, Self::Elem>);
    /// One block, in vectors of 512 bits.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    fn block_512<S: Simd>(simd: S, job: Job<'_, Self::Elem>);

    /// What comes before the blocks of a band, in vectors of 128 bits.
    #[inline(always)]
    fn prepare_128<S: Simd>(_simd: S, _job: Prepare<'_, Self::Elem>) {}
    /// What comes before the blocks of a band, in vectors of 256 bits.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    #[inline(always)]
    fn prepare_256<S: Simd>(_simd: S, _job: Prepare<'_, Self::Elem>) {}
    /// What comes before the blocks of a band, in vectors of 512 bits.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    #[inline(always)]
    fn prepare_512<S: Simd>(_simd: S, _job: Prepare<'_, Self::Elem>) {}
}

/// A generated layer whose weights are set while the program runs.
#[cfg(feature = "alloc")]
pub trait Trainable: Kernel + Sized {
    /// The layer around its packed weights.
    fn from_parameters(parameters: Parameters<Self::Elem>) -> Self;
    /// Its packed weights.
    fn into_parameters(self) -> Parameters<Self::Elem>;
}

/// The weights of a layer, packed for one instruction set.
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Parameters<E: Element> {
    pub(crate) isa: Isa,
    /// The weights as they came, if packing them cannot be undone.
    pub(crate) original: Option<Resident<E>>,
    pub(crate) weights: Resident<E>,
    pub(crate) bias: Resident<E>,
}

/// Equal weights: the same numbers, packed for the same instruction set. Numbers that differ may be the same once they
/// are transformed.
#[cfg(feature = "alloc")]
impl<E: Element> PartialEq for Parameters<E> {
    fn eq(&self, other: &Self) -> bool {
        self.isa == other.isa
            && self.original.as_ref().map(Resident::as_slice)
                == other.original.as_ref().map(Resident::as_slice)
            && self.weights.as_slice() == other.weights.as_slice()
            && self.bias.as_slice() == other.bias.as_slice()
    }
}

#[cfg(feature = "alloc")]
impl<E: Element> Parameters<E> {
    /// What the kernels read.
    #[inline]
    #[must_use]
    pub fn as_ref(&self) -> ParametersRef<'_, E> {
        let Self { isa, original, weights, bias } = self;
        let (weights, bias) = (weights.as_slice(), bias.as_slice());
        ParametersRef { isa: *isa, original: original.as_ref().map(Resident::as_slice), weights, bias }
    }
}

/// The packed weights of a layer, wherever they are: in memory, or in the program.
#[derive(Clone, Copy, Debug)]
pub struct ParametersRef<'a, E: Element> {
    pub(crate) isa: Isa,
    /// The weights as they came, if packing them cannot be undone.
    #[cfg(feature = "alloc")]
    pub(crate) original: Option<&'a [E]>,
    pub(crate) weights: &'a [E],
    pub(crate) bias: &'a [E],
}
