//! How every stage of a layer prints itself, and the tokens that come last.
//!
//! Which plan is the best may change with the cost model, so the snapshots are of tiles chosen here.

use quote::quote;

use super::expansion::spec;
use crate::emit::Emitter;
use crate::lower::lower;
use crate::plan::{Cost, Machine, Plan, Tile, candidates};
use crate::spec::Spec;

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

/// Two rows fill a vector. The fifth is by itself, for a tile that moved back would compute the fourth again.
#[test]
fn rows_that_do_not_fill_a_group_are_computed_once() {
    let text = stages(
        "in: 3, out: 4, k: (1, 2), input: (5, 3)",
        Tile::Channels { pixels: 2, vectors: 1, last: false },
    );
    let shape: Vec<_> =
        text.lines().filter(|line| line.contains(" in ") || line.contains("output[")).collect();
    insta::assert_snapshot!(shape.join("\n"), @r"
    for y in tiles of 2 over 4
      for row in 0..2
        for j in 0..2
      output[c * out_plane + y * 2 + p] = tile[0 + p * 4 + c] for c < 4, p < 4
    for j in 0..2
    output[c * out_plane + 8 + p] = tile[0 + p * 4 + c] for c < 4, p < 2
    ");
}

#[test]
fn stages_of_lanes_over_output_channels() {
    let text = stages(
        "in: 3, out: 4, k: (1, 2), input: (2, 3)",
        Tile::Channels { pixels: 2, vectors: 1, last: false },
    );
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
        pixels = image[row * 3 + j; 14]
        weight_row_0 = weights[(j * 3) * 4; 12]
        w_0_0 = load weight_row_0[0]
        x_0_0 = splat pixels[0]
        acc_0_0_0 += w_0_0 * x_0_0
        x_0_1 = splat pixels[1]
        acc_0_1_0 += w_0_0 * x_0_1
        w_1_0 = load weight_row_0[4]
        x_1_0 = splat pixels[6]
        acc_0_0_0 += w_1_0 * x_1_0
        x_1_1 = splat pixels[7]
        acc_0_1_0 += w_1_0 * x_1_1
        w_2_0 = load weight_row_0[8]
        x_2_0 = splat pixels[12]
        acc_0_0_0 += w_2_0 * x_2_0
        x_2_1 = splat pixels[13]
        acc_0_1_0 += w_2_0 * x_2_1
      tile[(row * 2) * 4] = acc_0_0_0
      tile[(row * 2) * 4 + 4] = acc_0_1_0
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
          pixels_0 = image[x + c * plane; 8]
          weight_row_0 = weights[c; 1]
          x_0_0 = load pixels_0[0]
          x_0_1 = load pixels_0[4]
          w_0_0 = splat weight_row_0[0]
          acc_0_0_0 += x_0_0 * w_0_0
          acc_0_0_1 += x_0_1 * w_0_0
        output[x] = acc_0_0_0
        output[x + 4] = acc_0_0_1
    else
      if out_w >= 4
        for x in tiles of 4 over out_w
          bias_row = bias[0; 1]
          acc_0_0_0 = splat bias_row[0]
          for c in 0..2
            pixels_0 = image[x + c * plane; 4]
            weight_row_0 = weights[c; 1]
            x_0_0 = load pixels_0[0]
            w_0_0 = splat weight_row_0[0]
            acc_0_0_0 += x_0_0 * w_0_0
          output[x] = acc_0_0_0
      else
        bias_row = bias[0; 1]
        acc_0_0_0 = splat bias_row[0]
        for c in 0..2
          pixels_0 = image[c * plane; 4]
          weight_row_0 = weights[c; 1]
          x_0_0 = load pixels_0[0]
          w_0_0 = splat weight_row_0[0]
          acc_0_0_0 += x_0_0 * w_0_0
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
    for each of groups groups, moving image by 12, output by out_plane, weights by 2, bias by 1
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
    let tile = Tile::Channels { pixels: 3, vectors: 1, last: false };
    insta::assert_snapshot!(kernel("in: 15, out: 3, k: (3, 2), padding: 1", tile));
}
