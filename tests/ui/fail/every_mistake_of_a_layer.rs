use conv_runtime::prelude::*;

conv2d! {
    struct Layer<
        in: 0,
        out: N,
        k: [2, 3],
        strides: 2,
        padding: smae,
        padding_mode: mirror,
        bias: 1,
        dtype: f16,
        algorithm: gemm,
        input: 28,
        groups: 0,
        dilation: -1,
        device: cpu,
    >;
}

fn main() {}
// mistakes: 13
