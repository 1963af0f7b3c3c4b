//! Random layers through the interpreter: every algorithm, every width, every tile that a plan may take,
//! compared with plain loops. Values are small integers, so results are exact.

mod packed;
mod planes;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::cases::{
    adjoint, case, channels_last, filtered, in_one_line, in_panels, in_parts, in_place, sliding,
};
use super::gradients::residues;
use super::interp;
use super::pattern::Weights;
use crate::lower::lower;
use crate::nest::{Buffer, Size};
use crate::plan::{Geometry, Plan, Tile, Transform};
use crate::spec::{Hw, PaddingMode, Spec};

/// A layer, an image for it, and which of its tiles to try.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) spec: Spec,
    pub(super) weights: Weights,
    pub(super) image: Hw,
    pub(super) plan: Plan,
    /// The layer whose input's gradient it computes, if it does.
    pub(super) adjoint_of: Option<Spec>,
}

/// One group of one image, in the definition's own order.
struct Data {
    image: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Case {
    /// The data of a group, or of an image of the one group.
    fn input(&self, at: usize) -> Data {
        let data = self.data(at);
        if self.spec.groups > 1 { data } else { Data { image: data.image, ..self.data(0) } }
    }

    /// The data of a group. What is known of weights is the same in all of them.
    fn data(&self, group: usize) -> Data {
        let spec = &self.spec;
        let numbers = |len: usize, step: usize| {
            (group..group + len)
                .map(|i| f64::from(u8::try_from(i * step % 7).expect("small")) - 3.0)
                .collect()
        };
        let mut weight = self.weights.of(spec);
        let other =
            if matches!(self.weights, Weights::Unknown) { numbers(weight.len(), 3) } else { Vec::new() };
        weight.iter_mut().zip(other).for_each(|(weight, other): (_, f64)| *weight += other);
        for (at, weight) in weight.iter_mut().enumerate() {
            if self.lacks(at / spec.terms(), at % spec.taps()).contains(&true) {
                *weight = 0.0;
            }
        }
        Data {
            image: numbers(spec.in_per_group() * self.image.h * self.image.w, 5),
            weight,
            bias: numbers(spec.out_per_group(), 2),
        }
    }

    /// Whether an output channel of an adjoint has no such tap, for it would be beyond the row taps of the other
    /// layer, or beyond its column taps.
    fn lacks(&self, channel: usize, tap: usize) -> [bool; 2] {
        let Some(of) = &self.adjoint_of else { return [false; 2] };
        let (rows, row_step) = residues(of.kernel.h, of.stride.h, of.dilation.h);
        let (columns, column_step) = residues(of.kernel.w, of.stride.w, of.dilation.w);
        let residue = channel / (self.spec.out_per_group() / (rows * columns));
        let Hw { h, w } = self.spec.kernel;
        [
            residue / columns + (h - 1 - tap / w) * row_step >= of.kernel.h,
            residue % columns + (w - 1 - tap % w) * column_step >= of.kernel.w,
        ]
    }

    /// Whether the kernels leave out such row taps, and such column taps.
    fn skips(&self) -> [bool; 2] {
        match self.plan.tile {
            Tile::Channels { .. } | Tile::Columns { .. } => self.spec.skips(self.plan.block),
            Tile::Rows { .. } | Tile::InPlace { .. } | Tile::Whole => {
                [self.plan.block >= self.spec.out_per_group(); 2]
            }
            Tile::Winograd { .. } | Tile::Slide { .. } => [false; 2],
        }
    }

    /// The definition.
    fn expected(&self, data: &Data) -> Vec<f64> {
        let (spec, out) = (&self.spec, self.spec.output(self.image).expect("fits"));
        let mut result = Vec::new();
        for o in 0..spec.out_per_group() {
            for y in 0..out.h {
                for x in 0..out.w {
                    let products = (0..spec.terms()).map(|term| {
                        let (c, tap) = (term / spec.taps(), term % spec.taps());
                        let (i, j) = (tap / spec.kernel.w, tap % spec.kernel.w);
                        let row = y * spec.stride.h + i * spec.dilation.h;
                        let column = x * spec.stride.w + j * spec.dilation.w;
                        data.weight[o * spec.terms() + term] * self.pixel(data, c, row, column)
                    });
                    result.push(data.bias[o] + products.sum::<f64>());
                }
            }
        }
        result
    }

    /// The first rows of all bands, and how many rows each has.
    fn bands(&self) -> Vec<(usize, usize)> {
        let Geometry { out, band, .. } = self.geometry();
        if self.plan.is_line() {
            return (0..out.w).step_by(band).map(|first| (first, band.min(out.w - first))).collect();
        }
        (0..out.h).step_by(band).map(|first| (first, band.min(out.h - first))).collect()
    }

    /// Working memory of a block: a row of zeros, if the kernel pads.
    fn work(&self, band: usize, width: usize) -> Vec<f64> {
        let sizes = self.geometry();
        if self.plan.pads() {
            return vec![0.0; sizes.pitch + self.plan.slack()];
        }
        let elements = self.plan.transforms(&self.spec).map_or(0, |[rows, columns]| {
            let dilation = self.spec.dilation;
            let across = sizes.out.w.div_ceil(dilation.w).div_ceil(columns.outputs()) * dilation.w;
            let down = self.tiles_down(band, &rows);
            let products = rows.products() * columns.products();
            products * self.plan.machine.spread(down * across * width)
                + across * rows.outputs() * columns.outputs() * width
        });
        vec![f64::NAN; elements]
    }

    /// Rows of tiles that there is memory for: those of the band, which may be lower than the others, or of an image that
    /// is known those of any.
    fn tiles_down(&self, band: usize, rows: &Transform) -> usize {
        let (d, highest) = (self.spec.dilation.h, self.geometry().band);
        let band = if self.plan.sizes.is_some() { highest } else { band };
        band.div_ceil(d).div_ceil(rows.outputs()) * d
    }

    /// The sizes for a block of output channels, in a band of rows.
    fn sizes(&self, [row, band]: [usize; 2], first: usize, channels: usize) -> [(Size, usize); 11] {
        let sizes = self.geometry();
        let first_tap = |axis: usize, step: usize, taps: usize| {
            let has = |tap: &usize| (first..first + channels).any(|o| !self.lacks(o, tap * step)[axis]);
            (0..taps).find(has).expect("every channel has a tap")
        };
        let Hw { h, w } = self.spec.kernel;
        let (row, out) = if self.plan.is_line() { (0, [1, band]) } else { (row, [band, sizes.out.w]) };
        [
            (Size::OutH, out[0]),
            (Size::OutW, out[1]),
            (Size::OutPlane, sizes.out.h * sizes.out.w),
            (Size::Pitch, sizes.pitch),
            (Size::Plane, sizes.plane),
            (Size::First, row),
            (Size::ImageH, self.image.h),
            (Size::ImageW, self.image.w),
            (Size::FirstRow, first_tap(0, w, h)),
            (Size::FirstColumn, first_tap(1, 1, w)),
            (Size::Groups, self.together()),
        ]
    }

    /// Groups, or images of one group, that one call of the kernel computes.
    fn together(&self) -> usize {
        if self.plan.loops_over_groups(&self.spec) { 2 } else { 1 }
    }

    fn geometry(&self) -> Geometry {
        Geometry::new(&self.spec, &self.plan, self.image)
    }

    /// The kernels' output, band by band and block by block.
    fn actual(&self, groups: &[Data]) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let plane = sizes.out.h * sizes.out.w;
        let mut result = vec![f64::NAN; groups.len() * spec.out_per_group() * plane];
        for (first, band) in self.bands() {
            let mut planes: Vec<_> = groups.iter().flat_map(|data| self.planes(data, first, band)).collect();
            planes.extend(vec![f64::NAN; if plan.copies(sizes.out.w) { plan.slack() } else { 0 }]);
            for channel in (0..spec.out_per_group()).step_by(plan.block) {
                let start = channel * plane + first * if self.plan.is_line() { 1 } else { sizes.out.w };
                let output = result[start..].to_vec();
                let output = self.block(groups, [first, band], channel, planes.clone(), output);
                result[start..].copy_from_slice(&output);
            }
        }
        result
    }

