use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 4, padding: same, padding_mode: reflect, input: (2, 2)>; }

fn main() {}
