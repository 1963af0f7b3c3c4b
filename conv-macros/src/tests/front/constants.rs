//! Weights in the macro: what is said about numbers, shapes and keys, and which numbers come of it.

use insta::assert_snapshot;

use super::{accepted, report, tokens};
use crate::weights::Weights;

/// The weights of a layer.
fn weights(source: &str) -> Weights {
    let mut layers = accepted(tokens(source));
    let layer = layers.pop().unwrap_or_else(|| panic!("{source}"));
    layer.weights.unwrap_or_else(|| panic!("no weights: {source}"))
}

#[test]
fn numbers_in_every_spelling() {
    let all = weights(
        "in: 1, out: 1, k: (2, 6), bias: [-1e2], weights: [[[[1, -1, 0x10, 1_000, 2u8, -0], [1.5, -2.5f32, 1e-3, .5e1, (3), 7f32,]]]]"
            .replace(".5e1", "0.5e1")
            .as_str(),
    );
    let third = f64::from(1e-3_f32);
    assert_eq!(all.weight, [1.0, -1.0, 16.0, 1000.0, 2.0, 0.0, 1.5, -2.5, third, 5.0, 3.0, 7.0]);
    assert!(all.weight[5].is_sign_negative());
    assert_eq!(all.bias, Some(vec![-100.0]));
    let double = weights("in: 1, out: 1, k: 1, bias: false, dtype: f64, weights: [[[[0.1f64]]]]");
    assert_eq!((double.weight, double.bias), (vec![0.1], None));
}

#[test]
fn the_order_is_torch_s() {
    let source = "in: 4, out: 2, k: (1, 2), groups: 2, bias: [7, 8], weights: [[[[1, 2]], [[3, 4]]], [[[5, 6]], [[7, 8]]]]";
    assert_eq!(weights(source).weight, [1, 2, 3, 4, 5, 6, 7, 8].map(f64::from));
}

#[test]
fn negative_literals_of_other_macros() {
    let minus = proc_macro2::Literal::i32_unsuffixed(-3);
    let layers = accepted(quote::quote!(in: 1, out: 1, k: 1, bias: false, weights: [[[[#minus]]]]));
    assert_eq!(layers[0].weights.as_ref().map(|weights| weights.weight.clone()), Some(vec![-3.0]));
}

#[test]
fn arrays() {
    let all = [
        "[[[[N]]]]",
        "[[[[1 / 2]]]]",
        "[[[[1 2]]]]",
        "[[[[1,, 2]]]]",
        "[[[[,]]]]",
        "[[[[\"1\"]]]]",
        "[[[[true]]]]",
        "[[[[0; 9]]]]",
        "[[[(1, 2)]]]",
        "[[[[{ 1 }]]]]",
        "[[[[+1]]]]",
        "[[[[- -1]]]]",
        "[[[[f32::MAX]]]]",
        "[[[[1px]]]]",
        "[[[[1i7]]]]",
        "[[[[1.5f64]]]]",
        "[[[[1e39]]]]",
        "[[[[1e39f32, -1e39]]]]",
        "[[[[16777217]]]]",
        "[[[[999999999999999999999999999999999999999999999999]]]]",
        "KERNEL",
        "3",
        "((1))",
        "include_bytes!(\"a.npy\")",
        "b\"123\"",
        "",
    ];
    let sources = all.map(|weights| format!("in: 1, out: 1, k: 1, bias: false, weights: {weights}"));
    assert_snapshot!(report(&sources.each_ref().map(String::as_str)));
}

#[test]
fn shapes() {
    let all = [
        "1, out: 1, k: 2, weights: [[[[1, 2], [3, 4], [5, 6]]]]",
        "1, out: 1, k: 2, weights: [[1, 2], [3, 4]]",
        "1, out: 1, k: 2, weights: []",
        "1, out: 1, k: 2, weights: [[[[[1, 2], [3, 4]]]]]",
        "1, out: 1, k: 2, weights: [[[[1, 2], [3]]]]",
        "1, out: 1, k: 2, weights: [[[[1, 2], [3, [4]]]]]",
        "1, out: 1, k: 2, weights: [[[[1, 2], 3]]]",
        "2, out: 2, k: 1, weights: [[[[1]], [[1]]], [[[1]]]]",
        "2, out: 2, k: 1, weights: [[[[1]], [[1, 2]]], [[[1]]]]",
        "2, out: 2, k: 1, groups: 2, weights: [[[[1]], [[1]]], [[[1]], [[1]]]]",
        "N, out: 1, k: 2, weights: [[1, M]]",
        "1, out: 1, k: 2, dtype: f16, weights: [[[[1, 2e99], [3, 4]]]]",
    ];
    let sources = all.map(|rest| format!("bias: false, in: {rest}"));
    assert_snapshot!(report(&sources.each_ref().map(String::as_str)));
}

#[test]
fn keys() {
    let all = [
        "weights: [[[[1]]]]",
        "weights: [[[[1]]]], bias: true",
        "weights: [[[[1]]]], bias: [1, 2]",
        "weights: [[[[1]]]], bias: [[1]]",
        "weights: [[[[1]]]], bias: [B]",
        "weights: [[[[1]]]], bias: 1",
        "weights: [[[[1]]]], bias: false, tensor: \"conv1\"",
        "weights: [[[[1]]]], bias: false, tensor: conv1",
        "bias: [1]",
        "tensor: \"conv1\"",
        "tensor: 3",
        "weights: N, bias: [1e99]",
        "weights: \"weights.pt\"",
        "weights: \"weights\"",
        "weights: \"nowhere.npy\", bias: false",
        "weights: \"nowhere.npy\"",
        "weights: \"nowhere.safetensors\", tensor: \"conv1\"",
    ];
    let sources = all.map(|rest| format!("in: 1, out: 1, k: 1, {rest}"));
    assert_snapshot!(report(&sources.each_ref().map(String::as_str)));
}
