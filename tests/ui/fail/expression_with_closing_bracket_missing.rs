use conv_runtime::prelude::*;

fn main() {
    let _ = conv2d!(<in: 1, out: 4, k: 3).init(0);
}
