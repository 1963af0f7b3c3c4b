//! The weight's gradient of a layer, by its definition, and as the kernels sum it, from what the runtime makes of image and
//! gradient.

use super::super::interp;
use super::super::layers::{inside, signed};
use crate::lower::lower_sums;
use crate::nest::{Buffer, Size};
use crate::plan::{SumsPlan, SumsTile, one_row};
use crate::spec::{Hw, Spec};

/// One group of a layer, and an image for it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) spec: Spec,
    pub(super) image: Hw,
    /// Output rows of a band.
    pub(super) band: usize,
}

pub(super) fn number(at: usize) -> f64 {
    f64::from(u8::try_from(at * 5 % 7).expect("small")) - 3.0
}

impl Case {
    fn out(&self) -> Hw {
        self.spec.output(self.image).expect("fits")
    }

    /// A pixel of the padded image.
    fn pixel(&self, c: usize, row: usize, column: usize) -> f64 {
        let (mode, padding) = (self.spec.padding_mode, self.spec.padding);
        let y = inside(mode, signed(row) - signed(padding.top), self.image.h);
        let x = inside(mode, signed(column) - signed(padding.left), self.image.w);
        y.zip(x).map_or(0.0, |(y, x)| number((c * self.image.h + y) * self.image.w + x))
    }

    fn gradient(&self, o: usize, y: usize, x: usize) -> f64 {
        let out = self.out();
        number(3 + 2 * ((o * out.h + y) * out.w + x))
    }

    /// The weight's gradient of a group by its definition.
    pub(super) fn expected(&self, group: usize) -> Vec<f64> {
        let (spec, out) = (&self.spec, self.out());
        let sum = |term: usize| {
            let (o, c) = (term / spec.terms(), term % spec.terms() / spec.taps());
            let (o, c) = (group * spec.out_per_group() + o, group * spec.in_per_group() + c);
            let (i, j) = (term % spec.taps() / spec.kernel.w, term % spec.kernel.w);
            let row = |y: usize| y * spec.stride.h + i * spec.dilation.h;
            let column = |x: usize| x * spec.stride.w + j * spec.dilation.w;
            let places = (0..out.h).flat_map(|y| (0..out.w).map(move |x| (y, x)));
            places.map(|(y, x)| self.gradient(o, y, x) * self.pixel(c, row(y), column(x))).sum::<f64>()
        };
        (0..spec.out_per_group() * spec.terms()).map(sum).collect()
    }

    /// What the kernels add up, band by band.
    pub(super) fn actual(&self, plan: &SumsPlan) -> Vec<f64> {
        match plan.tile {
            SumsTile::InPlace { .. } | SumsTile::Planes { .. } => self.in_place(plan),
            SumsTile::InChannels { vectors, .. } => self.rows_of_weights(plan, vectors * plan.machine.lanes),
            SumsTile::Channels { vectors, depth, .. } => {
                self.channels(plan, vectors * plan.machine.lanes, depth)
            }
            SumsTile::Pixels { lines, .. } => self.pixels(plan, lines),
        }
    }

    /// Groups that one call of the kernel sums for.
    pub(super) fn groups(plan: &SumsPlan) -> usize {
        if matches!(plan.tile, SumsTile::InPlace { .. } | SumsTile::Planes { .. }) { 2 } else { 1 }
    }

    /// Image and gradient as they are.
    fn in_place(&self, plan: &SumsPlan) -> Vec<f64> {
        let (spec, out, Hw { h, w }, groups) = (&self.spec, self.out(), self.image, Self::groups(plan));
        let (plane, out_plane) = (h * w, out.h * out.w);
        let image = (0..groups * spec.in_per_group() * plane).map(number).collect();
        let pixel = |at: usize| self.gradient(at / out_plane, at / out.w % out.h, at % out.w);
        let gradient = (0..groups * spec.out_per_group() * out_plane).map(pixel).collect();
        let sizes = [
            (Size::OutH, out.h),
            (Size::OutW, out.w),
            (Size::OutPlane, out_plane),
            (Size::Pitch, w),
            (Size::Plane, plane),
            (Size::ImageH, h),
            (Size::ImageW, w),
            (Size::Groups, groups),
        ];
        let zeros = (Buffer::Work, vec![0.0; w + 2 * plan.machine.lanes]);
        let sums = vec![0.0; groups * spec.out_per_group() * spec.terms()];
        let buffers = [(Buffer::Image, image), (Buffer::Gradient, gradient), (Buffer::Output, sums), zeros];
        interp::run(&lower_sums(spec, plan), &sizes, buffers)
    }

    fn bands(&self) -> impl Iterator<Item = (usize, usize)> {
        let (out, band) = (self.out(), self.band);
        (0..out.h).step_by(band).map(move |first| (first, band.min(out.h - first)))
    }

    /// Rows of the image that a band reads.
    fn rows(&self, count: usize) -> usize {
        (count - 1) * self.spec.stride.h + self.spec.effective_kernel().h
    }

