//! Rules about numbers in arrays: each fits the layer's type, and together they have the layer's shape.

use crate::error::{Errors, Spot};
use crate::file::Stored;
use crate::parse::args::{Number, Numbers, Spanned};
use crate::spec::Dtype;
use crate::wording::shorten;

/// What an array should be.
pub(super) struct Expected {
    /// `weights` or `bias`.
    pub(super) key: &'static str,
    /// Its shape, if it is known.
    pub(super) shape: Option<Vec<usize>>,
    pub(super) dtype: Dtype,
}

/// All rules of this file.
pub(super) fn check_numbers(
    numbers: &Numbers,
    at: Spot,
    expected: &Expected,
    errors: &mut Errors,
) -> Option<Vec<f64>> {
    let before = errors.count();
    let mut values = Vec::new();
    collect(numbers, at, expected.dtype, &mut values, errors);
    if let Some(shape) = &expected.shape {
        check_shape(numbers, at, expected.key, shape, errors);
    }
    (errors.count() == before).then_some(values)
}

/// The values of all numbers, in their order.
fn collect(numbers: &Numbers, at: Spot, dtype: Dtype, values: &mut Vec<f64>, errors: &mut Errors) {
    match numbers {
        Numbers::One(number) => match value(number, dtype) {
            Ok(value) => values.push(value),
            Err(message) => errors.push(at, message),
        },
        Numbers::Array(elements) => {
            for Spanned { value, spot } in elements {
                collect(value, *spot, dtype, values, errors);
            }
        }
    }
}

/// The number in the layer's type: integers exactly, others rounded as the compiler would.
fn value(number: &Number, dtype: Dtype) -> Result<f64, String> {
    let Number { digits, is_integer, suffix } = number;
    let (word, shown) = (dtype.word(), shorten(digits));
    let is_type = match suffix.as_str() {
        "" => true,
        suffix if suffix == word => true,
        "f32" | "f64" => {
            return Err(format!("the layer is of {word}, but got `{shown}{suffix}`; write `{shown}`"));
        }
        suffix => *is_integer && Dtype::INTEGERS.contains(&suffix),
    };
    if !is_type {
        let suffix = shorten(suffix);
        return Err(format!("`{suffix}` is no type of numbers; write `{shown}`"));
    }
    let value = match dtype {
        Dtype::F32 => digits.parse::<f32>().map(f64::from),
        Dtype::F64 => digits.parse::<f64>(),
    };
    match value {
        Ok(value) if value.is_finite() && *is_integer && !is_exact(value, digits) => {
            Err(format!("the integer {shown} is not exact in {word}; write `{value:.0}`, or a float"))
        }
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("numbers must fit into {word}, but got `{shown}`")),
    }
}

/// Whether an integer was not rounded.
fn is_exact(value: f64, digits: &str) -> bool {
    let magnitude = digits.trim_start_matches('-').trim_start_matches('0');
    let same = format!("{:.0}", value.abs());
    same == magnitude || magnitude.is_empty()
}

/// The arrays have the shape. Where they have another, that is one mistake; where they have none, each that
/// is longer or shorter than it should be is one.
fn check_shape(numbers: &Numbers, at: Spot, key: &str, shape: &[usize], errors: &mut Errors) {
    match regular(numbers) {
        Some(found) if found == shape => {}
        Some(found) => {
            let axes = axes(shape);
            errors.push(at, format!("expected {key} of size {shape:?}, {axes}, but got {found:?}"));
        }
        None => check_element(numbers, at, shape, 0, errors),
    }
}

/// What the sizes are.
fn axes(shape: &[usize]) -> &'static str {
    match shape {
        [_] => "[out]",
        _ => "[out][in / groups][kernel height][kernel width]",
    }
}

/// The shape, if all arrays side by side have the same.
fn regular(numbers: &Numbers) -> Option<Vec<usize>> {
    let Numbers::Array(elements) = numbers else { return Some(Vec::new()) };
    let mut shapes = elements.iter().map(|element| regular(&element.value));
    let first = shapes.next().unwrap_or(Some(Vec::new()))?;
    let same = shapes.all(|shape| shape.as_ref() == Some(&first));
    same.then(|| [vec![elements.len()], first].concat())
}

/// One element at this depth, and all below it.
fn check_element(numbers: &Numbers, at: Spot, shape: &[usize], depth: usize, errors: &mut Errors) {
    match (numbers, shape.get(depth)) {
        (Numbers::One(_), None) => {}
        (Numbers::One(number), Some(size)) => {
            let found = shorten(&number.digits);
            let message =
                format!("expected an array of {}, but got the number {found}", counted(*size, shape, depth));
            errors.push(at, message);
        }
        (Numbers::Array(_), None) => errors.push(at, "expected a number, but got an array"),
        (Numbers::Array(elements), Some(&size)) => {
            if elements.len() != size {
                let (want, got) = (counted(size, shape, depth), elements.len());
                errors.push(at, format!("expected {want} in this array, but got {got}"));
            }
            for Spanned { value, spot } in elements {
                check_element(value, *spot, shape, depth + 1, errors);
            }
        }
    }
}

/// `3 rows`
fn counted(size: usize, shape: &[usize], depth: usize) -> String {
    let word = match (shape.len(), depth) {
        (4, 0) => "output channel",
        (4, 1) => "input channel",
        (4, 2) => "row",
        _ => "number",
    };
    let s = if size == 1 { "" } else { "s" };
    format!("{size} {word}{s}")
}

impl Dtype {
    const INTEGERS: [&str; 12] =
        ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];

    /// Whether all numbers of the type are exact in a layer of this one.
    pub(super) fn holds(self, stored: &Stored) -> bool {
        match stored {
            Stored::F16 | Stored::Bf16 => true,
            Stored::F32 => self == Self::F32,
            Stored::F64 => self == Self::F64,
            Stored::Other(_) => false,
        }
    }
}
