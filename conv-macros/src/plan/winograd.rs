//! The transforms of Winograd's minimal filtering, by Cook and Toom's construction.
//!
//! A filter of `r` taps gives `m` outputs with `n = m + r - 1` products instead of `m * r`:
//!
//! ```text
//! y = AT [(G g) . (BT d)]
//! ```
//!
//! for `n` inputs `d` and `r` weights `g`: polynomials are multiplied by their values at `n - 1` points and
//! at infinity. The points decide the rounding errors; (0, ±3/4, ±3/2) have about twice those of direct
//! summation where the usual (0, ±1, ±2) have five times, and like all dyadic points they make every
//! constant of `AT` and `BT` exact. `G` divides, is applied to the weights once, in `f64`, and rounded once.
//!
//! A filter of stride `s` is the sum of `s` filters of stride 1, each of the taps of one remainder modulo `s`, over the
//! pixels of the same remainder: 3 taps at stride 2 are `F(m, 2)` and `F(m, 1)`, which is no more than `m` products. All
//! products together are again as many as the pixels that are read. (Errors beside those of direct summation, in the mean,
//! of 128 channels: F(2, 3) of stride 2 0.5 times, with the points 0 and 1 for ±1 0.6; F(4, 3) of stride 2 0.8 times, with
//! ±1/2 and ±3/2 0.8, with ±3/4 and ±3/2 1.2, with 0, ±1 and 2 1.4.)

#![expect(clippy::cast_precision_loss, reason = "numbers of taps are small")]

use crate::spec::{Hw, Spec};
use std::ops::{Add, Mul, Sub};

/// An exact fraction. All are tiny: no overflow.
#[derive(Clone, Copy, Debug)]
struct Fraction {
    over: i64,
    under: i64,
}

impl Fraction {
    const ZERO: Self = Self { over: 0, under: 1 };
    const ONE: Self = Self { over: 1, under: 1 };

    fn new(over: i64, under: i64) -> Self {
        let (mut a, mut b) = (over.unsigned_abs(), under.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let divisor = i64::try_from(a.max(1)).unwrap_or(1) * under.signum();
        Self { over: over / divisor, under: under / divisor }
    }

    fn divided_by(self, other: Self) -> Self {
        Self::new(self.over * other.under, self.under * other.over)
    }

    /// Rounded once: both are tiny.
    fn to_f64(self) -> f64 {
        self.over as f64 / self.under as f64
    }
}

impl Add for Fraction {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.over * other.under + other.over * self.under, self.under * other.under)
    }
}

impl Sub for Fraction {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + Self { over: -other.over, ..other }
    }
}

impl Mul for Fraction {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::new(self.over * other.over, self.under * other.under)
    }
}

/// A matrix of exact fractions, as numbers.
pub(crate) type Matrix = Vec<Vec<f64>>;

/// The three transforms along one axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transform {
    /// `BT`, `n x n`: from inputs to products.
    pub(crate) input: Matrix,
    /// Which of the inputs each column of `BT` is for: those of each remainder modulo the stride lie together.
    pub(crate) order: Vec<usize>,
    /// `G`, `n x r`: from weights to products.
    pub(crate) filter: Matrix,
    /// `AT`, `m x n`: from products to outputs.
    pub(crate) output: Matrix,
}

/// The finite points for `n` products: 0, if they are an odd number, then pairs that differ in sign.
fn points(n: usize) -> Option<Vec<Fraction>> {
    let pairs: &[(i64, i64)] = match n {
        2 => &[],
        3 | 4 => &[(1, 1)],
        5 => &[(1, 2), (5, 4)],
        6 => &[(3, 4), (3, 2)],
        _ => return None,
    };
    let signed =
        pairs.iter().flat_map(|&(over, under)| [Fraction::new(over, under), Fraction::new(-over, under)]);
    let zero = n.is_multiple_of(2).then_some(Fraction::ZERO);
    Some(zero.into_iter().chain(signed).collect())
}

