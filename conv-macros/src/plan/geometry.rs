//! [`Geometry`]: the sizes that a kernel computes with, when the image is known.
//!
//! `conv-runtime` computes the same from the sizes of the call (`kernel.rs`, `pad.rs`); the table of layers
//! runs each layer with and without `input`, and would not survive a difference.

use super::{Plan, Tile};
use crate::spec::{Hw, Spec};

/// Bytes of copies that are made for one call: most of the first-level cache.
const COPIED_TOGETHER: usize = 24 << 10;

/// An output row that is wider than any kernel's only tile.
const WIDE: usize = 32;

/// Output sizes, and the distances between input rows and channels in what the kernel reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) out: Hw,
    /// Output rows of a band, or columns, where height and width are one axis; the last band may have less.
    pub(crate) band: usize,
    pub(crate) pitch: usize,
    pub(crate) plane: usize,
}

/// How output rows are cut into bands, when the kernel reads a copy or pads, or height and width are one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bands {
    /// Bytes that the planes of a band should not exceed.
    pub(crate) bytes: usize,
    /// A band has at least so many rows.
    pub(crate) least: usize,
    /// Bands are a multiple of so many rows.
    pub(crate) step: usize,
}

impl Bands {
    /// All is one band. The numbers suit targets whose addresses have 32 bits.
    pub(crate) const ONE: Self = Self { bytes: u32::MAX as usize, least: u32::MAX as usize, step: 1 };

    /// Rows of a band, of `out_h` in all, when one takes `row_bytes` of the planes.
    fn rows(self, out_h: usize, row_bytes: usize) -> usize {
        let most = (self.bytes / row_bytes.max(1)).max(self.least);
        let bands = out_h.div_ceil(most);
        out_h.div_ceil(bands).next_multiple_of(self.step).min(out_h)
    }

    /// Columns of a band, of `out_w` in all, when one takes `column_bytes`. The last has enough for a tile.
    pub(super) fn columns(self, out_w: usize, column_bytes: usize) -> usize {
        let suits = |band: &usize| !(1..self.step).contains(&(out_w % band));
        (self.rows(out_w, column_bytes)..out_w).step_by(self.step).find(suits).unwrap_or(out_w)
    }
}

impl Geometry {
    /// The geometry of an image of this size, saturated where it cannot be counted: then it is too large
    /// for any machine, and only the cost model asks.
    pub(crate) fn new(spec: &Spec, plan: &Plan, image: Hw) -> Self {
        let Some(out) = spec.output(image) else {
            unreachable!("check refuses images that are smaller than the kernel")
        };
        let (image, out) = if plan.flatten { (flat(image), flat(out)) } else { (image, out) };
        if plan.is_line() {
            return Self::line(spec, plan, out);
        }
        if !plan.copies(out.w) {
            let band = plan.rows_in_place(spec, image, out);
            return Self { out, band, pitch: image.w, plane: image.h.saturating_mul(image.w) };
        }
        if let Tile::Winograd { outputs, .. } = plan.tile {
            return Self::winograd(spec, plan, out, outputs);
        }
        if plan.copies_bare(spec) {
            let pitch = image.w.saturating_mul(plan.depth(spec));
            return Self { out, band: out.h, pitch, plane: image.h.saturating_mul(pitch) };
        }
        let columns = image.w.saturating_add(spec.padding.left).saturating_add(spec.padding.right);
        let [channels, pitch] = if plan.reads_channels_last() {
            [1, columns.saturating_mul(plan.depth(spec))]
        } else {
            [spec.in_per_group(), columns.div_ceil(plan.phases).saturating_mul(plan.phases)]
        };
        let row = [channels, pitch, plan.machine.bytes].into_iter();
        // A row's last vector may be stored over the first pixels of the next channel, which must come later.
        let row = row.fold(spec.stride.h, usize::saturating_mul);
        let band = if plan.pads() { out.h } else { plan.bands.rows(out.h, row) };
        let rows = read(band, spec.stride.h, spec.effective_kernel().h);
        Self { out, band, pitch, plane: rows.saturating_mul(pitch) }
    }

    /// How many bands there are.
    pub(super) fn bands(self) -> usize {
        self.out.h.div_ceil(self.band)
    }
}

