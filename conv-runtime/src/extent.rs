//! [`Extent`]: the sizes of one call of `forward`, as the kernel sees them, and its share of the scratch.

use crate::filtering::Filtering;
use crate::kernel::{Geometry, Reads, Scheme};
use crate::pack::packed_channels;
use crate::{Conv2dConfig, pad};

/// Bytes of copies that are made for one call: most of the first-level cache.
const COPIED_TOGETHER: usize = 24 << 10;

/// Bytes of a line of the cache.
const CACHE_LINE: usize = 64;

/// An output row that is wider than any kernel's only tile.
const WIDE: usize = 32;

/// Image and output sizes, and where everything lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) image: [usize; 2],
    pub(crate) out: [usize; 2],
    /// Height and width are one axis, of rows of a pixel, which the kernel sees as the columns of one row.
    pub(crate) is_line: bool,
    /// Whether the kernel reads a copy.
    pub(crate) copies: bool,
    /// The most groups, or images of one group, that one call computes.
    pub(crate) together: usize,
    /// Output rows of a band.
    pub(crate) band: usize,
    /// From one row of what the kernel reads to the next.
    pub(crate) pitch: usize,
    /// From one channel of what the kernel reads to the next.
    pub(crate) plane: usize,
    /// How the scratch is shared out.
    pub(crate) shares: Shares,
}

/// Elements of scratch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shares {
    /// Weights of one block, if they are made when it is computed.
    pub(crate) weights: usize,
    /// Pixels of the image, gathered.
    pub(crate) gathered: usize,
    /// The copy of the image.
    pub(crate) copy: usize,
    /// What `prepare` makes of it.
    pub(crate) prepared: usize,
    /// Working memory of a block.
    pub(crate) work: usize,
}

/// Output rows that are computed together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl Shares {
    pub(crate) fn total(self) -> Option<usize> {
        let Self { weights, gathered, copy, prepared, work } = self;
        [gathered, copy, prepared, work].into_iter().try_fold(weights, usize::checked_add)
    }
}

impl Extent {
    /// `None` if a size overflows.
    #[inline(always)]
    pub(crate) fn new<E>(
        scheme: &Scheme,
        config: &Conv2dConfig,
        image: [usize; 2],
        out: [usize; 2],
    ) -> Option<Self> {
        if scheme.flatten && scheme.reads != Reads::Pads {
            return Self::line::<E>(scheme, config, image, out);
        }
        let (image, out) = if scheme.flatten { (flat(image)?, flat(out)?) } else { (image, out) };
        if let Some(filtering) = &scheme.filtering {
            return Self::filtering::<E>(scheme, filtering, config, image, out);
        }
        if !scheme.copies(out[1]) {
            return Self::image::<E>(scheme, config, image, out);
        }
        if scheme.reads == Reads::ChannelsLast {
            return Self::channels_last::<E>(scheme, config, image, out);
        }
        if scheme.reads == Reads::BareChannelsLast {
            return Self::bare(scheme, image, out);
        }
        let pitch = pad::pitch(config, scheme.phases, image[1])?;
        let step = config.stride[0].checked_mul(config.in_per_group())?.checked_mul(pitch)?;
        // A kernel that pads stores past the end of a narrow row, where what is next must come later.
        let row = step.checked_mul(size_of::<E>())?;
        let band = if scheme.reads == Reads::Pads { out[0] } else { scheme.bands.rows(out[0], row) };
        let plane = rows_read(config, band)?.checked_mul(pitch)?;
        let each = plane.checked_mul(config.in_per_group())?;
        let most = COPIED_TOGETHER / each.checked_mul(size_of::<E>())?;
        let together = if scheme.together { most.clamp(1, config.groups) } else { 1 };
        let copy = each.checked_mul(together)?.checked_add(scheme.slack)?;
        let shares = Shares { copy, ..Shares::default() };
        Some(Self { image, out, is_line: false, copies: true, together, band, pitch, plane, shares })
    }

    /// One row: the image itself, or some of its pixels, gathered channel by channel or with channels last.
    fn line<E>(scheme: &Scheme, config: &Conv2dConfig, image: [usize; 2], out: [usize; 2]) -> Option<Self> {
        let [_, columns] = flat(out)?;
        let is_last = scheme.reads == Reads::ChannelsLast;
        let [kh, kw] = config.kernel_size;
        let inputs = config.in_per_group().checked_mul(kh)?.checked_mul(kw)?;
        let depth = if is_last { scheme.depth } else { 0 };
        let band = scheme.bands.columns(columns, depth.max(inputs).checked_mul(size_of::<E>())?);
        let bytes = columns.checked_mul(size_of::<E>())?;
        let is_even = |most| bytes & bytes.wrapping_neg() > most;
        let gathers = match scheme.even {
            Some(most) => columns < scheme.min_width || !is_last && band < columns && is_even(most),
            None => true,
        };
        let plane = if gathers { spread::<E>(band)? } else { columns };
        let gathered = if gathers { plane.checked_mul(inputs)? } else { 0 };
        let shares = Shares { copy: band.checked_mul(depth)?, gathered, ..Shares::default() };
        let (out, copies) = ([columns, 1], is_last || gathers);
        Some(Self { image, out, is_line: true, copies, together: 1, band, pitch: plane, plane, shares })
    }

