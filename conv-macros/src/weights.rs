//! [`Weights`]: the numbers of a layer that is a constant, and their order in a kernel.

use crate::plan::Plan;
use crate::spec::{Dtype, Spec};

/// Weights and biases in torch's order, each of them exact in the layer's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    /// `[out][in / groups][kernel height][kernel width]`
    pub(crate) weight: Vec<f64>,
    pub(crate) bias: Option<Vec<f64>>,
    /// The file they come from, as the user wrote it.
    pub(crate) file: Option<String>,
}

/// Weights and biases as the kernels of one vector width read them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packed {
    pub(crate) weight: Vec<f64>,
    pub(crate) bias: Vec<f64>,
}

impl Weights {
    /// The order that `conv_runtime`'s `pack.rs` describes, which packs at run time:
    /// `packed[group][block][tap][in channel][out channel of the block]`.
    pub(crate) fn pack(&self, spec: &Spec, plan: &Plan) -> Packed {
        let (channels, depth, taps) = (spec.out_per_group(), spec.in_per_group(), spec.taps());
        let mut packed = Packed { weight: Vec::new(), bias: Vec::new() };
        for group in 0..spec.groups {
            for first in (0..channels).step_by(plan.block) {
                let tail = first + plan.block > channels;
                let (count, width) = (plan.channels(spec, tail), plan.width(tail));
                let start = packed.weight.len();
                packed.weight.resize(start + taps * depth * width, 0.0);
                for channel in 0..count {
                    let out = group * channels + first + channel;
                    for c in 0..depth {
                        for tap in 0..taps {
                            packed.weight[start + (tap * depth + c) * width + channel] =
                                self.weight[(out * depth + c) * taps + tap];
                        }
                    }
                    packed.bias.push(self.bias.as_ref().map_or(0.0, |bias| bias[out]));
                }
                packed.bias.resize(packed.bias.len() + width - count, 0.0);
            }
        }
        packed
    }
}

impl Dtype {
    /// The numbers, little-endian. A plain loop: users build this crate without optimisation, where a chain
    /// of iterators over millions of bytes takes a second.
    pub(crate) fn bytes_of(self, numbers: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(numbers.len() * self.bytes());
        for &number in numbers {
            match self {
                Self::F32 => bytes.extend_from_slice(&single(number).to_le_bytes()),
                Self::F64 => bytes.extend_from_slice(&number.to_le_bytes()),
            }
        }
        bytes
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the numbers of a layer are exact in its type")]
fn single(number: f64) -> f32 {
    number as f32
}
