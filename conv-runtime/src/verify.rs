//! Whether an output is what it should be: [`Verification`].

use alloc::vec::Vec;
use core::fmt::{self, Display, Formatter};

use crate::{Element, sum::Exact};

/// How far an output is from the definition, and whether that can be rounding.
///
/// Rounding errors of a sum grow like the square root of the number of its terms, so an element may
/// differ by `4 * sqrt(terms + 1) * unit_roundoff * scale`, where `scale` is the largest sum of
/// `|weight * value|` of all elements. Torch stays three times below that; a wrong index or a wrong
/// border does not.
///
/// Infinities and NaNs must be where the definition has them. Only finite sums count for `scale`.
///
/// Display says which element is worst, where, and by how much.
#[derive(Clone, Debug, PartialEq)]
pub struct Verification {
    elements: usize,
    over_tolerance: usize,
    tolerance: f64,
    worst: Option<Worst>,
}

/// The element that is farthest from the definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Worst {
    index: Vec<usize>,
    got: f64,
    expected: f64,
    error: f64,
}

impl Worst {
    /// Its place: `[n, o, y, x]`, or `[o, y, x]`.
    #[must_use]
    pub fn index(&self) -> &[usize] {
        &self.index
    }

    /// Its value.
    #[must_use]
    pub fn got(&self) -> f64 {
        self.got
    }

    /// What its value should be.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.expected
    }
}

impl Verification {
    /// Compares an output of this shape with its reference, element by element.
    pub(crate) fn compare<T: Element>(got: &[T], shape: &[usize], reference: &Reference) -> Self {
        debug_assert_eq!(got.len(), reference.values.len());
        let tolerance = reference.tolerance::<T>();
        let errors = || got.iter().zip(&reference.values).map(|(&got, &expected)| error(got, expected));
        // The first of the largest errors: easier to think about than the last.
        let worst = errors().enumerate().reduce(|worst, next| if next.1 > worst.1 { next } else { worst });
        Self {
            elements: got.len(),
            over_tolerance: errors().filter(|&error| error > tolerance).count(),
            tolerance,
            worst: worst.map(|(at, error)| Worst {
                index: place(at, shape),
                got: got[at].to_f64(),
                expected: reference.values[at],
                error,
            }),
        }
    }

    /// Whether no element is farther from the definition than the tolerance.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.over_tolerance == 0
    }

    /// The largest difference; infinite if a NaN or an infinity is where it should not be.
    #[must_use]
    pub fn max_abs_error(&self) -> f64 {
        self.worst.as_ref().map_or(0.0, |worst| worst.error)
    }

    /// How large a difference may be.
    #[must_use]
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// How many elements there are.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// How many of them differ by more than the tolerance.
    #[must_use]
    pub fn over_tolerance(&self) -> usize {
        self.over_tolerance
    }

    /// The element with the largest difference, unless there are no elements.
    #[must_use]
    pub fn worst(&self) -> Option<&Worst> {
        self.worst.as_ref()
    }
}

impl Display for Verification {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { elements, over_tolerance, tolerance, worst } = self;
        let Some(Worst { index, got, expected, error }) = worst else {
            return f.write_str("passed: there are no elements");
        };
        if self.passed() {
            write!(f, "passed: {elements} elements within {tolerance:.3e} of the reference")?;
        } else {
            write!(
                f,
                "failed: {over_tolerance} of {elements} elements are farther than {tolerance:.3e} from the reference"
            )?;
        }
        let axes = if index.len() == 3 { "[o, y, x]" } else { "[n, o, y, x]" };
        write!(
            f,
            "; the worst, at {axes} = {index:?}, is {got:?} and should be {expected:?} (error {error:.3e})"
        )
    }
}

/// The distance of an element from its reference; equal infinities and NaNs have none.
fn error<T: Element>(got: T, expected: f64) -> f64 {
    let rounded = T::from_f64(expected).to_f64(); // infinite, if the type cannot hold it
    let got = got.to_f64();
    let same_infinity = got.is_infinite() && got.total_cmp(&rounded).is_eq();
    if same_infinity || got.is_nan() && expected.is_nan() {
        return 0.0;
    }
    let error = (got - expected).abs();
    if error.is_nan() { f64::INFINITY } else { error }
}

/// The index of the element that is number `at` in row-major order.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = shape.to_vec();
    for coordinate in index.iter_mut().rev() {
        let size = *coordinate;
        *coordinate = at % size;
        at /= size;
    }
    index
}

