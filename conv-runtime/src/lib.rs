#![doc = include_str!("../docs/manual.md")]
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod backward;
mod by_width;
mod config;
mod element;
mod error;
pub mod generic;
mod init;
mod isa;
mod kernel;
mod layer;
mod pack;
mod pad;
mod private;
mod rules;
#[cfg(feature = "safetensors")]
pub mod safetensors;
mod scratch;
mod sum;
mod tensor;
mod tile;
mod verify;
mod view;

pub use backward::{Gradients, GradientsMut};
pub use config::{Conv2dConfig, PaddingMode};
#[doc(inline)]
#[doc = include_str!("../docs/conv2d.md")]
pub use conv_macros::conv2d;
pub use element::Element;
pub use error::Error;
pub use isa::Isa;
pub use layer::{Blueprint, Conv2d, FixedConv2d, Layer};
pub use scratch::Scratch;
pub use tensor::Tensor;
pub use verify::{Verification, Worst};
pub use view::{TensorView, TensorViewMut};

/// The README's examples are tests, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

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
    pub use crate::{Conv2d, Error, FixedConv2d, Scratch, Tensor, TensorView, TensorViewMut, conv2d};
}
