//! Nothing of the prelude is taken for granted.

#![no_implicit_prelude]

use ::conv_runtime::prelude::*;

conv2d! {
    /// A layer.
    #[derive(Debug, Clone)]
    pub struct Layer<in: 2, out: 4, k: 3, padding: 1, padding_mode: reflect>;
    struct Fixed<in: 1, out: 1, k: 3, input: (5, 5), dtype: f64, bias: false>;
}

fn main() {
    let _ = Layer::init(0);
    let _ = Fixed::init(0);
    let _ = conv2d!(in: 1, out: 4, k: 3).init(0);
}
