//! Random layers through the interpreter: every algorithm, every width, every tile that a plan may take,
//! compared with plain loops. Values are small integers, so results are exact.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::interp;
use crate::lower::lower;
use crate::nest::{Buffer, Size};
use crate::plan::{Geometry, Machine, Plan, candidates, plan};
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Spec};

/// A layer, an image for it, and which of its tiles to try.
#[derive(Debug)]
struct Case {
    spec: Spec,
    image: Hw,
    plan: Plan,
}

/// One group of one image, in the definition's own order.
struct Data {
    image: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Case {
    fn data(&self) -> Data {
        let spec = &self.spec;
        let numbers = |len: usize, step: usize| {
            (0..len).map(|i| f64::from(u8::try_from(i * step % 7).expect("small")) - 3.0).collect()
        };
        Data {
            image: numbers(spec.in_per_group() * self.image.h * self.image.w, 5),
            weight: numbers(spec.out_per_group() * spec.terms(), 3),
            bias: numbers(spec.out_per_group(), 2),
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

    /// A pixel of the padded image.
    fn pixel(&self, data: &Data, c: usize, row: usize, column: usize) -> f64 {
        let (mode, padding) = (self.spec.padding_mode, self.spec.padding);
        let y = inside(mode, signed(row) - signed(padding.top), self.image.h);
        let x = inside(mode, signed(column) - signed(padding.left), self.image.w);
        y.zip(x).map_or(0.0, |(y, x)| data.image[(c * self.image.h + y) * self.image.w + x])
    }

    /// What the plan says the kernel reads for the band that starts at output row `first`.
    fn planes(&self, data: &Data, first: usize, band: usize) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        if !plan.copies(sizes.out.w) {
            return data.image.clone();
        }
        let mut planes = vec![f64::NAN; spec.in_per_group() * sizes.plane + plan.slack()];
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

    fn geometry(&self) -> Geometry {
        Geometry::new(&self.spec, &self.plan, self.image)
    }

    /// The kernels' output, band by band and block by block.
    fn actual(&self, data: &Data) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let plane = sizes.out.h * sizes.out.w;
        let mut result = vec![f64::NAN; spec.out_per_group() * plane];
        for first in (0..sizes.out.h).step_by(sizes.band) {
            let band = sizes.band.min(sizes.out.h - first);
            let planes = self.planes(data, first, band);
            for channel in (0..spec.out_per_group()).step_by(plan.block) {
                let start = channel * plane + first * sizes.out.w;
                let output = result[start..].to_vec();
                let output = self.block(data, band, channel, planes.clone(), output);
                result[start..].copy_from_slice(&output);
            }
        }
        result
    }

    /// One block of one band.
    fn block(&self, data: &Data, band: usize, first: usize, planes: Vec<f64>, output: Vec<f64>) -> Vec<f64> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let tail = first + plan.block > spec.out_per_group();
        let (weights, bias) = packed(spec, data, first, plan.channels(spec, tail), plan.width(tail));
        let given = [
            (Size::OutH, band),
            (Size::OutW, sizes.out.w),
            (Size::OutPlane, sizes.out.h * sizes.out.w),
            (Size::Pitch, sizes.pitch),
            (Size::Plane, sizes.plane),
        ];
        let buffers = [
            (Buffer::Image, planes),
            (Buffer::Weights, weights),
            (Buffer::Bias, bias),
            (Buffer::Output, output),
        ];
        interp::run(&lower(spec, plan, tail), &given, buffers)
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

/// A block's weights `[tap][channel][width]` and biases, filled with zeros.
fn packed(spec: &Spec, data: &Data, first: usize, channels: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let (depth, taps) = (spec.in_per_group(), spec.taps());
    let mut weights = vec![0.0; taps * depth * width];
    let mut bias = vec![0.0; width];
    for o in 0..channels {
        bias[o] = data.bias[first + o];
        for c in 0..depth {
            for tap in 0..taps {
                weights[(tap * depth + c) * width + o] = data.weight[((first + o) * depth + c) * taps + tap];
            }
        }
    }
    (weights, bias)
}

/// Sizes at the edges of tiles: around multiples of the vectors, and the smallest.
pub(super) fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..6, 7usize..10, 14usize..19, Just(31), Just(33)]
}

fn axis() -> impl Strategy<Value = (usize, usize, usize)> {
    (prop_oneof![4 => 1usize..4, 1 => 4usize..8], 1usize..4, prop_oneof![3 => Just(1usize), 1 => 2usize..4])
}

fn mode() -> impl Strategy<Value = PaddingMode> {
    prop_oneof![
        Just(PaddingMode::Zeros),
        Just(PaddingMode::Reflect),
        Just(PaddingMode::Replicate),
        Just(PaddingMode::Circular)
    ]
}

prop_compose! {
    pub(super) fn spec()(
        ((kh, sh, dh), (kw, sw, dw)) in (axis(), axis()),
        (depth, out, groups) in (1usize..4, prop_oneof![1usize..5, 6usize..20, Just(33)], 1usize..3),
        (top, bottom, left, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
        (padding_mode, padded, dtype) in (mode(), any::<bool>(), prop_oneof![Just(Dtype::F32), Just(Dtype::F64)]),
    ) -> Spec {
        let padding = if padded { Padding { top, bottom, left, right } } else { Padding::NONE };
        Spec {
            in_channels: depth * groups,
            out_channels: out * groups,
            kernel: Hw { h: kh, w: kw },
            stride: Hw { h: sh, w: sw },
            dilation: Hw { h: dh, w: dw },
            padding,
            padding_mode,
            groups,
            bias: true,
            dtype,
            input: None,
            algorithm: Algorithm::Auto,
        }
    }
}

/// Any layer with an image that it accepts, and any of its tiles.
fn case() -> impl Strategy<Value = Case> {
    let extra = prop_oneof![Just(0usize), size()];
    (spec(), extra.clone(), extra, any::<bool>(), 0usize..3, any::<prop::sample::Index>(), any::<bool>())
        .prop_map(|(mut spec, more_h, more_w, known, width, tile, best)| {
            // Pointwise layers are rare among random kernels, and have paths of their own.
            if more_h % 5 == 1 {
                spec.kernel = Hw { h: 1, w: 1 };
                spec.stride = if more_w % 2 == 0 { Hw { h: 1, w: 1 } } else { spec.stride };
                spec.padding = Padding::NONE;
            }
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            let machine = Machine::new(Machine::WIDTHS[width], spec.dtype);
            let mut plan = if best {
                plan(&spec, machine)
            } else {
                let all = candidates(&spec, machine);
                all[tile.index(all.len())].clone()
            };
            // Images are small here: only low bands are bands at all.
            plan.bands.bytes = tile.index(2048);
            plan.bands.least = 1 + tile.index(3);
            plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
            Case { spec, image, plan }
        })
}

/// The smallest image that the layer accepts, and some pixels more.
pub(super) fn smallest(spec: &Spec, more_h: usize, more_w: usize) -> Hw {
    let (extent, p) = (spec.effective_kernel(), spec.padding);
    let side = |extent: usize, before: usize, after: usize, more: usize| {
        let least = match spec.padding_mode {
            PaddingMode::Reflect => before.max(after) + 1,
            PaddingMode::Circular => before.max(after).max(1),
            PaddingMode::Zeros | PaddingMode::Replicate => 1,
        };
        least.max(extent.saturating_sub(before + after)) + more
    };
    Hw { h: side(extent.h, p.top, p.bottom, more_h.min(9)), w: side(extent.w, p.left, p.right, more_w) }
}

#[test]
fn random_layers_compute_the_definition() {
    let mut runner =
        TestRunner::new(Config { cases: 20_000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&case(), |case| {
        let data = case.data();
        prop_assert_eq!(case.actual(&data), case.expected(&data), "{}", case.plan);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
