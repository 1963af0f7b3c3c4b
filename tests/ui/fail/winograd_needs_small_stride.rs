use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 16, out: 16, k: 3, stride: 3, algorithm: winograd>; }

fn main() {}
