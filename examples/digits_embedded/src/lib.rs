//! A trained classifier of handwritten digits that needs no allocator and no operating system.
//!
//! The macro reads the PyTorch checkpoint while this crate compiles: the three layers are constants, and their weights
//! part of the program. All that runs in memory is [`Memory`].

#![no_std]
#![forbid(unsafe_code)]

use conv_runtime::prelude::*;

conv2d! {
    struct Conv1<in: 1, out: 16, k: 3, padding: 1, input: (8, 8), algorithm: direct,
        weights: "../../tests/data/digits_model.safetensors", tensor: "conv1">;
    struct Conv2<in: 16, out: 32, k: 3, stride: 2, padding: 1, input: (8, 8),
        weights: "../../tests/data/digits_model.safetensors", tensor: "conv2">;
    struct Conv3<in: 32, out: 10, k: 4, input: (4, 4),
        weights: "../../tests/data/digits_model.safetensors", tensor: "conv3">;
}

/// 8 rows of 8 pixels, from 0 for paper to 1 for ink.
pub type Image = [[f32; 8]; 8];

/// What the layers write to.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    first: <Conv1 as FixedConv2d>::Output,
    second: <Conv2 as FixedConv2d>::Output,
    scratch: [f32; SCRATCH],
}

/// The layers run one after the other, and share their working memory.
const SCRATCH: usize = largest([Conv1::SCRATCH, Conv2::SCRATCH, Conv3::SCRATCH]);

impl Memory {
    /// Memory for a program's static, or its stack.
    #[must_use]
    pub const fn new() -> Self {
        Self { first: [[[0.0; 8]; 8]; 16], second: [[[0.0; 4]; 4]; 32], scratch: [0.0; SCRATCH] }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// The network's ten outputs for an image: the largest is at the digit that it takes it for.
pub fn logits(image: &Image, memory: &mut Memory) -> [f32; 10] {
    let Memory { first, second, scratch } = memory;
    let mut third = [[[0.0; 1]; 1]; 10];
    Conv1.forward_array_in(&[*image], first, part(scratch));
    relu(first.as_flattened_mut().as_flattened_mut());
    Conv2.forward_array_in(first, second, part(scratch));
    relu(second.as_flattened_mut().as_flattened_mut());
    Conv3.forward_array_in(second, &mut third, part(scratch));
    third.map(|[[logit]]| logit)
}

/// The digit that the network takes the image for.
///
/// ```
/// use digits_embedded::{Memory, SEVEN, classify};
/// assert_eq!(classify(&SEVEN, &mut Memory::new()), 7);
/// ```
pub fn classify(image: &Image, memory: &mut Memory) -> usize {
    largest_at(&logits(image, memory))
}

/// Where the largest number is.
#[must_use]
pub fn largest_at(logits: &[f32; 10]) -> usize {
    (0..10).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap_or(0)
}

/// A seven, with the bar that some write through it.
pub const SEVEN: Image = {
    let (o, i) = (0.0, 1.0);
    [
        [o, o, i, i, i, i, i, o],
        [o, o, i, i, i, i, i, o],
        [o, o, o, o, o, i, i, o],
        [o, o, o, o, i, i, o, o],
        [o, o, i, i, i, i, i, o],
        [o, o, o, i, i, o, o, o],
        [o, o, o, i, i, o, o, o],
        [o, o, i, i, o, o, o, o],
    ]
};

/// `torch.relu`, in place.
fn relu(values: &mut [f32]) {
    for value in values {
        *value = value.max(0.0);
    }
}

/// The first `N` elements.
fn part<const N: usize>(scratch: &mut [f32; SCRATCH]) -> &mut [f32; N] {
    scratch.first_chunk_mut().unwrap_or_else(|| unreachable!("SCRATCH is the largest of the layers'"))
}

const fn largest(sizes: [usize; 3]) -> usize {
    let [a, b, c] = sizes;
    let most = if a > b { a } else { b };
    if most > c { most } else { c }
}
