//! The gradients of a layer: what users hold, what a generated layer tells the runtime, and which part runs
//! when.
//!
//! ```text
//! input  (input.rs)   the layer with its weights turned around, run over the output's gradient by the same
//!                     code as `forward`, or a product of the weights as they are (product.rs); what came from
//!                     padding is added to the pixels it was read from
//! weight (weight.rs)  products of gradients and pixels, summed over the image by a kernel of its own
//! bias                sums of the output's gradient
//! ```
//!
//! All of it hangs on [`Differentiable`], whose functions are generic: a program that never calls `backward`
//! compiles none of its kernels.

mod by_rows;
mod copies;
mod fold;
mod input;
mod lanes;
mod layout;
mod product;
mod turn;
mod weight;

pub(crate) use self::fold::{Job as FoldJob, fold};
pub use self::lanes::add_lanes;
pub(crate) use self::lanes::sum;
use fearless_simd::Simd;

use crate::kernel::{Geometry, Trainable};
use crate::scratch::Scratch;
use crate::{Element, Error, Isa, Tensor, TensorView, TensorViewMut};

/// What a loss changes by, with the layer's input, its weights and its biases: the shapes are theirs.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients<E: Element, const R: usize> {
    /// The gradient of the input.
    pub input: Tensor<E, R>,
    /// The gradient of the weights, `[out, in / groups, kernel height, kernel width]`.
    pub weight: Tensor<E, 4>,
    /// The gradient of the biases, `[out]`, unless the layer has none.
    pub bias: Option<Tensor<E, 1>>,
}

/// Where gradients are written to; what is `None` is not computed.
///
/// ```
/// use conv_runtime::{GradientsMut, prelude::*};
///
/// conv2d! { struct First<in: 3, out: 8, k: 3>; }
/// let first = First::init(0); // nobody asks for the gradient of an image from a camera
/// let (image, grad) = (Tensor::<f32, 3>::randn([3, 8, 8], 1), Tensor::full([8, 6, 6], 1.0));
/// let (mut weight, mut bias) = (Tensor::zeros([8, 3, 3, 3]), Tensor::zeros([8]));
/// let wanted =
///     GradientsMut { weight: Some(weight.view_mut()), bias: Some(bias.view_mut()), ..Default::default() };
/// first.backward_with(image.view(), grad.view(), wanted, &mut Scratch::new())?;
/// assert_eq!(bias, Tensor::full([8], 36.0));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct GradientsMut<'a, E: Element, const R: usize> {
    /// The gradient of the input, if it is wanted.
    pub input: Option<TensorViewMut<'a, E, R>>,
    /// The gradient of the weights, if it is wanted.
    pub weight: Option<TensorViewMut<'a, E, 4>>,
    /// The gradient of the biases, if it is wanted and the layer has biases.
    pub bias: Option<TensorViewMut<'a, E, 1>>,
}

impl<E: Element, const R: usize> Default for GradientsMut<'_, E, R> {
    fn default() -> Self {
        Self { input: None, weight: None, bias: None }
    }
}

/// A generated layer that knows its gradients.
pub trait Differentiable: Trainable {
    /// The layer that turns the output's gradient into the padded input's, each residue of the strides in
    /// channels of its own: see `input.rs`.
    type InputGradient: Trainable<Elem = Self::Elem>;
    /// Whether the result of that layer is not yet the input's gradient.
    const FOLDS: bool;
    /// Whether the input's gradient is a product of the weights as `forward` has them, and how it is computed then: in
    /// vectors of 128, 256 and 512 bits.
    const PRODUCTS: [Option<Product>; 3] = [None; 3];
    /// How the weight's gradient is computed in vectors of 128, 256 and 512 bits.
    const SUMS: [Sums; 3];

