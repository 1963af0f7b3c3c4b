//! Files of weights: what is read, what is refused, and that no file makes the readers panic.

use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs, process};

use proptest::prelude::*;

use super::front::{accepted, mistakes, tokens};
use crate::file::{Checkpoint, npy};

/// A file for one test, gone after it.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = env::temp_dir().join(format!("conv-macros-{}-{name}", process::id()));
        fs::write(&path, content).expect("the folder for temporary files can be written to");
        Self(path)
    }

    /// A layer of 1 input and 2 output channels and a kernel of 1 x 2 with its weights in the file.
    fn layer(&self, rest: &str) -> String {
        format!("in: 1, out: 2, k: (1, 2), weights: {:?}, {rest}", self.0.display().to_string())
    }

    fn weights(&self, rest: &str) -> (Vec<f64>, Option<Vec<f64>>) {
        let weights = accepted(tokens(&self.layer(rest))).pop().and_then(|layer| layer.weights);
        weights.map(|weights| (weights.weight, weights.bias)).expect("the layer has weights")
    }

    /// The messages, with the file's name in place of its path.
    fn mistakes(&self, rest: &str) -> Vec<String> {
        let path = self.0.display().to_string();
        mistakes(&self.layer(rest)).iter().map(|mistake| mistake.replace(&path, "FILE")).collect()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn npy_file(descr: &str, order: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let len = u16::try_from(header.len()).expect("short").to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &len, header.as_bytes(), numbers].concat()
}

fn checkpoint(header: &str, numbers: &[u8]) -> Vec<u8> {
    [&u64::try_from(header.len()).expect("short").to_le_bytes(), header.as_bytes(), numbers].concat()
}

/// `conv.weight` of [2, 1, 1, 2] and `conv.bias`, both of this type.
fn layer_checkpoint(dtype: &str, numbers: &[u8]) -> Vec<u8> {
    let size = numbers.len() / 6;
    let header = format!(
        r#"{{"__metadata__": {{"format": "pt"}}, "conv.weight": {{"dtype": "{dtype}", "shape": [2, 1, 1, 2], "data_offsets": [0, {}]}}, "conv.bias":{{"dtype":"{dtype}","shape":[2],"data_offsets":[{},{}]}}}}  "#,
        4 * size,
        4 * size,
        6 * size
    );
    checkpoint(&header, numbers)
}

