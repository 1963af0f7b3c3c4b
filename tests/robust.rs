//! Numbers that are not numbers, bits that must not differ, and what a layer is as a value.

#[path = "common/machine.rs"]
mod machine;

use conv_runtime::prelude::*;
use conv_runtime::{Blueprint, Element, Isa, generic};

use machine::isas;

conv2d! {
    // The plain sum of products has an infinity where the definition has one; faster algorithms spread it.
    #[derive(Debug, Clone, PartialEq)]
    struct Plain<in: 3, out: 5, k: 2, algorithm: direct>;
    struct ManyChannels<in: 9, out: 20, k: 3, padding: 1, stride: 2, algorithm: direct>;
    struct Depthwise<in: 3, out: 3, k: 3, padding: 1, groups: 3, padding_mode: reflect, algorithm: direct>;
    struct InPlace<in: 3, out: 3, k: 3, padding: 1, groups: 3, algorithm: direct>;
    struct InOneLine<in: 2, out: 2, k: 3, padding: 1, groups: 2, input: (6, 5), algorithm: direct>;
    struct OneTap<in: 6, out: 5, k: 1, algorithm: direct>;
    struct Unrolled<in: 1, out: 2, k: 2, input: (4, 5), algorithm: direct>;
    struct UnrolledPadded<in: 1, out: 2, k: 2, padding: 1, padding_mode: circular, input: (4, 5), algorithm: direct>;
    struct Known<in: 60, out: 3, k: (1, 2), padding: 1, input: (3, 20), algorithm: direct>;
    struct NoBias<in: 2, out: 3, k: (1, 2), bias: false, algorithm: direct>;
    struct Doubles<in: 3, out: 4, k: 2, stride: 2, dtype: f64, algorithm: direct>;
}

/// Calls a function for each of the layers and an image size that it accepts.
macro_rules! for_all {
    ($check:ident) => {
        $check::<Plain>([4, 21]);
        $check::<ManyChannels>([5, 20]);
        $check::<Depthwise>([5, 34]);
        $check::<InPlace>([5, 34]);
        $check::<InOneLine>([6, 5]);
        $check::<OneTap>([5, 7]);
        $check::<Unrolled>([4, 5]);
        $check::<UnrolledPadded>([4, 5]);
        $check::<Known>([3, 20]);
        $check::<NoBias>([3, 18]);
        $check::<Doubles>([7, 12]);
    };
}

/// Integers from -3 to 3, so that finite sums are exact.
fn integers<E: Element, const R: usize>(shape: [usize; R]) -> Tensor<E, R> {
    let mut numbers = (0_u32..).map(|i| E::from_f64(f64::from((i % 7).pow(2) % 7) - 3.0));
    Tensor::from_fn(shape, |_| numbers.next().unwrap_or(E::ZERO))
}

/// The layer with small integers for weights.
fn with_integers<L: Conv2d>() -> L {
    let bias = L::CONFIG.bias.then(|| integers([L::CONFIG.out_channels]));
    L::new(&integers(L::CONFIG.weight_shape()), bias.as_ref()).expect("the layer's shapes")
}

/// Equal, or both not a number.
fn same<E: Element>(a: E, b: E) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    a.is_nan() && b.is_nan() || a.to_bits() == b.to_bits() || a == b
}

fn bits<E: Element, const R: usize>(tensor: &Tensor<E, R>) -> Vec<u64> {
    tensor.iter().map(|element| element.to_f64().to_bits()).collect()
}

#[test]
fn what_is_not_finite_stays_where_the_definition_has_it() {
    fn check<L: Conv2d>([h, w]: [usize; 2]) {
        let layer = with_integers::<L>();
        let shape = [L::CONFIG.in_channels, h, w];
        for strange in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for at in (0..h * w * shape[0]).step_by(7) {
                let mut x = integers::<L::Elem, 3>(shape);
                x.as_mut_slice()[at] = L::Elem::from_f64(strange);
                let expected =
                    generic::conv2d(&x, &layer.weight(), layer.bias().as_ref(), &L::CONFIG).expect("fits");
                for isa in isas() {
                    let got = layer.on(isa).forward(&x).expect("fits");
                    let equal = got.iter().zip(&expected).all(|(got, expected)| same(*got, *expected));
                    assert!(equal, "{} on {isa}: {strange} at {at}", L::CONFIG);
                }
            }
        }
    }
    for_all!(check);
}

