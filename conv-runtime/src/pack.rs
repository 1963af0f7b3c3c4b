//! The order of packed weights, which every kernel reads front to back.
//!
//! The channels of a group are cut into blocks, one call of a kernel each. A block's weights lie tap by
//! tap, channel by channel, `width` output channels side by side:
//!
//! ```text
//! packed[group][block][tap][in channel][out channel of the block]
//! ```
//!
//! so that one step of the innermost loop reads one contiguous row. The last block of a group may be
//! narrower. Lanes beyond the last output channel hold zeros, which change nothing.
//!
//! Large constants are cut into panels of a cache line instead of blocks. Then kernels of all vector widths share them,
//! with blocks that are several panels, or a part of one.

use core::ops::Range;

use crate::Conv2dConfig;
#[cfg(feature = "alloc")]
use crate::filtering::{Filtering, Kernels};
use crate::kernel::Scheme;
#[cfg(feature = "alloc")]
use crate::memory::Resident;
#[cfg(feature = "alloc")]
use crate::{Element, Isa, Tensor};

/// Where one block of output channels stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Its first output channel within the group.
    pub(crate) first: usize,
    /// Its output channels.
    pub(crate) channels: usize,
    /// Its channels in the packed weights, those that only fill the vector included.
    pub(crate) width: usize,
    /// Whether it is the narrower one at the group's end.
    pub(crate) tail: bool,
}

/// The blocks of a group of `channels` output channels.
pub(crate) fn blocks(scheme: &Scheme, channels: usize) -> impl Iterator<Item = Block> {
    cut([scheme.block, scheme.tail], channels)
}

/// The same channels as their weights are packed: in blocks, or in panels.
#[cfg(feature = "alloc")]
fn strips(scheme: &Scheme, channels: usize) -> impl Iterator<Item = Block> {
    cut(strip(scheme), channels)
}

/// The packed widths of a strip, and of a narrower one at the group's end.
fn strip(scheme: &Scheme) -> [usize; 2] {
    match scheme.panel {
        0 => [scheme.block, scheme.tail],
        panel => [panel, panel],
    }
}

fn cut([each, tail]: [usize; 2], channels: usize) -> impl Iterator<Item = Block> {
    (0..channels).step_by(each).map(move |first| match channels - first {
        rest if rest >= each => Block { first, channels: each, width: each, tail: false },
        rest => Block { first, channels: rest, width: tail, tail: true },
    })
}

/// Output channels of a group, filling lanes included.
pub(crate) fn packed_channels(scheme: &Scheme, channels: usize) -> usize {
    let [each, tail] = strip(scheme);
    channels / each * each + if channels.is_multiple_of(each) { 0 } else { tail }
}

/// Where in a group's packed weights a block finds its own.
pub(crate) fn place(block: Block, scheme: &Scheme, terms: usize) -> Range<usize> {
    let (first, end) = (block.first, block.first + block.width);
    match scheme.panel {
        0 => first * terms..end * terms,
        panel => first / panel * panel * terms + first % panel..end.next_multiple_of(panel) * terms,
    }
}

#[cfg(feature = "alloc")]
/// The weights in a kernel's order, for an instruction set.
pub(crate) fn pack<E: Element>(
    isa: Isa,
    weight: &[E],
    config: &Conv2dConfig,
    scheme: &Scheme,
) -> Resident<E> {
    let len = packed_channels(scheme, config.out_per_group()) * config.groups * terms(config, scheme);
    let mut packed = Resident::zeroed(len);
    match &scheme.filtering {
        Some(filtering) => transform(isa, weight, config, scheme, filtering, packed.as_mut_slice()),
        None => pack_into(weight, config, scheme, packed.as_mut_slice()),
    }
    packed
}

/// The weights in a kernel's order, transformed.
#[cfg(feature = "alloc")]
fn transform<E: Element>(
    isa: Isa,
    weight: &[E],
    config: &Conv2dConfig,
    scheme: &Scheme,
    filtering: &Filtering,
    packed: &mut [E],
) {
    let (outs, depth, size) = (config.out_per_group(), config.in_per_group(), config.kernel_size);
    let apart = depth * size[0] * size[1];
    let mut start = 0;
    for weight in weight.chunks_exact(outs * apart) {
        for block in strips(scheme, outs) {
            for c in 0..depth {
                let values = &weight[block.first * apart + c * size[0] * size[1]..];
                let kernels = Kernels { values, apart, count: block.channels, size, turned: false };
                let to = &mut packed[start + c * block.width..];
                E::transform(isa.level(), filtering, kernels, to, depth * block.width);
            }
            start += terms(config, scheme) * block.width;
        }
    }
}

/// As [`pack`], of weights that are not transformed, to memory of the caller's.
#[cfg(feature = "alloc")]
pub(crate) fn pack_into<E: Element>(weight: &[E], config: &Conv2dConfig, scheme: &Scheme, packed: &mut [E]) {
    each(config, scheme, |at, from| packed[at] = weight[from]);
}

/// The weights in torch's order again, if they were not transformed.
#[cfg(feature = "alloc")]
pub(crate) fn unpack<E: Element>(packed: &[E], config: &Conv2dConfig, scheme: &Scheme) -> Tensor<E, 4> {
    let mut weight = Tensor::zeros(config.weight_shape());
    unpack_into(packed, config, scheme, weight.as_mut_slice());
    weight
}

