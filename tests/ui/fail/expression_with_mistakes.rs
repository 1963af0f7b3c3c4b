use conv_runtime::prelude::*;

fn main() {
    let layer = conv2d!(in: 0, out: 4, k: [2, 3], strides: 2).init(0);
    let _ = layer.weight();
}
// mistakes: 3
