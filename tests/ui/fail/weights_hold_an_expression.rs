use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 2, bias: false, weights: [[[[1 / 2, 2], [3, 4]]]]>; }

fn main() {}
