//! Weights and biases: numbers in nested arrays, the path of a file, or whether there are any.
//!
//! What shape the arrays should have is for `check` to say; here every element is read, and each that is
//! no number is one mistake.

use proc_macro2::Delimiter;
use syn::Lit;

use super::args::{BiasArg, Number, Numbers, Spanned, WeightsArg};
use super::key::Key;
use super::refuse;
use super::token::{Kind, Token};
use super::value::{place, quoted, unparen};
use crate::error::Errors;

/// Weights: nested arrays, or the path of a file.
pub(super) fn weights(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<WeightsArg>> {
    let spot = place(tokens);
    let tokens = unparen(tokens);
    let value = match (array(tokens), quoted(tokens)) {
        (Some(elements), _) => WeightsArg::Numbers(Numbers::Array(list(elements, key, errors)?)),
        (None, Some(path)) => WeightsArg::File(path),
        (None, None) => {
            errors.push(spot, refuse::weights(tokens, key));
            return None;
        }
    };
    Some(Spanned { value, spot })
}

/// A bias: `true`, `false`, or an array.
pub(super) fn bias(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<BiasArg>> {
    let spot = place(tokens);
    let value = match unparen(tokens) {
        [only] if only.is_word("true") => BiasArg::Flag(true),
        [only] if only.is_word("false") => BiasArg::Flag(false),
        inner => {
            let Some(elements) = array(inner) else {
                errors.push(spot, refuse::boolean(tokens, key));
                return None;
            };
            BiasArg::Numbers(Numbers::Array(list(elements, key, errors)?))
        }
    };
    Some(Spanned { value, spot })
}

/// The tokens inside square brackets.
fn array(tokens: &[Token]) -> Option<&[Token]> {
    let [only] = tokens else { return None };
    only.group(Delimiter::Bracket)
}

/// The elements between the commas, one at the end allowed. All of them are read, also after a mistake.
fn list(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Vec<Spanned<Numbers>>> {
    let mut elements: Vec<_> = tokens.split(|token| token.is(',')).collect();
    elements.pop_if(|last| last.is_empty());
    let before = errors.count();
    let mut list = Vec::with_capacity(elements.len());
    for (at, &element) in elements.iter().enumerate() {
        if element.is_empty() {
            let comma = tokens.iter().filter(|token| token.is(',')).nth(at);
            let spot = place(comma.map_or(tokens, std::slice::from_ref));
            errors.push(spot, format!("the arrays of {} have a number between commas", key.long()));
            continue;
        }
        list.extend(self::element(element, key, errors));
    }
    (errors.count() == before).then_some(list)
}

/// A number or an array.
fn element(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<Numbers>> {
    let spot = place(tokens);
    let tokens = unparen(tokens);
    if let Some(inner) = array(tokens) {
        return Some(Spanned { value: Numbers::Array(list(inner, key, errors)?), spot });
    }
    let number = match tokens {
        [Token { kind: Kind::Literal(literal), .. }] => number(literal, false),
        [minus, Token { kind: Kind::Literal(literal), .. }] if minus.is('-') => number(literal, true),
        _ => None,
    };
    if number.is_none() {
        errors.push(spot, refuse::number(tokens, key));
    }
    Some(Spanned { value: Numbers::One(number?), spot })
}

/// A literal as a number; none if it is a string, or the like.
fn number(literal: &proc_macro2::Literal, is_negative: bool) -> Option<Number> {
    let (digits, suffix, is_integer) = match Lit::new(literal.clone()) {
        Lit::Int(integer) => (integer.base10_digits().to_owned(), integer.suffix().to_owned(), true),
        Lit::Float(float) => (float.base10_digits().to_owned(), float.suffix().to_owned(), false),
        _ => return None,
    };
    let digits = match (digits.strip_prefix('-'), is_negative) {
        (Some(positive), true) => positive.to_owned(),
        (None, true) => format!("-{digits}"),
        (_, false) => digits,
    };
    Some(Number { digits, is_integer, suffix })
}
