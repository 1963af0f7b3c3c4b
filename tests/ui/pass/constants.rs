//! Layers with their weights, wherever a constant may stand, under lints and without a prelude.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(clippy::all, clippy::pedantic)]
#![forbid(unsafe_code)]

use conv_runtime::prelude::*;

conv2d! {
    /// A derivative in both directions.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
    pub struct Sobel<in: 1, out: 2, k: 3, padding: 1, padding_mode: replicate, bias: false,
        weights: [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]]>;

    struct Mix<in: 2, out: 17, k: 1, dtype: f64, input: (2, 2), bias: [0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,],
        weights: [[[[1]], [[0]]], [[[1]], [[1]]], [[[1]], [[2]]], [[[1]], [[3]]], [[[1]], [[4]]], [[[1]], [[5]]],
            [[[1]], [[6]]], [[[1]], [[7]]], [[[1]], [[8]]], [[[1]], [[9]]], [[[1]], [[10]]], [[[1]], [[11]]],
            [[[1]], [[12]]], [[[1]], [[13]]], [[[1]], [[14]]], [[[1]], [[15]]], [[[1]], [[-16.5e0f64]]],]>;
}

static EDGES: Sobel = Sobel;
const MIX: &Mix = &Mix;

mod deep {
    #![no_implicit_prelude]

    ::conv_runtime::conv2d! {
        pub(crate) struct Half<in: 1, out: 1, k: 1, bias: false, weights: [[[[0.5]]]]>;
    }
}

macro_rules! constant {
    ($name:ident, $value:expr, $negative:literal) => {
        conv2d! { struct $name<in: 1, out: 1, k: (1, 2), bias: false, weights: [[[[$value, $negative]]]]>; }
    };
}

constant!(FromMacro, 3, -4.5);

fn main() -> Result<(), Error> {
    let image = Tensor::<f32, 3>::from_fn([1, 3, 3], |[_, y, x]| if (y, x) == (1, 1) { 8.0 } else { 0.0 });
    assert_eq!(EDGES.forward(&image)?.as_slice()[..3], [8.0, 0.0, -8.0]);
    let mut output = [[[0.0; 2]; 2]; 17];
    MIX.forward_array(&[[[1.0; 2]; 2]; 2], &mut output);
    assert!((output[16][1][1] - 0.5).abs() < 1e-12);
    assert_eq!(deep::Half.forward(&image)?.as_slice()[4], 4.0);
    assert_eq!(FromMacro.forward(&image)?.as_slice()[2..4], [-36.0, 24.0]);
    let double = conv2d!(in: 1, out: 1, k: 1, bias: [1], weights: [[[[2]]]]);
    assert_eq!(double.forward(&image)?.as_slice()[4], 17.0);
    assert_eq!(double.bias().map(Tensor::into_vec), Some(vec![1.0]));
    Ok(())
}
