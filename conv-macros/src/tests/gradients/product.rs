//! The input's gradient as a product, from weights as they are packed for `forward`.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::interp;
use super::case::number;
use super::{check, line};
use crate::backward::Adjoint;
use crate::lower::lower_product;
use crate::nest::{Buffer, Size};
use crate::plan::{Machine, Plan, ProductPlan, Tile, candidates, plan, plan_product, product_tiles};
use crate::spec::{Dtype, Hw, Spec};

/// One group of a layer that reads each place once: rows of weights, and pixels of the gradient.
struct Product<'a> {
    spec: &'a Spec,
    plan: &'a ProductPlan,
    pixels: usize,
}

impl Product<'_> {
    /// A row is an input channel at a tap: all channels of the first tap come first.
    fn rows(&self) -> usize {
        self.spec.terms()
    }

    fn weight(row: usize, o: usize) -> f64 {
        number(3 * row + 4 * o)
    }

    fn gradient(&self, o: usize, pixel: usize) -> f64 {
        number(2 * (o * self.pixels + pixel) + 1)
    }

    fn expected(&self) -> Vec<f64> {
        let sum = |at: usize| {
            let (row, pixel) = (at / self.pixels, at % self.pixels);
            (0..self.spec.out_per_group()).map(|o| Self::weight(row, o) * self.gradient(o, pixel)).sum()
        };
        (0..self.rows() * self.pixels).map(sum).collect()
    }

    /// Block by block, and the rows in two parts, as two threads would.
    fn actual(&self) -> Vec<f64> {
        let half = self.rows() / 2 / self.plan.rows * self.plan.rows;
        [(0, half), (half, self.rows())].into_iter().flat_map(|(from, to)| self.part(from, to)).collect()
    }

    fn part(&self, from: usize, to: usize) -> Vec<f64> {
        let (spec, plan, pixels) = (self.spec, self.plan, self.pixels);
        let adjoint = Adjoint::of(spec).expect("small").spec;
        let (outs, lanes) = (spec.out_per_group(), plan.machine.lanes);
        let (pitch, columns) = (plan.packed(outs), pixels % lanes);
        let last = |at: usize| match at % pitch {
            o if o < outs => self.gradient(o, pixels - columns + at / pitch),
            _ => 0.0,
        };
        let last: Vec<_> = (0..columns * pitch).map(last).collect();
        let mut sums = vec![0.0; (to - from) * pixels];
        let mut first = 0;
        while first < outs {
            let blocks = ((outs - first) / plan.block).min(plan.blocks());
            let tail = blocks == 0;
            let width = if tail { plan.tail } else { plan.block };
            let all = self.rows() * width;
            let weight = |at: usize| match first + at / all * width + at % width {
                o if o < outs => Self::weight(at % all / width, o),
                _ => 0.0,
            };
            let weights = (from * width..blocks.max(1) * all).map(weight).collect();
            let gradient = |at: usize| self.gradient(first + at / pixels, at % pixels);
            let gradient = (0..(outs - first) * pixels).map(gradient).collect();
            let buffers = [
                (Buffer::Weights, weights),
                (Buffer::Gradient, gradient),
                (Buffer::Image, last.get(first..).unwrap_or_default().to_vec()),
                (Buffer::Output, sums),
            ];
            let sizes = [(Size::Outs, to - from), (Size::OutW, pixels), (Size::Groups, blocks)];
            sums = interp::run(&lower_product(&adjoint, plan, tail), &sizes, buffers);
            first += blocks.max(1) * width;
        }
        sums
    }
}

/// What `forward` may be planned as, if that is by output channels.
fn by_channels(spec: &Spec, machine: Machine) -> Vec<Plan> {
    let plans = candidates(spec, machine).into_iter();
    plans.filter(|plan| matches!(plan.tile, Tile::Channels { .. })).collect()
}

/// Rows and pixels that fill no tile, output channels that fill no block, patches, several groups.
#[test]
fn random_products_are_the_definition() {
    let channels = (prop_oneof![1usize..40, 1usize..4], prop_oneof![1usize..90, 1usize..4]);
    let image = (1usize..9, 1usize..30, any::<bool>(), 1usize..3);
    let dtype = prop_oneof![Just(Dtype::F32), Just(Dtype::F64)];
    let kernel = (1usize..4, 0usize..2);
    let which = (0usize..3, any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let strategy = (channels, image, kernel, (which, dtype));
    check(
        1_500,
        &strategy,
        |((ins, outs), (h, w, known, groups), (kernel, more), ((width, tile, block), dtype))| {
            let image = Hw { h: h * (kernel + more), w: w * (kernel + more) };
            let spec =
                Spec { input: known.then_some(image), groups, dtype, ..line(kernel, kernel + more, 1) };
            let spec = Spec {
                kernel: Hw { h: kernel, w: kernel },
                stride: Hw { h: kernel + more, ..spec.stride },
                ..spec
            };
            let spec = Spec { in_channels: ins * groups, out_channels: outs * groups, ..spec };
            prop_assume!(spec.macs(image) < 200_000);
            let forward = by_channels(&spec, Machine::new(Machine::WIDTHS[width], dtype));
            let adjoint = Adjoint::of(&spec).expect("small").spec;
            let plans = product_tiles(&adjoint, &forward[block.index(forward.len())]);
            let plan = &plans[tile.index(plans.len())];
            let out = spec.output(image).expect("fits");
            let product = Product { spec: &spec, plan, pixels: out.h * out.w };
            prop_assert_eq!(product.actual(), product.expected(), "{:?}", plan);
            Ok(())
        },
    );
}

/// Weights are turned where pixels are many, or taps meet the same places.
#[test]
fn weights_of_few_pixels_are_taken_as_they_are() {
    let layer = |channels: [usize; 2], kernel, side| {
        let side = Hw { h: side, w: side };
        let layer = Spec { input: Some(side), ..line(kernel, 1, 1) };
        Spec {
            in_channels: channels[0],
            out_channels: channels[1],
            kernel: Hw { h: kernel, w: kernel },
            ..layer
        }
    };
    let are_products = |spec: &Spec| {
        let adjoint = Adjoint::of(spec).expect("small").spec;
        let straight = |bits| {
            let machine = Machine::new(bits, spec.dtype);
            plan_product(&adjoint, &plan(spec, machine), &plan(&adjoint, machine)).is_some()
        };
        Machine::WIDTHS.map(straight).into_iter().collect::<BTreeSet<_>>()
    };
    assert_eq!(are_products(&layer([512, 2048], 1, 7)), [true].into());
    assert_eq!(are_products(&layer([512, 512], 3, 7)), [false].into());
    assert_eq!(are_products(&layer([64, 64], 1, 112)), [false].into());
}
