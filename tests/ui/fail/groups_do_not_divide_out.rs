use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 4, out: 10, k: 3, groups: 4>; }

fn main() {}
