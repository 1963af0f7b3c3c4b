use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 3, dilation: 3, padding: 1, input: (4, 5)>; }

fn main() {}
