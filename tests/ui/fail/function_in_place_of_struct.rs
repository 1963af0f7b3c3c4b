use conv_runtime::prelude::*;

conv2d! { fn layer() {} }

fn main() {}
