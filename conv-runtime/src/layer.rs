//! The traits of a layer: [`Layer`] runs it, and [`Conv2d`] gives it weights.

use crate::kernel::Kernel;
use crate::{Conv2dConfig, Element, Error, Isa};
#[cfg(feature = "alloc")]
use crate::{
    Scratch, Tensor, TensorView, TensorViewMut, Verification,
    backward::{self, Differentiable, Gradients, GradientsMut},
    element::sealed::Sealed as _,
    generic, init,
    kernel::{Parameters, ParametersRef, Scheme, Trainable},
    pack::{pack, pack_bias, unpack},
    run,
};

/// A convolution layer that can run: every type that `conv2d!` makes.
///
/// Images are `[channels, height, width]`, or `[batch, channels, height, width]`, row-major.
pub trait Layer {
    /// The type of its numbers: `f32` or `f64`.
    type Elem: Element;

    /// The layer's parameters, as the macro understood them.
    const CONFIG: Conv2dConfig;

    /// What the generator chose for each vector width, and why, for a person to read.
    const PLAN: &'static str;

    /// The shape that `forward` makes of an input of this shape.
    ///
    /// ```
    /// use conv_runtime::prelude::*;
    /// conv2d! { struct Stem<in: 3, out: 64, k: 7, stride: 2, padding: 3>; }
    /// assert_eq!(Stem::output_shape([1, 3, 224, 224])?, [1, 64, 112, 112]);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever is wrong with the input's shape, in torch's words.
    fn output_shape<const R: usize>(input: [usize; R]) -> Result<[usize; R], Error>;

    /// The weights, `[out, in / groups, kernel height, kernel width]`.
    #[cfg(feature = "alloc")]
    fn weight(&self) -> Tensor<Self::Elem, 4>;

    /// The biases, `[out]`, unless the layer has none.
    #[cfg(feature = "alloc")]
    fn bias(&self) -> Option<Tensor<Self::Elem, 1>>;

    /// The instruction set that its kernels run on.
    fn isa(&self) -> Isa;

    /// Runs the layer and returns a new tensor.
    ///
    /// # Errors
    /// As [`Layer::forward_with`].
    #[cfg(feature = "alloc")]
    fn forward<const R: usize>(&self, input: &Tensor<Self::Elem, R>) -> Result<Tensor<Self::Elem, R>, Error> {
        let mut output = Tensor::zeros(Self::output_shape(input.shape())?);
        self.forward_into(input.view(), output.view_mut())?;
        Ok(output)
    }

    /// Runs the layer into memory of the caller's. Layers that need working memory allocate it.
    ///
    /// # Errors
    /// As [`Layer::forward_with`].
    #[cfg(feature = "alloc")]
    fn forward_into<const R: usize>(
        &self,
        input: TensorView<'_, Self::Elem, R>,
        output: TensorViewMut<'_, Self::Elem, R>,
    ) -> Result<(), Error> {
        self.forward_with(input, output, &mut Scratch::new())
    }

    /// Runs the layer in memory of the caller's, and allocates nothing once the scratch has grown.
    ///
    /// # Errors
    /// The input's shape does not suit the layer, or the output's shape is not
    /// [`Layer::output_shape`] of it, or `CONV_ISA` asks for what this machine does not have, or there is no memory for
    /// the layer's scratch.
    #[cfg(feature = "alloc")]
    fn forward_with<const R: usize>(
        &self,
        input: TensorView<'_, Self::Elem, R>,
        output: TensorViewMut<'_, Self::Elem, R>,
        scratch: &mut Scratch,
    ) -> Result<(), Error>;

    /// Compares `forward` with the definition, [`generic::conv2d`] accumulated in `f64`.
    ///
    /// # Errors
    /// As [`Layer::forward`]. A difference is no error: the report tells.
    #[cfg(feature = "alloc")]
    fn verify<const R: usize>(&self, input: &Tensor<Self::Elem, R>) -> Result<Verification, Error> {
        let output = self.forward(input)?;
        generic::verify(&output, input, &self.weight(), self.bias().as_ref(), &Self::CONFIG)
    }
}

