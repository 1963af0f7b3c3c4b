//! The public API that user code may rely on, as user code.
//!
//! This file compiles and passes as an integration test of a crate that depends on `conv-runtime`
//! alone (features: `std`, `safetensors`). Names and signatures used here are fixed; everything
//! beside them is free. The numbers in `GOLDEN` come from PyTorch.

use conv_runtime::prelude::*; // conv2d!, Conv2d, FixedConv2d, Tensor, TensorView, TensorViewMut, Scratch, Error
use conv_runtime::{Conv2dConfig, Gradients, PaddingMode, Verification, generic};

/// `torch.manual_seed(0); Conv2d(1, 4, (2, 3))`: the first three weights and the last bias, to the bit.
const GOLDEN: ([f32; 3], f32) = ([-0.003_056_481_7, 0.219_002_19, -0.336_006_8], -0.378_719_87);

// ---------------------------------------------------------------- item form: a named layer type
// The card writes `conv2d!<in:1,out:4,...>`; Rust's grammar wants a delimiter after the `!`, so the
// angle brackets stand inside it. Attributes, doc comments and visibility pass through.
conv2d! {
    /// The article's layer: `torch.nn.Conv2d(1, 4, (2, 3))`.
    #[derive(Debug, Clone)]
    pub struct Article<in: 1, out: 4, k: (2, 3), stride: 1, dilation: 1, groups: 1>;
}

// Several layers in one invocation; torch's long names are accepted beside the short ones.
//
// All keys, in any order, a trailing comma allowed (n: any integer literal; nn: n or (n, n), height first; words bare or quoted):
//   in | in_channels: n             out | out_channels: n            k | kernel_size: nn
//   stride: nn = 1                  dilation: nn = 1                 groups: n = 1
//   padding: nn | ((n, n), (n, n)) | same | valid = 0                padding_mode: zeros | reflect | replicate | circular = zeros
//   bias: true | false = true       dtype: f32 | f64 = f32           input: (n, n), the image's height and width
//   algorithm: word = auto          crate: path = ::conv_runtime     weights: [[[[number]]]], [out][in / groups][kh][kw]
conv2d! {
    struct Rect<in_channels: 4, out_channels: 6, kernel_size: (3, 5), stride: (2, 1), padding: (4, 2), dilation: (3, 1)>;
    struct Reflect<in: 3, out: 3, k: 3, padding: 1, padding_mode: reflect, groups: 3, bias: false>;
    struct Same<in: 2, out: 2, k: (4, 3), padding: same, padding_mode: circular>;
    struct Uneven<in: 2, out: 3, k: 3, stride: 2, padding: ((0, 1), (1, 0))>; // ((top, bottom), (left, right))
    struct Spelled<dtype: f32, bias: true, crate: ::conv_runtime, padding_mode: "zeros", padding: valid, k: 0x2, out: 1_0, in: 2usize,>;
    struct Double<in: 5, out: 7, k: 3, padding: 1, dtype: f64>;
    struct Fixed<in: 1, out: 6, k: 5, padding: 2, input: (28, 28)>; // the spatial size is known too
    struct Next<in: 6, out: 16, k: 5, input: (28, 28)>;
}

// A layer whose weights are known at compile time: no construction, no packing, no allocation. It is a
// unit struct, so it runs like any other but has no `init`, `new`, `load` or `update`: the trait that
// `forward` comes from, if it is not `Conv2d` itself, is in the prelude too.
conv2d! {
    pub struct Sobel<in: 1, out: 2, k: 3, padding: 1, padding_mode: replicate, bias: false,
        weights: [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]]>;
}

#[test]
fn the_article() -> Result<(), Error> {
    let conv = Article::init(0); // bit for bit what torch.manual_seed(0); Conv2d(1, 4, (2, 3)) holds
    assert_eq!(conv.weight().as_slice()[..3], GOLDEN.0);
    assert_eq!(conv.bias().unwrap().as_slice()[3], GOLDEN.1);
    let x: Tensor<f32, 4> = Tensor::randn([3, 1, 5, 4], 1);
    let y = conv.forward(&x)?;
    assert_eq!(y.shape(), [3, 4, 4, 2]);
    assert_eq!(Article::output_shape([3, 1, 5, 4])?, [3, 4, 4, 2]);

    // unbatched, as torch accepts it
    let one = Tensor::<f32, 3>::from_vec([1, 5, 4], x.as_slice()[..20].to_vec())?;
    let out = conv.forward(&one)?;
    assert_eq!(out.shape(), [4, 4, 2]);
    assert_eq!(out.as_slice(), &y.as_slice()[..32]);
    Ok(())
}

