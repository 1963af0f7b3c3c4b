use conv_runtime::prelude::*;

const N: usize = 4;
conv2d! { struct Layer<in: N, out: 4, k: 3>; }

fn main() {
    let _ = N;
}