#[cfg(feature = "alloc")]
/// A layer whose weights are set while the program runs: `torch.nn.Conv2d`.
pub trait Conv2d: Layer + Sized {
    /// The layer with the weights that `torch.manual_seed(seed); torch.nn.Conv2d(..)` draws:
    /// in `f32` bit for bit, in `f64` within one unit in the last place.
    #[must_use]
    fn init(seed: u64) -> Self;

    /// The layer with these weights, `[out, in / groups, kernel height, kernel width]`, and biases, `[out]`.
    ///
    /// # Errors
    /// A shape is not the layer's, or a bias is missing or too many.
    fn new(weight: &Tensor<Self::Elem, 4>, bias: Option<&Tensor<Self::Elem, 1>>) -> Result<Self, Error>;

    /// The layer with the tensors `{name}.weight` and `{name}.bias` of a checkpoint.
    ///
    /// # Errors
    /// A tensor is missing, or its shape or type is not the layer's, or there is a bias and the layer has none.
    #[cfg(feature = "safetensors")]
    fn load(checkpoint: &crate::safetensors::SafeTensors<'_>, name: &str) -> Result<Self, Error>;

    /// The same layer on another instruction set of this machine.
    #[must_use]
    fn on(&self, isa: Isa) -> Self;

    /// The gradients of input, weights and biases, from the gradient of the output.
    ///
    /// Nothing is remembered from `forward`: the input is given again.
    ///
    /// ```
    /// use conv_runtime::{Gradients, prelude::*};
    ///
    /// conv2d! { struct Layer<in: 2, out: 3, k: 3, padding: 1>; }
    /// let layer = Layer::init(0);
    /// let x = Tensor::<f32, 4>::randn([4, 2, 8, 8], 1);
    /// let y = layer.forward(&x)?;
    /// // the loss is the sum of the squares of y
    /// let grad = Tensor::from_fn(y.shape(), |at| 2.0 * y[at]);
    /// let Gradients { input, weight, bias } = layer.backward(&x, &grad)?;
    /// assert_eq!((input.shape(), weight.shape()), (x.shape(), [3, 2, 3, 3]));
    /// assert_eq!(bias.map(|bias| bias.shape()), Some([3]));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// The input's shape does not suit the layer, or the gradient's shape is not [`Layer::output_shape`] of it, or
    /// `CONV_ISA` asks for what this machine does not have, or there is no memory for the layer's scratch.
    fn backward<const R: usize>(
        &self,
        input: &Tensor<Self::Elem, R>,
        grad_output: &Tensor<Self::Elem, R>,
    ) -> Result<Gradients<Self::Elem, R>, Error>;

    /// As [`Conv2d::backward`] in memory of the caller's, for the gradients that are wanted. Allocates nothing
    /// once the scratch has grown. What the places for the gradients hold before is overwritten.
    ///
    /// # Errors
    /// As [`Conv2d::backward`]; or a place has not the shape of its gradient, or there is one for biases
    /// that the layer does not have.
    fn backward_with<const R: usize>(
        &self,
        input: TensorView<'_, Self::Elem, R>,
        grad_output: TensorView<'_, Self::Elem, R>,
        gradients: GradientsMut<'_, Self::Elem, R>,
        scratch: &mut Scratch,
    ) -> Result<(), Error>;

    /// Changes weights, `[out, in / groups, kernel height, kernel width]`, and biases, `[out]`, in torch's
    /// order, and packs them again.
    ///
    /// ```
    /// use conv_runtime::prelude::*;
    ///
    /// conv2d! { struct Layer<in: 2, out: 3, k: 3>; }
    /// let mut layer = Layer::init(0);
    /// layer.update(|weight, bias| {
    ///     weight.fill(0.0);
    ///     bias.into_iter().flatten().for_each(|bias| *bias = 1.0);
    /// });
    /// assert_eq!(layer.forward(&Tensor::randn([2, 5, 5], 1))?, Tensor::full([3, 3, 3], 1.0));
    /// # Ok::<(), Error>(())
    /// ```
    fn update(&mut self, change: impl FnOnce(&mut [Self::Elem], Option<&mut [Self::Elem]>));
}

impl<K: Kernel> Layer for K {
    type Elem = K::Elem;
    const CONFIG: Conv2dConfig = K::CONFIG;
    const PLAN: &'static str = K::PLAN;

