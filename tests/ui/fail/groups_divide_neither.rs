use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 10, out: 6, k: 3, groups: 4>; }

fn main() {}
