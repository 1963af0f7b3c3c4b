//! What invocations expand to: as text, and as numbers.

use std::time::{Duration, Instant};

use proc_macro2::{Spacing, TokenStream, TokenTree};

use crate::check::check;
use crate::error::Errors;
use crate::expand::expand;
use crate::lower::{lower, lower_prepare};
use crate::nest::Nest;
use crate::parse::parse;
use crate::plan::{BUDGET, Plan, Plans};
use crate::spec::Spec;

/// Multiply-accumulates in the text of all kernels of a layer, for one width of vectors.
const LAYER_BUDGET: usize = 4000;

/// A layer of each kind.
const SPREAD: [&str; 22] = [
    "in: 1, out: 4, k: (2, 3)",
    "in: 64, out: 64, k: 3, padding: 1",
    "in: 64, out: 64, k: 3, padding: 1, algorithm: direct",
    "in: 64, out: 50, k: 3, padding: same, dilation: 2, input: (56, 56)",
    "in: 3, out: 64, k: 7, stride: 2, padding: 3",
    "in: 3, out: 64, k: 11, stride: 4, padding: 2, input: (224, 224)",
    "in: 512, out: 128, k: 1",
    "in: 16, out: 96, k: 1, stride: 2, bias: false",
    "in: 96, out: 96, k: 3, padding: 1, groups: 96",
    "in: 96, out: 96, k: 7, padding: 3, groups: 96",
    "in: 96, out: 96, k: 3, padding: 1, stride: 2, groups: 96, padding_mode: reflect",
    "in: 4, out: 12, k: 5, padding: ((0, 1), (2, 3)), groups: 4, padding_mode: circular",
    "in: 1, out: 1, k: 5, padding: 2, padding_mode: replicate",
    "in: 2, out: 6, k: 3, padding: 1",
    "in: 64, out: 16, k: (5, 3), padding: 1",
    "in: 1, out: 64, k: (10, 4), stride: 2, padding: (5, 1)",
    "in: 1, out: 2, k: 3, padding: 1, input: (5, 6)",
    "in: 2, out: 2, k: 2, input: (4, 4), dtype: f64",
    "in: 7, out: 33, k: 3, padding: 1, dtype: f64",
    "in: 1, out: 1, k: 1000",
    "in: 2048, out: 2048, k: 31",
    "in: 100_000, out: 100_000, k: 3, groups: 100_000",
];

fn tokens(layer: &str) -> TokenStream {
    layer.parse().unwrap_or_else(|error| panic!("{layer}: {error}"))
}

/// The layer with these arguments.
pub(super) fn spec(layer: &str) -> Spec {
    let mut errors = Errors::default();
    let input = parse(tokens(layer), &mut errors);
    let mut layers = check(input.layers, &mut errors);
    assert_eq!(errors.finish().err().map(|mistakes| mistakes.len()), None, "{layer}");
    match layers.remove(0) {
        Ok(layer) => layer.spec,
        Err(..) => panic!("{layer}"),
    }
}

/// The kernels of one width.
fn nests(spec: &Spec, plan: &Plan) -> Vec<Nest> {
    let blocks = [(false, plan.has_full_block(spec)), (true, plan.tail > 0)];
    let blocks = blocks.into_iter().filter(|(_, exists)| *exists);
    blocks.map(|(tail, _)| lower(spec, plan, tail)).chain(lower_prepare(spec, plan)).collect()
}

#[test]
fn the_same_layer_expands_to_the_same_text() {
    for layer in SPREAD {
        assert_eq!(expand(tokens(layer)).to_string(), expand(tokens(layer)).to_string(), "{layer}");
    }
}

