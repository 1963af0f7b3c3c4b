//! The gradients of generated layers, over every layer of the suite.
//!
//! ```text
//! cargo bench --bench backward                  # everything
//! cargo bench --bench backward -- rn_3x3        # the layers whose names begin so
//! cargo bench --bench backward -- /weight       # one column
//! ```
//!
//! For each layer, made for its image size, there are three: `input`, `weight`, and `all`, which is both and the
//! biases' gradient. They write to memory that is there already, on one core. `Gelem/s` are GFLOP/s: an element is
//! one floating-point operation of the definition, which has as many for the gradient of the input as `forward`,
//! and as many again for that of the weights.
//!
//! Before a layer is timed, its gradients are checked: a layer is linear in its input and in its weights, so its
//! output, without biases, has the same product with the output's gradient as the input and the weights have with
//! theirs.

use std::cell::OnceCell;
use std::hint::black_box;
use std::time::Duration;

use conv_runtime::prelude::*;
use conv_runtime::{Gradients, GradientsMut, Layer};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use layers::for_each_suite_layer;

/// A function for each layer, and `every_layer`, which calls them all.
macro_rules! benches {
    ($($name:ident, $batch:literal, ($h:literal, $w:literal), { $($keys:tt)* };)*) => {
        $(fn $name(criterion: &mut Criterion) {
            use layers::$name::Known;
            layer::<Known>(criterion, stringify!($name), [$batch, Known::CONFIG.in_channels, $h, $w]);
        })*

        fn every_layer(criterion: &mut Criterion) {
            $($name(criterion);)*
        }
    };
}

for_each_suite_layer!(benches);

criterion_group!(gradients, every_layer);
criterion_main!(gradients);

/// A layer, its input, and a gradient of its output.
struct Case<L> {
    layer: L,
    input: Tensor<f32, 4>,
    grad: Tensor<f32, 4>,
}

/// Which gradients are wanted: input, weights, biases.
type Wanted = [bool; 3];

/// The benches of one layer.
fn layer<L: Conv2d<Elem = f32>>(criterion: &mut Criterion, name: &str, shape: [usize; 4]) {
    let output = L::output_shape(shape).expect("the suite's images suit its layers");
    let [_, channels, kh, kw] = L::CONFIG.weight_shape();
    let flops = 2 * (output.into_iter().product::<usize>() * channels * kh * kw) as u64;
    let mut group = criterion.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    let case = OnceCell::new(); // what the filter leaves out is not even prepared
    let case = || {
        case.get_or_init(|| {
            let (layer, input, grad) = (L::init(1), Tensor::randn(shape, 2), Tensor::randn(output, 3));
            let case = Case { layer, input, grad };
            case.check();
            case
        })
    };
    column(&mut group, "input", flops, case, [true, false, false]);
    column(&mut group, "weight", flops, case, [false, true, false]);
    column(&mut group, "all", 2 * flops, case, [true; 3]);
    group.finish();
}

fn column<'a, L: Conv2d<Elem = f32> + 'a>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    flops: u64,
    case: impl Fn() -> &'a Case<L>,
    wanted: Wanted,
) {
    group.throughput(Throughput::Elements(flops));
    group.bench_function(name, |bencher| {
        let case = case();
        let mut gradients = case.layer.backward(&case.input, &case.grad).expect("the shapes suit");
        let mut scratch = Scratch::new();
        bencher.iter(|| case.run(wanted, black_box(&mut gradients), &mut scratch));
    });
}

impl<L: Conv2d<Elem = f32>> Case<L> {
    fn run(&self, wanted: Wanted, gradients: &mut Gradients<f32, 4>, scratch: &mut Scratch) {
        let Gradients { input, weight, bias } = gradients;
        let places = GradientsMut {
            input: wanted[0].then(|| input.view_mut()),
            weight: wanted[1].then(|| weight.view_mut()),
            bias: bias.as_mut().filter(|_| wanted[2]).map(Tensor::view_mut),
        };
        let done = self.layer.backward_with(black_box(&self.input).view(), self.grad.view(), places, scratch);
        done.expect("the shapes suit");
    }

    /// Stops at gradients that are wrong: their time would say nothing.
    fn check(&self) {
        let unbiased = L::new(&self.layer.weight(), Some(&Tensor::zeros([L::CONFIG.out_channels])));
        let output = unbiased.and_then(|layer| layer.forward(&self.input)).expect("the shapes suit");
        let Gradients { input, weight, bias } =
            self.layer.backward(&self.input, &self.grad).expect("the shapes suit");
        let (expected, scale) = product(&output, &self.grad);
        for (got, _) in [product(&self.input, &input), product(&self.layer.weight(), &weight)] {
            assert!((got - expected).abs() < 1e-5 * scale, "{}: {got} is not {expected}", L::CONFIG);
        }
        let (got, expected) = (bias.map(|bias| sum(&bias)), sum(&self.grad));
        assert!(got.is_none_or(|got| (got - expected).abs() < 1e-5 * scale), "{}: biases", L::CONFIG);
    }
}

fn sum<const R: usize>(values: &Tensor<f32, R>) -> f64 {
    values.iter().copied().map(f64::from).sum()
}

/// The product of two tensors, and that of their absolute values.
fn product<const R: usize>(a: &Tensor<f32, R>, b: &Tensor<f32, R>) -> (f64, f64) {
    let products = a.iter().zip(b.iter()).map(|(a, b)| f64::from(*a) * f64::from(*b));
    products.fold((0.0, 0.0), |(sum, scale), product| (sum + product, scale + product.abs()))
}
