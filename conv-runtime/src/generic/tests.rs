//! The loops against seven still plainer ones over a padded copy, exactly, on small integers.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::many_single_char_names,
    reason = "indexes and numbers are those of the definition, small and exact"
)]

use alloc::vec::Vec;

use super::*;
use crate::PaddingMode;

const MODES: [PaddingMode; 4] =
    [PaddingMode::Zeros, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular];

/// Numbers for which every sum is exact.
fn integers<T: Element, const R: usize>(shape: [usize; R], seed: u64) -> Tensor<T, R> {
    let draws = Tensor::<f64, R>::randn(shape, seed);
    let data = draws.iter().map(|draw| T::from_f64((3.0 * draw).round())).collect();
    Tensor::from_vec(shape, data).unwrap()
}

/// Index of the pixel in an axis of `size` pixels; `at` counts from the first pixel.
fn pixel(at: isize, size: isize, mode: PaddingMode) -> Option<isize> {
    match mode {
        PaddingMode::Zeros => (0..size).contains(&at).then_some(at),
        PaddingMode::Reflect if size == 1 => Some(0),
        PaddingMode::Reflect => {
            let at = at.rem_euclid(2 * (size - 1));
            Some(at.min(2 * (size - 1) - at))
        }
        PaddingMode::Replicate => Some(at.clamp(0, size - 1)),
        PaddingMode::Circular => Some(at.rem_euclid(size)),
    }
}

fn padded(
    x: &Tensor<f64, 4>,
    [[top, bottom], [left, right]]: [[usize; 2]; 2],
    mode: PaddingMode,
) -> Tensor<f64, 4> {
    let [n, c, h, w] = x.shape();
    Tensor::from_fn([n, c, h + top + bottom, w + left + right], |[n, c, y, x_]| {
        let row = pixel(y as isize - top as isize, h as isize, mode);
        let column = pixel(x_ as isize - left as isize, w as isize, mode);
        row.zip(column).map_or(0.0, |(row, column)| x[[n, c, row as usize, column as usize]])
    })
}

fn naive(
    x: &Tensor<f64, 4>,
    weight: &Tensor<f64, 4>,
    bias: &Tensor<f64, 1>,
    config: &Conv2dConfig,
) -> Tensor<f64, 4> {
    let p = padded(x, config.padding, config.padding_mode);
    let ([sh, sw], [dh, dw]) = (config.stride, config.dilation);
    let [_, cg, kh, kw] = weight.shape();
    Tensor::from_fn(config.output_shape(x.shape()).unwrap(), |[n, o, y, x]| {
        let mut sum = bias[[o]];
        for c in 0..cg {
            for i in 0..kh {
                for j in 0..kw {
                    let channel = o / config.out_per_group() * cg + c;
                    sum += weight[[o, c, i, j]] * p[[n, channel, y * sh + i * dh, x * sw + j * dw]];
                }
            }
        }
        sum
    })
}

/// A few hundred layers: every mode with uneven padding, strides, dilations and groups.
fn layers() -> Vec<(Conv2dConfig, [usize; 4])> {
    let mut layers = Vec::new();
    for mode in MODES {
        for kernel in [[1, 1], [2, 3], [3, 3], [4, 1]] {
            for padding in [[[0, 0], [0, 0]], [[1, 2], [0, 3]], [[4, 0], [3, 4]]] {
                for (stride, dilation) in
                    [([1, 1], [1, 1]), ([2, 1], [1, 2]), ([1, 3], [2, 1]), ([7, 9], [1, 1])]
                {
                    for (groups, image) in [(1, [2, 4, 7, 6]), (2, [1, 4, 5, 5]), (4, [1, 4, 5, 11])] {
                        let config = Conv2dConfig::new(4, 8, kernel).padding(padding).padding_mode(mode);
                        layers.push((config.stride(stride).dilation(dilation).groups(groups), image));
                    }
                }
            }
        }
    }
    layers
}

#[test]
fn equals_the_naive_loops() {
    let mut ran = 0;
    for (config, image) in layers() {
        if config.output_shape(image).is_err() {
            continue; // a kernel larger than the image, or padding that wraps twice
        }
        let weight = integers::<f64, 4>(config.weight_shape(), 1);
        let bias = integers::<f64, 1>([config.out_channels], 2);
        let x = integers::<f64, 4>(image, 3);
        let expected = naive(&x, &weight, &bias, &config);
        let output = conv2d(&x, &weight, Some(&bias), &config).unwrap();
        assert_eq!(output, expected, "{config}");
        let report = verify(&output, &x, &weight, Some(&bias), &config).unwrap();
        assert!(report.max_abs_error() == 0.0, "{config}: {report}");
        ran += 1;
    }
    assert!(ran > 400, "{ran}");
}

