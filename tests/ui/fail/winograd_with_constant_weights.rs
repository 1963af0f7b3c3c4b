use conv_runtime::prelude::*;

conv2d! {
    struct Layer<in: 1, out: 1, k: 3, bias: false, algorithm: winograd,
        weights: [[[[1, 2, 1], [2, 4, 2], [1, 2, 1]]]]>;
}

fn main() {}
