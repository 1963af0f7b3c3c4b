//! What invocations expand to: as text, as tokens, as numbers, and how every stage before them prints
//! itself.
//!
//! Which plan is the best may change with the cost model, so the snapshots are of tiles chosen here.

use std::time::{Duration, Instant};

use proc_macro2::{Spacing, TokenStream, TokenTree};
use quote::quote;

use crate::check::check;
use crate::emit::Emitter;
use crate::error::Errors;
use crate::expand::expand;
use crate::lower::{lower, lower_prepare};
use crate::nest::Nest;
use crate::parse::parse;
use crate::plan::{BUDGET, Cost, Machine, Plan, Plans, Tile, candidates};
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

fn spec(layer: &str) -> Spec {
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
        "in: 100_000, out: 100_000, k: 3, groups: 100_000",
        "in: 100_000, out: 100_000, k: 3, padding: 1, groups: 100_000, input: (1000, 1000)",
        "in: 2048, out: 2048, k: 31",
        "in: 1, out: 1, k: 1000",
        "in: 1, out: 1, k: 1000, padding: same, padding_mode: circular, input: (1000, 1000)",
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

/// A plan with this tile, in vectors of 128 bits, without what the cost model says of it.
fn planned(spec: &Spec, tile: Tile) -> Plan {
    let all = candidates(spec, Machine::new(128, spec.dtype));
    let found = all.into_iter().find(|plan| plan.tile == tile);
    let plan = found.unwrap_or_else(|| panic!("{spec} is not computed in tiles of {tile:?}"));
    Plan { cost: Cost::default(), compared: 1, ..plan }
}

/// How the stages of a layer print themselves.
fn stages(layer: &str, tile: Tile) -> String {
    let spec = spec(layer);
    let plan = planned(&spec, tile);
    format!("{spec}\n{plan}\n{}", lower(&spec, &plan, !plan.has_full_block(&spec)))
}

#[test]
fn stages_of_lanes_over_output_channels() {
    let text = stages("in: 3, out: 4, k: (1, 2), input: (2, 3)", Tile::Channels { pixels: 2, vectors: 1 });
    insta::assert_snapshot!(text, @r"
    ic3oc4_kh1kw2_sh1sw1_dh1dw1_g1_i2x3
    128-bit: direct_oc, lanes over output channels, tile 2 pixels x 4 channels; reads the image itself; about 0 cycles an image of 2x3 (0 compute, 0 copy, 0 write), the least of 1 tiles compared
    vectors of 4 lanes
    tile = [0; 16]
    for row in 0..2
      bias_row = bias[0; 4]
      acc_0_0_0 = load bias_row[0]
      acc_0_1_0 = load bias_row[0]
      for j in 0..2
        for c in 0..3
          pixels_0 = image[row * 3 + j + c * 6; 2]
          weight_row_0 = weights[(j * 3 + c) * 4; 4]
          w_0_0 = load weight_row_0[0]
          x_0_0 = splat pixels_0[0]
          acc_0_0_0 += w_0_0 * x_0_0
          x_0_1 = splat pixels_0[1]
          acc_0_1_0 += w_0_0 * x_0_1
      tile[(row * 2) * 4] = acc_0_0_0
      tile[(row * 2 + 1) * 4] = acc_0_1_0
    output[c * out_plane + 0 + p] = tile[0 + p * 4 + c] for c < 4, p < 4
    ");
}

#[test]
fn stages_of_a_layer_of_one_tap() {
    let text = stages("in: 2, out: 1, k: 1", Tile::Columns { channels: 1, vectors: 2 });
    insta::assert_snapshot!(text, @r"
    ic2oc1_kh1kw1_sh1sw1_dh1dw1_g1
    128-bit: direct_ow, lanes over output columns, tile 1 channels x 8 columns; reads the image itself as one row; about 0 cycles an image of 56x56 (0 compute, 0 copy, 0 write), the least of 1 tiles compared
    vectors of 4 lanes
    if out_w >= 8
      for x in tiles of 8 over out_w
        bias_row = bias[0; 1]
        acc_0_0_0 = splat bias_row[0]
        acc_0_0_1 = splat bias_row[0]
        for c in 0..2
          pixels = image[x + c * plane; 8]
          weight_row = weights[c; 1]
          x_0 = load pixels[0]
          x_1 = load pixels[4]
          w_0 = splat weight_row[0]
          acc_0_0_0 += x_0 * w_0
          acc_0_0_1 += x_1 * w_0
        output[x] = acc_0_0_0
        output[x + 4] = acc_0_0_1
    else
      if out_w >= 4
        for x in tiles of 4 over out_w
          bias_row = bias[0; 1]
          acc_0_0_0 = splat bias_row[0]
          for c in 0..2
            pixels = image[x + c * plane; 4]
            weight_row = weights[c; 1]
            x_0 = load pixels[0]
            w_0 = splat weight_row[0]
            acc_0_0_0 += x_0 * w_0
          output[x] = acc_0_0_0
      else
        bias_row = bias[0; 1]
        acc_0_0_0 = splat bias_row[0]
        for c in 0..2
          pixels = image[c * plane; 4]
          weight_row = weights[c; 1]
          x_0 = load pixels[0]
          w_0 = splat weight_row[0]
          acc_0_0_0 += x_0 * w_0
        output[0; out_w] = acc_0_0_0
    ");
}

#[test]
fn stages_of_rows_that_share_loads() {
    let tile = Tile::Rows { channels: 1, rows: 2, vectors: 1 };
    let text = stages("in: 2, out: 2, k: (2, 1), groups: 2, bias: false, input: (3, 4)", tile);
    insta::assert_snapshot!(text, @r"
    ic2oc2_kh2kw1_sh1sw1_dh1dw1_g2_nobias_i3x4
    128-bit: direct_rows, lanes over output columns, taps unrolled, tile 1 channels x 2 rows x 4 columns; reads the image itself; about 0 cycles an image of 3x4 (0 compute, 0 copy, 0 write), the least of 1 tiles compared
    vectors of 4 lanes
    bias_row = bias[0; 1]
    acc_0_0_0 = splat bias_row[0]
    acc_0_1_0 = splat bias_row[0]
    weight_row = weights[0; 2]
    row_0_0 = image[0; 4]
    x_0_0_0 = load row_0_0[0]
    w_0_0 = splat weight_row[0]
    acc_0_0_0 += x_0_0_0 * w_0_0
    row_1_0 = image[4; 4]
    x_1_0_0 = load row_1_0[0]
    w_1_0 = splat weight_row[1]
    acc_0_0_0 += x_1_0_0 * w_1_0
    w_0_0 = splat weight_row[0]
    acc_0_1_0 += x_1_0_0 * w_0_0
    row_2_0 = image[8; 4]
    x_2_0_0 = load row_2_0[0]
    w_1_0 = splat weight_row[1]
    acc_0_1_0 += x_2_0_0 * w_1_0
    output[0] = acc_0_0_0
    output[4] = acc_0_1_0
");
}

#[test]
fn stages_of_a_layer_that_is_unrolled() {
    let text = stages(
        "in: 1, out: 1, k: (1, 2), padding: (0, 1), padding_mode: circular, input: (1, 3), dtype: f64",
        Tile::Whole,
    );
    insta::assert_snapshot!(text, @r"
    ic1oc1_kh1kw2_sh1sw1_dh1dw1_g1_pt0pb0pl1pr1_circular_f64_i1x3
    128-bit: tiny, lanes over all output pixels, wholly unrolled; reads the image itself; about 0 cycles an image of 1x3 (0 compute, 0 copy, 0 write), the least of 1 tiles compared
    vectors of 2 lanes
    for each of groups groups, moving image by 3, output by out_plane
      padded = [0; 7]
      padded[0; 1] = image[2; 1]
      padded[1; 3] = image[0; 3]
      padded[4; 1] = image[0; 1]
      pixels = padded[0; 7]
      weight_row = weights[0; 2]
      bias_row = bias[0; 1]
      tile = [0; 4]
      acc_0_0 = splat bias_row[0]
      acc_0_1 = splat bias_row[0]
      x_0_0_0 = load pixels[0]
      x_0_0_2 = load pixels[2]
      w_0_0_0 = splat weight_row[0]
      acc_0_0 += x_0_0_0 * w_0_0_0
      w_0_0_0 = splat weight_row[0]
      acc_0_1 += x_0_0_2 * w_0_0_0
      x_1_0_0 = load pixels[1]
      x_1_0_2 = load pixels[3]
      w_1_0_0 = splat weight_row[1]
      acc_0_0 += x_1_0_0 * w_1_0_0
      w_1_0_0 = splat weight_row[1]
      acc_0_1 += x_1_0_2 * w_1_0_0
      tile[0] = acc_0_0
      tile[2] = acc_0_1
      output[0; 4] = tile[0; 4]
");
}

#[test]
fn stages_of_a_layer_that_is_unrolled_over_its_image() {
    let text = stages("in: 1, out: 1, k: (2, 3), padding: 1, input: (1, 4), dtype: f64", Tile::Whole);
    insta::assert_snapshot!(text, @r"
    ic1oc1_kh2kw3_sh1sw1_dh1dw1_g1_p1_f64_i1x4
    128-bit: tiny, lanes over all output pixels, wholly unrolled; reads the image itself; about 0 cycles an image of 1x4 (0 compute, 0 copy, 0 write), the least of 1 tiles compared
    vectors of 2 lanes
    for each of groups groups, moving image by 4, output by out_plane
      pixels = image[0; 4]
      zero = 0
      weight_row = weights[0; 6]
      bias_row = bias[0; 1]
      acc_0_0 = splat bias_row[0]
      acc_0_1 = splat bias_row[0]
      acc_0_2 = splat bias_row[0]
      acc_0_3 = splat bias_row[0]
      x_0_0_4_end = load pixels[0]
      x_0_0_4 = slide zero, x_0_0_4_end by 1
      x_0_0_6 = load pixels[1]
      column_0_2_0 = 0
      w_0_0_0 = splat weight_row[0]
      column_0_2_0 += x_0_0_4 * w_0_0_0
      w_0_0_0 = splat weight_row[0]
      acc_0_3 += x_0_0_6 * w_0_0_0
      x_1_0_4 = load pixels[0]
      x_1_0_6 = load pixels[2]
      w_1_0_0 = splat weight_row[1]
      acc_0_2 += x_1_0_4 * w_1_0_0
      w_1_0_0 = splat weight_row[1]
      acc_0_3 += x_1_0_6 * w_1_0_0
      x_2_0_2_end = load pixels[0]
      x_2_0_2 = slide zero, x_2_0_2_end by 1
      x_2_0_4 = load pixels[1]
      x_2_0_6_end = load pixels[2]
      x_2_0_6 = slide x_2_0_6_end, zero by 1
      column_0_1_2 = 0
      w_2_0_0 = splat weight_row[2]
      column_0_1_2 += x_2_0_2 * w_2_0_0
      w_2_0_0 = splat weight_row[2]
      acc_0_2 += x_2_0_4 * w_2_0_0
      column_0_3_2 = 0
      w_2_0_0 = splat weight_row[2]
      column_0_3_2 += x_2_0_6 * w_2_0_0
      x_3_0_0_end = load pixels[0]
      x_3_0_0 = slide zero, x_3_0_0_end by 1
      x_3_0_2 = load pixels[1]
      x_3_0_4_end = load pixels[2]
      x_3_0_4 = slide x_3_0_4_end, zero by 1
      column_0_0_0 = 0
      w_3_0_0 = splat weight_row[3]
      column_0_0_0 += x_3_0_0 * w_3_0_0
      w_3_0_0 = splat weight_row[3]
      acc_0_1 += x_3_0_2 * w_3_0_0
      w_3_0_0 = splat weight_row[3]
      column_0_2_0 += x_3_0_4 * w_3_0_0
      x_4_0_0 = load pixels[0]
      x_4_0_2 = load pixels[2]
      w_4_0_0 = splat weight_row[4]
      acc_0_0 += x_4_0_0 * w_4_0_0
      w_4_0_0 = splat weight_row[4]
      acc_0_1 += x_4_0_2 * w_4_0_0
      x_5_0_0 = load pixels[1]
      x_5_0_2_end = load pixels[2]
      x_5_0_2 = slide x_5_0_2_end, zero by 1
      w_5_0_0 = splat weight_row[5]
      acc_0_0 += x_5_0_0 * w_5_0_0
      w_5_0_0 = splat weight_row[5]
      column_0_1_2 += x_5_0_2 * w_5_0_0
      kept_0_0_0 = lanes 0b10 of column_0_0_0
      acc_0_0 += kept_0_0_0
      kept_0_1_2 = lanes 0b1 of column_0_1_2
      acc_0_1 += kept_0_1_2
      kept_0_2_0 = lanes 0b10 of column_0_2_0
      acc_0_2 += kept_0_2_0
      kept_0_3_2 = lanes 0b1 of column_0_3_2
      acc_0_3 += kept_0_3_2
      output[0] = acc_0_0
      output[2] = acc_0_1
      output[4] = acc_0_2
      output[6] = acc_0_3
");
}

/// A kernel as Rust, inside a function for the sake of the printer.
fn kernel(layer: &str, tile: Tile) -> String {
    let spec = spec(layer);
    let plan = planned(&spec, tile);
    let emitter = Emitter { private: &quote!(::conv_runtime::__private), dtype: spec.dtype };
    let body = emitter.emit(&lower(&spec, &plan, !plan.has_full_block(&spec)));
    let file = syn::parse2(quote!(fn kernel() { #body })).unwrap_or_else(|error| panic!("{layer}: {error}"));
    let text = prettyplease::unparse(&file);
    assert!(text.lines().count() <= 180, "{} lines are more than anyone wants to read", text.lines().count());
    text
}

#[test]
fn tokens_of_a_layer_that_is_unrolled() {
    insta::assert_snapshot!(kernel("in: 1, out: 2, k: 2, padding: 1, input: (2, 2)", Tile::Whole));
}

#[test]
fn tokens_of_lanes_over_output_channels() {
    let tile = Tile::Channels { pixels: 3, vectors: 1 };
    insta::assert_snapshot!(kernel("in: 15, out: 3, k: (3, 2), padding: 1", tile));
}