    #[inline(always)]
    fn output_shape<const R: usize>(input: [usize; R]) -> Result<[usize; R], Error> {
        known_shape::<K, R>(input).map_or_else(|| checked_shape::<K, R>(input), Ok)
    }

    #[cfg(feature = "alloc")]
    fn weight(&self) -> Tensor<Self::Elem, 4> {
        let ParametersRef { isa, original, weights, .. } = self.parameters();
        let Some(original) = original.or_else(|| self.original()) else {
            return unpack(weights, &K::CONFIG, run::scheme::<K>(isa));
        };
        let mut weight = Tensor::zeros(K::CONFIG.weight_shape());
        weight.as_mut_slice().copy_from_slice(original);
        weight
    }

    #[cfg(feature = "alloc")]
    fn bias(&self) -> Option<Tensor<Self::Elem, 1>> {
        let ParametersRef { isa, bias, .. } = self.parameters();
        K::CONFIG.bias.then(|| unpack_bias(bias, &K::CONFIG, run::scheme::<K>(isa)))
    }

    fn isa(&self) -> Isa {
        self.parameters().isa
    }

    #[cfg(feature = "alloc")]
    fn forward_with<const R: usize>(
        &self,
        input: TensorView<'_, Self::Elem, R>,
        mut output: TensorViewMut<'_, Self::Elem, R>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let expected = Self::output_shape(input.shape())?;
        if output.shape() != expected {
            return Err(Error::output_shape(&expected, &output.shape()));
        }
        Isa::current()?;
        let sizes = [last_two(input.shape()), last_two(expected)];
        let (x, y) = (input.as_slice(), output.as_mut_slice());
        run::run_on_threads(self, None, 0, sizes, x, y, |len| K::Elem::buffer(scratch).take(len))
            .ok_or(Error::TooLarge)
    }
}

/// The output's shape for images of any size.
fn checked_shape<K: Kernel, const R: usize>(input: [usize; R]) -> Result<[usize; R], Error> {
    let output = K::CONFIG.output_shape(input)?;
    match K::SIZES {
        Some([expected, _]) if expected != last_two(input) => {
            Err(Error::InputSize { expected, got: last_two(input) })
        }
        _ => Ok(output),
    }
}

/// The output's shape for images of the one size that the layer is made for: the macro has checked all but how many
/// there are. A layer of a few nanoseconds would wait longer for its checks.
#[inline(always)]
fn known_shape<K: Kernel, const R: usize>(input: [usize; R]) -> Option<[usize; R]> {
    let (config, [image, out]) = (const { &K::CONFIG }, K::SIZES?);
    let (batch, channels) = match *input.as_slice() {
        [n, c, _, _] => (n, c),
        [c, _, _] => (1, c),
        _ => return None,
    };
    if channels != config.in_channels || last_two(input) != image || batch > const { most_images::<K>() } {
        return None;
    }
    let mut output = input;
    output[R - 3..].copy_from_slice(&[config.out_channels, out[0], out[1]]);
    Some(output)
}

/// Images of the one size that can be counted for sure, and their outputs.
const fn most_images<K: Kernel>() -> usize {
    let Some([[h, w], [out_h, out_w]]) = K::SIZES else { return 0 };
    // The macro counted on its own machine, whose addresses may be longer.
    let image = K::CONFIG.in_channels.saturating_mul(h).saturating_mul(w);
    let out = K::CONFIG.out_channels.saturating_mul(out_h).saturating_mul(out_w);
    let most = if image > out { image } else { out };
    isize::MAX.unsigned_abs() / size_of::<f64>() / most
}

/// Height and width of a shape of rank 3 or 4.
fn last_two<const R: usize>(shape: [usize; R]) -> [usize; 2] {
    [shape[R - 2], shape[R - 1]]
}

#[cfg(feature = "alloc")]
/// The biases without the lanes that fill a vector.
fn unpack_bias<E: Element>(packed: &[E], config: &Conv2dConfig, scheme: &Scheme) -> Tensor<E, 1> {
    let channels = config.out_per_group();
    let width = crate::pack::packed_channels(scheme, channels);
    Tensor::from_fn([config.out_channels], |[o]| packed[o / channels * width + o % channels])
}

#[cfg(feature = "alloc")]
/// The layer around these weights, whose shapes are right.
fn pack_for<K: Trainable>(isa: Isa, weight: &Tensor<K::Elem, 4>, bias: Option<&Tensor<K::Elem, 1>>) -> K {
    use crate::memory::Resident;
    let scheme = run::scheme::<K>(isa);
    K::from_parameters(Parameters {
        isa,
        original: scheme.filtering.map(|_| Resident::from_slice(weight.as_slice())),
        weights: pack(isa, weight.as_slice(), &K::CONFIG, scheme),
        bias: pack_bias(bias.map(Tensor::as_slice), &K::CONFIG, scheme),
    })
}

#[cfg(feature = "alloc")]
impl<K: Differentiable> Conv2d for K {
    fn init(seed: u64) -> Self {
        let (weight, bias) = init::parameters(&K::CONFIG, seed);
        pack_for(Isa::current().unwrap_or_else(|_| Isa::best()), &weight, bias.as_ref())
    }

