use conv_runtime::prelude::*;

conv2d! { #![allow(dead_code)] struct Layer<in: 4, out: 4, k: 3>; }

fn main() {}
