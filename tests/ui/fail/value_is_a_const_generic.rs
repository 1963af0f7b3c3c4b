use conv_runtime::prelude::*;

fn layer<const N: usize>() {
    conv2d! { struct Layer<in: N, out: 4, k: 3>; }
}

fn main() {
    layer::<4>();
}
