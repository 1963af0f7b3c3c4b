//! burn-flex: the backend's functions, without the tensor library above it. Weights are packed in the call; it
//! allocates its results. Gradients are the three functions that burn's autodiff calls.

use std::hint::black_box;
use std::time::Duration;

use burn_backend::TensorData;
use burn_backend::ops::{ConvOptions, ModuleOps};
use burn_flex::{Flex, FlexTensor};
use layers::{Call, Data, Row, Work};

use crate::Failure;

/// The layer as burn-flex runs it.
#[expect(clippy::unnecessary_wraps, reason = "as the other peers, some of which can fail")]
pub(crate) fn ready(row: &Row, data: &Data, work: Work) -> Result<Option<Call>, Failure> {
    let layer = Layer::new(row, data);
    let run = move || match work {
        Work::Forward => vec![layer.forward()],
        Work::Backward => layer.backward(),
        Work::Step => {
            black_box(layer.forward());
            layer.backward()
        }
    };
    let numbers = |tensor: &FlexTensor| tensor.to_contiguous().storage::<f32>().to_vec();
    let results = run().iter().map(numbers).collect();
    let again = Box::new(move || drop(black_box(run())));
    Ok(Some(Call { results, prepared: Duration::ZERO, again }))
}

struct Layer {
    input: FlexTensor,
    weight: FlexTensor,
    bias: FlexTensor,
    grad: FlexTensor,
    options: ConvOptions<2>,
}

impl Layer {
    fn new(row: &Row, data: &Data) -> Self {
        let config = row.config;
        let padding = config.padding.map(<(usize, usize)>::from);
        Self {
            input: tensor(data.input.as_slice(), &row.input),
            weight: tensor(data.weight.as_slice(), &config.weight_shape()),
            bias: tensor(data.bias.as_slice(), &[config.out_channels]),
            grad: tensor(data.grad.as_slice(), &row.output),
            options: ConvOptions::new_with_padding(config.stride, padding, config.dilation, config.groups),
        }
    }

    fn forward(&self) -> FlexTensor {
        let (input, weight, bias) = (self.input.clone(), self.weight.clone(), self.bias.clone());
        Flex::conv2d(input, weight, Some(bias), self.options.clone())
    }

    fn backward(&self) -> Vec<FlexTensor> {
        let copies = || (self.input.clone(), self.weight.clone(), self.grad.clone(), self.options.clone());
        let (input, weight, grad, options) = copies();
        let of_input = Flex::conv2d_x_backward(input, weight, grad, options);
        let (input, weight, grad, options) = copies();
        let of_weight = Flex::conv2d_weight_backward(input, weight, grad, options);
        let of_bias = Flex::conv2d_bias_backward(self.input.clone(), self.bias.clone(), self.grad.clone());
        vec![of_input, of_weight, of_bias]
    }
}

fn tensor(numbers: &[f32], shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(numbers.to_vec(), shape.to_vec()))
}
