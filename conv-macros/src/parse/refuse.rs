//! What to say about a value that is none: what the key takes, what was found, what to write instead.

use proc_macro2::{Delimiter, Literal};
use syn::Lit;

use super::key::Key;
use super::text::text;
use super::token::{Kind, Token};
use crate::wording::nearest;

/// `kernel_size takes an integer or (height, width), but got ..`.
fn rule(key: Key, found: &str) -> String {
    format!("{} takes {}, but got {found}", key.long(), key.takes())
}

/// Tokens that are not a single literal, where an integer is due.
pub(super) fn integer(tokens: &[Token], key: Key) -> String {
    let found = text(tokens);
    match tokens {
        [Token { kind: Kind::Ident(ident), .. }] if ident == "true" || ident == "false" => {
            rule(key, &format!("`{found}`; write a number"))
        }
        [Token { kind: Kind::Ident(word), .. }]
            if key == Key::Padding && (word == "same" || word == "valid") =>
        {
            rule(key, &format!("`{found}` for some sides; write it alone, for all of them"))
        }
        [Token { kind: Kind::Ident(_), .. }] => rule(
            key,
            &format!("the name `{found}`; no macro sees the value of a constant, write the number itself"),
        ),
        [only] => group(only, &found, key),
        [minus, Token { kind: Kind::Literal(_), .. }] if minus.is('-') => negative(&found, key),
        _ if !tokens.iter().all(is_number) => {
            rule(key, &format!("the expression `{found}`; no macro computes it, write the result itself"))
        }
        [_, _] if !key.takes_one() => {
            let [h, w] = [&tokens[..1], &tokens[1..]].map(text);
            rule(key, &format!("`{found}`; write `({h}, {w})`"))
        }
        _ => rule(key, &format!("`{found}`; write one number")),
    }
}

/// Whether a token may be a number.
fn is_number(token: &Token) -> bool {
    matches!(token.kind, Kind::Literal(_))
}

/// A group where an integer is due.
fn group(group: &Token, found: &str, key: Key) -> String {
    if let Some(inner) = group.group(Delimiter::Bracket) {
        return if key.takes_one() {
            rule(key, &format!("the array `{found}`; write one number"))
        } else {
            rule(key, &format!("the array `{found}`; write `({})`", text(inner)))
        };
    }
    if let Some(inner) = group.group(Delimiter::Brace) {
        return rule(key, &format!("a block; write `{}` without braces", text(inner)));
    }
    rule(key, &format!("`{found}`; write `{}`", key.example()))
}

/// A literal that is no integer.
pub(super) fn literal(literal: &Literal, key: Key) -> String {
    match Lit::new(literal.clone()) {
        Lit::Float(float) => match float.base10_digits().split_once('.') {
            Some((whole, fraction)) if fraction.chars().all(|digit| digit == '0') => {
                rule(key, &format!("the float `{literal}`; write `{whole}`"))
            }
            _ => rule(key, &format!("the float `{literal}`; write a whole number")),
        },
        Lit::Str(string) if string.value().parse::<usize>().is_ok() => {
            rule(key, &format!("the string `{literal}`; write `{}` without quotes", string.value()))
        }
        _ => rule(key, &format!("`{literal}`; write a number")),
    }
}

/// A negative number.
pub(super) fn negative(found: &str, key: Key) -> String {
    format!("{}, but got `{found}`; write {} or more", key.floor(), key.smallest())
}

/// An integer literal with a suffix that is no integer type.
pub(super) fn suffix(literal: &Literal, suffix: &str, key: Key) -> String {
    let number = literal.to_string();
    let number = number.strip_suffix(suffix).unwrap_or(&number);
    rule(key, &format!("`{literal}`, and `{suffix}` is no integer type; write `{number}`"))
}

/// An integer literal beyond its type.
pub(super) fn huge(literal: &Literal, suffix: &str, key: Key) -> String {
    let bound = if suffix.is_empty() { "usize" } else { suffix };
    let digits = literal.to_string().chars().count();
    let literal = match digits {
        0..=30 => format!("`{literal}`"),
        _ => format!("a number of {digits} digits"),
    };
    format!("{} must fit into {bound}, but got {literal}; write a smaller number", key.long())
}

