//! What the macro makes trips no lint of its user's.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]

use conv_runtime::prelude::*;

conv2d! {
    /// A public layer.
    #[derive(Debug, Clone)]
    pub struct Public<in: 4, out: 8, k: (3, 2), stride: (2, 1), padding: ((0, 1), (1, 0)), groups: 2>;

    struct Private<in: 3, out: 3, k: 3, padding: 1, padding_mode: circular, groups: 3, bias: false>;

    pub(crate) struct Fixed<in: 1, out: 6, k: 5, padding: 2, input: (28, 28), dtype: f64>;
}

fn main() {
    let _ = (Public::init(0), Private::init(0), Fixed::init(0));
    let _ = conv2d!(in: 1, out: 4, k: 3).init(0);
}
