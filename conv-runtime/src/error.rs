//! Everything that can be wrong with a layer, its parameters or its input, as one enum.
//!
//! A variant is a rule. Where torch has a sentence for it, that sentence is what a person reads,
//! so that an error from here can be looked up like an error from there; the numbers behind it are
//! in the variant's fields. The remaining variants state in the same style what was expected and
//! what came.

#[cfg(feature = "std")]
use alloc::string::String;
use core::fmt;

use crate::Shape;

/// Declares [`Error`]: each row is a variant, its fields and its sentence, so that no variant can
/// be without a sentence.
macro_rules! errors {
    ($(
        $(#[doc = $doc:literal])*
        $(#[cfg($($condition:tt)*)])?
        $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })? => ($($message:tt)*);
    )*) => {
        /// Why a layer could not be built or run.
        ///
        /// Shapes are in torch's order: `[n, c, h, w]` for images, `[out, in / groups, kh, kw]`
        /// for weights, `[h, w]` for pairs, `[[top, bottom], [left, right]]` for padding.
        ///
        /// ```
        /// use conv_runtime::{Conv2dConfig, Error};
        ///
        /// let error = Conv2dConfig::new(3, 8, [3, 3]).groups(2).validate().unwrap_err();
        /// assert_eq!(error, Error::InChannelsNotDivisible { in_channels: 3, groups: 2 });
        /// assert_eq!(error.to_string(), "in_channels must be divisible by groups");
        /// ```
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Error {
            $($(#[doc = $doc])* $(#[cfg($($condition)*)])? $name $({ $($(#[$field_doc])* $field: $type,)* })?,)*
        }

        impl fmt::Display for Error {
            #[allow(unused_variables, reason = "some of torch's sentences name no numbers")]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($(#[cfg($($condition)*)])? Self::$name { $($($field,)*)? } => write!(f, $($message)*),)*
                }
            }
        }
    };
}

