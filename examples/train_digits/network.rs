//! Three layers and how they learn: cross-entropy, `AdamW`, and a learning rate that goes up and down once.

use std::f64::consts::PI;

use conv_runtime::prelude::*;
use conv_runtime::safetensors::{Dtype, SafeTensorError, TensorView as Bytes, serialize};
use conv_runtime::{Gradients, Isa, Layer};

use crate::data::Digits;

conv2d! {
    struct Conv1<in: 1, out: 16, k: 3, padding: 1, input: (8, 8)>;
    struct Conv2<in: 16, out: 32, k: 3, stride: 2, padding: 1, input: (8, 8)>;
    struct Conv3<in: 32, out: 10, k: 4, input: (4, 4)>;
}

const CLASSES: usize = 10;

pub(crate) struct Network {
    conv1: Learner<Conv1>,
    conv2: Learner<Conv2>,
    conv3: Learner<Conv3>,
}

impl Network {
    /// The weights that three layers of PyTorch have after `manual_seed`, each of its own seed.
    pub(crate) fn init(seed: u64) -> Self {
        let [first, second, third] = [0, 1, 2].map(|layer| seed + layer);
        Self { conv1: Learner::init(first), conv2: Learner::init(second), conv3: Learner::init(third) }
    }

    pub(crate) fn isa(&self) -> Isa {
        self.conv1.layer.isa()
    }

    /// What each layer makes of the images; the last are the logits.
    fn forward(&self, images: &Tensor<f32, 4>) -> Result<[Tensor<f32, 4>; 3], Error> {
        let first = relu(self.conv1.layer.forward(images)?);
        let second = relu(self.conv2.layer.forward(&first)?);
        let third = self.conv3.layer.forward(&second)?;
        Ok([first, second, third])
    }

    /// One step, and the loss before it.
    pub(crate) fn learn(
        &mut self,
        images: &Tensor<f32, 4>,
        labels: &[usize],
        rate: f64,
    ) -> Result<f64, Error> {
        let [first, second, logits] = self.forward(images)?;
        let (loss, gradient) = cross_entropy(&logits, labels);
        let third = self.conv3.layer.backward(&second, &gradient)?;
        let gradient = through_relu(third.input.clone(), &second);
        let middle = self.conv2.layer.backward(&first, &gradient)?;
        let gradient = through_relu(middle.input.clone(), &first);
        let initial = self.conv1.layer.backward(images, &gradient)?;
        self.conv1.step(&initial, rate);
        self.conv2.step(&middle, rate);
        self.conv3.step(&third, rate);
        Ok(loss)
    }

    /// The fraction of images that it knows.
    pub(crate) fn accuracy(&self, digits: &Digits) -> Result<f64, Error> {
        let (images, labels) = digits.all();
        let [.., logits] = self.forward(&images)?;
        let answers = logits
            .as_slice()
            .as_chunks::<CLASSES>()
            .0
            .iter()
            .map(|logits| (0..CLASSES).max_by(|a, b| logits[*a].total_cmp(&logits[*b])).unwrap_or(0));
        let right = answers.zip(&labels).filter(|(answer, label)| answer == *label).count();
        Ok(right as f64 / labels.len() as f64)
    }

    /// A file in the format safetensors, with PyTorch's names.
    pub(crate) fn checkpoint(&self) -> Result<Vec<u8>, SafeTensorError> {
        let mut tensors = self.conv1.parameters("conv1");
        tensors.extend(self.conv2.parameters("conv2"));
        tensors.extend(self.conv3.parameters("conv3"));
        let views: Result<Vec<_>, SafeTensorError> = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((name, Bytes::new(Dtype::F32, shape.clone(), bytes)?)))
            .collect();
        serialize(views?, None)
    }
}

fn relu(mut values: Tensor<f32, 4>) -> Tensor<f32, 4> {
    values.as_mut_slice().iter_mut().for_each(|value| *value = value.max(0.0));
    values
}

/// Where `relu` let nothing through, nothing comes back.
fn through_relu(mut gradient: Tensor<f32, 4>, output: &Tensor<f32, 4>) -> Tensor<f32, 4> {
    for (gradient, output) in gradient.as_mut_slice().iter_mut().zip(output.iter()) {
        *gradient = if *output > 0.0 { *gradient } else { 0.0 };
    }
    gradient
}