#[test]
fn expression_form() -> Result<(), Error> {
    // Both spellings; the value is the layer's blueprint, which needs weights before it can run.
    let conv = conv2d!(in: 1, out: 4, k: (2, 3)).init(0);
    let same = conv2d!(<in: 1, out: 4, k: (2, 3), stride: 1, dilation: 1, groups: 1>).init(0);
    let x = Tensor::<f32, 4>::randn([1, 1, 5, 4], 1);
    assert_eq!(conv.forward(&x)?, same.forward(&x)?);

    let weight = Tensor::<f32, 4>::zeros([4, 1, 2, 3]);
    let bias = Tensor::<f32, 1>::from_vec([4], vec![1.0, 2.0, 3.0, 4.0])?;
    let y = conv2d!(in: 1, out: 4, k: (2, 3)).with_weights(&weight, Some(&bias))?.forward(&x)?;
    assert_eq!(y[[0, 3, 0, 0]], 4.0);
    Ok(())
}

#[test]
fn construction_and_errors() {
    let weight = Tensor::<f32, 4>::randn([4, 1, 2, 3], 2);
    let bias = Tensor::<f32, 1>::randn([4], 3);
    let conv = Article::new(&weight, Some(&bias)).unwrap();
    assert_eq!(conv.weight(), weight); // the packing is reversible
    assert_eq!(conv.bias(), Some(bias.clone()));
    assert_eq!(conv.clone().weight(), weight);

    // each of these is an Err that names the expectation and what came, never a panic
    assert!(Article::new(&weight, None).is_err()); // bias: true needs one
    assert!(Article::new(&Tensor::zeros([4, 1, 3, 2]), Some(&bias)).is_err());
    assert!(Reflect::new(&Tensor::zeros([3, 1, 3, 3]), Some(&Tensor::zeros([3]))).is_err()); // bias: false
    let error = conv.forward(&Tensor::<f32, 4>::zeros([1, 2, 5, 4])).unwrap_err();
    assert!(error.to_string().contains("expected input[1, 2, 5, 4] to have 1 channels, but got 2"));
    let error = conv.forward(&Tensor::<f32, 4>::zeros([1, 1, 1, 4])).unwrap_err();
    assert!(error.to_string().contains("Kernel size can't be greater than actual input size"));
    let error: &dyn std::error::Error = &error;
    let _ = error.source();
    assert!(Tensor::<f32, 4>::from_vec([1, 2, 3, 4], vec![0.0; 23]).is_err());
    assert_eq!(conv.forward(&Tensor::<f32, 4>::zeros([0, 1, 5, 4])).unwrap().shape(), [0, 4, 4, 2]);
}

#[test]
fn specialised_against_generic() -> Result<(), Error> {
    fn check<L: Conv2d<Elem = f32>>(shape: [usize; 4]) -> Result<(), Error> {
        let conv = L::init(7);
        let x = Tensor::randn(shape, 8);
        let expected: Tensor<f32, 4> = generic::conv2d(&x, &conv.weight(), conv.bias().as_ref(), &L::CONFIG)?;
        assert_eq!(conv.forward(&x)?.shape(), expected.shape());
        let report: Verification = conv.verify(&x)?; // forward against generic::conv2d accumulated in f64
        assert!(report.passed(), "{report}");
        assert!(report.max_abs_error() <= report.tolerance());
        Ok(())
    }
    check::<Article>([3, 1, 5, 4])?;
    check::<Rect>([2, 4, 17, 23])?;
    check::<Reflect>([1, 3, 9, 8])?;
    check::<Same>([1, 2, 6, 7])?;
    check::<Uneven>([2, 2, 8, 8])?;
    check::<Spelled>([2, 2, 4, 5])?;
    check::<Fixed>([4, 1, 28, 28])?;
    Ok(())
}

#[test]
fn configuration_at_run_time() -> Result<(), Error> {
    let config = Conv2dConfig::new(4, 6, [3, 5]).stride([2, 1]).padding([[4, 4], [2, 2]]).dilation([3, 1]);
    assert_eq!(config, Rect::CONFIG);
    assert_eq!(Reflect::CONFIG.padding_mode, PaddingMode::Reflect);
    assert_eq!(Same::CONFIG.padding, [[1, 2], [1, 1]]); // the extra row goes to the end, as in torch
    assert_eq!(config.output_shape([2, 4, 17, 23])?, Rect::output_shape([2, 4, 17, 23])?);
    println!("{}", Article::PLAN); // what the generator chose, for a person to read
    Ok(())
}