fn singles(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

const SIX: [f64; 6] = [1.5, -2.0, 0.25, 4.0, -8.0, 16.0];
const SIX_SINGLES: [f32; 6] = [1.5, -2.0, 0.25, 4.0, -8.0, 16.0];
const SIX_F16: [u16; 6] = [0x3e00, 0xc000, 0x3400, 0x4400, 0xc800, 0x4c00];
const SIX_BF16: [u16; 6] = [0x3fc0, 0xc000, 0x3e80, 0x4080, 0xc100, 0x4180];

#[test]
fn checkpoints_of_every_type() {
    let halves = |bits: [u16; 6]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<_>>();
    let expected = (SIX[..4].to_vec(), Some(SIX[4..].to_vec()));
    for (dtype, numbers, layers) in [
        ("F32", singles(&SIX_SINGLES), &["f32"][..]),
        ("F64", doubles(&SIX), &["f64"]),
        ("F16", halves(SIX_F16), &["f32", "f64"]),
        ("BF16", halves(SIX_BF16), &["f32", "f64"]),
    ] {
        let file = Temporary::new(&format!("{dtype}.safetensors"), &layer_checkpoint(dtype, &numbers));
        for layer in ["f32", "f64"] {
            let keys = format!("tensor: \"conv\", dtype: {layer}");
            if layers.contains(&layer) {
                assert_eq!(file.weights(&keys), expected, "{dtype} for {layer}");
            } else {
                assert_eq!(file.mistakes(&keys).len(), 1, "{dtype} for {layer}");
            }
        }
        assert_eq!(file.weights(&format!("tensor: \"conv\", bias: false, dtype: {}", layers[0])).1, None);
        let other = file.weights(&format!("tensor: \"conv\", bias: [1, 2], dtype: {}", layers[0]));
        assert_eq!(other, (SIX[..4].to_vec(), Some(vec![1.0, 2.0])));
    }
}

#[test]
fn arrays_of_both_byte_orders() {
    let big: Vec<u8> = SIX_SINGLES[..4].iter().flat_map(|number| number.to_be_bytes()).collect();
    for (descr, dtype, numbers) in [
        ("<f4", "f32", singles(&SIX_SINGLES[..4])),
        (">f4", "f32", big),
        ("<f8", "f64", doubles(&SIX[..4])),
        ("<f2", "f32", SIX_F16[..4].iter().flat_map(|bits| bits.to_le_bytes()).collect()),
    ] {
        let name = format!("{}-{dtype}.npy", descr.replace(['<', '>'], &descr.starts_with('>').to_string()));
        let file = Temporary::new(&name, &npy_file(descr, "False", "(2, 1, 1, 2)", &numbers));
        let keys = format!("bias: false, dtype: {dtype}");
        assert_eq!(file.weights(&keys), (SIX[..4].to_vec(), None), "{descr}");
    }
}

#[test]
fn what_is_wrong_with_a_checkpoint() {
    let sound = layer_checkpoint("F32", &singles(&SIX_SINGLES));
    let mut report = String::new();
    let mut note = |name: &str, content: &[u8], keys: &str| {
        let file = Temporary::new(&format!("{}.safetensors", name.replace(' ', "-")), content);
        let mistakes = file.mistakes(keys);
        assert_eq!(mistakes.len(), 1, "{name}: {mistakes:?}");
        let _ = writeln!(report, "{name}\n    {}", mistakes[0]);
    };
    note("empty", &[], "tensor: \"conv\"");
    note("text", b"version https://git-lfs.github.com/spec/v1", "tensor: \"conv\"");
    note("cut in its header", &sound[..40], "tensor: \"conv\"");
    note("cut in its numbers", &sound[..sound.len() - 20], "tensor: \"conv\", bias: false");
    note("no JSON", &checkpoint("{\"conv.weight\": }", &[]), "tensor: \"conv\"");
    note("an array", &checkpoint("[]", &[]), "tensor: \"conv\"");
    note("no layer", &checkpoint("{}", &[]), "tensor: \"conv\"");
    note("no name", &sound, "");
    note("another name", &sound, "tensor: \"conb\"");
    note("the name of a tensor", &sound, "tensor: \"conv.weight\"");
    note("another type", &layer_checkpoint("F64", &doubles(&SIX)), "tensor: \"conv\"");
    note("integers", &layer_checkpoint("I32", &singles(&SIX_SINGLES)), "tensor: \"conv\"");
    note("another shape", &turned(sound.clone()), "tensor: \"conv\"");
    let twice = r#"{"conv.weight": {}, "conv.weight": {}}"#;
    note("twice", &checkpoint(twice, &[]), "tensor: \"conv\"");
    let lone = r#"{"conv.weight": {"dtype": "F16", "shape": [2, 1, 1, 2], "data_offsets": [0, 8]}}"#;
    note("no bias", &checkpoint(lone, &[0; 8]), "tensor: \"conv\"");
    insta::assert_snapshot!(report);
}

/// The file with its kernel turned by a right angle.
fn turned(mut file: Vec<u8>) -> Vec<u8> {
    let (from, to) = (b"[2, 1, 1, 2]", b"[2, 1, 2, 1]");
    let at = file.windows(from.len()).position(|window| window == from).expect("it is there");
    file[at..at + to.len()].copy_from_slice(to);
    file
}

#[test]
fn what_is_wrong_with_an_array() {
    let numbers = singles(&SIX_SINGLES[..4]);
    let sound = npy_file("<f4", "False", "(2, 1, 1, 2)", &numbers);
    let mut report = String::new();
    let mut note = |name: &str, content: &[u8]| {
        let file = Temporary::new(&format!("{}.npy", name.replace(' ', "-")), content);
        let mistakes = file.mistakes("bias: false");
        assert_eq!(mistakes.len(), 1, "{name}: {mistakes:?}");
        let _ = writeln!(report, "{name}\n    {}", mistakes[0]);
    };
    note("empty", &[]);
    note("cut in its header", &sound[..30]);
    note("cut in its numbers", &sound[..sound.len() - 1]);
    note("too long", &[sound.clone(), vec![0]].concat());
    note("another version", &[b"\x93NUMPY\x09", &sound[7..]].concat());
    note("another order", &npy_file("<f4", "True", "(2, 1, 1, 2)", &numbers));
    note("another shape", &npy_file("<f4", "False", "(4,)", &numbers));
    note("a shape beyond counting", &npy_file("<f4", "False", "(99999999999, 99999999999)", &numbers));
    note("another type", &npy_file("<f8", "False", "(2, 1, 1, 2)", &doubles(&SIX[..4])));
    note("integers", &npy_file("<i8", "False", "(2, 1, 1, 2)", &doubles(&SIX[..4])));
    note("no type", &npy_file("", "False", "(2, 1, 1, 2)", &numbers));
    note("letters", &npy_file("é", "False", "(2, 1, 1, 2)", &numbers));
    note("no numbers in the shape", &npy_file("<f4", "False", "(2, x)", &numbers));
    insta::assert_snapshot!(report);
}

/// Some bytes changed, and the end cut or not.
fn damaged(sound: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (prop::collection::vec(change, 0..6), any::<prop::sample::Index>(), any::<bool>()).prop_map(
        move |(changes, end, cut)| {
            let mut file = sound.clone();
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if cut {
                file.truncate(end.index(file.len()));
            }
            file
        },
    )
}

/// Whatever is read has as many numbers as its shape says.
fn hold(file: &[u8]) {
    let arrays = [npy(file).ok(), Checkpoint::new(file).ok().and_then(|it| it.array("conv.weight").ok()?)];
    for array in arrays.into_iter().flatten() {
        let len = array.shape.iter().product::<usize>();
        assert!(array.numbers().is_none_or(|numbers| numbers.len() == len), "{:?}", array.shape);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_checkpoints(file in damaged(layer_checkpoint("F32", &singles(&SIX_SINGLES)))) {
        hold(&file);
    }

    #[test]
    fn damaged_arrays(file in damaged(npy_file("<f4", "False", "(2, 1, 1, 2)", &singles(&SIX_SINGLES[..4])))) {
        hold(&file);
    }

    #[test]
    fn arbitrary_headers(header in "[\\[\\]{}:,\" 0-9a-z\\\\u.-]{0,60}") {
        hold(&checkpoint(&header, &[0; 8]));
    }
}

#[test]
fn deep_nesting_is_no_stack_overflow() {
    for open in ["[", "{\"a\":"] {
        hold(&checkpoint(&open.repeat(100_000), &[]));
    }
}