/// The mean loss, and its gradient.
fn cross_entropy(logits: &Tensor<f32, 4>, labels: &[usize]) -> (f64, Tensor<f32, 4>) {
    let (mut loss, mut gradient) = (0.0, logits.clone());
    let rows = gradient.as_mut_slice().as_chunks_mut::<CLASSES>().0;
    for (row, label) in rows.iter_mut().zip(labels) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for logit in row.iter_mut() {
            *logit = (*logit - most).exp();
        }
        let sum: f32 = row.iter().sum();
        loss += f64::from(sum / row[*label]).ln();
        for part in row.iter_mut() {
            *part /= sum * labels.len() as f32;
        }
        row[*label] -= 1.0 / labels.len() as f32;
    }
    (loss / labels.len() as f64, gradient)
}

// ------------------------------------------------------------------------------------------- the optimizer

/// A learning rate that rises for the first third of the way and falls for the rest: torch's `OneCycleLR`.
pub(crate) struct Schedule {
    step: usize,
    steps: usize,
}

impl Schedule {
    const MOST: f64 = 1e-2;
    const FIRST: f64 = Self::MOST / 25.0;
    const LAST: f64 = Self::FIRST / 1e4;

    pub(crate) fn new(steps: usize) -> Self {
        Self { step: 0, steps }
    }

    pub(crate) fn next_rate(&mut self) -> f64 {
        let (at, turn) = (self.step as f64, 0.3 * self.steps as f64 - 1.0);
        self.step += 1;
        let along = |from: f64, to: f64, way: f64| to + (from - to) / 2.0 * (1.0 + (PI * way).cos());
        if at <= turn {
            along(Self::FIRST, Self::MOST, at / turn)
        } else {
            along(Self::MOST, Self::LAST, (at - turn) / (self.steps as f64 - 1.0 - turn))
        }
    }
}

/// A layer, and what `AdamW` remembers of its gradients.
struct Learner<L> {
    layer: L,
    steps: i32,
    weight: Vec<[f32; 2]>,
    bias: Vec<[f32; 2]>,
}

impl<L: Conv2d<Elem = f32>> Learner<L> {
    fn init(seed: u64) -> Self {
        let layer = L::init(seed);
        let (weight, bias) = (layer.weight().len(), layer.bias().map_or(0, |bias| bias.len()));
        Self { layer, steps: 0, weight: vec![[0.0; 2]; weight], bias: vec![[0.0; 2]; bias] }
    }

    fn step(&mut self, gradients: &Gradients<f32, 4>, rate: f64) {
        self.steps += 1;
        let adam = Adam::new(self.steps, rate);
        let Self { layer, weight: weight_moments, bias: bias_moments, .. } = self;
        layer.update(|weight, bias| {
            adam.step(weight, gradients.weight.as_slice(), weight_moments);
            if let (Some(bias), Some(gradient)) = (bias, &gradients.bias) {
                adam.step(bias, gradient.as_slice(), bias_moments);
            }
        });
    }

    /// Name, shape and bytes of each parameter.
    fn parameters(&self, name: &str) -> Vec<(String, Vec<usize>, Vec<u8>)> {
        let weight = self.layer.weight();
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let mut all = vec![(format!("{name}.weight"), weight.shape().to_vec(), bytes(weight.as_slice()))];
        if let Some(bias) = self.layer.bias() {
            all.push((format!("{name}.bias"), bias.shape().to_vec(), bytes(bias.as_slice())));
        }
        all
    }
}

/// One step of `AdamW` with torch's defaults.
struct Adam {
    decay: f32,
    rate: f32,
    /// Undoes that the mean of squares began at zero.
    correction: f32,
}

impl Adam {
    const MEAN: f32 = 0.9;
    const SQUARES: f32 = 0.999;
    const WEIGHT_DECAY: f64 = 1e-2;

    fn new(steps: i32, rate: f64) -> Self {
        let mean = 1.0 - f64::from(Self::MEAN).powi(steps);
        Self {
            decay: (1.0 - rate * Self::WEIGHT_DECAY) as f32,
            rate: (rate / mean) as f32,
            correction: (1.0 - f64::from(Self::SQUARES).powi(steps)).sqrt() as f32,
        }
    }

    fn step(&self, values: &mut [f32], gradient: &[f32], moments: &mut [[f32; 2]]) {
        for ((value, gradient), [mean, squares]) in values.iter_mut().zip(gradient).zip(moments) {
            *mean += (1.0 - Self::MEAN) * (gradient - *mean);
            *squares += (1.0 - Self::SQUARES) * (gradient * gradient - *squares);
            *value = self.decay * *value - self.rate * *mean / (squares.sqrt() / self.correction + 1e-8);
        }
    }
}
