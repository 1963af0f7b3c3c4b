use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 3, padding: 4, padding_mode: circular, input: (3, 3)>; }

fn main() {}
