//! The same filters by the crates `imageproc` and `image`.

use std::error::Error;

use conv_runtime::prelude::*;
use image::{ImageBuffer, Luma, imageops};
use imageproc::kernel::Kernel;

/// One channel as those crates have it.
pub(crate) type Grey = ImageBuffer<Luma<f32>, Vec<f32>>;

pub(crate) fn image(grey: &Tensor<f32, 3>) -> Result<Grey, Box<dyn Error>> {
    let [_, height, width] = grey.shape();
    let image = Grey::from_raw(u32::try_from(width)?, u32::try_from(height)?, grey.as_slice().to_vec());
    image.ok_or_else(|| "as many pixels as the tensor has".into())
}

/// Each output channel by `imageproc::filter::filter`, which repeats the pixels at the border.
pub(crate) fn imageproc(image: &Grey, weight: &Tensor<f32, 4>) -> Vec<Grey> {
    let side = u32::try_from(weight.shape()[2]).unwrap_or(u32::MAX);
    let filter = |taps| {
        imageproc::filter::filter::<_, f32, _, Luma<f32>>(image, Kernel::new(taps, side, side), |sum| sum)
    };
    kernels(weight).map(filter).collect()
}

/// By `imageproc::filter::separable_filter_equal`, for a kernel that is a column times the same as a row.
pub(crate) fn separable(image: &Grey, row: &[f32]) -> Vec<Grey> {
    vec![imageproc::filter::separable_filter_equal(image, row)]
}

/// Each output channel by `image::imageops::filter3x3`, which leaves out the border, and keeps to 0 to 1.
pub(crate) fn filter3x3(image: &Grey, weight: &Tensor<f32, 4>) -> Vec<Grey> {
    kernels(weight).map(|taps| imageops::filter3x3(image, taps)).collect()
}

fn kernels(weight: &Tensor<f32, 4>) -> impl Iterator<Item = &[f32]> {
    let [_, _, height, width] = weight.shape();
    weight.as_slice().chunks_exact(height * width)
}

/// The largest difference of all pixels.
pub(crate) fn difference(ours: &Tensor<f32, 3>, theirs: &[Grey]) -> f32 {
    let theirs = theirs.iter().flat_map(Grey::as_raw);
    largest(ours.iter().zip(theirs).map(|(a, b)| a - b))
}

/// The largest difference of the pixels that are not at the border, between 0 and 1.
pub(crate) fn difference_inside(ours: &Tensor<f32, 3>, theirs: &[Grey]) -> f32 {
    let [_, height, width] = ours.shape();
    let inside = |(_, x, y): &(usize, u32, u32)| {
        let [x, y] = [*x, *y].map(|at| at as usize);
        x > 0 && y > 0 && x < width - 1 && y < height - 1
    };
    let pixels = theirs.iter().enumerate().flat_map(|(channel, image)| {
        image.enumerate_pixels().map(move |(x, y, pixel)| ((channel, x, y), pixel.0[0]))
    });
    let pairs = pixels.filter(|(at, _)| inside(at));
    largest(
        pairs.map(|((channel, x, y), pixel)| ours[[channel, y as usize, x as usize]].clamp(0.0, 1.0) - pixel),
    )
}

/// The largest of these numbers, without their signs; not a number if one of them is not.
fn largest(differences: impl Iterator<Item = f32>) -> f32 {
    differences.map(f32::abs).fold(0.0, |a, b| if b <= a { a } else { b })
}
