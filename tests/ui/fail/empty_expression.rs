use conv_runtime::prelude::*;

fn main() {
    let _ = conv2d!();
}