/// Products of a tile along both axes, which are as many as the pixels that it reads.
pub(super) fn products(spec: &Spec, outputs: Hw) -> Hw {
    let along = |m: usize, stride: usize, taps: usize| (m - 1) * stride + taps;
    let Spec { stride, kernel, .. } = spec;
    Hw { h: along(outputs.h, stride.h, kernel.h), w: along(outputs.w, stride.w, kernel.w) }
}

impl Transform {
    /// `F(m, r)` of a stride, or `None` if there are no good points for so many products.
    pub(crate) fn new(m: usize, r: usize, stride: usize) -> Option<Self> {
        let parts = (0..stride.min(r)).map(|first| {
            let taps = (first..r).step_by(stride);
            Some((first, taps.clone().collect::<Vec<_>>(), Self::dense(m, taps.len())?))
        });
        let parts = parts.collect::<Option<Vec<_>>>()?;
        let n: usize = parts.iter().map(|(_, _, part)| part.products()).sum();
        let mut all =
            Self { input: Vec::new(), order: Vec::new(), filter: Vec::new(), output: vec![Vec::new(); m] };
        for (first, taps, part) in parts {
            let before = all.order.len();
            all.order.extend((0..part.products()).map(|i| first + i * stride));
            all.input.extend(part.input.iter().map(|row| spread(row, before.., n)));
            all.filter.extend(part.filter.iter().map(|row| spread(row, taps.iter().copied(), r)));
            all.output.iter_mut().zip(&part.output).for_each(|(row, of)| row.extend(of));
        }
        Some(all)
    }

    /// `F(m, r)`.
    fn dense(m: usize, r: usize) -> Option<Self> {
        let n = m + r - 1;
        let order = (0..n).collect();
        if m.min(r) == 1 {
            // As many products as taps, or as outputs: nothing to transform.
            let identity = |rows: usize| numbers(&(0..rows).map(|i| unit(i, rows)).collect::<Vec<_>>());
            let ones = |rows: usize, columns: usize| vec![vec![1.0; columns]; rows];
            let [filter, output] = if m == 1 { [identity(n), ones(1, n)] } else { [ones(n, 1), identity(n)] };
            return Some(Self { input: identity(n), order, filter, output });
        }
        let points = points(n)?;
        let others = |i: usize| points.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, a)| *a);
        let mut input: Vec<_> = (0..n - 1).map(|i| with_roots(others(i), n)).collect();
        input.push(with_roots(points.iter().copied(), n));
        let mut filter: Vec<_> = (0..n - 1)
            .map(|i| {
                let scale = others(i).fold(Fraction::ONE, |product, a| product * (points[i] - a));
                powers(points[i], r).map(|power| power.divided_by(scale)).collect()
            })
            .collect();
        filter.push(unit(r - 1, r));
        let mut output: Vec<Vec<_>> = vec![Vec::new(); m];
        for point in &points {
            for (row, power) in output.iter_mut().zip(powers(*point, m)) {
                row.push(power);
            }
        }
        for (i, row) in output.iter_mut().enumerate() {
            row.push(unit(m - 1, m)[i]);
        }
        Some(Self { input: numbers(&input), order, filter: numbers(&filter), output: numbers(&output) })
    }

    /// Products.
    pub(crate) fn products(&self) -> usize {
        self.input.len()
    }

    /// How many times larger than with direct summation a rounding error can be, at worst: what is summed here,
    /// `|AT| (|G| |g| . |BT| |d|)`, beside `|g| |d|` of an output, for the worst of all signs and equal sizes.
    pub(crate) fn growth(&self) -> f64 {
        let sum = |row: &[f64]| row.iter().map(|value| value.abs()).sum::<f64>();
        let product = |k: usize| sum(&self.filter[k]) * sum(&self.input[k]);
        let output = |row: &Vec<f64>| row.iter().enumerate().map(|(k, value)| value.abs() * product(k)).sum();
        self.output.iter().map(output).fold(0.0, f64::max) / self.filter[0].len() as f64
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.output.len()
    }
}

/// The values at their places among `n` zeros.
fn spread(values: &[f64], places: impl IntoIterator<Item = usize>, n: usize) -> Vec<f64> {
    let mut row = vec![0.0; n];
    places.into_iter().zip(values).for_each(|(at, value)| row[at] = *value);
    row
}

