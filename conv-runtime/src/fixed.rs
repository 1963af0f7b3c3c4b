//! [`FixedConv2d`]: layers made for one image size, whose images are arrays.

use crate::Layer;
#[cfg(feature = "alloc")]
use crate::Scratch;
#[cfg(feature = "alloc")]
use crate::element::sealed::Sealed as _;
use crate::kernel::Kernel;
use crate::run::run;

/// A layer made for one image size: sizes are types, so layers that do not fit together do not compile.
pub trait FixedConv2d: Layer {
    /// `[[[T; width]; height]; channels]`
    type Input;
    /// `[[[T; width]; height]; channels]` of the output.
    type Output;

    /// `[T; SCRATCH]`, working memory for [`FixedConv2d::forward_array_in`].
    type Memory;
    /// Elements of working memory that the layer takes.
    const SCRATCH: usize;

    /// Runs the layer on one image, which cannot fail. Layers that need working memory allocate it.
    #[cfg(feature = "alloc")]
    fn forward_array(&self, input: &Self::Input, output: &mut Self::Output) {
        self.forward_array_with(input, output, &mut Scratch::new());
    }

    /// Runs the layer on one image, and allocates nothing once the scratch has grown.
    #[cfg(feature = "alloc")]
    fn forward_array_with(&self, input: &Self::Input, output: &mut Self::Output, scratch: &mut Scratch);

    /// Runs the layer on one image in an array of the caller's, without an allocator.
    ///
    /// ```
    /// use conv_runtime::prelude::*;
    ///
    /// conv2d! {
    ///     struct Sharpen<in: 1, out: 1, k: 3, padding: 1, padding_mode: reflect, bias: false, input: (64, 64),
    ///         weights: [[[[0, -1, 0], [-1, 5, -1], [0, -1, 0]]]]>;
    /// }
    /// let (image, mut sharp) = ([[[0.5; 64]; 64]; 1], [[[0.0; 64]; 64]; 1]);
    /// let mut memory = [0.0; Sharpen::SCRATCH];
    /// Sharpen.forward_array_in(&image, &mut sharp, &mut memory);
    /// assert_eq!(sharp, image);
    /// ```
    fn forward_array_in(&self, input: &Self::Input, output: &mut Self::Output, memory: &mut Self::Memory);
}

impl<K: Fixed> FixedConv2d for K {
    type Input = K::Input;
    type Output = K::Output;
    type Memory = K::Memory;
    const SCRATCH: usize = K::SCRATCH;

    #[cfg(feature = "alloc")]
    fn forward_array_with(&self, input: &Self::Input, output: &mut Self::Output, scratch: &mut Scratch) {
        run_fixed(self, input, output, |len| K::Elem::buffer(scratch).take(len));
    }

    fn forward_array_in(&self, input: &Self::Input, output: &mut Self::Output, memory: &mut Self::Memory) {
        run_fixed(self, input, output, |len| K::memory(memory).get_mut(..len));
    }
}

/// A generated layer that is made for one image size.
pub trait Fixed: Kernel {
    /// `[[[T; width]; height]; channels]`
    type Input;
    /// `[[[T; width]; height]; channels]` of the output.
    type Output;
    /// `[T; SCRATCH]`
    type Memory;
    /// Elements of working memory.
    const SCRATCH: usize;

    /// Image and output without their dimensions.
    fn flat<'a>(
        input: &'a Self::Input,
        output: &'a mut Self::Output,
    ) -> (&'a [Self::Elem], &'a mut [Self::Elem]);

    /// The working memory.
    fn memory(memory: &mut Self::Memory) -> &mut [Self::Elem];
}

/// The working memory of a layer whose kernels for vectors of 128, 256 and 512 bits need so much: only x86
/// has the wider ones.
#[must_use]
pub const fn scratch([narrow, medium, wide]: [usize; 3]) -> usize {
    let most = if medium > wide { medium } else { wide };
    let is_wide = cfg!(any(target_arch = "x86", target_arch = "x86_64"));
    if is_wide && most > narrow { most } else { narrow }
}

/// Runs a layer that is made for one image size on one image of that size.
fn run_fixed<'m, K: Fixed>(
    layer: &K,
    input: &K::Input,
    output: &mut K::Output,
    memory: impl FnOnce(usize) -> Option<&'m mut [K::Elem]>,
) {
    let (x, y) = K::flat(input, output);
    let done = K::SIZES.and_then(|sizes| run(layer, sizes, x, y, memory));
    assert!(done.is_some(), "there is no memory for what the layer needs while it runs");
}
