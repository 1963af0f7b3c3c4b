use conv_runtime::prelude::*;

conv2d! { struct Layer<>; }

fn main() {}
