use conv_runtime::prelude::*;

conv2d! { struct Layer<in: true, out: 4, k: 3>; }

fn main() {}
