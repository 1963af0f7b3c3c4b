//! Random layers for the interpreter: any of them, those with channels enough to filter minimally, and those that
//! compute an input's gradient. Each comes with an image, and with one of the tiles that a plan may take.

use proptest::prelude::*;

use super::layers::Case;
use super::pattern::Weights;
use crate::backward::Adjoint;
use crate::lower::tiny::Whole;
use crate::plan::{Bands, Geometry, Machine, Plan, Tile, candidates, plan};
use crate::spec::{Algorithm, Dtype, Hw, Padding, PaddingMode, Pattern, Spec};

/// Sizes at the edges of tiles: around multiples of the vectors, and the smallest.
pub(super) fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..6, 7usize..10, 14usize..19, Just(31), Just(33)]
}

fn axis() -> impl Strategy<Value = (usize, usize, usize)> {
    (prop_oneof![4 => 1usize..4, 1 => 4usize..8], 1usize..4, prop_oneof![3 => Just(1usize), 1 => 2usize..4])
}

fn mode() -> impl Strategy<Value = PaddingMode> {
    prop_oneof![
        Just(PaddingMode::Zeros),
        Just(PaddingMode::Reflect),
        Just(PaddingMode::Replicate),
        Just(PaddingMode::Circular)
    ]
}

prop_compose! {
    pub(super) fn spec()(
        ((kh, sh, dh), (kw, sw, dw)) in (axis(), axis()),
        (depth, out, groups) in (1usize..4, prop_oneof![1usize..5, 6usize..20, Just(33)], 1usize..3),
        (top, bottom, left, right) in (0usize..3, 0usize..3, 0usize..3, 0usize..3),
        (padding_mode, padded, dtype) in (mode(), any::<bool>(), prop_oneof![Just(Dtype::F32), Just(Dtype::F64)]),
    ) -> Spec {
        let padding = if padded { Padding { top, bottom, left, right } } else { Padding::NONE };
        Spec {
            in_channels: depth * groups,
            out_channels: out * groups,
            kernel: Hw { h: kh, w: kw },
            stride: Hw { h: sh, w: sw },
            dilation: Hw { h: dh, w: dw },
            padding,
            padding_mode,
            groups,
            bias: true,
            dtype,
            input: None,
            algorithm: Algorithm::Auto,
            pattern: Pattern::default(),
            adjoint: None,
        }
    }
}

/// Any layer with an image that it accepts, and any of its tiles.
pub(super) fn case() -> impl Strategy<Value = Case> {
    let extra = prop_oneof![Just(0usize), size()];
    let weights = prop_oneof![
        Just(Weights::Unknown),
        Just(Weights::Mixed),
        Just(Weights::Taps),
        Just(Weights::Channels)
    ];
    let choice = (0usize..6, any::<prop::sample::Index>(), any::<bool>());
    (spec(), extra.clone(), extra, any::<bool>(), weights, choice).prop_map(
        |(mut spec, more_h, more_w, known, weights, (width, tile, best))| {
            // Pointwise layers are rare among random kernels, and have paths of their own.
            if more_h % 5 == 1 {
                spec.kernel = Hw { h: 1, w: 1 };
                spec.stride = if more_w % 2 == 0 { Hw { h: 1, w: 1 } } else { spec.stride };
                spec.padding = Padding::NONE;
            }
            // So are patches.
            if more_h % 5 == 2 {
                spec.stride = spec.effective_kernel();
                spec.padding = Padding::NONE;
            }
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            spec.pattern = weights.pattern(&spec);
            let machine = machine(width, spec.dtype);
            let mut plan = if best {
                plan(&spec, machine)
            } else {
                let all = candidates(&spec, machine);
                all[tile.index(all.len())].clone()
            };
            // Images are small here: only low bands are bands at all.
            if plan.bands != Bands::ONE {
                plan.bands.bytes = tile.index(2048);
                plan.bands.least = 1 + tile.index(3);
            }
            plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
            Case { spec, weights, image, plan, adjoint_of: None }
        },
    )
}

