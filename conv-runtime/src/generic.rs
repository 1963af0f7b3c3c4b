//! The definition as plain loops: any layer, known when the program runs.
//!
//! With `q = o / (out / groups)`, the group of output channel `o`, and `P` the padded input,
//!
//! ```text
//! for n, o, y, x:
//!     out[n, o, y, x] = bias[o]
//!     for c in 0..in / groups, i in 0..kh, j in 0..kw:
//!         out[n, o, y, x] += weight[o, c, i, j] * P[n, q * in / groups + c, y * sh + i * dh, x * sw + j * dw]
//! ```
//!
//! which the private module `definition` computes as it is written, but for the order of its loops. Nothing there is
//! shared with the code generator, so that each can be used to judge the other.

use crate::definition::Problem;
use crate::verify::Reference;
use crate::{Conv2dConfig, Element, Error, Tensor, Verification};

/// Convolves `input`, `[n, in, h, w]` or `[in, h, w]`, with `weight`, `[out, in / groups, kh, kw]`,
/// and adds `bias`, `[out]`: `torch.nn.functional.conv2d` with padding modes.
///
/// For a layer that is known when the program is compiled, `conv2d!` makes much faster code.
///
/// ```
/// use conv_runtime::{Conv2dConfig, Tensor, generic};
///
/// let image = Tensor::<f32, 3>::from_vec([1, 2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let difference = Tensor::from_vec([1, 1, 1, 2], vec![-1.0, 1.0])?;
/// let config = Conv2dConfig::new(1, 1, [1, 2]).bias(false);
/// let output = generic::conv2d(&image, &difference, None, &config)?;
/// assert_eq!(output, Tensor::full([1, 2, 2], 1.0));
/// # Ok::<(), conv_runtime::Error>(())
/// ```
///
/// # Errors
/// `config` is not a layer, or weight, bias or input do not suit it: in torch's words.
pub fn conv2d<T: Element, const R: usize>(
    input: &Tensor<T, R>,
    weight: &Tensor<T, 4>,
    bias: Option<&Tensor<T, 1>>,
    config: &Conv2dConfig,
) -> Result<Tensor<T, R>, Error> {
    let shape = check(input, weight, bias, config)?;
    let mut output = Tensor::zeros(shape);
    T::sums(&problem(input, weight, bias, config, shape), &mut |plane, sums| {
        output.as_mut_slice()[plane * sums.len()..][..sums.len()].copy_from_slice(sums);
    });
    Ok(output)
}

/// Compares an output, by whatever means it was computed, with the definition.
///
/// The reference is exact enough to count as the truth: the products of `f32` numbers are exact in
/// `f64` and are summed there; for `f64` the rounding errors of products and sums are themselves
/// summed (Ogita, Rump and Oishi's `Dot2`), as if there were twice the digits.
///
/// ```
/// use conv_runtime::{Conv2dConfig, Tensor, generic};
///
/// let config = Conv2dConfig::new(2, 2, [3, 3]).bias(false);
/// let image = Tensor::<f32, 4>::randn([1, 2, 8, 8], 1);
/// let weight = Tensor::randn([2, 2, 3, 3], 2);
/// let mut output = generic::conv2d(&image, &weight, None, &config)?;
/// assert!(generic::verify(&output, &image, &weight, None, &config)?.passed());
/// output[[0, 1, 2, 3]] += 0.01;
/// println!("{}", generic::verify(&output, &image, &weight, None, &config)?);
/// # Ok::<(), conv_runtime::Error>(())
/// ```
///
/// # Errors
/// As [`conv2d`], or `output` has not the shape of the result.
pub fn verify<T: Element, const R: usize>(
    output: &Tensor<T, R>,
    input: &Tensor<T, R>,
    weight: &Tensor<T, 4>,
    bias: Option<&Tensor<T, 1>>,
    config: &Conv2dConfig,
) -> Result<Verification, Error> {
    let shape = check(input, weight, bias, config)?;
    if output.shape() != shape {
        return Err(Error::output_shape(&shape, &output.shape()));
    }
    let mut reference = Reference::new(output.len(), terms(config));
    T::exact_sums(&problem(input, weight, bias, config, shape), &mut |_, sums| {
        for sum in sums {
            reference.push(sum);
        }
    });
    Ok(Verification::compare(output.as_slice(), &shape, &reference))
}

/// How many numbers are summed into one element.
fn terms(config: &Conv2dConfig) -> usize {
    let [_, channels, kh, kw] = config.weight_shape();
    channels * kh * kw + usize::from(config.bias)
}

/// Checks everything, and returns the shape of the output.
fn check<T: Element, const R: usize>(
    input: &Tensor<T, R>,
    weight: &Tensor<T, 4>,
    bias: Option<&Tensor<T, 1>>,
    config: &Conv2dConfig,
) -> Result<[usize; R], Error> {
    config.validate()?;
    config.check_parameters(weight.shape(), bias.map(Tensor::shape))?;
    config.output_shape(input.shape())
}

/// What is to be computed: everything suits each other.
fn problem<'a, T: Element, const R: usize>(
    input: &'a Tensor<T, R>,
    weight: &'a Tensor<T, 4>,
    bias: Option<&'a Tensor<T, 1>>,
    config: &'a Conv2dConfig,
    output: [usize; R],
) -> Problem<'a, T> {
    let size = |shape: [usize; R]| [shape[R - 2], shape[R - 1]];
    Problem {
        config,
        input: input.as_slice(),
        weight: weight.as_slice(),
        bias: bias.map(Tensor::as_slice),
        size: size(input.shape()),
        output: if output.contains(&0) { None } else { Some(size(output)) },
    }
}

#[cfg(test)]
mod tests;
