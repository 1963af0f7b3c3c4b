//! PyTorch's gradients, for all of its golden layers: integers to the bit, all else within the tolerance of
//! sums in another order.

#[path = "common/golden.rs"]
mod golden;
#[path = "common/machine.rs"]
mod machine;

use std::sync::LazyLock;

use conv_runtime::prelude::*;
use conv_runtime::safetensors::{Dtype, SafeTensors};
use conv_runtime::{Element, Gradients, Isa};
use serde_json::Value;

use machine::isas;

static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| read("public.safetensors"));
static CASES: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&read("public.json")).expect("PyTorch wrote JSON"));

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("tests/data is there")
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&bytes| number(bytes)).collect()
}

/// Everything that is known of one case.
struct Case {
    name: &'static str,
    tensors: SafeTensors<'static>,
    facts: &'static Value,
}

impl Case {
    fn find(name: &'static str) -> Self {
        let cases = CASES["cases"].as_array().expect("a list");
        let facts = cases.iter().find(|case| case["name"] == name).expect("the table has PyTorch's names");
        Self { name, tensors: SafeTensors::deserialize(&BYTES).expect("a whole file"), facts }
    }

    /// A tensor of the file, with its shape.
    fn tensor<const R: usize>(&self, what: &str) -> Tensor<f32, R> {
        let (shape, values) = self.values(what);
        let shape = shape.try_into().expect("the rank that the case has");
        Tensor::from_vec(shape, values.into_iter().map(f32::from_f64).collect())
            .expect("as many as the shape says")
    }

    fn values(&self, what: &str) -> (Vec<usize>, Vec<f64>) {
        let tensor = self.tensors.tensor(&format!("{}.{what}", self.name)).expect("every case has it");
        let numbers = match tensor.dtype() {
            Dtype::F32 => numbers(tensor.data(), |bytes| f64::from(f32::from_le_bytes(bytes))),
            Dtype::F64 => numbers(tensor.data(), f64::from_le_bytes),
            other => panic!("{other:?}"),
        };
        (tensor.shape().to_vec(), numbers)
    }

    /// Compares a gradient with PyTorch's.
    fn check<const R: usize>(&self, what: &str, got: &Tensor<f32, R>, isa: Isa) {
        let (shape, expected) = self.values(what);
        assert_eq!(got.shape().as_slice(), shape, "{}: shape of {what}", self.name);
        let fact = |name: &str| self.facts[name][what].as_f64().expect("a number");
        let exact = self.facts["values"] == "int";
        let tolerance = 4.0 * (fact("terms") + 1.0).sqrt() * f32::UNIT_ROUNDOFF * fact("scale");
        let tolerance = if exact { 0.0 } else { tolerance };
        for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
            let error = (got.to_f64() - expected).abs();
            assert!(
                error <= tolerance,
                "{} on {isa}: {what}[{at}] is {got} and should be {expected}",
                self.name
            );
        }
    }
}

fn check<L: Conv2d<Elem = f32>>(name: &'static str) {
    let case = Case::find(name);
    let bias = L::CONFIG.bias.then(|| case.tensor("bias"));
    let layer = L::new(&case.tensor("weight"), bias.as_ref()).expect("the case's own layer");
    if case.values("input").0.len() == 3 {
        compare::<L, 3>(&case, &layer);
    } else {
        compare::<L, 4>(&case, &layer);
    }
}

fn compare<L: Conv2d<Elem = f32>, const R: usize>(case: &Case, layer: &L) {
    let (input, grad) = (case.tensor::<R>("input"), case.tensor::<R>("grad_output"));
    for isa in isas() {
        let gradients = layer.on(isa).backward(&input, &grad);
        let Gradients { input, weight, bias } = gradients.expect("the case's own tensors");
        case.check("grad_input", &input, isa);
        case.check("grad_weight", &weight, isa);
        if let Some(bias) = bias {
            case.check("grad_bias", &bias, isa);
        }
    }
}

macro_rules! tests {
    ($($layer:ident $($other:ident)*, { $($keys:tt)* };)*) => {
        $(mod $layer {
            conv_runtime::conv2d! { struct Layer<$($keys)*>; }
            tests!(@case $layer $($other)*);
        })*

        #[test]
        fn the_table_has_every_case() {
            let names = [$(stringify!($layer), $(stringify!($other),)*)*];
            assert_eq!(CASES["cases"].as_array().expect("a list").len(), names.len());
        }
    };
    (@case $($name:ident)*) => {
        $(#[test]
        fn $name() {
            crate::check::<Layer>(stringify!($name));
        })*
    };
}

for_each_golden!(tests);
