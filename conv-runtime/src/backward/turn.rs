//! The weights of the layer that computes the input's gradient: taps in the opposite order, input channels and
//! output channels exchanged, residue by residue.
//!
//! They are made for every call, so it matters how. A tap's weights, as they are packed for `forward`, are a
//! matrix of input channels by output channels, and those of the other layer are its transpose.

use super::copies::Matrix;
use super::fold::Axis;
use crate::backward::Differentiable;
use crate::filtering::{Filtering, Kernels};
use crate::kernel::{Kernel, Parameters, ParametersRef, Scheme, Trainable};
use crate::pack::{Block, blocks, packed_channels, terms, unpack_into};
use crate::scratch::Work;
use crate::{Conv2dConfig, Element, Isa, run};

/// The layer of the input's gradient with this layer's weights. Its memory is the scratch's, on loan.
pub(super) fn turned<K: Differentiable>(layer: &K, work: &mut Work<K::Elem>) -> K::InputGradient {
    let (config, adjoint) = (const { &K::CONFIG }, const { &K::InputGradient::CONFIG });
    let ParametersRef { isa, original, weights, .. } = layer.parameters();
    let [from, to] = [run::scheme::<K>(isa), run::scheme::<K::InputGradient>(isa)];
    let width = packed_channels(to, adjoint.out_per_group()) * config.groups;
    let mut turned = core::mem::take(&mut work.turned);
    let mut bias = core::mem::take(&mut work.bias);
    bias.take(width).fill(K::Elem::ZERO);
    let packed = turned.take(width * terms(adjoint, to));
    let turn = Turn { isa, config, adjoint, axes: Axis::of(config), to };
    if turn.has_gaps() {
        packed.fill(K::Elem::ZERO);
    }
    match (original, &to.filtering) {
        (None, None) => turn.turn(from, weights, packed),
        (Some(original), None) => turn.plain(original, packed),
        (Some(original), Some(filtering)) => turn.transform(filtering, original, packed),
        (None, Some(filtering)) => {
            let plain = work.weights.take(config.weight_shape().into_iter().product());
            unpack_into(weights, config, from, plain);
            turn.transform(filtering, plain, packed);
        }
    }
    K::InputGradient::from_parameters(Parameters { isa, original: None, weights: turned, bias })
}

/// Output channels whose weights are picked before those of the next.
const PICKED: usize = 8;

/// From which layer to which.
struct Turn<'a> {
    isa: Isa,
    config: &'a Conv2dConfig,
    adjoint: &'a Conv2dConfig,
    axes: [Axis; 2],
    /// How the turned weights are packed.
    to: &'a Scheme,
}

