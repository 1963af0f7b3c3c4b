use conv_runtime::prelude::*;

conv2d! { struct Layer<1, 4, (2, 3)>; }

fn main() {}
