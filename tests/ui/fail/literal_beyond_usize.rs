use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 99999999999999999999999999999999999999999999, out: 4, k: 3>; }

fn main() {}
