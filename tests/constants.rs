//! Layers with weights in the program: each against its twin that loads the same weights at run time, and
//! against the definition. All numbers are small integers, so results are equal to the bit.
//!
//! The order of packed weights is written down twice, in `conv-macros` and in `conv-runtime`: a constant's
//! `weight()` is what the one has packed and the other unpacked.

#[path = "common/again.rs"]
mod again;

use conv_runtime::prelude::*;
use conv_runtime::safetensors::SafeTensors;
use conv_runtime::{Element, Isa, Layer};

use again::again;

static CHECKPOINT: &[u8] = include_bytes!("data/layers.safetensors");

/// Images are a bit larger than a tile, or of the size that the layer is made for.
macro_rules! rows {
    ($visit:ident) => {
        $visit! {
            oc, "oc", [2, 8, 9, 17], { in: 8, out: 40, k: 3, padding: 1 };
            grouped, "grouped", [1, 6, 11, 20], { in: 6, out: 10, k: (2, 3), stride: 2, groups: 2 };
            depthwise, "depthwise", [1, 9, 21, 19], { in: 9, out: 9, k: 3, padding: 1, padding_mode: reflect, groups: 9, bias: false };
            multiplied, "multiplied", [2, 3, 7, 33], { in: 3, out: 6, k: 3, padding: same, padding_mode: circular, groups: 3 };
            pointwise, "pointwise", [1, 5, 6, 7], { in: 5, out: 17, k: 1 };
            rows, "rows", [1, 2, 40, 35], { in: 2, out: 3, k: 5, dilation: (1, 2), bias: false };
            tiny, "tiny", [3, 1, 5, 4], { in: 1, out: 4, k: (2, 3), input: (5, 4) };
            fixed, "fixed", [1, 1, 28, 28], { in: 1, out: 6, k: 5, padding: 2, input: (28, 28) };
            double, "double", [1, 5, 12, 13], { in: 5, out: 7, k: 3, padding: 1, dtype: f64 };
            stem, "stem", [1, 3, 31, 29], { in: 3, out: 33, k: 7, stride: 2, padding: 3 };
        }
    };
}

/// For each row a layer that is a constant, its twin, and a call of [`compare`].
macro_rules! compare_all {
    ($($name:ident, $tensor:literal, [$($size:literal),*], { $($keys:tt)* };)*) => {
        fn compare_all() {
            $({
                conv2d! {
                    struct Constant<$($keys)*, weights: "tests/data/layers.safetensors", tensor: $tensor>;
                    struct Twin<$($keys)*, algorithm: direct>;
                }
                compare::<Twin, _>(&Constant, stringify!($name), [$($size),*]);
            })*
        }
    };
}

rows!(compare_all);

#[expect(clippy::cast_precision_loss, reason = "less than nine")]
fn compare<Twin: Conv2d, C: Layer<Elem = Twin::Elem>>(constant: &C, name: &str, shape: [usize; 4]) {
    let checkpoint = SafeTensors::deserialize(CHECKPOINT).expect("the file is sound");
    let twin = Twin::load(&checkpoint, name).expect("the file has the layer");
    assert_eq!(constant.weight(), twin.weight(), "{name}");
    assert_eq!(constant.bias(), twin.bias(), "{name}");
    assert_eq!(constant.isa(), twin.isa(), "{name}");
    let small =
        |[n, c, y, x]: [usize; 4]| Twin::Elem::from_f64(((n + 3 * c + 5 * y + 7 * x) % 9) as f64 - 4.0);
    let image = Tensor::from_fn(shape, small);
    let output = constant.forward(&image).expect("the image suits the layer");
    assert_eq!(output, twin.forward(&image).expect("the image suits the layer"), "{name}");
    let report = constant.verify(&image).expect("the image suits the layer");
    assert!(report.max_abs_error() == 0.0, "{name}: {report}");
}

