use conv_runtime::prelude::*;

conv2d! {}

fn main() {}
