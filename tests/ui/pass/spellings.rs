//! Every spelling of a value.

use conv_runtime::prelude::*;

conv2d! {
    struct A<r#in: 1_0, r#out: 0x2, r#k: (((0b11))),>;
    struct B<kernel_size: (3usize, 2u8,), in_channels: 4, out_channels: 4>;
    struct C<in: 1, out: 1, k: 3, padding: ((0, 1), (1, 0))>;
    struct D<in: 1, out: 1, k: 3, padding: "same", padding_mode: "reflect">;
    struct E<in: 1, out: 1, k: 3, padding: valid, padding_mode: zeros, bias: false, dtype: "f64">;
    struct F<crate: ::conv_runtime, algorithm: auto, input: (9, 9), in: 1, out: 1, k: 3>;
}

fn main() {
    let _ = (A::init(0), B::init(0), C::init(0), D::init(0), E::init(0), F::init(0));
    let _ = conv2d!(in: 1, out: 4, k: (2, 3),).init(0);
    let _ = conv2d![<in: 1, out: 4, k: (2, 3)>].init(0);
    let _ = conv2d! { in: 1, out: 4, k: 3 }.init(0);
}