/// Where such numbers are numbers.
#[test]
#[cfg(target_pointer_width = "64")]
fn memory_that_nobody_has_is_an_error() {
    conv2d! {
        struct Far<in: 1, out: 1, k: 1, padding: (0, 1152921504606846976), stride: (1, 1152921504606846976)>;
    }
    conv2d! { struct Spread<in: 16, out: 16, k: 3, dilation: (1, 1152921504606846976), stride: 2>; }
    let x = Tensor::zeros([16, 3, 3]);
    let result = Spread::init(1).backward(&x, &x);
    assert!(matches!(result, Err(Error::KernelTooLarge { .. })), "no window reaches so far");
    let x = Tensor::<f32, 3>::zeros([1, 1, 1]);
    assert!(matches!(Far::init(1).forward(&x), Err(Error::TooLarge)));
    let mut scratch = Scratch::new();
    let mut y = Tensor::zeros([1, 1, 3]);
    let result = Far::init(1).forward_with(x.view(), y.view_mut(), &mut scratch);
    assert!(matches!(result, Err(Error::TooLarge)));
    let kept = Plain::init(1);
    let (x, mut y) = (Tensor::randn([3, 4, 21], 2), Tensor::zeros([5, 3, 20]));
    kept.forward_with(x.view(), y.view_mut(), &mut scratch).expect("there is memory for this");
    assert_eq!(y, kept.forward(&x).expect("fits"), "a scratch is as good as new");
}

#[test]
fn weights_that_differ_make_layers_that_differ() {
    conv2d! {
        #[derive(Debug, PartialEq)]
        struct Filtered<in: 1, out: 1, k: 3, algorithm: winograd, bias: false>;
    }
    let layer = |centre| {
        let weight =
            Tensor::from_fn([1, 1, 3, 3], |[_, _, i, j]| if [i, j] == [1, 1] { centre } else { 1.0 });
        Filtered::new(&weight, None).expect("the layer's shapes")
    };
    assert_eq!(layer(1e-12), layer(1e-12));
    assert_ne!(layer(1e-12), layer(2e-12), "though they are the same, transformed");
}

#[test]
fn minus_zero_is_as_in_torch() {
    let x = Tensor::<f32, 3>::full([2, 3, 18], -0.0);
    let ones = Tensor::full(NoBias::CONFIG.weight_shape(), 1.0);
    for isa in isas() {
        let y = NoBias::new(&ones, None).expect("its shapes").on(isa).forward(&x).expect("fits");
        assert!(y.iter().all(|y| y.to_bits() == 0), "without a bias, {isa}");
    }
    let ones = Tensor::full(Plain::CONFIG.weight_shape(), 1.0);
    let x = Tensor::full([3, 4, 21], -0.0);
    for (bias, expected) in [(-0.0_f32, -0.0_f32), (0.0, 0.0)] {
        let bias = Tensor::full([5], bias);
        for isa in isas() {
            let y = Plain::new(&ones, Some(&bias)).expect("its shapes").on(isa).forward(&x).expect("fits");
            assert!(y.iter().all(|y| y.to_bits() == expected.to_bits()), "bias {bias:?}, {isa}");
        }
    }
}

#[test]
fn subnormals_are_numbers() {
    fn check<L: Conv2d>([h, w]: [usize; 2]) {
        let smallest = if L::Elem::NAME == "f32" { f64::from(f32::from_bits(1)) } else { f64::from_bits(1) };
        let zeros = L::CONFIG.bias.then(|| Tensor::zeros([L::CONFIG.out_channels]));
        let layer = L::new(&integers(L::CONFIG.weight_shape()), zeros.as_ref()).expect("the layer's shapes");
        let plain = integers::<L::Elem, 3>([L::CONFIG.in_channels, h, w]);
        let tiny = Tensor::from_fn(plain.shape(), |at| L::Elem::from_f64(plain[at].to_f64() * smallest));
        for isa in isas() {
            let layer = layer.on(isa);
            let (plain, tiny) = (layer.forward(&plain).expect("fits"), layer.forward(&tiny).expect("fits"));
            let scaled = plain.iter().map(|y| L::Elem::from_f64(y.to_f64() * smallest));
            assert!(tiny.iter().copied().eq(scaled), "{} on {isa}", L::CONFIG);
        }
    }
    for_all!(check);
}