errors! {
    // The layer, in the order of the checks.

    /// `groups` is 0.
    GroupsNotPositive => ("groups must be a positive integer");
    /// The input channels cannot be shared out equally among the groups.
    InChannelsNotDivisible {
        /// The layer's input channels.
        in_channels: usize,
        /// The layer's groups.
        groups: usize,
    } => ("in_channels must be divisible by groups");
    /// The output channels cannot be shared out equally among the groups.
    OutChannelsNotDivisible {
        /// The layer's output channels.
        out_channels: usize,
        /// The layer's groups.
        groups: usize,
    } => ("out_channels must be divisible by groups");
    /// `in_channels` is 0. (Torch accepts it and returns an image of 0 channels.)
    InChannelsNotPositive => ("in_channels must be a positive integer");
    /// A stride is 0.
    StrideNotPositive {
        /// The layer's stride.
        stride: [usize; 2],
    } => ("non-positive stride is not supported");
    /// `out_channels` is 0.
    OutChannelsNotPositive {
        /// The layer's groups.
        groups: usize,
        /// The shape its weight would have.
        weight: [usize; 4],
    } => (
        "Given groups={groups}, expected weight to be at least 1 at dimension 0, but got weight of size {weight:?} instead"
    );
    /// A side of the kernel is 0.
    KernelNotPositive {
        /// The layer's kernel size.
        kernel_size: [usize; 2],
    } => (
        "kernel size should be greater than zero, but got kernel_height: {} kernel_width: {}",
        kernel_size[0], kernel_size[1]
    );
    /// A dilation is 0.
    DilationNotPositive {
        /// The layer's dilation.
        dilation: [usize; 2],
    } => ("dilation should be greater than zero, but got {dilation:?}");
    /// `dilation * (kernel_size - 1) + 1` does not fit a `usize`.
    KernelOverflow {
        /// The layer's kernel size.
        kernel_size: [usize; 2],
        /// The layer's dilation.
        dilation: [usize; 2],
    } => ("Kernel size calculation overflowed with kernel_size={kernel_size:?}, dilation={dilation:?}");
    /// A tensor of this shape, be it weight, input or output, could not be addressed.
    StorageOverflow {
        /// The shape in question.
        sizes: Shape,
    } => ("Storage size calculation overflowed with sizes={sizes:?}");

    // The input, in the order of the checks.

    /// The input has neither three nor four dimensions.
    Rank {
        /// The input's shape.
        input: Shape,
    } => ("Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: {input:?}");
    /// `reflect` or `replicate` has no pixel to copy.
    NothingToPad {
        /// The input's shape.
        input: Shape,
    } => (
        "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: {input:?}"
    );
    /// `reflect` would reach beyond the opposite edge.
    ReflectTooWide {
        /// Torch's number of the argument: 4 for the width, 6 for the height.
        argument: usize,
        /// Padding before and after, along the dimension.
        padding: [usize; 2],
        /// Index into `input`.
        dimension: usize,
        /// The input's shape.
        input: Shape,
    } => (
        "Argument #{argument}: Padding size should be less than the corresponding input dimension, but got: padding ({}, {}) at dimension {dimension} of input {input:?}",
        padding[0], padding[1]
    );
    /// `circular` would need a pixel twice on one side.
    CircularTooWide {
        /// Padding before and after, along the dimension.
        padding: [usize; 2],
        /// Index into `input`.
        dimension: usize,
        /// The input's shape.
        input: Shape,
    } => ("Padding value causes wrapping around more than once.");
    /// The input's channels are not the layer's.
    Channels {
        /// The layer's groups.
        groups: usize,
        /// The shape of the layer's weight.
        weight: [usize; 4],
        /// The input's shape, batched: an unbatched one has got a leading 1, as in torch.
        input: [usize; 4],
        /// The layer's input channels.
        expected: usize,
    } => (
        "Given groups={groups}, weight of size {weight:?}, expected input{input:?} to have {expected} channels, but got {} channels instead",
        input[1]
    );
    /// The input's height or width, with padding, does not fit a `usize`.
    PaddedSizeOverflow {
        /// The input's height and width.
        size: [usize; 2],
        /// The layer's padding.
        padding: [[usize; 2]; 2],
    } => ("Padded input size calculation overflowed with size={size:?}, padding={padding:?}");
    /// The dilated kernel is larger than the padded image.
    KernelTooLarge {
        /// The image's height and width, with padding.
        padded: [usize; 2],
        /// The kernel's height and width, with dilation.
        kernel: [usize; 2],
    } => (
        "Calculated padded input size per channel: ({} x {}). Kernel size: ({} x {}). Kernel size can't be greater than actual input size",
        padded[0], padded[1], kernel[0], kernel[1]
    );
    /// The images have height or width 0.
    EmptyImage {
        /// The input's shape, batched: an unbatched one has got a leading 1, as in torch.
        input: [usize; 4],
    } => ("Only zero batch or zero channel inputs are supported, but got input shape: {input:?}");
    /// The layer was compiled for another height and width.
    InputSize {
        /// The height and width that the layer was compiled for.
        expected: [usize; 2],
        /// The input's height and width.
        got: [usize; 2],
    } => ("expected input of height and width {expected:?}, for which the layer was compiled, but got {got:?} instead");

    // Parameters, data and results.

    /// The weight is not the layer's.
    WeightShape {
        /// The layer's `[out, in / groups, kh, kw]`.
        expected: [usize; 4],
        /// The weight's shape.
        got: [usize; 4],
    } => ("expected weight of size {expected:?}, but got weight of size {got:?} instead");
    /// The bias is not the layer's.
    BiasShape {
        /// The shape of the layer's weight.
        weight: [usize; 4],
        /// The length of the bias.
        got: usize,
    } => (
        "Given weight of size {weight:?}, expected bias to be 1-dimensional with {} elements, but got bias of size [{got}] instead",
        weight[0]
    );
    /// The layer has a bias and none was given.
    BiasMissing {
        /// How many elements the bias must have.
        out_channels: usize,
    } => ("expected bias of size [{out_channels}], because the layer has bias=true, but got no bias");
    /// The layer has no bias and one was given.
    BiasUnexpected {
        /// The length of the bias.
        got: usize,
    } => ("expected no bias, because the layer has bias=false, but got bias of size [{got}]");
    /// There are more or fewer numbers than the shape has places.
    DataLength {
        /// The shape asked for.
        shape: Shape,
        /// How many numbers there are.
        got: usize,
    } => ("shape '{shape:?}' is invalid for input of size {got}");
    /// The place for the result has not the result's shape.
    OutputShape {
        /// The shape of the result.
        expected: Shape,
        /// The shape of the place for it.
        got: Shape,
    } => ("expected output of size {expected:?}, but got output of size {got:?} instead");
    /// The gradient has not the shape of the output that it belongs to.
    GradOutputShape {
        /// The shape of the output.
        expected: Shape,
        /// The shape of the gradient.
        got: Shape,
    } => (
        "Mismatch in shape: grad_output[0] has a shape of torch.Size({got:?}) and output[0] has a shape of torch.Size({expected:?})."
    );
    /// The working memory for this input cannot be addressed, or there is not so much.
    TooLarge => ("Storage size calculation overflowed for the padded copy of the input");
    /// The environment variable `CONV_ISA` names an instruction set that this machine lacks.
    #[cfg(feature = "std")]
    UnknownIsa {
        /// The variable's value.
        requested: String,
        /// The names that would do.
        available: String,
    } => ("CONV_ISA={requested} is not available on this machine; expected one of {available}");

    // Tensors from a file.

    /// The file has no tensor of this name.
    #[cfg(feature = "safetensors")]
    MissingTensor {
        /// The name looked for.
        name: String,
    } => ("Missing key(s) in state_dict: \"{name}\".");
    /// The file's tensor is of a type that cannot become the layer's without loss.
    #[cfg(feature = "safetensors")]
    TensorDtype {
        /// The tensor's name.
        name: String,
        /// The layer's type.
        expected: String,
        /// The tensor's type, as the file calls it.
        got: String,
    } => ("dtype mismatch for {name}: expected {expected}, F16 or BF16 in the checkpoint, but got {got}");
    /// The file's tensor has another shape.
    #[cfg(feature = "safetensors")]
    TensorShape {
        /// The tensor's name.
        name: String,
        /// The layer's shape.
        expected: Shape,
        /// The tensor's shape.
        got: Shape,
    } => (
        "size mismatch for {name}: copying a param with shape torch.Size({got:?}) from checkpoint, the shape in current model is torch.Size({expected:?})."
    );
}

impl core::error::Error for Error {}

impl Error {
    /// The place for the result has the wrong shape.
    #[cfg(feature = "alloc")]
    pub(crate) fn output_shape(expected: &[usize], got: &[usize]) -> Self {
        Self::OutputShape { expected: expected.into(), got: got.into() }
    }
}

#[cfg(test)]
mod tests;
