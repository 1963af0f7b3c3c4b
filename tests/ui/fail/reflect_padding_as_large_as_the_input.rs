use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 3, padding: 3, padding_mode: reflect, input: (3, 9)>; }

fn main() {}
