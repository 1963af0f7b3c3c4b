//! How one output element is summed: as the layer would, or so exactly that it can be the judge.
//!
//! [`Exact`] sums `f32` products in `f64`, in which each of them is exact. Products of `f64` are not,
//! so for them the rounding errors of products and sums are computed, without error, and summed up
//! beside: Ogita, Rump and Oishi's `Dot2`, as exact as if there were twice the digits.

use crate::Element;

/// What one output element becomes while its terms are added.
pub(crate) trait Sum<T>: Copy {
    /// The sum of the bias alone.
    fn start(bias: T) -> Self;

    /// Adds one product.
    fn add(&mut self, weight: T, value: T);
}

impl<T: Element> Sum<T> for T {
    fn start(bias: T) -> Self {
        bias
    }

    #[inline]
    fn add(&mut self, weight: T, value: T) {
        *self += weight * value;
    }
}

/// A sum of products, with the sum of what rounding took from it, and the sum of their absolutes.
#[derive(Clone, Copy)]
pub struct Exact {
    sum: f64,
    lost: f64,
    magnitude: f64,
}

impl Exact {
    /// The sum.
    pub(crate) fn value(&self) -> f64 {
        // With infinities about, what was lost is NaN and says nothing.
        if self.lost.is_finite() { self.sum + self.lost } else { self.sum }
    }

    /// The sum of the absolute products and of the absolute bias.
    pub(crate) fn magnitude(&self) -> f64 {
        self.magnitude
    }
}

impl<T: Element> Sum<T> for Exact {
    fn start(bias: T) -> Self {
        let bias = bias.to_f64();
        Self { sum: bias, lost: 0.0, magnitude: bias.abs() }
    }

    fn add(&mut self, weight: T, value: T) {
        let (weight, value) = (weight.to_f64(), value.to_f64());
        let product = weight * value;
        self.magnitude += product.abs();
        if T::EXACT_PRODUCTS {
            self.sum += product; // 29 bits more than the type has are exact enough
        } else {
            let (sum, lost) = two_sum(self.sum, product);
            self.sum = sum;
            self.lost += lost + product_error(weight, value, product);
        }
    }
}

/// `a + b` and its rounding error, exactly (Knuth).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

/// The rounding error of `product`, which is `a * b`, exactly (Dekker).
fn product_error(a: f64, b: f64, product: f64) -> f64 {
    let ((a_high, a_low), (b_high, b_low)) = (split(a), split(b));
    a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
}

/// A number as the sum of two of 26 bits, whose products are exact (Veltkamp).
fn split(a: f64) -> (f64, f64) {
    let scaled = 134_217_729.0 * a; // 2^27 + 1
    let high = scaled - (scaled - a);
    (high, a - high)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers are exact")]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_are_exact() {
        assert_eq!(two_sum(1e16, 1.0), (1e16, 1.0));
        let a = 1.0 + f64::EPSILON; // a * a = 1 + 2 eps + eps^2
        assert!(product_error(a, a, a * a) == f64::EPSILON * f64::EPSILON);
    }
}
