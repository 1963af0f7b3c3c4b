use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 2, out: 2, k: 1, bias: false, weights: [[[[1]], [[1, 2]]], [[[1]]]]>; }

fn main() {}
// mistakes: 2
