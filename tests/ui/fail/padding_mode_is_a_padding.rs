use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4, out: 4, k: 3, padding_mode: same>; }

fn main() {}
