//! Layers whose outputs are one row, for every pixel is met by one tap at most: the line's pixels are the image's, or they
//! are gathered, so that what a kernel reads together does not share few places of the cache.

use std::borrow::Cow;

use super::{Geometry, Plan};
use crate::spec::{Hw, Spec};

impl Geometry {
    /// One row: the image itself, or some of its pixels, gathered channel by channel or with channels last.
    pub(super) fn line(spec: &Spec, plan: &Plan, out: Hw) -> Self {
        let spec = &*plan.seen(spec);
        let is_last = plan.reads_channels_last();
        let channels = if is_last { plan.depth(spec) } else { spec.in_per_group() };
        let band = plan.bands.columns(out.w, channels.saturating_mul(plan.machine.bytes));
        let gathers = plan.gathers(out.w, band);
        let plane = if gathers { plan.machine.spread(band) } else { out.w };
        Self { out, band, pitch: plane, plane }
    }
}

impl Plan {
    /// Whether the kernel computes columns of one row, band by band.
    pub(crate) fn is_line(&self) -> bool {
        self.flatten && !self.pads()
    }

    /// Whether the pixels of a band are gathered, of a line of so many.
    pub(crate) fn gathers(&self, line: usize, band: usize) -> bool {
        let Some(most) = self.even else { return true };
        let (bytes, is_last) = (line.saturating_mul(self.machine.bytes), self.reads_channels_last());
        let is_even = bytes & bytes.wrapping_neg() > most;
        line < self.min_width || !is_last && band < line && is_even
    }

    /// The layer as the kernel sees it: pixels that are gathered lie side by side, those of each tap in channels of their
    /// own.
    pub(crate) fn seen<'a>(&self, spec: &'a Spec) -> Cow<'a, Spec> {
        if !self.is_line() || spec.is_dense_tap() {
            return Cow::Borrowed(spec);
        }
        let (one, input) = (Hw { h: 1, w: 1 }, spec.input.and_then(|image| spec.output(image)));
        let in_channels = spec.in_channels.saturating_mul(spec.taps());
        let line = Spec { in_channels, kernel: one, stride: one, dilation: one, input, ..spec.clone() };
        Cow::Owned(line)
    }
}
