//! [`Picture`]: three channels, as tensors.

use std::error::Error;
use std::path::Path;

use conv_runtime::prelude::*;
use image::{Rgb, Rgb32FImage, RgbImage};

/// Red, green and blue, each `[1, height, width]`, from 0 to 1.
pub(crate) struct Picture {
    channels: [Tensor<f32, 3>; 3],
}

impl Picture {
    /// The colour of each pixel (x, y).
    pub(crate) fn from_fn(width: usize, height: usize, color: impl Fn(usize, usize) -> [f32; 3]) -> Self {
        let mut channels = [0; 3].map(|_| Tensor::zeros([1, height, width]));
        for y in 0..height {
            for x in 0..width {
                for (channel, value) in channels.iter_mut().zip(color(x, y)) {
                    channel[[0, y, x]] = value;
                }
            }
        }
        Self { channels }
    }

    pub(crate) fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let image: Rgb32FImage = image::open(path)?.to_rgb32f();
        let (width, height) = (usize::try_from(image.width())?, usize::try_from(image.height())?);
        let pixels: Vec<[f32; 3]> = image.pixels().map(|pixel| pixel.0).collect();
        Ok(Self::from_fn(width, height, |x, y| pixels[y * width + x]))
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let [_, height, width] = self.channels[0].shape();
        let mut image = RgbImage::new(u32::try_from(width)?, u32::try_from(height)?);
        for (at, pixel) in image.pixels_mut().enumerate() {
            *pixel = Rgb([0, 1, 2].map(|channel| byte(self.channels[channel].as_slice()[at])));
        }
        Ok(image.save(path)?)
    }

    /// The picture with each channel made another.
    pub(crate) fn map(
        &self,
        mut change: impl FnMut(&Tensor<f32, 3>) -> Result<Tensor<f32, 3>, conv_runtime::Error>,
    ) -> Result<Self, conv_runtime::Error> {
        let [red, green, blue] = &self.channels;
        Ok(Self { channels: [change(red)?, change(green)?, change(blue)?] })
    }

    /// How bright it is, by the weights of Rec. 709.
    pub(crate) fn grey(&self) -> Result<Tensor<f32, 3>, conv_runtime::Error> {
        let [red, green, blue] = self.channels.each_ref().map(Tensor::as_slice);
        let mixed = red.iter().zip(green).zip(blue).map(|((r, g), b)| 0.2126 * r + 0.7152 * g + 0.0722 * b);
        Tensor::from_vec(self.channels[0].shape(), mixed.collect())
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 0 to 255")]
fn byte(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}
