//! A user's types called like the primitive ones.

#![allow(dead_code, non_camel_case_types)]

struct f32;
struct f64;
struct usize;
struct bool;
struct u8;
struct str;

::conv_runtime::conv2d! {
    struct Layer<in: 2, out: 4, k: 3, padding: 1, padding_mode: reflect>;
    struct Fixed<in: 1, out: 1, k: 3, input: (5, 5), dtype: f64, bias: false>;
}

fn main() {
    use ::conv_runtime::prelude::*;
    let _ = (Layer::init(0), Fixed::init(0));
}
