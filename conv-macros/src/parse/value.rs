//! Values: integers, pairs, paddings, words, strings and paths.
//!
//! Every function takes the non-empty tokens of a value and gives the value, or nothing after it has
//! pushed exactly one error for each mistake. What to say about a mistake is in [`super::refuse`].

use proc_macro2::{Delimiter, TokenStream};
use quote::{ToTokens, quote};
use syn::{Lit, Path, parse::Parser};

use super::args::{PaddingArg, Pair, Sides, Spanned};
use super::key::Key;
use super::refuse;
use super::token::{Kind, Token, spot, unraw};
use crate::error::{Errors, Spot};

/// The values between the commas of a tuple; nothing if the tokens are no tuple.
fn tuple(tokens: &[Token]) -> Option<Vec<&[Token]>> {
    let [only] = tokens else { return None };
    let inner = only.group(Delimiter::Parenthesis)?;
    if !inner.is_empty() && !inner.iter().any(|token| token.is(',')) {
        return None;
    }
    let mut elements: Vec<&[Token]> = inner.split(|token| token.is(',')).collect();
    elements.pop_if(|last| last.is_empty());
    Some(elements)
}

/// The tokens without parentheses around a single value: `(3)` is 3.
pub(super) fn unparen(mut tokens: &[Token]) -> &[Token] {
    while let [only] = tokens
        && let Some(inner) = only.group(Delimiter::Parenthesis)
        && tuple(tokens).is_none()
    {
        tokens = inner;
    }
    tokens
}

/// The place of a value, which has at least one token.
pub(super) fn place(tokens: &[Token]) -> Spot {
    spot(tokens).unwrap_or_else(Spot::call_site)
}

/// One integer.
pub(super) fn integer(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<usize>> {
    let spot = place(tokens);
    let tokens = unparen(tokens);
    let value = match tokens {
        [Token { kind: Kind::Literal(literal), .. }] => literal_integer(literal, key),
        _ => Err(refuse::integer(tokens, key)),
    };
    match value {
        Ok(value) => Some(Spanned { value, spot }),
        Err(message) => {
            errors.push(spot, message);
            None
        }
    }
}

/// An integer literal of any radix and type.
fn literal_integer(literal: &proc_macro2::Literal, key: Key) -> Result<usize, String> {
    let Lit::Int(integer) = Lit::new(literal.clone()) else {
        return Err(refuse::literal(literal, key));
    };
    if integer.base10_digits().starts_with('-') {
        return Err(refuse::negative(&literal.to_string(), key));
    }
    let largest = match integer.suffix() {
        "u8" => u8::MAX as usize,
        "i8" => i8::MAX as usize,
        "u16" => u16::MAX as usize,
        "i16" => i16::MAX as usize,
        "u32" => u32::MAX as usize,
        "i32" => i32::MAX as usize,
        "i64" | "isize" | "i128" => isize::MAX as usize,
        "" | "u64" | "usize" | "u128" => usize::MAX,
        suffix => return Err(refuse::suffix(literal, suffix, key)),
    };
    let value = integer.base10_digits().parse().ok().filter(|&value| value <= largest);
    value.ok_or_else(|| refuse::huge(literal, integer.suffix(), key))
}

/// An integer for both directions, or one for each.
pub(super) fn pair(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<Pair>> {
    let spot = place(tokens);
    let tokens = unparen(tokens);
    let value = match tuple(tokens) {
        Some(elements) => elements_pair(&elements, tokens, key, errors)?,
        None => Pair::both(&integer(tokens, key, errors)?),
    };
    Some(Spanned { value, spot })
}

/// The two integers of a tuple.
fn elements_pair(elements: &[&[Token]], tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Pair> {
    match *elements {
        [h, w] if !h.is_empty() && !w.is_empty() => {
            let (h, w) = (integer(h, key, errors), integer(w, key, errors));
            Some(Pair { h: h?, w: w? })
        }
        _ => {
            errors.push(place(tokens), refuse::tuple(elements, tokens, key));
            None
        }
    }
}

/// A height and a width, both written out.
pub(super) fn size(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<Pair>> {
    let inner = unparen(tokens);
    if tuple(inner).is_some() {
        return pair(tokens, key, errors);
    }
    let side = integer(inner, key, errors)?;
    errors.push(side.spot, refuse::lone_size(side.value, key));
    None
}

/// A padding: an integer, a pair, a pair of pairs, or a word.
pub(super) fn padding(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<PaddingArg>> {
    let spot = place(tokens);
    let tokens = unparen(tokens);
    if let Some(word) = single_word(tokens) {
        return Some(Spanned { value: PaddingArg::Word(word), spot });
    }
    let elements = tuple(tokens).unwrap_or_default();
    let inner: Vec<_> = elements.iter().filter_map(|element| tuple(unparen(element))).collect();
    let sides = match (inner.as_slice(), elements.as_slice()) {
        ([], _) => Sides::symmetric(pair(tokens, key, errors)?.value),
        ([vertical, horizontal], [v, h]) => {
            let vertical = elements_pair(vertical, unparen(v), key, errors);
            let horizontal = elements_pair(horizontal, unparen(h), key, errors);
            let (Pair { h: top, w: bottom }, Pair { h: left, w: right }) = (vertical?, horizontal?);
            Sides { top, bottom, left, right }
        }
        _ => {
            errors.push(spot, refuse::mixed_padding(tokens, key));
            return None;
        }
    };
    Some(Spanned { value: PaddingArg::Sides(sides), spot })
}

/// A word, bare or quoted.
fn single_word(tokens: &[Token]) -> Option<String> {
    match tokens {
        [Token { kind: Kind::Ident(ident), .. }] => Some(unraw(ident)),
        _ => quoted(tokens),
    }
}

/// A word, bare or quoted. Whether it is one of the key's is for `check` to say.
pub(super) fn word(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<String>> {
    let spot = place(tokens);
    let value = single_word(unparen(tokens));
    if value.is_none() {
        errors.push(spot, refuse::word(tokens, key));
    }
    Some(Spanned { value: value?, spot })
}

/// A string in quotes.
pub(super) fn string(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<String>> {
    let spot = place(tokens);
    let value = quoted(unparen(tokens));
    if value.is_none() {
        errors.push(spot, refuse::string(tokens, key));
    }
    Some(Spanned { value: value?, spot })
}

/// The content of a single string.
pub(super) fn quoted(tokens: &[Token]) -> Option<String> {
    match tokens {
        [Token { kind: Kind::Literal(literal), .. }] => match Lit::new(literal.clone()) {
            Lit::Str(string) if string.suffix().is_empty() => Some(string.value()),
            _ => None,
        },
        _ => None,
    }
}

/// A path without generic arguments.
pub(super) fn path(tokens: &[Token], key: Key, errors: &mut Errors) -> Option<Spanned<TokenStream>> {
    let spot = place(tokens);
    let Ok(path) = Path::parse_mod_style.parse2(quote!(#(#tokens)*)) else {
        errors.push(spot, refuse::path(tokens, key));
        return None;
    };
    Some(Spanned { value: path.into_token_stream(), spot })
}