/// A tuple of the wrong length.
pub(super) fn tuple(elements: &[&[Token]], tokens: &[Token], key: Key) -> String {
    let found = text(tokens);
    let rule = rule(key, &format!("`{found}`"));
    match elements {
        [] => format!("{rule}; write `{}`", key.example()),
        _ if elements.iter().any(|element| element.is_empty()) => {
            format!("{rule}; between the commas a number is missing")
        }
        [one] if key == Key::Input => format!("{rule}; write `({0}, {0})`", text(one)),
        [one] => format!("{rule}, a tuple of one; write `{0}` or `({0}, {0})`", text(one)),
        [_, _, _, _] if key == Key::Padding => format!("{rule}; write the four sides in pairs"),
        [_, h, w] if key == Key::Input => {
            format!("{rule}; write `({}, {})` without the channels", text(h), text(w))
        }
        _ => format!("{rule}, a tuple of {}; write two numbers", elements.len()),
    }
}

/// One number for an image.
pub(super) fn lone_size(size: usize, key: Key) -> String {
    rule(key, &format!("`{size}`; write `({size}, {size})`"))
}

/// A pair of a number and a pair.
pub(super) fn mixed_padding(tokens: &[Token], key: Key) -> String {
    rule(key, &format!("`{}`; write a pair for both directions or for neither", text(tokens)))
}

/// Something that is no word.
pub(super) fn word(tokens: &[Token], key: Key) -> String {
    rule(key, &format!("`{}`; write one of the words, as in `{}`", text(tokens), key.example()))
}

/// Something that is neither `true` nor `false`.
pub(super) fn boolean(tokens: &[Token], key: Key) -> String {
    let found = text(tokens);
    let plain = found.trim_matches(['"', '\'']).to_lowercase();
    let meant = match plain.as_str() {
        "0" | "none" | "no" | "off" | "null" => Some("false"),
        "1" | "yes" | "on" | "some" => Some("true"),
        _ => nearest(&plain, ["true", "false"]),
    };
    match meant {
        Some(meant) => rule(key, &format!("`{found}`; write `{}: {meant}`", key.long())),
        None => rule(key, &format!("`{found}`; write one of the two words")),
    }
}

/// Something that is no string.
pub(super) fn string(tokens: &[Token], key: Key) -> String {
    let found = text(tokens);
    match tokens {
        [Token { kind: Kind::Ident(_), .. }] => rule(key, &format!("`{found}`; write `\"{found}\"`")),
        _ => rule(key, &format!("`{found}`; write it as in `{}`", key.example())),
    }
}

/// Something that is neither weights nor a path.
pub(super) fn weights(tokens: &[Token], key: Key) -> String {
    let remedy = match tokens {
        [Token { kind: Kind::Ident(_), .. }] => "no macro sees the value of a constant, write its numbers",
        [only, ..]
            if only.is_word("include_bytes") || only.is_word("include_str") || only.is_word("include") =>
        {
            "write the path alone, the macro reads the file"
        }
        _ => "write them as `[[[[1, 2]]]]`, or a file as `\"conv.safetensors\"`",
    };
    rule(key, &format!("`{}`; {remedy}", text(tokens)))
}

/// Something that is no number, among the numbers of an array.
pub(super) fn number(tokens: &[Token], key: Key) -> String {
    let found = text(tokens);
    let rule = format!("the arrays of {} hold numbers, but got", key.long());
    match tokens {
        [Token { kind: Kind::Ident(_), .. }] => {
            format!(
                "{rule} the name `{found}`; no macro sees the value of a constant, write the number itself"
            )
        }
        [only] if only.group(Delimiter::Parenthesis).is_some() || only.group(Delimiter::Brace).is_some() => {
            format!("{rule} `{found}`; write arrays in square brackets")
        }
        [Token { kind: Kind::Literal(_), .. }] => format!("{rule} `{found}`; write a number"),
        _ if tokens.iter().any(|token| token.is(';')) => {
            format!("{rule} `{found}`; write every element")
        }
        _ if tokens.iter().all(is_element) && tokens.iter().filter(|token| !token.is('-')).count() > 1 => {
            format!("{rule} `{found}`; write commas between them")
        }
        _ => format!("{rule} the expression `{found}`; no macro computes it, write the result itself"),
    }
}

/// Whether a token can stand alone in an array, or is the sign of one that can.
fn is_element(token: &Token) -> bool {
    is_number(token) || token.is('-') || token.group(Delimiter::Bracket).is_some()
}

/// Something that is no path.
pub(super) fn path(tokens: &[Token], key: Key) -> String {
    let remedy = match tokens {
        [Token { kind: Kind::Literal(literal), .. }] if literal.to_string().contains('"') => {
            "write it without quotes, as in"
        }
        _ => "write names with `::` between them, as in",
    };
    rule(key, &format!("`{}`; {remedy} `{}`", text(tokens), key.example()))
}