    /// Adds up one band, in vectors of 128 bits.
    fn sums_128<S: Simd>(simd: S, job: SumsJob<'_, Self::Elem>);
    /// Adds up one band, in vectors of 256 bits.
    fn sums_256<S: Simd>(simd: S, job: SumsJob<'_, Self::Elem>);
    /// Adds up one band, in vectors of 512 bits.
    fn sums_512<S: Simd>(simd: S, job: SumsJob<'_, Self::Elem>);

    /// Multiplies one block, in vectors of 128 bits.
    #[inline(always)]
    fn product_128<S: Simd>(_simd: S, _job: ProductJob<'_, Self::Elem>) {}
    /// Multiplies one block, in vectors of 256 bits.
    #[inline(always)]
    fn product_256<S: Simd>(_simd: S, _job: ProductJob<'_, Self::Elem>) {}
    /// Multiplies one block, in vectors of 512 bits.
    #[inline(always)]
    fn product_512<S: Simd>(_simd: S, _job: ProductJob<'_, Self::Elem>) {}
}

/// How the kernel of the weight's gradient wants its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Image and gradient as they are: a call sums for all groups of an image.
    InPlace,
    /// A copy of the image with channels last, and the gradient as it is: a call sums some rows of the weights.
    Rows {
        /// Input channels of a tile of the copy.
        width: usize,
        /// Output channels of a call, or as many as are left of a group.
        outs: usize,
    },
    /// Copies of both.
    Copies(Copies),
}

/// How image and gradient are copied for the kernel of the weight's gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// Channels last: a call sums for `width` output channels, of which the gradient's copy has one block after the
    /// other, as the image's has one tile of input channels.
    Channels {
        /// Output channels of a call.
        width: usize,
        /// Input channels of a tile.
        depth: usize,
    },
    /// Channel by channel: a call sums for a group.
    Pixels {
        /// Output rows of a step: the copies have a multiple of them.
        lines: usize,
        /// Rows of image and gradient are equally long, and pass as one.
        one_row: bool,
    },
}

/// What one call of the weight's gradient works on.
pub struct SumsJob<'a, E> {
    /// Rows and columns to sum over, and distances.
    pub geometry: Geometry,
    /// The image, or its copy.
    pub image: &'a [E],
    /// The output's gradient, or its copy.
    pub gradient: &'a [E],
    /// The sums so far.
    pub output: &'a mut [E],
    /// A row of padding, if the kernel reads the image as it is.
    pub zeros: &'a [E],
}

/// How the kernel of the input's gradient wants its data, where that is a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Rows of a tile.
    pub rows: usize,
    /// Blocks of output channels of a call, or as many as are left of a group; the narrower one has a call of its own.
    pub blocks: usize,
}

/// What one call of the input's gradient works on, where that is a product: some blocks of output channels.
pub struct ProductJob<'a, E> {
    /// Whether it is the narrower block at the group's end.
    pub tail: bool,
    /// Rows of weights, as `outs`, pixels, as `out_w`, and blocks, as `groups`.
    pub geometry: Geometry,
    /// The blocks' weights, from the first row on.
    pub weights: &'a [E],
    /// The output's gradient, from the blocks' first channel on.
    pub gradient: &'a [E],
    /// Its pixels that fill no vector, channels last.
    pub last: &'a [E],
    /// The sums so far, a row of pixels for each of the weights.
    pub output: &'a mut [E],
}

/// Input, gradient of the output, and where to write; all of the right size.
pub(crate) struct Pass<'a, E> {
    /// Height and width of the input and of the output.
    pub(crate) sizes: [[usize; 2]; 2],
    pub(crate) x: &'a [E],
    pub(crate) grad: &'a [E],
    pub(crate) input: Option<&'a mut [E]>,
    pub(crate) weight: Option<&'a mut [E]>,
    pub(crate) bias: Option<&'a mut [E]>,
}

/// Computes what is wanted; `None` if the scratch cannot be counted.
pub(crate) fn run<K: Differentiable>(
    layer: &K,
    pass: Pass<'_, K::Elem>,
    scratch: &mut Scratch,
) -> Option<()> {
    let Pass { sizes, x, grad, .. } = pass;
    let input = pass.input.filter(|to| !to.is_empty());
    if let Some(to) = input {
        input::run(layer, sizes, grad, to, scratch)?;
    }
    match pass.weight {
        // Of no image at all, not even of no pixels, the weights learn nothing.
        Some(to) if x.is_empty() => to.fill(K::Elem::ZERO),
        Some(to) => weight::run::<K>(layer.parameters().isa, sizes, [x, grad], to, scratch)?,
        None => {}
    }
    if let Some(to) = pass.bias {
        bias(layer.parameters().isa, sizes[1], grad, to);
    }
    Some(())
}

/// The biases' gradient: each channel's sum.
fn bias<E: Element>(isa: Isa, [h, w]: [usize; 2], grad: &[E], to: &mut [E]) {
    to.fill(E::ZERO);
    for image in grad.chunks_exact(to.len() * h * w) {
        for (sum, plane) in to.iter_mut().zip(image.chunks_exact(h * w)) {
            *sum += E::total(isa.level(), plane);
        }
    }
}

/// Refuses gradients that have not the shape of what they belong to.
pub(crate) fn check<E: Element, const R: usize>(
    config: &crate::Conv2dConfig,
    input: [usize; R],
    expected: [usize; R],
    grad: [usize; R],
    wanted: &GradientsMut<'_, E, R>,
) -> Result<(), Error> {
    if grad != expected {
        return Err(Error::GradOutputShape { expected: expected.into(), got: grad.into() });
    }
    match &wanted.input {
        Some(place) if place.shape() != input => return Err(Error::output_shape(&input, &place.shape())),
        _ => {}
    }
    let weight = wanted.weight.as_ref().map_or(config.weight_shape(), TensorViewMut::shape);
    match &wanted.bias {
        // A gradient that is not wanted has no shape to be wrong.
        None => config.bias(false).check_parameters(weight, None),
        Some(place) => config.check_parameters(weight, Some(place.shape())),
    }
}

/// The slices behind the views.
impl<'a, E: Element> Pass<'a, E> {
    pub(crate) fn new<const R: usize>(
        sizes: [[usize; 2]; 2],
        [x, grad]: [TensorView<'a, E, R>; 2],
        wanted: GradientsMut<'a, E, R>,
    ) -> Self {
        Self {
            sizes,
            x: x.into_slice(),
            grad: grad.into_slice(),
            input: wanted.input.map(TensorViewMut::into_slice),
            weight: wanted.weight.map(TensorViewMut::into_slice),
            bias: wanted.bias.map(TensorViewMut::into_slice),
        }
    }
}
