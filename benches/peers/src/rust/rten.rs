//! rten: its convolution operator as a function. It has no prepacked form of a convolution's weights, so a call
//! packs them; the output comes from a pool of buffers and goes back there.

use std::hint::black_box;
use std::time::Duration;

use layers::{Call, Data, Row, Work};
use rten::ops::{Padding, conv};
use rten::{BufferPool, PoolRef};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::Failure;

/// The layer as rten runs it.
pub(crate) fn ready(row: &Row, data: &Data, work: Work) -> Result<Option<Call>, Failure> {
    if work != Work::Forward {
        return Ok(None);
    }
    let config = row.config;
    let [[top, bottom], [left, right]] = config.padding;
    let input = Tensor::from_data(&row.input, data.input.as_slice().to_vec());
    let weight = Tensor::from_data(&config.weight_shape(), data.weight.as_slice().to_vec());
    let bias = NdTensor::from_data([config.out_channels], data.bias.as_slice().to_vec());
    let pool = BufferPool::new();
    let run = move |see: &mut dyn FnMut(&Tensor)| {
        let padding = Padding::Fixed([top, left, bottom, right].into());
        let output = conv::<f32, f32, f32>(
            &pool,
            input.view(),
            weight.view(),
            Some(bias.view()),
            padding,
            config.groups,
            &config.stride,
            &config.dilation,
        );
        let output = PoolRef::new(&pool, output.map_err(|error| error.to_string())?);
        see(&output);
        Ok::<(), String>(())
    };
    let mut results = Vec::new();
    run(&mut |output| results.push(output.to_vec()))?;
    let again = Box::new(move || run(&mut |output| _ = black_box(output)).expect("it ran before"));
    Ok(Some(Call { results, prepared: Duration::ZERO, again }))
}
