//! Every vector that PyTorch computed for us: through generated layers of `f32` and `f64` on every
//! instruction set, and through the definition, which the table of layers is compared with.
//!
//! Integers must be equal. Other numbers may differ from torch's `f64` result by
//! `4 * sqrt(terms + 1) * unit roundoff * scale`, where `scale` is the largest sum of |products|: see
//! `conv_runtime::Verification`.

#[path = "common/golden.rs"]
mod golden;
#[path = "common/machine.rs"]
mod machine;
#[path = "common/subject.rs"]
mod subject;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use conv_runtime::prelude::*;
use conv_runtime::safetensors::{Dtype, SafeTensors};
use conv_runtime::{Conv2dConfig, Element, PaddingMode, generic};
use serde_json::Value;

use machine::isas;
use subject::{run, run_image, subject};

static CASES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let file: Value = serde_json::from_slice(&read("public.json")).expect("JSON");
    file["cases"].as_array().expect("a list of cases").clone()
});

static VECTORS: LazyLock<Vec<u8>> = LazyLock::new(|| read("public.safetensors"));

fn read(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))).expect("the file is there")
}

/// A case of the file.
#[derive(Clone, Copy)]
struct Case(&'static Value);

impl Case {
    fn named(name: &str) -> Self {
        let case = CASES.iter().find(|case| case["name"] == name);
        Self(case.unwrap_or_else(|| panic!("public.json has no case {name}")))
    }

    fn number(self, key: &str) -> usize {
        let number = self.0[key].as_u64().expect("a number");
        usize::try_from(number).expect("a small one")
    }

    /// `n` is `(n, n)`, as everywhere in torch.
    fn pair(self, key: &str) -> [usize; 2] {
        match &self.0[key] {
            Value::Array(pair) => {
                [0, 1].map(|at| usize::try_from(pair[at].as_u64().expect("a number")).expect("small"))
            }
            _ => [self.number(key); 2],
        }
    }

    /// What torch was given, with its own resolution of `same` and `valid`.
    fn config(self) -> Conv2dConfig {
        let pads: Vec<usize> = serde_json::from_value(self.0["pads"].clone()).expect("four numbers");
        let mode = match self.0["padding_mode"].as_str() {
            Some("zeros") => PaddingMode::Zeros,
            Some("reflect") => PaddingMode::Reflect,
            Some("replicate") => PaddingMode::Replicate,
            Some("circular") => PaddingMode::Circular,
            other => panic!("padding mode {other:?}"),
        };
        Conv2dConfig::new(self.number("in_channels"), self.number("out_channels"), self.pair("kernel_size"))
            .stride(self.pair("stride"))
            .padding([[pads[0], pads[1]], [pads[2], pads[3]]])
            .padding_mode(mode)
            .dilation(self.pair("dilation"))
            .groups(self.number("groups"))
            .bias(self.0["bias"] == true)
    }

    /// How far an element of the output may be from torch's.
    fn tolerance<E: Element>(self) -> f64 {
        let float = |key: &str| self.0[key]["output"].as_f64().expect("a number");
        match self.0["values"].as_str() {
            Some("int") => 0.0,
            Some("normal") => 4.0 * (float("terms") + 1.0).sqrt() * E::UNIT_ROUNDOFF * float("scale"),
            other => panic!("values {other:?}"),
        }
    }

    /// A tensor of the case. Whatever its type in the file, its numbers are exact in `E`.
    fn tensor<E: Element, const R: usize>(self, part: &str) -> Tensor<E, R> {
        let name = self.0["name"].as_str().expect("a name");
        let file = SafeTensors::deserialize(&VECTORS).expect("safetensors");
        let tensor = file.tensor(&format!("{name}.{part}")).expect("the tensor is in the file");
        let data = match tensor.dtype() {
            Dtype::F32 => numbers(tensor.data(), |bytes| f64::from(f32::from_le_bytes(bytes))),
            Dtype::F64 => numbers(tensor.data(), f64::from_le_bytes),
            other => panic!("{other:?}"),
        };
        let shape = tensor.shape().try_into().expect("the rank asked for");
        Tensor::from_vec(shape, data).expect("as many as the shape says")
    }

    fn bias<E: Element>(self) -> Option<Tensor<E, 1>> {
        self.config().bias.then(|| self.tensor("bias"))
    }

    fn is_batched(self) -> bool {
        !self.0["batch"].is_null()
    }

    /// Runs the definition.
    fn check_definition<E: Element>(self) {
        fn run<E: Element, const R: usize>(case: Case) {
            let (input, weight, bias): (Tensor<E, R>, _, _) =
                (case.tensor("input"), case.tensor("weight"), case.bias());
            let got = generic::conv2d(&input, &weight, bias.as_ref(), &case.config()).expect("torch took it");
            case.compare(&got, &format!("{} in {} by definition", case.0["name"], E::NAME));
        }
        if self.is_batched() { run::<E, 4>(self) } else { run::<E, 3>(self) }
    }

    /// Runs the layer on every instruction set.
    fn check<L: Conv2d + 'static>(self) {
        assert_eq!(L::CONFIG, self.config(), "{}: tests/common/golden.rs is not public.json", self.0["name"]);
        let (weight, bias) = (self.tensor("weight"), self.bias());
        let layer = subject::<L>(&weight, bias.as_ref());
        assert_eq!(layer.parameters(), (weight, bias));
        for isa in isas() {
            let (layer, scratch) = (layer.on(isa), &mut Scratch::new());
            assert_eq!(layer.isa(), isa);
            let place = format!("{} in {} on {isa}", self.0["name"], L::Elem::NAME);
            if self.is_batched() {
                self.compare(&run(&*layer, &self.tensor("input"), scratch), &place);
            } else {
                self.compare(&run_image(&*layer, &self.tensor("input"), scratch), &place);
            }
        }
    }

    fn compare<E: Element, const R: usize>(self, got: &Tensor<E, R>, place: &str) {
        let expected: Tensor<f64, R> = self.tensor("output");
        assert_eq!(got.shape(), expected.shape(), "{place}");
        for (at, (got, expected)) in got.iter().zip(&expected).enumerate() {
            let error = (got.to_f64() - expected).abs();
            let tolerance = self.tolerance::<E>();
            assert!(
                error <= tolerance,
                "{place}: element {at} is {got}, expected {expected}, tolerance {tolerance:e}"
            );
        }
    }
}

