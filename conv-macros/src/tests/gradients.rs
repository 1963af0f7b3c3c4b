//! Random layers' gradients: the kernels of the weight's through the interpreter, every tile that a plan may
//! take, and the layer of the input's, as the mathematics that it is. Values are small integers, so results
//! are exact.

mod case;
mod product;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::case::{Case, number};
use super::cases::{in_place, size, smallest, spec};
use crate::backward::Adjoint;
use crate::plan::{Machine, SumsTile, Tile, plan, plan_sums, sums_candidates};
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Pattern, Spec};

prop_compose! {
    fn case()(spec in spec(), more_h in size(), more_w in size(), band in 1usize..8) -> Case {
        let image = smallest(&spec, more_h, more_w);
        Case { spec, image, band }
    }
}

fn check<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        max_global_rejects: 20 * cases,
        ..Config::default()
    });
    if let Err(error) = runner.run(strategy, test) {
        panic!("{error}");
    }
}

#[test]
fn random_sums_in_place_are_the_definition() {
    let strategy = (in_place(), 0usize..3, any::<prop::sample::Index>());
    check(4_000, &strategy, |(layer, width, tile)| {
        let case = Case { spec: layer.spec, image: layer.image, band: 1 };
        let machine = Machine::new(Machine::WIDTHS[width], case.spec.dtype);
        let plans = sums_candidates(&case.spec, machine).into_iter();
        let plans: Vec<_> = plans.filter(|plan| matches!(plan.tile, SumsTile::InPlace { .. })).collect();
        prop_assume!(!plans.is_empty());
        let plan = &plans[tile.index(plans.len())];
        prop_assert_eq!(case.actual(plan), [case.expected(0), case.expected(1)].concat(), "{:?}", plan);
        Ok(())
    });
}

/// Several bands, blocks of channels, channels and pixels that fill no tile.
#[test]
fn random_sums_of_one_tap_are_the_definition() {
    let channels = prop_oneof![1usize..12, 1usize..4, 40usize..70];
    let image = (1usize..60, 1usize..60, any::<bool>(), 1usize..3, 1usize..60);
    let strategy = (channels.clone(), channels, image, 0usize..3, any::<prop::sample::Index>());
    check(600, &strategy, |(in_channels, out_channels, (h, w, known, groups, band), width, tile)| {
        let image = Hw { h, w };
        let channels = (in_channels * groups, out_channels * groups);
        let dtype = if known { Dtype::F32 } else { Dtype::F64 };
        let spec = Spec { input: known.then_some(image), groups, dtype, ..line(1, 1, 1) };
        let spec = Spec { in_channels: channels.0, out_channels: channels.1, ..spec };
        prop_assume!(spec.macs(image) < 200_000);
        let plans = sums_candidates(&spec, Machine::new(Machine::WIDTHS[width], dtype)).into_iter();
        let of_one_tap = |tile| matches!(tile, SumsTile::Planes { .. } | SumsTile::InChannels { .. });
        let plans: Vec<_> = plans.filter(|plan| of_one_tap(plan.tile)).collect();
        let (case, plan) = (Case { spec, image, band }, &plans[tile.index(plans.len())]);
        let expected: Vec<_> = (0..Case::groups(plan)).flat_map(|group| case.expected(group)).collect();
        prop_assert_eq!(case.actual(plan), expected, "{:?}", plan);
        Ok(())
    });
}

/// Whether the image is copied for a layer of one tap depends on how many channels share the copy, and on how many pixels
/// a tile adds up before it adds up its lanes.
#[test]
fn large_images_of_few_channels_are_summed_in_place() {
    let layer = |in_channels, out_channels, side| {
        let layer = Spec { input: Some(Hw { h: side, w: side }), ..line(1, 1, 1) };
        Spec { in_channels, out_channels, ..layer }
    };
    let tiles =
        |layer: &Spec| Machine::WIDTHS.map(|bits| plan_sums(layer, Machine::new(bits, Dtype::F32)).tile);
    let large = tiles(&layer(96, 24, 56)).map(|tile| matches!(tile, SumsTile::Planes { .. }));
    assert_eq!(large, [true; 3]);
    let small = tiles(&layer(512, 2048, 7)).map(|tile| matches!(tile, SumsTile::InChannels { .. }));
    assert_eq!(small, [true; 3]);
}

