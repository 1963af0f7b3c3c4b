//! Random layers against the definition, on every instruction set of the machine: what they compute, and their gradients.
//!
//! The tests of `conv-macros` interpret thousands of layers, as their plans want memory to be; here it is the runtime that
//! fills it. `RANDOM_LAYERS=100 RANDOM_SEED=7 cargo test -p random` draws other layers (build.rs).

mod definition;

use conv_runtime::prelude::*;
use conv_runtime::{Element, GradientsMut, Isa, generic};

use definition::Definition;

macro_rules! layers {
    ($($name:ident, $shape:expr, { $($keys:tt)* };)*) => {
        $(mod $name {
            conv_runtime::conv2d! { struct Layer<$($keys)*>; }

            #[test]
            fn computes_the_definition() {
                crate::check::<Layer>($shape);
            }
        })*
    };
}

include!(concat!(env!("OUT_DIR"), "/layers.rs"));

fn check<L: Conv2d>(shape: [usize; 4]) {
    let (x, layer) = (Tensor::randn(shape, 2), L::init(1));
    let (weight, bias) = (layer.weight(), layer.bias());
    let grad = Tensor::randn(L::output_shape(shape).expect("the image suits the layer"), 3);
    let definition = Definition::of(&L::CONFIG, [&x, &weight, &grad]);
    for isa in Isa::available() {
        let (layer, name) = (layer.on(isa), format!("{} on {isa}, input {shape:?}", L::CONFIG));
        let mut scratch = Scratch::new();
        spoil(&mut scratch, isa);
        let mut y = unset(grad.shape());
        layer.forward_with(x.view(), y.view_mut(), &mut scratch).expect("the shapes suit");
        let report = generic::verify(&y, &x, &weight, bias.as_ref(), &L::CONFIG).expect("the shapes suit");
        assert!(report.passed(), "{name}: {report}");
        let (mut to_x, mut to_weight) = (unset(shape), unset(weight.shape()));
        let mut to_bias = bias.as_ref().map(|bias| unset(bias.shape()));
        let to = GradientsMut {
            input: Some(to_x.view_mut()),
            weight: Some(to_weight.view_mut()),
            bias: to_bias.as_mut().map(Tensor::view_mut),
        };
        layer.backward_with(x.view(), grad.view(), to, &mut scratch).expect("the shapes suit");
        definition.input.compare(&to_x).unwrap_or_else(|what| panic!("{name}: the input's gradient {what}"));
        definition.weight.compare(&to_weight).unwrap_or_else(|what| panic!("{name}: the weight's {what}"));
        let to_bias = to_bias.iter().map(|to| definition.bias.compare(to));
        to_bias.for_each(|done| done.unwrap_or_else(|what| panic!("{name}: the bias's {what}")));
    }
}

/// Not a number, as long as nothing is written.
fn unset<E: Element, const R: usize>(shape: [usize; R]) -> Tensor<E, R> {
    Tensor::full(shape, E::from_f64(f64::NAN))
}

/// Leaves NaN wherever other layers write.
fn spoil(scratch: &mut Scratch, isa: Isa) {
    conv2d! {
        struct Direct<in: 32, out: 32, k: 3, padding: 1, algorithm: direct>;
        struct Filtered<in: 32, out: 32, k: 3, padding: 1, algorithm: winograd>;
        struct DirectDouble<in: 32, out: 32, k: 3, padding: 1, dtype: f64, algorithm: direct>;
    }
    fn run<L: Conv2d>(scratch: &mut Scratch, isa: Isa) {
        let (x, layer) = (unset([2, 32, 40, 40]), L::init(1).on(isa));
        let (mut y, mut to) = (unset([2, 32, 40, 40]), unset(L::CONFIG.weight_shape()));
        layer.forward_with(x.view(), y.view_mut(), scratch).expect("the shapes suit");
        let mut to_x = x.clone();
        let both = GradientsMut { input: Some(to_x.view_mut()), weight: Some(to.view_mut()), bias: None };
        layer.backward_with(x.view(), y.view(), both, scratch).expect("the shapes suit");
    }
    run::<Direct>(scratch, isa);
    run::<Filtered>(scratch, isa);
    run::<DirectDouble>(scratch, isa);
}