/// A layer with channels enough for minimal filtering, and one of its plans that filter so.
pub(super) fn filtered() -> impl Strategy<Value = Case> {
    let channels = (1usize..11, prop_oneof![1usize..19, 32usize..34]);
    let taps = || prop_oneof![2 => Just(3usize), 1 => Just(5), 1 => Just(1)];
    let kernel = (taps(), taps()).prop_filter("minimal filtering needs taps", |(h, w)| h * w > 1);
    let stride = (1usize..3, 1usize..3);
    let (known, width) = (any::<bool>(), 0usize..6);
    (spec(), (channels, kernel, stride), size(), size(), (known, width), any::<prop::sample::Index>())
        .prop_map(|(spec, ((depth, out), (h, w), (down, across)), more_h, more_w, (known, width), tile)| {
            let dilation = |stride: usize, dilation: usize| if stride == 1 { dilation } else { 1 };
            let mut spec = Spec {
                in_channels: depth,
                out_channels: out,
                kernel: Hw { h, w },
                stride: Hw { h: down, w: across },
                dilation: Hw { h: dilation(down, spec.dilation.h), w: dilation(across, spec.dilation.w) },
                groups: 1,
                algorithm: Algorithm::Winograd,
                ..spec
            };
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            let machine = machine(width, spec.dtype);
            let plans = candidates(&spec, machine);
            let mut plan = plans[tile.index(plans.len())].clone();
            plan.bands.bytes = tile.index(1 << 16);
            plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
            Case { spec, weights: Weights::Unknown, image, plan, adjoint_of: None }
        })
}

/// A layer with channels enough for a copy that has them last, and a tile that reads one.
pub(super) fn channels_last() -> impl Strategy<Value = Case> {
    let choice = (0usize..6, any::<prop::sample::Index>());
    (spec(), 16usize..20, size(), size(), any::<bool>(), choice).prop_filter_map(
        "no copy",
        |(spec, depth, more_h, more_w, known, (width, tile))| {
            let mut spec = Spec { in_channels: depth * spec.groups, algorithm: Algorithm::Direct, ..spec };
            if more_h % 4 == 1 {
                let one = Hw { h: 1, w: 1 };
                spec = Spec { kernel: one, stride: one, padding: Padding::NONE, ..spec };
            }
            let image = smallest(&spec, more_h % 7, more_w);
            spec.input = known.then_some(image);
            let plans = candidates(&spec, machine(width, spec.dtype)).into_iter();
            let plans: Vec<_> = plans.filter(Plan::reads_channels_last).collect();
            let mut plan = (!plans.is_empty()).then(|| plans[tile.index(plans.len())].clone())?;
            plan.bands.bytes = tile.index(1 << 14);
            plan.bands.least = 1 + tile.index(3);
            plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
            Some(Case { spec, weights: Weights::Unknown, image, plan, adjoint_of: None })
        },
    )
}

/// A layer of constants that are too many to be looked at, packed in panels that all vectors share.
pub(super) fn in_panels() -> impl Strategy<Value = Case> {
    let channels = (1usize..4, prop_oneof![8usize..19, 31usize..41]);
    let algorithm = prop_oneof![3 => Just(Algorithm::Direct), 1 => Just(Algorithm::Auto)];
    let choice = (0usize..6, any::<prop::sample::Index>());
    (spec(), channels, algorithm, size(), size(), choice).prop_filter_map(
        "no panels",
        |(spec, (depth, out), algorithm, more_h, more_w, (width, tile))| {
            let (in_channels, out_channels) = (depth * spec.groups, out * spec.groups);
            let pattern = Pattern::of(&vec![0.5; 5000]);
            let mut spec = Spec { in_channels, out_channels, algorithm, pattern, ..spec };
            let image = smallest(&spec, more_h % 7, more_w);
            spec.input = (width % 2 == 0).then_some(image);
            let plans = candidates(&spec, machine(width, spec.dtype)).into_iter();
            let plans: Vec<_> = plans.filter(|plan| plan.panel.is_some()).collect();
            let plan = (!plans.is_empty()).then(|| plans[tile.index(plans.len())].clone())?;
            Some(Case { spec, weights: Weights::Unknown, image, plan, adjoint_of: None })
        },
    )
}

