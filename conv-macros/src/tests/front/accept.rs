//! Invocations that are valid, however they are written.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;

use super::{accepted, tokens};
use crate::check::CheckedLayer;
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Spec};

/// The only layer of a valid invocation.
fn layer(source: &str) -> CheckedLayer {
    let mut layers = accepted(tokens(source));
    assert_eq!(layers.len(), 1, "{source}");
    layers.remove(0)
}

fn spec(source: &str) -> Spec {
    layer(source).spec
}

/// The layer with these arguments beside the required ones.
fn with(arguments: &str) -> Spec {
    spec(&format!("in: 4, out: 4, k: (3, 2), {arguments}"))
}

/// Every value and every larger part in an invisible group, as `macro_rules!` leaves them.
fn in_invisible_groups(tokens: TokenStream) -> TokenStream {
    let wrap = |stream| TokenTree::Group(Group::new(Delimiter::None, stream));
    let inner = tokens.into_iter().map(|tree| match tree {
        TokenTree::Group(group) => {
            let inner = Group::new(group.delimiter(), in_invisible_groups(group.stream()));
            wrap(wrap(TokenTree::Group(inner).into()).into())
        }
        TokenTree::Punct(punct) => punct.into(),
        tree => wrap(tree.into()),
    });
    wrap(inner.collect()).into()
}

const CONTRACT: &str = "
    /// The article's layer.
    #[derive(Debug, Clone)]
    pub struct Article<in: 1, out: 4, k: (2, 3), stride: 1, dilation: 1, groups: 1>;
    struct Rect<in_channels: 4, out_channels: 6, kernel_size: (3, 5), stride: (2, 1), padding: (4, 2), dilation: (3, 1)>;
    struct Reflect<in: 3, out: 3, k: 3, padding: 1, padding_mode: reflect, groups: 3, bias: false>;
    struct Same<in: 2, out: 2, k: (4, 3), padding: same, padding_mode: circular>;
    pub(crate) struct Uneven<in: 2, out: 3, k: 3, stride: 2, padding: ((0, 1), (1, 0))>;
    struct Spelled<dtype: f32, bias: true, crate: ::conv_runtime, padding_mode: \"zeros\", padding: valid, k: 0x2, out: 1_0, in: 2usize,>;
    struct Double<in: 5, out: 7, k: 3, padding: 1, dtype: f64>;
    pub(in crate::layers) struct Fixed<in: 1, out: 6, k: 5, padding: 2, input: (28, 28)>;";

#[test]
fn the_contract() {
    let descriptors = |layers: Vec<CheckedLayer>| {
        layers.iter().map(|layer| format!("{} {}", layer.name, layer.spec)).collect::<Vec<_>>()
    };
    let expected = [
        "Article ic1oc4_kh2kw3_sh1sw1_dh1dw1_g1",
        "Rect ic4oc6_kh3kw5_sh2sw1_dh3dw1_g1_pt4pb4pl2pr2",
        "Reflect ic3oc3_kh3kw3_sh1sw1_dh1dw1_g3_p1_reflect_nobias",
        "Same ic2oc2_kh4kw3_sh1sw1_dh1dw1_g1_pt1pb2pl1pr1_circular",
        "Uneven ic2oc3_kh3kw3_sh2sw2_dh1dw1_g1_pt0pb1pl1pr0",
        "Spelled ic2oc10_kh2kw2_sh1sw1_dh1dw1_g1",
        "Double ic5oc7_kh3kw3_sh1sw1_dh1dw1_g1_p1_f64",
        "Fixed ic1oc6_kh5kw5_sh1sw1_dh1dw1_g1_p2_i28x28",
    ];
    assert_eq!(descriptors(accepted(tokens(CONTRACT))), expected);
    assert_eq!(descriptors(accepted(in_invisible_groups(tokens(CONTRACT)))), expected);
}

#[test]
fn attributes_and_visibility_pass_through() {
    let layers = accepted(tokens(CONTRACT));
    let attributes: TokenStream = layers[0].attrs.iter().map(ToTokens::to_token_stream).collect();
    assert_eq!(
        attributes.to_string(),
        tokens("#[doc = \" The article's layer.\"] #[derive(Debug, Clone)]").to_string()
    );
    assert!(layers[0].attrs[0].is("doc") && layers[0].attrs[1].is("derive"));
    let visibility = |layer: &CheckedLayer| layer.vis.to_string().replace(' ', "");
    let visibilities: Vec<_> = [0, 1, 4, 7].map(|i| visibility(&layers[i])).into();
    assert_eq!(visibilities, ["pub", "", "pub(crate)", "pub(incrate::layers)"]);
}

#[test]
fn both_expression_forms() {
    let expected = spec("struct Name<in: 1, out: 4, k: (2, 3)>;");
    assert_eq!(spec("in: 1, out: 4, k: (2, 3)"), expected);
    assert_eq!(spec("<in: 1, out: 4, k: (2, 3), stride: 1, dilation: 1, groups: 1>"), expected);
    assert_eq!(spec("<in: 1, out: 4, k: (2, 3),>"), expected);
    assert_eq!(layer("in: 1, out: 4, k: 3").name, "Layer");
}

