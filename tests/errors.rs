//! What a running program can do wrong: each mistake is an `Err` in torch's words, and nothing panics.

use conv_runtime::prelude::*;
use conv_runtime::{Element, generic};

conv2d! {
    struct Plain<in: 1, out: 4, k: (2, 3)>;
    struct Grouped<in: 4, out: 6, k: 3, groups: 2, padding: (1, 0), stride: 2>;
    struct Dilated<in: 2, out: 3, k: 3, dilation: (2, 4), padding: ((1, 0), (0, 2)), bias: false>;
    struct Reflect<in: 1, out: 1, k: 3, padding: (2, 3), padding_mode: reflect>;
    struct Replicate<in: 2, out: 1, k: 1, padding: ((5, 0), (1, 2)), padding_mode: replicate>;
    struct Circular<in: 1, out: 2, k: 3, padding: (2, 3), padding_mode: circular>;
    struct Padded<in: 1, out: 4, k: 3, padding: 2>;
    struct Pointwise<in: 3, out: 2, k: 1>;
    struct Doubles<in: 1, out: 17, k: 2, stride: (2, 1), dtype: f64>;
    struct Fixed<in: 2, out: 3, k: 3, padding: 1, input: (4, 6)>;
}

/// Memory for an input of this shape, where there can be any.
fn input<E: Element, const R: usize>(shape: [usize; R]) -> Option<Tensor<E, R>> {
    let elements = if shape.contains(&0) {
        Some(0)
    } else {
        shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size))
    };
    let elements = elements.filter(|elements| *elements <= 1 << 16)?;
    Some(Tensor::from_vec(shape, vec![E::ONE; elements]).expect("as many as the shape says"))
}

/// Every way to run the layer refuses the shape with this sentence.
fn refused<L: Conv2d, const R: usize>(shape: [usize; R], sentence: &str) {
    let says = |result: Result<(), Error>| {
        let error = result.expect_err(&format!("{} takes {shape:?}", L::CONFIG));
        assert_eq!(error.to_string(), sentence, "{}, {shape:?}", L::CONFIG);
    };
    says(L::output_shape(shape).map(drop));
    let Some(x) = input::<L::Elem, R>(shape) else { return };
    let layer = L::init(1);
    let nowhere = || TensorViewMut::new([0; R], &mut []).expect("no elements");
    says(layer.forward(&x).map(drop));
    says(layer.verify(&x).map(drop));
    if R > 0 {
        says(layer.forward_into(x.view(), nowhere()));
        says(layer.forward_with(x.view(), nowhere(), &mut Scratch::new()));
    }
}

#[test]
fn rank() {
    let sentence = |shape: &[usize]| {
        format!("Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: {shape:?}")
    };
    refused::<Plain, 0>([], &sentence(&[]));
    refused::<Plain, 1>([5], &sentence(&[5]));
    refused::<Plain, 2>([5, 5], &sentence(&[5, 5]));
    refused::<Plain, 5>([1, 1, 1, 5, 5], &sentence(&[1, 1, 1, 5, 5]));
    refused::<Reflect, 2>([9, 9], &sentence(&[9, 9]));
    refused::<Fixed, 2>([4, 6], &sentence(&[4, 6]));
    refused::<Doubles, 5>([0, usize::MAX, 1, 5, 5], &sentence(&[0, usize::MAX, 1, 5, 5]));
}

#[test]
fn padding_beyond_the_image() {
    let too_wide = "Argument #4: Padding size should be less than the corresponding input dimension, but got: \
                    padding (3, 3) at dimension 3 of input [1, 1, 3, 3]";
    refused::<Reflect, 4>([1, 1, 3, 3], too_wide);
    let too_high = "Argument #6: Padding size should be less than the corresponding input dimension, but got: \
                    padding (2, 2) at dimension 1 of input [1, 2, 9]";
    refused::<Reflect, 3>([1, 2, 9], too_high);
    refused::<Circular, 3>([1, 5, 2], "Padding value causes wrapping around more than once.");
    refused::<Circular, 4>([0, 1, 1, 5], "Padding value causes wrapping around more than once.");
    let empty = |shape: &str| {
        format!(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for \
             input, but got: {shape}"
        )
    };
    refused::<Reflect, 4>([1, 1, 0, 5], &empty("[1, 1, 0, 5]"));
    refused::<Replicate, 3>([0, 5, 5], &empty("[0, 5, 5]"));
    refused::<Replicate, 4>([0, 2, 5, 0], &empty("[0, 2, 5, 0]"));
    // The padding is looked at before the channels.
    refused::<Reflect, 4>([1, 2, 3, 3], &too_wide.replace("[1, 1, 3, 3]", "[1, 2, 3, 3]"));
}

