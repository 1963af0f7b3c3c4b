#![doc = include_str!("../docs/manual.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(any(feature = "alloc", test))]
extern crate alloc;

#[cfg(feature = "alloc")]
mod backward;
#[cfg(feature = "alloc")]
mod blueprint;
mod by_width;
mod config;
mod constant;
#[cfg(feature = "alloc")]
mod definition;
mod element;
mod error;
mod extent;
mod filtering;
mod fixed;
mod gather;
#[cfg(feature = "alloc")]
pub mod generic;
#[cfg(feature = "alloc")]
mod init;
mod interleave;
mod isa;
mod kernel;
mod layer;
#[cfg(feature = "alloc")]
mod memory;
mod pack;
mod pad;
mod private;
mod residues;
mod rows;
mod rules;
mod run;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(feature = "alloc")]
mod scratch;
mod shape;
mod sides;
#[cfg(feature = "alloc")]
mod sum;
#[cfg(feature = "alloc")]
mod tensor;
#[cfg(feature = "rayon")]
mod threads;
mod tile;
#[cfg(feature = "alloc")]
mod verify;
mod view;

#[cfg(feature = "alloc")]
pub use backward::{Gradients, GradientsMut};
#[cfg(feature = "alloc")]
pub use blueprint::Blueprint;
pub use config::{Conv2dConfig, PaddingMode};
#[doc(inline)]
#[doc = include_str!("../docs/conv2d.md")]
pub use conv_macros::conv2d;
pub use element::Element;
pub use error::Error;
pub use fixed::FixedConv2d;
pub use isa::Isa;
#[cfg(feature = "alloc")]
pub use layer::Conv2d;
pub use layer::Layer;
#[cfg(feature = "alloc")]
pub use scratch::Scratch;
pub use shape::Shape;
#[cfg(feature = "alloc")]
pub use tensor::Tensor;
#[cfg(feature = "alloc")]
pub use verify::{Verification, Worst};
pub use view::{TensorView, TensorViewMut};

/// The README's examples are tests, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Nothing, where layers can be given weights.
#[doc(hidden)]
#[macro_export]
#[cfg(feature = "alloc")]
macro_rules! __needs_alloc {
    () => {};
}

/// What is wrong with a layer that needs to be given weights, where it cannot be.
#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "alloc"))]
macro_rules! __needs_alloc {
    () => {
        ::core::compile_error!(
            "without the feature `alloc` of conv-runtime a layer is a constant: give it `weights` and `input`"
        );
    };
}

/// What generated code names. Not for users.
#[doc(hidden)]
pub mod __private {
    pub use crate::private::*;
}

/// Everything that a user of layers needs: `use conv_runtime::prelude::*;`
///
/// [`Layer`] is there for its methods only, under no name.
pub mod prelude {
    pub use crate::layer::Layer as _;
    #[cfg(feature = "alloc")]
    pub use crate::{Conv2d, Scratch, Tensor};
    pub use crate::{Error, FixedConv2d, TensorView, TensorViewMut, conv2d};
}
