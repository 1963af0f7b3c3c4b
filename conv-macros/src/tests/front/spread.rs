//! Nothing depends on invisible groups, and mistakes keep their number when they come together.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::{front, tokens};

/// Every token in an invisible group of its own.
fn each_hidden(tokens: TokenStream) -> TokenStream {
    let hide = |tree: TokenTree| -> TokenTree {
        let tree = match tree {
            TokenTree::Group(group) => Group::new(group.delimiter(), each_hidden(group.stream())).into(),
            tree => tree,
        };
        Group::new(Delimiter::None, tree.into()).into()
    };
    tokens.into_iter().map(hide).collect()
}

#[test]
fn invisible_groups_change_no_message() {
    for source in [
        "struct A<in: -1, out: 2 + 1, k: [2, 3], stride: 0, bias: none>; enum B; struct C",
        "in = 1, out 3, k: (1, 2, 3), strides: 2",
        "pub(crate) struct A<in: 10, out: 4, k: 3, groups: 4, crate: \"a\">",
    ] {
        let messages =
            |tokens| -> Vec<String> { front(tokens).1.into_iter().map(|mistake| mistake.message).collect() };
        assert_eq!(messages(tokens(source)), messages(each_hidden(tokens(source))), "{source}");
    }
}

/// Arguments with one mistake each.
const WRONG: [&str; 12] = [
    "stride: 0",
    "dilation: -1",
    "padding: smae",
    "padding_mode: wrap",
    "groups: 0",
    "bias: 0",
    "dtype: f16",
    "algorithm: fft",
    "input: 28",
    "crate: 3",
    "banana: 1",
    "device: cpu",
];

#[test]
fn any_two_mistakes_are_two_errors() {
    for (i, first) in WRONG.iter().enumerate() {
        for second in &WRONG[i + 1..] {
            let one_layer = format!("struct A<in: 4, {first}, out: 4, {second}, k: 3>;");
            let two_layers =
                format!("struct A<in: 4, {first}, out: 4, k: 3>; struct B<in: 4, out: 4, k: 3, {second}>;");
            for source in [one_layer, two_layers] {
                assert_eq!(front(tokens(&source)).1.len(), 2, "{source}");
            }
        }
    }
}
