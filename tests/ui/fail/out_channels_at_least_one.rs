use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4, out: 0, k: 3>; }

fn main() {}
