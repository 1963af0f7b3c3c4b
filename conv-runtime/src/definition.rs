//! The seven loops of [`generic`](crate::generic).
//!
//! They are what the definition says, except that
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
//! 4. **The type of the sum is a parameter.** `generic::conv2d` sums in the layer's own type, `generic::verify`
//!    more exactly, through one and the same loops.
//! 5. **They are compiled here, once for each type**, and optimised as this crate is: tests of crates that use
//!    it are not, and would wait for a definition of their own.
//!
//! Nothing here is shared with the code generator, so that each can be used to judge the other.

use alloc::vec::Vec;
use core::ops::Range;

use crate::sum::Sum;
use crate::{Conv2dConfig, Element, PaddingMode};

/// A layer, its parameters and its input, all of which suit each other.
pub struct Problem<'a, T> {
    pub(crate) config: &'a Conv2dConfig,
    pub(crate) input: &'a [T],
    pub(crate) weight: &'a [T],
    pub(crate) bias: Option<&'a [T]>,
    /// Height and width of the input.
    pub(crate) size: [usize; 2],
    /// Those of the output, unless the batch is empty.
    pub(crate) output: Option<[usize; 2]>,
}

impl<T: Element> Problem<'_, T> {
    /// Computes the output plane by plane and hands each to `store` with its number, `n * out + o`.
    pub(crate) fn run<S: Sum<T>>(&self, store: &mut dyn FnMut(usize, &[S])) {
        let Some(output) = self.output else { return };
        let axis = |at| Axis::new(self.config, at, self.size[at], output[at]);
        let (rows, columns) = (axis(0), Columns::new(axis(1)));
        let [_, channels, kh, kw] = self.config.weight_shape();
        let image = channels * rows.size * columns.axis.size;
        let config = self.config;
        let mut sums = alloc::vec![S::start(T::ZERO); rows.output * columns.axis.output];
        for (n, groups) in self.input.chunks_exact(config.groups * image).enumerate() {
            for (o, filter) in self.weight.chunks_exact(channels * kh * kw).enumerate() {
                let group = &groups[o / config.out_per_group() * image..][..image];
                sums.fill(S::start(self.bias.map_or(T::ZERO, |bias| bias[o])));
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
