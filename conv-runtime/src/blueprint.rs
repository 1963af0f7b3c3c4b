//! [`Blueprint`]: the expression form of `conv2d!`.

use crate::{Conv2d, Error, Tensor};

/// What the expression form of `conv2d!` returns: a layer that has no weights yet.
#[derive(Clone, Copy, Debug)]
#[must_use = "a blueprint does nothing until it is given weights"]
pub struct Blueprint<L> {
    layer: core::marker::PhantomData<fn() -> L>,
}

impl<L: Conv2d> Blueprint<L> {
    #[doc(hidden)]
    pub const fn of_layer() -> Self {
        Self { layer: core::marker::PhantomData }
    }

    /// The layer with the weights that torch draws: see [`Conv2d::init`].
    #[must_use]
    pub fn init(self, seed: u64) -> L {
        L::init(seed)
    }

    /// The layer with these weights: see [`Conv2d::new`].
    ///
    /// # Errors
    /// A shape is not the layer's, or a bias is missing or too many.
    pub fn with_weights(
        self,
        weight: &Tensor<L::Elem, 4>,
        bias: Option<&Tensor<L::Elem, 1>>,
    ) -> Result<L, Error> {
        L::new(weight, bias)
    }

    /// The layer with the tensors of a checkpoint: see [`Conv2d::load`].
    ///
    /// # Errors
    /// A tensor is missing, or its shape or type is not the layer's.
    #[cfg(feature = "safetensors")]
    pub fn load(self, checkpoint: &crate::safetensors::SafeTensors<'_>, name: &str) -> Result<L, Error> {
        L::load(checkpoint, name)
    }
}
