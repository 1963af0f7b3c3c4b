//! Constant weights whose values shorten the kernels.

use crate::expand::expand;
use crate::lower::lower;
use crate::plan::{Machine, Plan, Tile, plan};
use crate::spec::Dtype;

use super::front::{accepted, tokens};

const SOBEL: &str = "in: 1, out: 2, k: 3, padding: 1, bias: false,
    weights: [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]]";

#[test]
fn zeros_vanish_and_ones_are_added() {
    let spec = accepted(tokens(SOBEL)).pop().expect("one layer").spec;
    let plan = plan(&spec, Machine::new(256, Dtype::F32));
    let one = Plan { tile: Tile::Rows { channels: 2, rows: 1, vectors: 1 }, ..plan };
    let nest = lower(&spec, &one, false).to_string();
    // One tile for wide images and one for narrow ones: of 18 taps each, 6 are 0, 8 are 1 or -1.
    let count = |text| nest.matches(text).count();
    assert_eq!([count(" = splat weight_row"), count(" * w_"), count(" -= x_")], [8, 8, 8], "{nest}");
    assert_eq!(count(" += x_") - count(" * w_"), 8, "{nest}");
}

#[test]
fn a_plan_says_what_was_found() {
    for keys in ["", "input: (2, 4),"] {
        let source = expand(tokens(&format!(
            "struct A<{keys} in: 1, out: 1, k: (1, 3), bias: false, weights: [[[[1, 0, 2]]]]>;"
        )));
        assert!(source.to_string().contains("of which 1 are 0 and 1 are 1 or -1"), "{source}");
    }
}