#[cfg(feature = "alloc")]
/// As [`unpack`], to memory of the caller's.
pub(crate) fn unpack_into<E: Element>(
    packed: &[E],
    config: &Conv2dConfig,
    scheme: &Scheme,
    weight: &mut [E],
) {
    each(config, scheme, |at, to| weight[to] = packed[at]);
}

#[cfg(feature = "alloc")]
/// The biases (zeros where there are none), filled up like the weights.
pub(crate) fn pack_bias<E: Element>(
    bias: Option<&[E]>,
    config: &Conv2dConfig,
    scheme: &Scheme,
) -> Resident<E> {
    let channels = config.out_per_group();
    let width = packed_channels(scheme, channels);
    let mut packed = Resident::zeroed(width * config.groups);
    if let Some(bias) = bias {
        for (to, from) in packed.as_mut_slice().chunks_exact_mut(width).zip(bias.chunks_exact(channels)) {
            to[..channels].copy_from_slice(from);
        }
    }
    packed
}

/// Taps of a kernel, as it was packed.
fn taps(config: &Conv2dConfig, scheme: &Scheme) -> usize {
    let [kh, kw] = config.kernel_size;
    scheme.filtering.map_or(kh * kw, |filtering| filtering.all_products())
}

/// Packed weights of one output channel.
pub(crate) fn terms(config: &Conv2dConfig, scheme: &Scheme) -> usize {
    config.in_per_group() * taps(config, scheme)
}

#[cfg(feature = "alloc")]
/// Calls `visit(packed index, torch's index)` for every weight.
fn each(config: &Conv2dConfig, scheme: &Scheme, mut visit: impl FnMut(usize, usize)) {
    let (channels, depth) = (config.out_per_group(), config.in_per_group());
    let taps = taps(config, scheme);
    let mut start = 0;
    for group in 0..config.groups {
        for block in strips(scheme, channels) {
            // In an order that leaves few lines of the cache half used on either side.
            for c in 0..depth {
                for channel in 0..block.channels {
                    let out = group * channels + block.first + channel;
                    for tap in 0..taps {
                        visit(
                            start + (tap * depth + c) * block.width + channel,
                            (out * depth + c) * taps + tap,
                        );
                    }
                }
            }
            start += taps * depth * block.width;
        }
    }
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "small integers are exact")]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn scheme(block: usize, tail: usize) -> Scheme {
        Scheme { block, tail, ..Scheme::IMAGE }
    }

    #[test]
    fn blocks_cover_the_group_once() {
        let found: Vec<_> = blocks(&scheme(4, 3), 7).collect();
        let full = Block { first: 0, channels: 4, width: 4, tail: false };
        assert_eq!(found, [full, Block { first: 4, channels: 3, width: 3, tail: true }]);
        assert_eq!(blocks(&scheme(4, 0), 8).count(), 2);
    }

    #[test]
    fn packing_is_reversible() {
        for (block, tail, panel) in
            [(1, 0, 0), (2, 1, 0), (4, 4, 0), (16, 16, 0), (3, 2, 0), (2, 2, 4), (4, 2, 2)]
        {
            let config = Conv2dConfig::new(4, 10, [3, 2]).groups(2);
            let weight = Tensor::<f32, 4>::randn(config.weight_shape(), 3);
            let scheme = Scheme { panel, ..scheme(block, tail) };
            let packed = pack(Isa::best(), weight.as_slice(), &config, &scheme);
            assert_eq!(
                unpack(packed.as_slice(), &config, &scheme),
                weight,
                "block {block}, tail {tail}, panel {panel}"
            );
        }
    }

    #[test]
    fn blocks_find_their_weights_in_panels() {
        let places =
            |scheme: &Scheme| blocks(scheme, 10).map(|block| place(block, scheme, 3)).collect::<Vec<_>>();
        assert_eq!(places(&scheme(4, 2)), [0..12, 12..24, 24..30]);
        // Two blocks in each panel of four, the last with two channels that fill it.
        let halves = Scheme { panel: 4, ..scheme(2, 0) };
        assert_eq!(places(&halves), [0..12, 2..12, 12..24, 14..24, 24..36]);
        // Two panels in each block.
        let double = Scheme { panel: 2, ..scheme(4, 2) };
        assert_eq!(places(&double), [0..12, 12..24, 24..30]);
    }

    #[test]
    fn one_step_reads_one_row() {
        let config = Conv2dConfig::new(2, 3, [1, 2]);
        let weight =
            Tensor::<f32, 4>::from_fn(config.weight_shape(), |[o, c, _, j]| (100 * o + 10 * c + j) as f32);
        let packed = pack(Isa::best(), weight.as_slice(), &config, &scheme(2, 2));
        // tap 0: channel 0, channel 1; tap 1: ..; then the tail, whose second lane is filled with zeros
        assert_eq!(packed.as_slice()[..8], [0., 100., 10., 110., 1., 101., 11., 111.]);
        assert_eq!(packed.as_slice()[8..], [200., 0., 210., 0., 201., 0., 211., 0.]);
    }
}