/// What an output should be, and how large the numbers are that make it.
pub(crate) struct Reference {
    values: Vec<f64>,
    /// The largest finite sum of |products|.
    scale: f64,
    /// How many numbers are summed into one element.
    terms: usize,
}

impl Reference {
    /// A reference that `len` elements will be pushed to.
    pub(crate) fn new(len: usize, terms: usize) -> Self {
        Self { values: Vec::with_capacity(len), scale: 0.0, terms }
    }

    /// The next element.
    pub(crate) fn push(&mut self, sum: &Exact) {
        self.values.push(sum.value());
        if sum.magnitude().is_finite() {
            self.scale = self.scale.max(sum.magnitude());
        }
    }

    /// How far an element may be from its reference. Where numbers are so small that their rounding
    /// errors are no longer relative, each term may err by one of the smallest there is.
    #[expect(clippy::cast_precision_loss, reason = "a tolerance needs no 53 bits")]
    fn tolerance<T: Element>(&self) -> f64 {
        let terms = self.terms as f64;
        let relative = 4.0 * libm::sqrt(terms + 1.0) * T::UNIT_ROUNDOFF * self.scale;
        relative.max(terms * T::SMALLEST)
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;
    use crate::sum::Sum;
    use alloc::string::ToString;

    fn reference(values: &[f64], scale: f64, terms: usize) -> Reference {
        Reference { values: values.to_vec(), scale, terms }
    }

    #[test]
    fn tolerance_is_the_documented_one() {
        let passed = Verification::compare(&[1.0_f32], &[1], &reference(&[1.0], 2.0, 8));
        let expected = 4.0 * 3.0 * 2.0_f64.powi(-24) * 2.0;
        assert!(passed.passed() && passed.tolerance() == expected);
        let zeros = Verification::compare(&[0.0_f64], &[1], &reference(&[0.0], 0.0, 8));
        assert!(zeros.passed() && zeros.max_abs_error() == 0.0);
    }

    #[test]
    fn the_worst_element_is_named() {
        let expected = [0.5, 0.25, 0.0, -1.0, 2.0, 3.0];
        let got = [0.5_f32, 0.25, 0.0, -1.0, 2.5, 3.25];
        let report = Verification::compare(&got, &[1, 2, 1, 3], &reference(&expected, 1.0, 3));
        assert!(!report.passed() && report.max_abs_error() > report.tolerance());
        assert_eq!((report.elements(), report.over_tolerance()), (6, 2));
        let worst = report.worst().unwrap();
        assert_eq!((worst.index(), worst.got(), worst.expected()), (&[0, 1, 0, 1][..], 2.5, 2.0));
        assert_eq!(
            report.to_string(),
            "failed: 2 of 6 elements are farther than 4.768e-7 from the reference; the worst, at [n, o, y, x] = [0, 1, 0, 1], is 2.5 and should be 2.0 (error 5.000e-1)"
        );
    }

    #[test]
    fn display_of_success() {
        let report = Verification::compare(&[1.0_f32], &[1, 1, 1], &reference(&[1.0], 1.0, 3));
        assert_eq!(
            report.to_string(),
            "passed: 1 elements within 4.768e-7 of the reference; the worst, at [o, y, x] = [0, 0, 0], is 1.0 and should be 1.0 (error 0.000e0)"
        );
        let none = Verification::compare::<f32>(&[], &[0, 4, 3, 3], &reference(&[], 0.0, 9));
        assert_eq!(none.to_string(), "passed: there are no elements");
    }

    #[test]
    fn nan_and_infinity_must_be_where_they_belong() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        let rows = [
            (nan, nan, true),
            (inf, inf, true),
            (inf, 1e300, true), // too large for an f32
            (nan, 0.0, false),
            (0.0, nan, false),
            (inf, -inf, false),
            (inf, 1.0, false),
            (1.0, inf, false),
            (nan, inf, false),
        ];
        for (got, expected, agrees) in rows {
            let got = f32::from_f64(got);
            let report = Verification::compare(&[got], &[1], &reference(&[expected], 1.0, 1));
            assert_eq!(report.passed(), agrees, "{report}");
            assert_eq!(report.max_abs_error() <= report.tolerance(), agrees, "{report}");
        }
    }

    #[test]
    fn tiny_numbers_round_absolutely() {
        // 1e-30 * 1e-30 is 0 in f32, and that is right.
        let mut sum: Exact = Sum::start(0.0_f32);
        sum.add(1e-30_f32, 1e-30_f32);
        let mut reference = Reference::new(1, 1);
        reference.push(&sum);
        assert!(Verification::compare(&[0.0_f32], &[1], &reference).passed());
    }
}