/// The coefficients of the product of `x - a`, lowest first, `n` of them.
fn with_roots(roots: impl Iterator<Item = Fraction>, n: usize) -> Vec<Fraction> {
    let mut polynomial = unit(0, n);
    for root in roots {
        for k in (0..n).rev() {
            let shifted = if k > 0 { polynomial[k - 1] } else { Fraction::ZERO };
            polynomial[k] = shifted - polynomial[k] * root;
        }
    }
    polynomial
}

/// 1, a, a^2, ..
fn powers(a: Fraction, count: usize) -> impl Iterator<Item = Fraction> {
    std::iter::successors(Some(Fraction::ONE), move |power| Some(*power * a)).take(count)
}

fn unit(at: usize, len: usize) -> Vec<Fraction> {
    (0..len).map(|i| if i == at { Fraction::ONE } else { Fraction::ZERO }).collect()
}

fn numbers(rows: &[Vec<Fraction>]) -> Matrix {
    rows.iter().map(|row| row.iter().map(|value| value.to_f64()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Output `i` is the sum over the taps `j` of weight `j` times input `i * stride + j`.
    #[test]
    fn transforms_make_a_filter() {
        let plain = [(1, 1, 1), (2, 3, 1), (4, 3, 1), (2, 5, 1), (3, 2, 1), (1, 4, 1), (4, 2, 1), (2, 2, 1)];
        let strided = [(1, 1, 2), (2, 3, 2), (4, 3, 2), (2, 5, 2), (4, 5, 2), (2, 5, 3), (1, 3, 2)];
        for (m, r, stride) in plain.into_iter().chain(strided) {
            let transform = Transform::new(m, r, stride).expect("there are points");
            assert_eq!(transform.products(), (m - 1) * stride + r);
            for i in 0..m {
                for j in 0..r {
                    for (l, pixel) in transform.order.iter().enumerate() {
                        let sum: f64 = (0..transform.products())
                            .map(|k| transform.output[i][k] * transform.filter[k][j] * transform.input[k][l])
                            .sum();
                        let want = if *pixel == i * stride + j { 1.0 } else { 0.0 };
                        assert!(
                            (sum - want).abs() < 1e-12,
                            "F({m}, {r}) of stride {stride} [{i}, {j}, {l}]: {sum} is not {want}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn constants_applied_at_run_time_are_exact() {
        #[expect(clippy::cast_possible_truncation, reason = "that nothing is lost is what is tested")]
        let exact = |value: &f64| f64::from(*value as f32).to_bits() == value.to_bits();
        for (m, r, stride) in [(2, 3, 1), (4, 3, 1), (2, 5, 1), (2, 3, 2), (4, 3, 2), (2, 5, 2)] {
            let transform = Transform::new(m, r, stride).expect("there are points");
            assert!(transform.input.iter().chain(&transform.output).flatten().all(exact), "F({m}, {r})");
        }
    }

    #[test]
    fn errors_grow_by_a_known_factor() {
        let growth = |m, r, stride| Transform::new(m, r, stride).expect("there are points").growth();
        assert!((growth(1, 1, 1) - 1.0).abs() < 1e-12);
        // By hand: rows of |G| sum to 1, 3/2, 3/2, 1, all rows of |BT| to 2; the outputs add three products each.
        assert!((growth(2, 3, 1) - (2.0 + 3.0 + 3.0) / 3.0).abs() < 1e-12);
        // Of the outer taps |G| sums to 1, 1, 1 and all |BT| to 2: three products; the inner is itself.
        assert!((growth(2, 3, 2) - (2.0 + 2.0 + 2.0 + 1.0) / 3.0).abs() < 1e-12);
        for (m, r, stride) in [(4, 3, 1), (2, 5, 1), (4, 3, 2), (2, 5, 2)] {
            let growth = growth(m, r, stride);
            assert!((1.0..40.0).contains(&growth), "F({m}, {r}) of stride {stride}: {growth}");
        }
    }

    #[test]
    fn no_points_no_transform() {
        assert_eq!(Transform::new(6, 3, 1), None);
    }
}