    fn channels(&self, plan: &SumsPlan, width: usize, depth: usize) -> Vec<f64> {
        let (spec, out) = (&self.spec, self.out());
        let pitch = self.image.w + spec.padding.left + spec.padding.right;
        let tiles = spec.in_per_group().div_ceil(depth);
        let plane = self.rows(self.band) * pitch * depth;
        let mut result = Vec::new();
        for block in (0..spec.out_per_group()).step_by(width) {
            let mut sums = vec![0.0; tiles * depth * spec.taps() * width];
            for (first, count) in self.bands() {
                let pixel = |at: usize| {
                    let (c, place) = (at / plane * depth + at % depth, at % plane / depth);
                    let (column, row) = (place % pitch, place / pitch);
                    let real = c < spec.in_per_group() && row < self.rows(count);
                    if real { self.pixel(c, first * spec.stride.h + row, column) } else { 0.0 }
                };
                let image = (0..tiles * plane).map(pixel).collect();
                let gradient = |at: usize| {
                    let (o, x, y) = (block + at % width, at / width % out.w, first + at / width / out.w);
                    if o < spec.out_per_group() { self.gradient(o, y, x) } else { 0.0 }
                };
                let gradient = (0..count * out.w * width).map(gradient).collect();
                let sizes = [
                    (Size::OutH, count),
                    (Size::OutW, out.w),
                    (Size::Pitch, pitch),
                    (Size::Plane, plane),
                    (Size::First, first),
                    (Size::ImageH, self.image.h),
                    (Size::ImageW, self.image.w),
                ];
                sums = run(spec, plan, &sizes, image, gradient, sums);
            }
            for o in 0..width.min(spec.out_per_group() - block) {
                result.extend((0..spec.terms()).map(|term| sums[term * width + o]));
            }
        }
        result
    }

    /// The image with channels last, the gradient as it is, and fewer output channels in the last call.
    fn rows_of_weights(&self, plan: &SumsPlan, width: usize) -> Vec<f64> {
        let (spec, Hw { h, w }) = (&self.spec, self.out());
        let (depth, pixels) = (spec.in_per_group(), h * w);
        let (plane, calls) = (pixels * width, [spec.out_per_group() / 2, spec.out_per_group().div_ceil(2)]);
        let (mut result, mut first) = (Vec::new(), 0);
        for outs in calls {
            let mut sums = vec![0.0; outs * depth];
            for (from, count) in self.bands().map(|(first, count)| (first * w, count * w)) {
                let pixel = |at: usize| {
                    let (c, place) = (at / plane * width + at % width, at % plane / width);
                    match (c < depth, place < count) {
                        (false, _) => 0.0,
                        (true, true) => self.pixel(c, (from + place) / w, (from + place) % w),
                        (true, false) => f64::NAN,
                    }
                };
                let image = (0..depth.div_ceil(width) * plane).map(pixel).collect();
                let gradient = |at: usize| self.gradient(first + at / pixels, at % pixels / w, at % w);
                let gradient = (from..outs * pixels).map(gradient).collect();
                let sizes = [
                    (Size::OutH, 1),
                    (Size::OutW, count),
                    (Size::OutPlane, pixels),
                    (Size::Plane, plane),
                    (Size::Outs, outs),
                ];
                sums = run(spec, plan, &sizes, image, gradient, sums);
            }
            result.extend(sums);
            first += outs;
        }
        result
    }

    fn pixels(&self, plan: &SumsPlan, lines: usize) -> Vec<f64> {
        let (spec, out, lanes, flat) =
            (&self.spec, self.out(), plan.machine.lanes, one_row(&self.spec, lines));
        let (columns, reach) =
            (self.image.w + spec.padding.left + spec.padding.right, spec.effective_kernel().w - 1);
        let phases = spec.stride.w;
        let across = if flat { columns } else { out.w.next_multiple_of(lanes) };
        let each = if flat { columns } else { columns.div_ceil(phases).max(across + reach / phases) };
        let pitch = each * phases;
        let mut sums = vec![0.0; spec.out_per_group() * spec.terms()];
        for (first, count) in self.bands() {
            let slack = if flat { lanes + reach + 1 } else { 0 };
            // Lines that fill up a step read what lies beyond the image: anything that is a number.
            let filled = count.next_multiple_of(lines);
            let plane = self.rows(filled) * pitch + slack;
            let mut image = vec![0.0; spec.in_per_group() * plane];
            for (at, pixel) in image.iter_mut().enumerate() {
                let (c, row, place) = (at / plane, at % plane / pitch, at % plane % pitch);
                let column = place % each * phases + place / each;
                if row < self.rows(count) && column < columns {
                    *pixel = self.pixel(c, first * spec.stride.h + row, column);
                }
            }
            let out_plane = (filled * across).next_multiple_of(lanes);
            let gradient = |at: usize| {
                let (o, y, x) = (at / out_plane, at % out_plane / across, at % out_plane % across);
                if y < count && x < out.w { self.gradient(o, first + y, x) } else { 0.0 }
            };
            let gradient = (0..spec.out_per_group() * out_plane).map(gradient).collect();
            let (out_h, out_w) = if flat { (1, out_plane) } else { (filled, across) };
            let sizes = [
                (Size::OutH, out_h),
                (Size::OutW, out_w),
                (Size::OutPlane, out_plane),
                (Size::Pitch, pitch),
                (Size::Plane, plane),
            ];
            sums = run(spec, plan, &sizes, image, gradient, sums);
        }
        sums
    }
}

fn run(
    spec: &Spec,
    plan: &SumsPlan,
    sizes: &[(Size, usize)],
    image: Vec<f64>,
    gradient: Vec<f64>,
    sums: Vec<f64>,
) -> Vec<f64> {
    let buffers = [(Buffer::Image, image), (Buffer::Gradient, gradient), (Buffer::Output, sums)];
    interp::run(&lower_sums(spec, plan), sizes, buffers)
}