    fn new(weight: &Tensor<Self::Elem, 4>, bias: Option<&Tensor<Self::Elem, 1>>) -> Result<Self, Error> {
        K::CONFIG.check_parameters(weight.shape(), bias.map(Tensor::shape))?;
        Ok(pack_for(Isa::current()?, weight, bias))
    }

    #[cfg(feature = "safetensors")]
    fn load(checkpoint: &crate::safetensors::SafeTensors<'_>, name: &str) -> Result<Self, Error> {
        use crate::safetensors::tensor;
        let weight = tensor(checkpoint, &alloc::format!("{name}.weight"), K::CONFIG.weight_shape())?;
        let bias = alloc::format!("{name}.bias");
        if !K::CONFIG.bias {
            // A network that is missing some of its numbers would answer all the same.
            return match checkpoint.tensor(&bias) {
                Ok(found) => Err(Error::BiasUnexpected { got: found.shape().iter().product() }),
                Err(_) => Self::new(&weight, None),
            };
        }
        Self::new(&weight, Some(&tensor(checkpoint, &bias, [K::CONFIG.out_channels])?))
    }

    fn on(&self, isa: Isa) -> Self {
        pack_for(isa, &self.weight(), self.bias().as_ref())
    }

    fn backward<const R: usize>(
        &self,
        input: &Tensor<Self::Elem, R>,
        grad_output: &Tensor<Self::Elem, R>,
    ) -> Result<Gradients<Self::Elem, R>, Error> {
        // Before memory is asked for, for shapes that may be wrong.
        backward::check(
            &K::CONFIG,
            input.shape(),
            Self::output_shape(input.shape())?,
            grad_output.shape(),
            &GradientsMut::<Self::Elem, R>::default(),
        )?;
        let mut gradients = Gradients {
            input: Tensor::zeros(input.shape()),
            weight: Tensor::zeros(K::CONFIG.weight_shape()),
            bias: K::CONFIG.bias.then(|| Tensor::zeros([K::CONFIG.out_channels])),
        };
        let wanted = GradientsMut {
            input: Some(gradients.input.view_mut()),
            weight: Some(gradients.weight.view_mut()),
            bias: gradients.bias.as_mut().map(Tensor::view_mut),
        };
        self.backward_with(input.view(), grad_output.view(), wanted, &mut Scratch::new())?;
        Ok(gradients)
    }

    fn backward_with<const R: usize>(
        &self,
        input: TensorView<'_, Self::Elem, R>,
        grad_output: TensorView<'_, Self::Elem, R>,
        gradients: GradientsMut<'_, Self::Elem, R>,
        scratch: &mut Scratch,
    ) -> Result<(), Error> {
        let expected = Self::output_shape(input.shape())?;
        backward::check(&K::CONFIG, input.shape(), expected, grad_output.shape(), &gradients)?;
        Isa::current()?;
        let sizes = [last_two(input.shape()), last_two(expected)];
        let pass = backward::Pass::new(sizes, [input, grad_output], gradients);
        backward::run(self, pass, scratch).ok_or(Error::TooLarge)
    }

    fn update(&mut self, change: impl FnOnce(&mut [Self::Elem], Option<&mut [Self::Elem]>)) {
        let (mut weight, mut bias) = (self.weight(), self.bias());
        change(weight.as_mut_slice(), bias.as_mut().map(Tensor::as_mut_slice));
        *self = pack_for(self.isa(), &weight, bias.as_ref());
    }
}
