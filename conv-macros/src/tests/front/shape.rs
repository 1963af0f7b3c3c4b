//! What is said about keys, entries and items.

use insta::assert_snapshot;

use super::{report, with};

#[test]
fn keys() {
    assert_snapshot!(with(&[
        "strides: 2",
        "filters: 3",
        "device: cpu",
        "transposed: true",
        "activation: relu",
        "Stride: 2",
        "kernel-size: 3",
        "kernel size: 3",
        "banana: 3",
        "weight: [[[[1]]]]",
        "weights: [[[[1]]]]",
        "in: 1",
        "in_channels: 4",
        "stride: 1, stride: 2, stride: 3",
        "\"stride\": 1",
    ]));
    assert_snapshot!(
        "missing_keys",
        report(&[
            "in: 4, out: 4",
            "k: 3",
            "stride: 1",
            "struct Layer<>;",
            "<>",
            "inn: 4, out: 4, k: 3",
            "kernel: 3, out: 4",
            "in_channel: 4, stride: 1",
        ])
    );
}

#[test]
fn entries() {
    assert_snapshot!(report(&[
        "in = 4, out: 4, k: 3",
        "in => 4, out: 4, k: 3",
        "in == 4, out: 4, k: 3",
        "in := 4, out: 4, k: 3",
        "in 4, out: 4, k: 3",
        "in: 4, out: 4, k",
        "in: 4, out: 4, k:",
        "in: , out: 4, k: 3",
        "in: out: 4, k: 3",
        "in: 4 out: 4, k: 3",
        "in: 4 out: 4 k: 3",
        "in = 4 out = 4 k = 3",
        "in: 4; out: 4; k: 3",
        "in: 4,, out: 4, k: 3",
        ", in: 4, out: 4, k: 3",
        ",",
        "1, 4, 3",
        "1, 4, k: 3",
        "in: 4, out: 4, k: 3, : 3",
        "in: 4, out: 4, k: 3, bias",
        "in: 4, out: 4, k: 3, const N: usize",
        "in: 4, out: 4, k: 3, 'a",
        "in: 4, out: 4, k: 3, T",
        "in: 4, out: 4, k: 3, T: Copy",
        "in: 4, out: 4, k: Foo<3, 4>",
        "in: 4, out: 4, k: 3>",
        "<in: 4, out: 4, k: 3",
        "<in: 4, out: 4, k: 3>;",
        "(in: 4, out: 4, k: 3)",
        "<in: 4, out: 4, k: Foo<3, 4>>",
        "struct A<in: 4, out: 4, k: Foo<3, 4>>;",
        "{ in: 4, out: 4, k: 3 }",
        "crate::conv2d, in: 4, out: 4, k: 3",
    ]));
}

/// Items, the first ones hardly any.
const ITEMS: &[&str] = &[
    "",
    ";",
    "struct",
    "struct ;",
    "struct A;",
    "struct A",
    "struct <in: 4, out: 4, k: 3>;",
    "struct 3<in: 4, out: 4, k: 3>;",
    "struct fn<in: 4, out: 4, k: 3>;",
    "struct _<in: 4, out: 4, k: 3>;",
    "struct A<in: 4, out: 4, k: 3>",
    "struct A<in: 4, out: 4, k: 3> struct B<in: 4, out: 4, k: 0>;",
    "struct A<in: 4, out: 4, k: 3>;;",
    "struct A<in: 4, out: 4, k: 3;",
    "struct A<in: 4, out: 4, k: 3; pub struct B<in: 4, out: 4, k: 0>;",
    "struct A<in: 4, out: 4, k: 3 #[a] pub struct B<in: 4, out: 4, k: 0>;",
    "struct A<in: 4; out: 4; k: 3>;",
    "struct A in: 4, out: 4, k: 0>;",
    "struct A(in: 4, out: 4, k: 0);",
    "struct A { in: 4, out: 4, k: 3 }",
    "struct A(u32);",
    "struct A<in: 4, out: 4, k: 3>(u32);",
    "struct A<in: 4, out: 4, k: 3> {}",
    "struct A<in: 4, out: 4, k: 3>, struct B<in: 4, out: 4, k: 0>;",
    "struct A<in: 4, out: 4, k: 3> where T: Copy;",
    "struct A<in: 4, out: 4, k: 3>>;",
    "struct A<in: 4, out: 4, k: 3>=;",
    "struct A<const N: usize, in: N, out: 4, k: 3>;",
    "struct A<'a, T>;",
    "enum A<in: 4, out: 4, k: 0>;",
    "enum A { B }",
    "impl A {}",
    "fn main() {}",
    "A<in: 4, out: 4, k: 0>;",
    "pub A<in: 4, out: 4, k: 3>;",
    "pub pub struct A<in: 4, out: 4, k: 3>;",
    "unsafe struct A<in: 4, out: 4, k: 3>;",
    "#![a] struct A<in: 4, out: 4, k: 3>;",
    "#[a]",
    "# struct A<in: 4, out: 4, k: 3>;",
    "struct A<in: 4, out: 4, k: 3>; struct A<in: 4, out: 4, k: 3>;",
    "struct A: in: 4, out: 4, k: 3;",
];

#[test]
fn items() {
    assert_snapshot!(report(ITEMS));
}

#[test]
fn every_mistake_of_an_invocation_is_reported() {
    assert_snapshot!(report(&[
        "struct A<in: 0, out: N, k: [2, 3], strides: 2, padding: smae, padding_mode: mirror, bias: 1, dtype: f16,
            algorithm: gemm, input: 28, groups: 0, dilation: 0, device: cpu>;
         struct B<in: 3, out: 4, k: 3, groups: 2>; struct C<in: 1, out: 1, k: 1>; struct D<in: 1>; enum E; struct F(3);",
    ]));
}
