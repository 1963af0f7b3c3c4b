use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4294967296, out: 4294967296, k: 3>; }

fn main() {}
