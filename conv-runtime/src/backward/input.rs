//! The input's gradient: the layer's weights turned around, run over the output's gradient.
//!
//! Along one axis, the padded image's gradient at `u` is the sum of `weight[i] * grad[y]` over all
//! `y * stride + i * dilation = u`. With `step = stride / gcd(stride, dilation)`, the taps of residue `r`
//! modulo `step` all meet the same places `u = stride * v + r * dilation`, where they are a convolution of
//! stride 1. The generated layer computes all residues at once, `[group][residue][in channel]` side by side
//! in its output; `fold` (fold.rs) puts them where they belong.
//!
//! Where each residue has one tap, that is a product of matrices, and may be computed without turning anything.

use super::fold::Axis;
use super::product::Pass;
use super::turn::Turn;
use crate::backward::{Differentiable, FoldJob, Product};
use crate::element::sealed::Sealed as _;
use crate::kernel::{Kernel, Parameters, Trainable};
use crate::run::MakeBlock;
use crate::scratch::Scratch;
use crate::{Conv2dConfig, Element, Isa, run};

/// Runs over a batch; `None` if the scratch cannot be counted.
pub(super) fn run<K: Differentiable>(
    layer: &K,
    sizes: [[usize; 2]; 2],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    match layer.parameters().isa.choose(const { K::PRODUCTS }) {
        Some(by) => product(layer, by, sizes, grad, to, scratch),
        None => turned(layer, sizes, grad, to, scratch),
    }
}

/// As a product with the layer's own weights.
fn product<K: Differentiable>(
    layer: &K,
    by: Product,
    sizes: [[usize; 2]; 2],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let [image, out] = sizes;
    let mut memory = core::mem::take(&mut K::Elem::work(scratch).gradient);
    let mut product = Pass::new(layer, by, out[0] * out[1], &mut memory)?;
    let done = if const { K::FOLDS } {
        let isa = layer.parameters().isa;
        folded::<K>(isa, [image, out, out], grad, to, scratch, |group, grad, to, _| {
            product.run(group, grad, to);
            Some(())
        })
    } else {
        let config = const { &K::CONFIG };
        let [from, each] = [config.out_per_group(), config.in_per_group()].map(|n| n * out[0] * out[1]);
        for (at, (grad, to)) in grad.chunks_exact(from).zip(to.chunks_exact_mut(each)).enumerate() {
            product.run(at % config.groups, grad, to);
        }
        Some(())
    };
    K::Elem::work(scratch).gradient = memory;
    done
}

/// As a layer with turned weights. Its weights and biases are the scratch's, on loan.
fn turned<K: Differentiable>(
    layer: &K,
    sizes: [[usize; 2]; 2],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
) -> Option<()> {
    let ([image, out], config) = (sizes, const { &K::CONFIG });
    let places = if const { K::FOLDS } { const { &K::InputGradient::CONFIG }.places(out)? } else { image };
    let images = to.len() / (image[0] * image[1] * config.in_channels);
    let work = K::Elem::work(scratch);
    let mut plain = core::mem::take(&mut work.weights);
    let (mut weights, mut bias) = (core::mem::take(&mut work.turned), core::mem::take(&mut work.bias));
    let turn = Turn::new(layer, &mut plain)?;
    bias.take(turn.channels())?.fill(K::Elem::ZERO);
    let once = turn.is_needed_once(images, [out, places]);
    if once == Some(false) {
        turn.all(weights.take(turn.len())?);
    }
    let isa = layer.parameters().isa;
    let parameters = Parameters { isa, original: None, weights, bias };
    let turned = K::InputGradient::from_parameters(parameters);
    let make = (once == Some(true)).then_some(&turn as &dyn MakeBlock<_>);
    let done = if const { K::FOLDS } {
        folded::<K>(isa, [image, out, places], grad, to, scratch, |group, grad, to, scratch| {
            let memory = K::Elem::buffer(scratch);
            run::run_on_threads(&turned, make, group, [out, places], grad, to, move |len| memory.take(len))
        })
    } else {
        let memory = K::Elem::buffer(scratch);
        run::run_on_threads(&turned, make, 0, [out, image], grad, to, |len| memory.take(len))
    };
    let Parameters { weights, bias, .. } = turned.into_parameters();
    let work = K::Elem::work(scratch);
    (work.weights, work.turned, work.bias) = (plain, weights, bias);
    once.and(done)
}

/// Group by group, by way of the padded image's gradient, which `compute` makes of the output's.
fn folded<K: Differentiable>(
    isa: Isa,
    [image, out, places]: [[usize; 2]; 3],
    grad: &[K::Elem],
    to: &mut [K::Elem],
    scratch: &mut Scratch,
    mut compute: impl FnMut(usize, &[K::Elem], &mut [K::Elem], &mut Scratch) -> Option<()>,
) -> Option<()> {
    let config = const { &K::CONFIG };
    let [rows, columns] = Axis::of(config);
    let channels = config.in_per_group().checked_mul(rows.residues)?.checked_mul(columns.residues)?;
    let elements = places[0].checked_mul(places[1])?.checked_mul(channels)?;
    let mut planes = core::mem::take(&mut K::Elem::work(scratch).planes);
    let buffer = planes.take(elements)?;
    let (from, each) =
        (config.out_per_group() * out[0] * out[1], config.in_per_group() * image[0] * image[1]);
    let mut done = Some(());
    for (at, (grad, to)) in grad.chunks_exact(from).zip(to.chunks_exact_mut(each)).enumerate() {
        let computed = compute(at % config.groups, grad, &mut *buffer, &mut *scratch);
        done = done.and(computed);
        K::Elem::fold(isa.level(), FoldJob { config, size: image, places }, buffer, to);
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
