//! The input's gradient: the layer's weights turned around, run over the output's gradient.
//!
//! Along one axis, the padded image's gradient at `u` is the sum of `weight[i] * grad[y]` over all
//! `y * stride + i * dilation = u`. With `step = stride / gcd(stride, dilation)`, the taps of residue `r`
//! modulo `step` all meet the same places `u = stride * v + r * dilation`, where they are a convolution of
//! stride 1. The generated layer computes all residues at once, `[group][residue][in channel]` side by side
//! in its output; `fold` (fold.rs) puts them where they belong.

use super::fold::{Axis, fold};
use crate::backward::Differentiable;
use crate::element::sealed::Sealed as _;
use crate::kernel::{Kernel, Parameters, ParametersRef, Trainable};
use crate::pack::{Block, blocks, packed_channels, unpack_into};
use crate::scratch::{Scratch, Work};
use crate::{Conv2dConfig, Element, run};

/// Runs over a batch; `None` if the scratch cannot be counted.
pub(super) fn run<K: Differentiable>(
    layer: &K,
    sizes: [[usize; 2]; 2],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let turned = turned(layer, K::Elem::work(scratch));
    let done = if const { K::FOLDS } {
        folded::<K>(&turned, sizes, grad, to, scratch)
    } else {
        let [image, out] = sizes;
        run::run(&turned, [out, image], grad, to, |len| Some(K::Elem::buffer(scratch).take(len)))
    };
    let Parameters { weights, bias, .. } = turned.into_parameters();
    let work = K::Elem::work(scratch);
    (work.turned, work.bias) = (weights, bias);
    done
}

/// Group by group, by way of the padded image's gradient.
fn folded<K: Differentiable>(
    turned: &K::InputGradient,
    [image, out]: [[usize; 2]; 2],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let (config, adjoint) = (const { &K::CONFIG }, const { &K::InputGradient::CONFIG });
    let places = adjoint.places(out)?;
    let elements = places[0].checked_mul(places[1])?.checked_mul(adjoint.out_per_group())?;
    let mut planes = core::mem::take(&mut K::Elem::work(scratch).planes);
    let buffer = planes.take(elements);
    let (from, each) =
        (config.out_per_group() * out[0] * out[1], config.in_per_group() * image[0] * image[1]);
    let mut done = Some(());
    for (at, (grad, to)) in grad.chunks_exact(from).zip(to.chunks_exact_mut(each)).enumerate() {
        let memory = K::Elem::buffer(scratch);
        let (group, sizes) = (at % config.groups, [out, places]);
        let run = || run::run_from(turned, group, sizes, grad, buffer, move |len| Some(memory.take(len)));
        done = done.and_then(|()| run());
        fold(config, image, places, buffer, to);
    }
    K::Elem::work(scratch).planes = planes;
    done
}

impl Conv2dConfig {
    /// The output size of a layer of stride 1, if it can be counted.
    fn places(&self, [h, w]: [usize; 2]) -> Option<[usize; 2]> {
        let [[top, bottom], [left, right]] = self.padding;
        let [kh, kw] = self.effective_kernel();
        let h = h.checked_add(top)?.checked_add(bottom)?.checked_sub(kh - 1)?;
        Some([h, w.checked_add(left)?.checked_add(right)?.checked_sub(kw - 1)?])
    }
}

/// The layer of the input's gradient with this layer's weights. Its memory is the scratch's, on loan.
fn turned<K: Differentiable>(layer: &K, work: &mut Work<K::Elem>) -> K::InputGradient {
    let (config, adjoint) = (const { &K::CONFIG }, const { &K::InputGradient::CONFIG });
    let ParametersRef { isa, original, weights, .. } = layer.parameters();
    let [from, to] = [run::scheme::<K>(isa), run::scheme::<K::InputGradient>(isa)];
    let taps = config.kernel_size[0] * config.kernel_size[1];
    let plain = work.weights.take(config.out_channels * config.in_per_group() * taps);
    match original {
        Some(original) => plain.copy_from_slice(original),
        None => unpack_into(weights, config, from, plain),
    }

    let width = packed_channels(to, adjoint.out_per_group());
    let rows = adjoint.in_per_group() * adjoint.kernel_size[0] * adjoint.kernel_size[1];
    let mut turned = core::mem::take(&mut work.turned);
    let mut bias = core::mem::take(&mut work.bias);
    bias.take(width * config.groups).fill(K::Elem::ZERO);
    let packed = turned.take(width * rows * config.groups);
    packed.fill(K::Elem::ZERO);
    let turn = Turn { config, adjoint, axes: Axis::of(config), taps };
    for (plain, packed) in
        plain.chunks_exact(plain.len() / config.groups).zip(packed.chunks_exact_mut(width * rows))
    {
        for block in blocks(to, adjoint.out_per_group()) {
            turn.block(block, plain, &mut packed[block.first * rows..][..block.width * rows]);
        }
    }
    K::InputGradient::from_parameters(Parameters { isa, original: None, weights: turned, bias })
}

/// How weights are packed for the layer of the input's gradient.
struct Turn<'a> {
    config: &'a Conv2dConfig,
    adjoint: &'a Conv2dConfig,
    axes: [Axis; 2],
    taps: usize,
}

impl Turn<'_> {
    /// One block of a group, `[tap][out channel][width]`, which is zero where a residue has no such tap.
    fn block<E: Element>(&self, block: Block, plain: &[E], packed: &mut [E]) {
        let depth = self.config.in_per_group();
        let from = self.taps * depth;
        let outs = self.config.out_per_group();
        let mut first = 0;
        // Each run of lanes that belong to one residue.
        while first < block.channels {
            let (residue, channel) = ((block.first + first) / depth, (block.first + first) % depth);
            let run = (depth - channel).min(block.channels - first);
            for (o, weights) in plain.chunks_exact(from).enumerate() {
                for (tap, place) in self.taps_of(residue) {
                    let row = &mut packed[(place * outs + o) * block.width + first..][..run];
                    let weights = weights[channel * self.taps + tap..].iter().step_by(self.taps);
                    for (to, from) in row.iter_mut().zip(weights) {
                        *to = *from;
                    }
                }
            }
            first += run;
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
}
