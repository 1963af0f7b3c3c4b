//! The generated layers at work: into memory that is there already, with a scratch that has grown.

use std::hint::black_box;
use std::time::{Duration, Instant};

use conv_runtime::GradientsMut;
use conv_runtime::prelude::*;

use crate::Data;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The output.
    Forward,
    /// The gradients of input, weights and biases, from input and gradient of the output.
    Backward,
    /// Output and gradients: a step of training, without the update.
    Step,
}

impl Work {
    /// All there is.
    pub const ALL: [Self; 3] = [Self::Forward, Self::Backward, Self::Step];

    /// Its name in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Step => "step",
        }
    }
}

/// A peer that is ready for a layer: what it computes, and a function that computes it again.
pub struct Call {
    /// Its results, row-major: the output, or the gradients of input, weights and biases.
    pub results: Vec<Vec<f32>>,
    /// How long it took to get ready: model, weights.
    pub prepared: Duration,
    /// Does it once more.
    pub again: Box<dyn FnMut()>,
}

/// Makes the generated layer ready to run on the data.
pub type Maker = fn(&Data) -> Result<Call, Error>;

/// The output.
pub(crate) fn forward<L: Conv2d<Elem = f32> + 'static>(data: &Data) -> Result<Call, Error> {
    let (layer, prepared) = layer::<L>(data)?;
    let input = data.input.clone();
    let mut output = Tensor::full(L::output_shape(input.shape())?, f32::NAN);
    let mut scratch = Scratch::new();
    layer.forward_with(input.view(), output.view_mut(), &mut scratch)?;
    let results = vec![output.as_slice().to_vec()];
    let again = Box::new(move || {
        let done = layer.forward_with(black_box(&input).view(), output.view_mut(), &mut scratch);
        done.expect("it ran before");
        black_box(&mut output);
    });
    Ok(Call { results, prepared, again })
}

/// The three gradients.
pub(crate) fn backward<L: Conv2d<Elem = f32> + 'static>(data: &Data) -> Result<Call, Error> {
    let (layer, prepared) = layer::<L>(data)?;
    let mut pass = Pass::new(data);
    pass.backward(&layer)?;
    let results = pass.results();
    Ok(Call { results, prepared, again: Box::new(move || pass.backward(&layer).expect("it ran before")) })
}

/// The output, and then the three gradients.
pub(crate) fn step<L: Conv2d<Elem = f32> + 'static>(data: &Data) -> Result<Call, Error> {
    let Call { mut again, .. } = forward::<L>(data)?;
    let Call { results, prepared, again: mut back } = backward::<L>(data)?;
    let again = Box::new(move || {
        again();
        back();
    });
    Ok(Call { results, prepared, again })
}

/// The layer with its weights packed, and how long that took.
fn layer<L: Conv2d<Elem = f32>>(data: &Data) -> Result<(L, Duration), Error> {
    let started = Instant::now();
    let layer = L::new(&data.weight, Some(&data.bias))?;
    Ok((layer, started.elapsed()))
}

/// What a backward pass reads and writes.
struct Pass {
    input: Tensor<f32, 4>,
    grad: Tensor<f32, 4>,
    of_input: Tensor<f32, 4>,
    of_weight: Tensor<f32, 4>,
    of_bias: Tensor<f32, 1>,
    scratch: Scratch,
}

impl Pass {
    fn new(data: &Data) -> Self {
        Self {
            input: data.input.clone(),
            grad: data.grad.clone(),
            of_input: Tensor::full(data.input.shape(), f32::NAN),
            of_weight: Tensor::full(data.weight.shape(), f32::NAN),
            of_bias: Tensor::full(data.bias.shape(), f32::NAN),
            scratch: Scratch::new(),
        }
    }

    fn backward<L: Conv2d<Elem = f32>>(&mut self, layer: &L) -> Result<(), Error> {
        let places = GradientsMut {
            input: Some(self.of_input.view_mut()),
            weight: Some(self.of_weight.view_mut()),
            bias: Some(self.of_bias.view_mut()),
        };
        let (input, grad) = (black_box(&self.input), black_box(&self.grad));
        layer.backward_with(input.view(), grad.view(), places, &mut self.scratch)?;
        black_box((&mut self.of_input, &mut self.of_weight, &mut self.of_bias));
        Ok(())
    }

    fn results(&self) -> Vec<Vec<f32>> {
        [self.of_input.as_slice(), self.of_weight.as_slice(), self.of_bias.as_slice()]
            .map(<[_]>::to_vec)
            .into()
    }
}
