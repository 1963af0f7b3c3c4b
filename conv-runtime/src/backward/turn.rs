//! The weights of the layer that computes the input's gradient: taps in the opposite order, input channels and
//! output channels exchanged, residue by residue.
//!
//! They are made for every call, so it matters how. A tap's weights, as they are packed for `forward`, are a
//! matrix of input channels by output channels, and those of the other layer are its transpose. Where each block's are
//! needed once, they are made just then, and come and go in the cache: those of a layer of many channels are several
//! megabytes. Where a product with the weights as they are takes less time, none is turned: see product.rs.

use super::copies::Matrix;
use super::fold::Axis;
use crate::backward::Differentiable;
use crate::extent::Extent;
use crate::filtering::{Filtering, Kernels, MOST_TAPS};
use crate::kernel::{Kernel, ParametersRef, Scheme};
use crate::memory::Resident;
use crate::pack::{Block, blocks, packed_channels, terms, unpack_into};
use crate::run::MakeBlock;
use crate::{Conv2dConfig, Element, Isa, run};
use core::iter;

/// From which layer to which.
pub(super) struct Turn<'a, E> {
    isa: Isa,
    config: &'a Conv2dConfig,
    adjoint: &'a Conv2dConfig,
    axes: [Axis; 2],
    from: Given<'a, E>,
    /// How the turned weights are packed.
    to: &'a Scheme,
}

/// Lanes of a block that belong to one residue: the first of them, its input channel, and how many.
struct Run {
    residue: usize,
    first: usize,
    channel: usize,
    count: usize,
}

/// The layer's weights.
enum Given<'a, E> {
    /// As they are packed for `forward`.
    Packed(&'a Scheme, &'a [E]),
    /// In torch's order: of a layer that filters minimally, or whose gradient does.
    Plain(&'a [E]),
}

impl<'a, E: Element> Turn<'a, E> {
    /// `plain` is memory for the weights in torch's order, if they must be unpacked first; `None` if there is too little.
    pub(super) fn new<K: Differentiable<Elem = E>>(layer: &'a K, plain: &'a mut Resident<E>) -> Option<Self> {
        let (config, adjoint) = (const { &K::CONFIG }, const { &K::InputGradient::CONFIG });
        let ParametersRef { isa, original, weights, .. } = layer.parameters();
        let [scheme, to] = [run::scheme::<K>(isa), run::scheme::<K::InputGradient>(isa)];
        let from = match (original, &to.filtering) {
            (Some(original), _) => Given::Plain(original),
            (None, None) => Given::Packed(scheme, weights),
            (None, Some(_)) => {
                let plain = plain.take(config.weight_shape().into_iter().product())?;
                unpack_into(weights, config, scheme, plain);
                Given::Plain(plain)
            }
        };
        Some(Self { isa, config, adjoint, axes: Axis::of(config), from, to })
    }

    /// Output channels of the turned layer, filling lanes included.
    pub(super) fn channels(&self) -> usize {
        packed_channels(self.to, self.adjoint.out_per_group()) * self.config.groups
    }

    /// Elements of all turned weights.
    pub(super) fn len(&self) -> usize {
        self.channels() * terms(self.adjoint, self.to)
    }

    /// Whether a call of the turned layer over images of these sizes needs each weight once; `None` if a size cannot be
    /// counted.
    pub(super) fn is_needed_once(&self, images: usize, [image, out]: [[usize; 2]; 2]) -> Option<bool> {
        let extent = Extent::new::<E>(self.to, self.adjoint, image, out)?;
        Some(images == 1 && self.config.groups == 1 && extent.bands().count() == 1)
    }

    /// Turns all weights.
    pub(super) fn all(&self, packed: &mut [E]) {
        let (config, terms) = (self.config, terms(self.adjoint, self.to));
        let each = packed.len() / config.groups;
        if let Given::Packed(scheme, weights) = self.from
            && config.groups > 1
            && [config.out_per_group(), config.in_per_group()] == [1, 1]
        {
            return self.depthwise(scheme, weights, packed);
        }
        for (group, packed) in packed.chunks_exact_mut(each).enumerate() {
            for block in blocks(self.to, self.adjoint.out_per_group()) {
                self.make(group, block, &mut packed[block.first * terms..][..block.width * terms]);
            }
        }
    }

    /// Whether some of a block's turned weights belong to no tap or to no channel.
    fn has_gaps(&self, block: Block) -> bool {
        let taps = self.adjoint.out_per_group() * self.adjoint.kernel_size.iter().product::<usize>();
        let own = self.config.in_per_group() * self.config.kernel_size.iter().product::<usize>();
        taps != own || block.channels != block.width
    }

