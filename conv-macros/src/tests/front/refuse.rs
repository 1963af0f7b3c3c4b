//! What is said about values and numbers, by theme.

use insta::assert_snapshot;

use super::{mistakes, report, with};

#[test]
fn integers() {
    assert_snapshot!(report(&[
        "in: N, out: 4, k: 3",
        "in: true, out: 4, k: 3",
        "in: 2 + 1, out: 4, k: 3",
        "in: usize::MAX, out: 4, k: 3",
        "in: -1, out: 4, k: 3",
        "in: 3.0, out: 4, k: 3",
        "in: 2.5, out: 4, k: 3",
        "in: 1f32, out: 4, k: 3",
        "in: \"3\", out: 4, k: 3",
        "in: \"three\", out: 4, k: 3",
        "in: '3', out: 4, k: 3",
        "in: 3px, out: 4, k: 3",
        "in: 300u8, out: 4, k: 3",
        "in: 99999999999999999999999999999999999999999999, out: 4, k: 3",
        "in: 18446744073709551616, out: 4, k: 3",
        "in: (1, 2), out: 4, k: 3",
        "in: [3], out: 4, k: 3",
        "in: { 3 }, out: 4, k: 3",
        "in: (), out: 4, k: 3",
        "in: (3,), out: 4, k: 3",
        "in: 1 2, out: 4, k: 3",
        "in: f(3), out: 4, k: 3",
        "in: (1 + 1), out: 4, k: 3",
        "in: 3 as usize, out: 4, k: 3",
        "in: 3 > 2, out: 4, k: 3",
        "struct A<in: 16 >> 2, out: 4, k: 3>;",
    ]));
}

#[test]
fn pairs() {
    assert_snapshot!(report(&[
        "in: 1, out: 4, k: [2, 3]",
        "in: 1, out: 4, k: (3,)",
        "in: 1, out: 4, k: (1, 2, 3)",
        "in: 1, out: 4, k: ()",
        "in: 1, out: 4, k: (2 3)",
        "in: 1, out: 4, k: (,)",
        "in: 1, out: 4, k: (1,,)",
        "in: 1, out: 4, k: (2, K)",
        "in: 1, out: 4, k: (H, W)",
        "in: 1, out: 4, k: ((1, 2), 3)",
        "in: 1, out: 4, k: (2, -3)",
        "in: 1, out: 4, k: 3x3",
        "in: 1, out: 4, k: \"3x3\"",
    ]));
    assert_snapshot!(
        "inputs",
        with(&[
            "input: 28",
            "input: (28,)",
            "input: (1, 28, 28)",
            "input: (0, 28)",
            "input: N",
            "input: (H, 28)",
            "input: -28",
        ])
    );
}

#[test]
fn paddings() {
    assert_snapshot!(with(&[
        "padding: -1",
        "padding: (0, -1)",
        "padding: smae",
        "padding: Same",
        "padding: \"SAME\"",
        "padding: reflect",
        "padding: none",
        "padding: full",
        "padding: P",
        "padding: \"\"",
        "padding: (same, 1)",
        "padding: (1, (2, 3))",
        "padding: (1, 2, 3, 4)",
        "padding: ((1, 2), (3,))",
        "padding: ((1, 2), (3, 4), (5, 6))",
        "padding: [1, 1]",
        "padding: 4611686018427387904",
        "padding: same, stride: 2",
        "padding: same, stride: (1, 2), dilation: (1, 2)",
        "padding: same, stride: 0",
        "padding: 1.5",
    ]));
}

