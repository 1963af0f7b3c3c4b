//! Random layers' gradients: the kernels of the weight's through the interpreter, every tile that a plan may
//! take, and the layer of the input's, as the mathematics that it is. Values are small integers, so results
//! are exact.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::cases::{in_place, size, smallest, spec};
use super::interp;
use super::layers::{inside, signed};
use crate::backward::Adjoint;
use crate::lower::lower_sums;
use crate::nest::{Buffer, Size};
use crate::plan::{Machine, SumsPlan, SumsTile, Tile, one_row, plan, plan_sums, sums_candidates};
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Pattern, Spec};

/// One group of a layer, and an image for it.
#[derive(Clone, Debug)]
struct Case {
    spec: Spec,
    image: Hw,
    /// Output rows of a band.
    band: usize,
}

fn number(at: usize) -> f64 {
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
    fn expected(&self, group: usize) -> Vec<f64> {
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
    fn actual(&self, plan: &SumsPlan) -> Vec<f64> {
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
    fn groups(plan: &SumsPlan) -> usize {
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

prop_compose! {
    fn case()(spec in spec(), more_h in size(), more_w in size(), band in 1usize..8) -> Case {
        let image = smallest(&spec, more_h, more_w);
        Case { spec, image, band }
    }
}

fn check<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_global_rejects: 20 * cases,
        ..Config::default()
    });
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

#[test]
fn random_sums_in_place_are_the_definition() {
    let strategy = (in_place(), 0usize..3, any::<prop::sample::Index>());
    check(4_000, &strategy, |(layer, width, tile)| {
        let case = Case { spec: layer.spec, image: layer.image, band: 1 };
        let machine = Machine::new(Machine::WIDTHS[width], case.spec.dtype);
        let plans = sums_candidates(&case.spec, machine).into_iter();
        let plans: Vec<_> = plans.filter(|plan| matches!(plan.tile, SumsTile::InPlace { .. })).collect();
        prop_assume!(!plans.is_empty());
        let plan = &plans[tile.index(plans.len())];
        prop_assert_eq!(case.actual(plan), [case.expected(0), case.expected(1)].concat(), "{:?}", plan);
        Ok(())
    });
}

/// Several bands, blocks of channels, channels and pixels that fill no tile.
#[test]
fn random_sums_of_one_tap_are_the_definition() {
    let channels = prop_oneof![1usize..12, 1usize..4, 40usize..70];
    let image = (1usize..60, 1usize..60, any::<bool>(), 1usize..3, 1usize..60);
    let strategy = (channels.clone(), channels, image, 0usize..3, any::<prop::sample::Index>());
    check(600, &strategy, |(in_channels, out_channels, (h, w, known, groups, band), width, tile)| {
        let image = Hw { h, w };
        let channels = (in_channels * groups, out_channels * groups);
        let dtype = if known { Dtype::F32 } else { Dtype::F64 };
        let spec = Spec { input: known.then_some(image), groups, dtype, ..line(1, 1, 1) };
        let spec = Spec { in_channels: channels.0, out_channels: channels.1, ..spec };
        prop_assume!(spec.macs(image) < 200_000);
        let plans = sums_candidates(&spec, Machine::new(Machine::WIDTHS[width], dtype)).into_iter();
        let of_one_tap = |tile| matches!(tile, SumsTile::Planes { .. } | SumsTile::InChannels { .. });
        let plans: Vec<_> = plans.filter(|plan| of_one_tap(plan.tile)).collect();
        let (case, plan) = (Case { spec, image, band }, &plans[tile.index(plans.len())]);
        let expected: Vec<_> = (0..Case::groups(plan)).flat_map(|group| case.expected(group)).collect();
        prop_assert_eq!(case.actual(plan), expected, "{:?}", plan);
        Ok(())
    });
}

/// Whether the image is copied for a layer of one tap depends on how many channels share the copy, and on how many pixels
/// a tile adds up before it adds up its lanes.
#[test]
fn large_images_of_few_channels_are_summed_in_place() {
    let layer = |in_channels, out_channels, side| {
        let layer = Spec { input: Some(Hw { h: side, w: side }), ..line(1, 1, 1) };
        Spec { in_channels, out_channels, ..layer }
    };
    let tiles =
        |layer: &Spec| Machine::WIDTHS.map(|bits| plan_sums(layer, Machine::new(bits, Dtype::F32)).tile);
    let large = tiles(&layer(96, 24, 56)).map(|tile| matches!(tile, SumsTile::Planes { .. }));
    assert_eq!(large, [true; 3]);
    let small = tiles(&layer(512, 2048, 7)).map(|tile| matches!(tile, SumsTile::InChannels { .. }));
    assert_eq!(small, [true; 3]);
}

#[test]
fn random_sums_are_the_definition() {
    let strategy = (case(), 0usize..3, any::<prop::sample::Index>(), any::<bool>());
    check(4_000, &strategy, |(case, width, tile, best)| {
        // The interpreter is slow: a few pixels tell as much as many.
        prop_assume!(case.spec.macs(case.image) < 100_000);
        let machine = Machine::new(Machine::WIDTHS[width], case.spec.dtype);
        let all = sums_candidates(&case.spec, machine);
        let plan = if best { plan_sums(&case.spec, machine) } else { all[tile.index(all.len())].clone() };
        let expected: Vec<_> = (0..Case::groups(&plan)).flat_map(|group| case.expected(group)).collect();
        prop_assert_eq!(case.actual(&plan), expected, "{:?}", plan);
        Ok(())
    });
}

/// Residues, and from one tap of a residue to the next.
pub(super) fn residues(kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let step = (1..=stride).find(|step| (step * dilation).is_multiple_of(stride)).expect("the stride itself");
    (step.min(kernel), step)
}

/// Along one axis: the adjoint's output at place `v` of residue `r` is the padded image's gradient at
/// `stride * v + r * dilation`.
#[test]
fn the_adjoint_is_the_transpose() {
    let axis = (1usize..8, 1usize..7, 1usize..7, 1usize..9, 0usize..5);
    check(4_000, &axis, |(kernel, stride, dilation, out, padding)| {
        let mut spec = line(kernel, stride, dilation);
        (spec.padding.left, spec.padding.right) = (padding, padding);
        let extent = spec.effective_kernel().w;
        let padded = (out - 1) * stride + extent;
        prop_assume!(padded > 2 * padding);
        let mut expected = vec![0.0; padded];
        for y in 0..out {
            for i in 0..kernel {
                expected[y * stride + i * dilation] += number(i) * number(y + 3);
            }
        }
        let Adjoint { spec: adjoint, folds } = Adjoint::of(&spec).expect("small");
        let (residues, step) = residues(kernel, stride, dilation);
        prop_assert_eq!(adjoint.out_channels, residues);
        let mut actual = vec![0.0; padded];
        let first = if folds { 0 } else { padding };
        let places = adjoint.output(Hw { h: 1, w: out }).expect("fits").w;
        for r in 0..residues {
            for v in 0..places {
                let terms = (0..adjoint.kernel.w).filter_map(|t| {
                    let tap = r + (adjoint.kernel.w - 1 - t) * step;
                    let y = (v + t * adjoint.dilation.w).checked_sub(adjoint.padding.left)?;
                    (tap < kernel && y < out).then(|| number(tap) * number(y + 3))
                });
                let (sum, at) = (terms.sum::<f64>(), first + v * stride + r * dilation);
                prop_assert!(at < padded || sum == 0.0);
                if at < padded {
                    actual[at] += sum;
                }
            }
        }
        let inside = first..padded - first;
        prop_assert_eq!(&actual[inside.clone()], &expected[inside], "{:?}", adjoint);
        Ok(())
    });
}

/// The input's gradient filters minimally where the layer itself may.
#[test]
fn the_adjoint_has_the_layer_s_algorithm() {
    let side = |n| Hw { h: n, w: n };
    let layer = Spec { in_channels: 64, out_channels: 64, kernel: side(3), ..line(3, 1, 1) };
    let filters = |spec: Spec| {
        let adjoint = Adjoint::of(&spec).expect("small").spec;
        let plans = Machine::WIDTHS.map(|bits| plan(&adjoint, Machine::new(bits, spec.dtype)));
        plans.map(|plan| matches!(plan.tile, Tile::Winograd { .. }))
    };
    assert_eq!(filters(layer.clone()), [true; 3]);
    assert_eq!(filters(Spec { algorithm: Algorithm::Direct, ..layer.clone() }), [false; 3]);
    assert_eq!(filters(Spec { stride: side(2), ..layer.clone() }), [false; 3]);
    let forced = Spec { in_channels: 1, out_channels: 1, algorithm: Algorithm::Winograd, ..layer };
    assert_eq!(filters(forced), [true; 3]);
}

/// A layer whose kernel is a row.
fn line(kernel: usize, stride: usize, dilation: usize) -> Spec {
    let row = |w| Hw { h: 1, w };
    Spec {
        in_channels: 1,
        out_channels: 1,
        kernel: row(kernel),
        stride: row(stride),
        dilation: row(dilation),
        padding: Padding::NONE,
        padding_mode: PaddingMode::Zeros,
        groups: 1,
        bias: false,
        dtype: Dtype::F32,
        input: None,
        algorithm: Algorithm::Auto,
        pattern: Pattern::default(),
        adjoint: None,
    }
}
