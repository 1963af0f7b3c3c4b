//! Layers called like the runtime's own types and traits, like Rust's, and by raw names.

#![allow(non_camel_case_types)]

mod layers {
    ::conv_runtime::conv2d! {
        pub struct Tensor<in: 1, out: 1, k: 1>;
        pub struct TensorView<in: 1, out: 1, k: 1>;
        pub struct Scratch<in: 1, out: 1, k: 1>;
        pub struct Error<in: 1, out: 1, k: 1>;
        pub struct Conv2d<in: 1, out: 1, k: 1>;
        pub struct FixedConv2d<in: 1, out: 1, k: 1, input: (3, 3)>;
        pub struct Layer<in: 1, out: 1, k: 1>;
        pub struct Option<in: 1, out: 1, k: 1>;
        pub struct Self_<in: 1, out: 1, k: 1>;
        pub struct r#in<in: 1, out: 1, k: 1>;
        pub struct stride<in: 1, out: 1, k: 1>;
    }
}

use conv_runtime::prelude::*;

fn main() {
    let _ = (layers::Tensor::init(0), layers::TensorView::init(0), layers::Scratch::init(0));
    let _ = (layers::Error::init(0), layers::Conv2d::init(0), layers::FixedConv2d::init(0));
    let _ = (layers::Layer::init(0), layers::Option::init(0), layers::Self_::init(0));
    let _ = (layers::r#in::init(0), layers::stride::init(0));
}