#[test]
fn words() {
    assert_snapshot!(with(&[
        "padding_mode: reflct",
        "padding_mode: Zeros",
        "padding_mode: constant",
        "padding_mode: symmetric",
        "padding_mode: same",
        "padding_mode: 3",
        "padding_mode: PaddingMode::Reflect",
        "padding_mode: banana",
        "dtype: f16",
        "dtype: bf16",
        "dtype: i8",
        "dtype: float",
        "dtype: torch.float64",
        "dtype: 32",
        "algorithm: winograd, stride: 3",
        "algorithm: winograd, stride: 2, dilation: 2",
        "algorithm: winograd, k: 7",
        "algorithm: im2col",
        "algorithm: dierct",
        "algorithm: 1",
        "bias: 0",
        "bias: 1",
        "bias: none",
        "bias: None",
        "bias: False",
        "bias: \"true\"",
        "bias: !true",
        "bias: maybe",
        "bias: [0.5]",
        "crate: \"conv_runtime\"",
        "crate: ::conv_runtime<3>",
        "crate: conv_runtime::",
        "crate: 3",
        "crate: my-runtime",
    ]));
}

#[test]
fn numbers() {
    assert_snapshot!(report(&[
        "in: 0, out: 4, k: 3",
        "in: 4, out: 0, k: 3",
        "in: 4, out: 4, k: 0",
        "in: 4, out: 4, k: (3, 0)",
        "in: 4, out: 4, k: 3, stride: 0",
        "in: 4, out: 4, k: 3, stride: -1",
        "in: 4, out: 4, k: 3, dilation: (0, 0)",
        "in: 4, out: 4, k: 3, groups: 0",
        "in: 10, out: 4, k: 3, groups: 4",
        "in: 4, out: 10, k: 3, groups: 4",
        "in: 10, out: 6, k: 3, groups: 4",
        "in: 7, out: 9, k: 3, groups: 2",
        "in: 5040, out: 5040, k: 3, groups: 11",
        "in: 0, out: 6, k: 3, groups: 4",
        "in: N, out: 8, k: 3, groups: 4",
        "in: 4294967296, out: 4294967296, k: 3",
        "in: 1, out: 1, k: 4294967296",
        "in: 1, out: 2305843009213693952, k: 1",
        "in: 1, out: 1, k: 3, dilation: 4611686018427387904",
        "in: 1, out: 1, k: (9223372036854775807, 1), dilation: 2",
    ]));
}

#[test]
fn sizes() {
    assert_snapshot!(report(&[
        "in: 1, out: 1, k: 5, input: (4, 5)",
        "in: 1, out: 1, k: 3, dilation: 3, padding: 1, input: (4, 5)",
        "in: 1, out: 1, k: 3, padding: 3, padding_mode: reflect, input: (3, 3)",
        "in: 1, out: 1, k: 3, padding: (3, 0), padding_mode: reflect, input: (3, 3)",
        "in: 2, out: 1, k: 4, padding: same, padding_mode: reflect, input: (2, 2)",
        "in: 1, out: 1, k: 3, padding: 4, padding_mode: circular, input: (3, 3)",
        "in: 1, out: 1, k: 3, padding: ((4, 0), (0, 0)), padding_mode: circular, input: (3, 3)",
        "in: 1, out: 1, k: 3, input: (0, 0)",
        "in: 1, out: 1, k: 3, input: (18446744073709551615, 3)",
        "in: 1, out: 1, k: 3, padding: 1, input: (9223372036854775807, 3)",
        "in: 1, out: 1, k: 1, input: (4294967296, 4294967296)",
        "in: 1, out: 1000, k: 1, input: (4294967296, 16777216)",
        "in: N, out: 1, k: 5, input: (4, 5)",
        "in: 1, out: 1, k: 5, padding_mode: banana, input: (4, 5)",
    ]));
}

#[test]
fn the_wording_is_rustc_s() {
    for source in [
        "in: 10, out: 4, k: 3, groups: 4",
        "struct A",
        "in: N",
        "strides: 2",
        "in: 1, out: 1, k: 9, input: (1, 1)",
    ] {
        for mistake in mistakes(source) {
            let (_, message) = mistake.split_once("`: ").unwrap_or_else(|| panic!("{mistake}"));
            assert!(!message.ends_with('.'), "{message}");
            assert!(!message.starts_with(char::is_uppercase), "{message}");
        }
    }
}