/// The words and signs of an expansion, in order; a double colon is one sign.
fn words(tokens: TokenStream, words: &mut Vec<String>) {
    let mut is_half = false;
    for tree in tokens {
        let completes = std::mem::take(&mut is_half);
        match tree {
            TokenTree::Group(group) => {
                words.push("(".to_owned());
                self::words(group.stream(), words);
                words.push(")".to_owned());
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && completes => {
                words.pop();
                words.push("::".to_owned());
            }
            TokenTree::Punct(punct) => {
                is_half = punct.as_char() == ':' && punct.spacing() == Spacing::Joint;
                words.push(punct.to_string());
            }
            tree => words.push(tree.to_string()),
        }
    }
}

fn words_of(layer: &str) -> Vec<String> {
    let mut words = Vec::new();
    self::words(expand(tokens(layer)), &mut words);
    words
}

#[test]
fn nothing_is_unsafe() {
    for layer in SPREAD {
        let words = words_of(layer);
        assert!(words.iter().any(|word| word == "fn"), "{layer}");
        assert!(!words.iter().any(|word| word == "unsafe"), "{layer}");
    }
}

/// Names that need no import: a user may have made something else of them.
const PRELUDE: [&str; 19] = [
    "Option", "Some", "None", "Result", "Ok", "Err", "Vec", "Box", "String", "ToString", "ToOwned",
    "Default", "Clone", "From", "Into", "Iterator", "Drop", "drop", "Ord",
];

#[test]
fn every_path_is_absolute() {
    for layer in SPREAD {
        let words = words_of(layer);
        let around = |at: usize| words[at.saturating_sub(6)..words.len().min(at + 6)].join(" ");
        for (at, word) in words.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |at| &words[at]);
            let after = words.get(at + 1).map_or("", String::as_str);
            let begins_a_path = before != "::" && is_name(word);
            if word == "::" && !is_name(before) && before != ">" {
                assert!(["core", "conv_runtime"].contains(&after), "{layer}: .. {} ..", around(at));
            }
            if begins_a_path && after == "::" {
                // `usize` is imported at the top of the expansion, by an absolute path.
                assert!(["Self", "usize", "as"].contains(&word.as_str()), "{layer}: .. {} ..", around(at));
            }
            let borrowed = begins_a_path && (PRELUDE.contains(&word.as_str()) || after == "!");
            assert!(!borrowed, "{layer}: .. {} ..", around(at));
        }
    }
}

/// A word that can be part of a path.
fn is_name(word: &str) -> bool {
    let is_word = word.starts_with(|letter: char| letter.is_alphabetic() || letter == '_');
    is_word && !["use", "let", "impl", "for", "in", "mut", "if"].contains(&word)
}

#[test]
fn code_stays_within_the_budget() {
    for layer in SPREAD {
        let spec = spec(layer);
        for plan in Plans::new(&spec).all() {
            let bits = plan.machine.bits;
            let counts: Vec<_> = nests(&spec, &plan).iter().map(|nest| nest.count().fmas).collect();
            assert!(counts.iter().all(|count| *count <= BUDGET), "{layer}, {bits} bits: {counts:?}, {plan}");
            assert!(counts.iter().sum::<usize>() <= LAYER_BUDGET, "{layer}, {bits} bits: {counts:?}, {plan}");
        }
    }
}

#[test]
fn other_registers_have_kernels_of_their_own_and_the_same_kernels_are_not_repeated() {
    let archs = |layer| {
        let text = expand(tokens(layer)).to_string();
        ["aarch64", "wasm32", "arm"].map(|arch| text.contains(&format!("# [cfg (target_arch = \"{arch}\")]")))
    };
    assert_eq!(archs("in: 64, out: 64, k: 3, padding: 1, input: (56, 56)"), [true; 3]);
    assert_eq!(archs("in: 1, out: 1, k: 1, input: (1, 1)"), [false; 3]);
}

#[test]
fn giants_expand_in_no_time() {
    for layer in [
        "in: 1, out: 1, k: 2, dilation: (1099511627776, 1073741820), padding: (549755813888, 0), input: (1, 1073741824)",
        "in: 100_000, out: 100_000, k: 3, groups: 100_000",
        "in: 100_000, out: 100_000, k: 3, padding: 1, groups: 100_000, input: (1000, 1000)",
        "in: 2048, out: 2048, k: 31",
        "in: 1, out: 1, k: 1000",
        "in: 1, out: 1, k: 1000, padding: same, padding_mode: circular, input: (1000, 1000)",
        "in: 1, out: 1, k: (1, 20_000)",
        "in: 1, out: 1, k: (1, 20_000), padding: same, input: (1, 20_000)",
        "in: 65_536, out: 65_536, k: 1",
        "in: 1, out: 1, k: 3, padding: 1_000_000",
        "in: 1, out: 1, k: 3, dilation: 1_000_000_000, padding: 1_000_000_000",
        "in: 1, out: 1, k: 3, stride: 9_223_372_036_854_775_807",
    ] {
        let start = Instant::now();
        let length = expand(tokens(layer)).to_string().len();
        let time = start.elapsed();
        assert!(time < Duration::from_secs(1), "{layer} takes {time:?}");
        assert!(length < 1_000_000, "{layer} makes {length} bytes");
    }
}
