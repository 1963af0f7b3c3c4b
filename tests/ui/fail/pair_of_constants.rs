use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4, out: 4, k: (H, W)>; }

fn main() {}
// mistakes: 2