fn numbers<E: Element, const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<E> {
    bytes.as_chunks().0.iter().map(|&bytes| E::from_f64(number(bytes))).collect()
}

macro_rules! test_golden {
    ($($layer:ident $($other:ident)*, { $($keys:tt)* };)*) => {
        $(mod $layer {
            use crate::Case;

            conv_runtime::conv2d! {
                struct Single<$($keys)*>;
                struct Double<$($keys)*, dtype: f64>;
            }

            test_golden!(@case $layer $($other)*);
        })*

        #[test]
        fn the_definition_agrees_with_torch() {
            for case in CASES.iter().map(Case) {
                case.check_definition::<f32>();
                case.check_definition::<f64>();
            }
        }

        #[test]
        fn every_case_of_the_file_has_a_row() {
            let rows = BTreeSet::from([$(stringify!($layer), $(stringify!($other),)*)*]);
            let cases: BTreeSet<_> = CASES.iter().filter_map(|case| case["name"].as_str()).collect();
            assert_eq!(rows, cases);
            assert_eq!(rows.len(), 141);
        }
    };
    (@case $($name:ident)*) => {
        $(#[test]
        fn $name() {
            let case = Case::named(stringify!($name));
            case.check::<Single>();
            case.check::<Double>();
        })*
    };
}

for_each_golden!(test_golden);