#[test]
fn no_allocation_after_warm_up() -> Result<(), Error> {
    let conv = Rect::init(1);
    let x = Tensor::<f32, 4>::randn([2, 4, 17, 23], 2);
    let mut y = Tensor::<f32, 4>::zeros(Rect::output_shape(x.shape())?);
    let mut scratch = Scratch::new();
    conv.forward_with(x.view(), y.view_mut(), &mut scratch)?; // may grow the scratch
    conv.forward_with(x.view(), y.view_mut(), &mut scratch)?; // allocates nothing
    assert_eq!(y, conv.forward(&x)?);

    let (input, mut output) = (vec![0.5f32; 20], vec![0f32; 32]); // plain slices, the user's own memory
    let view = TensorView::<f32, 4>::new([1, 1, 5, 4], &input)?;
    Article::init(0).forward_into(view, TensorViewMut::<f32, 4>::new([1, 4, 4, 2], &mut output)?)?;
    Ok(())
}

#[test]
fn fixed_input_size_is_checked_by_the_compiler() {
    let (first, second) = (Fixed::init(1), Next::init(2));
    let image = [[[0.25f32; 28]; 28]; 1];
    let mut hidden = [[[0f32; 28]; 28]; 6];
    let mut out = [[[0f32; 24]; 24]; 16];
    first.forward_array(&image, &mut hidden); // &<Fixed as FixedConv2d>::Input, infallible
    second.forward_array(&hidden, &mut out); // Fixed's Output is Next's Input, or it does not compile
    let x = Tensor::<f32, 3>::from_vec([1, 28, 28], vec![0.25; 784]).unwrap();
    let y = second.forward(&first.forward(&x).unwrap()).unwrap();
    assert_eq!(y[[15, 23, 23]], out[15][23][23]);
}

#[test]
fn compile_time_weights() -> Result<(), Error> {
    static EDGES: Sobel = Sobel; // a constant: the weights live in the code
    let ramp = Tensor::<f32, 3>::from_fn([1, 4, 6], |[_, y, x]| (x * 10 + y) as f32);
    let edges = EDGES.forward(&ramp)?;
    assert_eq!(edges.shape(), [2, 4, 6]);
    assert_eq!(edges[[0, 1, 2]], 80.0);
    assert_eq!(edges[[1, 1, 2]], 8.0);
    Ok(())
}

#[test]
fn gradients() -> Result<(), Error> {
    let mut conv = Double::init(5);
    let x = Tensor::<f64, 4>::randn([2, 5, 6, 6], 6);
    let y = conv.forward(&x)?;
    let ones = Tensor::<f64, 4>::full(y.shape(), 1.0);
    let Gradients { input, weight, bias } = conv.backward(&x, &ones)?;
    assert_eq!((input.shape(), weight.shape()), (x.shape(), [7, 5, 3, 3]));
    assert_eq!(bias.as_ref().map(|b| b.as_slice()[0]), Some(72.0));
    conv.update(|w, b| {
        // one step of gradient descent on the unpacked parameters
        w.iter_mut().zip(weight.as_slice()).for_each(|(w, g)| *w -= 0.1 * g);
        if let (Some(b), Some(g)) = (b, &bias) {
            b.iter_mut().zip(g.as_slice()).for_each(|(b, g)| *b -= 0.1 * g);
        }
    });
    assert_ne!(conv.forward(&x)?, y);
    Ok(())
}

#[test]
fn weights_from_a_pytorch_checkpoint() -> Result<(), Box<dyn std::error::Error>> {
    conv2d! { struct Conv1<in: 1, out: 16, k: 3, padding: 1>; } // inside a function, too
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/digits_model.safetensors"))?;
    let checkpoint = conv_runtime::safetensors::SafeTensors::deserialize(&bytes)?;
    let conv = Conv1::load(&checkpoint, "conv1")?; // reads conv1.weight and conv1.bias
    assert_eq!(conv.weight().shape(), [16, 1, 3, 3]);
    assert!(Article::load(&checkpoint, "conv1").is_err());
    assert!(Conv1::load(&checkpoint, "missing").is_err());
    Ok(())
}