    /// One block of one band.
    fn block(
        &self,
        groups: &[Data],
        [row, band]: [usize; 2],
        first: usize,
        planes: Vec<f64>,
        output: Vec<f64>,
    ) -> Vec<f64> {
        let (spec, plan) = (&self.spec, &self.plan);
        let tail = first + plan.block > spec.out_per_group();
        let channels = plan.channels(spec, tail);
        // Images share their weights.
        let packed = groups.iter().take(spec.groups).map(|data| packed::block(self, data, first, tail));
        let (weights, bias): (Vec<_>, Vec<_>) = packed.unzip();
        let [weights, bias] = [weights, bias].map(|groups| groups.concat());
        let buffers = [
            (Buffer::Image, planes),
            (Buffer::Weights, weights),
            (Buffer::Bias, bias),
            (Buffer::Output, output),
            (Buffer::Work, self.work(band, plan.width(tail))),
        ];
        interp::run(&lower(spec, plan, tail), &self.sizes([row, band], first, channels), buffers)
    }
}

/// The index of the pixel that padded index `at` reads, counted from the first pixel; none is a zero.
pub(super) fn inside(mode: PaddingMode, at: isize, size: usize) -> Option<usize> {
    let size = signed(size);
    let source = match mode {
        _ if (0..size).contains(&at) => at,
        PaddingMode::Zeros => return None,
        PaddingMode::Reflect if at < 0 => -at,
        PaddingMode::Reflect => 2 * (size - 1) - at,
        PaddingMode::Replicate => at.clamp(0, size - 1),
        PaddingMode::Circular => at.rem_euclid(size),
    };
    usize::try_from(source).ok()
}

