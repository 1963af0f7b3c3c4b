use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4; out: 4; k: 3>; }

fn main() {}
// mistakes: 2
