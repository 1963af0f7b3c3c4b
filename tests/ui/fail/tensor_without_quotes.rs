use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 1, out: 1, k: 1, weights: "model.safetensors", tensor: conv1>; }

fn main() {}
// mistakes: 2