pub(super) fn signed(size: usize) -> isize {
    isize::try_from(size).expect("small")
}

fn check(cases: u32, strategy: impl Strategy<Value = Case>) {
    let config =
        Config { cases, failure_persistence: None, max_global_rejects: 20 * cases, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&strategy, |case| {
        // The interpreter is slow: a few pixels tell as much as many.
        prop_assume!(case.adjoint_of.is_none() || case.spec.macs(case.image) < 50_000);
        let groups: Vec<_> = (0..case.together()).map(|group| case.input(group)).collect();
        let expected: Vec<_> = groups.iter().flat_map(|data| case.expected(data)).collect();
        let actual = case.actual(&groups);
        if matches!(case.plan.tile, Tile::Winograd { .. }) {
            // The transforms round: nothing else does, in these small integers.
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-9;
            prop_assert!(actual.iter().zip(&expected).all(close), "{}", case.plan);
        } else {
            prop_assert_eq!(actual, expected, "{}", case.plan);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn random_layers_compute_the_definition() {
    check(20_000, case());
}

#[test]
fn random_adjoints_compute_the_definition() {
    check(3_000, adjoint());
}

#[test]
fn random_layers_of_sliding_columns_compute_the_definition() {
    check(10_000, sliding());
}

#[test]
fn random_layers_read_in_place_compute_the_definition() {
    check(10_000, in_place());
}

#[test]
fn random_layers_unrolled_over_their_image_compute_the_definition() {
    check(4_000, in_one_line());
}

#[test]
fn random_layers_with_rows_in_parts_compute_the_definition() {
    check(1_000, in_parts());
}

#[test]
fn random_layers_that_read_channels_last_compute_the_definition() {
    check(500, channels_last());
}

#[test]
fn random_layers_of_constants_in_panels_compute_the_definition() {
    check(500, in_panels());
}

#[test]
fn random_layers_with_minimal_filtering_compute_the_definition() {
    check(400, filtered());
}