#[test]
fn constants_equal_their_twins() {
    compare_all();
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn constants_equal_their_twins_on_every_instruction_set() {
    on_every_instruction_set("constants_equal_their_twins");
}

/// Runs a test on every instruction set of this machine: a constant follows `CONV_ISA`, which is read once in a
/// process.
fn on_every_instruction_set(name: &str) {
    for isa in Isa::available() {
        again(name, isa.name());
    }
}

/// Layers of PyTorch's cases with more weights than are looked at one by one: kernels of all vector widths read them in
/// the same order, and some in the form that minimal filtering wants. Images are larger than PyTorch's.
macro_rules! large {
    ($visit:ident) => {
        $visit! {
            "big_3x3", [2, 64, 13, 11], { in: 64, out: 64, k: 3, padding: 1, bias: false };
            "big_3x3", [1, 64, 9, 18], { in: 64, out: 64, k: 3, padding: 1, bias: false, algorithm: direct };
            "big_3x3", [1, 64, 14, 14], { in: 64, out: 64, k: 3, padding: 2, padding_mode: reflect, bias: false,
                algorithm: winograd, input: (14, 14) };
            "big_grouped", [1, 128, 9, 7], { in: 128, out: 128, k: 3, stride: 2, padding: 1, groups: 8 };
            "big_pointwise", [1, 128, 3, 7], { in: 128, out: 128, k: 1 };
            "big_rect", [1, 96, 3, 19], { in: 96, out: 17, k: (1, 5), padding: (0, 2), algorithm: winograd };
            "docs_dilated", [1, 16, 9, 12],
                { in: 16, out: 33, k: (3, 5), stride: (2, 1), padding: (4, 2), dilation: (3, 1), input: (9, 12) };
            "plane_24x24", [1, 16, 24, 24], { in: 16, out: 24, k: 3, padding: 1, input: (24, 24) };
        }
    };
}

macro_rules! large_all {
    ($($tensor:literal, $size:expr, { $($keys:tt)* };)*) => {
        fn large_all() {
            $({
                conv2d! {
                    struct Constant<$($keys)*, weights: "tests/data/public.safetensors", tensor: $tensor>;
                    struct Twin<$($keys)*>;
                }
                large::<Twin, _>(&Constant, $tensor, $size);
            })*
        }
    };
}

large!(large_all);

/// Numbers of all kinds, so that results are as near to the definition as rounding allows.
fn large<Twin: Conv2d<Elem = f32>, C: Layer<Elem = f32>>(constant: &C, name: &str, shape: [usize; 4]) {
    let file = include_bytes!("data/public.safetensors");
    let twin = Twin::load(&SafeTensors::deserialize(file).expect("the file is sound"), name);
    let twin = twin.expect("the file has the layer");
    assert_eq!(constant.weight(), twin.weight(), "{name}");
    assert_eq!(constant.bias(), twin.bias(), "{name}");
    let image = Tensor::randn(shape, 5);
    let mut output = Tensor::full(twin.forward(&image).expect("the image suits the layer").shape(), f32::NAN);
    let mut scratch = Scratch::new();
    constant.forward_with(image.view(), output.view_mut(), &mut scratch).expect("the image suits the layer");
    let report = constant.verify(&image).expect("the image suits the layer");
    assert!(report.passed(), "{name}: {report}");
    let again = constant.forward(&image).expect("the image suits the layer");
    assert_eq!(output, again, "{name}: a pass depends on what its memory held before");
}

#[test]
fn large_constants_compute_the_definition() {
    large_all();
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn large_constants_compute_the_definition_on_every_instruction_set() {
    on_every_instruction_set("large_constants_compute_the_definition");
}

#[test]
fn constants_are_transformed_where_that_keeps_what_they_are() {
    conv2d! {
        struct Few<in: 64, out: 64, k: 3, padding: 1, bias: false, input: (56, 56),
            weights: "tests/data/public.safetensors", tensor: "big_3x3">;
        struct Direct<in: 64, out: 64, k: 3, padding: 1, bias: false, input: (56, 56), algorithm: direct,
            weights: "tests/data/public.safetensors", tensor: "big_3x3">;
        struct Integers<in: 8, out: 40, k: 3, padding: 1, input: (56, 56),
            weights: "tests/data/layers.safetensors", tensor: "oc">;
    }
    assert!(Few::PLAN.contains("winograd"), "{}", Few::PLAN);
    assert!(!Direct::PLAN.contains("winograd"), "{}", Direct::PLAN);
    assert!(!Integers::PLAN.contains("winograd"), "sums of integers are exact: {}", Integers::PLAN);
}

#[test]
fn a_bias_that_the_layer_has_no_place_for_is_refused() {
    conv2d! { struct NoBias<in: 1, out: 4, k: (2, 3), input: (5, 4), bias: false>; }
    let checkpoint = SafeTensors::deserialize(CHECKPOINT).expect("the file is sound");
    let error = NoBias::load(&checkpoint, "tiny").map(|_| "a layer").unwrap_err();
    assert!(matches!(error, Error::BiasUnexpected { got: 4 }), "{error}");
}

/// Columns that differ by more than numbers of the type do are no multiples of each other.
#[test]
fn columns_of_any_size_are_columns() {
    conv2d! {
        struct Far<in: 1, out: 1, k: (1, 2), input: (9, 70), bias: false, weights: [[[[1e-40, 1]]]]>;
        struct Tail<in: 1, out: 1, k: (1, 3), input: (9, 70), bias: false, weights: [[[[7.3468396926392969e-40, 0.0078125, 1]]]]>;
        struct Near<in: 1, out: 1, k: (1, 2), input: (9, 70), bias: false, weights: [[[[0.000000953674316, 1]]]]>;
    }
    fn check<C: Layer<Elem = f32>>(constant: &C) {
        for size in [1.0, 1e-20, 1e20] {
            let image = Tensor::<f32, 3>::randn([1, 9, 70], 3);
            let image = Tensor::from_fn(image.shape(), |at| image[at] * size);
            let report = constant.verify(&image).expect("the image suits the layer");
            assert!(report.passed(), "{} times {size}: {report}", C::CONFIG);
        }
    }
    check(&Far);
    check(&Tail);
    check(&Near);
}

#[test]
fn from_an_array_file() -> Result<(), Error> {
    conv2d! {
        struct Sharpen<in: 1, out: 1, k: 3, padding: 1, padding_mode: replicate, bias: [0.5], dtype: f64,
            weights: "tests/data/sharpen.npy">;
    }
    let flat = Tensor::full([1, 4, 4], 2.0);
    assert_eq!(Sharpen.forward(&flat)?, Tensor::full([1, 4, 4], 2.5));
    assert_eq!(Sharpen.weight().as_slice()[3..6], [-1.0, 5.0, -1.0]);
    Ok(())
}

#[test]
fn a_constant_takes_no_memory() {
    conv2d! { struct Fixed<in: 1, out: 2, k: 1, bias: [1, 2], input: (2, 2), weights: [[[[3]]], [[[4]]]]>; }
    const LAYER: Fixed = Fixed;
    assert_eq!(size_of_val(&LAYER), 0);
    let mut output = [[[0.0; 2]; 2]; 2];
    LAYER.forward_array(&[[[1.0, 2.0], [3.0, 4.0]]], &mut output);
    assert_eq!(output, [[[4.0, 7.0], [10.0, 13.0]], [[6.0, 10.0], [14.0, 18.0]]]);
}

/// Image filters: kernels of every kind whose columns slide, in all padding modes. Images end within a vector,
/// with it, and before the first.
macro_rules! filters {
    ($visit:ident) => {
        $visit! {
            sobel, { in: 1, out: 2, k: 3, padding: 1 },
                [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]];
            gaussian, { in: 1, out: 1, k: 5, padding: 2, padding_mode: reflect }, [[[
                [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625], [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
                [0.0234375, 0.09375, 0.140625, 0.09375, 0.0234375], [0.015625, 0.0625, 0.09375, 0.0625, 0.015625],
                [0.00390625, 0.015625, 0.0234375, 0.015625, 0.00390625]]]];
            laplacian, { in: 1, out: 1, k: 3, padding: 1, padding_mode: replicate }, [[[[0, 1, 0], [1, -4, 1], [0, 1, 0]]]];
            box_filter, { in: 1, out: 1, k: 3, padding: same, padding_mode: circular }, [[[[1, 1, 1], [1, 1, 1], [1, 1, 1]]]];
            emboss, { in: 1, out: 1, k: 3, padding: ((2, 0), (0, 1)) }, [[[[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]]];
            plain, { in: 1, out: 1, k: 3 }, [[[[3, 7, -2], [5, 11, 4], [9, -6, 8]]]];
            sparse, { in: 1, out: 1, k: 3, padding: 1, dilation: 2, dtype: f64 }, [[[[0, 0, 5], [0, 0, 0], [-1, 0, 0]]]];
            halves, { in: 2, out: 1, k: (2, 3), padding: (1, 1), stride: (2, 1) },
                [[[[1, 2, 1], [1, 2, 1]], [[-1, 0, 1], [2, 4, 2]]]];
            wide, { in: 1, out: 1, k: (1, 4), padding: same }, [[[[1, 3, 3, 1]]]];
            nothing, { in: 1, out: 2, k: 3, padding: 1 },
                [[[[0, 0, 0], [0, 0, 0], [0, 0, 0]]], [[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]];
        }
    };
}

/// For each filter a layer that is a constant, its twin, and calls of [`filter`]; the same for an image size
/// that is known.
macro_rules! filter_all {
    ($($name:ident, { $($keys:tt)* }, $weights:tt;)*) => {
        fn filter_all() {
            $({
                conv2d! {
                    struct Constant<$($keys)*, bias: false, weights: $weights>;
                    struct Known<$($keys)*, bias: false, weights: $weights, input: (12, 37)>;
                    struct Twin<$($keys)*, bias: false, algorithm: direct>;
                }
                for (h, w) in [(3, 5), (5, 16), (7, 17), (9, 33), (12, 37), (40, 64)] {
                    filter::<Twin, _>(&Constant, stringify!($name), [h, w]);
                }
                filter::<Twin, _>(&Known, stringify!($name), [12, 37]);
            })*
        }
    };
}

filters!(filter_all);

/// Numbers are so small that nothing rounds.
fn filter<Twin: Conv2d, C: Layer<Elem = Twin::Elem>>(constant: &C, name: &str, [h, w]: [usize; 2]) {
    let [_, channels, _, _] = constant.weight().shape();
    let twin = Twin::new(&constant.weight(), None).expect("the weights are a layer's");
    let value = |[n, c, y, x]: [usize; 4]| {
        Twin::Elem::from_f64(((3 * n + 5 * c + 7 * y + y * x + x) % 13) as f64 - 6.0)
    };
    let image = Tensor::from_fn([2, channels, h, w], value);
    let expected = twin.forward(&image).expect("the image suits the layer");
    let mut output = expected.clone();
    output.as_mut_slice().fill(Twin::Elem::from_f64(f64::NAN));
    let mut scratch = Scratch::new();
    constant.forward_with(image.view(), output.view_mut(), &mut scratch).expect("the image suits the layer");
    assert_eq!(output, expected, "{name}, {h}x{w}");
    let report = constant.verify(&image).expect("the image suits the layer");
    assert!(report.max_abs_error() == 0.0, "{name}, {h}x{w}: {report}");
}

/// Of an image of half a megabyte, bands of rows are computed one after the other.
#[test]
fn large_images_are_filtered_in_bands() {
    conv2d! {
        struct Constant<in: 1, out: 1, k: 3, padding: 1, bias: false, padding_mode: replicate,
            weights: [[[[0, 1, 0], [1, -4, 1], [0, 1, 0]]]]>;
        struct Known<in: 1, out: 1, k: 3, padding: 1, bias: false, padding_mode: replicate,
            weights: [[[[0, 1, 0], [1, -4, 1], [0, 1, 0]]]], input: (1001, 149)>;
        struct Twin<in: 1, out: 1, k: 3, padding: 1, bias: false, padding_mode: replicate, algorithm: direct>;
    }
    filter::<Twin, _>(&Constant, "free", [1001, 149]);
    filter::<Twin, _>(&Known, "known", [1001, 149]);
}

#[test]
fn filters_equal_their_twins() {
    filter_all();
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn filters_equal_their_twins_on_every_instruction_set() {
    on_every_instruction_set("filters_equal_their_twins");
}