/// The layer that computes the input's gradient of any layer, and one of its tiles.
pub(super) fn adjoint() -> impl Strategy<Value = Case> {
    let choice = (0usize..6, any::<prop::sample::Index>(), any::<bool>());
    let adjoint = (spec(), size(), size(), any::<bool>(), choice);
    adjoint.prop_map(|(of, more_h, more_w, known, (width, tile, best))| {
        let mut spec = Adjoint::of(&of).expect("small").spec;
        let image = smallest(&spec, more_h, more_w);
        spec.input = known.then_some(image);
        let machine = machine(width, spec.dtype);
        let all = candidates(&spec, machine);
        let mut plan = if best { plan(&spec, machine) } else { all[tile.index(all.len())].clone() };
        plan.bands.least = 1 + tile.index(3);
        plan.sizes = spec.input.map(|image| Geometry::new(&spec, &plan, image));
        Case { spec, weights: Weights::Unknown, image, plan, adjoint_of: Some(of) }
    })
}

/// A layer of constants whose columns slide, in tiles of any height.
pub(super) fn sliding() -> impl Strategy<Value = Case> {
    let weights = prop_oneof![
        Just(Weights::Mixed),
        Just(Weights::Taps),
        Just(Weights::Separable),
        Just(Weights::Symmetric),
        Just(Weights::Antisymmetric),
        Just(Weights::Sparse)
    ];
    let sizes = (size(), size(), any::<bool>(), rows_of_a_band());
    let choice = (0usize..6, any::<prop::sample::Index>(), 1usize..3);
    (spec(), weights, sizes, choice).prop_filter_map(
        "the taps reach too far",
        |(spec, weights, (more_h, more_w, known, rows), (width, tile, out))| {
            let mut spec =
                Spec { out_channels: out * spec.groups, stride: Hw { h: spec.stride.h, w: 1 }, ..spec };
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            spec.pattern = weights.pattern(&spec);
            let machine = machine(width, spec.dtype);
            let plans = candidates(&spec, machine).into_iter();
            let plans: Vec<_> = plans.filter(|plan| matches!(plan.tile, Tile::Slide { .. })).collect();
            let plan = (!plans.is_empty()).then(|| plans[tile.index(plans.len())].clone())?;
            let plan = in_bands(&spec, &plan, image, rows);
            Some(Case { spec, weights, image, plan, adjoint_of: None })
        },
    )
}

/// Rows of a band of an image that is read as it is, or so many that it is one.
fn rows_of_a_band() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..8, Just(1000)]
}

/// The plan with bands of about so many rows, if these are wide.
fn in_bands(spec: &Spec, plan: &Plan, image: Hw, rows: usize) -> Plan {
    let row = image.w * spec.stride.h * plan.machine.bytes;
    let bands = Bands { bytes: rows * row, least: 1, ..plan.bands };
    let plan = Plan { bands, ..plan.clone() };
    Plan { sizes: spec.input.map(|image| Geometry::new(spec, &plan, image)), ..plan }
}

/// A depthwise layer, and one of the tiles that read its image in place.
pub(super) fn in_place() -> impl Strategy<Value = Case> {
    let weights =
        prop_oneof![3 => Just(Weights::Unknown), 1 => Just(Weights::Mixed), 1 => Just(Weights::Taps)];
    let sizes = (size(), size(), any::<bool>(), rows_of_a_band());
    let choice = (0usize..6, any::<prop::sample::Index>(), 1usize..4);
    (spec(), weights, sizes, choice).prop_filter_map(
        "the image cannot be read in place",
        |(spec, weights, (more_h, more_w, known, rows), (width, tile, out))| {
            let groups = spec.groups;
            let mut spec = Spec { in_channels: groups, out_channels: out * groups, ..spec };
            let image = smallest(&spec, more_h, more_w);
            spec.input = known.then_some(image);
            spec.pattern = weights.pattern(&spec);
            let plans = candidates(&spec, machine(width, spec.dtype)).into_iter();
            let plans: Vec<_> = plans.filter(|plan| matches!(plan.tile, Tile::InPlace { .. })).collect();
            let plan = (!plans.is_empty()).then(|| plans[tile.index(plans.len())].clone())?;
            let plan = in_bands(&spec, &plan, image, rows);
            Some(Case { spec, weights, image, plan, adjoint_of: None })
        },
    )
}

