//! tract: a model of one convolution, optimised for its image size. Weights are packed beforehand; a call
//! allocates its output.

use std::hint::black_box;
use std::time::Instant;

use layers::{Call, Data, Row, Work};
use tract_core::internal::{
    DatumExt, IntoRunnable, SpecialOps, TValue, Tensor, TractResult, TypedModel, tvec,
};
use tract_core::ops::cnn::{Conv, KernelFormat, PaddingSpec, PoolSpec};
use tract_core::ops::nn::DataFormat;

use crate::Failure;

/// The layer as tract runs it.
pub(crate) fn ready(row: &Row, data: &Data, work: Work) -> Result<Option<Call>, Failure> {
    if work != Work::Forward {
        return Ok(None);
    }
    let started = Instant::now();
    let mut model = TypedModel::default();
    let input = model.add_source("input", f32::fact(row.input))?;
    let weight = model.add_const("weight", tensor(&data.weight.shape(), data.weight.as_slice())?)?;
    let bias = model.add_const("bias", tensor(&data.bias.shape(), data.bias.as_slice())?)?;
    let output = model.wire_node("conv", conv(row), &[input, weight, bias])?;
    model.select_output_outlets(&output)?;
    let mut state = model.into_optimized()?.into_runnable()?.spawn()?;
    let prepared = started.elapsed();

    let input: TValue = tensor(&row.input, data.input.as_slice())?.into();
    let mut run = move || state.run(tvec![input.clone()]);
    let results = vec![run()?[0].to_plain_array_view::<f32>()?.iter().copied().collect()];
    let again = Box::new(move || drop(black_box(run().expect("it ran before"))));
    Ok(Some(Call { results, prepared, again }))
}

fn conv(row: &Row) -> Conv {
    let config = &row.config;
    let [[top, bottom], [left, right]] = config.padding;
    let pool_spec = PoolSpec {
        data_format: DataFormat::NCHW,
        kernel_shape: config.kernel_size.as_slice().into(),
        padding: PaddingSpec::Explicit(tvec![top, left], tvec![bottom, right]),
        dilations: Some(config.dilation.as_slice().into()),
        strides: Some(config.stride.as_slice().into()),
        input_channels: config.in_channels,
        output_channels: config.out_channels,
    };
    Conv { pool_spec, kernel_fmt: KernelFormat::OIHW, group: config.groups, q_params: None }
}

fn tensor(shape: &[usize], numbers: &[f32]) -> TractResult<Tensor> {
    Tensor::from_shape(shape, numbers)
}
