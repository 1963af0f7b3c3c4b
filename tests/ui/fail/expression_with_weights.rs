use conv_runtime::prelude::*;

fn main() {
    let _ = conv2d!(in: 1, out: 1, k: 1, weights: [[[[1]]]]).init(0);
}