impl Turn<'_> {
    /// The blocks of one group, each with where its weights start.
    fn blocks(&self) -> impl Iterator<Item = (Block, usize)> {
        let terms = terms(self.adjoint, self.to);
        blocks(self.to, self.adjoint.out_per_group()).map(move |block| (block, block.first * terms))
    }

    /// Elements of one group's turned weights.
    fn each(&self) -> usize {
        packed_channels(self.to, self.adjoint.out_per_group()) * terms(self.adjoint, self.to)
    }

    /// Whether some of the turned weights belong to no tap or to no channel.
    fn has_gaps(&self) -> bool {
        let channels = self.adjoint.out_per_group();
        let taps = channels * self.adjoint.kernel_size[0] * self.adjoint.kernel_size[1];
        let own = self.config.in_per_group() * self.config.kernel_size[0] * self.config.kernel_size[1];
        taps != own || packed_channels(self.to, channels) != channels
    }

    /// Turns weights that are packed in some way.
    fn turn<E: Element>(&self, scheme: &Scheme, weights: &[E], packed: &mut [E]) {
        let outs = self.config.out_per_group();
        let terms = terms(self.config, scheme);
        let each = packed_channels(scheme, outs) * terms;
        if self.config.groups > 1 && outs == 1 && self.config.in_per_group() == 1 {
            return self.depthwise(&weights[..self.config.groups * each], each, packed);
        }
        let groups = weights.chunks_exact(each);
        for (weights, packed) in groups.zip(packed.chunks_exact_mut(self.each())) {
            for from in blocks(scheme, outs) {
                let weights = &weights[from.first * terms..][..from.width * terms];
                for (to, start) in self.blocks() {
                    self.block(from, weights, to, &mut packed[start..]);
                }
            }
        }
    }

    /// Turns the weights of groups of one channel, tap by tap: to go block by block would take most of the time that
    /// a small layer's gradient takes.
    fn depthwise<E: Element>(&self, weights: &[E], each: usize, packed: &mut [E]) {
        let apart = each / self.config.kernel_size.iter().product::<usize>();
        for (to, start) in self.blocks() {
            for channel in 0..to.channels {
                for (tap, place) in self.taps_of(to.first + channel) {
                    let from = weights[tap * apart..].iter().step_by(each);
                    let places = packed[start + place * to.width + channel..].iter_mut().step_by(self.each());
                    places.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// From one block to another: each run of lanes that belong to one residue.
    fn block<E: Element>(&self, from: Block, weights: &[E], to: Block, packed: &mut [E]) {
        let (depth, outs) = (self.config.in_per_group(), self.config.out_per_group());
        let mut first = 0;
        while first < to.channels {
            let (residue, channel) = ((to.first + first) / depth, (to.first + first) % depth);
            let rows = (depth - channel).min(to.channels - first);
            for (tap, place) in self.taps_of(residue) {
                let values = &weights[(tap * depth + channel) * from.width..];
                let matrix = Matrix { values, rows, columns: from.channels, stride: from.width };
                let at = (place * outs + from.first) * to.width + first;
                matrix.transpose(self.isa, &mut packed[at..], to.width);
            }
            first += rows;
        }
    }

    /// The taps of a residue, each with its number among the turned taps.
    fn taps_of(&self, residue: usize) -> impl Iterator<Item = (usize, usize)> {
        let ([rows, columns], [kh, kw]) = (self.axes, self.config.kernel_size);
        let [th, tw] = self.adjoint.kernel_size;
        let (first_i, first_j) = (residue / columns.residues, residue % columns.residues);
        (first_i..kh).step_by(rows.step).enumerate().flat_map(move |(m, i)| {
            let columns = (first_j..kw).step_by(columns.step).enumerate();
            columns.map(move |(n, j)| (i * kw + j, (th - 1 - m) * tw + (tw - 1 - n)))
        })
    }

    /// Turns weights in torch's order, of a layer of stride 1. A tap's weights are as many apart as there are taps:
    /// to pick them one by one is faster than to transpose squares of which a part is taps. Those of some output
    /// channels are picked tap by tap, so that they are still in the cache for the next tap, and are written side by side:
    /// the places of two taps are as far apart as a power of two, and the cache cannot hold all of them.
    fn plain<E: Element>(&self, weights: &[E], packed: &mut [E]) {
        let (outs, depth) = (self.config.out_per_group(), self.config.in_per_group());
        let taps = self.config.kernel_size[0] * self.config.kernel_size[1];
        let groups = weights.chunks_exact(outs * depth * taps);
        for (weights, packed) in groups.zip(packed.chunks_exact_mut(self.each())) {
            for (block, start) in self.blocks() {
                for (some, weights) in weights.chunks(PICKED * depth * taps).enumerate() {
                    for (tap, place) in self.taps_of(0) {
                        let to = &mut packed[start + (place * outs + some * PICKED) * block.width..];
                        let from = weights.chunks_exact(depth * taps);
                        for (to, from) in to.chunks_mut(block.width).zip(from) {
                            let from = from[block.first * taps..].chunks_exact(taps);
                            to.iter_mut()
                                .take(block.channels)
                                .zip(from)
                                .for_each(|(to, from)| *to = from[tap]);
                        }
                    }
                }
            }
        }
    }

    /// Turns and transforms weights in torch's order, of a layer of stride 1.
    fn transform<E: Element>(&self, filtering: &Filtering, weights: &[E], packed: &mut [E]) {
        let (outs, depth, size) =
            (self.config.out_per_group(), self.config.in_per_group(), self.config.kernel_size);
        let taps = size[0] * size[1];
        let groups = weights.chunks_exact(outs * depth * taps);
        for (weights, packed) in groups.zip(packed.chunks_exact_mut(self.each())) {
            for (block, start) in self.blocks() {
                for (o, weights) in weights.chunks_exact(depth * taps).enumerate() {
                    let values = &weights[block.first * taps..];
                    let kernels = Kernels { values, apart: taps, count: block.channels, size, turned: true };
                    let to = &mut packed[start + o * block.width..];
                    E::transform(self.isa.level(), filtering, kernels, to, outs * block.width);
                }
            }
        }
    }
}
