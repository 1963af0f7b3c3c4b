use conv_runtime::prelude::*;

conv2d! {
    struct Layer<
        in: 1,
        out: 1,
        k: 2,
        bias: [1, 1e99],
        tensor: 1,
        weights: [[[[1px, 2], [3, 2f64]], [[1, 2]]]],
    >;
}

fn main() {}
// mistakes: 7
