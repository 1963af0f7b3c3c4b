use conv_runtime::prelude::*;

conv2d! { pub Layer<in: 4, out: 4, k: 3>; }

fn main() {}
