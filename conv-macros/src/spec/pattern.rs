//! [`Pattern`]: which weights of a constant layer are worth no multiplication.
//!
//! A kernel computes one block of output channels after the other, group by group, with other weights each
//! time. So a tap can be left out, or added, only where all blocks agree on it, and, for a kernel that loops
//! over input channels, all of these.

use super::Spec;

/// The values of more weights are not looked at: their kernels are too long to be told apart.
const MOST: usize = 4096;

/// What a weight does to a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Factor {
    /// 0: nothing.
    Zero,
    /// 1: the pixel is added.
    One,
    /// -1: the pixel is subtracted.
    MinusOne,
    /// The pixel is multiplied.
    Other,
}

/// What is known of the weights.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Pattern {
    /// Whether they are constants, be they ever so many.
    is_constant: bool,
    /// Whether all of them are known to be integers, whose sums are exact.
    is_integral: bool,
    /// The numbers in torch's order, as [`f64::to_bits`] gives them, so that layers can be compared; none if there are
    /// too many, or they are set at run time.
    bits: Vec<u64>,
}

/// Which weights must agree: those of a tap, for an output channel of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) tap: usize,
    /// The input channel within the group, or all of them.
    pub(crate) channel: Option<usize>,
    /// The output channel within the block.
    pub(crate) out: usize,
    /// Output channels of a full block.
    pub(crate) block: usize,
    /// Whether it is the narrower block at the group's end.
    pub(crate) tail: bool,
}

impl Factor {
    fn of(weight: f64) -> Self {
        match weight {
            0.0 => Self::Zero,
            1.0 => Self::One,
            -1.0 => Self::MinusOne,
            _ => Self::Other,
        }
    }
}

impl Pattern {
    /// The pattern of these weights, which are in torch's order.
    pub(crate) fn of(weights: &[f64]) -> Self {
        let looked_at = if weights.len() > MOST { &[] } else { weights };
        Self {
            is_constant: true,
            is_integral: weights.iter().all(|weight| weight.fract() == 0.0),
            bits: looked_at.iter().map(|weight| weight.to_bits()).collect(),
        }
    }

    /// Whether the weights are constants.
    pub(crate) fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// Whether all weights are known to be integers.
    pub(crate) fn is_integral(&self) -> bool {
        self.is_integral
    }

    /// Whether the weights' values are known.
    pub(crate) fn is_known(&self) -> bool {
        !self.bits.is_empty()
    }

    /// The weights, if they are known.
    pub(super) fn weights(&self) -> Option<Vec<f64>> {
        self.is_known().then(|| self.bits.iter().map(|&bits| f64::from_bits(bits)).collect())
    }

    fn factor(&self, at: usize) -> Factor {
        Factor::of(f64::from_bits(self.bits[at]))
    }

    /// How many weights are these.
    pub(crate) fn count(&self, of: &[Factor]) -> usize {
        (0..self.bits.len()).filter(|&at| of.contains(&self.factor(at))).count()
    }
}

impl Spec {
    /// What the weights at a place all do; `Other` where they differ or are not known.
    pub(crate) fn factor(&self, place: Place) -> Factor {
        let (channels, depth, taps) = (self.out_per_group(), self.in_per_group(), self.taps());
        if !self.pattern.is_known() {
            // The taps that a block lacks are left out of its kernel if there is no other.
            let lacks = place.block >= channels && self.lacks(place.out, place.tap);
            return if lacks { Factor::Zero } else { Factor::Other };
        }
        let full = channels / place.block * place.block;
        let firsts = if place.tail { full..channels } else { 0..full };
        let inputs = place.channel.map_or(0..depth, |channel| channel..channel + 1);
        let mut found = None;
        for group in 0..self.groups {
            for first in firsts.clone().step_by(place.block) {
                for c in inputs.clone() {
                    let out = group * channels + first + place.out;
                    let factor = self.pattern.factor((out * depth + c) * taps + place.tap);
                    if *found.get_or_insert(factor) != factor {
                        return Factor::Other;
                    }
                }
            }
        }
        found.unwrap_or(Factor::Other)
    }

    /// How many taps of the first output channels of a block have such a factor, in all input channels.
    pub(crate) fn taps_with(
        &self,
        (block, tail): (usize, bool),
        channels: usize,
        is: impl Fn(Factor) -> bool,
    ) -> usize {
        // Where nothing is known of any, they need not be counted one by one.
        if !self.pattern.is_known() && self.adjoint.is_none() {
            return if is(Factor::Other) { channels.saturating_mul(self.taps()) } else { 0 };
        }
        let places = (0..channels)
            .flat_map(|out| (0..self.taps()).map(move |tap| Place { tap, channel: None, out, block, tail }));
        places.filter(|&place| is(self.factor(place))).count()
    }
}