#[test]
fn channels() {
    refused::<Plain, 4>(
        [1, 2, 5, 5],
        "Given groups=1, weight of size [4, 1, 2, 3], expected input[1, 2, 5, 5] to have 1 channels, but got 2 \
         channels instead",
    );
    // An image without a batch is reported with a leading 1.
    refused::<Grouped, 3>(
        [3, 5, 5],
        "Given groups=2, weight of size [6, 2, 3, 3], expected input[1, 3, 5, 5] to have 4 channels, but got 3 \
         channels instead",
    );
    refused::<Pointwise, 4>(
        [0, 0, 0, 0],
        "Given groups=1, weight of size [2, 3, 1, 1], expected input[0, 0, 0, 0] to have 3 channels, but got 0 \
         channels instead",
    );
    // The channels are looked at before the kernel's size.
    refused::<Plain, 3>(
        [9, 1, 1],
        "Given groups=1, weight of size [4, 1, 2, 3], expected input[1, 9, 1, 1] to have 1 channels, but got 9 \
         channels instead",
    );
}

#[test]
fn kernel_beyond_the_image() {
    let sentence = |padded: &str, kernel: &str| {
        format!(
            "Calculated padded input size per channel: ({padded}). Kernel size: ({kernel}). Kernel size can't be \
             greater than actual input size"
        )
    };
    refused::<Plain, 4>([1, 1, 1, 4], &sentence("1 x 4", "2 x 3"));
    refused::<Plain, 3>([1, 2, 2], &sentence("2 x 2", "2 x 3"));
    refused::<Dilated, 4>([2, 2, 4, 6], &sentence("5 x 8", "5 x 9"));
    refused::<Grouped, 4>([1, 4, 0, 5], &sentence("2 x 5", "3 x 3"));
    refused::<Plain, 4>([0, 1, 1, 1], &sentence("1 x 1", "2 x 3"));
}

#[test]
fn no_pixels() {
    let sentence = |shape: &str| {
        format!("Only zero batch or zero channel inputs are supported, but got input shape: {shape}")
    };
    refused::<Padded, 4>([1, 1, 0, 5], &sentence("[1, 1, 0, 5]"));
    refused::<Padded, 3>([1, 5, 0], &sentence("[1, 1, 5, 0]"));
}

#[test]
fn sizes_beyond_the_machine() {
    const MAX: usize = usize::MAX;
    let storage = |shape: [usize; 4]| format!("Storage size calculation overflowed with sizes={shape:?}");
    let padded = |size: [usize; 2], padding: [[usize; 2]; 2]| {
        format!("Padded input size calculation overflowed with size={size:?}, padding={padding:?}")
    };
    refused::<Plain, 4>([0, 1, MAX, 5], &storage([0, 1, MAX, 5]));
    refused::<Plain, 4>([MAX, 1, MAX, MAX], &storage([MAX, 1, MAX, MAX]));
    refused::<Plain, 4>([MAX, 1, 5, 5], &storage([MAX, 1, 5, 5]));
    refused::<Plain, 4>([0, 1, MAX / 4, 3], &storage([0, 4, MAX / 4 - 1, 1]));
    refused::<Padded, 4>([0, 1, MAX, 5], &padded([MAX, 5], [[2, 2], [2, 2]]));
    refused::<Padded, 4>([0, 1, MAX - 3, 5], &padded([MAX - 3, 5], [[2, 2], [2, 2]]));
    refused::<Dilated, 4>([0, 2, 9, MAX - 1], &padded([9, MAX - 1], [[1, 0], [0, 2]]));
    refused::<Doubles, 3>([1, MAX, MAX], &storage([1, 1, MAX, MAX]));
    refused::<Circular, 4>([0, 1, MAX, 5], &padded([MAX, 5], [[2, 2], [3, 3]]));
    refused::<Replicate, 4>([0, 2, MAX, 5], &padded([MAX, 5], [[5, 0], [1, 2]]));
}

#[test]
fn another_size_than_the_one_compiled_for() {
    let sentence = |got: &str| {
        format!(
            "expected input of height and width [4, 6], for which the layer was compiled, but got {got} instead"
        )
    };
    refused::<Fixed, 4>([1, 2, 6, 4], &sentence("[6, 4]"));
    refused::<Fixed, 3>([2, 4, 7], &sentence("[4, 7]"));
    refused::<Fixed, 4>([0, 2, 5, 5], &sentence("[5, 5]"));
    // What no layer accepts is said first.
    refused::<Fixed, 4>(
        [1, 1, 5, 5],
        "Given groups=1, weight of size [3, 2, 3, 3], expected input[1, 1, 5, 5] to have 2 channels, but got 1 \
         channels instead",
    );
}

#[test]
fn an_output_of_another_shape() {
    let layer = Plain::init(1);
    let x = Tensor::<f32, 4>::zeros([2, 1, 5, 4]); // makes [2, 4, 4, 2]
    for shape in [[2, 4, 2, 4], [1, 4, 4, 2], [2, 4, 4, 0], [0, 0, 0, 0], [2, 4, 5, 2]] {
        let mut y = Tensor::full(shape, 7.0);
        let error =
            layer.forward_with(x.view(), y.view_mut(), &mut Scratch::new()).expect_err("another shape");
        let sentence =
            format!("expected output of size [2, 4, 4, 2], but got output of size {shape:?} instead");
        assert_eq!(error.to_string(), sentence);
        assert_eq!(layer.forward_into(x.view(), y.view_mut()), Err(error));
        assert!(y.iter().all(|y| *y == 7.0), "an error writes nothing");
    }
}