    /// The padded image with channels last.
    fn channels_last<E>(
        scheme: &Scheme,
        config: &Conv2dConfig,
        image: [usize; 2],
        out: [usize; 2],
    ) -> Option<Self> {
        let pitch = pad::pitch(config, 1, image[1])?.checked_mul(scheme.depth)?;
        let step = config.stride[0].checked_mul(pitch)?;
        let band = scheme.bands.rows(out[0], step.checked_mul(size_of::<E>())?);
        let copy = rows_read(config, band)?.checked_mul(pitch)?;
        let shares = Shares { copy, ..Shares::default() };
        Some(Self { image, out, is_line: false, copies: true, together: 1, band, pitch, plane: 0, shares })
    }

    /// The whole image with channels last.
    fn bare(scheme: &Scheme, image: [usize; 2], out: [usize; 2]) -> Option<Self> {
        let pitch = image[1].checked_mul(scheme.depth)?;
        let shares = Shares { copy: image[0].checked_mul(pitch)?, ..Shares::default() };
        let band = out[0];
        Some(Self { image, out, is_line: false, copies: true, together: 1, band, pitch, plane: 0, shares })
    }

    /// The image itself; with a row of zeros, if the kernel pads it.
    #[inline(always)]
    fn image<E>(scheme: &Scheme, config: &Conv2dConfig, image: [usize; 2], out: [usize; 2]) -> Option<Self> {
        let (plane, pitch) = (image[0].checked_mul(image[1])?, image[1]);
        // Only a kernel that pads is told which rows it computes, and it stores nothing past a row's end where that is wide.
        let in_bands = scheme.reads == Reads::Pads && out[1] >= WIDE;
        let row = pitch.checked_mul(config.stride[0])?.checked_mul(size_of::<E>())?;
        let band = if in_bands { scheme.bands.rows(out[0], row) } else { out[0] };
        let work = if scheme.reads == Reads::Pads { pitch.checked_add(scheme.slack)? } else { 0 };
        let shares = Shares { work, ..Shares::default() };
        let together = if scheme.together { usize::MAX } else { 1 };
        Some(Self { image, out, is_line: false, copies: false, together, band, pitch, plane, shares })
    }

    /// Whole tiles, with channels last.
    fn filtering<E>(
        scheme: &Scheme,
        filtering: &Filtering,
        config: &Conv2dConfig,
        image: [usize; 2],
        out: [usize; 2],
    ) -> Option<Self> {
        let pitch = filtering.reads(1, out[1], config)?.checked_mul(scheme.depth)?;
        let band = scheme.bands.rows(out[0], pitch.checked_mul(size_of::<E>())?);
        let rows = filtering.reads(0, band, config)?;
        let (down, across) = (filtering.tiles(0, band, config)?, filtering.tiles(1, out[1], config)?);
        let products = |width| {
            let each = spread::<E>(down.checked_mul(across)?.checked_mul(width)?)?;
            each.checked_mul(filtering.all_products())
        };
        // The widest block's products, and the outputs of one row of tiles.
        let width = scheme.block.min(packed_channels(scheme, config.out_per_group()));
        let line = across.checked_mul(filtering.outputs[0] * filtering.outputs[1])?;
        let shares = Shares {
            weights: 0,
            gathered: 0,
            copy: rows.checked_mul(pitch)?,
            prepared: products(scheme.depth)?,
            work: products(width)?.checked_add(line.checked_mul(width)?)?,
        };
        Some(Self { image, out, is_line: false, copies: true, together: 1, band, pitch, plane: 0, shares })
    }

    /// The bands, from top to bottom.
    #[inline(always)]
    pub(crate) fn bands(&self) -> impl Iterator<Item = Rows> {
        let (end, band) = (self.out[0], self.band);
        (0..end).step_by(band).map(move |first| Rows { first, count: band.min(end - first) })
    }

    /// The geometry of a band.
    #[inline(always)]
    pub(crate) fn geometry(&self, rows: Rows) -> Geometry {
        let ([image_h, image_w], [out_h, out_w]) = (self.image, self.out);
        let (first, pitch, plane, out_plane) = (rows.first, self.pitch, self.plane, out_h * out_w);
        let (out_h, rest) = (rows.count, Geometry::default());
        if self.is_line {
            return Geometry { out_h: 1, out_w: out_h, pitch, plane, image_h, image_w, ..rest };
        }
        Geometry { out_h, out_w, out_plane, pitch, plane, first, image_h, image_w, ..rest }
    }
}

/// Rows of the padded image that a band of so many output rows reads; `None` if they cannot be counted.
pub(crate) fn rows_read(config: &Conv2dConfig, band: usize) -> Option<usize> {
    (band - 1).checked_mul(config.stride[0])?.checked_add(config.effective_kernel()[0])
}

/// How far apart to put stretches of so many elements that are read side by side: an odd number of cache lines, for what
/// a power of two of them is apart shares few places of the cache.
fn spread<E>(elements: usize) -> Option<usize> {
    let line = CACHE_LINE / size_of::<E>();
    elements.checked_next_multiple_of(2 * line)?.checked_add(line)
}

fn flat([h, w]: [usize; 2]) -> Option<[usize; 2]> {
    Some([1, h.checked_mul(w)?])
}
