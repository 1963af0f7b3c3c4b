use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 1, bias: false, weights: [[[[1]]]], tensor: "conv1">; }

fn main() {}