impl Geometry {
    /// Channels come last; rows and columns are filled up to whole tiles.
    fn winograd(spec: &Spec, plan: &Plan, out: Hw, outputs: Hw) -> Self {
        let covered = covered(out.w, outputs.w, spec.dilation.w);
        let columns = read(covered, spec.stride.w, spec.effective_kernel().w);
        let pitch = columns.saturating_mul(plan.depth(spec));
        let row = pitch.saturating_mul(plan.machine.bytes);
        Self { out, band: plan.bands.rows(out.h, row), pitch, plane: 0 }
    }
}

impl Plan {
    /// Whether the kernel reads a copy of the image when the output is this wide.
    pub(crate) fn copies(&self, out_w: usize) -> bool {
        self.copy || out_w < self.min_width
    }
}

impl Plan {
    /// Groups that are copied together, of which one takes so many elements, and computed by one call.
    fn copied_together(&self, spec: &Spec, copy: usize) -> usize {
        let bytes = copy.saturating_mul(self.machine.bytes);
        if self.loops_over_groups(spec) { (COPIED_TOGETHER / bytes).clamp(1, spec.groups) } else { 1 }
    }

    /// Rows of a band of an image that is read as it is. Only a kernel that pads is told which rows it computes, and it
    /// stores nothing past a row's end where that is wide.
    fn rows_in_place(&self, spec: &Spec, image: Hw, out: Hw) -> usize {
        let row = image.w.saturating_mul(spec.stride.h).saturating_mul(self.machine.bytes);
        if self.pads() && out.w >= WIDE { self.bands.rows(out.h, row) } else { out.h }
    }

    /// Whether the kernel reads the image as it is and pads it in registers, where it does not read a copy.
    pub(crate) fn pads(&self) -> bool {
        matches!(self.tile, Tile::Slide { .. } | Tile::InPlace { .. })
    }

    /// Elements after the planes that the kernel may read: the rest of the last vector.
    pub(crate) fn slack(&self) -> usize {
        match self.tile {
            // Two vectors of each row that is narrower than one.
            Tile::Slide { .. } | Tile::InPlace { .. } => 2 * self.machine.lanes,
            _ if self.min_width > 0 => self.machine.lanes,
            _ => 0,
        }
    }

    /// Elements of scratch that one image takes, if the image is known.
    pub(crate) fn scratch(&self, spec: &Spec) -> Option<usize> {
        let sizes = self.sizes?;
        Some(match self.transforms(spec) {
            Some([rows, columns]) => {
                let [down, across] = [rows.outputs(), columns.outputs()];
                let high = covered(sizes.band, down, spec.dilation.h);
                let wide = covered(sizes.out.w, across, spec.dilation.w);
                let tiles = high / down * (wide / across);
                let products = rows.products() * columns.products();
                let [prepared, made] =
                    [self.depth(spec), self.block].map(|width| products * self.machine.spread(tiles * width));
                let copy = read(high, spec.stride.h, spec.effective_kernel().h) * sizes.pitch;
                copy + prepared + made + wide * down * self.block
            }
            None if self.is_line() => {
                let spec = &*self.seen(spec);
                let gathers = self.gathers(sizes.out.w, sizes.band);
                let gathered = if gathers { sizes.plane.saturating_mul(spec.in_per_group()) } else { 0 };
                let depth = if self.reads_channels_last() { self.depth(spec) } else { 0 };
                gathered.saturating_add(sizes.band.saturating_mul(depth))
            }
            None if self.reads_channels_last() => sizes.plane,
            None if self.copies(sizes.out.w) => {
                let copy = sizes.plane.saturating_mul(spec.in_per_group());
                copy.saturating_mul(self.copied_together(spec, copy)).saturating_add(self.slack())
            }
            // A row of zeros.
            None if self.pads() => sizes.pitch.saturating_add(self.slack()),
            None => 0,
        })
    }
}

/// Rows or columns that whole tiles cover, those of each remainder modulo the dilation by themselves.
fn covered(out: usize, outputs: usize, dilation: usize) -> usize {
    out.div_ceil(dilation).div_ceil(outputs).saturating_mul(outputs).saturating_mul(dilation)
}

/// Rows or columns that so many outputs read.
fn read(outputs: usize, stride: usize, extent: usize) -> usize {
    (outputs - 1).saturating_mul(stride).saturating_add(extent)
}

/// The size with both axes laid end to end.
pub(crate) fn flat(size: Hw) -> Hw {
    Hw { h: 1, w: size.h.saturating_mul(size.w) }
}
