//! What kernels read: the image, or what the runtime makes of it, element by element.

use super::interp;
use super::{Case, Data, inside, signed};
use crate::lower::lower_prepare;
use crate::nest::Buffer;
use crate::spec::{Hw, Spec};

impl Case {
    /// A pixel of the padded image.
    pub(super) fn pixel(&self, data: &Data, c: usize, row: usize, column: usize) -> f64 {
        let (mode, padding) = (self.spec.padding_mode, self.spec.padding);
        let y = inside(mode, signed(row) - signed(padding.top), self.image.h);
        let x = inside(mode, signed(column) - signed(padding.left), self.image.w);
        y.zip(x).map_or(0.0, |(y, x)| data.image[(c * self.image.h + y) * self.image.w + x])
    }

    /// What the plan says the kernel reads for the band that starts at output row `first`.
    pub(super) fn planes(&self, data: &Data, first: usize, band: usize) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        if plan.is_line() {
            return self.line(data, first, band);
        }
        if !plan.copies(sizes.out.w) {
            return data.image.clone();
        }
        if let Some(prepared) = self.prepared(data, first, band) {
            return prepared;
        }
        if plan.copies_bare(spec) {
            let plane = self.image.h * self.image.w;
            return self.last(spec, plane, |c, pixel| data.image[c * plane + pixel]);
        }
        if plan.reads_channels_last() {
            return self.channels_last(
                data,
                first * spec.stride.h,
                (band - 1) * spec.stride.h + spec.effective_kernel().h,
            );
        }
        let mut planes = vec![f64::NAN; spec.in_per_group() * sizes.plane];
        let each = sizes.pitch / plan.phases;
        for c in 0..spec.in_per_group() {
            if plan.flatten {
                let plane = self.image.h * self.image.w;
                planes[c * plane..][..plane].copy_from_slice(&data.image[c * plane..][..plane]);
                continue;
            }
            for row in 0..(band - 1) * spec.stride.h + spec.effective_kernel().h {
                for column in 0..self.image.w + spec.padding.left + spec.padding.right {
                    let at = column % plan.phases * each + column / plan.phases;
                    let pixel = self.pixel(data, c, first * spec.stride.h + row, column);
                    planes[c * sizes.plane + row * sizes.pitch + at] = pixel;
                }
            }
        }
        planes
    }

    /// So many pixels with the channels that a kernel sees last. These fill whole vectors; beyond them there is nothing to
    /// read.
    fn last(&self, seen: &Spec, pixels: usize, pixel: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let (depth, channels) = (self.plan.depth(seen), seen.in_per_group());
        let filled = channels.next_multiple_of(self.plan.machine.lanes);
        let at = |p, c| match c {
            c if c < channels => pixel(c, p),
            c if c < filled => 0.0,
            _ => f64::NAN,
        };
        (0..pixels * depth).map(|i| at(i / depth, i % depth)).collect()
    }

    /// The pixels of a line that a band reads.
    fn line(&self, data: &Data, first: usize, band: usize) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let across = spec.output(self.image).expect("fits").w;
        let pixel = |term: usize, p: usize| {
            let (tap, c) = (term / spec.in_per_group(), term % spec.in_per_group());
            let row = p / across * spec.stride.h + tap / spec.kernel.w * spec.dilation.h;
            let column = p % across * spec.stride.w + tap % spec.kernel.w * spec.dilation.w;
            self.pixel(data, c, row, column)
        };
        let seen = plan.seen(spec);
        let channels = seen.in_per_group();
        if plan.reads_channels_last() {
            return self.last(&seen, band, |c, p| pixel(c, first + p));
        }
        if !plan.gathers(sizes.out.w, sizes.band) {
            return data.image[first..].to_vec();
        }
        let at = |c, p| if p < band { pixel(c, first + p) } else { f64::NAN };
        (0..channels * sizes.plane).map(|i| at(i / sizes.plane, i % sizes.plane)).collect()
    }

    /// What `prepare` makes of the copy with channels last, for a plan that filters minimally.
    fn prepared(&self, data: &Data, first: usize, band: usize) -> Option<Vec<f64>> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let [rows, columns] = plan.transforms(spec)?;
        let depth = plan.depth(spec);
        let tiles_down = band.div_ceil(spec.dilation.h).div_ceil(rows.outputs()) * spec.dilation.h;
        let tiles_across =
            sizes.out.w.div_ceil(spec.dilation.w).div_ceil(columns.outputs()) * spec.dilation.w;
        let high = (tiles_down * rows.outputs() - 1) * spec.stride.h + spec.effective_kernel().h;
        let copy = self.channels_last(data, first * spec.stride.h, high);
        let apart = plan.machine.spread(self.tiles_down(band, &rows) * tiles_across * depth);
        let output = vec![f64::NAN; rows.products() * columns.products() * apart];
        let buffers = [(Buffer::Image, copy), (Buffer::Output, output)];
        Some(interp::run(&lower_prepare(spec, plan)?, &self.sizes([first, band], 0, 1), buffers))
    }

    /// So many rows of the padded image with channels last; beyond it all is zero.
    fn channels_last(&self, data: &Data, first: usize, high: usize) -> Vec<f64> {
        let (spec, Hw { h, w }, padding) = (&self.spec, self.image, self.spec.padding);
        let columns = self.geometry().pitch / self.plan.depth(spec);
        let (down, across) = (h + padding.top + padding.bottom, w + padding.left + padding.right);
        self.last(spec, high * columns, |c, pixel| match (first + pixel / columns, pixel % columns) {
            (row, column) if row < down && column < across => self.pixel(data, c, row, column),
            _ => 0.0,
        })
    }
}
