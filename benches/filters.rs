//! Image filters of constants on a plane of 1080x1920 in `f32`, against what users have at present.
//!
//! ```text
//! cargo bench --bench filters               # everything
//! cargo bench --bench filters -- sobel      # one filter
//! ```
//!
//! For each filter there are `constant`, with its weights in the macro; `runtime`, the same layer with weights set
//! while the program runs; `imageproc` and, for kernels of 3x3, `image`, those crates' filters for any kernel;
//! for products of a column and a row also `imageproc_separable`. `copy` copies the plane: no filter can be
//! faster. One core is used. Ours write to memory that is there already; theirs allocate, as is their interface.
//!
//! Padding is `replicate`, as in `imageproc`, whose results are compared with ours before anything is timed.
//! `image` clamps what it computes to 0..=1.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "an image has a few thousand columns, and 256 shades"
)]

use std::hint::black_box;
use std::time::Duration;

use conv_runtime::prelude::*;
use conv_runtime::{Layer, Verification};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, criterion_group, criterion_main};
use image::{ImageBuffer, Luma};
use imageproc::filter;
use imageproc::kernel::Kernel;

const SIZE: [usize; 2] = [1080, 1920];

type Plane = ImageBuffer<Luma<f32>, Vec<f32>>;

/// A function for each filter, and `every_filter`, which calls them all.
macro_rules! benches {
    ($($name:ident, $k:literal, $padding:literal, $weights:tt, $separable:expr;)*) => {
        $(fn $name(criterion: &mut Criterion) {
            conv2d! {
                struct Constant<in: 1, out: 1, k: $k, padding: $padding, padding_mode: replicate, bias: false,
                    weights: [[$weights]]>;
                struct Runtime<in: 1, out: 1, k: $k, padding: $padding, padding_mode: replicate, bias: false,
                    algorithm: direct>;
            }
            let mut group = group(criterion, stringify!($name));
            copy(&mut group);
            layer(&mut group, "constant", &Constant);
            let runtime = Runtime::new(&Constant.weight(), None).expect("the weights are a layer's");
            layer(&mut group, "runtime", &runtime);
            others(&mut group, &Constant, $separable);
            group.finish();
        })*

        fn every_filter(criterion: &mut Criterion) {
            $($name(criterion);)*
        }
    };
}

benches! {
    sobel, 3, 1, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], None;
    gaussian_5x5, 5, 2, [
        [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625],
        [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
        [0.0234375, 0.09375, 0.140625, 0.09375, 0.0234375],
        [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
        [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625]
    ], Some(&[0.0625, 0.25, 0.375, 0.25, 0.0625]);
    laplacian, 3, 1, [[0, 1, 0], [1, -4, 1], [0, 1, 0]], None;
    box_3x3, 3, 1, [
        [0.11111111, 0.11111111, 0.11111111],
        [0.11111111, 0.11111111, 0.11111111],
        [0.11111111, 0.11111111, 0.11111111]
    ], Some(&[0.333_333_34, 0.333_333_34, 0.333_333_34]);
    emboss, 3, 1, [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]], None;
}

criterion_group!(filters, every_filter);
criterion_main!(filters);

fn group<'c>(criterion: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group
}

/// An image between 0 and 1.
fn picture() -> Tensor<f32, 4> {
    let [h, w] = SIZE;
    Tensor::from_fn([1, 1, h, w], |[_, _, y, x]| ((x * 7 + y * 13 + x * y) % 256) as f32 / 255.0)
}

fn copy(group: &mut BenchmarkGroup<'_, WallTime>) {
    let (input, mut output) = (picture(), picture());
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&mut output).as_mut_slice().copy_from_slice(black_box(&input).as_slice()));
    });
}

fn layer(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, layer: &impl Layer<Elem = f32>) {
    let input = picture();
    accept(&layer.verify(&input));
    let (mut output, mut scratch) = (picture(), Scratch::new());
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            layer.forward_with(black_box(&input).view(), black_box(&mut output).view_mut(), &mut scratch)
        });
    });
}

/// The filters of other crates, with the weights of `layer`.
fn others(
    group: &mut BenchmarkGroup<'_, WallTime>,
    layer: &impl Layer<Elem = f32>,
    separable: Option<&[f32]>,
) {
    let (weight, input) = (layer.weight(), picture());
    let expected = layer.forward(&input).expect("the input suits the layer");
    let plane = plane(input);
    let (taps, side) = (weight.as_slice(), weight.shape()[2] as u32);
    let general = || -> Plane { filter::filter(black_box(&plane), Kernel::new(taps, side, side), |sum| sum) };
    compare(&general(), &expected);
    group.bench_function("imageproc", |bencher| bencher.iter(general));
    if let Some(line) = separable {
        let passes = || filter::separable_filter_equal(black_box(&plane), line);
        compare(&passes(), &expected);
        group.bench_function("imageproc_separable", |bencher| bencher.iter(passes));
    }
    if side == 3 {
        let general = || image::imageops::filter3x3(black_box(&plane), taps);
        group.bench_function("image", |bencher| bencher.iter(general));
    }
}

fn plane(input: Tensor<f32, 4>) -> Plane {
    let [h, w] = SIZE;
    ImageBuffer::from_raw(w as u32, h as u32, input.into_vec()).expect("the plane has that size")
}

/// Stops at a filter that computes something else: its time would say nothing.
fn compare(theirs: &Plane, ours: &Tensor<f32, 4>) {
    let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert_eq!(theirs.as_raw().len(), ours.as_slice().len(), "the filters differ");
    assert!(theirs.as_raw().iter().zip(ours.as_slice()).all(close), "the filters differ");
}

/// Stops at a layer that is wrong.
fn accept(verification: &Result<Verification, Error>) {
    match verification {
        Ok(report) => assert!(report.passed(), "{report}"),
        Err(error) => panic!("{error}"),
    }
}
