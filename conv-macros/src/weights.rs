//! [`Weights`]: the numbers of a layer that is a constant, and their order in a kernel.

use crate::plan::{Plan, Transform};
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
    /// `packed[group][strip][tap][in channel][out channel of the strip]`.
    pub(crate) fn pack(&self, spec: &Spec, plan: &Plan) -> Packed {
        let (channels, depth, taps) = (spec.out_per_group(), spec.in_per_group(), plan.taps(spec));
        let transformed = plan.transforms(spec).map(|transforms| transform(&self.weight, &transforms));
        let weight = transformed.as_ref().unwrap_or(&self.weight);
        let mut packed = Packed { weight: Vec::new(), bias: Vec::new() };
        for group in 0..spec.groups {
            for (strip, width) in plan.strips(spec) {
                let out = group * channels + strip.start;
                let kernels = &weight[out * depth * taps..][..strip.len() * depth * taps];
                let start = packed.weight.len();
                packed.weight.resize(start + taps * depth * width, 0.0);
                interleave(kernels, depth * taps, taps, width, &mut packed.weight[start..]);
                let end = packed.bias.len() + width;
                packed.bias.extend(self.bias.iter().flat_map(|bias| &bias[out..][..strip.len()]));
                packed.bias.resize(end, 0.0);
            }
        }
        packed
    }
}

/// From `[out channel][in channel][tap]` to `[tap][in channel][out channel]`, which is `width` apart. `each` is the size
/// of an output channel.
///
/// Plain loops, here and below: users build this crate without optimisation, where iterators over millions of numbers
/// take a second.
fn interleave(kernels: &[f64], each: usize, taps: usize, width: usize, packed: &mut [f64]) {
    let (mut from, mut channel, depth) = (0, 0, each / taps);
    while from < kernels.len() {
        let mut c = 0;
        while c < depth {
            let (mut tap, mut to) = (0, c * width + channel);
            while tap < taps {
                packed[to] = kernels[from];
                (from, to, tap) = (from + 1, to + depth * width, tap + 1);
            }
            c += 1;
        }
        channel += 1;
    }
}

/// Each kernel `g` as `G g GT`, its products in place of its taps.
fn transform(weight: &[f64], [rows, columns]: &[Transform; 2]) -> Vec<f64> {
    let (rows, columns) = (&rows.filter, &columns.filter);
    let (kh, kw) = (rows[0].len(), columns[0].len());
    let mut transformed = Vec::with_capacity(weight.len() / (kh * kw) * rows.len() * columns.len());
    for kernel in weight.chunks_exact(kh * kw) {
        for row in rows {
            let combined =
                |j: usize| row.iter().enumerate().map(|(i, factor)| factor * kernel[i * kw + j]).sum();
            let half: Vec<f64> = (0..kw).map(combined).collect();
            for column in columns {
                transformed.push(column.iter().zip(&half).map(|(factor, value)| factor * value).sum());
            }
        }
    }
    transformed
}

impl Dtype {
    /// The numbers, little-endian.
    pub(crate) fn bytes_of(self, numbers: &[f64]) -> Vec<u8> {
        match self {
            Self::F32 => each(numbers, |number| single(number).to_le_bytes()),
            Self::F64 => each(numbers, f64::to_le_bytes),
        }
    }
}

fn each<const N: usize>(numbers: &[f64], bytes_of: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    let (mut bytes, mut at) = (vec![[0; N]; numbers.len()], 0);
    while at < numbers.len() {
        bytes[at] = bytes_of(numbers[at]);
        at += 1;
    }
    bytes.into_flattened()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "numbers that are not exact in the type are rounded to it"
)]
fn single(number: f64) -> f32 {
    number as f32
}
