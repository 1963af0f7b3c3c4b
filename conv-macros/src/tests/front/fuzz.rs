//! Random tokens and damaged invocations: the front end says something, and never panics.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use proptest::prelude::*;

use super::front;
use crate::expand::expand;

const WORDS: [&str; 24] = [
    "in",
    "out",
    "k",
    "stride",
    "padding",
    "padding_mode",
    "groups",
    "bias",
    "dtype",
    "input",
    "crate",
    "weights",
    "struct",
    "pub",
    "enum",
    "A",
    "same",
    "reflect",
    "true",
    "f64",
    "const",
    "_",
    "Self",
    "in_channels",
];

const LITERALS: [&str; 14] = [
    "1",
    "0",
    "3usize",
    "0x10",
    "99999999999999999999999999",
    "1.0",
    "1e3",
    "'c'",
    "\"same\"",
    "b\"x\"",
    "b'x'",
    "c\"x\"",
    "r#\"raw\"#",
    "18446744073709551615",
];

fn leaf() -> impl Strategy<Value = TokenTree> {
    prop_oneof![
        prop::sample::select(&WORDS[..]).prop_map(|word| Ident::new(word, Span::call_site()).into()),
        prop::sample::select(&LITERALS[..]).prop_map(|text| match text.parse::<Literal>() {
            Ok(literal) => literal.into(),
            Err(_) => Literal::i64_unsuffixed(-1).into(),
        }),
        (
            prop::sample::select(&[':', ',', ';', '<', '>', '=', '-', '#', '\'', '!', '.', '|'][..]),
            any::<bool>()
        )
            .prop_map(|(char, joint)| {
                Punct::new(char, if joint { Spacing::Joint } else { Spacing::Alone }).into()
            }),
    ]
}

const DELIMITERS: [Delimiter; 5] =
    [Delimiter::Parenthesis, Delimiter::Bracket, Delimiter::Brace, Delimiter::None, Delimiter::None];

fn soup() -> impl Strategy<Value = TokenStream> {
    let tree = leaf().prop_recursive(4, 48, 8, |inner| {
        (prop::sample::select(&DELIMITERS[..]), prop::collection::vec(inner, 0..8))
            .prop_map(|(delimiter, trees)| Group::new(delimiter, trees.into_iter().collect()).into())
    });
    prop::collection::vec(tree, 0..40).prop_map(|trees| trees.into_iter().collect())
}

const VALID: [&str; 4] = [
    "#[a] pub(crate) struct A<in: 4, out: 8, k: (2, 3), padding: ((0, 1), (1, 0)), groups: 2>; struct B<in: 1, out: 2, k: 3>;",
    "in: 4, out: 4, k: 3, padding: same, padding_mode: \"reflect\", bias: false, dtype: f64, input: (28, 28)",
    "<kernel_size: 0x3, in_channels: 1_0, out_channels: 2usize, crate: ::a::b, algorithm: direct,>",
    "struct A<in: 6, out: 6, k: 3, stride: (2, 1), dilation: (1, 2), groups: 3, input: (9, 9)>;",
];

/// One change to a list of trees: some removed, doubled, swapped or replaced.
type Change = (prop::sample::Index, prop::sample::Index, u8, TokenTree);

fn damaged() -> impl Strategy<Value = TokenStream> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..5, leaf());
    (prop::sample::select(&VALID[..]), prop::collection::vec(change, 1..5)).prop_map(|(source, changes)| {
        let tokens: TokenStream = source.parse().unwrap_or_default();
        changes.into_iter().fold(tokens, damage)
    })
}

fn damage(tokens: TokenStream, (at, other, kind, new): Change) -> TokenStream {
    let mut trees: Vec<TokenTree> = tokens.into_iter().collect();
    if trees.is_empty() {
        return new.into();
    }
    let (at, to) = (at.index(trees.len()), other.index(trees.len()));
    match (kind, &trees[at]) {
        (0, _) => drop(trees.remove(at)),
        (1, _) => trees.insert(to, trees[at].clone()),
        (2, _) => trees.swap(at, to),
        (3, TokenTree::Group(group)) => {
            let inner = damage(group.stream(), (other, other, 0, new));
            trees[at] = Group::new(group.delimiter(), inner).into();
        }
        _ => trees[at] = new,
    }
    trees.into_iter().collect()
}

/// Says something, or gives every layer.
fn hold(tokens: TokenStream) {
    let source = tokens.to_string();
    let (layers, mistakes) = front(tokens.clone());
    let is_sound = layers.iter().all(Result::is_ok) && !layers.is_empty();
    assert!(is_sound || !mistakes.is_empty(), "{source}");
    for mistake in mistakes {
        assert!(!mistake.message.is_empty() && mistake.message.len() < 500, "{source}: {mistake:?}");
    }
    assert!(!expand(tokens).is_empty(), "{source}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup(tokens in soup()) {
        hold(tokens);
    }

    #[test]
    fn layer_soup(content in soup(), after in soup()) {
        hold(quote::quote!(struct Name<#content>; #after));
    }

    #[test]
    fn damaged_invocations(tokens in damaged()) {
        hold(tokens);
    }
}

#[test]
fn deep_nesting_is_no_stack_overflow() {
    for delimiter in [Delimiter::Parenthesis, Delimiter::None] {
        let mut value: TokenTree = Literal::usize_unsuffixed(3).into();
        for _ in 0..5000 {
            value = Group::new(delimiter, value.into()).into();
        }
        let (_, mistakes) = front(quote::quote!(in: #value, out: 1, k: 1));
        assert_eq!(mistakes.len(), 1, "{delimiter:?}");
        std::mem::forget(value);
    }
}
