use conv_runtime::prelude::*;

conv2d! {
    struct First<in: 4, out: 4, k: 3>
    struct Second<in: 4, out: 4, k: 3>;
}

fn main() {}
