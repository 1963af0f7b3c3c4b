use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1000, k: 1, input: (4294967296, 16777216)>; }

fn main() {}