#[test]
fn random_sums_are_the_definition() {
    let strategy = (case(), 0usize..3, any::<prop::sample::Index>(), any::<bool>());
    check(4_000, &strategy, |(case, width, tile, best)| {
        // The interpreter is slow: a few pixels tell as much as many.
        prop_assume!(case.spec.macs(case.image) < 100_000);
        let machine = Machine::new(Machine::WIDTHS[width], case.spec.dtype);
        let all = sums_candidates(&case.spec, machine);
        let plan = if best { plan_sums(&case.spec, machine) } else { all[tile.index(all.len())].clone() };
        let expected: Vec<_> = (0..Case::groups(&plan)).flat_map(|group| case.expected(group)).collect();
        prop_assert_eq!(case.actual(&plan), expected, "{:?}", plan);
        Ok(())
    });
}

/// Residues, and from one tap of a residue to the next.
pub(super) fn residues(kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let step = (1..=stride).find(|step| (step * dilation).is_multiple_of(stride)).expect("the stride itself");
    (step.min(kernel), step)
}

/// Along one axis: the adjoint's output at place `v` of residue `r` is the padded image's gradient at
/// `stride * v + r * dilation`.
#[test]
fn the_adjoint_is_the_transpose() {
    let axis = (1usize..8, 1usize..7, 1usize..7, 1usize..9, 0usize..5);
    check(4_000, &axis, |(kernel, stride, dilation, out, padding)| {
        let mut spec = line(kernel, stride, dilation);
        (spec.padding.left, spec.padding.right) = (padding, padding);
        let extent = spec.effective_kernel().w;
        let padded = (out - 1) * stride + extent;
        prop_assume!(padded > 2 * padding);
        let mut expected = vec![0.0; padded];
        for y in 0..out {
            for i in 0..kernel {
                expected[y * stride + i * dilation] += number(i) * number(y + 3);
            }
        }
        let Adjoint { spec: adjoint, folds } = Adjoint::of(&spec).expect("small");
        let (residues, step) = residues(kernel, stride, dilation);
        prop_assert_eq!(adjoint.out_channels, residues);
        let mut actual = vec![0.0; padded];
        let first = if folds { 0 } else { padding };
        let places = adjoint.output(Hw { h: 1, w: out }).expect("fits").w;
        for r in 0..residues {
            for v in 0..places {
                let terms = (0..adjoint.kernel.w).filter_map(|t| {
                    let tap = r + (adjoint.kernel.w - 1 - t) * step;
                    let y = (v + t * adjoint.dilation.w).checked_sub(adjoint.padding.left)?;
                    (tap < kernel && y < out).then(|| number(tap) * number(y + 3))
                });
                let (sum, at) = (terms.sum::<f64>(), first + v * stride + r * dilation);
                prop_assert!(at < padded || sum == 0.0);
                if at < padded {
                    actual[at] += sum;
                }
            }
        }
        let inside = first..padded - first;
        prop_assert_eq!(&actual[inside.clone()], &expected[inside], "{:?}", adjoint);
        Ok(())
    });
}

/// The input's gradient filters minimally where the layer itself may.
#[test]
fn the_adjoint_has_the_layer_s_algorithm() {
    let side = |n| Hw { h: n, w: n };
    let layer = Spec { in_channels: 64, out_channels: 64, kernel: side(3), ..line(3, 1, 1) };
    let filters = |spec: Spec| {
        let adjoint = Adjoint::of(&spec).expect("small").spec;
        let plans = Machine::WIDTHS.map(|bits| plan(&adjoint, Machine::new(bits, spec.dtype)));
        plans.map(|plan| matches!(plan.tile, Tile::Winograd { .. }))
    };
    assert_eq!(filters(layer.clone()), [true; 3]);
    assert_eq!(filters(Spec { algorithm: Algorithm::Direct, ..layer.clone() }), [false; 3]);
    assert_eq!(filters(Spec { stride: side(2), ..layer.clone() }), [false; 3]);
    let forced = Spec { in_channels: 1, out_channels: 1, algorithm: Algorithm::Winograd, ..layer };
    assert_eq!(filters(forced), [true; 3]);
}

/// A layer whose kernel is a row.
fn line(kernel: usize, stride: usize, dilation: usize) -> Spec {
    let row = |w| Hw { h: 1, w };
    Spec {
        in_channels: 1,
        out_channels: 1,
        kernel: row(kernel),
        stride: row(stride),
        dilation: row(dilation),
        padding: Padding::NONE,
        padding_mode: PaddingMode::Zeros,
        groups: 1,
        bias: false,
        dtype: Dtype::F32,
        input: None,
        algorithm: Algorithm::Auto,
        pattern: Pattern::default(),
        adjoint: None,
    }
}
