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
//! What is below are these seven loops, except that
//!
//! 1. **`P` does not exist.** `Axis::source` says which pixel of the image a place of `P` shows, one
//!    axis at a time; a place that shows none is zero padding, and its term is left out. That is the
//!    same sum, unless the weight is infinite or NaN, where `0 * weight` would be NaN: torch does the
//!    one or the other, depending on the batch.
//! 2. **`x` is the innermost loop.** For each output element the terms are still added in the order
//!    `c, i, j`, and nothing else is added in between, so the sum has the same bits. But now one weight
//!    meets a run of neighbouring pixels, which the compiler turns into vectors if the stride is 1.
//! 3. **The run is found beforehand.** `Axis::inside` solves `0 <= x * sw + j * dw - left < width` for
//!    `x`. The few columns left and right of it go through `source`, like the rows.
//! 4. **The type of the sum is a parameter.** [`conv2d`] sums in the layer's own type, [`verify`] more
//!    exactly, through one and the same loops.
//!
//! Nothing here is shared with the code generator, so that each can be used to judge the other.

use alloc::vec::Vec;
use core::ops::Range;

use crate::sum::{Exact, Sum};
use crate::verify::Reference;
use crate::{Conv2dConfig, Element, Error, PaddingMode, Tensor, Verification};

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
    let problem = Problem { input, weight, bias, config, shape };
    problem.run(|plane, sums: &[T]| {
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
    Problem { input, weight, bias, config, shape }
        .run(|_, sums: &[Exact]| sums.iter().for_each(|sum| reference.push(sum)));
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

/// A layer, its parameters and its input, all of which suit each other.
struct Problem<'a, T, const R: usize> {
    input: &'a Tensor<T, R>,
    weight: &'a Tensor<T, 4>,
    bias: Option<&'a Tensor<T, 1>>,
    config: &'a Conv2dConfig,
    /// Of the output.
    shape: [usize; R],
}

impl<T: Element, const R: usize> Problem<'_, T, R> {
    /// Computes the output plane by plane and hands each to `store` with its number, `n * out + o`.
    fn run<S: Sum<T>>(&self, mut store: impl FnMut(usize, &[S])) {
        let (input, output) = (self.input.shape(), self.shape);
        if output.contains(&0) {
            return; // an empty batch
        }
        let axis = |at| Axis::new(self.config, at, input[R - 2 + at], output[R - 2 + at]);
        let (rows, columns) = (axis(0), Columns::new(axis(1)));
        let [_, channels, kh, kw] = self.weight.shape();
        let image = channels * rows.size * columns.axis.size;
        let config = self.config;
        let mut sums = alloc::vec![S::start(T::ZERO); rows.output * columns.axis.output];
        for (n, groups) in self.input.as_slice().chunks_exact(config.groups * image).enumerate() {
            for (o, filter) in self.weight.as_slice().chunks_exact(channels * kh * kw).enumerate() {
                let group = &groups[o / config.out_per_group() * image..][..image];
                sums.fill(S::start(self.bias.map_or(T::ZERO, |bias| bias.as_slice()[o])));
                add_filter(&mut sums, group, filter, &rows, &columns);
                store(n * config.out_channels + o, &sums);
            }
        }
    }
}

/// Adds what one filter sees of its group's planes to one output plane.
fn add_filter<T: Element, S: Sum<T>>(
    sums: &mut [S],
    group: &[T],
    filter: &[T],
    rows: &Axis,
    columns: &Columns,
) {
    let (width, kw) = (columns.axis.size, columns.axis.kernel);
    for (y, sums) in sums.chunks_exact_mut(columns.axis.output).enumerate() {
        let planes = group.chunks_exact(rows.size * width);
        for (plane, taps) in planes.zip(filter.chunks_exact(rows.kernel * kw)) {
            for (i, taps) in taps.chunks_exact(kw).enumerate() {
                let Some(row) = rows.source(y, i) else { continue };
                let row = &plane[row * width..][..width];
                for (j, &weight) in taps.iter().enumerate() {
                    columns.add_tap(sums, row, j, weight);
                }
            }
        }
    }
}

/// One axis of the geometry: which output meets which pixel.
struct Axis {
    /// Pixels of the image.
    size: usize,
    output: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// Padding before the first pixel.
    before: usize,
    mode: PaddingMode,
}

impl Axis {
    /// Axis 0 is the height, axis 1 the width.
    fn new(config: &Conv2dConfig, at: usize, size: usize, output: usize) -> Self {
        Self {
            size,
            output,
            kernel: config.kernel_size[at],
            stride: config.stride[at],
            dilation: config.dilation[at],
            before: config.padding[at][0],
            mode: config.padding_mode,
        }
    }

    /// The pixel that this tap meets at this output, if it meets one.
    fn source(&self, output: usize, tap: usize) -> Option<usize> {
        let place = output * self.stride + tap * self.dilation;
        let last = self.size - 1;
        match (self.mode, place.checked_sub(self.before)) {
            (_, Some(pixel)) if pixel <= last => Some(pixel),
            (PaddingMode::Zeros, _) => None,
            (PaddingMode::Reflect, None) => Some(self.before - place),
            (PaddingMode::Reflect, Some(beyond)) => Some(last - (beyond - last)),
            (PaddingMode::Replicate, None) => Some(0),
            (PaddingMode::Replicate, Some(_)) => Some(last),
            (PaddingMode::Circular, None) => Some(self.size - (self.before - place)),
            (PaddingMode::Circular, Some(beyond)) => Some(beyond - self.size),
        }
    }

    /// The outputs at which this tap meets the image itself.
    fn inside(&self, tap: usize) -> Range<usize> {
        let shift = tap * self.dilation;
        // The first output at which the tap has reached a place of the padded image.
        let reaches = |place: usize| place.saturating_sub(shift).div_ceil(self.stride).min(self.output);
        reaches(self.before)..reaches(self.before + self.size)
    }
}

/// The axis of the innermost loop, with the range of each tap.
struct Columns {
    axis: Axis,
    inside: Vec<Range<usize>>,
}

impl Columns {
    fn new(axis: Axis) -> Self {
        let inside = (0..axis.kernel).map(|tap| axis.inside(tap)).collect();
        Self { axis, inside }
    }

    /// Adds one weight times one row of the image to one row of the output.
    fn add_tap<T: Element, S: Sum<T>>(&self, sums: &mut [S], row: &[T], tap: usize, weight: T) {
        let Range { start, end } = self.inside[tap];
        for x in (0..start).chain(end..sums.len()) {
            if let Some(pixel) = self.axis.source(x, tap) {
                sums[x].add(weight, row[pixel]);
            }
        }
        if start == end {
            return;
        }
        let Some(first) = self.axis.source(start, tap) else { return };
        let (sums, run) = (&mut sums[start..end], &row[first..]);
        if self.axis.stride == 1 {
            sums.iter_mut().zip(run).for_each(|(sum, &value)| sum.add(weight, value));
        } else {
            let run = run.iter().step_by(self.axis.stride);
            sums.iter_mut().zip(run).for_each(|(sum, &value)| sum.add(weight, value));
        }
    }
}

#[cfg(test)]
mod tests;
