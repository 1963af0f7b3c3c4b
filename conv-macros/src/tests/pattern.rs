//! Constant weights whose values shorten the kernels.

use std::cmp::Ordering;

use crate::expand::expand;
use crate::lower::lower;
use crate::plan::{Machine, Plan, Tile, plan};
use crate::spec::{Columns, Dtype, Pattern, Spec};

use super::front::{accepted, tokens};

/// Which weights a layer has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Weights {
    /// All kinds, set at run time.
    Unknown,
    /// All kinds, constants.
    Mixed,
    /// Constants that depend on the tap alone, so that all channels agree.
    Taps,
    /// Constants that depend on the channel alone: whole kernels of zeros.
    Channels,
    /// Products of a column and a row.
    Separable,
    /// Mirrored left and right, and above and below.
    Symmetric,
    /// Mirrored left and right with the other sign.
    Antisymmetric,
    /// Mostly zeros.
    Sparse,
}

impl Weights {
    fn weight(self, spec: &Spec, i: usize) -> f64 {
        let kinds = [0.0, 1.0, -1.0, 2.0, 0.0, -3.0, 1.0];
        match self {
            Self::Unknown | Self::Mixed => f64::from(u8::try_from(i * 3 % 7).expect("small")) - 3.0,
            Self::Taps => kinds[i % spec.taps() * 3 % 7],
            Self::Channels => kinds[i / spec.taps() * 3 % 7],
            Self::Separable => {
                let (i, j) = (i / spec.kernel.w, i % spec.kernel.w);
                kinds[(i * 3 + 3) % 7] * kinds[(j * 2 + 3) % 7]
            }
            Self::Symmetric => mirrored(spec, i, 1.0),
            Self::Antisymmetric => mirrored(spec, i, -1.0),
            Self::Sparse => kinds[i * 5 % 7] * f64::from(u8::from(i.is_multiple_of(3))),
        }
    }

    /// The weights of one group.
    pub(super) fn of(self, spec: &Spec) -> Vec<f64> {
        (0..spec.out_per_group() * spec.terms()).map(|i| self.weight(spec, i)).collect()
    }

    /// What the generator knows of them.
    pub(super) fn pattern(self, spec: &Spec) -> Pattern {
        match self {
            Self::Unknown => Pattern::default(),
            _ => Pattern::of(&self.of(spec).repeat(spec.groups)),
        }
    }
}

/// A weight of a kernel whose right half mirrors its left, with this sign.
fn mirrored(spec: &Spec, at: usize, sign: f64) -> f64 {
    let (kernel, tap) = (spec.kernel, at % spec.taps());
    let (i, j) = (tap / kernel.w, tap % kernel.w);
    let (up, left) = (i.min(kernel.h - 1 - i), j.min(kernel.w - 1 - j));
    let value = f64::from(u8::try_from((up * 3 + left * 5 + at / spec.taps()) % 6).expect("small")) - 2.0;
    match (2 * j + 1).cmp(&kernel.w) {
        Ordering::Less => value,
        Ordering::Equal => {
            if sign < 0.0 {
                0.0
            } else {
                value
            }
        }
        Ordering::Greater => sign * value,
    }
}

const SOBEL: &str = "in: 1, out: 2, k: 3, padding: 1, bias: false,
    weights: [[[[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], [[[-1, -2, -1], [0, 0, 0], [1, 2, 1]]]]";

#[test]
fn zeros_vanish_and_ones_are_added() {
    let spec = accepted(tokens(SOBEL)).pop().expect("one layer").spec;
    let plan = plan(&spec, Machine::new(256, Dtype::F32));
    let one = Plan { tile: Tile::Rows { channels: 2, rows: 1, vectors: 1 }, ..plan };
    let nest = lower(&spec, &one, false).to_string();
    // One tile for wide images and one for narrow ones: of 18 taps each, 6 are 0, 8 are 1 or -1.
    let count = |text| nest.matches(text).count();
    assert_eq!([count(" = splat weight_row"), count(" * w_"), count(" -= x_")], [8, 8, 8], "{nest}");
    assert_eq!(count(" += x_") - count(" * w_"), 8, "{nest}");
}

#[test]
fn a_plan_says_what_was_found() {
    for keys in ["", "input: (2, 4),"] {
        let source = expand(tokens(&format!(
            "struct A<{keys} in: 1, out: 1, k: (1, 3), bias: false, weights: [[[[1, 0, 2]]]]>;"
        )));
        assert!(source.to_string().contains("of which 1 are 0 and 1 are 1 or -1"), "{keys}");
    }
}

/// The columns of the kernels of a layer.
fn columns(keys: &str) -> Columns {
    let layer = accepted(tokens(keys)).pop().expect("one layer");
    layer.spec.columns().expect("constants")
}

#[test]
fn columns_that_are_multiples_are_one() {
    let sobel = columns(SOBEL);
    assert_eq!(sobel.different, [[1.0, 2.0, 1.0], [1.0, 0.0, -1.0]]);
    let factors = |o: usize| sobel.outputs[o].iter().map(|term| (term.tap, term.factor)).collect::<Vec<_>>();
    assert_eq!(factors(0), [(0, -1.0), (2, 1.0)]);
    assert_eq!(factors(1), [(0, -1.0), (1, -2.0), (2, -1.0)]);
    assert!(sobel.exact && sobel.to_string().contains("each kernel is the product of a column and a row"));
    let laplace = columns(&one_kernel("[[0, 1, 0], [1, -4, 1], [0, 1, 0]]"));
    assert_eq!(laplace.different, [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0]]);
    assert!(!laplace.to_string().contains("rank one"));
}

#[test]
fn a_column_of_fractions_is_a_multiple_of_integers() {
    let blur =
        columns(&one_kernel("[[0.0625, 0.125, 0.0625], [0.125, 0.25, 0.125], [0.0625, 0.125, 0.0625]]"));
    // The factors are not less than one, so that no sum exceeds the output.
    assert_eq!((blur.different, blur.exact), (vec![vec![0.0625, 0.125, 0.0625]], true));
    assert_eq!(blur.outputs[0].iter().map(|term| term.factor).collect::<Vec<_>>(), [1.0, 2.0, 1.0]);
}

#[test]
fn rounded_products_are_products_within_the_bound() {
    // Of e^(-x^2 / 2), rounded to seven digits.
    let blur = columns(&one_kernel(
        "[[0.36787944, 0.60653067, 0.36787944], [0.60653067, 1.0, 0.60653067], [0.36787944, 0.60653067, 0.36787944]]",
    ));
    let said = blur.to_string();
    assert!((blur.different.len(), blur.exact) == (1, false), "{said}");
    assert!(said.contains("rank one), within two units in the last place"), "{said}");
}

#[test]
fn integers_are_never_multiples_nearly() {
    for rows in
        ["[[3, 1, 0], [9000000, 3000001, 0], [3, 1, 0]]", "[[70000, 70001, 3], [70000, 70001, 3], [1, 1, 2]]"]
    {
        let found = columns(&one_kernel(rows));
        assert!(found.exact, "{rows}: {found}");
    }
}

fn one_kernel(rows: &str) -> String {
    format!("in: 1, out: 1, k: 3, bias: false, weights: [[{rows}]]")
}
