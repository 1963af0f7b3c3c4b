//! The images, and chance.

use std::error::Error;

use conv_runtime::Tensor;
use conv_runtime::safetensors::SafeTensors;

/// Side of an image.
const SIDE: usize = 8;

/// Images and what they show.
pub(crate) struct Digits {
    images: Vec<[f32; SIDE * SIDE]>,
    labels: Vec<usize>,
}

impl Digits {
    pub(crate) fn read(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let file = SafeTensors::deserialize(file)?;
        let (images, labels) = (file.tensor("images")?, file.tensor("labels")?);
        let pixels: Vec<f32> =
            images.data().as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        let labels =
            labels.data().as_chunks().0.iter().map(|eight| usize::try_from(i64::from_le_bytes(*eight)));
        Ok(Self { images: pixels.as_chunks().0.to_vec(), labels: labels.collect::<Result<_, _>>()? })
    }

    pub(crate) fn len(&self) -> usize {
        self.images.len()
    }

    /// All of them.
    pub(crate) fn all(&self) -> (Tensor<f32, 4>, Vec<usize>) {
        self.batch(&(0..self.len()).collect::<Vec<_>>(), [0, 0])
    }

    /// Some of them, rolled down and to the right.
    pub(crate) fn batch(&self, which: &[usize], [down, right]: [isize; 2]) -> (Tensor<f32, 4>, Vec<usize>) {
        let from = |at: usize, by: isize| at.wrapping_add_signed(-by) % SIDE;
        let images = Tensor::from_fn([which.len(), 1, SIDE, SIDE], |[n, _, y, x]| {
            self.images[which[n]][from(y + SIDE, down) * SIDE + from(x + SIDE, right)]
        });
        (images, which.iter().map(|at| self.labels[*at]).collect())
    }
}

/// `SplitMix64`: a few lines, and the same numbers everywhere.
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A number from 0 to `limit - 1`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        let high = (u128::from(bits ^ (bits >> 31)) * limit as u128) >> 64;
        usize::try_from(high).unwrap_or(0)
    }

    /// The numbers from 0 to `len - 1` in any order.
    pub(crate) fn shuffled(&mut self, len: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..len).collect();
        for last in (1..len).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