#[test]
fn padding_as_wide_as_it_may_be() {
    for (mode, padding) in [
        (PaddingMode::Reflect, [[2, 2], [3, 3]]),
        (PaddingMode::Circular, [[3, 3], [4, 4]]),
        (PaddingMode::Replicate, [[9, 8], [7, 11]]),
        (PaddingMode::Zeros, [[9, 8], [7, 11]]),
    ] {
        let config = Conv2dConfig::new(1, 2, [3, 3]).padding(padding).padding_mode(mode);
        let (x, weight) = (integers([1, 1, 3, 4], 1), integers(config.weight_shape(), 2));
        let bias = integers([2], 3);
        let output = conv2d(&x, &weight, Some(&bias), &config).unwrap();
        assert_eq!(output, naive(&x, &weight, &bias, &config), "{config}");
    }
}

#[test]
fn unbatched_is_batch_one() {
    let config = Conv2dConfig::new(2, 3, [3, 2]).padding([[1, 0], [0, 1]]);
    let (weight, bias) = crate::init::parameters::<f32>(&config, 4);
    let x = Tensor::<f32, 3>::randn([2, 6, 5], 5);
    let batch = Tensor::from_vec([1, 2, 6, 5], x.as_slice().to_vec()).unwrap();
    let one = conv2d(&x, &weight, bias.as_ref(), &config).unwrap();
    let many = conv2d(&batch, &weight, bias.as_ref(), &config).unwrap();
    assert_eq!((one.shape(), one.as_slice()), ([3, 5, 5], many.as_slice()));
}

#[test]
fn empty_batch() {
    let config = Conv2dConfig::new(1, 4, [3, 3]).padding([[2, 2], [2, 2]]).bias(false);
    let weight = Tensor::<f32, 4>::zeros(config.weight_shape());
    for (shape, expected) in [([0, 1, 5, 5], [0, 4, 7, 7]), ([0, 1, 0, 5], [0, 4, 2, 7])] {
        let x = Tensor::zeros(shape);
        let output = conv2d(&x, &weight, None, &config).unwrap();
        assert_eq!(output.shape(), expected);
        assert!(verify(&output, &x, &weight, None, &config).unwrap().passed());
    }
}

#[test]
fn padding_that_is_never_read_costs_nothing() {
    let config = Conv2dConfig::new(1, 1, [1, 1]).bias(false).stride([usize::MAX, 1]);
    let config = config.padding([[0, usize::MAX - 1], [0, 0]]);
    let x = Tensor::<f32, 3>::full([1, 1, 2], 3.0);
    assert_eq!(conv2d(&x, &Tensor::full([1; 4], 2.0), None, &config), Ok(Tensor::full([1, 1, 2], 6.0)));
}

#[test]
fn wrong_shapes_are_errors() {
    let config = Conv2dConfig::new(1, 4, [2, 3]);
    let (weight, bias) = crate::init::parameters::<f32>(&config, 1);
    let x = Tensor::<f32, 4>::zeros([1, 1, 5, 4]);
    let bias = bias.as_ref();
    assert!(matches!(conv2d(&x, &weight, None, &config), Err(Error::BiasMissing { .. })));
    assert!(matches!(conv2d(&x, &weight, bias, &config.bias(false)), Err(Error::BiasUnexpected { .. })));
    assert!(matches!(
        conv2d(&x, &Tensor::zeros([4, 1, 3, 2]), bias, &config),
        Err(Error::WeightShape { .. })
    ));
    assert!(matches!(conv2d(&x, &weight, bias, &config.groups(0)), Err(Error::GroupsNotPositive)));
    let flat = Tensor::<f32, 2>::zeros([5, 4]);
    assert!(matches!(conv2d(&flat, &weight, bias, &config), Err(Error::Rank { .. })));
    assert!(matches!(verify(&x, &x, &weight, bias, &config), Err(Error::OutputShape { .. })));
}

#[test]
fn sums_of_f64_are_exact() {
    // 1e16 + 1 - 1e16 is 0 in f64: the reference must notice that the answer is 1.
    let config = Conv2dConfig::new(3, 1, [1, 1]).bias(false);
    let x = Tensor::<f64, 3>::from_vec([3, 1, 1], alloc::vec![1e8, 1.0, -1e8]).unwrap();
    let weight = Tensor::from_vec([1, 3, 1, 1], alloc::vec![1e8, 1.0, 1e8]).unwrap();
    let output = conv2d(&x, &weight, None, &config).unwrap();
    let report = verify(&output, &x, &weight, None, &config).unwrap();
    assert_eq!(report.worst().unwrap().expected(), 1.0);
}
