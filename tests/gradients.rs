//! Gradients of all kinds of layers, by what gradients are: the change of a loss.
//!
//! The loss is the sum of the output's elements, each times a random number, and so is linear in the input,
//! in the weights and in the biases: its change along any direction is exactly the gradient's product with
//! the direction, whatever the step.

use conv_runtime::prelude::*;
use conv_runtime::{Gradients, GradientsMut, Isa, Layer};

macro_rules! layers {
    ($($name:ident, $shape:expr, { $($keys:tt)* };)*) => {
        $(conv2d! { #[derive(Clone)] struct $name<$($keys)*, dtype: f64>; })*

        /// Calls a function for each of the layers.
        macro_rules! for_each_layer {
            ($visit:ident) => { $($visit::<$name>($shape);)* };
        }
    };
}

layers! {
    Plain, [2, 3, 7, 9], { in: 3, out: 5, k: 3 };
    Wide, [1, 20, 12, 13], { in: 20, out: 40, k: 3, padding: 1 };
    Pointwise, [3, 6, 5, 7], { in: 6, out: 17, k: 1 };
    Planes, [2, 9, 41, 43], { in: 9, out: 7, k: 1 };
    PlanesInGroups, [1, 22, 35, 33], { in: 22, out: 10, k: 1, groups: 2, input: (35, 33) };
    Deep, [2, 40, 4, 5], { in: 40, out: 72, k: 1 };
    Rows, [2, 46, 6, 7], { in: 46, out: 106, k: 1, groups: 2, input: (6, 7) };
    Line, [3, 70, 1, 1], { in: 70, out: 90, k: 1 };
    Patches, [2, 48, 9, 8], { in: 48, out: 100, k: 2, stride: 2, padding: 1, groups: 2 };
    PatchesOfTwoBlocks, [2, 8, 40, 40], { in: 8, out: 19, k: 4, stride: 4, input: (40, 40) };
    PatchesApart, [1, 20, 13, 11], { in: 20, out: 33, k: (2, 1), stride: (3, 2), padding_mode: reflect, padding: (1, 0) };
    RowsInBands, [2, 16, 60, 70], { in: 16, out: 96, k: 1, input: (60, 70) };
    Strided, [2, 4, 11, 12], { in: 4, out: 8, k: 3, stride: 2, padding: 1 };
    Shortcut, [2, 3, 6, 8], { in: 3, out: 4, k: 1, stride: 2 };
    ShortcutOfRows, [1, 3, 6, 8], { in: 3, out: 4, k: (3, 1), stride: 2, padding: (1, 0) };
    DilatedAsStrided, [1, 3, 8, 10], { in: 3, out: 4, k: 3, stride: 2, dilation: 2, padding: 2 };
    Sparse, [1, 2, 14, 17], { in: 2, out: 3, k: (2, 1), stride: (3, 4) };
    Stem, [1, 3, 23, 25], { in: 3, out: 16, k: 7, stride: 2, padding: 3 };
    Dilated, [1, 4, 13, 15], { in: 4, out: 4, k: (3, 2), dilation: (2, 3), padding: (1, 5), groups: 2 };
    Uncommon, [2, 2, 16, 19], { in: 2, out: 4, k: (3, 4), stride: (4, 3), dilation: (2, 2), padding: 3 };
    Depthwise, [2, 6, 9, 37], { in: 6, out: 6, k: 5, padding: 2, groups: 6 };
    DepthwiseRows, [2, 5, 10, 37], { in: 5, out: 5, k: 3, padding: 1, groups: 5 };
    DepthwiseNarrow, [2, 3, 11, 7], { in: 3, out: 3, k: 3, padding: 1, groups: 3, input: (11, 7) };
    DepthwiseStrided, [1, 3, 12, 38], { in: 3, out: 3, k: 3, stride: 2, padding: 1, groups: 3 };
    Parts, [1, 5, 9, 14], { in: 5, out: 9, k: 3, padding: 6, dilation: 6, input: (9, 14) };
    Multiplied, [1, 3, 15, 16], { in: 3, out: 6, k: 3, stride: 2, groups: 3, bias: false };
    Reflected, [2, 2, 6, 7], { in: 2, out: 3, k: 4, padding: same, padding_mode: reflect };
    Replicated, [1, 2, 5, 4], { in: 2, out: 2, k: 1, padding: 2, padding_mode: replicate };
    Circular, [1, 3, 6, 5], { in: 3, out: 2, k: 3, stride: 2, padding: (3, 2), padding_mode: circular };
    Uneven, [1, 2, 6, 6], { in: 2, out: 2, k: 2, padding: ((0, 3), (2, 1)) };
    StridedWide, [1, 40, 13, 15], { in: 40, out: 24, k: 3, stride: 2, padding: 1 };
    StridedDepthwise, [2, 4, 12, 21], { in: 4, out: 4, k: 5, stride: 2, padding: 2, groups: 4, padding_mode: replicate };
    StridedReflected, [1, 3, 9, 10], { in: 3, out: 4, k: (5, 3), stride: (3, 2), padding: (4, 3), padding_mode: reflect };
    Filtered, [2, 16, 9, 11], { in: 16, out: 18, k: 3, padding: 1, algorithm: winograd };
    FilteredCircular, [1, 8, 7, 9], { in: 8, out: 3, k: (3, 5), padding: 2, algorithm: winograd, padding_mode: circular };
    FilteredDilated, [1, 18, 12, 13], { in: 18, out: 16, k: 3, padding: 4, dilation: 2, groups: 2, algorithm: winograd };
    FilteredStrided, [1, 16, 11, 12], { in: 16, out: 18, k: 3, stride: 2, padding: 1, algorithm: winograd };
    Unfiltered, [1, 20, 12, 13], { in: 20, out: 16, k: 3, padding: 1, algorithm: direct };
    Fixed, [2, 4, 8, 10], { in: 4, out: 6, k: 3, stride: (1, 2), padding: 1, input: (8, 10) };
}

fn dot<const R: usize>(a: &Tensor<f64, R>, b: &Tensor<f64, R>) -> f64 {
    a.iter().zip(b.iter()).map(|(a, b)| a * b).sum()
}

fn plus<const R: usize>(a: &Tensor<f64, R>, b: &Tensor<f64, R>) -> Tensor<f64, R> {
    Tensor::from_fn(a.shape(), |at| a[at] + b[at])
}

fn close(name: &str, got: f64, expected: f64) {
    let tolerance = 1e-10 * (1.0 + expected.abs());
    assert!((got - expected).abs() <= tolerance, "{name}: {got} is not {expected}");
}

/// Checks all three gradients on every instruction set.
fn check<L: Conv2d<Elem = f64>>(shape: [usize; 4]) {
    let layer = L::init(1);
    let (x, weight, bias) = (Tensor::<f64, 4>::randn(shape, 2), layer.weight(), layer.bias());
    let y = layer.forward(&x).expect("the shape suits");
    let loss = Tensor::randn(y.shape(), 3);
    let change = |x: &Tensor<f64, 4>, weight: &Tensor<f64, 4>, bias: Option<&Tensor<f64, 1>>| {
        let layer = L::new(weight, bias).expect("the layer's shapes");
        dot(&loss, &layer.forward(x).expect("the shape suits")) - dot(&loss, &y)
    };
    for isa in Isa::available() {
        let name = format!("{} on {isa}", L::CONFIG);
        let gradients = layer.on(isa).backward(&x, &loss).expect("the shape suits");
        for seed in 4..7 {
            let step = Tensor::randn(shape, seed);
            let expected = change(&plus(&x, &step), &weight, bias.as_ref());
            close(&format!("{name}: input"), dot(&gradients.input, &step), expected);
            let step = Tensor::randn(weight.shape(), seed);
            let expected = change(&x, &plus(&weight, &step), bias.as_ref());
            close(&format!("{name}: weight"), dot(&gradients.weight, &step), expected);
            let (Some(bias), Some(gradient)) = (&bias, &gradients.bias) else { continue };
            let step = Tensor::randn(bias.shape(), seed);
            close(
                &format!("{name}: bias"),
                dot(gradient, &step),
                change(&x, &weight, Some(&plus(bias, &step))),
            );
        }
        assert_eq!(bias.is_some(), gradients.bias.is_some(), "{name}");
    }
}

#[test]
fn gradients_are_the_change_of_a_loss() {
    for_each_layer!(check);
}

/// An empty batch, an unbatched image, and the same bits twice.
fn shapes<L: Conv2d<Elem = f64>>([_, c, h, w]: [usize; 4]) {
    let layer = L::init(1);
    let empty = Tensor::<f64, 4>::zeros([0, c, h, w]);
    let y = layer.forward(&empty).expect("an empty batch");
    let Gradients { input, weight, bias } = layer.backward(&empty, &y).expect("an empty batch");
    assert_eq!((input.shape(), weight), (empty.shape(), Tensor::zeros(layer.weight().shape())));
    assert_eq!(bias, layer.bias().map(|bias| Tensor::zeros(bias.shape())));

    let x = Tensor::<f64, 4>::randn([1, c, h, w], 2);
    let one = Tensor::<f64, 3>::from_vec([c, h, w], x.as_slice().to_vec()).expect("as many");
    let grad = layer.forward(&x).expect("the shape suits");
    let [_, o, oh, ow] = grad.shape();
    let grad_of_one = Tensor::from_vec([o, oh, ow], grad.as_slice().to_vec()).expect("as many");
    let (batched, unbatched) = (layer.backward(&x, &grad), layer.backward(&one, &grad_of_one));
    let (batched, unbatched) = (batched.expect("suits"), unbatched.expect("suits"));
    assert_eq!(batched.input.as_slice(), unbatched.input.as_slice());
    assert_eq!((batched.weight, batched.bias), (unbatched.weight, unbatched.bias));
    assert_eq!(layer.backward(&x, &grad), layer.backward(&x, &grad));

    // Of one image the turned weights may be made block by block; those of two are made at once.
    let twice = |one: &Tensor<f64, 4>| {
        let [_, c, h, w] = one.shape();
        Tensor::from_fn([2, c, h, w], |[_, c, y, x]| one[[0, c, y, x]])
    };
    let both = layer.backward(&twice(&x), &twice(&grad)).expect("the shapes suit");
    assert!(both.input.as_slice().chunks_exact(c * h * w).all(|image| image == batched.input.as_slice()));
}

#[test]
fn every_batch_is_a_batch() {
    for_each_layer!(shapes);
}

/// Scratch in which other layers left NaN wherever they wrote.
fn used_scratch() -> Scratch {
    conv2d! {
        struct Full<in: 64, out: 64, k: 3, dtype: f64, algorithm: direct>;
        struct Each<in: 64, out: 64, k: 3, groups: 64, dtype: f64>;
    }
    let mut scratch = Scratch::new();
    spoil::<Full>(&mut scratch);
    spoil::<Each>(&mut scratch);
    scratch
}

fn spoil<L: Conv2d<Elem = f64>>(scratch: &mut Scratch) {
    let mut weight = Tensor::full(L::CONFIG.weight_shape(), f64::NAN);
    let layer = L::new(&weight, Some(&Tensor::zeros([64]))).expect("the weights suit");
    // Of two images, for which the weights are turned at once, in memory that stays.
    let x = Tensor::full([2, 64, 12, 12], f64::NAN);
    let (grad, mut input) = (layer.forward(&x).expect("the shape suits"), x.clone());
    let to = GradientsMut { input: Some(input.view_mut()), weight: Some(weight.view_mut()), bias: None };
    layer.backward_with(x.view(), grad.view(), to, scratch).expect("the shapes suit");
}

/// Each gradient alone is what it is among the others, and warm calls leave the scratch as it is.
fn parts<L: Conv2d<Elem = f64>>(shape: [usize; 4]) {
    let layer = L::init(1);
    let x = Tensor::<f64, 4>::randn(shape, 2);
    let grad = layer.forward(&x).expect("the shape suits");
    let all = layer.backward(&x, &grad).expect("the shape suits");
    let mut scratch = used_scratch();
    // What was there before is overwritten, and NaN would stay.
    let (mut input, mut weight) =
        (Tensor::full(shape, f64::NAN), Tensor::full(layer.weight().shape(), f64::NAN));
    let mut run = |wanted: GradientsMut<'_, f64, 4>| {
        layer.backward_with(x.view(), grad.view(), wanted, &mut scratch).expect("the shapes suit");
        scratch.bytes()
    };
    run(GradientsMut { input: Some(input.view_mut()), ..GradientsMut::default() });
    let bytes = run(GradientsMut { weight: Some(weight.view_mut()), ..GradientsMut::default() });
    assert_eq!((&input, &weight), (&all.input, &all.weight));
    let both = GradientsMut { input: Some(input.view_mut()), weight: Some(weight.view_mut()), bias: None };
    assert_eq!(run(both), bytes);
    assert_eq!((&input, &weight), (&all.input, &all.weight));
    if let Some(expected) = &all.bias {
        let mut bias = Tensor::full(expected.shape(), f64::NAN);
        assert_eq!(run(GradientsMut { bias: Some(bias.view_mut()), ..GradientsMut::default() }), bytes);
        assert_eq!(&bias, expected);
    }
}

#[test]
fn no_images_of_no_pixels_change_nothing() {
    conv2d! {
        struct InPlace<in: 2, out: 2, k: 3, padding: (2, 1), groups: 2>;
        struct Copied<in: 2, out: 3, k: 3, stride: 2, padding: (2, 1)>;
    }
    fn check<L: Conv2d<Elem = f32>>() {
        let (layer, input) = (L::init(1), Tensor::zeros([0, 2, 0, 5]));
        let output = layer.forward(&input).expect("an empty batch may have any size");
        let Gradients { weight, bias, .. } = layer.backward(&input, &output).expect("shapes fit");
        assert_eq!(weight, Tensor::zeros(L::CONFIG.weight_shape()));
        assert_eq!(bias, Some(Tensor::zeros([L::CONFIG.out_channels])));
    }
    check::<InPlace>();
    check::<Copied>();
}

#[test]
fn any_of_the_gradients_can_be_left_out() {
    for_each_layer!(parts);
}

#[test]
fn mistakes_are_errors_in_torchs_words() {
    let layer = Plain::init(1);
    let (x, grad) = (Tensor::<f64, 4>::zeros([2, 3, 7, 9]), Tensor::<f64, 4>::zeros([2, 5, 5, 7]));
    let error = layer.backward(&x, &Tensor::zeros([2, 5, 5, 6])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Mismatch in shape: grad_output[0] has a shape of torch.Size([2, 5, 5, 6]) and output[0] has a shape of torch.Size([2, 5, 5, 7])."
    );
    assert!(matches!(layer.backward(&Tensor::zeros([2, 4, 7, 9]), &grad), Err(Error::Channels { .. })));
    assert!(matches!(layer.backward(&Tensor::zeros([2, 3, 2, 9]), &grad), Err(Error::KernelTooLarge { .. })));
    let mut scratch = Scratch::new();
    let mut place = Tensor::<f64, 4>::zeros([2, 3, 7, 8]);
    let wanted = GradientsMut { input: Some(place.view_mut()), ..GradientsMut::default() };
    let result = layer.backward_with(x.view(), grad.view(), wanted, &mut scratch);
    assert!(matches!(result, Err(Error::OutputShape { .. })));
    let mut place = Tensor::<f64, 4>::zeros([5, 3, 3, 2]);
    let wanted = GradientsMut { weight: Some(place.view_mut()), ..GradientsMut::default() };
    let result = layer.backward_with(x.view(), grad.view(), wanted, &mut scratch);
    assert!(matches!(result, Err(Error::WeightShape { .. })));
    let mut place = Tensor::<f64, 1>::zeros([6]);
    let wanted = GradientsMut { bias: Some(place.view_mut()), ..GradientsMut::default() };
    let (x, grad) = (Tensor::<f64, 4>::zeros([1, 3, 15, 16]), Tensor::<f64, 4>::zeros([1, 6, 7, 7]));
    let result = Multiplied::init(1).backward_with(x.view(), grad.view(), wanted, &mut scratch);
    assert!(matches!(result, Err(Error::BiasUnexpected { .. })));
}

#[test]
fn update_changes_what_forward_computes() {
    let mut layer = Wide::init(1);
    let (weight, bias) = (Tensor::randn(layer.weight().shape(), 2), Tensor::randn([40], 3));
    layer.update(|w, b| {
        w.copy_from_slice(weight.as_slice());
        b.expect("it has biases").copy_from_slice(bias.as_slice());
    });
    assert_eq!((layer.weight(), layer.bias()), (weight, Some(bias)));
    Multiplied::init(1).update(|_, b| assert!(b.is_none()));
}
