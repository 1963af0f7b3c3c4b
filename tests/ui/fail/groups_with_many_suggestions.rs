use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 5040, out: 5040, k: 3, groups: 11>; }

fn main() {}
