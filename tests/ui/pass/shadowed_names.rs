//! A user's types of all the names that generated code might use.

#![allow(dead_code, non_camel_case_types, unused_macros)]

mod core {}
mod std {}
mod alloc {}
mod conv_runtime {}
mod fearless_simd {}
struct Option;
struct Vec;
struct Result;
struct Ok;
struct Err;
struct Some;
struct None;
struct Box;
struct String;
struct Default;
struct Clone;
struct Copy;
struct From;
struct Into;
struct Iterator;
struct Level;
struct Simd;
struct Sized;
struct Send;

macro_rules! vec {
    () => {};
}
macro_rules! assert {
    () => {};
}
macro_rules! unreachable {
    () => {};
}
macro_rules! concat {
    () => {};
}
macro_rules! stringify {
    () => {};
}

use ::conv_runtime::prelude::conv2d;

conv2d! {
    struct Layer<in: 2, out: 4, k: 3, padding: 1, padding_mode: reflect>;
    struct Fixed<in: 1, out: 1, k: 3, input: (5, 5), dtype: f64, bias: false>;
}

fn main() {
    use ::conv_runtime::prelude::*;
    let _ = (Layer::init(0), Fixed::init(0));
    let _ = conv2d!(in: 1, out: 4, k: 3).init(0);
}
