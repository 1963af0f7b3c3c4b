//! Two layers that differ in nothing but the name, in one invocation and in two.

use conv_runtime::prelude::*;

conv2d! {
    struct First<in: 1, out: 4, k: 3>;
    struct Second<in: 1, out: 4, k: 3>;
}
conv2d! { struct Third<in: 1, out: 4, k: 3>; }

fn main() {
    let _ = (First::init(0), Second::init(0), Third::init(0));
    let _ = (conv2d!(in: 1, out: 4, k: 3).init(0), conv2d!(in: 1, out: 4, k: 3).init(0));
}
