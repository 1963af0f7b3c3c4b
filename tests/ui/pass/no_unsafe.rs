//! A crate that forbids it.

#![forbid(unsafe_code)]

use conv_runtime::prelude::*;

conv2d! { struct Layer<in: 16, out: 32, k: 3, padding: 1>; }

fn main() {
    let _ = Layer::init(0);
    let _ = conv2d!(in: 1, out: 4, k: 3).init(0);
}