    /// Turns the weights of groups of one channel, tap by tap: to go block by block would take most of the time that
    /// a small layer's gradient takes.
    fn depthwise(&self, scheme: &Scheme, weights: &[E], packed: &mut [E]) {
        let (groups, to_terms) = (self.config.groups, terms(self.adjoint, self.to));
        let [from_each, to_each] =
            [packed_channels(scheme, 1) * terms(self.config, scheme), packed.len() / groups];
        if blocks(self.to, self.adjoint.out_per_group()).any(|block| self.has_gaps(block)) {
            packed.fill(E::ZERO);
        }
        let weights = &weights[..groups * from_each];
        let apart = from_each / terms(self.config, scheme);
        for block in blocks(self.to, self.adjoint.out_per_group()) {
            let packed = &mut packed[block.first * to_terms..];
            for channel in 0..block.channels {
                for (tap, place) in self.taps_of(block.first + channel) {
                    let from = weights[tap * apart..].iter().step_by(from_each);
                    let places = packed[place * block.width + channel..].iter_mut().step_by(to_each);
                    places.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// Turns packed weights of one group: each run of lanes that belong to one residue, from each of the layer's blocks.
    fn packed(&self, scheme: &Scheme, weights: &[E], block: Block, to: &mut [E]) {
        let (depth, outs) = (self.config.in_per_group(), self.config.out_per_group());
        for Run { residue, channel, first, count: rows } in self.runs(block) {
            for from in blocks(scheme, outs) {
                let weights = &weights[from.first * terms(self.config, scheme)..];
                for (tap, place) in self.taps_of(residue) {
                    let values = &weights[(tap * depth + channel) * from.width..];
                    let matrix = Matrix { values, rows, columns: from.channels, stride: from.width };
                    let at = (place * outs + from.first) * block.width + first;
                    matrix.transpose(self.isa, &mut to[at..], block.width);
                }
            }
        }
    }

    /// The lanes of a block, those of each residue by themselves.
    fn runs(&self, block: Block) -> impl Iterator<Item = Run> {
        let (depth, mut first) = (self.config.in_per_group(), 0);
        iter::from_fn(move || {
            let (residue, channel) = ((block.first + first) / depth, (block.first + first) % depth);
            let run = Run { residue, channel, first, count: (depth - channel).min(block.channels - first) };
            first += run.count;
            (run.count > 0).then_some(run)
        })
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

    /// Turns weights of one group in torch's order. A tap's weights are as many apart as there are
    /// taps: to pick them one by one is faster than to transpose squares of which a part is taps, and a tenth faster
    /// yet where the compiler knows how many taps there are.
    fn plain(&self, weights: &[E], block: Block, to: &mut [E]) {
        // Found once for all rows.
        let places = |residue| {
            let mut places = [None; MOST_TAPS];
            self.taps_of(residue).for_each(|(tap, place)| places[tap] = Some(place));
            move |tap: usize| places[tap]
        };
        let nine = weights.as_chunks::<9>().0.iter().map(|kernel| &kernel[..]);
        let is_whole = self.axes.iter().all(|axis| axis.residues == 1);
        match self.config.kernel_size.iter().product() {
            9 if is_whole => self.pick(9, &nine, |_| |tap| Some(8 - tap), block, to),
            9 => self.pick(9, &nine, places, block, to),
            taps => self.pick(taps, &weights.chunks_exact(taps), places, block, to),
        }
    }

    /// Picks the weights of one output channel tap by tap, each a whole row of the block: the rows of two taps are often as
    /// far apart as a power of two, and the cache would have forgotten the first part of one when the second comes.
    #[inline(always)]
    fn pick<'w, P: Fn(usize) -> Option<usize>>(
        &self,
        taps: usize,
        kernels: &(impl Iterator<Item = &'w [E]> + Clone),
        places: impl Fn(usize) -> P,
        block: Block,
        to: &mut [E],
    ) where
        E: 'w,
    {
        let (outs, depth) = (self.config.out_per_group(), self.config.in_per_group());
        for Run { residue, channel, first, count } in self.runs(block) {
            let place = places(residue);
            for o in 0..outs {
                let kernels = kernels.clone().skip(o * depth + channel);
                for tap in 0..taps {
                    let Some(place) = place(tap) else { continue };
                    let row = &mut to[(place * outs + o) * block.width + first..][..count];
                    row.iter_mut().zip(kernels.clone()).for_each(|(to, kernel)| *to = kernel[tap]);
                }
            }
        }
    }

    /// Turns and transforms weights of one group in torch's order, of a layer of stride 1.
    fn transform(&self, filtering: &Filtering, weights: &[E], block: Block, to: &mut [E]) {
        let (outs, size) = (self.config.out_per_group(), self.config.kernel_size);
        let apart = size[0] * size[1];
        for (o, weights) in weights.chunks_exact(self.each_out()).enumerate() {
            let values = &weights[block.first * apart..];
            let kernels = Kernels { values, apart, count: block.channels, size, turned: true };
            E::transform(
                self.isa.level(),
                filtering,
                kernels,
                &mut to[o * block.width..],
                outs * block.width,
            );
        }
    }

    /// Weights of one output channel, in torch's order.
    fn each_out(&self) -> usize {
        self.config.in_per_group() * self.config.kernel_size.iter().product::<usize>()
    }
}

impl<E: Element> MakeBlock<E> for Turn<'_, E> {
    fn make(&self, group: usize, block: Block, to: &mut [E]) {
        if self.has_gaps(block) {
            to.fill(E::ZERO);
        }
        let (config, outs) = (self.config, self.config.out_per_group());
        match (&self.from, &self.to.filtering) {
            (Given::Packed(scheme, weights), _) => {
                let each = packed_channels(scheme, outs) * terms(config, scheme);
                self.packed(scheme, &weights[group * each..][..each], block, to);
            }
            (Given::Plain(weights), filtering) => {
                let each = outs * self.each_out();
                let weights = &weights[group * each..][..each];
                match filtering {
                    Some(filtering) => self.transform(filtering, weights, block, to),
                    None => self.plain(weights, block, to),
                }
            }
        }
    }
}