#[test]
fn a_call_leaves_nothing_behind() {
    fn check<L: Conv2d>([h, w]: [usize; 2]) {
        let x = Tensor::<L::Elem, 4>::randn([5, L::CONFIG.in_channels, h, w], 1);
        for isa in isas() {
            let layer = L::init(2).on(isa);
            let expected = layer.forward(&x).expect("fits");
            assert_eq!(
                bits(&layer.forward(&x).expect("fits")),
                bits(&expected),
                "{} again, {isa}",
                L::CONFIG
            );
            let mut y = Tensor::full(expected.shape(), L::Elem::from_f64(f64::NAN));
            let mut scratch = Scratch::new();
            for _ in 0..2 {
                layer.forward_with(x.view(), y.view_mut(), &mut scratch).expect("fits");
                assert_eq!(bits(&y), bits(&expected), "{} with a scratch, {isa}", L::CONFIG);
            }
            let [image, out] = [x.len() / 5, y.len() / 5];
            for n in 0..5 {
                let image = x.as_slice()[n * image..][..image].to_vec();
                let image = Tensor::from_vec([L::CONFIG.in_channels, h, w], image).expect("one image");
                let alone = bits(&layer.forward(&image).expect("fits"));
                assert_eq!(alone, bits(&expected)[n * out..][..out], "{} image {n}, {isa}", L::CONFIG);
            }
        }
    }
    for_all!(check);
}

#[test]
fn weights_come_back_as_they_went_in() {
    fn check<L: Conv2d>(_: [usize; 2]) {
        let weight = Tensor::<L::Elem, 4>::randn(L::CONFIG.weight_shape(), 1);
        let bias = L::CONFIG.bias.then(|| Tensor::<L::Elem, 1>::randn([L::CONFIG.out_channels], 2));
        let layer = L::new(&weight, bias.as_ref()).expect("the layer's shapes");
        for isa in isas() {
            let layer = layer.on(isa);
            assert_eq!((layer.weight(), layer.bias()), (weight.clone(), bias.clone()), "{} {isa}", L::CONFIG);
        }
    }
    for_all!(check);
}

#[test]
fn torch_draws_weights_in_their_own_order_whatever_the_packing() {
    conv2d! {
        struct Wide<in: 3, out: 33, k: 2>;
        struct Fixed<in: 3, out: 5, k: 2, input: (2, 2)>;
        struct Grouped<in: 6, out: 10, k: 2, groups: 2>;
        struct Bare<in: 3, out: 5, k: 2, bias: false>;
    }
    let (plain, wide) = (Plain::init(7), Wide::init(7));
    let weight = plain.weight();
    let start = |weight: Tensor<f32, 4>| weight.as_slice()[..5 * 12].to_vec();
    // As many inputs to an output make the same range; then only the order of the draws is left.
    for other in [wide.weight(), Grouped::init(7).weight(), Bare::init(7).weight(), Fixed::init(7).weight()] {
        assert_eq!(start(other), weight.as_slice());
    }
    // Biases come after the last weight.
    assert_eq!(plain.bias().expect("a bias").as_slice(), &wide.weight().as_slice()[5 * 12..][..5]);
    for isa in isas() {
        assert_eq!(plain.on(isa).weight(), weight);
    }
    assert_ne!(Plain::init(8).weight(), weight);
}

#[test]
fn derives_are_passed_through() {
    let layer = Plain::init(1);
    assert_eq!(layer.clone(), layer);
    assert_ne!(layer, Plain::init(2));
    assert!(format!("{layer:?}").starts_with("Plain {"), "{layer:?}");
    let x = Tensor::randn([3, 4, 9], 1);
    assert_eq!(layer.clone().forward(&x), layer.forward(&x));
}

