//! Generated layers against generic loops, over every layer of the suite.
//!
//! ```text
//! cargo bench --bench conv2d                  # everything
//! cargo bench --bench conv2d -- rn_3x3        # the layers whose names begin so
//! cargo bench --bench conv2d -- /known        # one column
//! ```
//!
//! For each layer there are three: `known`, made for its image size; `free`, made for any; and `generic`,
//! the library's plain loops. `known` and `free` write to memory that is there already; `generic` allocates
//! its output, as is its interface. One core is used. `Gelem/s` are GFLOP/s: an element is one floating-point
//! operation, a multiply-accumulate is two, and those on zero padding count. They are the operations of the
//! definition: a layer that Winograd's algorithm computes with fewer may show more than the machine's peak.
//!
//! Before a bench is timed, its output is compared once with the definition; a wrong one stops the run.

use std::cell::OnceCell;
use std::hint::black_box;
use std::time::Duration;

use conv_runtime::prelude::*;
use conv_runtime::{Layer, Verification, generic};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use layers::for_each_suite_layer;

/// A function for each layer, and `every_layer`, which calls them all.
macro_rules! benches {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        $(fn $name(criterion: &mut Criterion) {
            use layers::$name::{Free, Known};
            let shape = [$batch, Free::CONFIG.in_channels, $h, $w];
            let mut group = group::<Free>(criterion, stringify!($name), shape);
            specialised::<Known>(&mut group, "known", shape);
            specialised::<Free>(&mut group, "free", shape);
            general::<Free>(&mut group, shape);
            group.finish();
        })*

        fn every_layer(criterion: &mut Criterion) {
            $($name(criterion);)*
        }
    };
}

for_each_suite_layer!(benches);

criterion_group!(suite_layers, every_layer);
criterion_main!(suite_layers);

/// The benches of one layer.
fn group<'c, L: Conv2d>(
    criterion: &'c mut Criterion,
    name: &str,
    shape: [usize; 4],
) -> BenchmarkGroup<'c, WallTime> {
    let output = L::output_shape(shape).expect("the suite's images suit its layers");
    let [_, channels, kh, kw] = L::CONFIG.weight_shape();
    let macs = output.into_iter().product::<usize>() * channels * kh * kw;
    let mut group = criterion.benchmark_group(name);
    group
        .throughput(Throughput::Elements(2 * macs as u64))
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    group
}

/// A generated layer.
fn specialised<L: Conv2d<Elem = f32>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    shape: [usize; 4],
) {
    let prepared = OnceCell::new(); // what the filter leaves out is not even prepared
    group.bench_function(name, |bencher| {
        let (layer, input) = prepared.get_or_init(|| {
            let (layer, input) = (L::init(1), Tensor::randn(shape, 2));
            accept(&layer.verify(&input));
            (layer, input)
        });
        let mut output = layer.forward(input).expect("the input suits the layer");
        let mut scratch = Scratch::new();
        bencher.iter(|| {
            layer.forward_with(black_box(input).view(), black_box(&mut output).view_mut(), &mut scratch)
        });
    });
}

/// The same layer, by generic loops.
fn general<L: Conv2d<Elem = f32>>(group: &mut BenchmarkGroup<'_, WallTime>, shape: [usize; 4]) {
    let prepared = OnceCell::new();
    group.bench_function("generic", |bencher| {
        let (weight, bias, input) = prepared.get_or_init(|| {
            let (layer, input) = (L::init(1), Tensor::randn(shape, 2));
            let (weight, bias) = (layer.weight(), layer.bias());
            let output = generic::conv2d(&input, &weight, bias.as_ref(), &L::CONFIG);
            let output = output.expect("the input suits the layer");
            accept(&generic::verify(&output, &input, &weight, bias.as_ref(), &L::CONFIG));
            (weight, bias, input)
        });
        bencher.iter(|| generic::conv2d(black_box(input), weight, bias.as_ref(), &L::CONFIG));
    });
}

/// Stops at a layer that is wrong: its time would say nothing.
fn accept(verification: &Result<Verification, Error>) {
    match verification {
        Ok(report) => assert!(report.passed(), "{report}"),
        Err(error) => panic!("{error}"),
    }
}
