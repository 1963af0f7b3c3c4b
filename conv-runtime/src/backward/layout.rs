//! The sizes of the copies that the weight's gradient is summed from.

use super::Copies;
use crate::extent::Rows;
use crate::{Conv2dConfig, Isa};

/// Bytes that the copies of a band should not exceed, so that they stay in the cache while the kernel passes
/// over them tile by tile: a part of the second level, or the first, where little is computed with each.
const CHANNELS_BAND: usize = 256 << 10;
const PIXELS_BAND: usize = 24 << 10;

/// One call of the layer.
pub(super) struct Layout<'a> {
    pub(super) config: &'a Conv2dConfig,
    pub(super) isa: Isa,
    pub(super) copies: Copies,
    /// Elements of a vector.
    pub(super) lanes: usize,
    /// Height and width of image and output.
    pub(super) image: [usize; 2],
    pub(super) out: [usize; 2],
    /// From one row of the image's copy to the next: in pixels, if it is channels-last.
    pub(super) pitch: usize,
}

impl<'a> Layout<'a> {
    /// `None` if a row cannot be counted.
    pub(super) fn new<E>(
        config: &'a Conv2dConfig,
        isa: Isa,
        copies: Copies,
        [image, out]: [[usize; 2]; 2],
    ) -> Option<Self> {
        let [left, right] = config.padding[1];
        let columns = image[1].checked_add(left)?.checked_add(right)?;
        let lanes = isa.bits() / 8 / size_of::<E>();
        let layout = Self { config, isa, copies, lanes, image, out, pitch: columns };
        if layout.one_row() || matches!(copies, Copies::Channels { .. }) {
            return Some(layout);
        }
        let phases = config.stride[1];
        let read = layout.gradient_pitch().checked_add((config.effective_kernel()[1] - 1) / phases)?;
        Some(Self { pitch: columns.div_ceil(phases).max(read).checked_mul(phases)?, ..layout })
    }

    /// Rows of image and gradient are equally long, and pass as one.
    pub(super) fn one_row(&self) -> bool {
        matches!(self.copies, Copies::Pixels { one_row: true, .. })
    }

    /// These rows, and those that fill up the last step of the kernel.
    pub(super) fn filled(&self, rows: Rows) -> Rows {
        let Copies::Pixels { lines, .. } = self.copies else { return rows };
        Rows { count: rows.count.next_multiple_of(lines), ..rows }
    }

    /// From one row of the gradient's copy to the next, channel by channel.
    pub(super) fn gradient_pitch(&self) -> usize {
        if self.one_row() { self.pitch } else { self.out[1].next_multiple_of(self.lanes) }
    }

    /// From one channel of the copies of so many rows to the next. The one row is read to the end of its last
    /// vector.
    pub(super) fn planes(&self, rows: Rows) -> [usize; 2] {
        let rows = self.filled(rows);
        let slack = if self.one_row() { self.lanes + self.config.effective_kernel()[1] } else { 0 };
        let gradient = (rows.count * self.gradient_pitch()).next_multiple_of(self.lanes);
        [self.read(rows).count * self.pitch + slack, gradient]
    }

    /// The padded rows that output rows read.
    pub(super) fn read(&self, rows: Rows) -> Rows {
        let ([stride, _], [height, _]) = (self.config.stride, self.config.effective_kernel());
        Rows { first: rows.first * stride, count: (rows.count - 1) * stride + height }
    }

    /// Sums of one call of the kernel, of channels last.
    pub(super) fn block(&self) -> usize {
        let [kh, kw] = self.config.kernel_size;
        match self.copies {
            Copies::Pixels { .. } => 0,
            Copies::Channels { width, .. } => self.depth() * kh * kw * width,
        }
    }

    /// Channels of the image's copy: channels last, as many as fill whole tiles.
    fn depth(&self) -> usize {
        let channels = self.config.in_per_group();
        match self.copies {
            Copies::Pixels { .. } => channels,
            Copies::Channels { depth, .. } => channels.next_multiple_of(depth),
        }
    }

    /// Output channels of the gradient's copy.
    fn width(&self) -> usize {
        let channels = self.config.out_per_group();
        match self.copies {
            Copies::Pixels { .. } => channels,
            Copies::Channels { width, .. } => channels.next_multiple_of(width),
        }
    }
}

/// Elements of scratch, and rows of a band.
pub(super) struct Sizes {
    pub(super) image: usize,
    pub(super) gradient: usize,
    pub(super) band: usize,
    /// From one tile of channels of the image's copy to the next, and from one block of the gradient's, channels last.
    pub(super) plane: usize,
    pub(super) block: usize,
}

impl Sizes {
    /// `None` if one cannot be counted.
    pub(super) fn new<E>(layout: &Layout<'_>) -> Option<Self> {
        let config = layout.config;
        let (across, bytes, each) = match layout.copies {
            Copies::Pixels { .. } => (layout.gradient_pitch(), PIXELS_BAND, [1, 1]),
            Copies::Channels { width, depth } => (layout.out[1], CHANNELS_BAND, [depth, width]),
        };
        let (image, gradient) =
            (layout.depth().checked_mul(layout.pitch)?, layout.width().checked_mul(across)?);
        let band =
            layout.band(image.checked_mul(config.stride[0])?.checked_add(gradient)?, bytes / size_of::<E>());
        let rows = layout.filled(Rows { first: 0, count: band }).count;
        let read = (rows - 1).checked_mul(config.stride[0])?.checked_add(config.effective_kernel()[0])?;
        let slack = layout.lanes.checked_add(config.effective_kernel()[1])?;
        let (image, gradient) = (image.checked_mul(read)?, gradient.checked_mul(rows)?);
        let [depth, width] = each;
        Some(Self {
            image: image.checked_add(slack.checked_mul(config.in_per_group())?)?,
            gradient: gradient.checked_add(slack.checked_mul(layout.width())?)?,
            band,
            plane: image / layout.depth() * depth,
            block: gradient / layout.width() * width,
        })
    }
}

impl Layout<'_> {
    /// Rows of a band, when an output row takes so many elements of the copies. A band copies the rows that
    /// it shares with the next again: that should stay a fraction.
    fn band(&self, row: usize, elements: usize) -> usize {
        let (out_h, [stride, _], [height, _]) =
            (self.out[0], self.config.stride, self.config.effective_kernel());
        let least = height.saturating_sub(stride).saturating_mul(3).max(4);
        let most = (elements / row.max(1)).max(least);
        out_h.div_ceil(out_h.div_ceil(most))
    }
}