#[test]
fn everything_can_be_sent_and_shared() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Plain>();
    check::<Doubles>();
    check::<Blueprint<Plain>>();
    check::<Scratch>();
    check::<Tensor<f32, 4>>();
    check::<Isa>();
    check::<Error>();
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly has no threads")]
fn threads_share_a_layer() {
    let layer = Plain::init(1);
    let x = Tensor::randn([3, 4, 9], 1);
    let expected = layer.forward(&x);
    std::thread::scope(|scope| {
        let threads = [(); 3].map(|()| scope.spawn(|| layer.forward(&x)));
        for thread in threads {
            assert_eq!(thread.join().expect("no panic"), expected);
        }
    });
}

/// The macro counts the memory of every plan: too little would leave the output as it was.
#[test]
fn the_memory_of_a_fixed_layer_suffices() {
    conv2d! {
        struct Filtered<in: 16, out: 20, k: 3, padding: 1, input: (14, 13), algorithm: winograd>;
        struct Dilated<in: 9, out: 18, k: 3, dilation: 2, input: (15, 15), algorithm: winograd>;
        struct Strided<in: 3, out: 7, k: 3, stride: 2, padding: 1, input: (21, 19)>;
        struct Gathered<in: 70, out: 5, k: 1, input: (4, 256)>;
        struct Patches<in: 3, out: 9, k: 4, stride: 4, input: (20, 23)>;
        struct ChannelsLast<in: 20, out: 33, k: 1, stride: 2, input: (9, 11)>;
        struct Together<in: 40, out: 40, k: 7, padding: 3, groups: 40, input: (13, 14)>;
    }
    fn check<L: Conv2d<Elem = f32> + FixedConv2d>(
        run: impl Fn(&L, &Tensor<f32, 3>) -> Vec<f32>,
        shape: [usize; 3],
    ) {
        let (layer, image) = (L::init(3), Tensor::<f32, 3>::randn(shape, 4));
        assert_eq!(run(&layer, &image), layer.forward(&image).expect("fits").into_vec());
    }
    macro_rules! run {
        ($layer:ident, $shape:expr, $output:expr) => {
            check::<$layer>(
                |layer, image| {
                    let mut input = <$layer as FixedConv2d>::Input::from($shape);
                    input.as_flattened_mut().as_flattened_mut().copy_from_slice(image.as_slice());
                    let (mut output, mut memory) = ($output, [0.0; <$layer as FixedConv2d>::SCRATCH]);
                    layer.forward_array_in(&input, &mut output, &mut memory);
                    output.as_flattened().as_flattened().to_vec()
                },
                [$shape.len(), $shape[0].len(), $shape[0][0].len()],
            );
        };
    }
    run!(Filtered, [[[0.0f32; 13]; 14]; 16], [[[f32::NAN; 13]; 14]; 20]);
    run!(Dilated, [[[0.0f32; 15]; 15]; 9], [[[f32::NAN; 11]; 11]; 18]);
    run!(Strided, [[[0.0f32; 19]; 21]; 3], [[[f32::NAN; 10]; 11]; 7]);
    run!(Gathered, [[[0.0f32; 256]; 4]; 70], [[[f32::NAN; 256]; 4]; 5]);
    run!(Patches, [[[0.0f32; 23]; 20]; 3], [[[f32::NAN; 5]; 5]; 9]);
    run!(ChannelsLast, [[[0.0f32; 11]; 9]; 20], [[[f32::NAN; 6]; 5]; 33]);
    run!(Together, [[[0.0f32; 14]; 13]; 40], [[[f32::NAN; 14]; 13]; 40]);
}

/// Rows that are narrower than a vector, and many: their last vectors may cover what comes after.
#[test]
fn tall_images_narrower_than_a_vector() {
    conv2d! { struct Multiplied<in: 2, out: 4, k: 3, padding: 1, padding_mode: reflect, groups: 2>; }
    for w in 2..20 {
        let report = with_integers::<Multiplied>()
            .verify(&integers([1, 2, 3000, w]))
            .expect("the image suits the layer");
        assert_eq!(report.max_abs_error(), 0.0, "{w} columns: {report}");
    }
}
