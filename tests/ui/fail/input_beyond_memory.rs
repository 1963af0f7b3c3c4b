use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 1, input: (4294967296, 4294967296)>; }

fn main() {}
