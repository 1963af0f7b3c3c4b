//! On any number of threads a layer computes the same bits as on one, and its gradients, too.

use conv_runtime::prelude::*;
use conv_runtime::{Element, Gradients, Isa};

conv2d! {
    struct Depthwise<in: 48, out: 48, k: 3, padding: 1, groups: 48>;
    struct DepthwiseKnown<in: 48, out: 48, k: 5, padding: 2, groups: 48, padding_mode: reflect, input: (63, 61)>;
    struct Margins<in: 10, out: 10, k: 3, padding: 3, groups: 10>;
    struct Photograph<in: 1, out: 1, k: 3, padding: 1, padding_mode: replicate>;
    struct PhotographKnown<in: 3, out: 3, k: 5, padding: 2, groups: 3, input: (601, 517)>;
    struct Planes<in: 3, out: 3, k: 5, padding: 2, groups: 3>;
    struct OneBlock<in: 16, out: 24, k: 3, padding: 1, algorithm: direct>;
    struct OneBlockKnown<in: 16, out: 24, k: 3, stride: 2, padding: 1, input: (120, 121)>;
    struct Filtered<in: 32, out: 32, k: 3, padding: 1, algorithm: winograd>;
    struct FilteredKnown<in: 32, out: 80, k: 3, padding: 1, algorithm: winograd, input: (62, 63)>;
    struct Pointwise<in: 96, out: 200, k: 1>;
    struct Weights<in: 320, out: 512, k: 1, input: (7, 7)>;
    struct Pyramid<in: 64, out: 160, k: 3, padding: 12, dilation: 12, input: (28, 28)>;
    struct Wide<in: 12, out: 18, k: (1, 5), stride: (2, 3), groups: 3, dtype: f64>;
}

/// Bits of the output and of the gradients in a pool of so many threads, and bytes of scratch that `forward` took.
fn run<L: Conv2d>(threads: usize, shape: [usize; 4]) -> (Vec<u64>, usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    pool.install(|| {
        let (layer, input) = (L::init(1), Tensor::randn(shape, 2));
        let mut output = Tensor::full(L::output_shape(shape).expect("fits"), L::Elem::from_f64(f64::NAN));
        let mut scratch = Scratch::new();
        for _ in 0..2 {
            layer.forward_with(input.view(), output.view_mut(), &mut scratch).expect("fits");
        }
        assert!(layer.verify(&input).expect("fits").passed(), "{} on {threads} threads", L::CONFIG);
        let Gradients { input, weight, bias } = layer.backward(&input, &output).expect("fits");
        let bias = bias.expect("the layers have biases");
        let all = [output.as_slice(), input.as_slice(), weight.as_slice(), bias.as_slice()];
        (all.concat().into_iter().map(|value| value.to_f64().to_bits()).collect(), scratch.bytes())
    })
}

fn check<L: Conv2d>(shape: [usize; 4]) {
    let (one, alone) = run::<L>(1, shape);
    for threads in [2, 3, 8] {
        let (bits, shared) = run::<L>(threads, shape);
        assert!(bits == one, "{} on {threads} threads has other bits", L::CONFIG);
        // Each thread has a share of its own.
        assert!(shared > alone, "{} runs on one thread of {threads}", L::CONFIG);
    }
}

#[test]
fn groups_are_shared_out() {
    check::<Depthwise>([1, 48, 90, 95]);
    check::<DepthwiseKnown>([2, 48, 63, 61]);
}

#[test]
fn images_are_shared_out() {
    check::<OneBlock>([7, 16, 40, 41]);
    check::<Wide>([5, 12, 101, 200]);
}

/// A thread may begin with the last groups of an image, and copy more of the next.
#[test]
fn what_another_layer_left_does_not_matter() {
    let nan = Tensor::full([7, 16, 40, 41], f32::NAN);
    let input = Tensor::randn([16, 10, 24, 24], 2);
    let run = |isa: Isa, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(|| {
            let (before, layer, mut scratch) = (OneBlock::init(1), Margins::init(1), Scratch::new());
            let mut output = Tensor::zeros([7, 24, 40, 41]);
            before.on(isa).forward_with(nan.view(), output.view_mut(), &mut scratch).expect("fits");
            let mut output = Tensor::full([16, 10, 28, 28], f32::NAN);
            layer.on(isa).forward_with(input.view(), output.view_mut(), &mut scratch).expect("fits");
            output
        })
    };
    for isa in Isa::available() {
        let alone = run(isa, 1);
        assert_eq!(alone, Margins::init(1).on(isa).forward(&input).expect("fits"), "{isa}");
        for threads in [2, 3, 8] {
            assert_eq!(run(isa, threads), alone, "{threads} threads on {isa}");
        }
    }
}

#[test]
fn rows_are_shared_out() {
    check::<Photograph>([1, 1, 601, 517]);
    check::<PhotographKnown>([1, 3, 601, 517]);
    check::<Planes>([1, 3, 300, 301]);
    check::<OneBlock>([1, 16, 150, 141]);
    check::<OneBlockKnown>([1, 16, 120, 121]);
    check::<Filtered>([1, 32, 63, 62]);
}

#[test]
fn channels_are_shared_out() {
    check::<Pointwise>([1, 96, 30, 31]);
    check::<Weights>([1, 320, 7, 7]);
    check::<Pyramid>([1, 64, 28, 28]);
    check::<FilteredKnown>([1, 32, 62, 63]);
}
