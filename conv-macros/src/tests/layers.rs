//! Random layers through the interpreter: every algorithm, every width, every tile that a plan may take,
//! compared with plain loops. Values are small integers, so results are exact.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::interp;
use super::pattern::Weights;
use crate::lower::{lower, lower_prepare};
use crate::nest::{Buffer, Size};
use crate::plan::{Geometry, Machine, Plan, Tile, candidates, plan};
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Pattern, Spec};

/// A layer, an image for it, and which of its tiles to try.
#[derive(Debug)]
struct Case {
    spec: Spec,
    weights: Weights,
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
            weight: self.weights.of(spec),
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
        if let Some(prepared) = self.prepared(data, first, band) {
            return prepared;
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

    /// What `prepare` makes of the copy with channels last, for a plan that filters minimally.
    fn prepared(&self, data: &Data, first: usize, band: usize) -> Option<Vec<f64>> {
        let (spec, plan, sizes) = (&self.spec, &self.plan, self.geometry());
        let [rows, columns] = plan.transforms(spec)?;
        let depth = plan.depth(spec);
        let tiles_down = band.div_ceil(spec.dilation.h).div_ceil(rows.outputs()) * spec.dilation.h;
        let tiles_across =
            sizes.out.w.div_ceil(spec.dilation.w).div_ceil(columns.outputs()) * spec.dilation.w;
        let high = tiles_down * rows.outputs() + (spec.kernel.h - 1) * spec.dilation.h;
        let inside = |at: usize, size: usize, before: usize, after: usize| at < size + before + after;
        let mut copy = vec![0.0; high * sizes.pitch];
        for row in
            (0..high).filter(|row| inside(first + row, self.image.h, spec.padding.top, spec.padding.bottom))
        {
            for column in 0..sizes.pitch / depth {
                if inside(column, self.image.w, spec.padding.left, spec.padding.right) {
                    for c in 0..spec.in_per_group() {
                        copy[row * sizes.pitch + column * depth + c] =
                            self.pixel(data, c, first + row, column);
                    }
                }
            }
        }
        let output = vec![f64::NAN; tiles_down * tiles_across * rows.products() * columns.products() * depth];
        let buffers = [(Buffer::Image, copy), (Buffer::Output, output)];
        Some(interp::run(&lower_prepare(spec, plan)?, &self.sizes(band), buffers))
    }

    /// Working memory of a block.
    fn work(&self, band: usize, width: usize) -> Vec<f64> {
        let sizes = self.geometry();
        let elements = self.plan.transforms(&self.spec).map_or(0, |[rows, columns]| {
            let dilation = self.spec.dilation;
            let across = sizes.out.w.div_ceil(dilation.w).div_ceil(columns.outputs()) * dilation.w;
            let down = band.div_ceil(dilation.h).div_ceil(rows.outputs()) * dilation.h;
            let products = rows.products() * columns.products() * down * across;
            products + across * rows.outputs() * columns.outputs()
        });
        vec![f64::NAN; elements * width]
    }

    fn sizes(&self, band: usize) -> [(Size, usize); 5] {
        let sizes = self.geometry();
        [
            (Size::OutH, band),
            (Size::OutW, sizes.out.w),
            (Size::OutPlane, sizes.out.h * sizes.out.w),
            (Size::Pitch, sizes.pitch),
            (Size::Plane, sizes.plane),
        ]
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
        let (spec, plan) = (&self.spec, &self.plan);
        let tail = first + plan.block > spec.out_per_group();
        let (weights, bias) = packed(self, data, first, plan.channels(spec, tail), plan.width(tail));
        let buffers = [
            (Buffer::Image, planes),
            (Buffer::Weights, weights),
            (Buffer::Bias, bias),
            (Buffer::Output, output),
            (Buffer::Work, self.work(band, plan.width(tail))),
        ];
        interp::run(&lower(spec, plan, tail), &self.sizes(band), buffers)
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

/// A block's weights `[tap][channel][width]` and biases, filled with zeros. A plan that filters minimally
/// has transformed the kernels.
fn packed(case: &Case, data: &Data, first: usize, channels: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let spec = &case.spec;
    let (depth, transforms) = (spec.in_per_group(), case.plan.transforms(spec));
    let taps =
        transforms.as_ref().map_or(spec.taps(), |[rows, columns]| rows.products() * columns.products());
    let mut weights = vec![0.0; taps * depth * width];
    let mut bias = vec![0.0; width];
    for o in 0..channels {
        bias[o] = data.bias[first + o];
        for c in 0..depth {
            let kernel = &data.weight[((first + o) * depth + c) * spec.taps()..][..spec.taps()];
            for tap in 0..taps {
                weights[(tap * depth + c) * width + o] = match &transforms {
                    None => kernel[tap],
                    Some([rows, columns]) => {
                        let (row, column) = (tap / columns.products(), tap % columns.products());
                        let products = kernel.iter().enumerate().map(|(at, weight)| {
                            let (i, j) = (at / spec.kernel.w, at % spec.kernel.w);
                            rows.filter[row][i] * columns.filter[column][j] * weight
                        });
                        products.sum()
                    }
                };
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
            pattern: Pattern::default(),
        }
    }
}

/// Any layer with an image that it accepts, and any of its tiles.
fn case() -> impl Strategy<Value = Case> {
    let extra = prop_oneof![Just(0usize), size()];
    let weights = prop_oneof![
        Just(Weights::Unknown),
        Just(Weights::Mixed),
        Just(Weights::Taps),
        Just(Weights::Channels)
    ];
    let choice = (0usize..6, any::<prop::sample::Index>(), any::<bool>());
    (spec(), extra.clone(), extra, any::<bool>(), weights, choice).prop_map(
        |(mut spec, more_h, more_w, known, weights, (width, tile, best))| {
            // Pointwise layers are rare among random kernels, and have paths of their own.
            if more_h % 5 == 1 {
                spec.kernel = Hw { h: 1, w: 1 };
                spec.stride = if more_w % 2 == 0 { Hw { h: 1, w: 1 } } else { spec.stride };
                spec.padding = Padding::NONE;
            }
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            spec.pattern = weights.pattern(&spec);
            let machine = machine(width, spec.dtype);
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
            Case { spec, weights, image, plan }
        },
    )
}

/// A layer with channels enough for minimal filtering, and one of its plans that filter so.
fn filtered() -> impl Strategy<Value = Case> {
    let channels = (1usize..11, prop_oneof![1usize..19, 32usize..34]);
    let taps = || prop_oneof![2 => Just(3usize), 1 => Just(5), 1 => Just(1)];
    let kernel = (taps(), taps()).prop_filter("minimal filtering needs taps", |(h, w)| h * w > 1);
    (spec(), (channels, kernel), size(), size(), any::<bool>(), 0usize..6, any::<prop::sample::Index>())
        .prop_map(|(spec, ((depth, out), (h, w)), more_h, more_w, known, width, tile)| {
            let one = Hw { h: 1, w: 1 };
            let mut spec = Spec {
                in_channels: depth,
                out_channels: out,
                kernel: Hw { h, w },
                stride: one,
                groups: 1,
                algorithm: Algorithm::Winograd,
                ..spec
            };
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            let machine = machine(width, spec.dtype);
            let plans = candidates(&spec, machine);
            let mut plan = plans[tile.index(plans.len())].clone();
            plan.bands.bytes = tile.index(1 << 16);
            plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
            Case { spec, weights: Weights::Unknown, image, plan }
        })
}

/// One of the machines that layers are planned for.
fn machine(at: usize, dtype: Dtype) -> Machine {
    match Machine::WIDTHS.get(at) {
        Some(bits) => Machine::new(*bits, dtype),
        None => Machine::OTHERS[at - Machine::WIDTHS.len()].1(dtype),
    }
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

fn check(cases: u32, strategy: impl Strategy<Value = Case>) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |case| {
        let data = case.data();
        let (actual, expected) = (case.actual(&data), case.expected(&data));
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
fn random_layers_with_minimal_filtering_compute_the_definition() {
    check(400, filtered());
}