#[test]
fn parameters_of_another_shape() {
    let (weight, bias) = (Tensor::<f32, 4>::zeros([4, 1, 2, 3]), Tensor::<f32, 1>::zeros([4]));
    let says = |result: Result<Plain, Error>, sentence: &str| {
        assert_eq!(result.err().map(|error| error.to_string()).as_deref(), Some(sentence));
    };
    let swapped = "expected weight of size [4, 1, 2, 3], but got weight of size [4, 1, 3, 2] instead";
    says(Plain::new(&Tensor::zeros([4, 1, 3, 2]), Some(&bias)), swapped);
    let flipped = "expected weight of size [4, 1, 2, 3], but got weight of size [1, 4, 2, 3] instead";
    says(Plain::new(&Tensor::zeros([1, 4, 2, 3]), Some(&bias)), flipped);
    let missing = "expected bias of size [4], because the layer has bias=true, but got no bias";
    says(Plain::new(&weight, None), missing);
    let long = "Given weight of size [4, 1, 2, 3], expected bias to be 1-dimensional with 4 elements, but got \
                bias of size [5] instead";
    says(Plain::new(&weight, Some(&Tensor::zeros([5]))), long);
    let error = Dilated::new(&Tensor::zeros([3, 2, 3, 3]), Some(&Tensor::zeros([3]))).err();
    let unexpected = "expected no bias, because the layer has bias=false, but got bias of size [3]";
    assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(unexpected));
}

#[test]
fn an_empty_batch_is_no_mistake() {
    let y = Padded::init(1).forward(&Tensor::<f32, 4>::zeros([0, 1, 0, 5])).expect("torch takes it, too");
    assert_eq!(y.shape(), [0, 4, 2, 7]);
    let y = Fixed::init(1).forward(&Tensor::<f32, 4>::zeros([0, 2, 4, 6])).expect("the right size");
    assert_eq!(y.shape(), [0, 3, 4, 6]);
    let y = Reflect::init(1).forward(&Tensor::<f32, 4>::zeros([0, 1, 4, 4])).expect("the right size");
    assert_eq!(y.shape(), [0, 1, 6, 8]);
}

/// Sizes that shapes are made of: those around the kernels, and those around the ends of `usize`.
const SIZES: [usize; 16] = [
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    9,
    17,
    1 << (usize::BITS / 4),
    1 << (usize::BITS / 2),
    usize::MAX / 8,
    usize::MAX / 2,
    usize::MAX - 1,
    usize::MAX,
];

/// The layer does with this shape what the definition does.
fn as_the_definition<L: Conv2d, const R: usize>(layer: &L, shape: [usize; R]) {
    let place = format!("{}, {shape:?}", L::CONFIG);
    let expected = L::CONFIG.output_shape(shape);
    assert_eq!(L::output_shape(shape), expected, "{place}");
    let Some(x) = input::<L::Elem, R>(shape) else { return };
    let definition = generic::conv2d(&x, &layer.weight(), layer.bias().as_ref(), &L::CONFIG);
    match (layer.forward(&x), definition) {
        (Ok(y), Ok(definition)) => {
            assert_eq!(Ok(y.shape()), expected, "{place}");
            assert_eq!(y.shape(), definition.shape(), "{place}");
            let report = layer.verify(&x).expect("it has just run");
            assert!(report.passed(), "{place}: {report}");
        }
        (y, definition) => assert_eq!(y.err(), definition.err(), "{place}"),
    }
}

#[test]
fn random_shapes_do_as_the_definition_does() {
    fn check<L: Conv2d>() {
        let layer = L::init(1);
        let mut state = 1_u64;
        let mut draw = |sizes: &[usize]| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sizes[usize::try_from(state >> 33).expect("31 bits") % sizes.len()]
        };
        for _ in 0..3000 {
            // The right channels now and then, or hardly any shape would come further than that.
            let other = draw(&SIZES);
            let channels = draw(&[L::CONFIG.in_channels, L::CONFIG.in_channels, other]);
            let size = [draw(&SIZES), draw(&SIZES)];
            let small = [draw(&SIZES[..10]), draw(&SIZES[..10])];
            as_the_definition(&layer, [channels, size[0], size[1]]);
            as_the_definition(&layer, [channels, small[0], small[1]]);
            as_the_definition(&layer, [draw(&SIZES), channels, size[0], size[1]]);
            as_the_definition(&layer, [draw(&SIZES[..4]), channels, small[0], small[1]]);
            as_the_definition(&layer, [draw(&SIZES), draw(&SIZES)]);
            as_the_definition(&layer, [1, 1, channels, small[0], small[1]]);
        }
    }
    check::<Plain>();
    check::<Grouped>();
    check::<Dilated>();
    check::<Reflect>();
    check::<Replicate>();
    check::<Circular>();
    check::<Padded>();
    check::<Pointwise>();
    check::<Doubles>();
}
