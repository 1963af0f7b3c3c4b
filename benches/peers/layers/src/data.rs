//! The numbers that a layer is run on, the same for everybody, and what it should make of them.

use conv_runtime::generic;
use conv_runtime::prelude::*;

use crate::{Row, Work, definition};

/// Input, weights, biases, the output's gradient, and what comes out.
#[derive(Debug)]
pub struct Data {
    /// The images.
    pub input: Tensor<f32, 4>,
    /// The weights.
    pub weight: Tensor<f32, 4>,
    /// The biases.
    pub bias: Tensor<f32, 1>,
    /// The gradient of the output.
    pub grad: Tensor<f32, 4>,
    output: Vec<Vec<f64>>,
    gradients: Vec<Vec<f64>>,
}

impl Data {
    /// Random numbers for the layer, and the definition's results in `f64`.
    ///
    /// # Errors
    /// None that is to be expected.
    pub fn new(row: &Row) -> Result<Self, Error> {
        let shape = row.config.weight_shape();
        let scale = (1.0 / shape[1..].iter().product::<usize>() as f32).sqrt();
        let mut weight = Tensor::<f32, 4>::randn(shape, 2);
        weight.as_mut_slice().iter_mut().for_each(|weight| *weight *= scale);
        let bias = Tensor::from_fn([row.config.out_channels], |[o]| (o % 7) as f32 / 8.0 - 0.375);
        let (input, grad) = (Tensor::randn(row.input, 1), Tensor::randn(row.output, 3));
        let output =
            generic::conv2d(&wide(&input)?, &wide(&weight)?, Some(&wide(&bias)?), &row.config)?.into_vec();
        let trained = row.works().contains(&Work::Backward);
        let gradients = trained.then(|| definition::gradients(row, &input, &weight, &grad));
        let gradients = gradients.map(Vec::from).unwrap_or_default();
        Ok(Self { input, weight, bias, grad, output: vec![output], gradients })
    }

    /// What this work gives: the output, or the gradients of input, weights and biases.
    #[must_use]
    pub fn expected(&self, work: Work) -> &[Vec<f64>] {
        match work {
            Work::Forward => &self.output,
            Work::Backward | Work::Step => &self.gradients,
        }
    }
}

/// The same numbers in `f64`.
fn wide<const R: usize>(tensor: &Tensor<f32, R>) -> Result<Tensor<f64, R>, Error> {
    Tensor::from_vec(tensor.shape(), tensor.iter().copied().map(f64::from).collect())
}
