//! The input's gradient: the layer's weights turned around, run over the output's gradient.
//!
//! Along one axis, the padded image's gradient at `u` is the sum of `weight[i] * grad[y]` over all
//! `y * stride + i * dilation = u`. With `step = stride / gcd(stride, dilation)`, the taps of residue `r`
//! modulo `step` all meet the same places `u = stride * v + r * dilation`, where they are a convolution of
//! stride 1. The generated layer computes all residues at once, `[group][residue][in channel]` side by side
//! in its output; `fold` (fold.rs) puts them where they belong.

use super::turn::turned;
use crate::backward::{Differentiable, FoldJob};
use crate::element::sealed::Sealed as _;
use crate::kernel::{Kernel, Parameters, Trainable};
use crate::scratch::Scratch;
use crate::{Conv2dConfig, run};

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
        run::run_on_threads(&turned, 0, [out, image], grad, to, |len| {
            Some(K::Elem::buffer(scratch).take(len))
        })
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
    let (mut done, level) = (Some(()), turned.parameters().isa.level());
    for (at, (grad, to)) in grad.chunks_exact(from).zip(to.chunks_exact_mut(each)).enumerate() {
        let memory = K::Elem::buffer(scratch);
        let (group, sizes) = (at % config.groups, [out, places]);
        let run =
            || run::run_on_threads(turned, group, sizes, grad, buffer, move |len| Some(memory.take(len)));
        done = done.and_then(|()| run());
        K::Elem::fold(level, FoldJob { config, size: image, places }, buffer, to);
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