#[test]
fn keys_in_any_order_long_or_short_and_raw() {
    let expected = spec("in: 1, out: 4, k: 3");
    assert_eq!(spec("kernel_size: 3, out_channels: 4, in_channels: 1"), expected);
    assert_eq!(spec("r#in: 1, r#out: 4, r#k: 3"), expected);
}

#[test]
fn integers_of_any_radix_and_type() {
    for (literal, value) in [
        ("1_024", 1024),
        ("0x10", 16),
        ("0b101", 5),
        ("0o17", 15),
        ("16usize", 16),
        ("2u8", 2),
        ("7_i64", 7),
        ("3u128", 3),
        ("0x1f32", 0x1f32),
        ("(3)", 3),
        ("((3))", 3),
        ("00003", 3),
    ] {
        assert_eq!(spec(&format!("in: {literal}, out: 1, k: 1")).in_channels, value, "{literal}");
        assert_eq!(
            spec(&format!("in: 1, out: 1, k: {literal}")).kernel,
            Hw { h: value, w: value },
            "{literal}"
        );
    }
}

#[test]
fn pairs_are_height_and_width() {
    let hw = Hw { h: 3, w: 2 };
    for pair in ["(3, 2)", "(3, 2,)", "((3, 2))", "((3), (2))", "(0x3, 2u8)"] {
        assert_eq!(with(&format!("stride: {pair}")).stride, hw, "{pair}");
        assert_eq!(with(&format!("dilation: {pair}")).dilation, hw, "{pair}");
        assert_eq!(with(&format!("input: (9, 9), stride: {pair}")).input, Some(Hw { h: 9, w: 9 }));
    }
}

#[test]
fn paddings() {
    let sides = |top, bottom, left, right| Padding { top, bottom, left, right };
    for (padding, expected) in [
        ("0", Padding::NONE),
        ("valid", Padding::NONE),
        ("1", sides(1, 1, 1, 1)),
        ("(1, 2)", sides(1, 1, 2, 2)),
        ("((1, 2), (3, 4))", sides(1, 2, 3, 4)),
        ("(((1, 2,)), ((3), 4),)", sides(1, 2, 3, 4)),
        ("((1), (2))", sides(1, 1, 2, 2)),
        ("same", sides(1, 1, 0, 1)),
        ("\"same\"", sides(1, 1, 0, 1)),
        ("r#\"same\"#", sides(1, 1, 0, 1)),
        ("(same)", sides(1, 1, 0, 1)),
        ("same, dilation: (1, 3)", sides(1, 1, 1, 2)),
        ("same, dilation: (1, 2)", sides(1, 1, 1, 1)),
        ("valid, stride: 2", Padding::NONE),
    ] {
        assert_eq!(with(&format!("padding: {padding}")).padding, expected, "{padding}");
    }
}

#[test]
fn words_bare_or_quoted() {
    for mode in PaddingMode::ALL {
        let word = mode.word();
        assert_eq!(with(&format!("padding_mode: {word}")).padding_mode, mode);
        assert_eq!(with(&format!("padding_mode: \"{word}\"")).padding_mode, mode);
    }
    assert_eq!(with("dtype: f64").dtype, Dtype::F64);
    assert_eq!(with("dtype: \"f32\"").dtype, Dtype::F32);
    assert_eq!(with("algorithm: direct").algorithm, Algorithm::Direct);
    assert_eq!(with("algorithm: auto").algorithm, Algorithm::Auto);
    assert!(!with("bias: false").bias);
    assert!(with("bias: (true)").bias);
}

#[test]
fn the_path_of_the_runtime() {
    let runtime = |path: &str| {
        layer(&format!("in: 1, out: 1, k: 1, crate: {path}")).runtime.to_string().replace(' ', "")
    };
    for path in ["::my::conv_runtime", "crate::vendored", "conv", "super::conv", "self::a::b"] {
        assert_eq!(runtime(path), path);
    }
    assert_eq!(layer("in: 1, out: 1, k: 1").runtime.to_string().replace(' ', ""), "::conv_runtime");
    assert_eq!(
        layer("crate:::conv_runtime, in: 1, out: 1, k: 1").runtime.to_string().replace(' ', ""),
        "::conv_runtime"
    );
}

#[test]
fn same_name_twice_if_attributes_choose() {
    let source = "#[cfg(a)] struct A<in: 1, out: 1, k: 1>; #[cfg(not(a))] struct A<in: 2, out: 1, k: 1>;";
    assert_eq!(accepted(tokens(source)).len(), 2);
}

#[test]
fn legal_giants() {
    for source in [
        "in: 100000, out: 100000, k: 3, groups: 100000",
        "in: 2048, out: 2048, k: 31",
        "in: 1, out: 1, k: 1, dilation: 1_099_511_627_776",
        "in: 1, out: 1, k: 3, stride: 9_223_372_036_854_775_807",
        "in: 1, out: 1, k: 3, padding: 4611686018427387903",
        "in: 1, out: 1, k: 1, padding_mode: reflect, padding: same, input: (1, 1)",
        "in: 1, out: 1, k: 3, padding_mode: circular, padding: 2, input: (2, 2)",
        "in: 1, out: 1, k: 3, padding_mode: reflect, padding: 1, input: (2, 2)",
        "in: 1, out: 1, k: 5, padding: same, input: (1, 1)",
        "in: 1, out: 1, k: 3, padding_mode: replicate, padding: 9, input: (1, 1)",
    ] {
        layer(source);
    }
}
