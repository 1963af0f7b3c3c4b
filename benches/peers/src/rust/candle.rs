//! candle: `Tensor::conv2d` and the addition of the bias, which is what its `nn::Conv2d` is. Its padding and
//! stride are one number for both axes; where a layer's padding is not, `pad_with_zeros` is part of the call.
//! Weights are packed in the call; it allocates. Gradients are those of the sum of output times gradient, as its
//! autodiff takes them; the products are part of the call.

use std::hint::black_box;
use std::time::Duration;

use candle_core::{Device, Result, Tensor, Var};
use layers::{Call, Data, Row, Work};

use crate::Failure;

/// The layer as candle runs it.
pub(crate) fn ready(row: &Row, data: &Data, work: Work) -> std::result::Result<Option<Call>, Failure> {
    let layer = Layer::new(row, data)?;
    let mut run: Box<dyn FnMut() -> Result<Vec<Tensor>>> = match work {
        Work::Forward => {
            let parameters = layer.parameters.each_ref().map(Var::as_detached_tensor);
            Box::new(move || Ok(vec![layer.forward(&parameters)?]))
        }
        Work::Backward => {
            let output = layer.output()?;
            Box::new(move || layer.backward(&output))
        }
        Work::Step => Box::new(move || layer.backward(&layer.output()?)),
    };
    let flat = |tensor: Tensor| tensor.flatten_all()?.to_vec1();
    let results = run()?.into_iter().map(flat).collect::<Result<_>>()?;
    let again = Box::new(move || drop(black_box(run().expect("it ran before"))));
    Ok(Some(Call { results, prepared: Duration::ZERO, again }))
}

struct Layer {
    /// Input, weights and biases.
    parameters: [Var; 3],
    grad: Tensor,
    padding: [[usize; 2]; 2],
    stride: usize,
    dilation: usize,
    groups: usize,
}

impl Layer {
    fn new(row: &Row, data: &Data) -> std::result::Result<Self, Failure> {
        let config = row.config;
        let one = |[h, w]: [usize; 2]| (h == w).then_some(h).ok_or("stride and dilation are one number");
        let tensor = |numbers: &[f32], shape: &[usize]| Tensor::from_slice(numbers, shape, &Device::Cpu);
        let variable = |numbers: &[f32], shape: &[usize]| Var::from_tensor(&tensor(numbers, shape)?);
        Ok(Self {
            parameters: [
                variable(data.input.as_slice(), &row.input)?,
                variable(data.weight.as_slice(), &config.weight_shape())?,
                variable(data.bias.as_slice(), &[1, config.out_channels, 1, 1])?,
            ],
            grad: tensor(data.grad.as_slice(), &row.output)?,
            padding: config.padding,
            stride: one(config.stride)?,
            dilation: one(config.dilation)?,
            groups: config.groups,
        })
    }

    fn forward(&self, [input, weight, bias]: &[Tensor; 3]) -> Result<Tensor> {
        let [[top, bottom], [left, right]] = self.padding;
        let convolve = |image: &Tensor, padding: usize| {
            image.conv2d(weight, padding, self.stride, self.dilation, self.groups)
        };
        let output = if [bottom, left, right] == [top; 3] {
            convolve(input, top)?
        } else {
            convolve(&input.pad_with_zeros(2, top, bottom)?.pad_with_zeros(3, left, right)?, 0)?
        };
        output.broadcast_add(bias)
    }

    /// The output, with what autodiff remembers.
    fn output(&self) -> Result<Tensor> {
        self.forward(&self.parameters.each_ref().map(|variable| variable.as_tensor().clone()))
    }

    fn backward(&self, output: &Tensor) -> Result<Vec<Tensor>> {
        let gradients = (output * &self.grad)?.sum_all()?.backward()?;
        let of = |variable: &Var| gradients.get(variable).cloned();
        let all: Option<Vec<Tensor>> = self.parameters.iter().map(of).collect();
        all.ok_or_else(|| candle_core::Error::Msg("a gradient is missing".to_owned()))
    }
}