/// A small layer that is unrolled over its image as it is.
pub(super) fn in_one_line() -> impl Strategy<Value = Case> {
    let weights = prop_oneof![3 => Just(Weights::Unknown), 1 => Just(Weights::Mixed)];
    let choice = (0usize..6, 1usize..3, 1usize..3);
    (spec(), weights, size(), size(), choice).prop_filter_map(
        "the image is copied",
        |(spec, weights, more_h, more_w, (width, depth, out))| {
            let (groups, stride) = (spec.groups, Hw { h: 1, w: 1 });
            let mut spec = Spec { in_channels: depth * groups, out_channels: out * groups, stride, ..spec };
            let image = smallest(&spec, more_h, more_w);
            spec.input = Some(image);
            spec.pattern = weights.pattern(&spec);
            let machine = machine(width, spec.dtype);
            let reads_image =
                Whole::new(&spec, image, machine.lanes).is_some_and(|whole| !whole.copies_image());
            let mut plans = candidates(&spec, machine).into_iter();
            let plan = plans.find(|plan| reads_image && plan.tile == Tile::Whole)?;
            Some(Case { spec, weights, image, plan, adjoint_of: None })
        },
    )
}

/// A layer whose taps lie so far apart that parts of a row meet other taps, and one of the tiles of such parts.
pub(super) fn in_parts() -> impl Strategy<Value = Case> {
    let apart = (4usize..8, 0usize..3, 0usize..3, 2usize..4);
    let choice = (0usize..6, any::<prop::sample::Index>(), prop::bool::weighted(0.2));
    (spec(), apart, size(), size(), choice).prop_filter_map(
        "no parts",
        |(spec, (dilation, left, right, taps), more_h, more_w, (width, tile, is_deep))| {
            // Of many channels, the image may be copied with channels last.
            let depth = if is_deep { 16 + left } else { spec.in_per_group() };
            let reach = (taps - 1) * dilation;
            let padding = Padding { left: reach - left, right: reach - right, ..spec.padding };
            let mut spec = Spec {
                kernel: Hw { w: taps, ..spec.kernel },
                dilation: Hw { w: dilation, ..spec.dilation },
                padding,
                padding_mode: PaddingMode::Zeros,
                in_channels: depth * spec.groups,
                ..spec
            };
            let image = smallest(&spec, more_h, dilation + more_w);
            spec.input = Some(image);
            let plans = candidates(&spec, machine(width, spec.dtype)).into_iter();
            let plans: Vec<_> = plans.filter(|plan| plan.parts(&spec).is_some()).collect();
            let plan = (!plans.is_empty()).then(|| plans[tile.index(plans.len())].clone())?;
            Some(Case { spec, weights: Weights::Unknown, image, plan, adjoint_of: None })
        },
    )
}

/// One of the machines that layers are planned for.
fn machine(at: usize, dtype: Dtype) -> Machine {
    match Machine::WIDTHS.get(at) {
        Some(bits) => Machine::new(*bits, dtype),
        None => Machine::OTHERS[at - Machine::WIDTHS.len()].1(dtype),
    }
}

/// The smallest image that the layer accepts, and some pixels more.
pub(super) fn smallest(spec: &Spec, more_h: usize, more_w: usize) -> Hw {
    let (extent, p) = (spec.effective_kernel(), spec.padding);
    let side = |extent: usize, before: usize, after: usize, more: usize| {
        let least = match spec.padding_mode {
            PaddingMode::Reflect => before.max(after) + 1,
            PaddingMode::Circular => before.max(after).max(1),
            PaddingMode::Zeros | PaddingMode::Replicate => 1,
        };
        least.max(extent.saturating_sub(before + after)) + more
    };
    Hw { h: side(extent.h, p.top, p.bottom, more_h.min(9)), w: side(extent.w, p.left, p.right, more_w) }
}
