use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 1, bias: [1, 2], weights: [[[[1]]]]>; }

fn main() {}
